"""Cells of results beside cells of the caller's tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

__all__ = [
    "Broken",
    "added",
    "cells_of",
    "columns_of",
    "equal",
    "head",
    "is_null",
    "pairs_of",
    "tail",
    "unchanged",
]


class Broken(AssertionError):  # noqa: N818 - a broken promise
    """A promise that the package did not keep; the first word names it."""


def unchanged(native: Any, frame: dict[str, list[Any]], row: str, names: dict[str, str]) -> None:
    """Every cell of a result is the cell of the caller; `names` are the columns in the result."""
    for name, cells in columns_of(native).items():
        for at, value in zip(frame[row], frame[names[name]], strict=True):
            if is_null(at):
                if not is_null(value):
                    raise Broken(f"cells: {name} has a value where there is no row")
            elif not equal(cells[int(at)], value):
                raise Broken(f"cells: {name} was {cells[int(at)]!r} and is {value!r}")


def equal(a: Any, b: Any) -> bool:
    """Whether two cells are one value, in whatever dtype."""
    if is_null(a) or is_null(b):
        return is_null(a) and is_null(b)
    if isinstance(a, bool) or isinstance(b, bool | np.bool_):
        return bool(a) == bool(b)
    if isinstance(a, int):
        return not isinstance(b, str) and int(b) == a and float(b) == float(a)
    if hasattr(a, "isoformat") and hasattr(b, "isoformat"):
        plain = str(a)[:10] == str(b)[:10]
        zoned = getattr(a, "tzinfo", None) is not None and getattr(b, "tzinfo", None) is not None
        return plain or (zoned and a == b)
    if isinstance(a, list | tuple | dict | np.ndarray):
        return repr(_plain(a)) == repr(_plain(b))
    return bool(a == b)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def columns_of(native: Any) -> dict[str, list[Any]]:
    """The columns of a table of any library as lists."""
    frame = nw.from_native(native, eager_only=True)
    return {name: frame[name].to_list() for name in frame.columns}


def cells_of(native: Any) -> str:
    """All cells, to see whether a table was changed; columns may have one name."""
    if hasattr(native, "iloc"):
        columns = [native.iloc[:, place].tolist() for place in range(native.shape[1])]
        return repr((list(native.columns), native.index.tolist(), columns))
    columns = native.columns if hasattr(native, "column_names") else native.get_columns()
    return repr(
        [column.to_pylist() if hasattr(column, "to_pylist") else column.to_list() for column in columns]
    )


def head(native: Any, n: int) -> Any:
    """The first rows."""
    return nw.from_native(native, eager_only=True).head(n).to_native()


def tail(native: Any, n: int) -> Any:
    """The rows after the first n."""
    return nw.from_native(native, eager_only=True)[n:].to_native()


def is_null(value: Any) -> bool:
    """Whether a cell is None, NaN, NaT or NA."""
    if value is None:
        return True
    if isinstance(value, float | np.floating) and math.isnan(value):
        return True
    return type(value).__name__ in ("NAType", "NaTType")


def added(frame: dict[str, list[Any]], name: str) -> list[Any]:
    """The cells of a column that a verb adds; its name has an end where a table has the name already."""
    return frame[f"{name}_lt" if f"{name}_lt" in frame else name]


def pairs_of(left: Sequence[Any], right: Sequence[Any]) -> list[tuple[int, int]]:
    """The rows that are both there."""
    return [(int(a), int(b)) for a, b in zip(left, right, strict=True) if not is_null(a) and not is_null(b)]
