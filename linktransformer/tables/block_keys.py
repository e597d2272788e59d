"""Block keys: the columns that must be equal, the block of each row, and a warning if no value is shared."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from linktransformer import check
from linktransformer.arrays import Integers
from linktransformer.errors import ColumnNotFoundError, InvalidArgumentError
from linktransformer.progress import stage
from linktransformer.tables import factorize, frames, key_columns, normalize
from linktransformer.tables.frames import Table

__all__ = [
    "NO_SHARED_BLOCK",
    "BlockColumns",
    "Blocks",
    "column_pairs",
    "folded_cells",
    "number",
    "number_one",
    "warning",
]

logger = logging.getLogger(__name__)

# a name, a list of names or of pairs of names, or a pair (left, right) of names or of lists of names
BlockColumns: TypeAlias = str | Sequence[str | Sequence[str]] | None

NO_SHARED_BLOCK = "no_shared_block"  # the code of the warning in a report
SHOWN = 3  # values of either side that a warning shows
FORMS = (
    "Give a name that both tables have, such as 'city', a list of them, a pair (left, right), such as "
    "('city', 'town') or (['city', 'year'], ['town', 'yr']), or a list of pairs, such as "
    "[('city', 'town'), ('year', 'yr')]."
)


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The block of each row of two tables in one numbering, -1 where a block column is null.

    Args:
        left: (n_left,) int64; None without blocks.
        right: (n_right,) int64; None without blocks.
        warnings: One for each column without a shared value.
    """

    left: Integers | None = None
    right: Integers | None = None
    warnings: tuple[str, ...] = ()

    @property
    def details(self) -> dict[str, list[str]]:
        """The entries of the report."""
        return {"warnings": list(self.warnings), "warning_codes": [NO_SHARED_BLOCK] * len(self.warnings)}


def column_pairs(
    tables: tuple[Table, Table], block_on: BlockColumns, argument: str = "block_on"
) -> list[tuple[str, str]]:
    """The (left, right) columns that must be equal; none for None.

    A name means a column of both tables. In a list each entry is a name or a pair (left, right). A tuple of
    two names is a pair, unless both are columns of both tables: then they are two columns of both. A tuple of
    two lists has the columns of the left table and as many of the right table.

    Raises:
        InvalidArgumentError: `block_on` has none of these forms.
        ColumnNotFoundError: A name is not a column; the message has the nearest one.

    Example:
        >>> import pandas as pd
        >>> left = frames.wrap(pd.DataFrame(columns=["city", "year"]), "left")
        >>> right = frames.wrap(pd.DataFrame(columns=["town", "year"]), "right")
        >>> column_pairs((left, right), ("city", "town"))
        [('city', 'town')]
        >>> column_pairs((left, right), ["year", ("city", "town")])
        [('year', 'year'), ('city', 'town')]
    """
    if block_on is None:
        return []
    pairs = _pairs(tables, block_on, argument)
    if len(set(pairs)) < len(pairs):
        raise InvalidArgumentError(
            f"{argument}={check.shown(block_on)} names a column twice. Name each once."
        )
    try:
        for side, table in enumerate(tables):
            frames.check_columns(table, [pair[side] for pair in pairs], argument)
    except ColumnNotFoundError as error:
        if any(left != right for left, right in pairs):
            raise
        raise ColumnNotFoundError(
            f"{error}. Where the tables have different names, give a pair: {argument}=(left, right)."
        ) from None
    return pairs


