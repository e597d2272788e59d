"""How the rows of a fitted table become texts, the same for all rows that come later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from linktransformer import progress
from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.encoding.model_plan import Plan
from linktransformer.linking.long_records import Encoding
from linktransformer.scoring import describe
from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.key_column import key_column, naming_order
from linktransformer.scoring.known_columns import Cells
from linktransformer.search import blocking
from linktransformer.search.blocking import Nodes
from linktransformer.search.matrices import Passages
from linktransformer.tables import frames, key_columns, records
from linktransformer.tables.factorize import factorize
from linktransformer.tables.frames import Table
from linktransformer.tables.normalize import folded
from linktransformer.tables.picture_records import Units, read_units
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer

__all__ = ["QUERY", "REFERENCE", "Contents", "Keys", "Pictures", "RowReader", "embedded"]

QUERY, REFERENCE = 0, 1  # sides: rows that are queried, rows of the fitted table


@dataclass(frozen=True, slots=True)
class Keys:
    """Columns that say which thing a row is.

    Args:
        reference: Key columns of the reference.
        queries: Key columns of the queries.
        blocks: Columns of both whose values must be equal.
        images: Columns of the pictures of queries and of the reference, None for rows without.
        confidence: Columns of how sure an OCR engine was of their texts, None for none.
    """

    reference: tuple[str, ...]
    queries: tuple[str, ...]
    blocks: tuple[str, ...] = ()
    images: tuple[str, str] | None = None
    confidence: tuple[str, str] | None = None

    def side(self, side: int) -> tuple[str, ...]:
        """The key columns of the queries (0) or of the reference (1)."""
        return self.reference if side == REFERENCE else self.queries

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The columns of queries and reference that are compared with each other."""
        return key_columns.paired(list(self.queries), list(self.reference))

    def check_pictures(self, table: Table, side: int) -> None:
        """Raise ColumnNotFoundError where a table of that side lacks a column of pictures."""
        for argument, pair in (("images", self.images), ("confidence", self.confidence)):
            if pair is not None:
                frames.check_columns(table, [pair[side]], argument)


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """What is kept of the pictures of records.

    Args:
        identity: Text and key of the pictures of each record: equal for one record, (n_records,) object.
        has_picture: Which records have a usable picture, (n_records,) bool.
        lines: By view, slope and level of its similarity over that of the fused vectors.
    """

    identity: NDArray[np.object_]
    has_picture: Bools
    lines: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, units: Units) -> Pictures:
        """What is kept of units."""
        texts = units.records.texts.tolist()
        identity = [f"{text}\0{key}" for text, key in zip(texts, units.keys, strict=True)]
        return cls(np.array(identity, dtype=object), units.has_picture)

    def some(self, records: Integers) -> Pictures:
        """Those of some records, in that order."""
        return replace(self, identity=self.identity[records], has_picture=self.has_picture[records])

    def with_more(self, other: Pictures) -> Pictures:
        """These records, then the others."""
        has_picture = np.concatenate([self.has_picture, other.has_picture])
        identity = np.concatenate([self.identity, other.identity])
        return replace(self, identity=identity, has_picture=has_picture)


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What is compared of records besides vectors: case-folded texts, (n,) object, and key columns."""

    texts: NDArray[np.object_]
    cells: tuple[Cells, ...]


@dataclass(frozen=True, slots=True)
class RowReader:
    """Which columns each view reads, and how.

    Args:
        keys: The key columns.
        head: The name of the view of the key column.
        column: The key column of queries and of the reference; None for the first one.
        order: Columns of queries and of the reference in the order of words and models; None as in `keys`.
        by_order: A model reads the columns in that order; else as it was trained to.
        column_alone: A model reads the key column and no other.
        serializer: How n-grams read rows, and a model of pictures.
        image_root: The folder of relative paths of pictures; None is the current one.
        photo_side: The short side at which pictures are read in colour; 0: in grey, as lines of print.
        passages: A model reads long rows whole, in passages.
    """

    keys: Keys
    head: str = "key column"
    column: tuple[str, str] | None = None
    order: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    by_order: bool = False
    column_alone: bool = False
    serializer: Serializer = field(default_factory=Serializer)
    image_root: str | None = None
    photo_side: int = 0
    passages: bool = False

    def fitted(self, plan: Plan, columns: Sequence[PairedColumn], *, same: bool = False) -> RowReader:
        """Choose the key column and the order of the others by their contents, as a merge does."""
        free, pairs = plan.reads_key_column, self.keys.pairs
        if max(len(self.keys.queries), len(self.keys.reference)) < 2:
            return replace(self, by_order=free)
        key = key_column(columns, same=same) if columns else None
        first = [pairs[place] for place in naming_order(columns, key)]
        queries, reference = (
            (*ahead, *sorted(set(self.keys.side(side)) - set(ahead)))
            for side, ahead in enumerate(([pair[0] for pair in first], [pair[1] for pair in first]))
        )
        column = None if key is None else pairs[key]
        alone = free and column is not None
        return replace(self, column=column, order=(queries, reference), by_order=free, column_alone=alone)

    def unfitted(self) -> RowReader:
        """The reader before `fitted`."""
        bare = RowReader(self.keys, serializer=self.serializer)
        return replace(bare, image_root=self.image_root, photo_side=self.photo_side)

    def texts(self, table: Table, side: int) -> Records:
        """The texts of all key columns."""
        return records.read(table, self.keys.side(side), self.serializer)

    def units(self, table: Table, side: int) -> Units | None:
        """The texts with pictures, None for rows without."""
        if self.keys.images is None:
            return None
        confidence = None if self.keys.confidence is None else self.keys.confidence[side]
        images = self.keys.images[side]
        names, strict = self.keys.side(side), side == REFERENCE  # a row that is asked depends on no other
        root, side_of_photo = self.image_root, self.photo_side
        units = read_units(
            table, names, images, self.serializer, confidence, root, strict=strict, photo_side=side_of_photo
        )
        if units.warning and (strict or table.n_rows > 1):
            progress.warn(units.warning)
        return units

    def heads(self, table: Table, side: int, texts: Records) -> list[str]:
        """The key column of each text."""
        name = self.keys.side(side)[0] if self.column is None else self.column[side]
        return records.texts_of(texts, records.read(table, [name], Serializer()))

    def in_order(self, table: Table, side: int, texts: Records) -> list[str]:
        """Each text with its columns in the order of this reader."""
        if self.order is None:
            return [str(text) for text in texts.texts.tolist()]
        return records.texts_of(texts, records.read(table, self.order[side], Serializer()))

    def for_model(self, table: Table, side: int, texts: Records, plan: Plan) -> list[str]:
        """Each text as the model reads it."""
        if self.column_alone:
            return self.heads(table, side, texts)
        if self.by_order:
            return self.in_order(table, side, texts)
        written = plan.serializer
        if self.passages:
            written = replace(written, max_chars=self.serializer.max_chars)
        default = replace(Serializer(), max_chars=written.max_chars)
        if written == default == self.serializer:
            return [str(text) for text in texts.texts.tolist()]
        return records.texts_of(texts, records.read(table, self.keys.side(side), written))

    def contents(self, table: Table, side: int, texts: Records, nodes: Nodes) -> Contents:
        """The texts and the cells of records."""
        rows = blocking.first_rows(nodes)
        cells = [_cells(records.read(table, [pair[side]], Serializer()), rows) for pair in self.keys.pairs]
        return Contents(folded(self.in_order(table, side, texts))[nodes.text], tuple(cells))


def embedded(
    plan: Plan, texts: Sequence[str], batch_size: int | None = None, *, passages: bool = False
) -> Floats | Passages:
    """Vectors of texts that may repeat, (n_texts, d) float32, zero for ""; or of their passages."""
    return describe.embedded(Encoding(plan.encoder, batch_size, passages), texts)


def _cells(column: Records, rows: Integers) -> Cells:
    """A key column as values of the records whose first rows are given."""
    values, place = factorize(folded(column.texts).tolist())
    of_row = column.text_of_row[rows]
    code = np.where(of_row >= 0, np.append(place, -1)[of_row], -1)
    return Cells(np.fromiter(values, dtype=object, count=len(values)), code)
