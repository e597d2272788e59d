"""Sheets of xlsx workbooks, cell by cell: texts stay texts, numbers numbers and dates dates."""

from __future__ import annotations

import datetime as dt
import math
import warnings
from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeAlias

from linktransformer.errors import InvalidArgumentError
from linktransformer.optional import need
from linktransformer.tables.delimited import Cells, named

__all__ = ["read_sheet", "write_sheet"]

Cell: TypeAlias = Any  # of openpyxl, which has no types
LONGEST = 32_767  # characters of a cell
MOST_ROWS = 1_048_576
DIGITS = 10**15  # a workbook's numbers are floats: whole ones with more digits are written as texts
FIRST_DATE = dt.date(1900, 3, 1)  # spreadsheets count the days wrongly before it, or not at all
MIDNIGHT = dt.time()


def read_sheet(path: Path, sheet: str | None, header_row: int) -> Cells:
    """The cells of one sheet, None for empty ones and errors such as #N/A.

    `sheet` is a name or a number from 1; None takes the first sheet. A cell that is formatted as a date is a
    date, one with a time of day a datetime.

    Raises:
        InvalidArgumentError: There is no such sheet or header, or column names are repeated.
        MissingExtraError: openpyxl is not installed.
    """
    openpyxl = need("openpyxl", extra="cli")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and validations that are not read
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            chosen, notes = _chosen(book, sheet, path)
            chosen.reset_dimensions()  # some programs write wrong ones
            rows = [[_value(cell) for cell in row] for row in chosen.iter_rows()]
        finally:
            book.close()
    rows = rows[header_row - 1 :]
    while rows and not any(value is not None for value in rows[-1]):
        rows.pop()
    if not rows:
        raise InvalidArgumentError(f"{path} has no header in row {header_row} of sheet {chosen.title!r}.")
    columns = [list(column) for column in zip_longest(*rows)]
    while not any(value is not None for value in columns[-1]):
        columns.pop()
    header = ["" if column[0] is None else str(column[0]) for column in columns]
    names, unnamed = named(header, str(path))
    return Cells(
        names, [_without_errors(column[1:]) for column in columns], notes + unnamed + _errors(columns, path)
    )


class _Error(str):
    """The text of an error in a cell, such as #N/A."""

    __slots__ = ()


def _without_errors(column: Sequence[object]) -> list[object]:
    return [None if isinstance(value, _Error) else value for value in column]


def _errors(columns: Sequence[Sequence[object]], path: Path) -> tuple[str, ...]:
    errors = [value for column in columns for value in column[1:] if isinstance(value, _Error)]
    return (f"{path}: {len(errors)} cells with an error such as {errors[0]} are null.",) if errors else ()


def _chosen(book: Cell, sheet: str | None, path: Path) -> tuple[Cell, tuple[str, ...]]:
    """A sheet of a workbook, and a sentence if it was one of several."""
    sheets = {one.title: one for one in book.worksheets}
    titles = list(sheets)
    if sheet is None:
        several = f"{path}: sheet {titles[0]!r} of {len(titles)} is read. --sheet names another one."
        return sheets[titles[0]], (several,) if len(titles) > 1 else ()
    if sheet in sheets:
        return sheets[sheet], ()
    if sheet.isdecimal() and 1 <= int(sheet) <= len(titles):
        return sheets[titles[int(sheet) - 1]], ()
    raise InvalidArgumentError(
        f"{path} has no sheet {sheet!r}. Its sheets are {', '.join(map(repr, titles))}."
    )


def _value(cell: Cell) -> object:
    value = cell.value
    if isinstance(value, str):
        return _Error(value) if cell.data_type == "e" else value or None
    if isinstance(value, dt.datetime) and value.time() == MIDNIGHT:
        kind = need("openpyxl.styles.numbers", extra="cli").is_datetime(cell.number_format)
        return value.date() if kind == "date" else value
    return value


def write_sheet(names: Sequence[str], columns: Sequence[Sequence[object]], path: Path) -> tuple[str, ...]:
    """Write one sheet, None for empty cells; returns a sentence on each column whose cells became texts.

    Texts stay texts, also those that begin with "=". Whole numbers of more than 15 digits, dates before
    March 1900 and infinite numbers become texts, as a workbook cannot hold them.

    Raises:
        InvalidArgumentError: There are too many rows, or a text is too long.
        MissingExtraError: openpyxl is not installed.
    """
    openpyxl = need("openpyxl", extra="cli")
    height = max(map(len, columns), default=0)
    if height >= MOST_ROWS:
        raise InvalidArgumentError(
            f"{path}: a sheet holds {MOST_ROWS - 1:,} rows and the table has {height:,}."
        )
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    notes, fitting = [], []
    for name, column in zip(names, columns, strict=True):
        longest = max((len(value) for value in column if isinstance(value, str)), default=0)
        if longest > LONGEST:
            raise InvalidArgumentError(
                f"{path}: column {name!r} has a text of {longest:,} characters, and a cell holds "
                f"{LONGEST:,}. Write a .csv or .parquet file."
            )
        as_text = [_as_text(value) for value in column]
        if any(as_text):
            notes.append(
                f"{path}: {sum(as_text)} cells of column {name!r} are texts, as a sheet cannot hold them."
            )
        returns = sum(isinstance(value, str) and "\r" in value for value in column)
        if returns:
            notes.append(
                f"{path}: {returns} cells of column {name!r} have a carriage return, read as a line end."
            )
        fitting.append([_fitting(value, text, sheet) for value, text in zip(column, as_text, strict=True)])
    sheet.append([_fitting(name, False, sheet) for name in names])
    for row in zip(*fitting, strict=True):
        sheet.append(row)
    book.save(path)
    return tuple(notes)


def _as_text(value: object) -> bool:
    """Whether a sheet cannot hold a value as it is."""
    if isinstance(value, Decimal):
        return len(value.as_tuple().digits) > 15
    if isinstance(value, int):
        return abs(value) >= DIGITS
    if isinstance(value, float):
        return math.isinf(value)
    if isinstance(value, dt.datetime):
        return value.date() < FIRST_DATE
    if isinstance(value, dt.date):
        return value < FIRST_DATE
    return value is not None and not isinstance(value, (str, dt.time, dt.timedelta))


def _fitting(value: object, as_text: bool, sheet: Cell) -> Cell:
    """A value for a cell; a text that would be read as a formula or an error as a cell of text."""
    if as_text:
        value = str(value)
    if isinstance(value, str) and value[:1] in ("=", "#"):
        cell = need("openpyxl.cell", extra="cli").WriteOnlyCell(sheet, value)
        cell.data_type = "s"
        return cell
    return value