def _pairs(tables: tuple[Table, Table], block_on: object, argument: str) -> list[tuple[str, str]]:
    if isinstance(block_on, tuple) and len(block_on) == 2 and not all(map(_is_pair, block_on)):
        shared = all(
            isinstance(name, str) and all(name in table.columns for table in tables) for name in block_on
        )
        if not shared:
            left, right = (key_columns.listed(side, argument) for side in block_on)
            if len(left) != len(right):
                raise InvalidArgumentError(
                    f"{argument}={check.shown(block_on)} "
                    f"has {len(left)} left and {len(right)} right columns. {FORMS}"
                )
            return list(zip(left, right, strict=True))
    if not isinstance(block_on, (list, tuple)):
        return [(name, name) for name in key_columns.listed(block_on, argument)]
    for entry in block_on:
        if not (isinstance(entry, str) or _is_pair(entry)):
            raise InvalidArgumentError(
                f"{argument}={check.shown(block_on)}: {check.shown(entry)} "
                f"is neither a name nor a pair. {FORMS}"
            )
    return [(entry, entry) if isinstance(entry, str) else entry for entry in block_on]


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(name, str) for name in value)


@stage("blocks")
def number(tables: tuple[Table, Table], block_on: BlockColumns) -> Blocks:
    """The block of each row of both tables.

    Texts are compared without differences of case, white space and Unicode form (`normalize.folded`), numbers
    as numbers: 1 equals 1.0. A column without a shared value is logged as a warning.

    Raises:
        ColumnNotFoundError: A name is not a column.
        InvalidArgumentError: Two columns can never be equal, or `block_on` has none of its forms.

    Example:
        >>> import pandas as pd
        >>> left = frames.wrap(pd.DataFrame({"state": ["OH", "pa "]}), "left")
        >>> right = frames.wrap(pd.DataFrame({"state": ["PA", None]}), "right")
        >>> blocks = number((left, right), "state")
        >>> blocks.left.tolist(), blocks.right.tolist()
        ([0, 1], [1, -1])
    """
    if block_on is None:
        return Blocks()
    left, right = tables
    pairs = column_pairs(tables, block_on)
    codes = [key_columns.column_codes(left, right, names, fold=True) for names in pairs]
    warnings = [warning(tables, *column) for column in zip(pairs, codes, strict=True)]
    combined = factorize.combine([np.concatenate(column) for column in codes])
    return Blocks(combined[: left.n_rows], combined[left.n_rows :], tuple(filter(None, warnings)))


@stage("blocks")
def number_one(table: Table, block_on: object) -> Integers | None:
    """The block of each row of one table, (n_rows,) int64, -1 where a value is null; None without blocks."""
    if block_on is None:
        return None
    names = key_columns.of_one(table, block_on, argument="block_on")
    empty = table.rows(np.empty(0, dtype=np.int64))
    return factorize.combine(
        [key_columns.column_codes(table, empty, (name, name), fold=True)[0] for name in names]
    )


def warning(
    tables: tuple[Table, Table], names: tuple[str, str], codes: tuple[Integers, Integers]
) -> str | None:
    """Log and return a warning if a pair of block columns, with its codes, has no shared value.

    None if there is a shared value, or a table has no rows.
    """
    if not len(codes[0]) or not len(codes[1]):
        return None
    if len(np.setdiff1d(np.intersect1d(codes[0], codes[1]), [-1])):
        return None
    sides = []
    for table, name, code_of_row in zip(tables, names, codes, strict=True):
        code, first = np.unique(code_of_row, return_index=True)
        examples = table.rows(np.sort(first[code >= 0])[:SHOWN])
        shown = ", ".join(map(repr, frames.column(examples, name).tolist())) or "nothing but nulls"
        sides.append(f"{table.name} column {name!r} has {shown}")
    text = (
        f"block_on: no value is in both tables, so that no rows are compared: {'; '.join(sides)}. Write the "
        "values of both tables in the same way, or block on other columns."
    )
    logger.warning("%s", text)
    return text


def folded_cells(table: Table, name: str) -> list[Hashable]:
    """The values of a block column as they are compared, None for null and blank texts."""
    cells = frames.column(table, name)
    is_text = np.fromiter((isinstance(cell, str) for cell in cells), dtype=bool, count=len(cells))
    texts = normalize.folded(cells[is_text])
    texts[texts == ""] = None
    cells[is_text] = texts
    return list(cells.tolist())
