"""The pictures of rows, by the number of the row and of the column: no path comes from a request."""

from __future__ import annotations

import io
from importlib import import_module

import numpy as np

from linktransformer.review.pairs import Pairs
from linktransformer.tables import frames
from linktransformer.tables.picture_records import picture_columns

__all__ = ["columns_of", "has_picture", "png"]

SHORTEST = 1600  # pixels of a picture's short side that are sent: a page can be read


def columns_of(pairs: Pairs, linked_by: object, more: object) -> tuple[tuple[str, str], ...]:
    """The columns with pictures, left and right: those that rows were linked by, then the caller's."""
    named = [linked_by, *(more if isinstance(more, list) else [more])]
    pairs_of_names = [
        picture_columns(tuple(names) if isinstance(names, list) else names, pairs.tables, "pictures")
        for names in named
        if names
    ]
    return tuple(dict.fromkeys(pairs_of_names))


def has_picture(pairs: Pairs, columns: tuple[tuple[str, str], ...], side: int, row: int, place: int) -> bool:
    """Whether the cell of a row names or holds a picture."""
    return _source(pairs, columns, side, row, place) is not None


def png(pairs: Pairs, columns: tuple[tuple[str, str], ...], side: int, row: int, place: int) -> bytes | None:
    """A picture as a PNG file, None where there is none or it cannot be read.

    A picture that can no longer be read is shown as it was read for linking, which is smaller.
    """
    from clippings.pictures.read import read_pictures

    source = _source(pairs, columns, side, row, place)
    if source is None:
        return None
    (picture,) = read_pictures([source], colour=True, shortest=SHORTEST)
    pixels = picture.pixels
    if pixels is None and place == 0 and pairs.pictures is not None:
        pixels = pairs.pictures[side][row].pixels
    if pixels is None:
        return None
    stream = io.BytesIO()
    import_module("PIL.Image").fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _source(
    pairs: Pairs, columns: tuple[tuple[str, str], ...], side: int, row: int, place: int
) -> object | None:
    """The cell with the picture, or the first of those that it lists."""
    if not (side in (0, 1) and 0 <= row < pairs.tables[side].n_rows and 0 <= place < len(columns)):
        return None
    table = pairs.tables[side].rows(np.array([row]))
    cell: object = frames.column(table, columns[place][side])[0]
    listed = cell.tolist() if isinstance(cell, np.ndarray) and cell.dtype == object else cell
    if isinstance(listed, (list, tuple)):
        cell = listed[0] if listed else None
    return None if isinstance(cell, str) and not cell.strip() else cell
