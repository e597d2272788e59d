"""fit_decision: learn from known links how evidence becomes a link; no vector is changed."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import comparing, encode, frames, judgement, keys, pair_evidence, splits
from linktransformer.calibration import Calibrated, Sample, calibrate
from linktransformer.errors import InvalidArgumentError, ModelError
from linktransformer.frames import Table
from linktransformer.job import BlockColumns, Columns, Job, K
from linktransformer.labels import label_pairs
from linktransformer.provenance import versions
from linktransformer.training_run import folder_of
from linktransformer.units import picture_columns

__all__ = ["FittedDecision", "fit_decision", "known_rows", "sample_of"]

logger = logging.getLogger(__name__)
VAL_SHARE = 0.25  # of the labelled left rows, by entity, to choose by

Integers = NDArray[np.int64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FittedDecision:
    """What `fit_decision` gives: `merge(left, right, model=fitted.folder)` decides as it learned.

    Args:
        folder: The model's folder, the decision in it.
        metrics: F1 on held-out rows, with the learned decision and with the one without labels; matches.
        kept: Whether the learned decision was better and is in the folder.
    """

    folder: Path
    metrics: Mapping[str, float]
    kept: bool

    def __fspath__(self) -> str:
        return str(self.folder)


def fit_decision(
    left: Any,
    right: Any,
    truth: Any,
    on: Columns = None,
    *,
    left_on: Columns = None,
    right_on: Columns = None,
    images: Any = None,
    confidence: Any = None,
    model: str | os.PathLike[str] | None = None,
    complete: bool = False,
    block_on: BlockColumns = None,
    k: int | None = None,
    out: str | os.PathLike[str] | None = None,
    device: str | None = None,
    seed: int = 0,
    cache: Any = None,
    progress: bool | None = None,
) -> FittedDecision:
    """Learn from known links when a pair is a link. It takes seconds, no GPU, and tunes no encoder.

    A regularised logistic regression over all that is seen of a candidate: each view, each key column, the
    lead over rivals on both sides. Its strength and threshold are chosen on left rows held out by entity;
    where it is no better there than the decision without labels, that one stays.

    Args:
        left: A table.
        right: A table of the same library.
        truth: The known links: a table whose first two columns are left and right labels (index labels in
            pandas, row numbers elsewhere), or pairs of them.
        on: As for `merge`.
        left_on: Likewise.
        right_on: Likewise.
        images: Likewise.
        confidence: Likewise.
        model: Whose views are weighed: None for the bundled one, which reads texts; a folder or a name on a
            hub.
        complete: Whether `truth` names every link, so that a left row without one is known to have none.
            Otherwise only left rows that it names are learned from.
        block_on: Columns whose values must be equal: a name, a list of names, or pairs for columns of
            different names, such as ("city", "town").
        k: Likewise.
        out: The folder of the result; the model goes to `out/model`. None is the first free
            `models/trained-N`.
        device: As for `merge`.
        seed: Of the draw of held-out rows.
        cache: As for `merge`.
        progress: Likewise.

    Returns:
        The folder: the model and `decision.json`, sealed.

    Raises:
        InvalidArgumentError: There is no known link, or a label is that of no row.
        ModelError: The model is no folder that can be copied.

    Example:
        >>> fitted = fit_decision(firms, register, known, on="name")  # doctest: +SKIP
        >>> linked = lt.merge(firms, register, on="name", model=fitted)  # doctest: +SKIP
    """
    tables = frames.wrap(left, "left"), frames.wrap(right, "right")
    columns = None if images is None else picture_columns(images, tables)
    names = keys.resolve(tables[0], tables[1], on, left_on, right_on, columns)
    rows = known_rows(tables, truth)
    place = folder_of(out, resume=False) / "model"
    source = _source(model, images is not None)
    job = Job(
        model=source.path,
        images=images,
        confidence=confidence,
        block_on=block_on,
        k=K if k is None else k,
        device=device,
        cache=cache,
        progress=progress,
        choosy=False,  # a model with a learned decision reads all columns, and so it is learned
    )
    found = comparing.compare(tables, names, job)
    sample = sample_of(found, rows, complete, seed)
    learned = _learned(tables, names, found, sample)
    metrics = {
        "val_f1_learned_decision": learned.f1,
        "val_f1_decision_without_labels": learned.f1_without_labels,
        "train_matches": float(sample.train_matches),
        "val_matches": float(sample.matches),
    }
    _write(source, place, learned.judgement, metrics, _fingerprint(found, rows))
    return FittedDecision(place, metrics, learned.judgement is not None)


def _learned(
    tables: tuple[Table, Table], names: tuple[list[str], list[str]], found: comparing.Compared, sample: Sample
) -> Calibrated:
    if not len(found.fused.candidates):
        return Calibrated(None, 0.0, 0.0)
    seen = pair_evidence.evidence(tables, names, found.texts, found.nodes, found.fused)
    return calibrate(seen, sample, comparing.linked(found.fused))


def known_rows(tables: tuple[Table, Table], truth: Any) -> tuple[Integers, Integers]:
    """Row numbers of known links.

    Args:
        tables: The left and the right table.
        truth: As for `fit_decision`.

    Returns:
        Left and right rows, (n,) int64 each.

    Raises:
        InvalidArgumentError: There is none, a label is that of no row, or labels repeat.
    """
    named = label_pairs(truth, "truth")
    if not named:
        raise InvalidArgumentError("truth names no link to learn from. Give pairs of labels.")
    found = []
    for side, (table, labels) in enumerate(zip(tables, zip(*named, strict=True), strict=True)):
        known = frames.index_labels(table, np.arange(table.n_rows)).tolist()
        row_of = {label: row for row, label in enumerate(known)}
        strange = [label for label in labels if label not in row_of]
        if strange or len(row_of) < len(known):
            what = f"names {strange[0]!r}, the label of no row" if strange else "has index labels that repeat"
            raise InvalidArgumentError(
                f"truth: the {('left', 'right')[side]} table {what}. Check the labels."
            )
        found.append(np.array([row_of[label] for label in labels], dtype=np.int64))
    return found[0], found[1]


def sample_of(
    found: comparing.Compared, rows: tuple[Integers, Integers], complete: bool, seed: int
) -> Sample:
    """What known links say of the candidates.

    Args:
        found: The compared tables.
        rows: Left and right rows of the known links.
        complete: As for `fit_decision`.
        seed: Of the draw.

    Returns:
        The sample for `calibrate`; three quarters of the entities are for fitting, the others for choosing.
    """
    n_left, n_right = (len(side) for side in found.nodes)
    a, b = (side.node_of_row[row] for side, row in zip(found.nodes, rows, strict=True))
    there = (a >= 0) & (b >= 0)
    a, b = a[there], b[there]
    entity = splits.components(n_left + n_right, a, n_left + b)
    labelled = np.full(n_left, complete)
    labelled[a] = True
    has = np.zeros(n_left, dtype=bool)
    has[a] = True
    val = np.zeros(n_left, dtype=bool)
    kinds = np.unique(entity[:n_left])
    held = kinds[np.random.default_rng(seed).random(len(kinds)) < VAL_SHARE]
    val[:] = np.isin(entity[:n_left], held)
    pairs = found.fused.candidates
    of_left = entity[:n_left]
    train = labelled & ~val
    val &= labelled
    nothing = np.zeros(len(pairs), dtype=bool)
    return Sample(
        pairs.left,
        pairs.right,
        of_left[pairs.left] == entity[n_left:][pairs.right],
        train[pairs.left],
        val[pairs.left],
        int((val & has).sum()),
        nothing,
        0,
        of_left[pairs.left],
        int((train & has).sum()),
    )


def _source(model: str | os.PathLike[str] | None, with_pictures: bool) -> Any:
    """The folder of the model."""
    from model_hub import DEFAULT, ModelHubError, open_model

    if model is None and with_pictures:
        encode.plan_of_pictures(None)  # which says what to give
    try:
        return open_model(DEFAULT if model is None else model)
    except (ModelHubError, TypeError) as error:
        raise ModelError(f"model={model!r} cannot be copied: {error}") from error


def _write(
    source: Any,
    folder: Path,
    learned: judgement.Judgement | None,
    metrics: Mapping[str, float],
    fingerprint: str,
) -> None:
    """The model's folder with the decision in it, sealed."""
    from dataclasses import fields

    from model_hub import seal
    from model_hub.manifest import MANIFEST_NAME

    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source.path, folder)
    (folder / MANIFEST_NAME).unlink()
    (folder / judgement.FILE).unlink(missing_ok=True)
    if learned is not None:
        judgement.write(learned, folder / judgement.FILE)
    old = source.manifest
    kept = {
        item.name: getattr(old, item.name) for item in fields(old) if item.name not in ("files", "format")
    }
    fresh = {name: round(float(value), 6) for name, value in metrics.items()}
    seal(
        folder,
        **{
            **kept,
            "name": f"{old.name}-{fingerprint[7:15]}",
            "decision": judgement.FILE if learned is not None else None,
            "metrics": {**old.metrics, **fresh},
            "measured_on": fingerprint,
            "trained_on": {**old.trained_on, "decision": fingerprint},
            "versions": versions(),
            "created_by": "linktransformer.fit_decision",
        },
    )


def _fingerprint(found: comparing.Compared, rows: tuple[Integers, Integers]) -> str:
    digest = hashlib.sha256()
    for side in found.texts:
        for text in side.texts.tolist():
            digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    for part in rows:
        digest.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
    return f"sha256:{digest.hexdigest()}"
