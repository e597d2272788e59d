"""Statistics of a job: distributions of similarities, word rarities, match weights of columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.fellegi_sunter import Tables
from linktransformer.scoring.words import Rarities

__all__ = ["ColumnStatistics", "JobStatistics", "ViewStatistics", "share_above"]


@dataclass(frozen=True, slots=True, eq=False)
class ViewStatistics:
    """How the similarities of one view are distributed.

    Args:
        middle: The median of random pairs.
        high: Their .99 quantile.
        enough: Whether the job has pairs enough for these two to be known.
        floor: The similarity of a rival where a record has none.
        own: How near records are to the nearest other record of their own table, rising, (n,) float32.
        seconds: The second highest similarity of records to the other table, rising, (n,) float32.
    """

    middle: float
    high: float
    enough: bool
    floor: float
    own: Floats
    seconds: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ColumnStatistics:
    """How a column is compared.

    Args:
        comparison: Of two cells.
        frequency: The share of the records with a value that have each case-folded value, both tables
            together.
        records: How many records have a value.
    """

    comparison: Comparison
    frequency: Mapping[str, float]
    records: int

    def frequency_of(self, value: str) -> float:
        """The share of the records that have a value; one record for a value that none has."""
        return self.frequency.get(value, 1 / max(1, self.records))


@dataclass(frozen=True, slots=True, eq=False)
class JobStatistics:
    """What the features of a pair use of its job.

    Pairs of other records can be described by the statistics of a job that they were no part of.

    Args:
        sizes: Records of the left and of the right table.
        same: Both sides are one table.
        views: The views that the job has.
        rarities: Of words.
        columns: The key columns, in the order of `tables`.
        tables: Their match weights, None without columns.
        bits_floor: The match weight of a rival where a record has none.
    """

    sizes: tuple[int, int]
    same: bool
    views: Mapping[str, ViewStatistics]
    rarities: Rarities
    columns: tuple[ColumnStatistics, ...]
    tables: Tables
    bits_floor: float

    @property
    def many(self) -> int:
        """0 where the left table has more records, 1 where the right one has."""
        return int(self.sizes[1] > self.sizes[0])

    @property
    def tied(self) -> bool:
        """Whether no side has more records."""
        return self.same or self.sizes[0] == self.sizes[1]

    @property
    def kinds(self) -> tuple[str, ...]:
        """How each column is compared."""
        return tuple(column.comparison.kind for column in self.columns)


def share_above(rising: Floats, score: Floats) -> Floats:
    """The share of known values that are at least as high as each score.

    Returns (n_pairs,) float32, never 0 or 1: half a value more is counted on either side (Jeffreys' prior),
    since none above a few values is weak evidence.
    """
    above = len(rising) - np.searchsorted(rising, score, "left")
    return ((above + 0.5) / (len(rising) + 1)).astype(np.float32)
