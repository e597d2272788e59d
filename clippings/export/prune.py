"""A smaller text model: the word pieces of its vocabulary that names need, and some of its layers.

A multilingual model of 100,000,000 weights has four fifths of them in its table of word pieces, of which
the names of one job use few. Text with dropped pieces is tokenized into the remaining ones, in the end into
the bytes of a character, so that no text becomes unknown (A. Abdaoui et al., Load What You Need, 2020, with
the bytes of T. Kudo and J. Richardson, SentencePiece, 2018). Layers are dropped evenly, as with the initial
weights of small students (V. Sanh et al., DistilBERT, 2019). torch is not needed.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clippings.arrays import Integers
from clippings.errors import EncoderError
from clippings.export.record_export import narrowed

__all__ = ["byte_pieces", "kept_layers", "kept_pieces", "pack", "prune", "prune_tokenizer", "unpack"]

TABLE = "embeddings.word_embeddings.weight"
LAYER = "encoder.layer."
WEIGHTS, PACKED = "model.safetensors", "packed.safetensors"
SPACE = "\u2581"  # what a piece has in the place of a space
BESIDE = 20.0  # how far the score of a byte lies below the lowest one: any piece goes before it
AT_ONCE = 8192  # texts
POOLING = {
    "word_embedding_dimension": 0, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
    "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False,
}  # fmt: skip
Spec = dict[str, Any]  # of a JSON file of transformers
Array = npt.NDArray[Any]


def byte_pieces() -> list[str]:
    """The names of the 256 bytes as pieces of a vocabulary, from "<0x00>" to "<0xFF>"."""
    return [f"<0x{byte:02X}>" for byte in range(256)]


def kept_pieces(spec: Spec, texts: Iterable[str], size: int) -> Integers:
    """The pieces to keep: those of one character, then those most used in `texts`; sorted numbers, int64.

    `spec` is the content of a tokenizer.json of the kind "Unigram"; `size` includes the 256 bytes. It
    raises `EncoderError` for another kind, or if `size` has no room for single characters.
    """
    vocabulary = _unigram(spec)
    special = {int(item["id"]) for item in spec.get("added_tokens", ())}
    single = {
        number for number, (piece, _) in enumerate(vocabulary) if len(piece.removeprefix(SPACE)) <= 1
    } | special
    room = size - 256 - len(single)
    if room < 0:
        raise EncoderError(
            f"A vocabulary has to have room for bytes and single characters. Given: size={size}. Give at "
            f"least {256 + len(single)}."
        )
    tokenizer = import_module("tokenizers").Tokenizer.from_str(json.dumps(spec))
    counts = np.zeros(len(vocabulary), dtype=np.int64)
    remaining = iter(texts)
    while part := list(itertools.islice(remaining, AT_ONCE)):
        for encoding in tokenizer.encode_batch_fast(part, add_special_tokens=False):
            np.add.at(counts, encoding.ids, 1)
    counts[list(single)] = 0
    order = np.lexsort((np.arange(len(counts)), -counts))  # ties to the lower number
    used = order[: min(room, int((counts > 0).sum()))]
    return np.unique(np.concatenate([used, np.array(sorted(single), dtype=np.int64)]))


def prune_tokenizer(spec: Spec, keep: Integers) -> Spec:
    """A tokenizer.json of the pieces `keep` (sorted numbers, the unknown one included) and the bytes."""
    vocabulary = _unigram(spec)
    place = {int(old): new for new, old in enumerate(keep.tolist())}
    pruned: Spec = copy.deepcopy(dict(spec))
    lowest = min(score for _, score in vocabulary) - BESIDE
    pruned["model"]["vocab"] = [
        *(vocabulary[old] for old in keep.tolist()),
        *([piece, lowest] for piece in byte_pieces()),
    ]
    pruned["model"]["unk_id"] = place[spec["model"]["unk_id"]]
    pruned["model"]["byte_fallback"] = True
    pruned["added_tokens"] = [
        {**item, "id": place[item["id"]]} for item in spec.get("added_tokens", ()) if item["id"] in place
    ]
    for item in (pruned.get("post_processor") or {}).get("special_tokens", {}).values():
        item["ids"] = [place[old] for old in item["ids"]]
    return pruned


def kept_layers(n_layers: int, n_kept: int) -> list[int]:
    """Evenly spread layers, the first and the last among them.

    Example:
        >>> kept_layers(12, 4), kept_layers(12, 2), kept_layers(12, 1)
        ([0, 4, 7, 11], [0, 11], [11])
    """
    if not 1 <= n_kept <= n_layers:
        raise EncoderError(
            f"Of {n_layers} layers 1 to {n_layers} can be kept. Given: {n_kept}. Give as many."
        )
    if n_kept == 1:
        return [n_layers - 1]
    return [int(at) for at in np.floor(np.linspace(0, n_layers - 1, n_kept) + 0.5)]


def prune(
    base: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    keep: Integers | None = None,
    layers: int | None = None,
) -> Path:
    """Write a BERT-like model with fewer pieces and layers as a sentence-transformers folder.

    Args:
        base: A folder of transformers: config.json, model.safetensors, tokenizer.json.
        folder: A folder to be made or filled.
        keep: Pieces that stay, see `kept_pieces`; None keeps all.
        layers: How many layers stay; None for all.

    Returns:
        The folder. Its vectors are means over tokens, of length one.

    Raises:
        EncoderError: The folder lacks a file, the tokenizer is of another kind, or there are not so many
            layers.
    """
    source, root = Path(base), Path(folder)
    _complete(source, WEIGHTS)
    numpy = import_module("safetensors.numpy")
    tensors: dict[str, Array] = numpy.load_file(source / WEIGHTS)
    config = json.loads((source / "config.json").read_text("utf-8"))
    spec = json.loads((source / "tokenizer.json").read_text("utf-8"))
    tokenizer = json.loads((source / "tokenizer_config.json").read_text("utf-8"))
    if keep is not None:
        spec = prune_tokenizer(spec, keep)
        tensors[TABLE] = _table(tensors[TABLE], keep)
        config["vocab_size"] = len(tensors[TABLE])
        numbers = {piece: at for at, (piece, _) in enumerate(spec["model"]["vocab"])}
        for name in ("pad", "bos", "eos"):
            if tokenizer.get(f"{name}_token") in numbers:
                config[f"{name}_token_id"] = numbers[tokenizer[f"{name}_token"]]
    if layers is not None:
        numbered = kept_layers(int(config["num_hidden_layers"]), layers)
        tensors = _of_layers(tensors, numbered)
        config["num_hidden_layers"] = layers
    root.mkdir(parents=True, exist_ok=True)
    numpy.save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, root / WEIGHTS)
    _describe(root, config, spec, tokenizer)
    return root


def pack(base: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Path:
    """Write a model's folder with its matrices in 8 bits, a quarter of the size; `unpack` undoes it.

    Weights are off by up to 1/254 of a row's largest.
    """
    source, root = Path(base), Path(folder)
    _complete(source, WEIGHTS)
    numpy = import_module("safetensors.numpy")
    packed: dict[str, Array] = {}
    for name, value in numpy.load_file(source / WEIGHTS).items():
        if value.ndim < 2 or value.dtype.kind != "f":
            packed[name] = value.astype(np.float16) if value.dtype.kind == "f" else value
            continue
        numbers, scale = narrowed(value.astype(np.float32), "int8")
        packed[name] = numbers
        packed[f"{name}:scale"] = np.asarray(scale)
    _copy(source, root)
    numpy.save_file(packed, root / PACKED)
    return root


def unpack(base: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Path:
    """Write a packed model as an ordinary sentence-transformers folder with float32 weights."""
    source, root = Path(base), Path(folder)
    _complete(source, PACKED)
    numpy = import_module("safetensors.numpy")
    packed: dict[str, Array] = numpy.load_file(source / PACKED)
    tensors = {}
    for name, value in packed.items():
        if not name.endswith(":scale"):
            scale = packed.get(f"{name}:scale")
            tensors[name] = value if value.dtype.kind != "f" and scale is None else value.astype(np.float32)
            if scale is not None:
                tensors[name] *= scale
    _copy(source, root)
    numpy.save_file(tensors, root / WEIGHTS)
    return root


def _complete(folder: Path, weights: str) -> None:
    needed = (weights, "config.json", "tokenizer.json", "tokenizer_config.json")
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise EncoderError(
            f"There is no such model. Given: {str(folder)!r}, without {missing}. Give a folder with "
            f"{', '.join(needed)}."
        )


def _unigram(spec: Spec) -> Sequence[tuple[str, float]]:
    kind = spec.get("model", {}).get("type")
    if kind != "Unigram":
        raise EncoderError(
            f"A vocabulary of the kind Unigram can be made smaller. Given: {kind!r}. Use the model as it is."
        )
    vocabulary: Sequence[tuple[str, float]] = spec["model"]["vocab"]
    return vocabulary


def _table(table: Array, keep: Integers) -> Array:
    """The rows that stay, and rows of the bytes: the mean row plus noise."""
    draw = np.random.default_rng(0)
    rows = table[keep].astype(np.float32)
    fresh = rows.mean(axis=0) + 0.5 * rows.std(axis=0) * draw.standard_normal((256, rows.shape[1]))
    return np.concatenate([rows, fresh.astype(np.float32)]).astype(table.dtype)


def _of_layers(tensors: Mapping[str, Array], numbered: Sequence[int]) -> dict[str, Array]:
    place = {str(old): str(new) for new, old in enumerate(numbered)}
    selected = {}
    for name, value in tensors.items():
        if name.startswith(LAYER):
            number, _, rest = name.removeprefix(LAYER).partition(".")
            if number in place:
                selected[f"{LAYER}{place[number]}.{rest}"] = value
        else:
            selected[name] = value
    return selected


def _describe(root: Path, config: Spec, spec: Spec, tokenizer: Spec) -> None:
    """Write the small files of a sentence-transformers folder."""
    size = int(config["hidden_size"])
    config.pop("dtype", None)
    config.pop("torch_dtype", None)
    kinds = ("Transformer", "Pooling", "Normalize")
    modules = [
        {"idx": at, "name": str(at), "path": "" if at == 0 else f"{at}_{kind}",
         "type": f"sentence_transformers.models.{kind}"}
        for at, kind in enumerate(kinds)
    ]  # fmt: skip
    files: dict[str, Any] = {
        "config.json": config,
        "tokenizer_config.json": tokenizer,
        "modules.json": modules,
        # a pooler would be made of random weights, and is not used
        "sentence_bert_config.json": {
            "max_seq_length": min(128, int(config.get("max_position_embeddings", 128))),
            "do_lower_case": False,
            "model_args": {"add_pooling_layer": False},
        },
        "1_Pooling/config.json": {**POOLING, "word_embedding_dimension": size},
    }
    for name, value in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    (root / "2_Normalize").mkdir(exist_ok=True)
    whole = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
    (root / "tokenizer.json").write_text(whole, encoding="utf-8")


def _copy(source: Path, root: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file() and path.suffix != ".safetensors":
            to = root / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(path.read_bytes())
    (root / "2_Normalize").mkdir(parents=True, exist_ok=True)
