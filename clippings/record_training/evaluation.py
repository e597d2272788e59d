"""How well a model links records: by picture, by text and by both, with and without an answer to be found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from clippings.arrays import Bools, Integers
from clippings.record_training.examples import RecordExamples
from clippings.training.evaluation import CELLS, Found, scores

if TYPE_CHECKING:
    from clippings.record_training.trainable import RecordTrainable

KINDS = ("image", "text", "fused")
OUTSIDE = 1e-6  # how far beyond the lowest and the highest score the outermost cutoffs are


class HasVectors(Protocol):
    """What evaluation needs of the vectors of records: those of a `RecordEncoder` will do."""

    @property
    def image(self) -> npt.NDArray[Any]: ...  # noqa: D102 - unit rows, zeros where missing
    @property
    def text(self) -> npt.NDArray[Any]: ...  # noqa: D102
    @property
    def fused(self) -> npt.NDArray[Any]: ...  # noqa: D102
    @property
    def has_image(self) -> Bools: ...  # noqa: D102
    @property
    def has_text(self) -> Bools: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class RecordTask:
    """Queries with known answers.

    Attributes:
        examples: The records; their entities are the answers.
        queries: Numbers of the records that ask, (n,) int64.
        corpus: Numbers of the records that are searched, (m,) int64.
    """

    examples: RecordExamples
    queries: Integers
    corpus: Integers


def task(examples: RecordExamples) -> RecordTask:
    """The records of side 0 ask, those of side 1 are searched.

    Args:
        examples: The records.

    Returns:
        The task.
    """
    return RecordTask(examples, np.flatnonzero(examples.side == 0), np.flatnonzero(examples.side == 1))


def link(vectors: npt.NDArray[Any], there: Bools, linking: RecordTask) -> Found:
    """Link every query to its nearest record.

    Args:
        vectors: Unit rows of all records of the task, (n, d).
        there: Which records have a vector, (n,) bool; a query without one is linked to nothing.
        linking: Queries and corpus.

    Returns:
        The best partner of each query; its score is -inf where there is none.
    """
    queries, entity = linking.queries, linking.examples.entity
    corpus = linking.corpus[there[linking.corpus]]
    score = np.full(len(queries), -np.inf, np.float32)
    best = np.full(len(queries), -1, np.int64)
    asks = np.flatnonzero(there[queries]) if len(corpus) else np.zeros(0, np.int64)
    step = max(1, CELLS // max(1, len(corpus)))
    for start in range(0, len(asks), step):
        part = asks[start : start + step]
        cosine = vectors[queries[part]] @ vectors[corpus].T
        best[part], score[part] = corpus[cosine.argmax(axis=1)], cosine.max(axis=1)
    known = entity[queries] >= 0
    correct = (best >= 0) & known & (entity[best] == entity[queries])
    return Found(score, correct, known & np.isin(entity[queries], entity[linking.corpus]))


def no_match(found: Found, cutoff: float) -> float:
    """The share of the queries that are treated rightly.

    That is: it has an answer, which is found with a score at or above the cutoff; or it has none, and the
    score is below.

    Args:
        found: From `link`.
        cutoff: A score, chosen on other data.

    Returns:
        The share.
    """
    right = np.where(found.has, found.correct & (found.score >= cutoff), found.score < cutoff)
    return float(right.mean()) if len(right) else 1.0


def best_cutoff(found: Found) -> float:
    """The cutoff with the best share of queries treated rightly: halfway between two scores, or beyond all.

    Args:
        found: From `link`.

    Returns:
        The lowest of the best ones.

    Example:
        >>> yes, no = np.array([True, True, False]), np.array([True, False, False])
        >>> round(best_cutoff(Found(np.array([0.9, 0.5, 0.1]), no, yes)), 2)
        0.3
    """
    value = np.unique(found.score[np.isfinite(found.score)]).astype(np.float64)
    if not len(value):
        return 0.0
    cuts = np.concatenate([[value[0] - OUTSIDE], (value[1:] + value[:-1]) / 2, [value[-1] + OUTSIDE]])
    # gained by being at or above a cutoff, minus what is gained by being below it
    gain = (found.has & found.correct).astype(np.int64) - (~found.has).astype(np.int64)
    order = np.argsort(found.score, kind="stable")
    below = np.searchsorted(found.score[order], cuts, side="left")
    lost = np.concatenate([[0], np.cumsum(gain[order])])[below]
    return float(cuts[int(np.argmin(lost))])


def measures(found: Found, cutoff: float | None = None, threshold: float | None = None) -> dict[str, float]:
    """All that is said of one way to link.

    Args:
        found: From `link`.
        cutoff: For `no_match`; None chooses the best one here.
        threshold: For F1; None chooses the best one here.

    Returns:
        "top1" over the queries with an answer, "no_match", "cutoff", "f1" and "threshold".
    """
    cutoff = best_cutoff(found) if cutoff is None else cutoff
    whole = scores(found, threshold)
    return {
        "top1": whole["top1"],
        "no_match": no_match(found, cutoff),
        "cutoff": cutoff,
        "f1": whole["f1"],
        "threshold": whole["threshold"],
    }


def evaluate(
    vectors: HasVectors, linking: RecordTask, chosen: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Link by picture, by text, and by both.

    Args:
        vectors: Of all records of the task.
        linking: Queries and corpus.
        chosen: What `evaluate` gave for other data: its cutoffs and thresholds are used. None chooses here.

    Returns:
        The measures of each, as "image_top1", "text_no_match", "fused_f1" and so on.
    """
    there = {
        "image": vectors.has_image,
        "text": vectors.has_text,
        "fused": vectors.has_image | vectors.has_text,
    }
    made: dict[str, float] = {}
    for kind in KINDS:
        found = link(getattr(vectors, kind), there[kind], linking)
        cuts = [chosen[f"{kind}_{name}"] if chosen else None for name in ("cutoff", "threshold")]
        made |= {f"{kind}_{name}": value for name, value in measures(found, *cuts).items()}
    return made


def validation(tasks: Mapping[str, RecordTask]) -> Callable[[RecordTrainable], dict[str, float]]:
    """What `fit_records` measures a model with.

    Args:
        tasks: One or several tasks by name, such as one a language.

    Returns:
        A function of the model: the mean over the tasks of each measure, and, where there are several, each
        one's own under "name_measure".
    """

    def validate(model: RecordTrainable) -> dict[str, float]:
        found = {name: evaluate(model.encode(one.examples), one) for name, one in tasks.items()}
        names = next(iter(found.values()))
        made = {name: float(np.mean([one[name] for one in found.values()])) for name in names}
        if len(found) > 1:
            made |= {f"{of}_{name}": value for of, one in found.items() for name, value in one.items()}
        return made

    return validate
