"""What is known of a reference table, so that new rows can be asked against it and it is never read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Integers
from linktransformer.encoding.model_plan import Plan
from linktransformer.estimators.row_reading import Reading, embedded
from linktransformer.estimators.written_rows import Written, written_of
from linktransformer.search import blocking, vocabulary
from linktransformer.search.vocabulary import Vocabulary, widened
from linktransformer.tables import block_keys, frames
from linktransformer.tables.frames import Table
from linktransformer.tables.records import Records

__all__ = ["Asked", "Keys", "Reference", "ask", "bare", "blocks_of", "build", "read_as_the_model_does"]


@dataclass(frozen=True, slots=True)
class Keys:
    """Which columns say what a row is.

    Args:
        reference: Key columns of the reference.
        queries: Those of the rows that are asked.
        blocks: Columns of both that must be equal.
    """

    reference: tuple[str, ...]
    queries: tuple[str, ...]
    blocks: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Reference:
    """A table that is ready to be asked.

    Args:
        table: The table.
        labels: What its rows are called, (n_rows,): the pandas index, elsewhere numbers that a row keeps.
        next_label: The number that the next added row gets where rows are numbered.
        keys: Its columns.
        records: Its texts, in order of first row.
        words: The n-grams of its texts and how rare they are.
        head_words: Those of one key column, None where that is no view.
        matrices: By view, the vectors of its texts.
        weights: What each view counts in the score; they add up to 1.
        threshold: The score that a link needs, None for none.
        details: How weights and threshold came about.
        shown: What is known of pictures: a `pictured.Shown`, None where rows have none.
        reading: How rows are written for each view.
    """

    table: Table
    labels: NDArray[Any]
    next_label: int
    keys: Keys
    records: Records
    words: Vocabulary
    head_words: Vocabulary | None
    matrices: Mapping[str, Any]
    weights: Mapping[str, float] = field(default_factory=lambda: {"lexical": 1.0})
    threshold: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    shown: Any = None
    reading: Reading = field(default_factory=Reading)

    @property
    def identity(self) -> NDArray[np.object_]:
        """What says that two records are one: the text, or text and pictures, (n_records,) object."""
        found: NDArray[np.object_] = self.records.texts if self.shown is None else self.shown.identity
        return found

    @property
    def views(self) -> list[str]:
        """What the score can be made of."""
        return [*self.matrices, *(["edit"] if self.shown is not None else [])]

    @cached_property
    def block_numbers(self) -> dict[tuple[Any, ...], int]:
        """The blocks that the table has, numbered."""
        found = dict.fromkeys(_block_values(self.table, self.keys.blocks))
        return {values: number for number, values in enumerate(key for key in found if None not in key)}

    @property
    def n_blocks(self) -> int | None:
        """How many blocks the table has, None without blocks."""
        return len(self.block_numbers) if self.keys.blocks else None

    @cached_property
    def nodes(self) -> blocking.Nodes:
        """Each text once in each block; without blocks they are the texts."""
        return blocking.nodes(self.records.text_of_row, self.block_of_row)

    @cached_property
    def block_of_row(self) -> Integers | None:
        """The block of each row, -1 for none, (n_rows,) int64; None without blocks."""
        return blocks_of(self, self.table)

    @cached_property
    def first_rows(self) -> Integers:
        """The first row of each node."""
        return blocking.first_rows(self.nodes)

    @cached_property
    def written(self) -> Written:
        """The texts and cells of its nodes."""
        on = self.keys.queries, self.keys.reference
        return written_of(self.table, 1, on, self.reading, self.records, self.nodes)

    @cached_property
    def postings(self) -> dict[str, sp.csr_matrix]:
        """The texts of each n-gram, by view: an inverted index."""
        every: dict[str, Any] = {name: of for name, of in self.matrices.items() if sp.issparse(of)}
        return {name: of.T.tocsr() for name, of in every.items()}

    @cached_property
    def nodes_of_blocks(self) -> tuple[Integers, Integers]:
        """Nodes in order of block, and where each block starts, (n_blocks + 1,)."""
        order = np.argsort(self.nodes.block, kind="stable")
        return order, np.searchsorted(self.nodes.block[order], np.arange(len(self.block_numbers) + 2))

    def with_ngrams_of(self, table: Table) -> Reference:
        """Make room for the n-grams of rows that are going to be added; columns have them already.

        Args:
            table: The rows, with the reference's own columns.

        Returns:
            The reference, whose vectors are as they were but for more columns.
        """
        matrices, head_words = dict(self.matrices), self.head_words
        if not self.keys.reference:  # pictures alone
            return self
        found = self.reading.texts(table, self.keys.reference)
        words, place = self.words.with_ngrams(found.texts.tolist())
        matrices["lexical"] = widened(matrices["lexical"], place, len(words.codes))
        if head_words is not None:
            heads = self.reading.heads(table, self.keys.reference, 1, found)
            head_words, place = head_words.with_ngrams(heads)
            head = self.reading.head
            matrices[head] = widened(matrices[head], place, len(head_words.codes))
        return replace(self, words=words, head_words=head_words, matrices=matrices)

    def with_rows(self, added: Table, labels: NDArray[Any], asked: Asked) -> Reference:
        """Put rows at the end, for whose n-grams there is room. How rare an n-gram is stays as it was.

        Args:
            added: The table with the rows at its end.
            labels: Of all its rows.
            asked: The new rows, from `ask` with the reference's own columns.

        Returns:
            The larger reference.
        """
        known = {text: place for place, text in enumerate(self.identity.tolist())}
        n_known = len(known)
        place_of = np.full(len(asked.records.texts) + 1, -1, dtype=np.int64)  # the last is for no text
        new = []
        for place, text in enumerate(asked.identity.tolist()):
            if text not in known:
                new.append(place)
            place_of[place] = known.setdefault(text, n_known + len(new) - 1)
        texts = np.concatenate([self.records.texts, asked.records.texts[new]])
        of_row = np.concatenate([self.records.text_of_row, place_of[asked.records.text_of_row]])
        matrices = {name: _stacked(of, asked.matrices[name][new]) for name, of in self.matrices.items()}
        more = Records(texts, of_row, self.records.n_cut + asked.records.n_cut, self.records.columns)
        fresh = np.array(new, dtype=np.int64)
        shown = None if self.shown is None else self.shown.with_more(asked.shown.some(fresh))
        ahead = self.next_label + added.n_rows - self.table.n_rows
        larger = replace(self, table=added, labels=labels, next_label=ahead)
        larger = replace(larger, records=more, matrices=matrices, shown=shown)
        return larger if shown is None else larger.in_row_order()

    def in_row_order(self) -> Reference:
        """Number the records in order of first row, as nodes are; texts are read so, pictures are not.

        Returns:
            The reference, numbered anew.
        """
        kept = blocking.nodes(self.records.text_of_row)
        texts = Records(
            self.records.texts[kept.text], kept.node_of_row, self.records.n_cut, self.records.columns
        )
        matrices = {name: of[kept.text] for name, of in self.matrices.items()}
        shown = None if self.shown is None else self.shown.some(kept.text)
        return replace(self, records=texts, matrices=matrices, shown=shown)

    def rows_kept(self, rows: Integers) -> Reference:
        """Leave out all other rows.

        Args:
            rows: Row numbers, in their new order.

        Returns:
            The smaller reference.
        """
        table = frames.wrap(frames.take(self.table, rows), self.table.name)
        fewer = replace(self.records, text_of_row=self.records.text_of_row[rows])
        smaller = replace(self, table=table, labels=self.labels[rows], records=fewer)
        return smaller.in_row_order()


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Rows that are asked, read by the rules of the reference.

    Args:
        table: The rows.
        records: Their texts.
        nodes: Their nodes; a block that the reference lacks has a number that it does not know.
        matrices: By view, the vectors of their texts.
        shown: As of a reference.
    """

    table: Table
    records: Records
    nodes: blocking.Nodes
    matrices: Mapping[str, Any]
    shown: Any = None

    @property
    def identity(self) -> NDArray[np.object_]:
        """What says that two records are one: the text, or text and pictures, (n_records,) object."""
        found: NDArray[np.object_] = self.records.texts if self.shown is None else self.shown.identity
        return found


