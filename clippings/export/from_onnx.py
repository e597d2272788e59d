"""A graph of `text_export` as a model that can be trained: its weights, out of the bytes, in torch.

A graph has the weights of sums and norms under the names that torch gave them; a matrix of a product has
none, but the product is called by the place where it stood. Where the products are in 8 bits the weights are
what these stand for, so that the model gives the vectors of the graph, and no others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from clippings.errors import EncoderError, MissingPackageError
from clippings.export.quantize import ZERO
from clippings.quiet import no_bars
from clippings.text.onnx_encoder import OnnxTextEncoder
from clippings.text.text_encoder import as_vectors
from clippings.torch_import import need_torch
from model_hub import ModelFolder

__all__ = ["CONFIG", "TOKENS", "thaw"]

TOKENS = "tokens.json"  # a graph beside which this stands can be made a model again
CONFIG = "config.json"  # with TOKENS what a graph does not say of its model
ROOT = "body"  # of the names in a graph
LEAST = (
    0.98  # the least cosine between the vectors of the two; in 8 bits the inputs of products are rounded, too
)
SAMPLE = (
    "Acme Steel Corporation",
    "Société Générale",
    "東京電力",
    "KDL-40 TV, black",
    "Smith, J. 1834",
    "tea",
)
Array = npt.NDArray[Any]


def thaw(folder: ModelFolder) -> Any:
    """Make a SentenceTransformer of a folder that runs on onnxruntime.

    Args:
        folder: With the architecture "onnx-text", written by `export_text` of this version.

    Returns:
        The SentenceTransformer, on the processor.

    Raises:
        EncoderError: The folder does not say what its model was, or the model does not come out the same.
        MissingPackageError: torch, sentence-transformers, transformers or onnx is not installed.

    Example:
        >>> from model_hub import bundled
        >>> thaw(bundled()).get_sentence_embedding_dimension()  # doctest: +SKIP
        384
    """
    torch = need_torch("Training")
    name = folder.manifest.name
    if not all((folder.path / file).exists() for file in (CONFIG, TOKENS)):
        raise EncoderError(
            f"The graph does not say what model it was made of. Given: {name!r} without {CONFIG} and "
            f"{TOKENS}. Export it anew, or give the model itself."
        )
    try:
        onnx, transformers = import_module("onnx"), import_module("transformers")
        found = import_module("sentence_transformers")
    except ModuleNotFoundError as error:
        purpose = "A graph as a model that can be trained"
        raise MissingPackageError(str(error.name), purpose, "export") from error
    kind = json.loads(folder.file(CONFIG).read_text("utf-8"))
    config = transformers.AutoConfig.for_model(kind.pop("model_type"), **kind)
    body = transformers.AutoModel.from_config(config)
    graph = onnx.load(str(folder.path / "model.onnx")).graph
    weights = {key: torch.from_numpy(np.array(value)) for key, value in _weights(onnx, graph)}
    gone, more = body.load_state_dict(weights, strict=False)
    if more or any("pooler" not in key for key in gone):
        raise EncoderError(
            f"The graph's weights are not those of its model. Given: {name!r} without "
            f"{[key for key in gone if 'pooler' not in key][:3]} and with {list(more)[:3]}. Give the model "
            "itself."
        )
    model = _assembled(found, transformers, body, folder)
    _held_to(folder, model)
    return model


def _weights(onnx: Any, graph: Any) -> Iterator[tuple[str, Array]]:
    """Names and values of all weights, as torch has them."""
    arrays = import_module("onnx.numpy_helper")
    known = {item.name: arrays.to_array(item) for item in graph.initializer}
    for node in graph.node:  # weights of equal values are written once
        if node.op_type == "Identity" and node.input[0] in known:
            known[node.output[0]] = known[node.input[0]]
    for name, value in known.items():
        if name.startswith(f"{ROOT}.") and "8bit" not in name and not name.endswith((".scale", ".sums")):
            yield name.removeprefix(f"{ROOT}."), value
        if name.startswith(f"{ROOT}.") and name.endswith(".8bit"):  # a table
            whole = name.removesuffix(".8bit")
            yield whole.removeprefix(f"{ROOT}."), _floats(value, known[f"{whole}.scale"])
    for node in graph.node:
        matrix = node.input[1] if node.op_type in ("MatMul", "MatMulIntegerToFloat") else ""
        if matrix not in known:
            continue
        value = known[matrix]
        if matrix.endswith(".8bit"):
            value = _floats(value, known[f"{matrix.removesuffix('.8bit')}.scale"])
        place = node.name.partition("/MatMul")[0].removeprefix(f"/{ROOT}/")
        yield f"{place.replace('/', '.')}.weight", np.ascontiguousarray(value.T)


def _floats(numbers: Array, scale: Array) -> Array:
    return (numbers.astype(np.float32) - ZERO) * scale


def _assembled(found: Any, transformers: Any, body: Any, folder: ModelFolder) -> Any:
    """The transformer with its tokenizer and pooling."""
    import tempfile

    manifest = folder.manifest
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder.file("tokenizer.json")),
        model_max_length=manifest.max_tokens,
        **json.loads(folder.file(TOKENS).read_text("utf-8")),
    )
    with tempfile.TemporaryDirectory() as place, no_bars():
        body.save_pretrained(place, safe_serialization=True)
        tokenizer.save_pretrained(place)
        modules = _modules()
        first = modules.Transformer(place, max_seq_length=manifest.max_tokens)
        pooling = modules.Pooling(manifest.dimension, pooling_mode=manifest.pooling)
        return found.SentenceTransformer(modules=[first, pooling, modules.Normalize()], device="cpu")


def _modules() -> Any:
    """Where sentence-transformers keeps its modules: that depends on its version."""
    try:
        return import_module("sentence_transformers.sentence_transformer.modules")
    except ModuleNotFoundError:
        return import_module("sentence_transformers.models")


def _held_to(folder: ModelFolder, model: Any) -> None:
    """Whether the model gives the vectors of the graph."""
    texts = list(SAMPLE)
    wanted = OnnxTextEncoder.from_folder(folder).encode(texts)
    with no_bars():
        found = as_vectors(model.encode(texts, show_progress_bar=False), len(texts), "the model")
    least = float((wanted * found).sum(axis=1).min())
    if not least >= LEAST:
        raise EncoderError(
            f"The model does not come out as its graph is. Given: {folder.manifest.name!r}, a cosine of "
            f"{least:.3f} between their vectors. Give the model itself."
        )
