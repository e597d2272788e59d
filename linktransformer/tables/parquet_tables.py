"""Parquet files that are read a batch at a time: beside frames.py for files.

A table here is a path and a number of rows; never is it in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.optional import need
from linktransformer.tables import block_keys, frames, key_columns
from linktransformer.tables.frames import Table

__all__ = ["BlockCodes", "ParquetTable", "open_parquet", "with_places", "without_places"]

BATCH = 2**16  # rows read at a time
WIDEST = 2**62


@dataclass(frozen=True, slots=True, eq=False)
class ParquetTable:
    """A Parquet file.

    Args:
        path: Where it is.
        name: What to call it in messages: the argument's name.
        n_rows: Its number of rows.
        head: A table with its columns and no rows.
    """

    path: Path
    name: str
    n_rows: int
    head: Table

    @property
    def stub(self) -> Table:
        """Its columns and number of rows, without the rows: for what only counts them."""
        return Table(self.head.frame, self.name, self.n_rows)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[tuple[int, Table]]:
        """Read it from top to bottom.

        Args:
            columns: The columns that are read; None for all.

        Yields:
            The number of the first row, and the rows as a table in memory.
        """
        pa, parquet = need("pyarrow", extra="cli"), need("pyarrow.parquet", extra="cli")
        start = 0
        with parquet.ParquetFile(self.path) as file:
            for batch in file.iter_batches(BATCH, columns=None if columns is None else list(columns)):
                yield start, frames.wrap(pa.Table.from_batches([batch]), self.name)
                start += batch.num_rows


def open_parquet(path: Any, name: str) -> ParquetTable:
    """Look at a Parquet file without reading its rows.

    Args:
        path: The file.
        name: What to call it in messages: "left" or "right".

    Returns:
        The table.

    Raises:
        InvalidArgumentError: There is no such file, or it is no Parquet file.
        MissingExtraError: pyarrow is not installed.
    """
    parquet = need("pyarrow.parquet", extra="cli")
    place = Path(path)
    if not place.is_file():
        raise InvalidArgumentError(f"{name}={str(path)!r} is not a file. Give the path of a .parquet file.")
    try:
        with parquet.ParquetFile(place) as file:
            schema, n_rows = file.schema_arrow, int(file.metadata.num_rows)
    except Exception as error:  # pyarrow has a dozen errors for a file that is broken
        raise InvalidArgumentError(f"{name}={str(path)!r} cannot be read as parquet: {error}") from error
    return ParquetTable(place, name, n_rows, frames.wrap(schema.empty_table(), name))


class BlockCodes:
    """Numbers for the values of block columns of two files, as `block_keys.number` gives them.

    Args:
        tables: The files.
        pairs: A column of the left file and one of the right file each.

    Raises:
        InvalidArgumentError: Two columns can never be equal, or there are more blocks than can be numbered.
    """

    def __init__(self, tables: tuple[ParquetTable, ParquetTable], pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = list(pairs)
        self.warnings: list[str] = []
        self._columns: list[tuple[tuple[Any, Integers], tuple[Any, Integers]]] = []
        self._widths: list[int] = []
        total = 1
        pa = need("pyarrow", extra="cli")
        for pair in self._pairs:
            values = [_different(table, name) for table, name in zip(tables, pair, strict=True)]
            sides = [
                frames.wrap(pa.table({name: array}), table.name)
                for array, table, name in zip(values, tables, pair, strict=True)
            ]
            left, right = key_columns.column_codes(sides[0], sides[1], pair, fold=True)
            said = block_keys.warning((sides[0], sides[1]), pair, (left, right))
            self.warnings += [said] if said else []
            self._columns.append(((values[0], left), (values[1], right)))
            self._widths.append(1 + max(int(left.max(initial=0)), int(right.max(initial=0))))
            total *= self._widths[-1]
        if total >= WIDEST:
            raise InvalidArgumentError(
                f"block_on={self._pairs!r} could have {total:.1e} blocks. Name fewer columns."
            )

    def of(self, batch: Table, side: int) -> Integers:
        """The block of each row of a batch.

        Args:
            batch: From `ParquetTable.batches`, with the block columns.
            side: 0 for the left file, 1 for the right one.

        Returns:
            Numbers, -1 where a value is null, (n_rows,) int64.
        """
        compute = need("pyarrow.compute", extra="cli")
        native, code = batch.frame.to_native(), np.zeros(batch.n_rows, dtype=np.int64)
        for pair, sides, width in zip(self._pairs, self._columns, self._widths, strict=True):
            values, number = sides[side]
            place = compute.index_in(_decoded(native.column(pair[side])), value_set=values)
            place = np.asarray(compute.fill_null(place, -1).combine_chunks()).astype(np.int64)
            here = np.append(number, -1)[place]  # a null takes the last
            code = np.where((code < 0) | (here < 0), -1, code * width + here)
        return code


def _different(table: ParquetTable, name: str) -> Any:
    """The different values of a column."""
    pa, compute = need("pyarrow", extra="cli"), need("pyarrow.compute", extra="cli")
    kept: list[Any] = []
    try:
        for _, batch in table.batches([name]):
            kept.append(compute.unique(_decoded(batch.frame.to_native().column(name))))
            if len(kept) > 16:
                kept = [compute.unique(pa.concat_arrays(kept))]
        if kept:
            return compute.unique(pa.concat_arrays(kept))
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise InvalidArgumentError(f"block_on={name!r} of the {table.name} file: {error}") from error
    return _decoded(table.head.frame.to_native().column(name)).combine_chunks()


def _decoded(column: Any) -> Any:
    """Categories as the values that they stand for."""
    types = need("pyarrow.types", extra="cli")
    if types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


def with_places(batch: Table, rows: Integers, name: str, places: Integers) -> Any:
    """Some rows with a column that says where they go.

    Args:
        batch: Rows in memory.
        rows: Which of them, (n,) int64; repeats allowed.
        name: Of the column, which the batch does not have.
        places: Where each goes, (n,) int64.

    Returns:
        A pyarrow table for a `Shelf`.
    """
    pa = need("pyarrow", extra="cli")
    return batch.frame.to_native().take(pa.array(rows)).append_column(name, pa.array(places))


def without_places(native: Any, name: str, table: str) -> tuple[Table, Integers]:
    """Take the column of `with_places` off again.

    Args:
        native: From a `Shelf`.
        name: Of the column.
        table: What to call the table in messages.

    Returns:
        The rows and where they go.
    """
    places = np.asarray(native.column(name)).astype(np.int64)
    return frames.wrap(native.drop_columns([name]), table), places
