"""Which columns a caller means: keys of either table, and blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from linktransformer import frames
from linktransformer.errors import InvalidArgumentError
from linktransformer.frames import Table

__all__ = ["blocks", "resolve"]

Columns = str | Sequence[str] | None


def resolve(
    left: Table, right: Table, on: Columns, left_on: Columns, right_on: Columns
) -> tuple[list[str], list[str]]:
    """Find the key columns of both tables.

    Args:
        left: The left table.
        right: The right table.
        on: Columns of both.
        left_on: Columns of the left table.
        right_on: Columns of the right table.

    Returns:
        Names of left and of right columns.

    Raises:
        InvalidArgumentError: `on` together with the others, one without the other, or nothing to go by.
        ColumnNotFoundError: A name that is no column.
        TableTypeError: The tables are of two libraries.
    """
    frames.same_library(left, right)
    if on is not None:
        if left_on is not None or right_on is not None:
            raise InvalidArgumentError(
                "on= is given together with left_on= or right_on=. Give one or the other."
            )
        names = _listed(on)
        frames.check_columns(left, names, "on")
        frames.check_columns(right, names, "on")
        return names, names
    if (left_on is None) != (right_on is None):
        given, missing = ("left_on", "right_on") if right_on is None else ("right_on", "left_on")
        raise InvalidArgumentError(f"{given}= is given and {missing}= is not. Give both, or on=.")
    if left_on is None:
        shared = frames.string_columns_shared(left, right)
        if not shared:
            raise InvalidArgumentError(
                f"The tables share no text column. Left: {left.columns[:20]}. Right: {right.columns[:20]}. "
                "Name the keys by left_on= and right_on=."
            )
        return shared, shared
    names_left, names_right = _listed(left_on), _listed(right_on)
    frames.check_columns(left, names_left, "left_on")
    frames.check_columns(right, names_right, "right_on")
    return names_left, names_right


def blocks(
    tables: tuple[Table, Table], block_on: Columns
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Number the rows of both tables by the columns that must be equal.

    Args:
        tables: The left and the right table.
        block_on: Columns of both tables; None for no blocking.

    Returns:
        Block numbers of left and right rows, -1 where a value is null; None without blocking.

    Raises:
        ColumnNotFoundError: A name that is no column.
    """
    if block_on is None:
        return None
    names = _listed(block_on)
    for table in tables:
        frames.check_columns(table, names, "block_on")
    return frames.codes(tables[0], tables[1], names, names)


def _listed(columns: Columns) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns or [])