def bare(table: Table, keys: Keys, reading: Reading) -> Reference:
    """Read the texts of a reference table, and encode nothing.

    Args:
        table: The table.
        keys: Its columns.
        reading: How rows are written.

    Returns:
        The reference, without views.
    """
    labels = frames.index_labels(table, np.arange(table.n_rows))
    found = reading.texts(table, keys.reference)
    nothing = vocabulary.learn([])
    return Reference(table, labels, table.n_rows, keys, found, nothing, None, {}, {}, reading=reading)


def build(
    table: Table,
    keys: Keys,
    plan: Plan,
    sample: Table | None = None,
    *,
    reading: Reading | None = None,
    batch_size: int | None = None,
) -> Reference:
    """Read and encode a reference table.

    Args:
        table: The table.
        keys: Its columns.
        plan: The model.
        sample: Rows such as will be asked; how rare an n-gram is is then counted over both.
        reading: How rows are written for each view; None: as a model was trained to read them, without a view
            of one column.
        batch_size: For the model.

    Returns:
        The reference, the weight of which is all on n-grams and which has no threshold.
    """
    read = reading or Reading()
    found = read.texts(table, keys.reference)
    texts = found.texts.tolist()
    others = None if sample is None else read.texts(sample, keys.queries)
    words = vocabulary.learn(texts + ([] if others is None else others.texts.tolist()))
    matrices: dict[str, Any] = {"lexical": words.vectors(texts)}
    if plan.encoder is not None:
        written = read.for_model(table, keys.reference, 1, found, plan)
        matrices["dense"] = embedded(plan, written, batch_size=batch_size)
    head_words = None
    if read.column is not None:
        sides = [read.heads(table, keys.reference, 1, found)]
        if sample is not None and others is not None:
            sides.append(read.heads(sample, keys.queries, 0, others))
        head_words = vocabulary.learn([head for side in sides for head in side])
        matrices[read.head] = head_words.vectors(sides[0])
    labels = frames.index_labels(table, np.arange(table.n_rows))
    return Reference(table, labels, table.n_rows, keys, found, words, head_words, matrices, reading=read)


