"""What two columns hold, by their content alone: names of columns do not count."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from linktransformer.arrays import Doubles, Integers
from linktransformer.scoring import parse_dates, parse_numbers
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.parse_dates import Exact
from linktransformer.scoring.parse_numbers import plain
from linktransformer.scoring.spelling import MOST_WORDS

__all__ = ["detect", "sampled"]

SAMPLE = 2000  # cells of a column: a share of one in twenty is known to a standard error of half a percent
SHARE = 0.95  # of the cells that must be of a kind: one in twenty may be a slip or a remark
MOST = 0.5  # "mostly": more than half
CODE_LENGTH = 5  # digits: shorter ones of one length may well be quantities, such as years or grams

_EMAIL = re.compile(r"(?:mailto:)?[^\s@,;]+@[^\s@,;]+\.[^\s@,;.]+")
_DECIMALS = re.compile(r"\d[.,]\d+\D+\d+[.,]\d")
_FIGURES = re.compile(r"[+(]{0,2}\d[\d ./()-]*")
_DIGITS = re.compile(r"\d+")
_PADDED = re.compile(r"[-+]?0\d")

Cells = list[str]


def detect(left: Sequence[str], right: Sequence[str]) -> Comparison:
    """Choose how two columns are compared, by what is in their cells.

    The first of these that holds of at least 95 % of the cells of both columns, by a seeded sample of 2000:
    e-mail addresses; places ("lat, lon"); dates, where more than half have a month; numbers that are no
    codes. Then codes: mostly one word with a digit, or digits and separators. Then names: at most six words,
    of letters. Else text. Numbers are codes if they have leading zeros, or if all have one and the same
    length of five digits and more and are not rounded to hundreds more than by chance.
    """
    columns = [_sample(left), _sample(right)]
    columns = [column for column in columns if column] * (1 + (not all(columns)))
    if len(columns) != 2:
        return Comparison("text")
    for kind, holds in _KINDS:
        if holds(*columns):
            years = kind == "number" and all(
                parse_numbers.are_years(side.values, SHARE) for side in parse_numbers.read_both(*columns)
            )
            return Comparison(kind, year=years)
    return Comparison("text")


def sampled(n: int) -> Integers:
    """Which of n different cells are looked at."""
    if n <= SAMPLE:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, SAMPLE, replace=False))


def _sample(cells: Sequence[str]) -> Cells:
    filled = [cell for cell in cells if cell]
    filled = [filled[place] for place in sampled(len(filled)).tolist()]
    return [text for text in map(plain, filled) if text]


def _are_emails(left: Cells, right: Cells) -> bool:
    return all(_share(map(_EMAIL.fullmatch, column)) >= SHARE for column in (left, right))


def _are_places(left: Cells, right: Cells) -> bool:
    return all(
        np.isfinite(parse_numbers.read_places(column)[:, 0]).mean() >= SHARE
        and _share(map(_DECIMALS.search, column)) > MOST
        for column in (left, right)
    )


def _are_dates(left: Cells, right: Cells) -> bool:
    sides = parse_dates.read_both(left, right)
    return all(
        (side.exact > Exact.NONE).mean() >= SHARE and (side.exact > Exact.YEAR).mean() > MOST
        for side in sides
    )


def _are_numbers(left: Cells, right: Cells) -> bool:
    columns = (left, right)
    sides = parse_numbers.read_both(left, right)
    if sides[0].unit and sides[1].unit and sides[0].unit != sides[1].unit:
        return False  # litres and millilitres: the figures do not compare
    return all(
        _share(_read_and_not_padded(side.values, column)) >= SHARE
        for side, column in zip(sides, columns, strict=True)
    ) and not _are_codes_of_one_length(left + right)


def _read_and_not_padded(values: Doubles, column: Cells) -> list[bool]:
    is_read = np.isfinite(values).tolist()
    return [read and not _PADDED.match(cell) for read, cell in zip(is_read, column, strict=True)]


def _are_codes_of_one_length(cells: Cells) -> bool:
    """Whether numbers are digits of one length, not rounded: of codes, one in a hundred ends in 00."""
    digits = [cell for cell in cells if _DIGITS.fullmatch(cell)]
    if len(digits) < SHARE * len(cells):
        return False
    length, count = np.unique([len(cell) for cell in digits], return_counts=True)
    common = int(np.argmax(count))
    rounded = sum(cell.endswith("00") for cell in digits)
    return bool(
        length[common] >= CODE_LENGTH
        and count[common] >= SHARE * len(cells)
        and rounded <= (1 - SHARE) * len(digits)
    )


def _are_identifiers(left: Cells, right: Cells) -> bool:
    return all(_share(map(_is_code, column)) > MOST for column in (left, right))


def _is_code(cell: str) -> bool:
    one_word = " " not in cell and any(map(str.isdigit, cell))
    return one_word or _FIGURES.fullmatch(cell) is not None


def _are_names(left: Cells, right: Cells) -> bool:
    return all(
        _share(cell.count(" ") < MOST_WORDS for cell in column) >= SHARE
        and _share_of_letters("".join(column)) >= SHARE
        for column in (left, right)
    )


def _share_of_letters(text: str) -> float:
    """The share of characters that are letters, or signs that names have."""
    count = Counter(text)
    letters = sum(n for character, n in count.items() if character.isalpha() or character in " .'-,&")
    return letters / len(text) if text else 0.0


def _share(results: Iterable[object]) -> float:
    """The share of results that are true."""
    truths = [bool(result) for result in results]
    return sum(truths) / len(truths) if truths else 0.0


_KINDS: tuple[tuple[str, Callable[[Cells, Cells], bool]], ...] = (
    ("email", _are_emails),
    ("geo", _are_places),
    ("date", _are_dates),
    ("number", _are_numbers),
    ("identifier", _are_identifiers),
    ("name", _are_names),
)
