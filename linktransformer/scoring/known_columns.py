"""Columns that were compared in a job, and the comparison of later cells by the job's statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.scoring.column_similarity import compare_known, prepare
from linktransformer.scoring.columns import PairedColumn, shared_numbers, text_similarity
from linktransformer.scoring.fellegi_sunter import ColumnLevels, level_of
from linktransformer.scoring.job_statistics import ColumnStatistics
from linktransformer.scoring.value_similarity import KINDS, KnownValues, known_values
from linktransformer.search import vocabulary
from linktransformer.search.vocabulary import Vocabulary

__all__ = ["Cells", "KnownColumn", "known_column"]

NO_LEVELS = np.empty(0, dtype=np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A column as values of records.

    Args:
        values: Different cells as case-folded texts, (n_values,) object.
        code: The value of each record, -1 for a null, (n_records,) int64.
    """

    values: NDArray[np.object_]
    code: Integers


@dataclass(frozen=True, eq=False)
class KnownColumn:
    """How a column was compared in a job.

    Args:
        statistics: The comparison, and how frequent values are.
        words: How rare the n-grams of free texts are, None where cells are compared in another way.
        pool: The values of the left and of the right table where a comparison looks at all of them.
    """

    statistics: ColumnStatistics
    words: Vocabulary | None
    pool: tuple[Sequence[str], Sequence[str]]

    def compare(
        self, left: Cells, right: Cells, i: Integers, j: Integers
    ) -> tuple[Floats, Bools, ColumnLevels]:
        """Compare the cells of pairs of a left record i and a right record j, (n_pairs,) int64 each.

        Returns similarities, NaN where a cell is null, whether cells are equal, and levels. The result of a
        pair does not depend on the others.
        """
        a, b = left.code[i], right.code[j]
        filled = np.flatnonzero((a >= 0) & (b >= 0))
        a, of_left = np.unique(a[filled], return_inverse=True)
        b, of_right = np.unique(b[filled], return_inverse=True)
        cells = left.values[a].tolist(), right.values[b].tolist()
        similarity = np.full(len(i), np.nan, dtype=np.float32)
        equal = np.zeros(len(i), dtype=bool)
        similarity[filled], equal[filled] = self._of_values(*cells, of_left, of_right)
        share = np.array([self.statistics.frequency_of(cell) for cell in cells[0]], dtype=np.float64)
        frequency = np.zeros(len(i), dtype=np.float32)
        frequency[filled] = share[of_left] if len(filled) else 0
        return similarity, equal, ColumnLevels(level_of(similarity, equal), NO_LEVELS, frequency)

    @cached_property
    def values(self) -> KnownValues:
        """The numbers, dates or places of the job."""
        return known_values(*self.pool, self.statistics.comparison)

    def _of_values(self, left: list[str], right: list[str], i: Integers, j: Integers) -> tuple[Floats, Bools]:
        if self.words is not None:
            vectors = self.words.vectors(left), self.words.vectors(right)
            return text_similarity(vectors, shared_numbers(left, right), i, j)
        if self.statistics.comparison.kind in KINDS:
            return compare_known(self.values, left, right, i, j)
        prepared = prepare(left, right, self.statistics.comparison)
        return prepared.similarity(i, j), prepared.equal(i, j)


def known_column(column: PairedColumn, statistics: ColumnStatistics) -> KnownColumn:
    """What later cells of a column are compared by."""
    words = None
    if statistics.comparison.kind == "text":
        words = vocabulary.learn([*column.left_values, *column.right_values])
    looks_at_all = statistics.comparison.kind in KINDS
    pool = (tuple(column.left_values), tuple(column.right_values)) if looks_at_all else ((), ())
    return KnownColumn(statistics, words, pool)
