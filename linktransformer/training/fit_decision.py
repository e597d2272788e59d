"""fit_decision: correct the shipped decision by labelled pairs; no vector is changed."""

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

from linktransformer.arrays import Integers
from linktransformer.decision.correction import FILE, Correction, write
from linktransformer.decision.correction_fit import LabelledJob, fit_correction
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import sigmoid
from linktransformer.dedup import cluster_pipeline, dedup
from linktransformer.dedup.constraints import Rules
from linktransformer.encoding import model_plan
from linktransformer.errors import InvalidArgumentError, ModelError
from linktransformer.linking import compare_tables
from linktransformer.linking.options import BlockColumns, Columns, Job, K
from linktransformer.progress import displayed
from linktransformer.search.blocking import Nodes
from linktransformer.tables import frames, key_columns, splits
from linktransformer.tables.frames import Table
from linktransformer.tables.pair_labels import Ids, PairLabels, read_labels
from linktransformer.tables.picture_records import picture_columns
from linktransformer.training.provenance import versions
from linktransformer.training.training_run import folder_of

__all__ = ["FittedDecision", "correction_of", "fit_decision"]

logger = logging.getLogger(__name__)

NAMED = "named"


@dataclass(frozen=True, slots=True)
class FittedDecision:
    """A decision that `fit_decision` learned: `merge(left, right, model=fitted)` decides by it.

    Args:
        folder: The folder, with `decision.json`, and the model where it is not the bundled one.
        metrics: Counts: "matches" and "non_matches", labels of either kind; "contradictions", pairs that are
            labelled both ways or as a non-match between rows that other labels join; "labels_not_compared",
            labels of pairs that are no candidates; "left_rows_with_several_matches"; "expected_matches" and
            "expected_matches_without_labels" among the candidates.
        correction: What was learned.
    """

    folder: Path
    metrics: Mapping[str, float]
    correction: Correction

    def __fspath__(self) -> str:
        return str(self.folder)


