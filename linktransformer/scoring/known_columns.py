"""Columns that were compared in a job, and the comparison of cells that come later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.scoring.column_similarity import prepare
from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.fellegi_sunter import ColumnLevels, level_of
from linktransformer.scoring.job_statistics import ColumnStatistics
from linktransformer.scoring.known_nearness import KINDS, KnownValues, known_values
from linktransformer.search import vocabulary
from linktransformer.search.pair_products import pair_scores
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
        """Compare cells by what is known of the job.

        Returns similarities, NaN where a cell is null, whether cells are equal, and levels. What comes of a
        pair does not depend on the others.
        """
        a, b = left.code[i], right.code[j]
        there = np.flatnonzero((a >= 0) & (b >= 0))
        a, back_a = np.unique(a[there], return_inverse=True)
        b, back_b = np.unique(b[there], return_inverse=True)
        cells = left.values[a].tolist(), right.values[b].tolist()
        similarity = np.full(len(i), np.nan, dtype=np.float32)
        equal = np.zeros(len(i), dtype=bool)
        similarity[there], equal[there] = self._of_values(*cells, back_a, back_b)
        share = np.array([self.statistics.frequency_of(cell) for cell in cells[0]], dtype=np.float64)
        frequency = np.zeros(len(i), dtype=np.float32)
        frequency[there] = share[back_a] if len(there) else 0
        return similarity, equal, ColumnLevels(level_of(similarity, equal), NO_LEVELS, frequency)

    @cached_property
    def values(self) -> KnownValues:
        """The numbers, dates or places of the job."""
        return known_values(*self.pool, self.statistics.comparison)

    def _of_values(self, left: list[str], right: list[str], i: Integers, j: Integers) -> tuple[Floats, Bools]:
        if self.words is not None:
            vectors = self.words.vectors(left), self.words.vectors(right)
            number = {value: place for place, value in enumerate(right)}
            same = np.array([number.get(value, -1) for value in left], dtype=np.int64)
            similarity = np.clip(pair_scores(*vectors, i, j), 0, 1)
            return similarity, same[i] == j if len(same) else np.zeros(len(i), dtype=bool)
        if self.statistics.comparison.kind in KINDS:
            return self.values.compare(left, right, i, j)
        prepared = prepare(left, right, self.statistics.comparison)
        return prepared.similarity(i, j), prepared.equal(i, j)


def known_column(column: PairedColumn, statistics: ColumnStatistics) -> KnownColumn:
    """Keep what later cells are compared by."""
    words = None
    if statistics.comparison.kind == "text":
        words = vocabulary.learn([*column.left_values, *column.right_values])
    looks_at_all = statistics.comparison.kind in KINDS
    pool = (tuple(column.left_values), tuple(column.right_values)) if looks_at_all else ((), ())
    return KnownColumn(statistics, words, pool)
