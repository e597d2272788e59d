"""export_model: a model of sentence-transformers as a folder that runs on the CPU without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from linktransformer.encoding.model_plan import model_errors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["export_model"]


def export_model(
    model: str | os.PathLike[str] | SentenceTransformer,
    folder: str | os.PathLike[str],
    *,
    quantize: bool = True,
    texts: Sequence[str] | None = None,
    name: str | None = None,
    licence: str = "unknown",
) -> dict[str, float]:
    """Make a copy of a text model that encodes faster on a CPU, and needs no torch there.

    The copy is an ONNX graph with a manifest and a model card, to be used as `model=folder` and published
    like any other. In 8 bits it takes a quarter of the space; where that would turn its vectors too far from
    the model's own (a mean cosine below 0.98) the graph is written in float32, and a warning is logged.

    Args:
        model: A SentenceTransformer, its folder, or "org/name@revision": a transformer with mean or
            first-token pooling.
        folder: The folder of the copy; it is made where it is missing.
        quantize: Use 8 bits.
        texts: Texts like those you will encode, to measure the loss on; None for some names and titles.
        name: The copy's name; None for that of the folder.
        licence: SPDX name of the weights' licence.

    Returns:
        "cosine_mean" and "cosine_least" between the copy's vectors and the model's own.

    Raises:
        ModelError: There is no such model, or it is of another kind.
        MissingExtraError: torch, sentence-transformers or onnx is not installed.

    Example:
        >>> export_model("lexical", "copy")  # n-grams are not a model of sentence-transformers
        Traceback (most recent call last):
        linktransformer.errors.ModelError: model='lexical': ...
    """
    from clippings.export.text_export import export_text

    with model_errors(f"model={model!r}"):
        exported = export_text(
            model,
            folder,
            quantize=quantize,
            texts=texts,
            name=name or Path(folder).resolve().name,
            licence=licence,
        )
    return {key: exported.metrics[key] for key in ("cosine_mean", "cosine_least")}
