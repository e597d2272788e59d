"""The linked rows of two files next to each other in a third one, without holding any of them in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.linking.joining import Join
from linktransformer.progress import stage
from linktransformer.results.links import Links
from linktransformer.tables import frames, writers
from linktransformer.tables.binned_storage import Shelf
from linktransformer.tables.frames import IntoDataFrame, Table, free_name
from linktransformer.tables.parquet_tables import ParquetTable, with_places, without_places

__all__ = ["write_joined"]

AT_ONCE = 2**17  # rows of the result that are put together, and written as a row group


def write_joined(
    links: Links, tables: tuple[ParquetTable, ParquetTable], out: Path, folder: Path, join: Join
) -> None:
    """Write what `joining.joined` would give.

    Each file is read once from top to bottom, and its rows are set aside in bins by where they go.
    """
    a, b, extra = join.rows(links)
    place = free_name("place", [*tables[0].head.columns, *tables[1].head.columns])
    with Shelf(folder, "out-left") as left, Shelf(folder, "out-right") as right:
        for table, rows, shelf in zip(tables, (a, b), (left, right), strict=True):
            with stage("sort"):
                _set_aside(table, rows, shelf, place)
                shelf.close()

        def parts() -> Iterator[IntoDataFrame]:
            for number, start in enumerate(range(0, max(1, len(a)), AT_ONCE)):
                n = min(AT_ONCE, len(a) - start)
                sides = [
                    _part(table, shelf, number, place, start, n)
                    for table, shelf in zip(tables, (left, right), strict=True)
                ]
                added = {name: values[start : start + n] for name, values in extra.items()}
                tick(n)
                yield frames.beside(sides[0][0], sides[1][0], sides[0][1], sides[1][1], join.suffixes, added)

        with stage("write", len(a)) as tick:
            writers.write_parts(out, parts())


def _set_aside(table: ParquetTable, rows: Integers, shelf: Shelf, place: str) -> None:
    """Put each row of a file into the bins of the places that it has in the result."""
    order = np.argsort(rows, kind="stable")
    sorted_rows = rows[order]
    for start, batch in table.batches():
        first, last = np.searchsorted(sorted_rows, [start, start + batch.n_rows])
        where = order[first:last]
        if len(where):
            shelf.put(where // AT_ONCE, with_places(batch, sorted_rows[first:last] - start, place, where))


def _part(
    table: ParquetTable, shelf: Shelf, number: int, place: str, start: int, n: int
) -> tuple[Table, Integers]:
    """The rows of a bin, and which of them is at each place, -1 for none, (n,)."""
    row = np.full(n, -1, dtype=np.int64)
    binned = shelf.take(number)
    if binned is None:
        return table.head, row
    rows, where = without_places(binned, place, table.name)
    row[where - start] = np.arange(len(where))
    return rows, row
