"""How a table writes the cells of one column: errors that differ by row, and a form that all rows share."""

from __future__ import annotations

import re
from collections.abc import Callable

from . import noise
from .column import Column
from .draw import Draw

Change = Callable[[str], str]
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBER = re.compile(r"\d")
_MARKS = re.compile(r"[^\w\s]")
# how often a cell of a kind is struck, against a cell of text
_STRUCK = {"text": 1.0, "name": 1.0, "date": 0.5, "number": 0.3, "code": 0.12, "fixed": 0.0}


def _text_errors(draw: Draw, kind: str, letters: str) -> list[tuple[float, Change]]:
    """Errors with weights that are drawn for a table."""

    def bound(function: Callable[..., str], *more: str) -> Change:
        return lambda text: function(draw, text, *more)

    slips = [bound(noise.typo, letters), bound(noise.misread, letters)]
    if not letters:
        slips.append(bound(noise.by_ear))
    words = [noise.drop_word, noise.swap_words, noise.shorten_word, noise.join_words, noise.split_word]
    kept = slips + [bound(each) for each in words if not (letters and each is noise.shorten_word)]
    if kind == "name":
        kept = [*slips, bound(noise.join_words)]
    weights = [0.0 if draw.chance(0.4) else draw.unit() for _ in kept]
    errors = [(weight, each) for weight, each in zip(weights, kept, strict=True) if weight]
    return errors or [(1.0, kept[0])]


def errors(draw: Draw, kind: str, letters: str) -> Change:
    """One error of a column, drawn at each call."""
    if kind == "date":
        return lambda text: noise.date_slip(draw, text)
    if kind in ("number", "code"):
        return lambda text: noise.digit_slip(draw, text)
    drawn = _text_errors(draw, kind, letters)
    return lambda text: draw.choose(*drawn)(text)


def date_form(draw: Draw) -> Change:
    """One way to write a date that is given as yyyy-mm-dd."""
    form = draw.choose(
        (0.45, "{y}-{m}-{d}"), (0.14, "{d}/{m}/{y}"), (0.07, "{m}/{d}/{y}"), (0.1, "{d}.{m}.{y}"),
        (0.08, "{D} {M} {y}"), (0.06, "{y}{m}{d}"), (0.06, "{y}/{m}/{d}"), (0.04, "{y}"),
    )  # fmt: skip

    def change(text: str) -> str:
        parts = text.split("-")
        if len(parts) != 3:
            return text
        year, month, day = parts
        short = _MONTHS[(int(month) - 1) % 12]
        return form.format(y=year, m=month, d=day, D=int(day), M=short)

    return change


def number_form(draw: Draw) -> Change:
    """One way to write an amount."""
    sign = draw.choose((0.7, "{}"), (0.1, "${}"), (0.1, "{} EUR"), (0.1, "£{}"))
    comma, whole = draw.chance(0.12), draw.chance(0.1)

    def change(text: str) -> str:
        if "." not in text:
            return text
        text = text.split(".")[0] if whole else text
        return sign.format(text.replace(".", ",") if comma else text)

    return change


def code_form(draw: Draw) -> Change:
    """One way to write a code: with its marks or without."""
    return draw.choose((0.6, str), (0.25, lambda text: re.sub(r"[-/. ]", "", text)), (0.15, str.lower))


def _cut(text: str, length: int) -> str:
    """The text cut to a length, unless a number, which may decide, would go."""
    return text if _NUMBER.search(text[length - 1 :]) else text[:length].rstrip()


def text_form(draw: Draw, case: Change, kind: str) -> Change:
    """One way to write a text.

    Args:
        draw: The source of chance.
        case: The case of the table.
        kind: The kind of the column.
    """
    steps: list[Change] = [case]
    mark = draw.pick((" ", ""))
    if draw.chance(0.22):
        steps.append(noise.plain_letters)
    if draw.chance(0.12):
        steps.append(lambda text: noise.squeeze(_MARKS.sub(mark, text)))
    if kind == "text" and draw.chance(0.07):
        length = draw.whole(18, 60)
        steps.append(lambda text: _cut(text, length))

    def change(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return change


class Cells:
    """Writes the cells of one column of one table.

    Args:
        draw: The source of chance.
        column: The column.
        level: The share of cells that are struck by an error.
        case: The case of the table.
        letters: Letters of another script, for errors.
        empty: The share of cells without a value.
    """

    def __init__(
        self, draw: Draw, column: Column, level: float, case: Change, letters: str, empty: float
    ) -> None:
        self.draw = draw
        self.rate = level * _STRUCK[column.kind] * draw.pick((0.4, 1.0, 1.0, 1.6))
        self.again = draw.pick((0.1, 0.25, 0.45))
        self.empty = empty
        self.slip = errors(draw, column.kind, letters)
        if column.kind in ("text", "name"):
            self.form = text_form(draw, case, column.kind)
        elif column.kind == "fixed":
            self.form = str
        else:
            self.form = {"date": date_form, "number": number_form, "code": code_form}[column.kind](draw)

    def write(self, value: str, care: float) -> str | None:
        """The cell of a value.

        Args:
            value: The value without errors; empty: none.
            care: How many more errors than usual this row has: 1 is usual.
        """
        draw = self.draw
        if not value or (self.empty and draw.unit() < self.empty):
            return None
        rate = min(0.95, self.rate * care)
        while draw.unit() < rate:
            value = self.slip(value) or value
            rate = self.again
        return self.form(value).strip() or None
