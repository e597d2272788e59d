"""Numbers and coordinates as people write them, read column by column.

One cell can be read in two ways ("1.234" is one and a bit, or a thousand and more); a column mostly
cannot. So every cell is read in both ways, and the column decides.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Bools, Doubles
from linktransformer.tables.cells import is_clean

__all__ = [
    "LONGEST",
    "Numbers",
    "are_years",
    "plain",
    "plain_cells",
    "read_as",
    "read_both",
    "read_places",
    "years_of",
]


LONGEST = 64  # characters of a number, date or place: what is longer is a text, and not worth the search
TOO_LARGE = 1e300  # what is above is not a quantity, and differences of it would overflow
FIRST_YEAR, LAST_YEAR = 1000, 2100  # four digits, and not far from now: what is read as a year

SIGNS = ".,"  # of decimals

_MONEY = "$¢£¤¥֏؋৲৳฿៛₠-₿﷼"
_LETTER = r"[^\W\d_]"
_BEFORE = rf"(?:{_LETTER}+\.? ?[{_MONEY}]?|[{_MONEY}])"
_WORD = rf"(?:{_LETTER}|[{_MONEY}%‰°µ])(?:{_LETTER}|[{_MONEY}%‰°µ/.^])*[23]?"
_CELL = re.compile(
    rf"(?P<open>\( ?)?(?P<sign>[-+] ?)?(?P<before>{_BEFORE} ?)?(?P<second>[-+] ?)?"
    r"(?P<body>[.,]?\d(?:[\d.,' ]*\d)?[.,]?)(?P<power>e[-+]?\d{1,3})?"
    rf" ?(?P<after>{_WORD}(?: {_WORD}){{0,2}})?(?P<behind> ?-)?(?P<close> ?\))?"
)
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
# groups of three digits, or two before the last three as in India, parted by one and the same sign
_POINT = re.compile(r"(?:\d{1,3}(?P<by>[,' ])\d{3}(?:(?P=by)\d{3})*|\d{1,2}(?:,\d{2})+,\d{3}|\d+)?(?:\.\d*)?")
_COMMA = re.compile(
    r"(?:\d{1,3}(?P<by>[.' ])\d{3}(?:(?P=by)\d{3})*|\d{1,2}(?:\.\d{2})+\.\d{3}|\d+)?(?:,\d*)?"
)
# minus signs and dashes, apostrophes, and the Arabic decimal and thousands signs
_SIGNS = str.maketrans({"−": "-", "–": "-", "‐": "-", "’": "'", "ʼ": "'", "٫": ".", "٬": "'", "_": "'"})

_DEGREES = r"([-+]?\d{1,3}(?:[.,]\d+)?) ?°? ?"
_PLACE = re.compile(rf"[(\[]? ?{_DEGREES}([ns])?(?: ?[,;] ?| ){_DEGREES}([ew])? ?[)\]]?")


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A column that was read as numbers.

    Args:
        values: (n,) float64, NaN where the cell is empty or no number.
        unit: What stands beside the numbers, "" for nothing.
        decimal: "." or ",".
    """

    values: Doubles
    unit: str
    decimal: str