def ask(
    reference: Reference,
    plan: Plan,
    table: Table,
    columns: Sequence[str] | None = None,
    *,
    batch_size: int | None = None,
) -> Asked:
    """Read and encode rows that are asked. What comes of a row does not depend on the others.

    Args:
        reference: The reference.
        plan: Its model.
        table: The rows.
        columns: Their key columns: the reference's own; None for those of queries.
        batch_size: For the model.

    Returns:
        The rows as the reference reads them.
    """
    if reference.shown is not None:
        from linktransformer.estimators.reference_pictures import ask_pictured  # which reads this file

        own = columns is not None
        return ask_pictured(reference, plan, table, own, batch_size=batch_size)
    side, read = int(columns is not None), reference.reading
    columns = reference.keys.queries if columns is None else columns
    found = read.texts(table, columns)
    matrices: dict[str, Any] = {"lexical": reference.words.vectors(found.texts.tolist())}
    if "dense" in reference.matrices:
        written = read.for_model(table, columns, side, found, plan)
        vectors = embedded(plan, written, batch_size=batch_size)
        width = reference.matrices["dense"].shape[1]
        matrices["dense"] = vectors if len(written) else np.empty((0, width), dtype=np.float32)
    if reference.head_words is not None:
        matrices[read.head] = reference.head_words.vectors(read.heads(table, columns, side, found))
    nodes = blocking.nodes(found.text_of_row, blocks_of(reference, table))
    return Asked(table, found, nodes, matrices)


def read_as_the_model_does(reference: Reference, plan: Plan, n: int) -> list[str]:
    """The first texts of a reference as its model reads them.

    Args:
        reference: The reference.
        plan: Its model.
        n: How many.

    Returns:
        The texts; the vectors of the same places are theirs.
    """
    columns = reference.keys.reference
    return reference.reading.for_model(reference.table, columns, 1, reference.records, plan)[:n]


def _block_values(table: Table, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """What each row has in the columns that must be equal; null and blank texts are None."""
    return list(zip(*(block_keys.folded_cells(table, name) for name in names), strict=True))


def blocks_of(reference: Reference, table: Table) -> Integers | None:
    """The block of each row.

    Args:
        reference: The reference.
        table: The rows.

    Returns:
        (n_rows,) int64: -1 for null, a number that the reference lacks for a block that it lacks; None
        without blocks.
    """
    if not reference.keys.blocks:
        return None
    numbers = reference.block_numbers
    values = _block_values(table, reference.keys.blocks)
    found = [-1 if None in key else numbers.get(key, len(numbers)) for key in values]
    return np.array(found, dtype=np.int64)


def _stacked(above: Any, below: Any) -> Any:
    if not isinstance(above, np.ndarray):
        return sp.csr_matrix(sp.vstack([above, below]))
    return np.concatenate([above, below]) if len(above) else below
