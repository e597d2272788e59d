"""A smaller vocabulary writes every text still, layers are those asked for, and packed weights come back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from clippings.errors import EncoderError
from clippings.export.prune import TABLE, kept_layers, kept_pieces, pack, prune, prune_tokenizer, unpack

PIECES = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    "▁tea",
    "▁coffee",
    "▁green",
    "tea",
    "een",
    *"aceefghnortx",
    "茶",
]


def spec() -> dict:
    vocabulary = [[piece, -1.0 - number / 10 - (len(piece) < 3)] for number, piece in enumerate(PIECES)]
    ends = {name: {"id": name, "ids": [PIECES.index(name)], "tokens": [name]} for name in ("<s>", "</s>")}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    wrap = [{"SpecialToken": {"id": name, "type_id": 0}} for name in ("<s>", "</s>")]
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": number, "content": PIECES[number], "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True} for number in range(4)
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {"type": "TemplateProcessing", "single": [wrap[0], text, wrap[1]], "pair": [text],
                           "special_tokens": ends},
        "decoder": None,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocabulary, "byte_fallback": False},
    }  # fmt: skip


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    draw = np.random.default_rng(1)
    tensors = {TABLE: draw.normal(size=(len(PIECES), 8)).astype(np.float16)}
    for layer in range(4):
        tensors[f"encoder.layer.{layer}.output.dense.weight"] = np.full((8, 8), layer, np.float16)
        tensors[f"encoder.layer.{layer}.output.dense.bias"] = np.full(8, layer, np.float16)
    save_file(tensors, folder / "model.safetensors")
    config = {"hidden_size": 8, "num_hidden_layers": 4, "vocab_size": len(PIECES), "pad_token_id": 1}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(spec()))
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "<pad>", "bos_token": "<s>"}))
    return folder


def test_the_most_used_pieces_and_all_single_ones_are_kept() -> None:
    single = {at for at, piece in enumerate(PIECES) if len(piece.lstrip("▁")) <= 1} | {0, 1, 2, 3}
    keep = kept_pieces(spec(), ["green tea", "green tea", "coffee"], 256 + len(single) + 2)
    assert {PIECES[at] for at in set(keep.tolist()) - single} == {"▁tea", "▁green"}
    assert single <= set(keep.tolist())
    with pytest.raises(EncoderError, match="room"):
        kept_pieces(spec(), [], 256)
    with pytest.raises(EncoderError, match="Unigram"):
        kept_pieces({"model": {"type": "BPE"}}, [], 1000)


def test_no_text_becomes_unknown_and_known_ones_keep_their_pieces() -> None:
    whole = Tokenizer.from_str(json.dumps(spec()))
    keep = kept_pieces(spec(), ["green tea"], 4000)
    small = Tokenizer.from_str(json.dumps(prune_tokenizer(spec(), keep)))
    assert 3 in whole.encode("tea 犬").ids
    assert small.encode("green tea").tokens == whole.encode("green tea").tokens
    assert small.encode("green tea").tokens[0] == "<s>" and "▁coffee" not in small.get_vocab()
    assert small.encode("coffee").tokens == ["<s>", "▁", *"coffee", "</s>"]
    assert small.encode("犬").tokens == ["<s>", "▁", "<0xE7>", "<0x8A>", "<0xAC>", "</s>"]
    assert 3 not in small.encode("🫠 \u0f00 犬").ids


def test_rows_follow_their_pieces_and_layers_their_numbers(base: Path, tmp_path: Path) -> None:
    keep = kept_pieces(spec(), ["green tea"], 4000)
    made = prune(base, tmp_path / "made", keep=keep, layers=3)
    before, after = load_file(base / "model.safetensors"), load_file(made / "model.safetensors")
    assert np.array_equal(after[TABLE][: len(keep)], before[TABLE][keep])
    assert (
        len(after[TABLE]) == len(keep) + 256 == json.loads((made / "config.json").read_text())["vocab_size"]
    )
    kept = [after[f"encoder.layer.{layer}.output.dense.weight"][0, 0] for layer in range(3)]
    assert kept == kept_layers(4, 3) == [0, 2, 3] and len(after) == 7
    small = Tokenizer.from_file(str(made / "tokenizer.json"))
    place = small.token_to_id("▁tea")
    assert np.array_equal(after[TABLE][place], before[TABLE][PIECES.index("▁tea")])
    config = json.loads((made / "config.json").read_text())
    assert config["num_hidden_layers"] == 3 and config["pad_token_id"] == small.token_to_id("<pad>")
    with pytest.raises(EncoderError, match="5"):
        kept_layers(4, 5)


def test_packed_weights_come_back(base: Path, tmp_path: Path) -> None:
    packed = pack(base, tmp_path / "packed")
    again = load_file(unpack(packed, tmp_path / "again") / "model.safetensors")
    before = load_file(base / "model.safetensors")
    assert again.keys() == before.keys() and all(value.dtype == np.float32 for value in again.values())
    largest = np.abs(before[TABLE].astype(np.float32)).max(axis=1, keepdims=True)
    assert (np.abs(again[TABLE] - before[TABLE]) <= largest.max() / 127).all()
    assert not np.array_equal(again[TABLE], before[TABLE])
    assert (tmp_path / "again/tokenizer.json").read_text() == (base / "tokenizer.json").read_text()


@pytest.mark.parametrize("made", [prune, pack, unpack])
def test_a_folder_without_a_model_is_named_and_nothing_is_written(made, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"nowhere.*safetensors"):
        made(tmp_path / "nowhere", tmp_path / "to")
    assert not (tmp_path / "to").exists()
