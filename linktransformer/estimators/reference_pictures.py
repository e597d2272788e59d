"""A reference whose rows have pictures: what they show is encoded once, the pictures are not kept."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.encoding import picture_views
from linktransformer.encoding.model_plan import Plan
from linktransformer.errors import InvalidArgumentError
from linktransformer.estimators.reference import Asked, Keys, Reference, blocks_of
from linktransformer.search import blocking, candidate_search, vocabulary
from linktransformer.search.vocabulary import Vocabulary
from linktransformer.tables import factorize, frames, picture_records, records
from linktransformer.tables.columns import emptied
from linktransformer.tables.frames import Table
from linktransformer.tables.picture_records import Units

__all__ = [
    "Columns",
    "Shown",
    "ask_pictured",
    "build_pictured",
    "named",
    "probed",
    "scored_views",
    "shown_of",
    "with_lines",
    "without_pictures",
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where pictures are.

    Args:
        images: Column of the pictures of the rows that are asked, and of the reference.
        confidence: Columns of how sure an OCR engine was of the texts, None for none.
    """

    images: tuple[str, str]
    confidence: tuple[str, str] | None = None

    def check(self, table: Table, side: int = 0) -> None:
        """Refuse a table that has not these columns.

        Args:
            table: The table.
            side: 0 for rows that are asked, 1 for the reference.

        Raises:
            ColumnNotFoundError: One is not there.
        """
        frames.check_columns(table, [self.images[side]], "images")
        if self.confidence is not None:
            frames.check_columns(table, [self.confidence[side]], "confidence")


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What is known of the pictures of records.

    Args:
        columns: Where they are.
        identity: What says that two records are one: text and pictures, (n_records,) object.
        has_picture: Which records have a usable one, (n_records,) bool.
        lines: By view, what it says on average at each cosine of the fused vectors, from
            `picture_views.gap_lines`.
    """

    columns: Columns
    identity: NDArray[np.object_]
    has_picture: Bools
    lines: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def some(self, records: Integers) -> Shown:
        """Those of some records.

        Args:
            records: Numbers of the records, (n,) int64.

        Returns:
            What is known of their pictures, in that order.
        """
        return replace(self, identity=self.identity[records], has_picture=self.has_picture[records])

    def with_more(self, other: Shown) -> Shown:
        """These and those of other records after them.

        Args:
            other: What is known of the pictures of further records.

        Returns:
            Both together, these records first.
        """
        return replace(
            self,
            identity=np.concatenate([self.identity, other.identity]),
            has_picture=np.concatenate([self.has_picture, other.has_picture]),
        )


def named(given: Any, argument: str) -> tuple[str, str]:
    """The names of a column of both tables.

    Args:
        given: One name, or a pair (of the rows that are asked, of the reference).
        argument: In which argument.

    Returns:
        Two names.

    Raises:
        InvalidArgumentError: It is neither.
    """
    names = (given, given) if isinstance(given, str) else given
    if not (isinstance(names, (tuple, list)) and len(names) == 2 and all(isinstance(n, str) for n in names)):
        raise InvalidArgumentError(
            f"{argument}={given!r} names no columns. Give one of both tables, or a pair (of the rows that "
            "are asked, of the reference)."
        )
    return str(names[0]), str(names[1])


def build_pictured(
    table: Table,
    keys: Keys,
    columns: Columns,
    plan: Plan,
    sample: Table | None = None,
    *,
    batch_size: int | None = None,
) -> Reference:
    """Read and encode a reference table with pictures.

    Args:
        table: The table.
        keys: Its columns of text.
        columns: Its columns of pictures.
        plan: The model.
        sample: Rows such as will be asked: n-gram rarity is counted over their texts and the table's; their
            pictures are not read. None (the default) for none.
        batch_size: For the model.

    Returns:
        The reference, without weights and threshold.
    """
    found = _units(table, keys.reference, columns, 1, plan)
    others: list[str] = []
    if sample is not None and keys.queries:
        others = records.read(sample, keys.queries, plan.serializer).texts.tolist()
    words = vocabulary.learn(factorize.factorize(found.records.texts.tolist())[0] + others)
    matrices = _matrices(found, words, plan, batch_size)
    labels = frames.index_labels(table, np.arange(table.n_rows))
    shown = _shown(found, columns)
    return Reference(table, labels, table.n_rows, keys, found.records, words, None, matrices, shown=shown)


def ask_pictured(
    reference: Reference,
    plan: Plan,
    table: Table,
    own: bool,
    *,
    batch_size: int | None = None,
) -> Asked:
    """Read and encode rows with pictures that are asked.

    Args:
        reference: The reference.
        plan: Its model.
        table: The rows.
        own: Whether they have the reference's own columns.
        batch_size: For the model.

    Returns:
        The rows as the reference reads them.
    """
    shown = shown_of(reference)
    names = reference.keys.reference if own else reference.keys.queries
    side = 1 if own else 0
    found = _units(table, names, shown.columns, side, plan)
    if shown.columns.confidence is not None:  # rows of one text and picture may differ in it
        found = picture_records.one_a_row(
            found, picture_records.confidence_of(table, shown.columns.confidence[side])
        )
    matrices = _matrices(found, reference.words, plan, batch_size)
    if not len(found.records.texts):
        matrices |= {
            name: np.empty((0, of.shape[1]), dtype=np.float32)
            for name, of in reference.matrices.items()
            if name in picture_views.VECTORS
        }
    nodes = blocking.nodes(found.records.text_of_row, blocks_of(reference, table))
    return Asked(table, found.records, nodes, matrices, _shown(found, shown.columns))


def scored_views(
    reference: Reference, asked: Asked, found: candidate_search.Candidates
) -> candidate_search.Candidates:
    """Add the likeness by edit distance, and what is to be expected where a text or a picture is missing.

    Args:
        reference: The reference.
        asked: The rows.
        found: Pairs with the scores of the matrices.

    Returns:
        The pairs with all views. What a pair has does not depend on the other ones.
    """
    mine, theirs = shown_of(asked), shown_of(reference)
    a, left = np.unique(asked.nodes.text[found.left], return_inverse=True)
    b, right = np.unique(reference.nodes.text[found.right], return_inverse=True)
    said = asked.records.texts[a].tolist(), reference.records.texts[b].tolist()
    edit = picture_views.edit_of(*said, left, right)
    has = [
        (np.array([bool(text) for text in texts], dtype=bool), pictures)
        for texts, pictures in zip(said, (mine.has_picture[a], theirs.has_picture[b]), strict=True)
    ]
    nodes = blocking.nodes(np.arange(len(a))), blocking.nodes(np.arange(len(b)))
    there = picture_views.both_have(replace(found, left=left, right=right), nodes, has)
    every = replace(found, views={**found.views, picture_views.EDIT: edit})
    return picture_views.filled(every, there, theirs.lines)


def with_lines(
    reference: Reference,
    asked: Asked | None,
    k: int,
    *,
    memory_limit: int | None = None,
    device: str | None = None,
) -> Reference:
    """Find out what each view says where others have a gap, from neighbours of sample rows or of its own.

    Args:
        reference: The reference.
        asked: Sample rows; None for the reference's own.
        k: Neighbours in each view.
        memory_limit: For the search.
        device: Where the search runs: "cpu", "cuda:1", or None to take GPUs for a large search.

    Returns:
        The reference with the lines, by which `scored_views` goes.
    """
    same = asked is None
    if asked is None:
        of = reference
        asked = Asked(of.table, of.records, of.nodes, of.matrices, of.shown)
    if not len(reference.nodes) or not len(asked.nodes):
        return reference
    both = {name: (asked.matrices[name], matrix) for name, matrix in reference.matrices.items()}
    found = candidate_search.search(
        both, asked.nodes, reference.nodes, k, memory_limit=memory_limit, device=device, same=same
    )
    plain = replace(shown_of(reference), lines={})
    found = scored_views(replace(reference, shown=plain), asked, found)
    has = [
        (np.array([bool(text) for text in of.records.texts.tolist()], dtype=bool), shown_of(of).has_picture)
        for of in (asked, reference)
    ]
    there = picture_views.both_have(found, (asked.nodes, reference.nodes), has)
    return replace(reference, shown=replace(plain, lines=picture_views.gap_lines(found, there)))


def probed(encoder: Any, reference: Reference, n: int) -> tuple[Floats, Floats]:
    """What a model makes of the first texts of a reference, and what was kept of them.

    Args:
        encoder: The model.
        reference: The reference.
        n: How many texts at most.

    Returns:
        Two matrices, (n_texts, d) each.
    """
    rows = np.flatnonzero([bool(text) for text in reference.records.texts.tolist()])[:n]
    texts = reference.records.texts[rows].tolist()
    kept: Floats = reference.matrices["text"][rows]
    if not texts:
        return kept, kept
    nothing, unsure = [None] * len(texts), np.full(len(texts), np.nan)
    found = encoder.encode_records(
        texts, nothing, confidence=unsure, batch_size=None, progress=lambda n: None
    )
    return np.asarray(found.text, dtype=np.float32), kept


def without_pictures(reference: Reference) -> Reference:
    """Leave out pictures that are in the table themselves: names of files stay.

    Args:
        reference: The reference.

    Returns:
        The reference, with nulls in their place.
    """
    if reference.shown is None:
        return reference
    name = shown_of(reference).columns.images[1]
    cells = frames.column(reference.table, name).tolist()
    if all(cell is None or isinstance(cell, str) for cell in cells):
        return reference
    logger.info("the pictures of column %r are not saved: their vectors are", name)
    table = frames.wrap(emptied(reference.table.frame, name), reference.table.name)
    return replace(reference, table=table)


def shown_of(of: Reference | Asked) -> Shown:
    """What is known of pictures.

    Args:
        of: A reference or rows with pictures.

    Returns:
        It.

    Raises:
        TypeError: They have none.
    """
    if not isinstance(of.shown, Shown):
        raise TypeError("rows without pictures")
    return of.shown


def _units(table: Table, names: Sequence[str], columns: Columns, side: int, plan: Plan) -> Units:
    sure = None if columns.confidence is None else columns.confidence[side]
    return picture_records.read_units(table, names, columns.images[side], plan.serializer, sure)


def _shown(found: Units, columns: Columns) -> Shown:
    texts = found.records.texts.tolist()
    identity = [f"{text}\0{key}" for text, key in zip(texts, found.keys, strict=True)]
    return Shown(columns, np.array(identity, dtype=object), found.has_picture)


def _matrices(found: Units, words: Vocabulary, plan: Plan, batch_size: int | None) -> dict[str, Any]:
    """The views, in the order in which `picture_views` has them."""
    made: dict[str, Any] = {}
    if plan.encoder is not None:
        made |= picture_views.encoded(plan.encoder, found, batch_size)
    texts, place = factorize.factorize(found.records.texts.tolist())
    made["lexical"] = words.vectors(texts)[place]
    return made
