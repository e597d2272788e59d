"""New rows against a reference: their nearest nodes, one score, and the decision, each row by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.fused import BELOW_ONE, Fused
from linktransformer.estimators import reference_pictures
from linktransformer.estimators.reference import Asked, Reference
from linktransformer.linking import resolve_links
from linktransformer.results.links import Links
from linktransformer.search import candidate_search, lexical
from linktransformer.search.blocking import Nodes
from linktransformer.search.pair_products import pair_scores

__all__ = ["Searched", "linked", "nearest", "neighbours", "score_of", "scored"]

BLOCK = 2**25  # scores at a time: 128 MiB


class Searched(Protocol):
    """Records that are searched."""

    @property
    def nodes(self) -> Nodes:
        """Them, with their blocks."""

    @property
    def matrices(self) -> Mapping[str, Any]:
        """By view, the vectors of their texts."""

    @property
    def postings(self) -> dict[str, sp.csr_matrix]:
        """The texts of each n-gram, by view."""

    @property
    def n_blocks(self) -> int | None:
        """How many blocks there are, None without blocks."""

    @property
    def nodes_of_blocks(self) -> tuple[Integers, Integers]:
        """Records in order of block, and where each block starts."""


def scored(reference: Reference, asked: Asked, k: int, *, threads: int | None = None) -> Fused:
    """Find the k nearest nodes of the reference in each view, and score them by fixed weights.

    Args:
        reference: The reference.
        asked: The rows.
        k: Neighbours in each view.
        threads: For n-grams; None is one for a few rows and all cores for many.

    Returns:
        The candidates and their score.
    """
    left, right = neighbours(reference, asked.nodes, asked.matrices, k, threads=threads)
    return score_of(reference, asked, left, right, {"k": k, "index": "exact"})


def neighbours(
    items: Searched,
    nodes: Nodes,
    matrices: Mapping[str, Any],
    k: int,
    *,
    threads: int | None = None,
) -> tuple[Integers, Integers]:
    """Find the k nearest items of each record in each view.

    Args:
        items: What is searched.
        nodes: The records that are asked.
        matrices: By view, the vectors of their texts.
        k: Neighbours in each view.
        threads: For n-grams; None is one for a few rows and all cores for many.

    Returns:
        Records and items, sorted, (n_pairs,) int64 each. What a record finds does not depend on the others.
    """
    found = nearest(items, nodes, matrices, k, threads=threads)
    width = max(1, len(items.nodes))
    none = np.empty(0, dtype=np.int64)
    code = np.unique(np.concatenate([none, *(a * width + b for a, b in found)]))
    return code // width, code % width


def nearest(
    items: Searched,
    nodes: Nodes,
    matrices: Mapping[str, Any],
    k: int,
    *,
    threads: int | None = None,
) -> list[tuple[Integers, Integers]]:
    """As `neighbours`, for each view and block by itself.

    Args:
        items: What is searched.
        nodes: The records that are asked.
        matrices: By view, the vectors of their texts.
        k: Neighbours in each view.
        threads: Of the search; None uses all cores, or one where there is little to do.

    Returns:
        Records and items, sorted by record, the nearest item first.
    """
    found: list[tuple[Integers, Integers]] = []
    for queries, some in _groups(items, nodes):
        for name, vectors in matrices.items():
            mine: Any = vectors[nodes.text[queries]]
            theirs: Any = items.matrices[name]
            if some is not None:
                theirs = theirs[items.nodes.text[some]]
            if sp.issparse(vectors):
                postings = items.postings[name] if some is None else None
                many = threads or (1 if len(queries) < 64 else None)
                a, b, _ = lexical.sparse_top_k(mine, theirs, k, threads=many, postings=postings)
            else:
                a, b = _dense_top_k(mine, theirs, k)
            found.append((queries[a], b if some is None else some[b]))
    return found


def score_of(
    reference: Reference, asked: Asked, left: Integers, right: Integers, report: dict[str, Any] | None = None
) -> Fused:
    """Score pairs by fixed weights.

    Args:
        reference: The reference.
        asked: The rows.
        left: Asked node of each pair, (n_pairs,) int64.
        right: Node of the reference.
        report: How they were found.

    Returns:
        The pairs and their score.
    """
    a, b = asked.nodes.text[left], reference.nodes.text[right]
    every = {
        name: np.clip(pair_scores(of, reference.matrices[name], a, b), -1, 1)
        for name, of in asked.matrices.items()
    }
    found = candidate_search.Candidates(
        left, right, every, len(asked.nodes), len(reference.nodes), report or {}
    )
    if reference.shown is not None:
        found = reference_pictures.scored_views(reference, asked, found)
    score = np.zeros(len(found), dtype=np.float32)
    for name, weight in reference.weights.items():
        score += np.float32(weight) * found.views[name]
    return Fused(found, np.minimum(score, BELOW_ONE))


def linked(reference: Reference, asked: Asked, fused: Fused) -> Links:
    """The decision with all its evidence.

    Args:
        reference: The reference.
        asked: The rows.
        fused: From `scored`.

    Returns:
        The links, rows asked on the left, the reference on the right.
    """
    details: dict[str, Any] = {
        **reference.details,
        "left_on": list(reference.keys.queries),
        "right_on": list(reference.keys.reference),
        "validate": "m:1",
        "rows_cut": asked.records.n_cut + reference.records.n_cut,
        "weights": {name: round(weight, 4) for name, weight in reference.weights.items()},
        "search": dict(fused.candidates.report),
    }
    tables = replace(asked.table, name="left"), replace(reference.table, name="right")
    nodes = asked.nodes, reference.nodes
    return resolve_links.decided(tables, nodes, fused, "m:1", reference.threshold, details)


def _groups(items: Searched, nodes: Nodes) -> list[tuple[Integers, Integers | None]]:
    """Which asked records are compared with which items; None is all of them."""
    if not len(items.nodes) or not len(nodes):
        return []
    if items.n_blocks is None:
        return [(np.arange(len(nodes)), None)]
    order, starts = items.nodes_of_blocks
    groups: list[tuple[Integers, Integers | None]] = []
    mine = np.argsort(nodes.block, kind="stable")
    edges = np.flatnonzero(np.diff(nodes.block[mine], prepend=-1))
    for queries in np.split(mine, edges[1:]):
        block = int(nodes.block[queries[0]])
        if block < items.n_blocks and starts[block + 1] > starts[block]:
            groups.append((queries, np.sort(order[starts[block] : starts[block + 1]])))
    return groups


def _dense_top_k(queries: Floats, items: Floats, k: int) -> tuple[Integers, Integers]:
    """The k nearest items of each query by scores that do not depend on which queries stand beside it.

    A product of matrices rounds by their shapes. It only finds all items that may be among the k nearest;
    these are computed again, one by one.
    """
    k, (n, d) = min(k, len(items)), queries.shape
    margin = np.float32(max(1, d) * 2.0**-22)  # more than two sums of d products can be apart by rounding
    found = np.empty((n, k), dtype=np.int64)
    step = max(1, BLOCK // len(items))
    for start in range(0, n, step):
        part = queries[start : start + step]
        every = (items @ part[0])[None] if len(part) == 1 else part @ items.T
        for place, score in enumerate(every):
            kth = np.partition(score, len(items) - k)[len(items) - k]
            near = np.flatnonzero(score >= kth - margin)
            exact = np.einsum("ij,ij->i", np.repeat(part[place : place + 1], len(near), axis=0), items[near])
            found[start + place] = near[np.lexsort((near, -exact))[:k]]
    return np.repeat(np.arange(n), k), found.ravel()
