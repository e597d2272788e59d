"""The fitted table, encoded once, and rows that are queried against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Integers
from linktransformer.encoding import picture_views
from linktransformer.encoding.model_plan import Plan
from linktransformer.estimators.neighbours import SearchIndex
from linktransformer.estimators.row_reader import QUERY, REFERENCE, Contents, Pictures, RowReader, embedded
from linktransformer.search import blocking, vocabulary
from linktransformer.search.blocking import Nodes
from linktransformer.search.matrices import Matrix, Passages, as_sparse
from linktransformer.search.vocabulary import Vocabulary, widened
from linktransformer.tables import block_keys, frames, picture_records
from linktransformer.tables.factorize import factorize
from linktransformer.tables.frames import Table
from linktransformer.tables.picture_records import Units
from linktransformer.tables.records import Records

__all__ = ["EncodedRows", "Labels", "QueryRows", "Reference", "encode", "encoded", "read"]

Labels = NDArray[np.generic]


@dataclass(frozen=True, eq=False, kw_only=True)
class EncodedRows:
    """Rows with their texts and vectors.

    Args:
        table: The rows.
        records: Their texts; "" for a record that has a picture only.
        matrices: By view, the vectors of the texts, (n_texts, d).
        pictures: What is kept of their pictures, None for rows without.
    """

    table: Table
    records: Records
    matrices: Mapping[str, Matrix]
    pictures: Pictures | None = None

    @property
    def identity(self) -> NDArray[np.object_]:
        """Equal for texts that are one record: the text, or text and pictures, (n_texts,) object."""
        return self.records.texts if self.pictures is None else self.pictures.identity


@dataclass(frozen=True, eq=False, kw_only=True)
class QueryRows(EncodedRows):
    """Rows read by the rules of a reference; a block that it lacks has the number after its last block."""

    nodes: Nodes


@dataclass(frozen=True, eq=False, kw_only=True)
class Reference(EncodedRows):
    """A fitted table; its texts are numbered in order of first row.

    Args:
        labels: The pandas index, elsewhere numbers that a row keeps, (n_rows,).
        next_label: The number of the next added row where rows are numbered.
        reader: How rows become texts.
        words: The n-grams of its texts, with their frequencies.
        head_words: Those of the key column, None without that view.
        weights: The weight of each view where the caller gave weights.
        threshold: The score that a link needs, None for none.
        details: For the report.
    """

    labels: Labels
    next_label: int
    reader: RowReader
    words: Vocabulary
    head_words: Vocabulary | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    threshold: float | None = None
    details: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def block_numbers(self) -> dict[tuple[object, ...], int]:
        """The blocks of the table, numbered."""
        blocks = dict.fromkeys(_block_values(self.reader, self.table))
        return {values: number for number, values in enumerate(key for key in blocks if None not in key)}

    @property
    def n_blocks(self) -> int | None:
        """Number of blocks, None without blocks."""
        return len(self.block_numbers) if self.reader.keys.blocks else None

    def block_of_row(self, table: Table) -> Integers | None:
        """The block of each row of a table, (n_rows,) int64: -1 for null; None without blocks."""
        if not self.reader.keys.blocks:
            return None
        numbers, values = self.block_numbers, _block_values(self.reader, table)
        return np.array([-1 if None in key else numbers.get(key, len(numbers)) for key in values], np.int64)

    @cached_property
    def nodes(self) -> Nodes:
        """Each text once in each block; without blocks they are the texts."""
        return blocking.nodes(self.records.text_of_row, self.block_of_row(self.table))

    @cached_property
    def first_rows(self) -> Integers:
        """The first row of each node."""
        return blocking.first_rows(self.nodes)

    @cached_property
    def contents(self) -> Contents:
        """The texts and cells of the nodes."""
        return self.reader.contents(self.table, REFERENCE, self.records, self.nodes)

    @cached_property
    def index(self) -> SearchIndex:
        """The nodes, as they are searched."""
        return SearchIndex(self.nodes, self.matrices, self.n_blocks)

    def nodes_of(self, table: Table) -> Nodes:
        """The nodes of queries, without encoding them."""
        return blocking.nodes(self.reader.texts(table, QUERY).text_of_row, self.block_of_row(table))

    def with_ngrams_of(self, table: Table) -> Reference:
        """Add columns for the n-grams of rows that are going to be added; the vectors stay the same."""
        if not self.reader.keys.reference:  # pictures alone
            return self
        matrices, head_words, head = dict(self.matrices), self.head_words, self.reader.head
        texts = self.reader.texts(table, REFERENCE)
        words, place = self.words.with_ngrams(texts.texts.tolist())
        matrices["lexical"] = widened(as_sparse(matrices["lexical"]), place, len(words.codes))
        if head_words is not None:
            head_words, place = head_words.with_ngrams(self.reader.heads(table, REFERENCE, texts))
            matrices[head] = widened(as_sparse(matrices[head]), place, len(head_words.codes))
        return replace(self, words=words, head_words=head_words, matrices=matrices)

    def with_rows(self, whole: Table, labels: Labels, added: QueryRows) -> Reference:
        """Append rows whose n-grams have columns; the frequencies of n-grams stay.

        `whole` is the table with the rows at its end, `labels` are those of all its rows.
        """
        number = {text: place for place, text in enumerate(self.identity.tolist())}
        n_texts = len(number)
        place_of = np.full(len(added.records.texts) + 1, -1, dtype=np.int64)  # the last is for no text
        fresh = []
        for place, text in enumerate(added.identity.tolist()):
            if text not in number:
                fresh.append(place)
            place_of[place] = number.setdefault(text, n_texts + len(fresh) - 1)
        new = np.array(fresh, dtype=np.int64)
        records = Records(
            np.concatenate([self.records.texts, added.records.texts[new]]),
            np.concatenate([self.records.text_of_row, place_of[added.records.text_of_row]]),
            self.records.n_cut + added.records.n_cut,
            self.records.columns,
        )
        pictures = None
        if self.pictures is not None and added.pictures is not None:
            pictures = self.pictures.with_more(added.pictures.some(new))
        larger = replace(
            self,
            table=whole,
            labels=labels,
            next_label=self.next_label + whole.n_rows - self.table.n_rows,
            records=records,
            matrices={
                name: _stacked(matrix, added.matrices[name][new]) for name, matrix in self.matrices.items()
            },
            pictures=pictures,
        )
        return larger if pictures is None else larger.in_row_order()

    def in_row_order(self) -> Reference:
        """Number the texts in order of first row, and drop those of no row."""
        nodes = blocking.nodes(self.records.text_of_row)
        records = replace(self.records, texts=self.records.texts[nodes.text], text_of_row=nodes.node_of_row)
        matrices = {name: matrix[nodes.text] for name, matrix in self.matrices.items()}
        pictures = None if self.pictures is None else self.pictures.some(nodes.text)
        return replace(self, records=records, matrices=matrices, pictures=pictures)

    def some_rows(self, rows: Integers) -> Reference:
        """The table of some rows, in that order."""
        table = frames.wrap(frames.take(self.table, rows), self.table.name)
        records = replace(self.records, text_of_row=self.records.text_of_row[rows])
        return replace(self, table=table, labels=self.labels[rows], records=records).in_row_order()


def read(table: Table, reader: RowReader) -> tuple[Reference, Units | None]:
    """A reference with texts and blocks, without vectors; and its pictures, where rows have any."""
    units = reader.units(table, REFERENCE)
    bare = Reference(
        table=table,
        records=reader.texts(table, REFERENCE) if units is None else units.records,
        matrices={},
        pictures=None if units is None else Pictures.of(units),
        labels=frames.index_labels(table, np.arange(table.n_rows)),
        next_label=table.n_rows,
        reader=reader,
        words=vocabulary.learn([]),
    )
    return bare, units


def encoded(
    bare: Reference, units: Units | None, plan: Plan, sample: Table | None, batch_size: int | None
) -> Reference:
    """Encode a reference that was read; n-grams are counted over its texts and those of the sample."""
    reader, records = bare.reader, bare.records
    texts = factorize(records.texts.tolist())[0]
    heads = [] if reader.column is None else reader.heads(bare.table, REFERENCE, records)
    if sample is not None and reader.keys.queries:
        others = reader.texts(sample, QUERY)
        texts = texts + others.texts.tolist()
        heads = heads + ([] if reader.column is None else reader.heads(sample, QUERY, others))
    head_words = None if reader.column is None else vocabulary.learn(heads)
    known = replace(bare, words=vocabulary.learn(texts), head_words=head_words)
    dense = plan.encoder is not None
    matrices = _vectors(known, plan, bare.table, REFERENCE, records, units, batch_size, dense)
    known = replace(known, matrices=matrices)
    return known if units is None else known.in_row_order()


def encode(
    reference: Reference, plan: Plan, table: Table, side: int = QUERY, batch_size: int | None = None
) -> QueryRows:
    """Read and encode further rows with the columns of one side; a row does not depend on the others."""
    reader = reference.reader
    units, confidence = reader.units(table, side), reader.keys.confidence
    if units is not None and confidence is not None:  # rows of one text and picture may differ in it
        units = picture_records.one_a_row(units, picture_records.confidence_of(table, confidence[side]))
    records = reader.texts(table, side) if units is None else units.records
    dense = bool(set(reference.matrices) - {"lexical", reader.head})
    matrices = _vectors(reference, plan, table, side, records, units, batch_size, dense)
    if not len(records.texts):
        matrices = {name: reference.matrices[name][:0] for name in matrices}
    return QueryRows(
        table=table,
        records=records,
        matrices=matrices,
        pictures=None if units is None else Pictures.of(units),
        nodes=blocking.nodes(records.text_of_row, reference.block_of_row(table)),
    )


def _vectors(
    reference: Reference,
    plan: Plan,
    table: Table,
    side: int,
    records: Records,
    units: Units | None,
    batch_size: int | None,
    dense: bool,
) -> dict[str, Matrix]:
    """By view, the vectors of texts; with `dense` those of the model too."""
    matrices: dict[str, Matrix] = {}
    reader = reference.reader
    if units is not None:
        if dense and plan.encoder is not None:
            matrices |= picture_views.encoded(plan.encoder, units, batch_size)
        texts, place = factorize(records.texts.tolist())
        matrices["lexical"] = reference.words.vectors(texts)[place]
        return matrices
    matrices["lexical"] = reference.words.vectors(records.texts.tolist())
    if dense:
        written = reader.for_model(table, side, records, plan)
        dense_of = embedded(plan, written, batch_size, passages=reader.passages)
        known = reference.matrices.get("dense")
        if isinstance(dense_of, Passages) and isinstance(known, Passages):
            dense_of = replace(dense_of, slope=known.slope, level=known.level)
        matrices["dense"] = dense_of
    if reference.head_words is not None:
        matrices[reader.head] = reference.head_words.vectors(reader.heads(table, side, records))
    return matrices


def _block_values(reader: RowReader, table: Table) -> list[tuple[object, ...]]:
    """The values of each row in the columns that must be equal; null and blank texts are None."""
    return list(zip(*(block_keys.folded_cells(table, name) for name in reader.keys.blocks), strict=True))


def _stacked(above: Matrix, below: Matrix) -> Matrix:
    if isinstance(above, Passages) and isinstance(below, Passages):
        return above.with_more(below)
    if isinstance(above, np.ndarray) and isinstance(below, np.ndarray):
        return np.concatenate([above, below]) if len(above) else below
    return sp.csr_matrix(sp.vstack([as_sparse(above), sp.csr_matrix(as_sparse(below))]))
