"""The unique pairs of text and pictures of a table's rows."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from linktransformer import check, progress
from linktransformer.arrays import Bools, Doubles, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames, records
from linktransformer.tables.frames import Table
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer

if TYPE_CHECKING:
    from clippings.pictures.read import Picture

__all__ = ["Units", "check_root", "confidence_of", "one_a_row", "picture_columns", "read_units"]

logger = logging.getLogger(__name__)
SHORTEST = 64  # pixels of the short side of a line of print that are kept: more than any model reads


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What the rows of a table say and show: each unique pair of text and pictures (a unit) once.

    Args:
        records: The text of each unit, "" for none, and the unit of each row, -1 for a row with neither.
        pictures: The pictures of each unit, none, one or several, (n_units,).
        picture_of_row: The first usable picture of each row, else its first one, (n_rows,).
        problems: How many rows have no usable picture, by reason.
        confidence: OCR confidence of each unit's text, 0 to 1, NaN where not known, (n_units,) float64.
        keys: A hash of the pictures of each unit, "" for none, (n_units,).
        warning: That most pictures cannot be read, "" where they can.
    """

    records: Records
    pictures: tuple[tuple[Picture, ...], ...]
    picture_of_row: tuple[Picture, ...]
    problems: Mapping[str, int]
    confidence: Doubles
    keys: tuple[str, ...] = ()
    warning: str = ""

    @property
    def has_text(self) -> Bools:
        """Which units have a text."""
        return np.asarray(self.records.texts != "", dtype=bool)

    @property
    def has_picture(self) -> Bools:
        """Which units have a picture."""
        return np.array([bool(pictures) for pictures in self.pictures], dtype=bool)


def picture_columns(
    columns: object, tables: tuple[Table, Table], argument: str = "images"
) -> tuple[str, str]:
    """The column of pictures (or of another `argument`) of each table, from one name or a pair (left, right).

    Raises:
        InvalidArgumentError: It is neither.
        ColumnNotFoundError: A name is not a column.
    """
    names = (columns, columns) if isinstance(columns, str) else columns
    pair = isinstance(names, (tuple, list)) and len(names) == 2
    if not (isinstance(names, (tuple, list)) and pair and all(isinstance(name, str) for name in names)):
        raise InvalidArgumentError(
            f"{argument}={check.shown(columns)} names no columns. Give one of both tables, or a pair such as "
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
    root: str | os.PathLike[str] | None = None,
    *,
    strict: bool = True,
    photo_side: int = 0,
) -> Units:
    """Read texts and pictures; the order of the units depends on their content only.

    Args:
        table: The table.
        on: Columns of the text, none for rows that have pictures only.
        column: The column of the pictures: paths, members of zip archives ("book.zip/crop.png"), bytes, PIL
            images, arrays or structs of bytes and path; a cell may be a list of several pictures of one
            thing.
        serializer: How a row becomes text.
        confidence: The column of the OCR confidence of the text, None for none.
        root: The folder of relative paths; None is the current one.
        strict: Refuse a column of which no picture can be read; else that is a warning too.
        photo_side: Keep pictures in colour, with a short side of so many pixels, as JPEG; 0: in grey, with a
            short side of 64.

    Raises:
        MissingExtraError: Pillow is not installed.
        InvalidArgumentError: No picture of a column that names some can be read.
        InvalidArgumentError: A confidence is not between 0 and 1.
    """
    from clippings import MissingPackageError
    from clippings.pictures.read import count_problems, read_pictures
    from linktransformer.errors import MissingExtraError

    text_records = records.read(table, on, serializer) if on else None
    cells = [_listed(cell) for cell in frames.column(table, column).tolist()]
    sources = [source for cell in cells for source in cell]
    try:
        with progress.stage("pictures", len(sources)) as tick:
            flat = iter(
                read_pictures(
                    sources, colour=photo_side > 0, shortest=photo_side or SHORTEST, stored=photo_side > 0,
                    root=check_root(root), progress=tick,
                )
            )  # fmt: skip
    except MissingPackageError as error:
        raise MissingExtraError(str(error)) from error
    pictures = [tuple(islice(flat, len(cell))) for cell in cells]
    usable = [tuple(picture for picture in row if picture.problem is None) for row in pictures]
    first = tuple((row_usable or row)[0] for row_usable, row in zip(usable, pictures, strict=True))
    if text_records is None:
        nothing = np.full(table.n_rows, -1, dtype=np.int64)
        text_records = Records(np.empty(0, dtype=object), nothing, 0, ())
    texts = np.append(text_records.texts, "")[text_records.text_of_row]  # -1 takes the last
    keys = [" ".join(sorted({picture.key for picture in row})) for row in usable]
    pairs = list(zip(texts.tolist(), keys, strict=True))
    unique = sorted(set(pairs) - {("", "")})
    number = {pair: place for place, pair in enumerate(unique)} | {("", ""): -1}
    unit = np.array([number[pair] for pair in pairs], dtype=np.int64)
    by_key = {"": (), **{key: row for key, row in zip(keys, usable, strict=True) if key}}
    unit_texts = np.fromiter((text for text, _ in unique), dtype=object, count=len(unique))
    problems = count_problems(first)
    if problems:
        logger.info("the %s table has rows without a usable picture: %s", table.name, problems)
    warning = _unreadable(f"{column!r} of the {table.name} table", cells, first, root)
    if strict and warning and not any(usable):
        raise InvalidArgumentError(f"{warning} Correct the column, or leave out images=.")
    return Units(
        Records(unit_texts, unit, text_records.n_cut, tuple(on)),
        tuple(by_key[key] for _, key in unique),
        first,
        problems,
        _of_units(confidence_of(table, confidence), unit, len(unique)),
        tuple(key for _, key in unique),
        warning,
    )


