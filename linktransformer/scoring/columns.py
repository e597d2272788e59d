"""The key columns that both tables have, as values of records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Bools, Doubles, Floats, Integers
from linktransformer.scoring.column_kind import detect
from linktransformer.scoring.column_similarity import prepare
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.fellegi_sunter import ColumnLevels, level_of
from linktransformer.scoring.job_statistics import ColumnStatistics
from linktransformer.search import lexical
from linktransformer.search.matrices import Pairs, Sparse
from linktransformer.search.pair_products import pair_scores
from linktransformer.tables.factorize import factorize

__all__ = ["Compared", "PairedColumn", "compared", "shared_numbers", "text_similarity"]


@dataclass(frozen=True, slots=True, eq=False)
class PairedColumn:
    """A key column of both tables.

    Args:
        name: Its name, for reports.
        left_values: Different cells of the left table as case-folded texts.
        right_values: Those of the right table.
        left: The value of each left record, -1 for a null, (n_left,) int64.
        right: The value of each right record.
        comparison: How cells are compared; None: by their content.
    """

    name: str
    left_values: Sequence[str]
    right_values: Sequence[str]
    left: Integers
    right: Integers
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A column compared in every candidate.

    Args:
        similarity: 0 to 1, NaN where a cell is null, (n_pairs,) float32.
        equal: Whether the cells are equal, (n_pairs,) bool.
        levels: For `match_weights`.
        statistics: How the cells were compared, and how frequent values are.
    """

    similarity: Floats
    equal: Bools
    levels: ColumnLevels
    statistics: ColumnStatistics


def compared(column: PairedColumn, pairs: Pairs, random: Pairs) -> Compared:
    """Compare a column in candidates and in random pairs of left and right records."""
    comparison = column.comparison or detect(column.left_values, column.right_values)
    of_values: Callable[[Integers, Integers], tuple[Floats, Bools]]
    if comparison.kind == "text":
        view = lexical.fit(column.left_values, column.right_values)
        number = shared_numbers(column.left_values, column.right_values)
        of_values = lambda i, j: text_similarity((view.left, view.right), number, i, j)  # noqa: E731
    else:
        prepared = prepare(column.left_values, column.right_values, comparison)
        of_values = lambda i, j: (prepared.similarity(i, j), prepared.equal(i, j))  # noqa: E731
    sides = []
    for left, right in (pairs, random):
        i, j = column.left[left], column.right[right]
        filled = (i >= 0) & (j >= 0)
        similarity = np.full(len(left), np.nan, dtype=np.float32)
        equal = np.zeros(len(left), dtype=bool)
        similarity[filled], equal[filled] = of_values(i[filled], j[filled])
        sides.append((similarity, equal))
    (similarity, equal), of_random = sides
    share, of_left_value, n_filled = _frequency(column)
    statistics = ColumnStatistics(comparison, share, n_filled)
    frequency = np.append(of_left_value, 0.0)
    of_left = frequency[column.left[pairs[0]]].astype(np.float32)  # 0, the last one, for a null
    levels = ColumnLevels(level_of(similarity, equal), level_of(*of_random), of_left)
    return Compared(similarity, equal, levels, statistics)


def shared_numbers(left: Sequence[str], right: Sequence[str]) -> Integers:
    """The number of each left value among the right ones, -1 for none, (n_left,) int64."""
    number = {value: place for place, value in enumerate(right)}
    return np.array([number.get(value, -1) for value in left], dtype=np.int64)


def text_similarity(
    vectors: tuple[Sparse, Sparse], number: Integers, i: Integers, j: Integers
) -> tuple[Floats, Bools]:
    """Cosines, 0 to 1, of pairs of free texts, and whether they are equal, by `shared_numbers`."""
    similarity = np.clip(pair_scores(*vectors, i, j), 0, 1)
    return similarity, number[i] == j if len(number) else np.zeros(len(i), dtype=bool)


def _frequency(column: PairedColumn) -> tuple[dict[str, float], Doubles, int]:
    """The share of the filled records that have each value, that of the left values, and their number."""
    values, place = factorize([*column.left_values, *column.right_values])
    n_left = len(column.left_values)
    count = np.zeros(len(values), dtype=np.int64)
    for codes, numbers in ((column.left, place[:n_left]), (column.right, place[n_left:])):
        count[numbers] += np.bincount(codes[codes >= 0], minlength=len(numbers))
    n_filled = sum(int((codes >= 0).sum()) for codes in (column.left, column.right))
    share = count / max(1, n_filled)
    return dict(zip(values, share.tolist(), strict=True)), share[place[:n_left]], n_filled
