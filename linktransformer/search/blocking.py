"""Blocking: only rows with equal keys are compared, and equal texts of one block are one node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Bools, Integers

__all__ = ["Nodes", "Pairing", "first_rows", "nodes", "nodes_of_rows", "pair_blocks"]


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """The units of search and decision: each different text once in each block.

    Args:
        text: The text of each node, (n_nodes,) int64.
        block: The block of each node, (n_nodes,) int64; 0 without blocking.
        node_of_row: The node of each row of the table, -1 for a row without key or block, (n_rows,) int64.
    """

    text: Integers
    block: Integers
    node_of_row: Integers

    def __len__(self) -> int:
        return len(self.text)

    def some(self, numbers: Integers) -> Nodes:
        """Some of the nodes, by rising numbers, renumbered; rows of other nodes have none."""
        new_number = np.full(len(self) + 1, -1, dtype=np.int64)  # the last one is for rows without a node
        new_number[numbers] = np.arange(len(numbers))
        return Nodes(self.text[numbers], self.block[numbers], new_number[self.node_of_row])

    def in_text_order(self, texts: Sequence[str]) -> Nodes:
        """The nodes numbered by text, then first row: ties in a search do not hang on the order of rows."""
        rank = np.empty(len(texts), dtype=np.int64)
        rank[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
        order = np.argsort(rank[self.text], kind="stable")
        new_number = np.full(len(self) + 1, -1, dtype=np.int64)  # the last one is for rows without a node
        new_number[order] = np.arange(len(order))
        return Nodes(self.text[order], self.block[order], new_number[self.node_of_row])

    @property
    def in_one_block(self) -> bool:
        """Whether all nodes have the same block."""
        return bool((self.block == self.block[:1]).all())


def nodes(text_of_row: Integers, block_of_row: Integers | None = None) -> Nodes:
    """Number the different (text, block) pairs of a table in order of first appearance.

    Texts and blocks of rows are (n_rows,) int64 with -1 for none; None is without blocking.

    Example:
        >>> nodes(np.array([5, -1, 5, 6]), np.array([0, 0, 1, 0])).node_of_row.tolist()
        [0, -1, 1, 2]
    """
    block, valid = _blocks(text_of_row, block_of_row)
    rows = np.flatnonzero(valid)
    node_of_row = np.full(len(text_of_row), -1, dtype=np.int64)
    if not len(rows):
        none = np.empty(0, dtype=np.int64)
        return Nodes(none, none, node_of_row)
    width = int(text_of_row.max()) + 1
    _, first, code = np.unique(
        block[rows] * width + text_of_row[rows], return_index=True, return_inverse=True
    )
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    node_of_row[rows] = rank[code]
    first_rows = rows[first[order]]
    return Nodes(text_of_row[first_rows].astype(np.int64), block[first_rows].astype(np.int64), node_of_row)


def nodes_of_rows(text_of_row: Integers, block_of_row: Integers | None = None) -> Nodes:
    """Make every row with a key a node, equal texts too, in order of rows; arguments as of `nodes`.

    Example:
        >>> nodes_of_rows(np.array([5, -1, 5])).node_of_row.tolist()
        [0, -1, 1]
    """
    block, valid = _blocks(text_of_row, block_of_row)
    return Nodes(text_of_row[valid], block[valid], np.where(valid, np.cumsum(valid) - 1, -1))


def _blocks(text_of_row: Integers, block_of_row: Integers | None) -> tuple[Integers, Bools]:
    """The block of each row, and which rows have a text and a block."""
    block = np.zeros_like(text_of_row) if block_of_row is None else block_of_row
    return block, (text_of_row >= 0) & (block >= 0)


def first_rows(nodes: Nodes) -> Integers:
    """The first row of each node, (n_nodes,) int64."""
    rows = np.flatnonzero(nodes.node_of_row >= 0)
    first = np.full(len(nodes), len(nodes.node_of_row), dtype=np.int64)
    np.minimum.at(first, nodes.node_of_row[rows], rows)
    return first


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """The blocks that both tables have, in rising order.

    Args:
        left: Left nodes in order of block; `left[left_start[b]:left_stop[b]]` are those of the b-th block.
        right: Right nodes in order of block, likewise.
        left_start: (n_blocks,) int64.
        left_stop: (n_blocks,) int64.
        right_start: (n_blocks,) int64.
        right_stop: (n_blocks,) int64.
        n_unshared: How many blocks only one table has.
    """

    left: Integers
    right: Integers
    left_start: Integers
    left_stop: Integers
    right_start: Integers
    right_stop: Integers
    n_unshared: int

    @property
    def areas(self) -> Integers:
        """Pairs of each block, (n_blocks,) int64."""
        return (self.left_stop - self.left_start) * (self.right_stop - self.right_start)


def pair_blocks(left: Nodes, right: Nodes) -> Pairing:
    """Pair the blocks of the left and the right table."""
    orders = [np.argsort(side.block, kind="stable") for side in (left, right)]
    shared = np.intersect1d(left.block, right.block)
    edges = [
        np.searchsorted(side.block[order], shared, end)
        for side, order in zip((left, right), orders, strict=True)
        for end in ("left", "right")
    ]
    n_unshared = len(np.union1d(left.block, right.block)) - len(shared)
    return Pairing(orders[0], orders[1], edges[0], edges[1], edges[2], edges[3], n_unshared)
