"""Texts encoded in batches of one length: on the processor here, on a card with `-m gpu`."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")
tokenizers = pytest.importorskip("tokenizers")

from sentence_transformers import SentenceTransformer  # noqa: E402

from clippings import wrap_encoder  # noqa: E402
from clippings.text import gpu_encoder  # noqa: E402
from clippings.text.gpu_encoder import GpuTextEncoder, NotSupportedError  # noqa: E402
from clippings.text.word_tokens import WordTokens  # noqa: E402
from tests import tiny_model  # noqa: E402

ON = [pytest.param("cpu"), pytest.param("cuda", marks=pytest.mark.gpu)]


def texts(n: int, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    words = ["acme", "Steel", "co.", "日本", "製鉄", "Ürün", "a-b", "x", "international", "&", "é", "🙂"]
    made = [" ".join(draw.choice(words) for _ in range(draw.randrange(1, 9))) for _ in range(n)]
    return [*made, "", "   ", "word " * 300, "[SEP] a"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model.make_base(tmp_path_factory.mktemp("base")))


def model(base: str, device: str, pooling: str = "mean", **more: Any) -> SentenceTransformer:
    try:  # where version 6 has them
        from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
    except ImportError:
        from sentence_transformers.models import Dense, Normalize, Pooling, Transformer

    reader = Transformer(base, max_seq_length=16)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        modules = [reader, Pooling(32, pooling_mode=pooling), Dense(32, 24), Normalize()]
    return SentenceTransformer(modules=modules, device=device, **more)


@pytest.mark.parametrize("device", ON)
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_vectors_are_those_of_the_model(base: str, device: str, pooling: str) -> None:
    theirs = model(base, device, pooling)
    some = texts(3000)
    ours = GpuTextEncoder(theirs, some)
    assert ours.precision == ("float16" if device == "cuda" else "float32")
    seen: list[int] = []
    found = ours.encode(some, seen.append)
    want = theirs.encode(some, show_progress_bar=False)
    assert found.dtype == np.float32 and sum(seen) == len(some)
    assert np.abs(found - want).max() < (1e-3 if device == "cuda" else 1e-5)
    assert ours.encode([]).shape[0] == 0


@pytest.mark.parametrize("device", ON)
def test_chunks_and_batches_change_nothing(base: str, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    some = texts(400)
    ours = GpuTextEncoder(model(base, device), some)
    want = ours.encode(some)
    for name, value in {"FIRST": 3, "CHUNK": 50, "BATCH": 40, "FEW": 30}.items():
        monkeypatch.setattr(gpu_encoder, name, value)
    assert np.abs(ours.encode(some) - want).max() < (1e-3 if device == "cuda" else 1e-5)


def test_batches_hold_every_text_once_and_rarely_padding() -> None:
    length = np.random.default_rng(0).geometric(0.1, 20_000) + 1
    batches = list(gpu_encoder._batches(length))
    assert np.sort(np.concatenate([batch.texts for batch in batches])).tolist() == list(range(20_000))
    for batch in batches:
        own = length[batch.texts]
        assert own.max() == batch.tokens and (batch.padded or (own == batch.tokens).all())
    padded = sum(len(batch.texts) * batch.tokens - length[batch.texts].sum() for batch in batches)
    assert padded < 0.02 * length.sum()


def test_models_of_other_kinds_are_left_to_their_own_encode(base: str) -> None:
    with pytest.raises(NotSupportedError, match="prompt"):
        GpuTextEncoder(model(base, "cpu", prompts={"q": "query: "}, default_prompt_name="q"), ["a"])
    theirs = model(base, "cpu")
    own = theirs.encode
    theirs.encode = lambda *some, **more: own(*some, **more) + 0.1  # type: ignore[method-assign]
    with pytest.raises(NotSupportedError, match="differ"):
        GpuTextEncoder(theirs, texts(20))


def test_many_texts_on_a_card_go_this_way(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = model(base, "cpu")
    some = [*texts(60), "lone \ud800 surrogate"]
    plain = wrap_encoder(theirs).encode(some)
    monkeypatch.setattr(gpu_encoder, "MANY", 10)
    monkeypatch.setattr(gpu_encoder, "on_gpu", lambda model: True)
    encoder = wrap_encoder(theirs)
    assert np.abs(encoder.encode(some) - plain).max() < 1e-5
    assert encoder.note == "on the GPU in float32, batches of one length" and encoder.dim == 24

    def too_large(self: Any, texts: Any, progress: Any = None) -> Any:
        made = plain[: len(texts)].copy()
        made[3] = np.inf
        return made

    monkeypatch.setattr(GpuTextEncoder, "encode", too_large)
    assert np.abs(encoder.encode(some) - plain).max() < 1e-5
    prompted = wrap_encoder(model(base, "cpu", prompts={"q": "query: "}, default_prompt_name="q"))
    assert prompted.encode(some).shape == (len(some), 24)
    assert prompted.note is not None and "prompt" in prompted.note


ALPHABET = "ab c  \t\n\x1c\x00日本é́[MASK]Ǆß.-,'\u3000\u00a0😀"


@pytest.mark.parametrize("longest", [None, 2, 5, 16])
def test_tokens_by_word_are_those_of_the_tokenizer(base: str, longest: int | None) -> None:
    tokenizer = tokenizers.Tokenizer.from_file(f"{base}/tokenizer.json")
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    draw = random.Random(0)
    some = ["".join(draw.choice(ALPHABET) for _ in range(draw.randrange(30))) for _ in range(2000)]
    some += ["", " ", "  a", "x " * 40, "[CLS] a [SEP]", "[MA SK]"]
    ours = WordTokens(tokenizer, longest)
    assert ours.by_word
    found = ours(some)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if longest is not None:
        tokenizer.enable_truncation(max_length=longest)
    want = [one.ids for one in tokenizer.encode_batch(some)]
    ids = [found.ids[at : at + n].tolist() for at, n in zip(found.start, found.length, strict=True)]
    assert ids == want
    whole = WordTokens(tokenizer, longest)
    whole.by_word = False
    assert (whole(some).ids == found.ids).all() and (whole(some).length == found.length).all()
    assert len(ours([]).ids) == 0


def test_tokenizers_whose_words_are_not_apart_read_whole_texts(base: str) -> None:
    tokenizer = tokenizers.Tokenizer.from_file(f"{base}/tokenizer.json")
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    assert not WordTokens(tokenizer).by_word


@pytest.mark.gpu
@pytest.mark.parametrize("length", [1, 2, 7, 8, 33, 64, 65])
@pytest.mark.parametrize("width", [16, 24, 32, 64])
def test_attention_of_short_texts_is_attention(length: int, width: int) -> None:
    from clippings.layers import short_attention

    draw = torch.Generator("cuda").manual_seed(0)
    parts = [
        torch.randn(37, length, 3, width, device="cuda", generator=draw).half().transpose(1, 2)
        for _ in range(3)
    ]
    for causal in (False, True):
        layer = torch.nn.Module()
        layer.is_causal = causal
        found, _ = short_attention.attention(layer, *parts, None, scaling=width**-0.5)
        every = [part.float() for part in parts]
        want = torch.nn.functional.scaled_dot_product_attention(*every, is_causal=causal)
        assert (found.float() - want.transpose(1, 2)).abs().max() < 5e-3
