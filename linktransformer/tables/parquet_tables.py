"""Parquet files that are read in batches, never as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer import check
from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.optional import need
from linktransformer.tables import block_keys, frames, key_columns, parquet_parts
from linktransformer.tables.columns import Native
from linktransformer.tables.frames import Table
from linktransformer.tables.parquet_parts import (
    ON_BAD_FILE,
    Part,
    Places,
    addresses_of,
    common_schema,
    part_of,
)

__all__ = ["BlockCodes", "ParquetTable", "open_parquet", "with_places", "without_places"]

BATCH = 2**16  # rows read at a time
MOST_BLOCKS = 2**62


@dataclass(frozen=True, slots=True, eq=False)
class ParquetTable:
    """Parquet files, one below the other, as a table.

    Args:
        parts: The files.
        name: In messages: "left" or "right".
        n_rows: Rows of all files.
        head: A table with the columns and no rows.
        skipped: Messages about files that cannot be read and were left out.
    """

    parts: tuple[Part, ...]
    name: str
    n_rows: int
    head: Table
    skipped: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What changes with the content: the path, size and time of each file, its rows and columns."""
        return repr([(part.fingerprint, part.n_rows, str(part.schema)) for part in self.parts])

    @property
    def stub(self) -> Table:
        """Its columns and number of rows, without the rows."""
        return Table(self.head.frame, self.name, self.n_rows)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[tuple[int, Table]]:
        """The first row number and the rows of each batch, from top to bottom; None reads all columns.

        Raises:
            InvalidArgumentError: A file is broken; it is named.
        """
        pa = need("pyarrow", extra="cli")
        native: Native = self.head.frame.to_native()
        schema = pa.schema([native.schema.field(name) for name in columns or native.column_names])
        start = 0
        for part in self.parts:
            for batch in self._of_part(part, schema):
                yield start, frames.wrap(batch, self.name)
                start += batch.num_rows

    def _of_part(self, part: Part, schema: Native) -> Iterator[Native]:
        pa = need("pyarrow", extra="cli")
        names = list(schema.names)
        try:
            with part.opened() as file:
                for batch in file.iter_batches(BATCH, columns=names):
                    rows = pa.Table.from_batches([batch]).select(names)
                    yield rows if rows.schema.equals(schema) else rows.cast(schema)
        except (pa.ArrowException, OSError) as error:
            raise parquet_parts.unreadable(part.address, self.name, error) from error


def open_parquet(given: Places, name: str, on_bad_file: str = "raise") -> ParquetTable:
    """Read the schema of Parquet files.

    Args:
        given: A path, a pattern, a folder, a list of these, or addresses such as "s3://bucket/firms".
        name: The argument, "left" or "right".
        on_bad_file: "raise", or "skip" to leave out files that cannot be read; all files are then read once
            more.

    Raises:
        InvalidArgumentError: There is no such file, one cannot be read, or two have different columns.
        MissingExtraError: pyarrow is not installed.
    """
    need("pyarrow.parquet", extra="cli")
    check.one_of("on_bad_file", on_bad_file, ON_BAD_FILE)
    skip = on_bad_file == "skip"
    parts, skipped = [], []
    for address in addresses_of(given, name):
        try:
            parts.append(part_of(address, name, whole=skip))
        except InvalidArgumentError as error:
            if not skip:
                raise
            skipped.append(str(error))
    if not parts:
        raise InvalidArgumentError(f"{name}: none of {len(skipped)} files can be read: {skipped[0]}")
    schema = common_schema(parts, name)
    head = frames.wrap(schema.empty_table(), name)
    return ParquetTable(tuple(parts), name, sum(part.n_rows for part in parts), head, tuple(skipped))


class BlockCodes:
    """Codes of the values of block columns of two files, as `block_keys.number` computes them in memory.

    `pairs` has a left and a right column each.

    Raises:
        InvalidArgumentError: Two columns can never be equal, or there are too many blocks to number.
    """

    def __init__(self, tables: tuple[ParquetTable, ParquetTable], pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = list(pairs)
        self.warnings: list[str] = []
        self._columns: list[tuple[tuple[Native, Integers], tuple[Native, Integers]]] = []
        self._widths: list[int] = []
        total = 1
        pa = need("pyarrow", extra="cli")
        for pair in self._pairs:
            values = [_unique_values(table, name) for table, name in zip(tables, pair, strict=True)]
            sides = [
                frames.wrap(pa.table({name: array}), table.name)
                for array, table, name in zip(values, tables, pair, strict=True)
            ]
            left, right = key_columns.column_codes(sides[0], sides[1], pair, fold=True)
            warning = block_keys.warning((sides[0], sides[1]), pair, (left, right))
            self.warnings += [warning] if warning else []
            self._columns.append(((values[0], left), (values[1], right)))
            self._widths.append(1 + max(int(left.max(initial=0)), int(right.max(initial=0))))
            total *= self._widths[-1]
        if total >= MOST_BLOCKS:
            raise InvalidArgumentError(
                f"block_on={self._pairs!r} could have {total:.1e} blocks. Name fewer columns."
            )

    def of(self, batch: Table, side: int) -> Integers:
        """The block of each row of a batch of file 0 (left) or 1 (right), (n_rows,) int64, -1 for null."""
        compute = need("pyarrow.compute", extra="cli")
        code = np.zeros(batch.n_rows, dtype=np.int64)
        for pair, sides, width in zip(self._pairs, self._columns, self._widths, strict=True):
            values, number = sides[side]
            place = compute.index_in(_column(batch, pair[side]), value_set=values)
            place = np.asarray(compute.fill_null(place, -1).combine_chunks()).astype(np.int64)
            code_in_column = np.append(number, -1)[place]  # -1 (null) takes the last
            code = np.where((code < 0) | (code_in_column < 0), -1, code * width + code_in_column)
        return code


def _unique_values(table: ParquetTable, name: str) -> Native:
    """The unique values of a column, a pyarrow array."""
    pa, compute = need("pyarrow", extra="cli"), need("pyarrow.compute", extra="cli")
    parts: list[Native] = []
    try:
        for _, batch in table.batches([name]):
            parts.append(compute.unique(_column(batch, name)))
            if len(parts) > 16:
                parts = [compute.unique(pa.concat_arrays(parts))]
        if parts:
            return compute.unique(pa.concat_arrays(parts))
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise InvalidArgumentError(f"block_on={name!r} of the {table.name} file: {error}") from error
    return _column(table.head, name).combine_chunks()


def _column(table: Table, name: str) -> Native:
    """A pyarrow column; one that is dictionary-encoded as its values."""
    native: Native = table.frame.to_native()
    column = native.column(name)
    types = need("pyarrow.types", extra="cli")
    if types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


def with_places(batch: Table, rows: Integers, name: str, places: Integers) -> Native:
    """Rows of a batch (repeats allowed) with a column of their positions in the output, for a `Shelf`."""
    pa = need("pyarrow", extra="cli")
    native: Native = batch.frame.to_native()
    return native.take(pa.array(rows)).append_column(name, pa.array(places))


def without_places(native: Native, name: str, table: str) -> tuple[Table, Integers]:
    """Rows and positions of a native table made by `with_places`."""
    places = np.asarray(native.column(name)).astype(np.int64)
    return frames.wrap(native.drop_columns([name]), table), places
