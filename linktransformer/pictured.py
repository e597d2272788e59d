"""Rows that have a picture beside their text: read, embedded, and scored by what each of the two says."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import edit, factorize, frames, lexical, progress, records
from linktransformer.blocking import Nodes
from linktransformer.errors import InvalidArgumentError, ModelError
from linktransformer.frames import Table
from linktransformer.records import Records
from linktransformer.search import Candidates
from linktransformer.serialize import Serializer
from linktransformer.views import Views

__all__ = [
    "EDIT",
    "Units",
    "columns_of",
    "read",
    "spread_of_edit",
    "views_of",
    "views_of_one",
    "with_edit",
    "without_gaps",
]

logger = logging.getLogger(__name__)
EDIT = "edit"
SHORTEST = 64  # pixels of a picture's short side that are kept: more than any model reads
OF_TEXT, OF_PICTURE = ("lexical", "text", EDIT), ("image",)
SAMPLE = 20_000

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What the rows of a table say and show: each different pair of text and picture once.

    Args:
        records: The text of each unit, "" for none, and the unit of each row, -1 for a row with neither.
        pictures: The picture of each unit, None for none, (n_units,).
        picture_of_row: The picture of each row as it was read, usable or not, (n_rows,).
        problems: How many rows have no usable picture, by reason.
    """

    records: Records
    pictures: tuple[Any, ...]
    picture_of_row: tuple[Any, ...]
    problems: Mapping[str, int]

    @property
    def has_text(self) -> Truths:
        """Which units have a text."""
        return np.array([bool(text) for text in self.records.texts.tolist()], dtype=bool)

    @property
    def has_picture(self) -> Truths:
        """Which units have a picture."""
        return np.array([picture is not None for picture in self.pictures], dtype=bool)


def columns_of(images: Any, tables: tuple[Table, Table]) -> tuple[str, str]:
    """The columns of pictures.

    Args:
        images: A column of both tables, or a pair (left, right).
        tables: The tables.

    Returns:
        One name for each table.

    Raises:
        InvalidArgumentError: It is neither.
        ColumnNotFoundError: A name is no column.
    """
    names = (images, images) if isinstance(images, str) else images
    fine = isinstance(names, (tuple, list)) and len(names) == 2 and all(isinstance(n, str) for n in names)
    if not fine:
        raise InvalidArgumentError(
            f"images={images!r} names no pictures. Give a column of both tables, or a pair such as "
            "('left_crop', 'right_crop')."
        )
    for name, table in zip(names, tables, strict=True):
        frames.check_columns(table, [name], "images")
    return str(names[0]), str(names[1])


def read(table: Table, on: Sequence[str], column: str, serializer: Serializer, show: bool | None) -> Units:
    """Read texts and pictures.

    Args:
        table: The table.
        on: Columns of the text, none for rows that have pictures only.
        column: The column of the pictures: paths, members of zip archives ("book.zip/crop.png"), bytes, PIL
            images or arrays.
        serializer: How a row becomes text.
        show: As for `progress.bar`.

    Returns:
        The units, in an order that depends on what they say and show only.

    Raises:
        MissingExtraError: Pillow is not installed.
    """
    from clippings import MissingPackageError
    from clippings.pictures import count_problems, read_pictures
    from linktransformer.errors import MissingExtraError

    found = records.read(table, on, serializer) if on else None
    sources = frames.column(table, column).tolist()
    try:
        with progress.bar(len(sources), "pictures", show) as tick:
            pictures = read_pictures(sources, shortest=SHORTEST, progress=tick)
    except MissingPackageError as error:
        raise MissingExtraError(str(error)) from error
    text = np.full(table.n_rows, -1, dtype=np.int64) if found is None else found.text_of_row
    texts = np.append(np.empty(0, dtype=object) if found is None else found.texts, "")  # -1 is the last
    usable = [picture.problem is None for picture in pictures]
    keys = [picture.key if fine else "" for picture, fine in zip(pictures, usable, strict=True)]
    pairs = list(zip(texts[text].tolist(), keys, strict=True))
    different = sorted(set(pairs) - {("", "")})
    number = {pair: place for place, pair in enumerate(different)} | {("", ""): -1}
    unit = np.array([number[pair] for pair in pairs], dtype=np.int64)
    by_key = {key: picture for key, picture in zip(keys, pictures, strict=True) if key}
    said = np.fromiter((pair[0] for pair in different), dtype=object, count=len(different))
    problems = count_problems(pictures)
    if problems:
        logger.info("the %s table has rows without a usable picture: %s", table.name, problems)
    return Units(
        Records(said, unit, 0 if found is None else found.n_cut, tuple(on)),
        tuple(by_key.get(pair[1]) for pair in different),
        tuple(pictures),
        problems,
    )


