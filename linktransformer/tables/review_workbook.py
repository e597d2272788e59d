"""An Excel file of pairs to be reviewed, and the answers read back from it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from linktransformer.errors import InvalidArgumentError
from linktransformer.optional import need
from linktransformer.tables.row_labels import Label

__all__ = ["ANSWER", "ReviewPair", "check_path", "is_workbook", "read_workbook", "write_workbook"]

ANSWER, SHEET, ABOUT = "match? (yes/no)", "pairs", "about"
HEAD = (ANSWER, "probability", "reason", "left", "right")
YES, NO = ("yes", "y", "1", "1.0", "true"), ("no", "n", "0", "0.0", "false")
LONGEST = 32_000  # characters; a cell holds 32,767
EXACT = 2**53  # integers from here on are rounded by Excel
# A text that begins so is run as a formula when it is typed, or when the sheet is saved as CSV and opened.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")

Triple: TypeAlias = tuple[Label, Label, int]


@dataclass(frozen=True, slots=True)
class ReviewPair:
    """A pair of rows to be reviewed.

    Args:
        probability: Its match probability.
        reason: Why it is a link, or none.
        labels: The labels of the left and of the right row.
        cells: Left and right cell of each column.
    """

    probability: float
    reason: str
    labels: tuple[Label, Label]
    cells: Sequence[tuple[str, str]]


def is_workbook(labels: object) -> bool:
    """Whether labels are given as the name of an Excel file."""
    return isinstance(labels, (str, os.PathLike)) and Path(labels).suffix.lower() == ".xlsx"


def check_path(path: str | os.PathLike[str]) -> Path:
    """The path; InvalidArgumentError if its suffix is not .xlsx."""
    file = Path(path)
    if file.suffix.lower() != ".xlsx":
        raise InvalidArgumentError(
            f"path={str(path)!r} has the suffix {file.suffix!r}. Give the name of an Excel file, .xlsx."
        )
    return file


def write_workbook(
    path: str | os.PathLike[str],
    columns: Sequence[tuple[str, str]],
    pairs: Iterable[ReviewPair],
    about: Sequence[tuple[str, str]],
) -> None:
    """Write pairs with an empty column for answers, and a second sheet that says what they are.

    Every cell but the probability and numeric labels is text: digits stay as they are, and nothing is run.

    Args:
        path: The file, .xlsx.
        columns: The names of the left and of the right cell of each column.
        pairs: The pairs.
        about: Names and values of the second sheet.

    Raises:
        InvalidArgumentError: Another suffix, or a label that Excel cannot hold.
        MissingExtraError: openpyxl is not installed.
    """
    file = check_path(path)
    openpyxl = need("openpyxl", extra="cli")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = SHEET
    names = [
        *HEAD,
        *(f"{name} ({side})" for pair in columns for name, side in zip(pair, ("left", "right"), strict=True)),
    ]
    for place, name in enumerate(names, start=1):
        _put_text(sheet.cell(1, place), name)
    last = 1
    for last, pair in enumerate(pairs, start=2):
        sheet.cell(last, 2, round(pair.probability, 4)).number_format = "0.000"
        _put_text(sheet.cell(last, 3), pair.reason)
        for place, label in enumerate(pair.labels, start=4):
            _put_label(sheet.cell(last, place), label)
        for place, text in enumerate((text for cells in pair.cells for text in cells), start=6):
            _put_text(sheet.cell(last, place), text)
    _dress(sheet, len(names), last)
    remarks = book.create_sheet(ABOUT)
    for row, line in enumerate(about, start=1):
        for place, text in enumerate(line, start=1):
            _put_text(remarks.cell(row, place), text)
    for letter, width in (("A", 26), ("B", 110)):
        remarks.column_dimensions[letter].width = width
    book.save(file)


def read_workbook(path: str | os.PathLike[str], argument: str) -> list[Triple]:
    """The answered pairs of a file by `write_workbook`: left label, right label, 1 for yes and 0 for no.

    Pairs without an answer are left out.

    Raises:
        InvalidArgumentError: There is no such file, it has not these columns, or an answer is neither.
        MissingExtraError: openpyxl is not installed.
    """
    openpyxl = need("openpyxl", extra="cli")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InvalidArgumentError(
            f"{argument}={str(path)!r} cannot be read as an Excel file: {error}. Give a file that "
            "links.to_excel has written."
        ) from error
    try:
        sheet = book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]
        rows = list(sheet.iter_rows(values_only=True))
    finally:
        book.close()
    head = [str(value).strip() if value is not None else "" for value in (rows[0] if rows else ())]
    missing = [name for name in (ANSWER, "left", "right") if name not in head]
    if missing:
        raise InvalidArgumentError(
            f"{argument}={str(path)!r} has no column {missing[0]!r} in the first line of its sheet. It has "
            f"{head[:12]}. Give a file that links.to_excel has written, with its head."
        )
    places = [head.index(name) for name in ("left", "right", ANSWER)]
    answered = []
    for number, row in enumerate(rows[1:], start=2):
        left, right, value = (row[place] if place < len(row) else None for place in places)
        answer = _answer(value, argument, number)
        if answer is not None:
            answered.append((_label(left), _label(right), answer))
    return answered


def _answer(value: object, argument: str, number: int) -> int | None:
    """1 for yes, 0 for no, None for an empty cell."""
    text = "" if value is None else str(value).strip().lower()
    if text in YES or not text or text in NO:
        return int(text in YES) if text else None
    raise InvalidArgumentError(
        f"{argument}: row {number} of the sheet has the answer {value!r}. Give yes or no, or leave it empty."
    )


def _label(value: object) -> Label:
    """A label; Excel may give whole numbers as floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Cell(Protocol):
    """What is set of a cell of openpyxl, which has no types."""

    value: str | int
    data_type: str
    number_format: str
    quotePrefix: bool  # noqa: N815 - the name that openpyxl has


