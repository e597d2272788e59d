"""The views of two tables: lexical, lexical of the first column, dense; and how far each spreads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import lexical
from linktransformer.blocking import Nodes
from linktransformer.pairwise import pair_scores
from linktransformer.records import Records
from linktransformer.search import Candidates, search, sparse_neighbours

__all__ = [
    "Views",
    "in_text_order",
    "lead",
    "rivals",
    "sparse",
    "sparse_of_one",
    "spread",
    "texts_of",
]

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]

WHOLE_UP_TO = 2e10  # pairs of a table with itself that are multiplied to see what is near in it
SAMPLE = 20_000  # random pairs from which the spread of a view is measured


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Matrices by view.

    Args:
        matrices: Name -> (left, right) over texts, the first one the leading view.
        notes: What was left out and why, for the report.
    """

    matrices: Mapping[str, tuple[Any, Any]]
    notes: Mapping[str, str] = field(default_factory=dict)


def sparse(records: tuple[Records, Records], heads: tuple[list[str], list[str]] | None) -> Views:
    """Make the views that need no model.

    Args:
        records: Texts of the left and of the right table.
        heads: The first key column of each text, where rows have several columns.

    Returns:
        Lexical vectors, then those of the first column.
    """
    view = lexical.fit(list(records[0].texts), list(records[1].texts))
    matrices: dict[str, tuple[Any, Any]] = {"lexical": (view.left, view.right)}
    notes: dict[str, str] = {}
    if heads is not None:
        if all(len(set(side)) * 2 >= len(side) for side in heads):
            head = lexical.fit(heads[0], heads[1])
            matrices["first column"] = (head.left, head.right)
        else:
            notes["first column"] = "left out: most rows share its value with other rows"
    return Views(matrices, notes)


def sparse_of_one(records: Records, heads: list[str] | None) -> Views:
    """As `sparse`, for a table that is compared with itself.

    Args:
        records: Its texts.
        heads: As for `sparse`.

    Returns:
        Views whose left and right matrices are one.
    """
    nobody: list[str] = []
    matrices = {"lexical": lexical.fit(records.texts.tolist(), nobody).left}
    notes: dict[str, str] = {}
    if heads is not None and len(set(heads)) * 2 >= len(heads):
        matrices["first column"] = lexical.fit(heads, nobody).left
    elif heads is not None:
        notes["first column"] = "left out: most rows share its value with other rows"
    return Views({name: (matrix, matrix) for name, matrix in matrices.items()}, notes)


def texts_of(records: Records, others: Records) -> list[str]:
    """Say each text of a table in another way: as the first row that has it is written there.

    Args:
        records: Texts of all key columns.
        others: Texts of the same table's rows, of fewer columns or by another serializer.

    Returns:
        One text for each of `records.texts`, "" where the other one is empty.
    """
    rows = np.flatnonzero(records.text_of_row >= 0)
    _, first = np.unique(records.text_of_row[rows], return_index=True)
    places = others.text_of_row[rows[first]]
    return [others.texts[place] if place >= 0 else "" for place in places.tolist()]


def spread(
    views: Views, nodes: tuple[Nodes, Nodes], records: tuple[Records, Records], *, seed: int = 0
) -> dict[str, float]:
    """The standard deviation of each view's score over all pairs, from a random sample of them.

    The sample does not depend on the order of the rows.

    Args:
        views: The matrices.
        nodes: Nodes of the left and of the right table, at least one each.
        records: Their texts.
        seed: Of the sample.

    Returns:
        One number for each view.
    """
    a, b = _random_pairs(nodes, records, seed)
    return {name: float(pair_scores(x, y, a, b).std()) for name, (x, y) in views.matrices.items()}


def _random_pairs(
    nodes: tuple[Nodes, Nodes], records: tuple[Records, Records], seed: int
) -> tuple[Integers, Integers]:
    draw = np.random.default_rng(seed)
    a, b = (
        in_text_order(of, side.text)[draw.integers(0, len(side), SAMPLE)]
        for side, of in zip(nodes, records, strict=True)
    )
    return a, b


def in_text_order(records: Records, texts: Integers) -> Integers:
    """Sort texts by what they say: an order that does not depend on that of the rows.

    Args:
        records: The texts.
        texts: Their numbers, (n,) int64.

    Returns:
        The same numbers, sorted.
    """
    return np.array(sorted(texts.tolist(), key=records.texts.__getitem__), dtype=np.int64)


def lead(
    views: Views, candidates: Candidates, nodes: Nodes, side: int, device: str | None = None
) -> Callable[[Integers], Floats]:
    """How much nearer a node is to its partner than to any other node of its own table and block.

    Args:
        views: The matrices.
        candidates: The pairs.
        nodes: Nodes of the table in question.
        side: 0 for the left table, 1 for the right one.
        device: As for `search`.

    Returns:
        A function from places among the candidates, (n,) int64, to differences of cosines, (n,) float32.
        It searches the table in itself by n-grams, and costs about as much as the search from that side.
    """
    matrix = views.matrices["lexical"][side]
    node_of_pair = (candidates.left, candidates.right)[side]

    def of(pairs: Integers) -> Floats:
        node, place = np.unique(node_of_pair[pairs], return_inverse=True)
        whole = bool((nodes.block == nodes.block[0]).all())
        rival = rivals(matrix, nodes, node, whole, device)
        difference: Floats = candidates.views["lexical"][pairs] - rival[place]
        return difference

    return of


def rivals(matrix: Any, nodes: Nodes, node: Integers, whole: bool, device: str | None = None) -> Floats:
    """How near the nearest other node of a node's own table and block is.

    Args:
        matrix: The n-grams of the table's texts.
        nodes: Its nodes.
        node: Which nodes, in rising order, (n,) int64.
        whole: All nodes are in one block.
        device: As for `search`.

    Returns:
        Cosines, 0 where there is no other one, (n,) float32.
    """
    rival = np.zeros(len(node), dtype=np.float32)
    if whole:
        text = nodes.text[node]
        query, item, score, _ = sparse_neighbours(
            matrix[text], matrix, 2, device=device, exact_up_to=WHOLE_UP_TO, share=0.8
        )
        other = item != text[query]
    else:
        some = Nodes(nodes.text[node], nodes.block[node], np.arange(len(node)))
        found = search({"lexical": (matrix, matrix)}, some, nodes, 2, device=device)
        query, score = found.left, found.views["lexical"]
        other = node[found.left] != found.right
    np.maximum.at(rival, query[other], score[other])
    return rival
