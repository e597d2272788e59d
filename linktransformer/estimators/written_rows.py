"""What is compared of records beside their vectors: their texts and the cells of their key columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Integers
from linktransformer.estimators.row_reading import Reading
from linktransformer.scoring.known_columns import Cells
from linktransformer.search import blocking
from linktransformer.search.blocking import Nodes
from linktransformer.tables import key_columns, records
from linktransformer.tables.frames import Table
from linktransformer.tables.normalize import folded
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer

__all__ = ["Written", "written_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """What is compared of records beside their vectors.

    Args:
        texts: Their case-folded texts, (n_records,) object.
        cells: Their key columns.
    """

    texts: NDArray[np.object_]
    cells: tuple[Cells, ...]


def written_of(
    table: Table,
    side: int,
    on: tuple[Sequence[str], Sequence[str]],
    reading: Reading,
    of: Records,
    nodes: Nodes,
) -> Written:
    """Read what is compared of records beside their vectors.

    Args:
        table: The rows.
        side: 0 for rows that are asked, 1 for those of the reference.
        on: Key columns of rows that are asked and of the reference.
        reading: How rows are written.
        of: Their texts.
        nodes: Their records.

    Returns:
        Texts and cells.
    """
    texts = folded(reading.in_order(table, side, of))
    rows = blocking.first_rows(nodes)
    pairs = key_columns.paired(list(on[0]), list(on[1]))
    cells = tuple(_cells(records.read(table, [pair[side]], Serializer()), rows) for pair in pairs)
    return Written(texts[nodes.text], cells)


def _cells(of: Records, rows: Integers) -> Cells:
    every: Sequence[str] = folded(of.texts).tolist()
    number: dict[str, int] = {}
    place = np.array([number.setdefault(text, len(number)) for text in every], dtype=np.int64)
    of_row = of.text_of_row[rows]
    code = np.where(of_row >= 0, np.append(place, -1)[of_row], -1)
    return Cells(np.fromiter(number, dtype=object, count=len(number)), code)