def check_root(root: object) -> str | None:
    """The folder of relative paths.

    Raises:
        InvalidArgumentError: It is not a folder.
    """
    if root is None:
        return None
    if not isinstance(root, (str, os.PathLike)) or not Path(root).is_dir():
        raise InvalidArgumentError(f"image_root={root!r} is not a folder. Give the folder of relative paths.")
    return os.fspath(root)


def _unreadable(
    where: str,
    cells: Sequence[Sequence[object]],
    first: Sequence[Picture],
    root: str | os.PathLike[str] | None,
) -> str:
    """A warning where most pictures that are named cannot be read."""
    named = [row for row, picture in enumerate(first) if picture.problem != "missing"]
    bad = [row for row in named if first[row].problem is not None]
    if 2 * len(bad) <= len(named):
        return ""
    from clippings.pictures.sources import PROBLEMS

    problem = first[bad[0]].problem or "damaged"
    folder = f" in {os.fspath(root)!r}" if root is not None else ""
    text = (
        f"{len(bad):,} of {len(named):,} pictures in column {where} cannot be read. The first is "
        f"{_shown(cells[bad[0]])}{folder}: {problem} ({PROBLEMS[problem]})."
    )
    if problem == "not found":
        text += " image_root= is the folder of relative paths."
    return text


def _shown(sources: Sequence[object]) -> str:
    """The first picture of a cell for a message: its path, or what it is."""
    source = sources[0]
    if isinstance(source, dict):
        source = source.get("path") or source.get("bytes")
    if isinstance(source, (str, os.PathLike)):
        return repr(os.fspath(source))
    return f"of the type {type(source).__name__}"


def _listed(cell: object) -> list[object]:
    """The pictures of a cell: one, or those of a list that is not a picture itself."""
    if isinstance(cell, np.ndarray) and cell.dtype == object:
        cell = cell.tolist()
    if not isinstance(cell, (list, tuple)):
        return [cell]
    array = _array_of(cell)
    return list(cell) or [None] if array is None else [array]


def _array_of(cell: Sequence[object]) -> NDArray[np.generic] | None:
    """The array of rows of numbers, as columns of nested lists have it; None for other lists."""
    rows = [row.tolist() if isinstance(row, np.ndarray) and row.dtype == object else row for row in cell]
    if not rows or not all(isinstance(row, (list, tuple)) or getattr(row, "ndim", 0) == 1 for row in rows):
        return None
    try:
        array = np.array(rows)
    except ValueError:  # rows of several lengths
        return None
    return array if array.dtype.kind in "buif" and array.ndim in (2, 3) else None


def one_a_row(units: Units, confidence: Doubles) -> Units:
    """One unit for each row that has one, in row order, so that rows do not share a confidence.

    `confidence` is that of each row, from `confidence_of`.
    """
    unit_of_row = units.records.text_of_row
    rows = np.flatnonzero(unit_of_row >= 0)
    number = np.full(len(unit_of_row), -1, dtype=np.int64)
    number[rows] = np.arange(len(rows))
    unit = unit_of_row[rows].tolist()
    return replace(
        units,
        records=replace(units.records, texts=units.records.texts[unit_of_row[rows]], text_of_row=number),
        pictures=tuple(units.pictures[place] for place in unit),
        confidence=confidence[rows],
        keys=tuple(units.keys[place] for place in unit),
    )


def confidence_of(table: Table, column: str | None) -> Doubles:
    """The OCR confidence of each row, (n_rows,) float64, NaN for null or without a column.

    Raises:
        InvalidArgumentError: A value is not between 0 and 1.
    """
    if column is None:
        return np.full(table.n_rows, np.nan)
    values = frames.column(table, column).tolist()
    try:
        confidences = np.array([np.nan if value is None else float(value) for value in values])
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"confidence={column!r} holds something that is not a number: {error}"
        ) from None
    invalid = confidences[(confidences < 0) | (confidences > 1)]
    if len(invalid):
        raise InvalidArgumentError(
            f"confidence={column!r} holds {invalid[0]:g}. Give numbers from 0 to 1; divide percentages by "
            "100."
        )
    return confidences


def _of_units(of_row: Doubles, unit: Integers, n: int) -> Doubles:
    """The mean confidence of the rows of each of n units, NaN where none is known."""
    is_known = (unit >= 0) & np.isfinite(of_row)
    total = np.bincount(unit[is_known], of_row[is_known], minlength=n)
    count = np.bincount(unit[is_known], minlength=n)
    return np.where(count > 0, total / np.maximum(1, count), np.nan)
