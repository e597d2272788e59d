"""fit_decision: correct the shipped decision by labelled pairs; no vector is changed."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from linktransformer.arrays import Integers
from linktransformer.decision.correction import FILE, Correction, write
from linktransformer.decision.correction_fit import LabelledJob, fit_correction
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import sigmoid
from linktransformer.dedup import cluster
from linktransformer.encoding import model_plan
from linktransformer.encoding.cache_settings import CacheLike
from linktransformer.errors import InvalidArgumentError, ModelError
from linktransformer.linking.learned_reader import learned_with
from linktransformer.linking.options import AUTO, OWN, BlockColumns, Columns, Job, K, ReaderLike, reader_of
from linktransformer.linking.pair_judge import is_judge
from linktransformer.progress import displayed
from linktransformer.tables import frames, key_columns
from linktransformer.tables.answered_pairs import answered_pairs, path_of
from linktransformer.tables.frames import IntoDataFrame
from linktransformer.tables.pair_labels import Ids, read_labels
from linktransformer.tables.picture_records import picture_columns
from linktransformer.tables.review_workbook import is_workbook, read_workbook
from linktransformer.training.labelled_candidates import labelled_candidates, scored_candidates
from linktransformer.training.labelled_reader import calibrated_by_labels
from linktransformer.training.run_folder import fingerprint, folder_of, versions

if TYPE_CHECKING:
    from model_hub import ModelFolder

__all__ = ["FittedDecision", "correction_of", "fit_decision"]

logger = logging.getLogger(__name__)

NAMED = "named"
SENTENCES = "sentence-transformers"  # of models that `train_model` made; graphs are the bundled model's


@dataclass(frozen=True, slots=True)
class FittedDecision:
    """The result of `fit_decision`, for `merge(left, right, model=fitted)`.

    Args:
        folder: The folder, with `decision.json`, and the model where it is not the bundled one.
        metrics: Counts: "matches" and "non_matches", labels of either kind; "repeated_labels";
            "contradictions", pairs that are labelled both ways (and not learned from) or as a non-match
            between rows that other labels join; "labels_not_compared", labels of pairs that are no
            candidates, or of rows of equal text or without one; "answers_unsure" and "answers_disputed",
            pairs of a file of answers that were left out; "left_rows_with_several_matches";
            "expected_matches" and "expected_matches_without_labels" among the candidates.
        correction: The learned correction.
    """

    folder: Path
    metrics: Mapping[str, float]
    correction: Correction

    def __fspath__(self) -> str:
        return str(self.folder)


@displayed
def fit_decision(
    left: IntoDataFrame,
    right: IntoDataFrame | None = None,
    labels: object = None,
    on: Columns = None,
    *,
    left_on: Columns = None,
    right_on: Columns = None,
    left_id: str | None = None,
    right_id: str | None = None,
    label: str | None = None,
    complete: bool | str = False,
    images: Columns = None,
    confidence: Columns = None,
    image_root: str | os.PathLike[str] | None = None,
    model: str | os.PathLike[str] | None = None,
    block_on: BlockColumns = None,
    k: int | None = None,
    reader: ReaderLike = "auto",
    out: str | os.PathLike[str] | None = None,
    device: str | None = None,
    cache: CacheLike = None,
    progress: bool | None = None,
) -> FittedDecision:
    """Learn from labelled pairs of rows when a pair is a match. It takes seconds and tunes no encoder.

    The shipped decision is corrected: its log-odds get a slope, an intercept, and a weighted sum of pair
    features and of the match weights of key columns. Few labels change little, a single one almost nothing.

    With matches and non-matches, the labels should be answers for pairs that were chosen without knowing the
    answer, such as the best candidate of each of some rows. With matches only, or non-matches only, all other
    pairs are assumed to be as the shipped decision estimates.

    Args:
        left: A table.
        right: A table of the same library; None to learn how rows of one table match, for clusters.
        labels: The labelled pairs: a table of two columns, left and right label, and of a third one with 1
            or yes (match) and 0 or no (non-match); without it all are matches. Or a dict from left to right
            label, or pairs, or triples. A null right label says that a left row has no match. Or the Excel
            file that `Links.to_excel` has written, with answers; or the .sqlite file of the answers of
            `Links.review`, whose pairs without a clear answer are left out and counted.
        on: Key column or columns of both tables; None for the text columns that both have.
        left_on: Key columns of the left table, with `right_on`.
        right_on: Key columns of the right table.
        left_id: The column of the left table, or of the one table, whose values `labels` uses; None for index
            labels in pandas, row numbers elsewhere.
        right_id: The column of the right table whose values `labels` uses; None for index labels in pandas,
            row numbers elsewhere.
        label: The column of `labels` with 1 and 0; None for "label", "match" or the third column.
        complete: Whether `labels` names every match: True, of all left rows; "named", of those left rows that
            it names. All other pairs of these rows are then non-matches. The same holds for the rows of one
            table.
        images: Column of pictures, or a pair of columns, left and right; needs a `model` that reads pictures.
        confidence: With `images`, columns with the confidence of the texts.
        image_root: The folder of relative paths in `images`; None is the current one.
        model: The model of `merge`: None for the bundled one beside n-grams (of one table, n-grams);
            "lexical"; a folder or a name on a hub.
        block_on: Columns whose values must be equal: a name, a list of names, or pairs for columns of
            different names, such as ("city", "town").
        k: Neighbours of each row in each view and direction; None is 10, for one table 50, as in `merge` and
            `cluster`.
        reader: Whether a cross-encoder reads pairs in doubt, as in `merge`: "auto" with the bundled model or,
            of one table, with None. Where pairs were read, the decision reads them in use too. A reader of
            your own is calibrated by the labels, and has to be given again in use (docs/reader.md).
        out: The folder of the result, which goes to `out/model`; None is the first free `models/trained-N`.
        device: Where a torch model runs; None takes a GPU when there is one.
        cache: Keep the model's vectors on disk: True, a folder, or `CacheSettings`.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        The decision, to be given as `model=`, and counts. Links of other key columns than those
        that were learned from are decided without labels, with a warning in the log.

    Raises:
        InvalidArgumentError: There is no label, one is that of no row, every pair is labelled both ways, or
            it is not clear what the labels mean. Labels that contradict each other give a `LinkWarning`.
        ColumnNotFoundError: A column that is not there.
        ModelError: The model is not a folder that can be copied.

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
    left_table = frames.wrap(left, "table" if one else "left")
    tables = left_table, left_table if right is None else frames.wrap(right, "right")
    columns = None if images is None else picture_columns(images, tables)
    names = key_columns.resolve(tables[0], tables[1], on, left_on, right_on, columns)
    reviewed = is_workbook(labels) or path_of(labels) is not None  # pairs that were chosen by their doubt
    if is_workbook(labels):
        labels = read_workbook(cast("str | os.PathLike[str]", labels), "labels")
    ids = Ids(left_id, left_id if one else right_id, label)
    answered = None
    if (path := path_of(labels)) is not None:
        answered = answered_pairs(path, tables, "labels", ids)
        labels = answered.triples
    pair_labels = read_labels(tables, labels, "labels", ids)
    if not len(pair_labels.left):
        raise InvalidArgumentError("labels names no pair to learn from. Give pairs of labels.")
    if pair_labels.conflicts.both_ways.all():
        raise InvalidArgumentError(
            f"labels says of all its {pair_labels.conflicts.n_both_ways} pairs that they match and that they "
            "do not. Give one answer for each pair."
        )
    source = _source(model_plan.LEXICAL if one and model is None and images is None else model)
    budget = reader_of(reader, model, pictures=images is not None)
    if budget == OWN:
        budget = AUTO if _has_reader(source) else False
    job = Job(
        model=source if isinstance(source, str) or source is None else source.path,
        images=images,
        confidence=confidence,
        image_root=image_root,
        block_on=block_on,
        k=(cluster.K if one else K) if k is None else k,
        device=device,
        cache=cache,
        keep_features=True,
        reader=budget,
    )
    if is_judge(budget):
        nodes, fused = scored_candidates(tables, names, replace(job, reader=False), one)
        some = labelled_candidates(nodes, fused, pair_labels, complete, one)[:2]
        budget = calibrated_by_labels(budget, tables, names, nodes, fused, some)
        job = replace(job, reader=budget)
    nodes, fused = scored_candidates(tables, names, job, one)
    matches, others, counts = labelled_candidates(nodes, fused, pair_labels, complete, one)
    chosen = reviewed and complete is False
    learned, expected = correction_of(fused, matches, others, same=one, chosen=chosen)
    learned = learned_with(learned, budget)
    folder = folder_of(out, resume=False) / "model"
    if answered is not None:
        counts = {**counts, "answers_unsure": answered.unsure, "answers_disputed": answered.disputed}
    metrics = {name: float(value) for name, value in {**counts, **expected}.items()}
    cells = (
        str(text)
        for table, keys in zip(tables, names, strict=True)
        for name in keys
        for text in frames.joined(table, [name], " ", False, compared=True).tolist()
    )
    learned_from = fingerprint(cells, pair_labels.left, pair_labels.right, pair_labels.match)
    _write(source, folder, learned, metrics, learned_from)
    return FittedDecision(folder, metrics, learned)


