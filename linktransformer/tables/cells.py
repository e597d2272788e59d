"""Cell values as text: the same text for the same value, whatever library and dtype it came from.

Integers are written "5", whole floats "5" too, other floats as Python's repr; dates and times in ISO form,
without a time of 00:00:00; booleans "true" and "false". White space is collapsed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import cast

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Column, Objects

__all__ = [
    "clean",
    "from_bools",
    "from_datetimes",
    "from_floats",
    "from_integers",
    "from_objects",
    "is_clean",
    "is_null",
]

# all that str.split() splits at, the plain space apart
WHITESPACE = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
WHITESPACE += "\u2028\u2029\u202f\u205f\u3000"
_ASCII_WHITESPACE = "".join(sign for sign in WHITESPACE if sign.isascii()) + "\0"
_SURROGATE = re.compile("[\ud800-\udfff]")
_CHUNK = 100_000  # cells cleaned at a time: bounds the size of the copy


def clean(cells: Sequence[str]) -> list[str]:
    r"""Collapse and strip white space and replace what UTF-8 cannot hold.

    Many cells are joined into one string and cleaned by a few C-level passes. The result is that of
    `" ".join(cell.split())` for each cell, with lone surrogates replaced by U+FFFD and NUL read as a space.

    Example:
        >>> clean(["  Acme\t Ltd ", "\u3000", "x\ud800"]) == ["Acme Ltd", "", "x\ufffd"]
        True
    """
    cleaned: list[str] = []
    for start in range(0, len(cells), _CHUNK):
        cleaned += _clean_chunk(cells[start : start + _CHUNK])
    return cleaned


def is_clean(texts: Sequence[str], whole: str, between: str) -> bool:
    """Whether `clean` changes none of some texts, by `whole`: them and "" at both ends, with a sign between.

    Example:
        >>> is_clean(["a b", "c"], "|a b|c|", "|"), is_clean(["a  b", "c "], "|a  b|c |", "|")
        (True, False)
    """
    if whole.count(between) != len(texts) + 1 or "  " in whole:
        return False
    if f" {between}" in whole or f"{between} " in whole:
        return False
    signs = _ASCII_WHITESPACE if whole.isascii() else WHITESPACE + "\0"
    return not any(sign in whole for sign in signs.replace(between, "")) and not _has_surrogate(whole)


def _clean_chunk(cells: Sequence[str]) -> list[str]:
    whole = "\n".join(["", *cells, ""])
    if is_clean(cells, whole, "\n"):
        return list(cells)
    whole = "\0".join(cells)
    if whole.count("\0") != len(cells) - 1:
        whole = "\0".join([cell.replace("\0", " ") for cell in cells])
    for character in WHITESPACE:
        whole = whole.replace(character, " ")
    if _has_surrogate(whole):
        whole = _SURROGATE.sub("\ufffd", whole)
    while "  " in whole:
        whole = whole.replace("  ", " ")
    return whole.replace(" \0", "\0").replace("\0 ", "\0").strip(" ").split("\0")


def _has_surrogate(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode("utf-8")  # quicker than any search
    except UnicodeEncodeError:
        return True
    return False


def from_bools(values: Column) -> Objects:
    """Booleans without nulls, (n,), as "true" and "false"."""
    return np.where(values.astype(bool), "true", "false").astype(object)


def from_integers(values: Column) -> Objects:
    """Integers without nulls, (n,), in decimal digits."""
    return _texts(map(str, values.tolist()), len(values))


def from_floats(values: Column) -> Objects:
    """Floats, (n,), in the shortest form that reads back: whole ones as integers, NaN as "".

    Example:
        >>> from_floats(np.array([5.0, 0.1, np.nan])).tolist()
        ['5', '0.1', '']
    """
    texts = np.full(len(values), "", dtype=object)
    wide = values.astype(np.float64)
    whole = (np.trunc(wide) == wide) & (np.abs(wide) < 2.0**63)
    texts[whole] = from_integers(wide[whole].astype(np.int64))
    rest = ~whole & ~np.isnan(wide)
    # a narrow float is written with its own few digits, not with those of its widened value
    texts[rest] = (
        values[rest].astype(str).astype(object)
        if values.dtype.itemsize < 8
        else _texts(map(repr, wide[rest].tolist()), int(rest.sum()))
    )
    return texts


def from_datetimes(values: NDArray[np.datetime64]) -> Objects:
    """Times, (n,) in any unit, in ISO form: midnight as the date alone, NaT as "".

    Example:
        >>> from_datetimes(np.array(["2020-01-01", "2020-01-01T10:30"], dtype="M8[ns]")).tolist()
        ['2020-01-01', '2020-01-01T10:30:00']
    """
    texts = np.full(len(values), "", dtype=object)
    rest = ~np.isnat(values)
    for unit in ("D", "s", "us", "ns"):
        coarse = values.astype(f"M8[{unit}]")
        fits = rest & (coarse == values)
        texts[fits] = np.datetime_as_string(coarse[fits]).astype(object)
        rest &= ~fits
    return texts


def from_objects(values: Sequence[object]) -> list[str]:
    """Values of mixed types as texts, not yet cleaned; None as "". One Python call a cell.

    Example:
        >>> from_objects(["a", 5.0, None, True])
        ['a', '5', '', 'true']
    """
    kinds = set(map(type, values))
    if kinds <= {str}:
        return list(cast("Sequence[str]", values))
    if kinds <= {str, type(None)}:
        return [value or "" for value in cast("Sequence[str | None]", values)]
    return [_one(value) for value in values]


def is_null(value: object) -> bool:
    """Whether a Python value is None, NaN, NaT or pandas' NA."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def _one(value: object) -> str:
    """One value as text: the plain reference of the functions above."""
    value = value.value if isinstance(value, Enum) else value
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return _one_float(value)
    if isinstance(value, datetime):
        return "" if value != value else _one_moment(value)
    if isinstance(value, timedelta):
        return str(timedelta(value.days, value.seconds, value.microseconds))  # pandas has a str() of its own
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _one_decimal(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, dict):
        return " ".join(filter(None, map(_one, value.values())))
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return " ".join(filter(None, map(_one, value)))
    return str(value)


def _one_float(value: float | np.floating) -> str:
    if math.isnan(value):
        return ""
    if math.isfinite(value) and value == int(value) and abs(float(value)) < 2.0**63:
        return str(int(value))
    return repr(value) if isinstance(value, float) and not isinstance(value, np.generic) else str(value)


def _one_decimal(value: Decimal) -> str:
    if not value.is_finite():
        return "" if value.is_nan() else repr(float(value))
    text = format(value, "f")  # equal values have one text: of 5.1 and 5.10 the first
    return text.rstrip("0").rstrip(".") if "." in text else text


def _one_moment(value: datetime) -> str:
    value = value.replace(tzinfo=None)
    return value.date().isoformat() if value.time() == time() else value.isoformat()


def _texts(texts: Iterable[str], n: int) -> Objects:
    """An object array; np.array() would try a fixed-width one first."""
    return np.fromiter(texts, dtype=object, count=n)
