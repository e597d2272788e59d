"""Which columns hold pictures, and what is kept of the pictures of records: their vectors, not they."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.estimators.row_reader import REFERENCE
from linktransformer.tables import frames
from linktransformer.tables.columns import emptied
from linktransformer.tables.frames import Table

__all__ = ["PictureColumns", "Pictures", "column_pair", "without_pictures"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PictureColumns:
    """Columns of queries and of the reference: their pictures, and how sure an OCR engine was of texts."""

    images: tuple[str, str]
    confidence: tuple[str, str] | None = None

    def check(self, table: Table, side: int) -> None:
        """Raise ColumnNotFoundError where a table of that side lacks one."""
        frames.check_columns(table, [self.images[side]], "images")
        if self.confidence is not None:
            frames.check_columns(table, [self.confidence[side]], "confidence")


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """What is kept of the pictures of records.

    Args:
        columns: The columns.
        identity: Text and key of the pictures of each record: equal for one record, (n_records,) object.
        has_picture: Which records have a usable picture, (n_records,) bool.
        lines: By view, slope and level of its similarity over that of the fused vectors.
    """

    columns: PictureColumns
    identity: NDArray[np.object_]
    has_picture: Bools
    lines: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def some(self, records: Integers) -> Pictures:
        """Those of some records, in that order."""
        return replace(self, identity=self.identity[records], has_picture=self.has_picture[records])

    def with_more(self, other: Pictures) -> Pictures:
        """These records, then the others."""
        identity = np.concatenate([self.identity, other.identity])
        return replace(
            self, identity=identity, has_picture=np.concatenate([self.has_picture, other.has_picture])
        )


def column_pair(names: object, argument: str) -> tuple[str, str]:
    """The names of a column of queries and of the reference, from one name or a pair."""
    pair = (names, names) if isinstance(names, str) else names
    if isinstance(pair, (tuple, list)) and len(pair) == 2 and all(isinstance(name, str) for name in pair):
        return str(pair[0]), str(pair[1])
    raise InvalidArgumentError(
        f"{argument}={names!r} names no columns. Give one of both tables, or a pair (of the rows that "
        "are asked, of the reference)."
    )


def without_pictures(table: Table, pictures: Pictures | None) -> Table:
    """Empty the column of pictures where the pictures themselves are in the table; names of files stay."""
    if pictures is None:
        return table
    name = pictures.columns.images[REFERENCE]
    cells = frames.column(table, name).tolist()
    if all(cell is None or isinstance(cell, str) for cell in cells):
        return table
    logger.info("the pictures of column %r are not saved: their vectors are", name)
    return frames.wrap(emptied(table.frame, name), table.name)
