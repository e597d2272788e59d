"""The key columns that both tables have, as values of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.scoring.column_kind import detect
from linktransformer.scoring.column_similarity import prepare
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.fellegi_sunter import ColumnLevels, level_of
from linktransformer.scoring.job_statistics import ColumnStatistics
from linktransformer.search import lexical
from linktransformer.search.pair_products import pair_scores

__all__ = ["Compared", "PairedColumn", "compared"]


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


def compared(
    column: PairedColumn, pairs: tuple[Integers, Integers], random: tuple[Integers, Integers]
) -> Compared:
    """Compare a column in candidates and in random pairs."""
    comparison = column.comparison or detect(column.left_values, column.right_values)
    both = []
    if comparison.kind == "text":
        view = lexical.fit(column.left_values, column.right_values)
        number = {value: place for place, value in enumerate(column.right_values)}
        same = np.array([number.get(value, -1) for value in column.left_values], dtype=np.int64)
        for left, right in (pairs, random):
            i, j, there = _cells(column, left, right)
            similarity = np.full(len(left), np.nan, dtype=np.float32)
            equal = np.zeros(len(left), dtype=bool)
            similarity[there] = np.clip(pair_scores(view.left, view.right, i, j), 0, 1)
            equal[there] = same[i] == j if len(same) else False
            both.append((similarity, equal))
    else:
        prepared = prepare(column.left_values, column.right_values, comparison)
        for left, right in (pairs, random):
            i, j, there = _cells(column, left, right)
            similarity = np.full(len(left), np.nan, dtype=np.float32)
            equal = np.zeros(len(left), dtype=bool)
            similarity[there], equal[there] = prepared.similarity(i, j), prepared.equal(i, j)
            both.append((similarity, equal))
    (similarity, equal), of_random = both
    statistics = ColumnStatistics(comparison, *_frequency(column))
    frequency = np.array([*(statistics.frequency[value] for value in column.left_values), 0.0])
    of_left = np.where(column.left[pairs[0]] >= 0, frequency[column.left[pairs[0]]], 0)
    levels = ColumnLevels(level_of(similarity, equal), level_of(*of_random), of_left.astype(np.float32))
    return Compared(similarity, equal, levels, statistics)


def _cells(column: PairedColumn, left: Integers, right: Integers) -> tuple[Integers, Integers, Bools]:
    i, j = column.left[left], column.right[right]
    there = (i >= 0) & (j >= 0)
    return i[there], j[there], there


def _frequency(column: PairedColumn) -> tuple[dict[str, float], int]:
    """The share of all records with a value that have each value, and how many records have one."""
    sides = ((column.left, column.left_values), (column.right, column.right_values))
    count: dict[str, int] = {}
    for codes, values in sides:
        of_side = np.bincount(codes[codes >= 0], minlength=len(values)).tolist()
        for value, number in zip(values, of_side, strict=True):
            count[value] = count.get(value, 0) + number
    known = sum(int((codes >= 0).sum()) for codes, _ in sides)
    return {value: number / max(1, known) for value, number in count.items()}, known
