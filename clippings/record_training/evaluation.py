"""Linking accuracy on records: by picture, by text and by both, with queries that have no match."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clippings.arrays import Bools, Floats, Integers
from clippings.record_training.examples import RecordExamples
from clippings.records.encoder import RecordVectors
from clippings.training.evaluation import Nearest, nearest_item, scores

if TYPE_CHECKING:
    from clippings.record_training.trainable import RecordTrainable

KINDS = ("image", "text", "fused")
OUTSIDE = 1e-6  # how far beyond the lowest and the highest score the outermost cutoffs are


@dataclass(frozen=True, slots=True, eq=False)
class RecordTask:
    """Queries with known matches.

    Attributes:
        examples: The records; their entities are the answers.
        queries: Numbers of the query records, (n,) int64.
        corpus: Numbers of the records that are searched, (m,) int64.
    """

    examples: RecordExamples
    queries: Integers
    corpus: Integers


def task(examples: RecordExamples) -> RecordTask:
    """The records of side 0 are the queries, those of side 1 the corpus."""
    return RecordTask(examples, np.flatnonzero(examples.side == 0), np.flatnonzero(examples.side == 1))


def link(vectors: Floats, present: Bools, linking: RecordTask) -> Nearest:
    """Link every query to its nearest record of the corpus.

    `vectors` are unit rows of all records, (n, d); records that are not `present`, (n,) bool, are linked to
    nothing.
    """
    queries, entity = linking.queries, linking.examples.entity
    corpus = linking.corpus[present[linking.corpus]]
    score = np.full(len(queries), -np.inf, np.float32)
    best = np.full(len(queries), -1, np.int64)
    rows = np.flatnonzero(present[queries])
    score[rows], place = nearest_item(vectors, queries[rows], corpus)
    if len(corpus):
        best[rows] = corpus[place]
    has_entity = entity[queries] >= 0
    correct = (best >= 0) & has_entity & (entity[best] == entity[queries])
    return Nearest(score, correct, has_entity & np.isin(entity[queries], entity[linking.corpus]))


def no_match(nearest: Nearest, cutoff: float) -> float:
    """The share of the queries that are treated rightly at a cutoff that was chosen on other data.

    A query with a match counts if it is found with a score at or above the cutoff, one without if its score
    is below.
    """
    right = np.where(nearest.has, nearest.correct & (nearest.score >= cutoff), nearest.score < cutoff)
    return float(right.mean()) if len(right) else 1.0


def best_cutoff(nearest: Nearest) -> float:
    """The lowest cutoff with the best `no_match`: halfway between two scores, or beyond all.

    Example:
        >>> yes, no = np.array([True, True, False]), np.array([True, False, False])
        >>> round(best_cutoff(Nearest(np.array([0.9, 0.5, 0.1]), no, yes)), 2)
        0.3
    """
    value = np.unique(nearest.score[np.isfinite(nearest.score)]).astype(np.float64)
    if not len(value):
        return 0.0
    cuts = np.concatenate([[value[0] - OUTSIDE], (value[1:] + value[:-1]) / 2, [value[-1] + OUTSIDE]])
    # gained by being at or above a cutoff, minus what is gained by being below it
    gain = (nearest.has & nearest.correct).astype(np.int64) - (~nearest.has).astype(np.int64)
    order = np.argsort(nearest.score, kind="stable")
    below = np.searchsorted(nearest.score[order], cuts, side="left")
    lost = np.concatenate([[0], np.cumsum(gain[order])])[below]
    return float(cuts[int(np.argmin(lost))])


def measures(
    nearest: Nearest, cutoff: float | None = None, threshold: float | None = None
) -> dict[str, float]:
    """Top-1 and F1 as in `evaluation.scores`, and the share of queries treated rightly at a cutoff.

    Cutoff and threshold that are None are chosen here.
    """
    cutoff = best_cutoff(nearest) if cutoff is None else cutoff
    whole = scores(nearest, threshold)
    return {
        "top1": whole["top1"],
        "no_match": no_match(nearest, cutoff),
        "cutoff": cutoff,
        "f1": whole["f1"],
        "threshold": whole["threshold"],
    }


def evaluate(
    vectors: RecordVectors, linking: RecordTask, chosen: Mapping[str, float] | None = None
) -> dict[str, float]:
    """`measures` of linking by picture, by text and by both: "image_top1", "text_no_match", "fused_f1"...

    `chosen` are measures of other data, whose cutoffs and thresholds are used; None chooses here.
    """
    present = (vectors.has_image, vectors.has_text, vectors.has_image | vectors.has_text)
    values: dict[str, float] = {}
    for kind, rows, has in zip(KINDS, (vectors.image, vectors.text, vectors.fused), present, strict=True):
        cuts = [chosen[f"{kind}_{name}"] if chosen else None for name in ("cutoff", "threshold")]
        measured = measures(link(rows, has, linking), *cuts)
        values |= {f"{kind}_{name}": value for name, value in measured.items()}
    return values


def validation(tasks: Mapping[str, RecordTask]) -> Callable[[RecordTrainable], dict[str, float]]:
    """A function that measures a model for `fit_records`: the mean of each measure over the named tasks.

    With several tasks, such as one a language, each one's own measures are there too, as "name_measure".
    """

    def validate(model: RecordTrainable) -> dict[str, float]:
        by_task = {name: evaluate(model.encode(one.examples), one) for name, one in tasks.items()}
        names = next(iter(by_task.values()))
        values = {name: float(np.mean([one[name] for one in by_task.values()])) for name in names}
        if len(by_task) > 1:
            values |= {f"{task}_{name}": v for task, one in by_task.items() for name, v in one.items()}
        return values

    return validate
