"""The model of a fitted table: how it is named elsewhere, and whether it is still the same one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.encoding import model_plan
from linktransformer.encoding.model_plan import ModelLike, Plan
from linktransformer.errors import ModelError
from linktransformer.estimators.reference import Reference
from linktransformer.estimators.row_reader import embedded
from linktransformer.search.matrices import Passages

__all__ = ["PROBES", "check_model", "located"]

PROBES = 3  # texts that a loaded model encodes again


def located(model: ModelLike) -> ModelLike:
    """A folder as its absolute path, another name as a string, an object as it is."""
    if not isinstance(model, (str, os.PathLike)):
        return model
    from model_hub import bundled_models

    name = os.fspath(model)
    is_name = isinstance(model, str) and name in (model_plan.LEXICAL, model_plan.FULL, *bundled_models())
    return name if is_name or not Path(name).exists() else str(Path(name).absolute())


def check_model(plan: Plan, probes: list[str] | None, known: Reference, kind: str) -> None:
    """Refuse a model that makes other vectors of the first texts."""
    if probes is None:
        vectors, saved = _picture_probes(plan, known)
    else:
        made, kept = (
            embedded(plan, probes, passages=known.reader.passages),
            known.matrices["dense"][: len(probes)],
        )
        vectors, saved = (
            np.asarray(side.vectors if isinstance(side, Passages) else side) for side in (made, kept)
        )
    if len(saved) and not (vectors.shape == saved.shape and np.allclose(vectors, saved, atol=1e-3)):
        raise ModelError(
            f"The model {plan.name!r} does not make the vectors that were saved. Give the model that the "
            f"{kind} was fitted with, or fit again."
        )


def _picture_probes(plan: Plan, known: Reference) -> tuple[Floats, Floats]:
    """Vectors of the first texts without pictures by the model, and as they were saved."""
    rows = np.flatnonzero(known.records.texts != "")[:PROBES]
    texts, saved = known.records.texts[rows].tolist(), np.asarray(known.matrices["text"][rows])
    if not texts:
        return saved, saved
    nothing, unsure = [None] * len(texts), np.full(len(texts), np.nan)
    vectors = plan.encoder.encode_records(  # type: ignore[union-attr]
        texts, nothing, confidence=unsure, batch_size=None, progress=lambda n: None
    )
    return np.asarray(vectors.text, dtype=np.float32), saved