def correction_of(
    fused: Fused, matches: Integers, others: Integers, *, same: bool = False, chosen: bool = False
) -> tuple[Correction, dict[str, float]]:
    """Correct the shipped decision by the numbers of candidates known to match, and known not to.

    The correction changes nothing where no candidate is labelled. Also the expected number of matches among
    the candidates, with and without it. `same`: both sides are one table. `chosen`: the labelled candidates
    were chosen by their features, as in a review, so that their share of matches says nothing of the others.
    """
    if fused.described is None or fused.shipped is None or not len(matches) + len(others):
        logger.warning("no labelled pair is a candidate: the decision is that without labels")
        return Correction(1.0, 0.0, 10.0, (), (), (), ()), {}
    features, columns = fused.described.features, fused.described.columns
    shipped = fused.judged_by(fused.shipped, same=same)
    job = LabelledJob(
        shipped.log_odds,
        features.names,
        features.values,
        features.weights.bits,
        columns,
        matches,
        others,
        chosen=chosen,
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


def _source(model: str | os.PathLike[str] | None) -> ModelFolder | str | None:
    """None or a name such as "lexical", which need no copy; else the folder of the model."""
    from model_hub import ModelHubError, open_model

    if model is None or (isinstance(model, str) and model in (model_plan.LEXICAL, model_plan.FULL)):
        return model
    if (learned := model_plan.decision_alone(model)) is not None:
        return learned[1]
    try:
        return open_model(model)
    except (ModelHubError, TypeError) as error:
        raise ModelError(f"model={model!r} cannot be copied: {error}") from error


def _has_reader(source: ModelFolder | str | None) -> bool:
    from clippings.text.pair_reader import has_reader

    if source is None or isinstance(source, str):
        return False
    return source.manifest.architecture == SENTENCES and has_reader(source)


def _write(
    source: ModelFolder | str | None,
    folder: Path,
    learned: Correction,
    metrics: Mapping[str, float],
    learned_from: str,
) -> None:
    """The folder with the decision: beside a copy of the model, sealed, or alone."""
    from model_hub import seal
    from model_hub.manifest import MANIFEST_NAME

    shutil.rmtree(folder, ignore_errors=True)
    details = {"learned_from": learned_from, "metrics": dict(metrics)}
    if source is None or isinstance(source, str):
        folder.mkdir(parents=True)
        write(learned, folder / FILE, {"model": source, **details})
        return
    shutil.copytree(source.path, folder)
    (folder / MANIFEST_NAME).unlink()
    write(learned, folder / FILE, details)
    old = source.manifest
    values = {item.name: getattr(old, item.name) for item in fields(old)}
    values |= {
        "name": f"{old.name}-{learned_from[7:15]}",
        "decision": FILE,
        "metrics": {**old.metrics, **{name: round(float(value), 6) for name, value in metrics.items()}},
        "measured_on": learned_from,
        "trained_on": {**old.trained_on, "decision": learned_from},
        "versions": versions(),
        "created_by": "linktransformer.fit_decision",
    }
    seal(folder, **{name: value for name, value in values.items() if name not in ("files", "format")})
