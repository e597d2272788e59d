"""The key cells of the records of pairs, for what reads both records of a pair together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.scoring.describe import Views
from linktransformer.scoring.key_column import naming_order
from linktransformer.search import blocking
from linktransformer.search.blocking import Nodes
from linktransformer.tables import key_columns, records
from linktransformer.tables.frames import Table
from linktransformer.tables.serialize import Serializer

__all__ = ["BETWEEN", "Cells", "PairCells", "TableCells", "of_pairs", "texts_of"]

Cells: TypeAlias = list[tuple[str, ...]]
BETWEEN = " | "  # two columns of a record


class PairCells(Protocol):
    """Where the cells of records come from: tables in memory, a fitted table, or files."""

    def of(self, side: int, numbers: Integers) -> Cells:
        """The key cells of records of the left (0) or right (1) table, in the naming order of columns."""


@dataclass(frozen=True, slots=True, eq=False)
class TableCells:
    """The cells of two tables in memory, or of a fitted one and further rows.

    Args:
        tables: Both tables.
        names: Their key columns in the naming order.
        rows: The first row of each record, left and right.
    """

    tables: tuple[Table, Table]
    names: tuple[Sequence[str], Sequence[str]]
    rows: tuple[Integers, Integers]

    @classmethod
    def of_views(
        cls,
        tables: tuple[Table, Table],
        on: tuple[list[str], list[str]],
        views: Views,
        nodes: tuple[Nodes, Nodes] | None = None,
    ) -> TableCells:
        """The cells of records as they are searched; `nodes` where the tables' rows are in another order."""
        paired = key_columns.paired(*on)
        names = [paired[place] for place in naming_order(views.columns, views.key)]
        left, right = (blocking.first_rows(side) for side in (nodes or views.nodes))
        return cls(tables, ([pair[0] for pair in names], [pair[1] for pair in names]), (left, right))

    def of(self, side: int, numbers: Integers) -> Cells:
        """As of `PairCells`."""
        taken = self.tables[side].rows(self.rows[side][numbers])
        return list(zip(*(_column(taken, name) for name in self.names[side]), strict=True))


def of_pairs(
    cells: PairCells, pairs: tuple[Integers, Integers]
) -> tuple[tuple[Cells, Cells], tuple[Integers, Integers]]:
    """The cells of the different records of some pairs, left and right, and the place of each pair's two."""
    found, places = [], []
    for side, numbers in enumerate(pairs):
        different, place = np.unique(numbers, return_inverse=True)
        found.append(cells.of(side, different))
        places.append(place)
    return (found[0], found[1]), (places[0], places[1])


def texts_of(cells: PairCells, pairs: tuple[Integers, Integers]) -> tuple[list[str], list[str]]:
    """Both records of each pair as a text: the cells that are not empty, joined by " | "."""
    sides, places = of_pairs(cells, pairs)
    left, right = ([BETWEEN.join(filter(None, record)) for record in side] for side in sides)
    return [left[place] for place in places[0].tolist()], [right[place] for place in places[1].tolist()]


def _column(table: Table, name: str) -> Sequence[str]:
    read = records.read(table, [name], Serializer())
    texts: list[str] = np.append(read.texts, "")[read.text_of_row].tolist()
    return texts
