"""How alike the cells of two columns are, for many pairs at once.

Every column pair is brought to numbered values first; a measure then sees each different pair of values
once. So no measure depends on which of the two columns is the left one, and all are symmetric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.scoring import nearness, spelling
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.parse_numbers import plain
from linktransformer.scoring.spelling import Measure

__all__ = ["Prepared", "prepare"]

Scores = Floats

_KINDS = {**spelling.KINDS, **nearness.KINDS}
CHUNK = 1 << 16  # pairs compared at once: what is made of them on the way stays in the cache
BELOW_EQUAL = np.nextafter(np.float32(1), np.float32(0))  # of two different values, at most


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Two columns that were read for one comparison: `prepare` makes it.

    Args:
        comparison: How they are compared.
        left: Number of the value of each left cell, (n,) int64, -1 where there is none.
        right: Number of the value of each right cell, (m,) int64, -1 where there is none. Equal values have
            equal numbers.
        measure: Similarity of pairs of different values by their numbers, the smaller one first.
        filled: How many cells are not empty, on the left and on the right.
        read_as: What the columns showed: unit, decimal sign or order of the date.
        rest: The cells that could not be read, as text; None where all could.
    """

    comparison: Comparison
    left: Integers
    right: Integers
    measure: Measure
    filled: tuple[int, int]
    read_as: dict[str, Any]
    rest: Prepared | None = None

    def similarity(self, i: Integers, j: Integers) -> Scores:
        """Compare pairs of cells.

        Returns (p,) float32 in [0, 1], 1 for equal values; NaN where a cell is empty or only one of the two
        could be read. Two cells that both could not be read are compared as text.
        """
        i, j = _places(i, j)
        found = np.full(len(i), np.nan, dtype=np.float32)
        for start in range(0, len(i), CHUNK):
            piece = slice(start, start + CHUNK)
            first, second = self.left[i[piece]], self.right[j[piece]]
            both = np.flatnonzero((first >= 0) & (second >= 0))
            found[start + both] = self._of_values(first[both], second[both])
        if self.rest is not None:
            texts = self.rest.similarity(i, j)
            found = np.where(np.isnan(found), texts, found)
        return found

    def equal(self, i: Integers, j: Integers) -> Bools:
        """Whether pairs of cells have the same value: "1.0" and "1", "2000-01-01" and "1 Jan 2000".

        Returns (p,) bool, False where a cell is empty. Cells that could not be read are equal as text.
        """
        i, j = _places(i, j)
        first = self.left[i]
        same = (first >= 0) & (first == self.right[j])
        return np.asarray(same if self.rest is None else same | self.rest.equal(i, j))

    def describe(self) -> dict[str, Any]:
        """What was compared and how, for a report."""
        read = (int((self.left >= 0).sum()), int((self.right >= 0).sum()))
        return {
            "kind": self.comparison.kind,
            "parameters": self.comparison.parameters,
            "parsed": [some / total if total else 0.0 for some, total in zip(read, self.filled, strict=True)],
            "read_as": dict(self.read_as),
        }

    def _of_values(self, first: Integers, second: Integers) -> Scores:
        scores = np.ones(len(first), dtype=np.float32)
        differ = np.flatnonzero(first != second)
        low = np.minimum(first[differ], second[differ])
        high = np.maximum(first[differ], second[differ])
        scores[differ] = np.clip(self.measure(low, high), 0, BELOW_EQUAL)
        return scores


def prepare(left: Sequence[str], right: Sequence[str], comparison: Comparison) -> Prepared:
    """Read two columns once, for any number of pairs."""
    columns = [plain(cell) for cell in left], [plain(cell) for cell in right]
    codes, measure, read_as = _KINDS[comparison.kind](columns, comparison)
    empty = [np.array([not cell for cell in column], dtype=bool) for column in columns]
    unread = [code < 0 for code in codes]
    rest = None
    if any((unknown & ~blank).any() for unknown, blank in zip(unread, empty, strict=True)):
        left, right = (
            [cell if unknown else "" for cell, unknown in zip(column, side.tolist(), strict=True)]
            for column, side in zip(columns, unread, strict=True)
        )
        rest = prepare(left, right, Comparison("text"))
    filled = (int((~empty[0]).sum()), int((~empty[1]).sum()))
    return Prepared(comparison, *codes, measure, filled, read_as, rest)


def _places(i: Integers, j: Integers) -> tuple[Integers, Integers]:
    i, j = np.asarray(i, dtype=np.int64), np.asarray(j, dtype=np.int64)
    if i.ndim != 1 or i.shape != j.shape:
        raise InvalidArgumentError(
            f"i has the shape {i.shape} and j {j.shape}. Give two arrays of one length: a pair is i[k], j[k]."
        )
    return i, j
