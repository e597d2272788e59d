"""Passages of long texts: late interaction, the similarity of two texts by the best passages of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers
from linktransformer.search.groups import starts_of

__all__ = ["PRODUCTS", "Form", "Passages", "interaction", "interactions", "unbiased"]

Form = Literal["both", "shorter"]  # of the similarity of two texts
PRODUCTS = 2_000_000  # of two passages: about as many as random pairs of texts are compared by
SAMPLE, LEAST = 32, 100  # texts of each side that are compared for the bias, and pairs of them at least
NORMAL = 1.4826  # standard deviations of a normal distribution in its median deviation
MEMORY = 2**28  # bytes of the products of passages at a time


@dataclass(frozen=True, slots=True, eq=False)
class Passages:
    """The passages of texts, as a matrix of one row a text is used: by rows, as a left or a right side.

    Args:
        vectors: Unit rows of all passages, text by text, (n_passages, d) float32, sparse or dense.
        starts: Where each text's passages begin and, last, end, (n_texts + 1,) int64. A text may have none.
        whole: Unit rows of the whole texts by which neighbours are searched, (n_texts, d) sparse; None: they
            are searched by the passages.
        slope: By what the distance of a similarity from 1 is multiplied, see `unbiased`.
        level: A passage is covered by another text that has a more similar one. All but the first of the
            covered ones raise the similarity: by their share of what is missing to 1.
        form: "both": for each passage of a text its best one in the other text, the mean over passages, and
            of both directions the mean. "shorter": in the direction from the text with fewer passages alone
            (of as many, the mean of both): how much of the shorter text is in the longer one.
    """

    vectors: Floats | sp.csr_matrix
    starts: Integers
    whole: sp.csr_matrix | None = None
    form: Form = "both"
    slope: float = 1.0
    level: float = math.inf

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def shape(self) -> tuple[int, int]:
        """Texts, and the length of a vector."""
        return len(self), int(self.vectors.shape[1])

    @property
    def counts(self) -> Integers:
        """How many passages each text has, (n_texts,) int64."""
        return np.diff(self.starts)

    def with_more(self, others: Passages) -> Passages:
        """These texts, then others, by dense passages."""
        vectors = np.concatenate([np.asarray(self.vectors), np.asarray(others.vectors)])
        return replace(
            self, vectors=vectors, starts=np.append(self.starts, self.starts[-1] + others.starts[1:])
        )

    def __getitem__(self, rows: Integers | slice) -> Passages:
        """Some of the texts, in any order."""
        numbers = np.arange(len(self), dtype=np.int64)[rows]
        counts = self.counts[numbers]
        starts = np.append(0, np.cumsum(counts)).astype(np.int64)
        place = (
            np.arange(starts[-1]) - np.repeat(starts[:-1], counts) + np.repeat(self.starts[numbers], counts)
        )
        whole = None if self.whole is None else self.whole[numbers]
        return replace(self, vectors=self.vectors[place], starts=starts, whole=whole)


def interaction(left: Passages, right: Passages, a: Integers, b: Integers) -> Floats:
    """The similarity of each pair of a left text `a` and a right text `b`, (n_pairs,) float32.

    0 where a text has no passage. Work is done text by text of the left side: a product of its passages with
    those of all its partners is one product of matrices.
    """
    score = np.zeros(len(a), dtype=np.float32)
    if not len(a):
        return score
    order = np.lexsort((b, a))
    group = starts_of(a[order])
    for start, stop in zip(group.tolist(), [*group[1:].tolist(), len(a)], strict=True):
        at = order[start:stop]
        own = left[a[at[:1]]]
        step = max(1, int(MEMORY / 4 / max(1, int(own.starts[-1]) * int(right.counts.max(initial=1)))))
        for first in range(0, len(at), step):
            part = at[first : first + step]
            score[part] = interactions(own, right[b[part]])[0]
    return score


def interactions(left: Passages, right: Passages) -> Floats:
    """The similarity of every left with every right text, (n_left, n_right) float32, in memory."""
    products = left.vectors @ right.vectors.T
    if sp.issparse(products):
        products = products.toarray()
    has = np.flatnonzero(left.counts), np.flatnonzero(right.counts)
    every = np.zeros((len(left), len(right)), dtype=np.float32)
    if not len(has[0]) or not len(has[1]):
        return every
    starts = left.starts[has[0]], right.starts[has[1]]
    n = left.counts[has[0]][:, None].astype(np.float32), right.counts[has[1]][None].astype(np.float32)
    slope, level = np.float32(max(left.slope, right.slope)), np.float32(min(left.level, right.level))
    directions = []
    for axis in (0, 1):  # best passages of the other text, for each passage on this axis
        best = np.maximum.reduceat(products, starts[1 - axis], axis=1 - axis)
        mean = 1 - slope * (1 - np.add.reduceat(best, starts[axis], axis=axis) / n[axis])
        covered = np.add.reduceat((best > level).astype(np.float32), starts[axis], axis=axis)
        directions.append(mean + (1 - mean) * np.maximum(0, covered - 1) / n[axis])
    score = (directions[0] + directions[1]) / 2
    if left.form == "shorter":
        score = np.where(n[0] < n[1], directions[0], np.where(n[0] > n[1], directions[1], score))
    every[np.ix_(*has)] = np.maximum(score, 0) if sp.issparse(left.vectors) else score
    return every


def unbiased(
    left: Passages, right: Passages, texts: tuple[Sequence[str], Sequence[str]], *, same: bool = False
) -> tuple[Passages, Passages]:
    """Passages with a correction by what unrelated texts have: `slope` and `level`.

    The best of several passages is more similar than one: without a correction unrelated texts look more
    alike the longer they are, and the decision, which was learned on short records, takes them for matches.
    With `slope`, a linear map that leaves 1 where it is, their median is that of unrelated passages. Copies
    with errors have less similar passages than the decision expects, but many of them, where one is chance:
    `level` is what the best of all passages of unrelated texts that a text meets would reach if they were
    normal, sqrt(2 log n) deviations above their median (D. Donoho and I. Johnstone, Ideal spatial adaptation
    by wavelet shrinkage, 1994), by the median deviation. `texts` are those of the passages, so that the
    sample of them does not depend on their order; of few texts nothing is known.
    """
    sides = []
    for side, written in zip((left, right), texts, strict=True):
        order = np.array(
            sorted(np.flatnonzero(side.counts).tolist(), key=written.__getitem__), dtype=np.int64
        )
        place = np.linspace(0, len(order) - 1, min(SAMPLE, len(order))).round().astype(np.int64)
        sides.append(order[place])
    apart = np.ones((len(sides[0]), len(sides[1])), dtype=bool)
    if same:
        apart = sides[0][:, None] != sides[1][None]
    if apart.sum() < LEAST:
        return left, right
    a, b = (
        replace(side, slope=1.0, level=math.inf, whole=None)[rows]
        for side, rows in zip((left, right), sides, strict=True)
    )
    products = a.vectors @ b.vectors.T
    products = products.toarray() if sp.issparse(products) else products
    of_texts, of_passages = float(np.median(interactions(a, b)[apart])), float(np.median(products))
    slope = max(1.0, (1 - of_passages) / max(1e-3, 1 - of_texts))
    best = np.maximum.reduceat(products, b.starts[:-1], axis=1)[np.repeat(apart, a.counts, axis=0)]
    middle = float(np.median(best))
    spread = NORMAL * float(np.median(np.abs(best - middle)))
    met = max(2.0, max(len(left), len(right)) * float(max(a.counts.mean(), b.counts.mean())))
    level = middle + spread * math.sqrt(2 * math.log(met))
    return replace(left, slope=slope, level=level), replace(right, slope=slope, level=level)
