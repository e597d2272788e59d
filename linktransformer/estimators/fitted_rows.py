"""The columns, the labels and further rows of a fitted table."""

from __future__ import annotations

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.estimators.reference import Labels, Reference
from linktransformer.linking.options import Columns
from linktransformer.tables import frames, key_columns
from linktransformer.tables.frames import IntoDataFrame, Table

__all__ = ["appended", "check_unique", "labels_at", "parse_keys"]


def parse_keys(
    table: Table, on: Columns, block_on: Columns, images: str | None = None, argument: str = "on"
) -> tuple[list[str], list[str]]:
    """The key columns and the columns of blocks of a fitted table.

    `images` is its column of pictures, `argument` what the caller calls `on`.
    """
    blocks = [] if block_on is None else key_columns.of_one(table, block_on, argument="block_on")
    names = key_columns.of_one(table, on, images, argument=argument)
    if on is None:
        names = [name for name in names if name not in blocks] or names
    return names, blocks


def appended(rows: IntoDataFrame, known: Reference) -> tuple[Table, Table, Labels]:
    """The rows, the table with these at its end, and the labels of all rows."""
    table = frames.wrap(rows, "rows")
    frames.same_library(table, known.table)
    whole = frames.wrap(frames.below(known.table, table), "reference")
    labels = np.concatenate([known.labels, known.next_label + np.arange(table.n_rows)])
    if whole.index is not None:
        labels = frames.index_labels(whole, np.arange(whole.n_rows))
        check_unique(labels, "rows")
    return table, whole, labels


def check_unique(labels: Labels, rows: str) -> None:
    """Refuse labels of `rows` that repeat."""
    if len(set(labels.tolist())) < len(labels):
        raise InvalidArgumentError(
            f"{rows} would make index labels repeat, so that a label does not say which row is meant. Give "
            f"{rows} other labels, such as by reset_index(drop=True)."
        )


def labels_at(labels: Labels, row: Integers) -> Labels:
    """The labels of row numbers, null for -1, (n,)."""
    if labels.dtype == object or not len(labels):
        found = np.full(len(row), None, dtype=object)
        found[row >= 0] = labels[row[row >= 0]]
        return found
    return np.ma.masked_array(labels[np.maximum(row, 0)], mask=row < 0)