def _put_label(cell: Cell, label: Label) -> None:
    """A label as number or text, so that it is the same when it is read back."""
    is_number = isinstance(label, int) and not isinstance(label, bool) and abs(label) < EXACT
    if is_number:
        cell.value = label
        return
    if not isinstance(label, str) or not label or _kept(label) != label:
        raise InvalidArgumentError(
            f"The row label {label!r} cannot be read back from an Excel file. Labels must be texts, or whole "
            "numbers below 2 ** 53. Link tables with plain labels, such as table.reset_index(drop=True)."
        )
    _put_text(cell, label)


def _put_text(cell: Cell, text: str) -> None:
    """Text as text, shown as it is whatever it begins with."""
    cell.value = _kept(text)
    cell.data_type = "s"  # not the formula or the error that it may look like
    cell.number_format = "@"
    if text.startswith(FORMULA):
        cell.quotePrefix = True


def _kept(text: str) -> str:
    """A text without characters that a cell cannot hold, at most `LONGEST` long."""
    forbidden = need("openpyxl.cell.cell", extra="cli").ILLEGAL_CHARACTERS_RE
    kept = str(forbidden.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n")))
    return kept if len(kept) <= LONGEST else kept[: LONGEST - 1] + "…"


def _dress(sheet: Any, n_columns: int, last: int) -> None:
    """Widths, a head that stays, a filter, and yes or no to choose from."""
    styles, utils = need("openpyxl.styles", extra="cli"), need("openpyxl.utils", extra="cli")
    validation = need("openpyxl.worksheet.datavalidation", extra="cli")
    letters = [utils.get_column_letter(place) for place in range(1, n_columns + 1)]
    for place, letter in enumerate(letters):
        sheet.column_dimensions[letter].width = (16, 11, 24, 12, 12)[place] if place < len(HEAD) else 36
    for cell in sheet[1]:
        cell.font = styles.Font(bold=True)
        cell.fill = styles.PatternFill("solid", fgColor="E5E7EB")
    for row in sheet.iter_rows(min_row=2, max_row=max(2, last)):
        row[0].fill = styles.PatternFill("solid", fgColor="FFF7E0")
        for cell in row:
            cell.alignment = styles.Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "F2"
    sheet.auto_filter.ref = f"A1:{letters[-1]}{last}"
    choice = validation.DataValidation(type="list", formula1='"yes,no"', allow_blank=True)
    choice.error = "yes, no, or nothing"
    sheet.add_data_validation(choice)
    choice.add(f"A2:A{max(2, last)}")
