"""Text with separators, such as csv, as columns of texts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.column_names import refuse_repeated

__all__ = ["Cells", "Dialect", "named", "parse"]

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
LONGEST = 2**31 - 1  # characters of a cell; the csv module allows 131,072
SAMPLE = 2**16  # characters from which a separator is told
DECLARED = re.compile(r'"?sep=(.)"?\r?\n')  # what some spreadsheet programs write above the header
Record = list[str]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text file is written.

    Args:
        sep: One character between cells; None: `usual`, or another one if the header lacks it.
        usual: What such files have by their suffix.
        header_row: The line of the column names, from 1; lines above it are left out.
        quotes: Whether cells may be in double quotes.
    """

    sep: str | None = None
    usual: str = ","
    header_row: int = 1
    quotes: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Column names, the cells of each column, and sentences on what was assumed."""

    names: list[str]
    columns: list[Sequence[object]]
    notes: tuple[str, ...]


def parse(text: str, dialect: Dialect, name: str) -> Cells:
    r"""The cells of a text, "" for empty ones; `name` is the file's in messages.

    Raises:
        InvalidArgumentError: There is no header, a row has more or fewer cells than the header, a quote is
            not closed, or column names are repeated.

    Example:
        >>> parse("name;city\nAcme;Boston\n", Dialect(), "a.csv").columns
        [('Acme',), ('Boston',)]
    """
    declared = DECLARED.match(text)
    if declared and dialect.header_row == 1:
        dialect = replace(dialect, sep=dialect.sep or declared[1], header_row=2)
    body = _below(text, dialect.header_row, name)
    sep, note = _separator(body, dialect, name)
    source = _Source(body, sep, dialect, name)
    with _long_cells():
        records = _records(source)
        while records and not records[-1]:
            records.pop()
        first = next((n for n, record in enumerate(records) if record), len(records))
        if first == len(records):
            raise InvalidArgumentError(
                f"{name} has no header: it is empty from line {dialect.header_row} on."
            )
        names, notes = named(records[first], name)
        rows, blank = _even(source, records[first + 1 :], len(names), first + 1)
    if blank:
        notes += (f"{name}: {blank} blank lines between rows are left out.",)
    columns: list[Sequence[object]] = [*zip(*rows, strict=True)] if rows else [()] * len(names)
    return Cells(names, columns, ((note,) if note else ()) + notes)


def named(header: Sequence[str], name: str) -> tuple[list[str], tuple[str, ...]]:
    """Column names of a header, where empty ones become "Unnamed: 0" and so on, and what was assumed.

    Raises:
        InvalidArgumentError: Names are repeated.
    """
    names = [text or f"Unnamed: {number}" for number, text in enumerate(header)]
    refuse_repeated(names, f"{name} has columns of the same name", "Rename all but one of each in the file.")
    empty = [text for text, given in zip(names, header, strict=True) if not given]
    return names, (f"{name}: columns without a name are called {', '.join(empty)}.",) if empty else ()


@dataclass(frozen=True, slots=True)
class _Source:
    """The text from the header on, with its separator."""

    text: str
    sep: str
    dialect: Dialect
    name: str

    def reader(self, strict: bool = True) -> Iterator[Record]:
        """Its records."""
        stream = io.StringIO(self.text, newline="")
        if self.dialect.quotes:
            return csv.reader(stream, delimiter=self.sep, strict=strict)
        return csv.reader(stream, delimiter=self.sep, quoting=csv.QUOTE_NONE, strict=strict)

    def line_after(self, records: Iterator[Record]) -> int:
        """The line of the file below what was read from `records`, a reader of the csv module."""
        return self.dialect.header_row + int(getattr(records, "line_num", 0))

    def line_of(self, number: int) -> int:
        """The line of the file at which a record begins."""
        records = self.reader()
        for _ in range(number):
            next(records)
        return self.line_after(records)


def _below(text: str, header_row: int, name: str) -> str:
    """The text from the line of the header on."""
    if header_row == 1:
        return text
    stream = io.StringIO(text, newline="")
    for _ in range(header_row - 1):
        stream.readline()
    body = stream.read()
    if not body:
        raise InvalidArgumentError(f"{name} has no line {header_row}, where --header-row says the header is.")
    return body


def _records(source: _Source) -> list[Record]:
    try:
        return list(source.reader())
    except csv.Error:
        pass
    records = source.reader()  # once more, for the line of the fault
    line = source.line_after(records)
    try:
        for _ in records:
            line = source.line_after(records)
    except csv.Error as error:
        raise InvalidArgumentError(
            f"{source.name}, line {line}: {error}. The row that begins there has a quote that is not closed "
            "or not doubled. Correct the line, or give --no-quotes if quotes mean nothing in this file."
        ) from None
    return []


def _even(source: _Source, rows: list[Record], width: int, first: int) -> tuple[list[Record], int]:
    """Rows of equal width, and the number of blank lines that were left out.

    Empty cells beyond the header are cut. `first` is the number of the first row among all records.
    """
    if not set(map(len, rows)) - {width}:
        return rows, 0
    even = []
    for number, row in enumerate(rows):
        if len(row) > width and not any(row[width:]):
            even.append(row[:width])  # separators at the end of the line
        elif len(row) == width or not row:
            even.append(row)
        else:
            raise InvalidArgumentError(
                f"{source.name}, line {source.line_of(first + number)}: the row has {len(row)} cells and the "
                f"header has {width}. A separator or a quote is missing or too many; correct the line. Cells "
                f"are separated by {SEPARATORS.get(source.sep, repr(source.sep))}: --sep changes that."
            )
    if width == 1:  # a blank line is an empty cell
        return [row or [""] for row in even], 0
    full = [row for row in even if row]
    return full, len(even) - len(full)


def _separator(text: str, dialect: Dialect, name: str) -> tuple[str, str | None]:
    """The separator, and a sentence on it if it is not the usual one."""
    if dialect.sep is not None:
        return dialect.sep, None
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    widths = {sep: _width(sample, sep, dialect) for sep in (dialect.usual, *SEPARATORS)}
    best = max(widths, key=lambda sep: widths[sep])  # the first one of several
    if widths[dialect.usual] > 1 or widths[best] <= 1:
        return dialect.usual, None
    return best, (
        f"{name}: cells are separated by {SEPARATORS[best]}, as the header has no "
        f"{SEPARATORS[dialect.usual]}. --sep changes that."
    )


def _width(sample: str, sep: str, dialect: Dialect) -> int:
    """The number of cells of the header, 1 if another row of the sample has no such separator."""
    with _long_cells():
        rows = [row for row in _Source(sample, sep, dialect, "").reader(strict=False) if row]
    if not rows or (sep != dialect.usual and any(len(row) == 1 for row in rows[1:-1])):
        return 1
    return len(rows[0])


@contextmanager
def _long_cells() -> Iterator[None]:
    """Read cells of any length: the csv module has one limit for all readers."""
    limit = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(limit)