def views_of(
    units: tuple[Units, Units], encoder: Any, *, batch_size: int | None = None, show: bool | None = None
) -> Views:
    """Make the views of two tables with pictures.

    Args:
        units: Of the left and of the right table.
        encoder: With `encode_records`, or None for n-grams of the texts alone.
        batch_size: For the encoder.
        show: As for `progress.bar`.

    Returns:
        "fused", "image" and "text", as the encoder has them, and "lexical". A unit that has no text or no
        picture has a row of zeros there.
    """
    matrices: dict[str, tuple[Any, Any]] = {}
    if encoder is not None:
        vectors = [_encoded(encoder, side, batch_size, show) for side in units]
        for name in ("fused", "image", "text"):
            matrices[name] = (getattr(vectors[0], name), getattr(vectors[1], name))
    sides = [factorize.factorize(side.records.texts.tolist()) for side in units]
    view = lexical.fit(sides[0][0], sides[1][0])
    matrices["lexical"] = (view.left[sides[0][1]], view.right[sides[1][1]])
    return Views(matrices)


def views_of_one(
    units: Units, encoder: Any, *, batch_size: int | None = None, show: bool | None = None
) -> Views:
    """As `views_of`, for a table that is compared with itself.

    Args:
        units: Of the table.
        encoder: As for `views_of`.
        batch_size: Likewise.
        show: Likewise.

    Returns:
        Views whose left and right matrices are one.
    """
    matrices: dict[str, Any] = {}
    if encoder is not None:
        vectors = _encoded(encoder, units, batch_size, show)
        matrices = {name: getattr(vectors, name) for name in ("fused", "image", "text")}
    texts, place = factorize.factorize(units.records.texts.tolist())
    matrices["lexical"] = lexical.fit(texts, []).left[place]
    return Views({name: (matrix, matrix) for name, matrix in matrices.items()})


def _encoded(encoder: Any, units: Units, batch_size: int | None, show: bool | None) -> Any:
    from clippings import EncoderError

    texts = [text or None for text in units.records.texts.tolist()]
    with progress.bar(len(texts), "encode", show) as tick:
        try:
            return encoder.encode_records(texts, list(units.pictures), batch_size=batch_size, progress=tick)
        except EncoderError as error:
            raise ModelError(str(error)) from error


def with_edit(found: Candidates, nodes: tuple[Nodes, Nodes], units: tuple[Units, Units]) -> Candidates:
    """Add the likeness of the two texts by edit distance, for what an OCR engine read.

    Args:
        found: The candidates.
        nodes: Of both tables.
        units: Of both tables.

    Returns:
        The same with the view "edit": 1 - distance / length of the longer text, of texts without spaces and
        capitals.
    """
    sides = [factorize.factorize([_plain(text) for text in side.records.texts.tolist()]) for side in units]
    a, b = (
        side[1][node.text[place]]
        for side, node, place in zip(sides, nodes, (found.left, found.right), strict=True)
    )
    likeness = edit.edit_similarity(sides[0][0], sides[1][0], a, b)
    return replace(found, views={**found.views, EDIT: likeness.astype(np.float32)})


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def without_gaps(found: Candidates, nodes: tuple[Nodes, Nodes], units: tuple[Units, Units]) -> Candidates:
    """Say what a view that has nothing to go by would be expected to say.

    A pair one of whose rows has no picture has a cosine of 0 in the view of pictures, which is no evidence
    against it. It is given what pairs with both have there on average, at its cosine of the fused vectors.

    Args:
        found: The candidates with their views.
        nodes: Of both tables.
        units: Of both tables.

    Returns:
        The same, with no view that holds missing evidence against a pair.
    """
    by = found.views.get("fused")
    if by is None or not len(found):
        return found
    known: dict[str, Truths] = {}
    for kind, names in (("has_text", OF_TEXT), ("has_picture", OF_PICTURE)):
        sides = [getattr(side, kind)[node.text] for side, node in zip(units, nodes, strict=True)]
        both = sides[0][found.left] & sides[1][found.right]
        known |= dict.fromkeys(names, both)
    views = dict(found.views)
    for name, score in found.views.items():
        there = known.get(name)
        if there is not None and there.any() and not there.all():
            slope, level = _line(by[there], score[there])
            views[name] = np.where(there, score, np.clip(level + slope * by, -1, 1)).astype(np.float32)
    return replace(found, views=views)


def _line(x: Floats, y: Floats) -> tuple[np.float32, np.float32]:
    """The least-squares line through points; flat where they have one x."""
    spread = float(x.var())
    slope = float(((x - x.mean()) * (y - y.mean())).mean()) / spread if spread > 1e-12 else 0.0
    return np.float32(slope), np.float32(float(y.mean()) - slope * float(x.mean()))


def spread_of_edit(nodes: tuple[Nodes, Nodes], units: tuple[Units, Units], *, seed: int = 0) -> float:
    """The standard deviation of the likeness by edit distance over all pairs, from a random sample.

    Args:
        nodes: Of both tables, at least one each.
        units: Of both tables; their order does not depend on that of the rows.
        seed: Of the sample.

    Returns:
        One number, as `views.spread` has it for the other views.
    """
    draw = np.random.default_rng(seed)
    a, b = (np.sort(side.text)[draw.integers(0, len(side), SAMPLE)] for side in nodes)
    texts = [[_plain(text) for text in side.records.texts.tolist()] for side in units]
    return float(edit.edit_similarity(texts[0], texts[1], a, b).std())