@displayed
def fit_decision(
    left: Any,
    right: Any = None,
    labels: Any = None,
    on: Columns = None,
    *,
    left_on: Columns = None,
    right_on: Columns = None,
    left_id: str | None = None,
    right_id: str | None = None,
    label: str | None = None,
    complete: bool | str = False,
    images: Any = None,
    confidence: Any = None,
    model: str | os.PathLike[str] | None = None,
    block_on: BlockColumns = None,
    k: int | None = None,
    out: str | os.PathLike[str] | None = None,
    device: str | None = None,
    cache: Any = None,
    progress: bool | None = None,
) -> FittedDecision:
    """Learn from labelled pairs of rows when a pair is a match. It takes seconds and tunes no encoder.

    The shipped decision is corrected: its log-odds get a slope, an intercept, and a weighted sum of pair
    features and of the match weights of key columns. Few labels change little, and one alone nearly nothing.

    With matches and non-matches, the labels should be answers for pairs that were chosen without knowing the
    answer, such as the best candidate of each of some rows. Of matches alone, or of non-matches alone, all
    other pairs are taken to be what the shipped decision makes of them.

    Args:
        left: A table.
        right: A table of the same library; None to learn how rows of one table match, for clusters.
        labels: The labelled pairs: a table of two columns, left and right label, and of a third one with 1
            (match) and 0 (non-match); without it all are matches. Or a dict from left to right label, or
            pairs, or triples. A null right label says that a left row has no match.
        on: Key column or columns of both tables; None for the text columns that both have.
        left_on: Key columns of the left table, with `right_on`.
        right_on: Key columns of the right table.
        left_id: The column of the left table, or of the one table, whose values `labels` uses; None for index
            labels in pandas, row numbers elsewhere.
        right_id: The column of the right table whose values `labels` uses; None for index labels in pandas,
            row numbers elsewhere.
        label: The column of `labels` with 1 and 0; None for "label", "match" or the third column.
        complete: Whether `labels` names every match: True, of all left rows; "named", of those left rows that
            it names. All other pairs of these rows are then non-matches. Of one table, of all rows, or of
            the rows it names.
        images: Column of pictures, or a pair of columns, left and right; `model` has to read them.
        confidence: With `images`, columns with the confidence of the texts.
        model: The model of `merge`: None for the bundled one beside n-grams (of one table, n-grams);
            "lexical"; a folder or a name on a hub.
        block_on: Columns whose values must be equal: a name, a list of names, or pairs for columns of
            different names, such as ("city", "town").
        k: Neighbours of each row in each view and direction; None is 10, of one table 50, as `merge` and
            `cluster` have it.
        out: The folder of the result, which goes to `out/model`; None is the first free `models/trained-N`.
        device: Where a torch model runs; None takes a GPU when there is one.
        cache: Keep the model's vectors on disk: True, a folder, or `CacheSettings`.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        The decision, to be given as `model=`, and what was counted. Links of other key columns than those
        that were learned from are decided without labels, with a warning in the log.

    Raises:
        InvalidArgumentError: There is no label, one is that of no row, or it is not clear what they mean.
        ColumnNotFoundError: A column that is not there.
        ModelError: The model is no folder that can be copied.

    Example:
        >>> import pandas as pd, tempfile
        >>> firms = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy", "Quincy Glass"]})
        >>> register = pd.DataFrame({"name": ["ACME STEEL CORPORATION", "Baxter Motors", "Quincy Glas"]})
        >>> judged = [(0, 0, 1), (1, 1, 0)]
        >>> fitted = fit_decision(firms, register, judged, "name", model="lexical", out=tempfile.mkdtemp())
        >>> fitted.metrics["matches"], fitted.metrics["non_matches"]
        (1.0, 1.0)
    """
    if labels is None:
        raise InvalidArgumentError(
            "labels= is missing. Give labelled pairs: fit_decision(left, right, labels), or "
            "fit_decision(table, labels=labels) for pairs of rows of one table."
        )
    if complete not in (True, False, NAMED):
        raise InvalidArgumentError(f"complete={complete!r} is not understood. Give True, False or 'named'.")
    one = right is None
    tables = (frames.wrap(left, "left"), frames.wrap(right, "right")) if not one else _twice(left)
    columns = None if images is None else picture_columns(images, tables)
    names = key_columns.resolve(tables[0], tables[1], on, left_on, right_on, columns)
    named = read_labels(tables, labels, "labels", Ids(left_id, left_id if one else right_id, label))
    if not len(named.left):
        raise InvalidArgumentError("labels names no pair to learn from. Give pairs of labels.")
    source = _source(model_plan.LEXICAL if one and model is None and images is None else model)
    job = Job(
        model=source if isinstance(source, str) or source is None else source.path,
        images=images,
        confidence=confidence,
        block_on=block_on,
        k=(dedup.K if one else K) if k is None else k,
        device=device,
        cache=cache,
        keep_features=True,
    )
    if one:
        neighbours = cluster_pipeline.neighbours_of(tables[0], names[0], job, Rules())
        nodes, fused = (neighbours.settled.nodes, neighbours.settled.nodes), neighbours.fused
    else:
        found = compare_tables.compare(tables, names, job)
        nodes, fused = found.nodes, found.fused
    matches, others, counts = _candidates(nodes, fused, named, complete, one)
    learned, expected = correction_of(fused, matches, others, same=one)
    place = folder_of(out, resume=False) / "model"
    metrics = {name: float(value) for name, value in {**counts, **expected}.items()}
    _write(source, place, learned, metrics, _fingerprint(tables, names, named))
    return FittedDecision(place, metrics, learned)


def correction_of(
    fused: Fused, matches: Integers, others: Integers, *, same: bool = False
) -> tuple[Correction, dict[str, float]]:
    """Correct the shipped decision by what is known of candidates.

    Args:
        fused: The candidates, described.
        matches: Those known to match, (n,) int64.
        others: Those known not to match.
        same: Both sides are one table.

    Returns:
        The correction, one that changes nothing where no candidate is labelled; and how many matches are
        expected among the candidates, with and without it.
    """
    if fused.described is None or fused.shipped is None or not len(matches) + len(others):
        logger.warning("no labelled pair is a candidate: the decision is that without labels")
        return Correction(1.0, 0.0, 10.0, (), (), (), ()), {}
    features, found = fused.described.features, fused.candidates
    shipped = fused.shipped.probabilities(
        features, found.left, found.right, (found.n_left, found.n_right), same=same
    )
    columns = fused.described.columns
    job = LabelledJob(
        shipped.log_odds, features.names, features.values, features.weights.bits, columns, matches, others
    )
    learned = fit_correction(job, shipped.uncertainty)
    here = learned.on_columns(columns)
    if here is None:
        raise ValueError("a correction without its columns")
    offset = here.offset(features.names, features.values, features.weights.bits)
    return learned, {
        "expected_matches": float(sigmoid(here.corrected(shipped.log_odds, offset)).sum()),
        "expected_matches_without_labels": float(shipped.probability.sum()),
    }


