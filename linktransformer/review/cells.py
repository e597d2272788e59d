"""Cells of rows as they are shown: texts, their differences marked, long ones folded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.tables import frames
from linktransformer.tables.frames import Table
from linktransformer.tables.key_columns import paired
from linktransformer.tables.normalize import folded

__all__ = ["Cell", "Compared", "columns_beside", "compared", "short", "texts"]

WORDS = 400  # of a cell that are compared; the rest is shown unmarked
FOLD = 280  # characters of a cell that is shown without folding
SHORT = 100  # characters of a cell of a table

Part = tuple[str, bool]  # a text, and whether it is marked


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its parts in order, and those that are shown while it is folded, () where all are shown."""

    parts: tuple[Part, ...]
    folded: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """The cells of two rows in a column of each.

    Args:
        name: The column, or "left / right".
        cells: The left and the right cell.
        is_key: Whether it is a key column.
        equal: Whether both are there and equal but for case, white space and Unicode form.
    """

    name: str
    cells: tuple[Cell, Cell]
    is_key: bool
    equal: bool


def columns_beside(
    tables: tuple[Table, Table], on: tuple[list[str], list[str]]
) -> list[tuple[str | None, str | None, bool]]:
    """The columns to show beside each other: key columns, other shared ones, those of one table only."""
    keys = paired(*on)
    left = [name for name in tables[0].columns if name not in {one for one, _ in keys}]
    right = [name for name in tables[1].columns if name not in {other for _, other in keys}]
    shared = [name for name in left if name in right]
    return [
        *((one, other, True) for one, other in keys),
        *((name, name, False) for name in shared),
        *((name, None, False) for name in left if name not in shared),
        *((None, name, False) for name in right if name not in shared),
    ]


def texts(table: Table, name: str | None, rows: Integers) -> list[str]:
    """The cells of some rows in a column as text, "" for null and for no column; no bytes, no arrays."""
    if name is None:
        return [""] * len(rows)
    return [_text(value) for value in frames.column(table.rows(rows), name).tolist()]


def _text(value: object) -> str:
    """A Python value, None for null, as text."""
    if value is None:
        return ""
    if isinstance(value, (bytes, bytearray)):
        return f"({len(value)} bytes)"
    is_plain = isinstance(value, (str, int, float, np.generic)) or hasattr(value, "isoformat")
    return str(value) if is_plain else f"({type(value).__name__})"


def short(text: str) -> str:
    """A text in one line of a table."""
    flat = " ".join(text.split())
    return flat if len(flat) <= SHORT else flat[: SHORT - 1] + "…"


def compared(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    rows: tuple[int, int],
    without: tuple[set[str], set[str]] = (set(), set()),
) -> list[Compared]:
    """The cells of two rows, column by column, with what differs marked; not those columns in `without`."""
    lines = []
    for one, other, is_key in columns_beside(tables, on):
        if not is_key and (one in without[0] or other in without[1]):
            continue
        cells = [
            texts(table, name, np.array([row]))[0]
            for table, name, row in zip(tables, (one, other), rows, strict=True)
        ]
        if not any(cells) and not is_key:
            continue
        beside = one is not None and other is not None and all(cells)
        parts = _differences(cells[0], cells[1]) if beside else ([(cells[0], False)], [(cells[1], False)])
        one_text, other_text = folded(cells).tolist()
        equal = beside and one_text == other_text
        name = one if one == other or other is None else other if one is None else f"{one} / {other}"
        lines.append(Compared(str(name), (_folded(parts[0]), _folded(parts[1])), is_key, equal))
    return lines


def _differences(left: str, right: str) -> tuple[list[Part], list[Part]]:
    """The parts of two texts, those marked that the other one lacks; case makes no difference."""
    by_character = not any(map(str.isspace, left.strip() + right.strip()))
    sides = [_tokens(text, by_character) for text in (left, right)]
    rests = [side[WORDS:] for side in sides]
    sides = [side[:WORDS] for side in sides]
    # white space, which is folded away, stays a token
    plain = [[text or " " for text in folded(side).tolist()] for side in sides]
    matcher = SequenceMatcher(None, plain[0], plain[1], autojunk=False)
    parts: tuple[list[Part], list[Part]] = ([], [])
    for kind, a, b, c, d in matcher.get_opcodes():
        for part, tokens in zip(parts, (sides[0][a:b], sides[1][c:d]), strict=True):
            if tokens:
                text = "".join(tokens)
                part.append((text, kind != "equal" and not text.isspace()))
    for part, rest in zip(parts, rests, strict=True):
        if rest:
            part.append(("".join(rest), False))
    return parts


def _tokens(text: str, by_character: bool) -> list[str]:
    return list(text) if by_character else re.findall(r"\s+|\w+|[^\w\s]", text)


def _folded(parts: Sequence[Part]) -> Cell:
    """A cell, with its first characters for while it is folded."""
    if sum(len(text) for text, _ in parts) <= FOLD:
        return Cell(tuple(parts))
    first, left = [], FOLD * 2 // 3
    for text, marked in parts:
        first.append((text[:left], marked))
        left -= len(text)
        if left <= 0:
            break
    return Cell(tuple(parts), tuple(first))
