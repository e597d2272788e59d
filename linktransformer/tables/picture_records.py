"""What rows say and show: each different pair of text and pictures once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Bools, Doubles, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames, records
from linktransformer.tables.frames import Table
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer

__all__ = ["Units", "confidence_of", "one_a_row", "picture_columns", "read_units"]

logger = logging.getLogger(__name__)
SHORTEST = 64  # pixels of a picture's short side that are kept: more than any model reads


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What the rows of a table say and show: each different pair of text and picture once.

    Args:
        records: The text of each unit, "" for none, and the unit of each row, -1 for a row with neither.
        pictures: The pictures of each unit, none, one or several, (n_units,).
        picture_of_row: The first usable picture of each row, else the first one that it has, (n_rows,).
        problems: How many rows have no usable picture, by reason.
        confidence: How sure an OCR engine was of the text of each unit, 0 to 1, NaN where it is not known,
            (n_units,) float64.
        keys: What the pictures of each unit show, "" for none, (n_units,).
    """

    records: Records
    pictures: tuple[tuple[Any, ...], ...]
    picture_of_row: tuple[Any, ...]
    problems: Mapping[str, int]
    confidence: Doubles
    keys: tuple[str, ...] = ()

    @property
    def has_text(self) -> Bools:
        """Which units have a text."""
        return np.array([bool(text) for text in self.records.texts.tolist()], dtype=bool)

    @property
    def has_picture(self) -> Bools:
        """Which units have a picture."""
        return np.array([bool(pictures) for pictures in self.pictures], dtype=bool)


def picture_columns(given: Any, tables: tuple[Table, Table], argument: str = "images") -> tuple[str, str]:
    """The columns of pictures, or of what belongs to them.

    Args:
        given: A column of both tables, or a pair (left, right).
        tables: The tables.
        argument: In which argument.

    Returns:
        One name for each table.

    Raises:
        InvalidArgumentError: It is neither.
        ColumnNotFoundError: A name is no column.
    """
    names = (given, given) if isinstance(given, str) else given
    fine = isinstance(names, (tuple, list)) and len(names) == 2 and all(isinstance(n, str) for n in names)
    if not fine:
        raise InvalidArgumentError(
            f"{argument}={given!r} names no columns. Give one of both tables, or a pair such as "
            "('left_crop', 'right_crop')."
        )
    for name, table in zip(names, tables, strict=True):
        frames.check_columns(table, [name], argument)
    return str(names[0]), str(names[1])


def read_units(
    table: Table,
    on: Sequence[str],
    column: str,
    serializer: Serializer,
    confidence: str | None = None,
) -> Units:
    """Read texts and pictures.

    Args:
        table: The table.
        on: Columns of the text, none for rows that have pictures only.
        column: The column of the pictures: paths, members of zip archives ("book.zip/crop.png"), bytes, PIL
            images or arrays; a cell may be a list of several pictures of one thing.
        serializer: How a row becomes text.
        confidence: The column that says how sure an OCR engine was of the text, None for none.

    Returns:
        The units, in an order that depends on what they say and show only.

    Raises:
        MissingExtraError: Pillow is not installed.
        InvalidArgumentError: A confidence is not between 0 and 1.
    """
    from clippings import MissingPackageError
    from clippings.pictures.read import count_problems, read_pictures
    from linktransformer.errors import MissingExtraError

    found = records.read(table, on, serializer) if on else None
    cells = [_listed(cell) for cell in frames.column(table, column).tolist()]
    sources = [source for cell in cells for source in cell]
    try:
        with progress.stage("pictures", len(sources)) as tick:
            flat = iter(read_pictures(sources, shortest=SHORTEST, progress=tick))
    except MissingPackageError as error:
        raise MissingExtraError(str(error)) from error
    every = [list(islice(flat, len(cell))) for cell in cells]
    usable = [tuple(one for one in row if one.problem is None) for row in every]
    first = tuple((of or tuple(row))[0] for of, row in zip(usable, every, strict=True))
    text = np.full(table.n_rows, -1, dtype=np.int64) if found is None else found.text_of_row
    texts = np.append(np.empty(0, dtype=object) if found is None else found.texts, "")  # -1 is the last
    keys = [" ".join(sorted({picture.key for picture in row})) for row in usable]
    pairs = list(zip(texts[text].tolist(), keys, strict=True))
    different = sorted(set(pairs) - {("", "")})
    number = {pair: place for place, pair in enumerate(different)} | {("", ""): -1}
    unit = np.array([number[pair] for pair in pairs], dtype=np.int64)
    by_key = {"": (), **{key: row for key, row in zip(keys, usable, strict=True) if key}}
    said = np.fromiter((pair[0] for pair in different), dtype=object, count=len(different))
    problems = count_problems(first)
    if problems:
        logger.info("the %s table has rows without a usable picture: %s", table.name, problems)
    return Units(
        Records(said, unit, 0 if found is None else found.n_cut, tuple(on)),
        tuple(by_key[pair[1]] for pair in different),
        first,
        problems,
        _of_units(confidence_of(table, confidence), unit, len(different)),
        tuple(key for _, key in different),
    )


def _listed(cell: Any) -> list[Any]:
    """The pictures of a cell: one, or those of a list that is no picture itself."""
    if isinstance(cell, (list, tuple)):
        return list(cell) or [None]
    if isinstance(cell, np.ndarray) and cell.dtype == object:
        return cell.tolist() or [None]
    return [cell]


def one_a_row(units: Units, confidence: Doubles) -> Units:
    """Make every row a unit of its own, so that none is sure of a text because another row is.

    Args:
        units: Of a table.
        confidence: Of each of its rows, from `confidence_of`.

    Returns:
        A unit for each row that has one, in order of rows.
    """
    of_row = units.records.text_of_row
    rows = np.flatnonzero(of_row >= 0)
    number = np.full(len(of_row), -1, dtype=np.int64)
    number[rows] = np.arange(len(rows))
    unit = of_row[rows].tolist()
    return replace(
        units,
        records=replace(units.records, texts=units.records.texts[of_row[rows]], text_of_row=number),
        pictures=tuple(units.pictures[one] for one in unit),
        confidence=confidence[rows],
        keys=tuple(units.keys[one] for one in unit),
    )


def confidence_of(table: Table, column: str | None) -> Doubles:
    """How sure the text of each row is.

    Args:
        table: The table.
        column: The column that says it, None for none.

    Returns:
        (n_rows,) float64, NaN where it is not known.

    Raises:
        InvalidArgumentError: A value is not between 0 and 1.
    """
    if column is None:
        return np.full(table.n_rows, np.nan)
    values = frames.column(table, column).tolist()
    try:
        found = np.array([np.nan if value is None else float(value) for value in values])
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"confidence={column!r} holds something that is no number: {error}"
        ) from None
    wrong = found[(found < 0) | (found > 1)]
    if len(wrong):
        raise InvalidArgumentError(
            f"confidence={column!r} holds {wrong[0]:g}. Give numbers from 0 to 1: divide percentages by 100."
        )
    return found


def _of_units(of_row: Doubles, unit: Integers, n: int) -> Doubles:
    """The mean over the rows of each unit, of those that have a value."""
    use = (unit >= 0) & np.isfinite(of_row)
    total = np.bincount(unit[use], of_row[use], minlength=n)
    count = np.bincount(unit[use], minlength=n)
    return np.where(count > 0, total / np.maximum(1, count), np.nan)