def read_both(left: Sequence[str], right: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Read two columns of cells of any kind as numbers, each in its own way of writing.

    Signs before or behind, brackets for negative, exponents, digits of any script, and groups of digits
    parted by comma, point, apostrophe or space are read. A column's decimal sign is the one by which more of
    its cells are numbers; where both read the same cells, the one by which more of its values are in the
    other column; else the point. A column has one unit, which is removed: the text beside the numbers that
    is most common. A cell with another text beside it is not a number; one without is.

    Example:
        >>> left, right = read_both(["1.234,50 €", "(2,5)"], ["USD 1,234.50", "-2.5"])
        >>> left.values.tolist(), right.values.tolist()
        ([1234.5, -2.5], [1234.5, -2.5])
    """
    columns = [_with_one_unit(*_both_ways(cells)) for cells in (left, right)]
    counts = [np.isfinite(values).sum(axis=1) for values, _ in columns]
    chosen = [int(count[1] > count[0]) for count in counts]
    for side, count in enumerate(counts):
        if count[0] == count[1]:
            other = columns[1 - side][0][chosen[1 - side]]
            common = [len(np.intersect1d(values, other)) for values in columns[side][0]]
            chosen[side] = int(common[1] > common[0])
    first, second = (
        Numbers(values[way], unit, SIGNS[way]) for (values, unit), way in zip(columns, chosen, strict=True)
    )
    return first, second


def read_as(cells: Sequence[str], unit: str, decimal: str) -> Doubles:
    """Read more cells of a column of a known unit and decimal sign, (n,) float64, NaN for no number.

    Example:
        >>> read_as(["1,5 kg", "2", "3 km"], "kg", ",").tolist()
        [1.5, 2.0, nan]
    """
    values, units = _both_ways(cells)
    return np.asarray(_without_other_units(values, units, unit)[SIGNS.index(decimal)])


def are_years(values: Doubles, share: float = 1.0) -> bool:
    """Whether numbers are years: whole ones from 1000 to 2100."""
    values = values[np.isfinite(values)]
    return len(values) > 0 and bool(years_of(values).mean() >= share)


def years_of(values: Doubles) -> Bools:
    """Which numbers are years.

    Returns (n,) bool: whole ones from 1000 to 2100.
    """
    return np.asarray((values >= FIRST_YEAR) & (values <= LAST_YEAR) & (values == np.trunc(values)))


def read_places(cells: Sequence[str]) -> Doubles:
    """Read "latitude, longitude" in decimal degrees, with or without N, S, E and W; (n, 2), NaN for none.

    Returns degrees, (n, 2) float64, NaN where the cell is not a place.
    """
    places = np.full((len(cells), 2), np.nan)
    for place, cell in enumerate(cells):
        match = _PLACE.fullmatch(plain(cell)) if len(cell) <= LONGEST else None
        if match is None:
            continue
        first, south, second, west = match.groups()
        if "," in first + second and ";" not in cell:
            continue  # commas part the two numbers, or stand in them, and not both
        latitude = float(first.replace(",", ".")) * (-1 if south == "s" else 1)
        longitude = float(second.replace(",", ".")) * (-1 if west == "w" else 1)
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            places[place] = latitude, longitude
    return places + 0.0  # no negative zero


def plain(cell: str) -> str:
    """A cell in small letters, in compatibility form (Unicode NFKC), with single spaces."""
    if not cell.isascii():
        cell = unicodedata.normalize("NFKC", cell)
    return " ".join(cell.casefold().split())


def plain_cells(cells: Sequence[str]) -> list[str]:
    """`plain` of many cells; those that are plain already are found by a few passes in C.

    Example:
        >>> plain_cells(["Acme  Co", "b"])
        ['acme co', 'b']
    """
    whole = "\n".join(["", *cells, ""])
    if whole.isascii() and whole == whole.lower() and is_clean(cells, whole, "\n"):
        return list(cells)
    return [plain(cell) for cell in cells]


def _both_ways(cells: Sequence[str]) -> tuple[Doubles, list[str]]:
    """Values (2, n), with a point and with a comma for the decimals, and the unit of each cell."""
    values = np.full((2, len(cells)), np.nan)
    units = [""] * len(cells)
    for place, cell in enumerate(cells):
        if _INTEGER.fullmatch(cell):
            values[:, place] = float(cell)
        elif 0 < len(cell) <= LONGEST:
            point, comma, units[place] = _one(cell)
            values[:, place] = point, comma
    return values, units


def _with_one_unit(values: Doubles, units: list[str]) -> tuple[Doubles, str]:
    """The values with the most common unit or none, and that unit."""
    numbers = np.flatnonzero(np.isfinite(values).any(axis=0)).tolist()
    common = Counter(units[place] for place in numbers if units[place])
    unit = min(common, key=lambda text: (-common[text], text)) if common else ""
    return _without_other_units(values, units, unit), unit


def _without_other_units(values: Doubles, units: list[str], unit: str) -> Doubles:
    return np.where([text in ("", unit) for text in units], values, np.nan) + 0.0  # no negative zero


def _one(cell: str) -> tuple[float, float, str]:
    """A cell as a number with a decimal point, with a decimal comma, and its unit."""
    match = _CELL.fullmatch(plain(cell).translate(_SIGNS))
    if match is None or bool(match["open"]) != bool(match["close"]):
        return math.nan, math.nan, ""
    behind = None if match["body"][-1] in ".," else match["behind"]  # "5.-" is a price without cents
    signs = [text.strip() for text in (match["sign"], match["second"], behind) if text]
    if match["open"]:
        signs.append("-")
    if len(signs) > 1:
        return math.nan, math.nan, ""
    factor = -1.0 if signs == ["-"] else 1.0
    body, power = match["body"], match["power"] or ""
    unit = "".join(filter(None, (match["before"], match["after"]))).strip(" .")
    return factor * _value(body, _POINT, ".", power), factor * _value(body, _COMMA, ",", power), unit


def _value(body: str, way: re.Pattern[str], decimal: str, power: str) -> float:
    if not way.fullmatch(body):
        return math.nan
    whole, _, rest = body.partition(decimal)
    digits = "".join(character for character in whole if character.isdecimal())
    value = float(f"{digits or '0'}.{rest or '0'}{power}")
    return value if value < TOO_LARGE else math.nan
