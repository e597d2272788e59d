"""How well a text model links: its nearest partner for every query, and the best threshold on that.

The same rule holds for validation and test: a query is searched in the texts of its split and in all other
known texts of that side, so that neither is easier than the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating[Any]]
CELLS = 2**26  # scores held at once


class Encodes(Protocol):
    """What evaluation needs of a model."""

    def encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Texts as unit rows.

        Args:
            texts: The texts.

        Returns:
            (n_texts, dim) float32.
        """


@dataclass(frozen=True, slots=True, eq=False)
class LinkingTask:
    """Queries with known answers.

    Attributes:
        texts: Different texts.
        entity: The entity of each, (n_texts,) int64.
        queries: Numbers of the query texts, (n,) int64.
        corpus: Numbers of the texts that are searched, (m,) int64; a query itself is never its own answer.
    """

    texts: tuple[str, ...]
    entity: Integers
    queries: Integers
    corpus: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The best partner of every query.

    Attributes:
        score: Its cosine, (n,).
        correct: Whether it is of the query's entity, (n,).
        has: Whether the corpus holds any text of the query's entity, (n,).
    """

    score: Floats
    correct: npt.NDArray[np.bool_]
    has: npt.NDArray[np.bool_]


def search(model: Encodes, task: LinkingTask) -> Found:
    """Link every query to its nearest text.

    Args:
        model: The model.
        task: Queries and corpus.

    Returns:
        The best partner of each.
    """
    used, place = np.unique(np.concatenate([task.queries, task.corpus]), return_inverse=True)
    vectors = model.encode([task.texts[number] for number in used.tolist()])
    query, item = place[: len(task.queries)], place[len(task.queries) :]
    score = np.full(len(query), -np.inf, dtype=np.float32)
    best = np.full(len(query), -1, dtype=np.int64)
    of_item = task.entity[task.corpus]
    step = max(1, CELLS // max(1, len(item)))
    for start in range(0, len(query) if len(item) else 0, step):
        part = slice(start, start + step)
        cosine = vectors[query[part]] @ vectors[item].T
        cosine[query[part][:, None] == item[None, :]] = -np.inf
        best[part] = cosine.argmax(axis=1)
        score[part] = cosine.max(axis=1)
    correct = (best >= 0) & (score > -np.inf)
    correct[correct] = of_item[best[correct]] == task.entity[task.queries[correct]]
    count = np.bincount(of_item, minlength=int(task.entity.max(initial=0)) + 1)
    others = count[task.entity[task.queries]] - np.isin(task.queries, task.corpus)
    return Found(score, correct, others > 0)


def scores(found: Found, threshold: float | None = None) -> dict[str, float]:
    """Top-1 accuracy, and F1 of linking each query to its best partner at or above a threshold.

    Args:
        found: From `search`.
        threshold: One that was chosen on other data; None chooses the best one here.

    Returns:
        "top1" over the queries that have an answer, "f1", "precision", "recall" and "threshold".
    """
    matches = int(found.has.sum())
    if threshold is None:
        threshold = best_threshold(found.score, found.correct, matches)[1]
    linked = found.score >= threshold
    correct = int((linked & found.correct).sum())
    links = int(linked.sum())
    return {
        "top1": float(found.correct.sum() / max(1, matches)),
        "f1": 2 * correct / max(1, links + matches),
        "precision": correct / links if links else 1.0,
        "recall": correct / matches if matches else 1.0,
        "threshold": float(threshold),
        "queries": float(len(found.score)),
    }


def best_threshold(
    score: Floats, correct: npt.NDArray[np.bool_], matches: int | None = None
) -> tuple[float, float]:
    """The threshold with the best F1, halfway between two scores.

    Args:
        score: (n,).
        correct: Whether a link at that score would be right, (n,).
        matches: How many true links there are; None: as many as are right.

    Returns:
        The F1, and the threshold; (0, 1) where nothing is right.

    Example:
        >>> best_threshold(np.array([0.9, 0.8, 0.1]), np.array([True, True, False]))[0]
        1.0
    """
    total = int(correct.sum()) if matches is None else matches
    order = np.argsort(-score, kind="stable")
    falling, hits = score[order], np.cumsum(correct[order])
    last = np.append(falling[1:] < falling[:-1], True) & np.isfinite(falling)  # equal scores link together
    f1 = np.where(last, 2 * hits / np.maximum(1, np.arange(1, len(order) + 1) + total), -1.0)
    if not len(f1) or f1.max() <= 0:
        return 0.0, 1.0
    at = int(f1.argmax())
    below = float(falling[at + 1]) if at + 1 < len(falling) and np.isfinite(falling[at + 1]) else None
    threshold = float(falling[at]) - 1e-6 if below is None else (float(falling[at]) + below) / 2
    return float(f1[at]), threshold
