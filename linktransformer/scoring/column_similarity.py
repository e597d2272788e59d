"""How similar the cells of two columns are, for many pairs at once.

Every column pair is read to numbered values first; a measure then compares each different pair of values
once. So no measure depends on which of the two columns is the left one, and all are symmetric.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.parallel import chunks, mapped
from linktransformer.scoring import spelling, value_similarity
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.parse_numbers import plain, plain_cells
from linktransformer.scoring.spelling import Measure
from linktransformer.scoring.value_similarity import KnownValues

__all__ = ["Prepared", "compare_known", "prepare"]

READERS = spelling.KINDS | dict.fromkeys(value_similarity.KINDS, value_similarity.numbered_values)
CHUNK = 1 << 15  # pairs compared at once: intermediate results stay in the cache
BELOW_EQUAL = np.nextafter(np.float32(1), np.float32(0))  # of two different values, at most


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Two columns that were read for one comparison, by `prepare`.

    Args:
        left: Number of the value of each left cell, (n,) int64, -1 where there is none.
        right: Number of the value of each right cell, (m,) int64, -1 where there is none. Equal values have
            equal numbers.
        measure: Similarity of pairs of different values by their numbers, the smaller one first.
        rest: The cells that could not be read, as text; None where all could.
    """

    left: Integers
    right: Integers
    measure: Measure
    rest: Prepared | None = None

    def similarity(self, i: Integers, j: Integers) -> Floats:
        """Compare pairs of a left cell i and a right cell j, (p,) int64 each.

        Returns (p,) float32 in [0, 1], 1 for equal values; NaN where a cell is empty or only one of the two
        could be read. Two cells that both could not be read are compared as text.

        Example:
            >>> from linktransformer.scoring import compare
            >>> ages = prepare(["30", "31", ""], ["30.0", "64"], compare.number())
            >>> print(ages.similarity(np.array([0, 1, 1, 2]), np.array([0, 0, 1, 1])).round(2))
            [1. 0.82 0.59 nan]
        """
        i, j = _places(i, j)
        similarity = np.full(len(i), np.nan, dtype=np.float32)

        def compare(part: slice) -> None:
            first, second = self.left[i[part]], self.right[j[part]]
            both = np.flatnonzero((first >= 0) & (second >= 0))
            similarity[part.start + both] = self._of_values(first[both], second[both])

        deque(mapped(compare, chunks(len(i), CHUNK)), maxlen=0)
        if self.rest is not None:
            similarity = np.where(np.isnan(similarity), self.rest.similarity(i, j), similarity)
        return similarity

    def equal(self, i: Integers, j: Integers) -> Bools:
        """Whether pairs of cells have the same value: "1.0" and "1", "2000-01-01" and "1 Jan 2000".

        Returns (p,) bool, False where a cell is empty. Cells that could not be read are equal as text.

        Example:
            >>> from linktransformer.scoring import compare
            >>> prepare(["1.0", ""], ["1", ""], compare.number()).equal(np.arange(2), np.arange(2)).tolist()
            [True, False]
        """
        i, j = _places(i, j)
        first = self.left[i]
        same = (first >= 0) & (first == self.right[j])
        return np.asarray(same if self.rest is None else same | self.rest.equal(i, j))

    def _of_values(self, first: Integers, second: Integers) -> Floats:
        scores = np.ones(len(first), dtype=np.float32)
        differ = np.flatnonzero(first != second)
        low = np.minimum(first[differ], second[differ])
        high = np.maximum(first[differ], second[differ])
        scores[differ] = np.clip(self.measure(low, high), 0, BELOW_EQUAL)
        return scores


def prepare(left: Sequence[str], right: Sequence[str], comparison: Comparison) -> Prepared:
    """Read two columns, "" for null, once for any number of pairs.

    How pairs are compared is described at the function of each kind in `spelling` and in `nearness`.

    Example:
        >>> from linktransformer.scoring import compare
        >>> names = prepare(["J. Smith"], ["John Smith", "Smith, John"], compare.name())
        >>> print(names.similarity(np.array([0, 0]), np.array([0, 1])).round(2))
        [0.89 0.89]
    """
    columns = plain_cells(left), plain_cells(right)
    codes, measure = READERS[comparison.kind](columns, comparison)
    unread = [[""] * len(column) for column in columns]
    for column, code, cells in zip(columns, codes, unread, strict=True):
        for place in np.flatnonzero(code < 0).tolist():
            cells[place] = column[place]
    rest = prepare(unread[0], unread[1], Comparison("text")) if any(map(any, unread)) else None
    return Prepared(*codes, measure, rest)


def compare_known(
    vocabulary: KnownValues, left: Sequence[str], right: Sequence[str], i: Integers, j: Integers
) -> tuple[Floats, Bools]:
    """Compare pairs of cells that are not empty as `Prepared` does, among values that are known.

    A value that is not known counts as one more; the result of a pair does not depend on others. Returns
    similarities and equality as `Prepared`.
    """
    cells = [plain(cell) for cell in left], [plain(cell) for cell in right]
    rows = [vocabulary.read(column, side) for side, column in enumerate(cells)]
    a, b = rows[0][i], rows[1][j]
    read = np.flatnonzero(np.isfinite(a[:, 0]) & np.isfinite(b[:, 0]))
    unread = np.flatnonzero(np.isnan(a[:, 0]) & np.isnan(b[:, 0]))
    similarity = np.full(len(i), np.nan, dtype=np.float32)
    equal = np.zeros(len(i), dtype=bool)
    a, b = a[read], b[read]
    same = (a == b).all(axis=1) if vocabulary.comparison.kind == "geo" else a[:, 0] == b[:, 0]
    equal[read] = same
    similarity[read] = np.where(same, 1, np.clip(vocabulary.near(a, b), 0, BELOW_EQUAL))
    if len(unread):
        texts = prepare(*cells, Comparison("text"))
        i, j = i[unread], j[unread]
        similarity[unread], equal[unread] = texts.similarity(i, j), texts.equal(i, j)
    return similarity, equal


def _places(i: Integers, j: Integers) -> tuple[Integers, Integers]:
    i, j = np.asarray(i, dtype=np.int64), np.asarray(j, dtype=np.int64)
    if i.ndim != 1 or i.shape != j.shape:
        raise InvalidArgumentError(
            f"i has the shape {i.shape} and j {j.shape}. Give two arrays of one length: a pair is i[k], j[k]."
        )
    return i, j