def _twice(table: Any) -> tuple[Table, Table]:
    wrapped = frames.wrap(table, "table")
    return wrapped, wrapped


def _candidates(
    nodes: tuple[Nodes, Nodes], fused: Fused, named: PairLabels, complete: bool | str, one: bool
) -> tuple[Integers, Integers, dict[str, float]]:
    """Candidates known to match and known not to, and what is counted; labels are closed transitively."""
    n_left, n_right = len(nodes[0]), len(nodes[1])
    start = 0 if one else n_left
    a, b = nodes[0].node_of_row[named.left], nodes[1].node_of_row[np.maximum(named.right, 0)]
    if one:
        a, b = np.minimum(a, b), np.maximum(a, b)
    paired = (a >= 0) & (b >= 0) & (named.right >= 0) & ~((a == b) & one)
    code = a * n_right + b
    yes, no = np.unique(code[paired & named.match]), np.unique(code[paired & ~named.match])
    both = np.intersect1d(yes, no)
    yes, no = np.setdiff1d(yes, both), np.setdiff1d(no, both)
    entity = splits.components(start + n_right, yes // n_right, start + yes % n_right)
    joined = entity[no // n_right] == entity[start + no % n_right]
    several = int((np.bincount(yes // n_right, minlength=1) > 1).sum())
    if len(both) or joined.any():
        logger.warning(
            "labels contradict each other: pairs labelled both ways, which are not learned from: %d; "
            "non-matches between rows that other labels join: %d",
            len(both),
            int(joined.sum()),
        )
    pairs = fused.candidates
    left, right = pairs.left, pairs.right
    at = left * n_right + right
    known = np.isin(at, np.concatenate([no, both]))
    matches = (entity[left] == entity[start + right]) & ~known
    others = np.isin(at, no)
    alone = np.zeros(n_left, dtype=bool)
    alone[a[(named.right < 0) & (a >= 0)]] = True
    others |= alone[left] & ~matches
    if complete:
        rows = np.full(n_left, complete is True)
        rows[a[a >= 0]] = True
        if one:
            rows[b[paired]] = True
        others |= (rows[left] | (rows[right] if one else False)) & ~matches & ~np.isin(at, both)
    counts: dict[str, float] = {
        "matches": int((paired & named.match).sum()),
        "non_matches": int((~named.match).sum()),
        "contradictions": len(both) + int(joined.sum()),
        "labels_not_compared": int((~np.isin(np.concatenate([yes, no]), at)).sum()),
        "left_rows_with_several_matches": several,
    }
    return np.flatnonzero(matches), np.flatnonzero(others), counts


def _source(model: str | os.PathLike[str] | None) -> Any:
    """None or "lexical", which need no copy; else the folder of the model."""
    from model_hub import ModelHubError, open_model

    if model is None or model in (model_plan.LEXICAL, model_plan.FULL):
        return model
    learned = model_plan.decision_alone(model)
    if learned is not None:
        return learned[1]
    try:
        return open_model(model)
    except (ModelHubError, TypeError) as error:
        raise ModelError(f"model={model!r} cannot be copied: {error}") from error


def _write(
    source: Any, folder: Path, learned: Correction, metrics: Mapping[str, float], fingerprint: str
) -> None:
    """The folder with the decision in it: beside a copy of the model, sealed, or alone."""
    from dataclasses import fields

    from model_hub import seal
    from model_hub.manifest import MANIFEST_NAME

    shutil.rmtree(folder, ignore_errors=True)
    said = {"learned_from": fingerprint, "metrics": dict(metrics)}
    if source is None or isinstance(source, str):
        folder.mkdir(parents=True)
        write(learned, folder / FILE, {"model": source, **said})
        return
    shutil.copytree(source.path, folder)
    (folder / MANIFEST_NAME).unlink()
    write(learned, folder / FILE, said)
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
            "decision": FILE,
            "metrics": {**old.metrics, **fresh},
            "measured_on": fingerprint,
            "trained_on": {**old.trained_on, "decision": fingerprint},
            "versions": versions(),
            "created_by": "linktransformer.fit_decision",
        },
    )


def _fingerprint(tables: tuple[Table, Table], names: tuple[list[str], list[str]], named: PairLabels) -> str:
    digest = hashlib.sha256()
    for table, of in zip(tables, names, strict=True):
        for name in of:
            for text in frames.joined(table, [name], " ", False, compared=True).tolist():
                digest.update(str(text).encode("utf-8", "surrogatepass") + b"\0")
    for part in (named.left, named.right, named.match):
        digest.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
    return f"sha256:{digest.hexdigest()}"
