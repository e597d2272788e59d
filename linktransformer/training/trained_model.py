"""A trained model: sealed with how rows were written and how scores become links, and used by its folder."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.decision.correction import FILE, Correction, write
from linktransformer.decision.fused import Fused
from linktransformer.linking import compare_tables
from linktransformer.linking.options import Job
from linktransformer.search import blocking
from linktransformer.tables import frames, splits
from linktransformer.training import fit_decision
from linktransformer.training.label_schema import Shape
from linktransformer.training.provenance import origin, versions
from linktransformer.training.train_config import TrainConfig
from linktransformer.training.training_data import Labelled

__all__ = ["Decided", "TrainedModel", "decided", "sealed"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision learned with a model.

    Args:
        correction: What was learned.
        test_f1: F1 of links of the test rows with it; None where there is no test.
        test_f1_without_labels: F1 there of the decision without labels.
    """

    correction: Correction
    test_f1: float | None
    test_f1_without_labels: float | None


@dataclass(frozen=True, slots=True, eq=False)
class TrainedModel:
    """What `train_model` gives: `merge(left, right, model=trained)` uses it as it is.

    Args:
        folder: The model's folder; it can be moved, and given to `merge` by its path.
        metrics: Scores on validation and test by name.
        history: The lines of the log.
        counts: What was read, cut and left out.
    """

    folder: Path
    metrics: Mapping[str, float]
    history: Sequence[Mapping[str, Any]] = field(repr=False)
    counts: Mapping[str, Any] = field(repr=False)

    def __fspath__(self) -> str:
        return str(self.folder)

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self._encoder().name)

    @property
    def serializer(self) -> Mapping[str, Any] | None:
        """How rows become texts, as in training."""
        found: Mapping[str, Any] | None = self._encoder().serializer
        return found

    @property
    def decision(self) -> Path | None:
        """The file with the learned decision, where there is one."""
        found: Path | None = self._encoder().decision
        return found

    @property
    def cache_key(self) -> str | None:
        """What its vectors depend on: another model, or another runtime, has another one."""
        found: str | None = self._encoder().cache_key
        return found

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Floats:
        """Turn texts into unit vectors.

        Args:
            texts: Texts.
            batch_size: Texts at a time.
            progress: Called with the number of texts done since its last call.

        Returns:
            (n_texts, dim) float32.
        """
        found: Floats = self._encoder().encode(texts, batch_size=batch_size, progress=progress)
        return found

    def publish(self, ref: str, **options: Any) -> Any:
        """Publish the model for others.

        Args:
            ref: Where, as `model_hub.publish` takes it.
            options: Handed on.

        Returns:
            What `model_hub.publish` returns.
        """
        import model_hub

        return model_hub.publish(self.folder, ref, **options)

    def _encoder(self) -> Any:
        return _loaded(str(self.folder.resolve()))


@lru_cache(maxsize=4)
def _loaded(folder: str) -> Any:
    from clippings import load_text_encoder

    return load_text_encoder(folder)


class _Live:
    """The model in memory as `merge` takes one, before it has a folder."""

    def __init__(self, model: Any, serializer: Mapping[str, Any]) -> None:
        self.model, self.serializer, self.name = model, serializer, "model in training"

    def encode(self, texts: Sequence[str]) -> Floats:
        found: Floats = self.model.encode(texts)
        return found


def decided(model: Any, labelled: Labelled, shape: Shape, settings: TrainConfig) -> Decided | None:
    """Learn how scores become links, on the tables that the labelled rows make.

    Args:
        model: The trained model.
        labelled: The labels.
        shape: Which columns are the keys.
        settings: With the serializer.

    Returns:
        The decision, learned from the validation rows, which the model has not seen; None where rows have
        clusters, or there is no validation.
    """
    if shape.cluster:
        logger.info("rows with clusters make no two tables: no decision is learned")
        return None
    if not (labelled.part == splits.VAL).any():
        return None
    sides = [np.flatnonzero(mask) for mask in (labelled.is_left, labelled.is_right)]
    names = (list(shape.left), list(shape.right))
    tables = tuple(
        frames.wrap(
            frames.new_frame(labelled.like, {name: labelled.rows[side][name][rows] for name in names[side]}),
            ("left", "right")[side],
        )
        for side, rows in enumerate(sides)
    )
    job = Job(model=_Live(model, settings.serializer().to_dict()), keep_features=True)
    found = compare_tables.compare((tables[0], tables[1]), names, job)
    pairs = found.fused.candidates
    if found.fused.described is None:
        return None
    text = [sides[side][blocking.first_rows(nodes)] for side, nodes in enumerate(found.nodes)]
    entity = labelled.entity[text[0]], labelled.entity[text[1]]
    part = np.full(len(labelled.texts), splits.NONE, dtype=np.int64)
    for which in (splits.TEST, splits.VAL, splits.TRAIN):  # a text that training has seen is not held out
        part[labelled.left[labelled.part == which]] = which
    of_left = part[text[0]]
    same = entity[0][pairs.left] == entity[1][pairs.right]
    val = (of_left == splits.VAL)[pairs.left]  # unlabelled pairs of these rows are no matches
    learned, _ = fit_decision.correction_of(
        found.fused, np.flatnonzero(val & same), np.flatnonzero(val & ~same)
    )
    test = of_left == splits.TEST
    if not test.any():
        return Decided(learned, None, None)
    n_matches = int(np.isin(entity[0][test], entity[1]).sum())
    scores = []
    for fused in (found.fused, _with(found.fused, learned)):
        links = compare_tables.linked(fused)
        links = links[test[pairs.left[links]]]
        scores.append(2 * int(same[links].sum()) / max(1, len(links) + n_matches))
    return Decided(learned, scores[1], scores[0])


def _with(fused: Fused, learned: Correction) -> Fused:
    """The candidates with the probabilities of a learned decision."""
    described, found = fused.described, fused.candidates
    if described is None or fused.shipped is None:
        raise ValueError("candidates without features")
    model = fused.shipped.corrected_by(learned, described.columns)
    sizes = found.n_left, found.n_right
    after = model.probabilities(described.features, found.left, found.right, sizes)
    return replace(fused, score=after.probability, decided=after)


def sealed(
    model: Any,
    folder: Path,
    labelled: Labelled,
    settings: TrainConfig,
    metrics: Mapping[str, float],
    learned: Correction | None,
    fingerprint: str,
) -> None:
    """Write the model's folder: weights, serializer, decision, manifest and card.

    Args:
        model: The trained model.
        folder: Where; what is there is replaced.
        labelled: For what it was trained on.
        settings: The settings of the training.
        metrics: Its scores.
        learned: The decision, or None.
        fingerprint: Of the data.
    """
    from model_hub import seal

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model.save(folder)
    if learned is not None:
        write(learned, folder / FILE, {"learned_from": fingerprint})
    known = origin(model.name)
    kept = {name: round(float(value), 6) for name, value in metrics.items() if np.isfinite(value)}
    seal(
        folder,
        name=settings.name or f"trained-{fingerprint[7:15]}",
        architecture="sentence-transformers",
        **{**known, "licence": settings.licence or known["licence"]},
        dimension=model.dim,
        max_tokens=int(model.model.max_seq_length or 512),
        serializer=settings.serializer().to_dict(),
        languages=list(settings.languages),
        trained_on={"data": fingerprint, **labelled.counts, "settings": settings.recipe().to_dict()},
        metrics=kept,
        measured_on=fingerprint,
        decision=FILE if learned is not None else None,
        task="record linkage",
        versions=versions(),
        created_by="linktransformer.train_model",
    )
