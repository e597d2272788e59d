"""A text model of sentence-transformers as an ONNX graph, in 8 bits if that is accurate enough.

The matrix products of the 8-bit graph take their inputs in unsigned bytes with a scale and a minimum for
each token, so that a text's vector does not depend on its batch, as it would with one scale a batch;
weights have a scale for each output (the dynamic scheme of O. Zafrir et al., Q8BERT, 2019, by token).
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clippings.errors import EncoderError, MissingPackageError
from clippings.export.from_onnx import CONFIG, TOKENS
from clippings.export.quantize import quantize_graph
from clippings.export.record_export import trace
from clippings.text.onnx_encoder import OnnxTextEncoder
from clippings.text.sentence_models import load_sentence_transformer
from clippings.text.text_encoder import as_vectors
from clippings.third_party import need_torch
from model_hub import Manifest, open_model, parse, seal

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor, nn

__all__ = ["export_text"]

logger = logging.getLogger(__name__)
LEAST = 0.98  # the mean cosine to the model's own vectors that a graph in 8 bits has to reach
SAMPLED = 1000  # texts on which that is measured
SAMPLE = (
    "Acme Steel Corporation", "ACME STEEL CORP", "Baxter & Sons Dairy Co. Ltd.", "Deutsche Bank AG",
    "東京電力", "株式会社日立製作所", "Société Générale de Belgique",
    "The Effect of Tariffs on Trade, 1920-1938",
    "Sony WH-1000XM4 wireless headphones black", "São Paulo", "Müller, Johann, b. 1834 in Köln", "tea", "A",
    "Apple iPhone 12 Pro Max 256GB Pacific Blue unlocked", "ООО Газпром нефть", "12345", "Smith, J.",
    "Proceedings of the 23rd International Conference on Very Large Data Bases", "New York, NY 10001",
    "cotton, raw, not carded or combed", "Iron and steel, bars, rods and sections, not further worked",
)  # fmt: skip

Sealed = Callable[[str], tuple[Manifest, float]]  # from a precision to the manifest and the mean cosine


def export_text(
    model: SentenceTransformer | str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    quantize: bool = True,
    texts: Sequence[str] | None = None,
    least: float = LEAST,
    **facts: Any,
) -> Manifest:
    """Write a BERT-like SentenceTransformer as a folder that onnxruntime runs on the CPU.

    Args:
        model: A SentenceTransformer, its folder, or "org/name@revision". A transformer, mean or first-token
            pooling, and normalisation or not; nothing else.
        folder: A folder to be made or filled.
        quantize: Write matrix products in 8 bits, unless they would lose too much.
        texts: Texts like those to be encoded, on which the loss is measured; None for some names and titles.
        least: The mean cosine to the model's own vectors below which float32 is written instead.
        facts: Other facts for `model_hub.seal`: name, licence, languages, base_model...

    Returns:
        Its manifest. `metrics` has the mean and the least cosine to the model's own vectors.

    Raises:
        EncoderError: The model is of another kind, or the graph does not do what the model does.
        MissingPackageError: torch, sentence-transformers or, for 8 bits, onnx is not installed.

    Example:
        >>> export_text(3, "copy")
        Traceback (most recent call last):
        clippings.errors.EncoderError: An export takes a SentenceTransformer, ... Given: a int.
    """
    torch = need_torch("The export of a model")
    loaded = _loaded(model)
    kind = _kind(loaded)
    sample = _sample(texts)
    expected = as_vectors(loaded.encode(sample, show_progress_bar=False), len(sample), "the model itself")
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    _save_tokenizer(loaded, root / "tokenizer.json")
    _save_kind(loaded, kind.body, root)
    module = _tokens_of(torch, kind.body, kind.dimension)
    ids = torch.tensor([[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]])
    axes = {"input_ids": {0: "batch", 1: "length"}, "found": {0: "batch", 1: "length"}}
    trace(torch, module, {"input_ids": ids}, axes, root / "model.onnx")
    details = {
        "name": _name_of(model),
        "base_model": str(model) if isinstance(model, str) else type(loaded).__name__,
        "source": "a SentenceTransformer",
        "revision": "",
        "licence": "unknown",
        "task": "sentence similarity",
        "versions": {"torch": str(torch.__version__)},
        "created_by": "clippings.text_export",
        **facts,
    }
    details["name"] = details["name"] or "exported"
    sealing = partial(
        seal,
        root,
        architecture="onnx-text",
        dimension=kind.dimension,
        max_tokens=kind.max_tokens,
        pooling=kind.pooling,
        normalize=True,  # whatever the model does: every encoder here gives unit rows
    )
    digest = hashlib.sha256("\n".join(sample).encode()).hexdigest()

    def sealed(precision: str) -> tuple[Manifest, float]:
        described: dict[str, Any] = {
            "description": f"An ONNX graph in {precision}.",
            **details,
            "measured_on": f"sha256:{digest}",
        }
        sealing(**described)
        vectors = OnnxTextEncoder.from_folder(open_model(root)).encode(sample)
        cosine = (as_vectors(vectors, len(sample), "the graph") * expected).sum(axis=1)
        metrics = {"cosine_mean": float(cosine.mean()), "cosine_least": float(cosine.min())}
        described["metrics"] = {**described.get("metrics", {}), **metrics}
        return sealing(**described), metrics["cosine_mean"]

    manifest, cosine = sealed("float32")
    if cosine < 0.999:
        raise EncoderError(
            f"The graph does not do what the model does. Given: a mean cosine of {cosine:.4f} to its own "
            "vectors. Use the model itself."
        )
    return _quantized(root, sealed, least) if quantize else manifest


def _quantized(root: Path, sealed: Sealed, least: float) -> Manifest:
    """Replace the graph by one in 8 bits, unless that loses too much."""
    graph = root / "model.onnx"
    with tempfile.TemporaryDirectory() as place:
        plain = Path(place) / "model.onnx"
        plain.write_bytes(graph.read_bytes())
        quantize_graph(graph)
        manifest, cosine = sealed("8 bits, each token with a scale of its own")
        if cosine >= least:
            return manifest
        logger.warning(
            "in 8 bits the model's vectors have a mean cosine of %.4f to its own, less than %.4f: float32 is "
            "written instead", cosine, least,
        )  # fmt: skip
        graph.write_bytes(plain.read_bytes())
        return sealed("float32")[0]


def _name_of(model: SentenceTransformer | str | os.PathLike[str]) -> str:
    return Path(str(getattr(model, "name", model))).name if isinstance(model, (str, os.PathLike)) else ""


def _loaded(model: SentenceTransformer | str | os.PathLike[str]) -> SentenceTransformer:
    if isinstance(model, (str, os.PathLike)):
        if parse(model).kind == "bundled":
            raise EncoderError(
                f"A bundled model runs on onnxruntime already. Given: {str(model)!r}. Use it by that "
                "name, or give a model that was trained from it."
            )
        return load_sentence_transformer(parse(model), "cpu")
    if hasattr(model, "encode") and hasattr(model, "max_seq_length"):
        return model
    raise EncoderError(
        "An export takes a SentenceTransformer, or the name or folder of one. Given: a "
        f"{type(model).__name__}."
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """The properties of a model that its graph and manifest need."""

    body: Any
    pooling: str
    dimension: int
    max_tokens: int


def _kind(model: SentenceTransformer) -> _Kind:
    modules = list(model)
    names = [type(module).__name__ for module in modules]
    body = getattr(modules[0], "auto_model", None) or getattr(modules[0], "model", None)
    if body is None or names[1:] not in (["Pooling"], ["Pooling", "Normalize"]):
        raise EncoderError(
            "A model of a transformer, pooling and at most normalisation can be exported. Given: "
            f"{names}. Use the model itself."
        )
    pooling: Any = modules[1]
    config = pooling.get_config_dict()
    mean = config.get("pooling_mode") == "mean" or config.get("pooling_mode_mean_tokens") is True
    first = config.get("pooling_mode") == "cls" or config.get("pooling_mode_cls_token") is True
    if mean == first:
        raise EncoderError(
            f"Pooling is by the mean or the first token. Given: {config}. Use the model itself."
        )
    prompt = (getattr(model, "prompts", None) or {}).get(getattr(model, "default_prompt_name", None) or "")
    if prompt or getattr(modules[0], "do_lower_case", False):
        raise EncoderError(
            "The model changes texts before it tokenizes them, by a prompt or lower case. Given: "
            f"{prompt or 'do_lower_case'}. Use the model itself."
        )
    longest = int(model.max_seq_length or body.config.max_position_embeddings)
    size = int(body.config.hidden_size)
    # the first numbers of a mean are the mean of the first numbers
    dimension = min(size, int(getattr(model, "truncate_dim", None) or size))
    return _Kind(body, "mean" if mean else "cls", dimension, longest)


def _tokens_of(torch: Any, body: Any, dimension: int) -> nn.Module:
    """The transformer as a module of token numbers alone: texts of a batch have one length.

    Of token vectors longer than `dimension` (`truncate_dim`) only the first numbers are written.
    """
    cut = dimension < int(body.config.hidden_size)
    plain: Any = copy.deepcopy(body).to("cpu").float().eval()
    if hasattr(plain, "set_attn_implementation"):
        plain.set_attn_implementation("eager")  # the only one that every exporter supports

    class Tokens(torch.nn.Module):  # type: ignore[misc] # torch is not there when this is read
        def __init__(self) -> None:
            super().__init__()
            self.body = plain

        def forward(self, input_ids: Tensor) -> Tensor:
            mask = torch.ones_like(input_ids)
            states: Tensor = self.body(input_ids=input_ids, attention_mask=mask).last_hidden_state
            return states[:, :, :dimension] if cut else states

    module: nn.Module = Tokens().eval()
    return module


def _save_tokenizer(model: SentenceTransformer, path: Path) -> None:
    backend = getattr(getattr(model, "tokenizer", None), "backend_tokenizer", None)
    if backend is None:
        raise EncoderError("The model has no fast tokenizer. Given: a slow one. Use the model itself.")
    try:
        tokenizer = import_module("tokenizers").Tokenizer.from_str(backend.to_str())
    except ModuleNotFoundError as error:
        raise MissingPackageError("tokenizers", "The export of a model") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()  # the encoder truncates, by the manifest's max_tokens
    tokenizer.save(str(path), pretty=False)


def _save_kind(model: SentenceTransformer, body: Any, root: Path) -> None:
    """Save what the graph lacks and `from_onnx.as_sentence_transformer` needs."""
    config = body.config.to_diff_dict()
    for name in ("_name_or_path", "transformers_version", "torch_dtype", "dtype", "auto_map"):
        config.pop(name, None)
    config["model_type"] = body.config.model_type
    special = model.tokenizer.special_tokens_map
    special = {name: token for name, token in special.items() if isinstance(token, str)}
    for name, values in ((CONFIG, config), (TOKENS, special)):
        (root / name).write_text(json.dumps(values, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _sample(texts: Sequence[str] | None) -> list[str]:
    distinct = list(dict.fromkeys(SAMPLE if texts is None else map(str, texts)))
    if not distinct:
        raise EncoderError("The loss is measured on texts. Given: none. Leave texts out, or give some.")
    return distinct[:: max(1, len(distinct) // SAMPLED)][:SAMPLED]
