"""Constraints of clusters: rows that must be in one cluster, and rows that must not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from linktransformer import check
from linktransformer.arrays import Integers
from linktransformer.dedup.sources import Sources
from linktransformer.errors import InvalidArgumentError
from linktransformer.results.agglomerate import Apart, components, masks_of
from linktransformer.search import blocking
from linktransformer.tables import frames, key_columns, row_labels
from linktransformer.tables.frames import IntoDataFrame, Table

__all__ = ["HDBSCAN", "METHODS", "Constraints", "Pairs", "Rules", "Settled", "constraints", "settled"]

HDBSCAN = "hdbscan"
METHODS = ("average", "complete", "single", HDBSCAN)
Pairs: TypeAlias = IntoDataFrame | Iterable[Sequence[object]] | None  # labels of two rows each
MOST_VALUES = 4_096  # of a column of which a cluster has one row a value: a bit for each, in every row


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """How a table is clustered.

    Args:
        method: One of `METHODS`.
        one_per: A column of whose values a cluster has one row each at most; None for none.
        cannot_link: Pairs of rows that are never in one cluster, by index label; None for none.
        must_link: Pairs of rows that are always in one cluster, by index label; None for none.
        sources: The tables that were stacked to the one that is clustered; None for one table.

    Raises:
        InvalidArgumentError: They cannot work.
    """

    method: str = "average"
    one_per: str | None = None
    cannot_link: object = None
    must_link: object = None
    sources: Sources | None = None

    def __post_init__(self) -> None:
        check.one_of("method", self.method, METHODS)
        names = [name for name in ("one_per", "cannot_link", "must_link") if getattr(self, name) is not None]
        if self.sources is not None and (self.sources.once >= 0).any():
            names.append("duplicates")
        if self.method == HDBSCAN and names:
            raise InvalidArgumentError(
                f"method='hdbscan' takes no {'=, '.join(names)}=. Leave it out, or take method='average'."
            )
        if self.one_per is not None and not isinstance(self.one_per, str):
            raise InvalidArgumentError(
                f"one_per={check.shown(self.one_per)} is not a column name. Give one, such as 'source'."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """The rules as row numbers.

    Args:
        apart: Pairs of rows that are never in one cluster, (n_pairs, 2) int64.
        together: Pairs of rows that always are, (n_pairs, 2) int64.
        values: Numberings of rows, by the argument that they come from, of each number of which a cluster has
            one row at most; from 0, -1 for none, (n_rows,) int64 each.
    """

    apart: Integers
    together: Integers
    values: tuple[tuple[str, Integers], ...]

    def in_order(self, order: Integers) -> Constraints:
        """The constraints of the table with its rows in another order."""
        place = np.argsort(order)
        values = tuple((argument, value[order]) for argument, value in self.values)
        return Constraints(place[self.apart], place[self.together], values)


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """Nodes with their constraints, before they are compared.

    Args:
        nodes: What is clustered.
        apart: What must not be in one cluster; None for nothing.
        start: The cluster of each node to begin with, (n_nodes,) int64; None for one cluster a node.
        together: Pairs of rows that are in one cluster, with a key or without, (n_pairs, 2) int64.
    """

    nodes: blocking.Nodes
    apart: Apart | None
    start: Integers | None
    together: Integers

    def of_rows(self, rows: Integers) -> Settled:
        """The nodes of a table that has these rows in this order."""
        nodes = replace(self.nodes, node_of_row=self.nodes.node_of_row[rows])
        return replace(self, nodes=nodes, together=np.argsort(rows)[self.together])


def constraints(table: Table, rules: Rules) -> Constraints:
    """Find the rows that the rules name.

    Raises:
        ColumnNotFoundError: There is no such column.
        InvalidArgumentError: A label is that of no row or of several; a column has too many values; rows that
            must be in one cluster must not be in one, too.
    """
    sources = rules.sources
    values = []
    if rules.one_per is not None:
        frames.check_columns(table, [rules.one_per], "one_per")
        of_column = key_columns.codes(table, table, [rules.one_per], [rules.one_per])[0]
        values.append((f"one_per={rules.one_per!r}", of_column))
    if sources is not None and (sources.once >= 0).any():
        values.append(("duplicates=", sources.once))
    for argument, value in values:
        if int(value.max(initial=-1)) >= MOST_VALUES:
            raise InvalidArgumentError(
                f"{argument} has {int(value.max()) + 1} different values; {MOST_VALUES} are the most. Give a "
                "column such as the source or the year of a row."
            )
    pairs = []
    for argument in ("cannot_link", "must_link"):
        labels = getattr(rules, argument)
        if labels is None:
            pairs.append(np.empty((0, 2), dtype=np.int64))
        elif sources is None:
            pairs.append(row_labels.rows_of_pairs(table, labels, argument))
        else:
            pairs.append(sources.rows_of_pairs(labels, argument))
    rows = Constraints(pairs[0], pairs[1], tuple(values))
    _check(rows, table, sources)
    return rows


def settled(rows: Constraints, text_of_row: Integers, block_of_row: Integers | None) -> Settled:
    """Number the rows as nodes, and bring their constraints to nodes.

    Rows of equal text are one node, unless something must be apart: then every row with a key is one.
    """
    apart = bool(len(rows.apart) or rows.values)
    nodes = (blocking.nodes_of_rows if apart else blocking.nodes)(text_of_row, block_of_row)
    start, node = None, nodes.node_of_row
    if len(rows.together):
        group = components(len(node), *rows.together.T)
        start = _start(nodes, group)
        node = _with_group(node, group)
    if not apart:
        return Settled(nodes, None, start, rows.together)
    ends = node[rows.apart]
    ends = ends[(ends >= 0).all(axis=1) & (ends[:, 0] != ends[:, 1])]
    has = np.flatnonzero(node >= 0)
    words = [masks_of(len(nodes), node[has], value[has]) for _, value in rows.values]
    masks = np.hstack([np.zeros((len(nodes), 0), dtype=np.uint64), *words])
    return Settled(nodes, Apart(ends[:, 0], ends[:, 1], masks), start, rows.together)


def _start(nodes: blocking.Nodes, group: Integers) -> Integers:
    """Nodes whose rows must be together, also by way of rows without a key."""
    rows = np.flatnonzero(nodes.node_of_row >= 0)
    n = len(nodes)
    return components(n + len(group), nodes.node_of_row[rows], n + group[rows])[:n]


def _with_group(node: Integers, group: Integers) -> Integers:
    """The node of each row; of a row without one that of a row that it must be together with."""
    first = np.full(len(group), np.iinfo(np.int64).max)
    has = np.flatnonzero(node >= 0)
    np.minimum.at(first, group[has], node[has])
    other = first[group]
    return np.where((node < 0) & (other < np.iinfo(np.int64).max), other, node)


def _check(rows: Constraints, table: Table, sources: Sources | None) -> None:
    """Refuse rows that must be in one cluster and must not."""
    if not len(rows.together):
        return
    group = components(table.n_rows, *rows.together.T)
    contradicted = rows.apart[
        (group[rows.apart[:, 0]] == group[rows.apart[:, 1]]) & (rows.apart[:, 0] != rows.apart[:, 1])
    ]
    against = [("cannot_link", contradicted)]
    for argument, value in rows.values:
        has = np.flatnonzero(value >= 0)
        order = has[np.lexsort((has, value[has], group[has]))]
        same = (group[order][1:] == group[order][:-1]) & (value[order][1:] == value[order][:-1])
        repeated = np.stack([order[:-1][same], order[1:][same]], axis=1)
        against.append((argument, repeated[np.argsort(repeated[:, 0])]))
    total = sum(len(pairs) for _, pairs in against)
    if not total:
        return
    argument, pairs = next((argument, pairs) for argument, pairs in against if len(pairs))
    one, other = sources.labels(pairs[0]) if sources else frames.index_labels(table, pairs[0]).tolist()
    raise InvalidArgumentError(
        f"must_link contradicts {argument} for the rows {one!r} and {other!r}, which must_link puts in one "
        f"cluster, directly or through other rows (pairs of rows like that: {total}). Take pairs out of "
        "must_link, or lift the other rule."
    )
