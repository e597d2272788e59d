"""How the rows of a reference and of a sample are read: key column, order of columns, what a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from linktransformer.encoding.model_plan import Plan
from linktransformer.estimators.reference import Asked, Reference, blocks_of
from linktransformer.estimators.row_reading import Reading
from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.describe import paired_columns
from linktransformer.scoring.key_column import key_column, naming_order
from linktransformer.search import blocking
from linktransformer.tables import key_columns
from linktransformer.tables.frames import Table

__all__ = [
    "Settings",
    "in_order",
    "nodes_of",
    "reading_by",
    "reading_of",
]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a reference is read and searched.

    Args:
        k: Neighbours in each view.
        device: "cpu" keeps the search off the GPU.
        batch_size: For the model.
        memory_limit: Bytes for the search of a table in itself.
    """

    k: int
    device: str | None = None
    batch_size: int | None = None
    memory_limit: int | None = None


def reading_of(bare: Reference, plan: Plan, sample: Table) -> Reading:
    """Find the key column and the order of the others, as a merge of the two tables finds them.

    Args:
        bare: The reference, without vectors.
        plan: The model.
        sample: Rows such as will be asked.

    Returns:
        How rows are read.
    """
    return reading_by(bare, plan, _columns(bare, sample))


def reading_by(
    bare: Reference, plan: Plan, columns: Sequence[PairedColumn], *, same: bool = False
) -> Reading:
    """Find the key column and the order of the others by what is in them.

    Args:
        bare: The reference, without vectors.
        plan: The model.
        columns: The key columns of both sides.
        same: Both sides are one table.

    Returns:
        How rows are read.
    """
    on = list(bare.keys.queries), list(bare.keys.reference)
    read = bare.reading
    free = plan.reads_key_column
    if max(map(len, on)) < 2:
        return replace(read, by_order=free)
    key = key_column(columns, same=same) if columns else None
    pairs = key_columns.paired(*on)
    first = [pairs[place] for place in naming_order(columns, key)]
    mine, theirs = (
        [*(pair[side] for pair in first), *sorted(set(on[side]) - {pair[side] for pair in first})]
        for side in (0, 1)
    )
    column = None if key is None else pairs[key]
    alone = free and column is not None
    return replace(read, column=column, order=(tuple(mine), tuple(theirs)), by_order=free, column_alone=alone)


def nodes_of(bare: Reference, sample: Table) -> blocking.Nodes:
    """The records of sample rows.

    Args:
        bare: The reference, without vectors.
        sample: The rows.

    Returns:
        Their records, with blocks as the reference numbers them.
    """
    texts = bare.reading.texts(sample, bare.keys.queries)
    return blocking.nodes(texts.text_of_row, blocks_of(bare, sample))


def _columns(bare: Reference, sample: Table) -> list[PairedColumn]:
    on = list(bare.keys.queries), list(bare.keys.reference)
    nodes = nodes_of(bare, sample)
    first = blocking.first_rows(nodes), blocking.first_rows(bare.nodes)
    return paired_columns((sample, bare.table), on, first)


def in_order(known: Reference, asked: Asked) -> list[list[str]]:
    """The texts of both sides, with their columns in the order of the reading.

    Args:
        known: The reference.
        asked: The sample.

    Returns:
        Texts of the sample and of the reference.
    """
    read = known.reading
    return [
        read.in_order(asked.table, 0, asked.records),
        read.in_order(known.table, 1, known.records),
    ]
