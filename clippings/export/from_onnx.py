"""A graph of `text_export` as a SentenceTransformer that can be trained.

A graph has the weights of sums and norms under the names that torch gave them; the matrix of a product has
no such name, but the product is named by its module. The 8-bit weights of products are turned into floats,
so that the model gives the vectors of the graph.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from clippings.errors import EncoderError, MissingPackageError
from clippings.export.quantize import ZERO
from clippings.text.onnx_encoder import OnnxTextEncoder
from clippings.text.text_encoder import as_vectors
from clippings.third_party import need_torch, no_bars
from model_hub import ModelFolder

if TYPE_CHECKING:
    from onnx import GraphProto
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedModel

__all__ = ["CONFIG", "TOKENS", "as_sentence_transformer"]

TOKENS = "tokens.json"  # its special tokens; a graph with this file can be made a model again
CONFIG = "config.json"  # with TOKENS the facts about its model that a graph lacks
ROOT = "body"  # of the names in a graph
LEAST = 0.98  # least cosine between both vectors of a text; in 8 bits the inputs of products are rounded, too
SAMPLE = (
    "Acme Steel Corporation",
    "Société Générale",
    "東京電力",
    "KDL-40 TV, black",
    "Smith, J. 1834",
    "tea",
)
Array = npt.NDArray[Any]


def as_sentence_transformer(folder: ModelFolder) -> SentenceTransformer:
    """A SentenceTransformer on the CPU with the weights of a folder of `export_text`.

    It raises `EncoderError` if the folder lacks the model's settings or the vectors differ.

    Example:
        >>> from model_hub import bundled
        >>> as_sentence_transformer(bundled()).get_sentence_embedding_dimension()  # doctest: +SKIP
        384
    """
    torch = need_torch("Training")
    name = folder.manifest.name
    if not all((folder.path / file).exists() for file in (CONFIG, TOKENS)):
        raise EncoderError(
            f"The graph does not tell which model it was made of. Given: {name!r} without {CONFIG} and "
            f"{TOKENS}. Export the model again, or give the model itself."
        )
    try:
        onnx, transformers = import_module("onnx"), import_module("transformers")
        package = import_module("sentence_transformers")
    except ModuleNotFoundError as error:
        purpose = "A graph as a model that can be trained"
        raise MissingPackageError(str(error.name), purpose, "export") from error
    settings = json.loads(folder.file(CONFIG).read_text("utf-8"))
    config = transformers.AutoConfig.for_model(settings.pop("model_type"), **settings)
    body = transformers.AutoModel.from_config(config)
    graph = onnx.load(str(folder.path / "model.onnx")).graph
    weights = {key: torch.from_numpy(np.array(value)) for key, value in _weights(graph)}
    missing, unknown = body.load_state_dict(weights, strict=False)
    missing = [key for key in missing if "pooler" not in key]
    if unknown or missing:
        raise EncoderError(
            f"The graph's weights are not those of its model. Given: {name!r} without "
            f"{missing[:3]} and with {list(unknown)[:3]}. Give the model itself."
        )
    model = _assembled(package, transformers, body, folder)
    _compare(folder, model)
    return model


def _weights(graph: GraphProto) -> Iterator[tuple[str, Array]]:
    """Names and values of all weights, as torch has them."""
    arrays = import_module("onnx.numpy_helper")
    constants = {item.name: arrays.to_array(item) for item in graph.initializer}
    for node in graph.node:  # weights of equal values are written once
        if node.op_type == "Identity" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
    for name, value in constants.items():
        if name.startswith(f"{ROOT}.") and "8bit" not in name and not name.endswith((".scale", ".sums")):
            yield name.removeprefix(f"{ROOT}."), value
        if name.startswith(f"{ROOT}.") and name.endswith(".8bit"):  # a table
            whole = name.removesuffix(".8bit")
            yield whole.removeprefix(f"{ROOT}."), _floats(value, constants[f"{whole}.scale"])
    for node in graph.node:
        matrix = node.input[1] if node.op_type in ("MatMul", "MatMulIntegerToFloat") else ""
        if matrix not in constants:
            continue
        value = constants[matrix]
        if matrix.endswith(".8bit"):
            value = _floats(value, constants[f"{matrix.removesuffix('.8bit')}.scale"])
        place = node.name.partition("/MatMul")[0].removeprefix(f"/{ROOT}/")
        yield f"{place.replace('/', '.')}.weight", np.ascontiguousarray(value.T)


def _floats(numbers: Array, scale: Array) -> Array:
    return (numbers.astype(np.float32) - ZERO) * scale


def _assembled(
    package: ModuleType, transformers: ModuleType, body: PreTrainedModel, folder: ModelFolder
) -> SentenceTransformer:
    """The transformer with its tokenizer and pooling."""
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
        size = int(body.config.hidden_size)
        pooling = modules.Pooling(size, pooling_mode=manifest.pooling)
        model: SentenceTransformer = package.SentenceTransformer(
            modules=[first, pooling, modules.Normalize()],
            device="cpu",
            truncate_dim=manifest.dimension if manifest.dimension < size else None,
        )
    return model


def _modules() -> ModuleType:
    """The modules of sentence-transformers, whose place depends on the version."""
    try:
        return import_module("sentence_transformers.sentence_transformer.modules")
    except ModuleNotFoundError:
        return import_module("sentence_transformers.models")


def _compare(folder: ModelFolder, model: SentenceTransformer) -> None:
    """Raise `EncoderError` unless the model gives the vectors of the graph."""
    texts = list(SAMPLE)
    expected = OnnxTextEncoder.from_folder(folder).encode(texts)
    with no_bars():
        vectors = as_vectors(model.encode(texts, show_progress_bar=False), len(texts), "the model")
    least = float((expected * vectors).sum(axis=1).min())
    if not least >= LEAST:
        raise EncoderError(
            f"The model does not give the vectors of its graph. Given: {folder.manifest.name!r}, a cosine of "
            f"{least:.3f} between their vectors. Give the model itself."
        )
