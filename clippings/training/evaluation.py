"""Linking accuracy of a text model: the nearest text of every query, and the best threshold on its cosine.

For validation and test alike a query is searched in the texts of its split and in all other known texts of
that side, so that neither is easier than the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from clippings.arrays import Bools, Floats, Integers

CELLS = 2**26  # scores held at once


class Encodes(Protocol):
    """The part of a model that evaluation uses."""

    def encode(self, texts: list[str]) -> Floats:
        """Texts as unit rows, (n, d)."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkingTask:
    """Queries with known matches.

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
class Nearest:
    """The nearest text or record of every query.

    Attributes:
        score: Its cosine, (n,); -inf without one.
        correct: Whether it is of the query's entity, (n,).
        has: Whether the corpus holds a match of the query, (n,).
    """

    score: Floats
    correct: Bools
    has: Bools


def nearest_item(
    vectors: Floats, queries: Integers, items: Integers, *, skip_self: bool = False
) -> tuple[Floats, Integers]:
    """Cosine and place of the best item of each query, (n,) each; -inf and -1 without items.

    Queries and items are row numbers of `vectors`; with `skip_self` no row is its own answer.
    """
    score = np.full(len(queries), -np.inf, dtype=np.float32)
    best = np.full(len(queries), -1, dtype=np.int64)
    step = max(1, CELLS // max(1, len(items)))
    for start in range(0, len(queries) if len(items) else 0, step):
        part = slice(start, start + step)
        cosine = vectors[queries[part]] @ vectors[items].T
        if skip_self:
            cosine[queries[part][:, None] == items[None, :]] = -np.inf
        best[part], score[part] = cosine.argmax(axis=1), cosine.max(axis=1)
    return score, best


def search(model: Encodes, task: LinkingTask) -> Nearest:
    """Link every query to its nearest text of the corpus."""
    used, place = np.unique(np.concatenate([task.queries, task.corpus]), return_inverse=True)
    vectors = model.encode([task.texts[number] for number in used.tolist()])
    query, item = place[: len(task.queries)], place[len(task.queries) :]
    entity = task.entity[task.corpus]
    score, best = nearest_item(vectors, query, item, skip_self=True)
    correct = (best >= 0) & (score > -np.inf)
    correct[correct] = entity[best[correct]] == task.entity[task.queries[correct]]
    count = np.bincount(entity, minlength=int(task.entity.max(initial=0)) + 1)
    others = count[task.entity[task.queries]] - np.isin(task.queries, task.corpus)
    return Nearest(score, correct, others > 0)


def scores(nearest: Nearest, threshold: float | None = None) -> dict[str, float]:
    """Top-1 accuracy, and F1 of linking each query to its nearest text at or above a threshold.

    "top1" is over the queries that have a match; a threshold of None is chosen here.
    """
    matches = int(nearest.has.sum())
    if threshold is None:
        threshold = best_threshold(nearest.score, nearest.correct, matches)[1]
    linked = nearest.score >= threshold
    correct = int((linked & nearest.correct).sum())
    links = int(linked.sum())
    return {
        "top1": float(nearest.correct.sum() / max(1, matches)),
        "f1": 2 * correct / max(1, links + matches),
        "precision": correct / links if links else 1.0,
        "recall": correct / matches if matches else 1.0,
        "threshold": float(threshold),
        "queries": float(len(nearest.score)),
    }


def best_threshold(score: Floats, correct: Bools, matches: int | None = None) -> tuple[float, float]:
    """The best F1 and its threshold, halfway between two scores; (0, 1) where nothing is correct.

    `score` and `correct` are (n,); `matches` is the number of true links, None for the number of correct
    ones.

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
