"""Candidates: for every record its nearest ones in the other table, in each view and both ways."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np
import scipy.sparse as sp

from linktransformer import progress
from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.search import faiss_index, lsh_forest
from linktransformer.search.blocking import Nodes, Pairing, pair_blocks
from linktransformer.search.exact import exact_top_k
from linktransformer.search.gpu_devices import cards, if_it_fits
from linktransformer.search.lexical import pruned_top_k, sparse_top_k
from linktransformer.search.pair_products import pair_scores

__all__ = ["Candidates", "merged", "rows_of", "search", "sparse_neighbours"]

View = tuple[Any, Any]  # left and right matrix, sparse or dense, over texts
Pairs = tuple[Integers, Integers]
Scored = tuple[Pairs, Mapping[str, Floats]]  # pairs with their scores in some views

PRUNED_FROM = 2e7  # pairs: above, frequent n-grams are left out of the search, not of the scores
SHARE = 0.9
SMALL_BLOCK = 4096  # pairs: below, a block is enumerated; above, it is searched
FAISS_FROM = 2e9  # multiplications: below, NumPy is as quick and exact
MEMORY = 2**30


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Pairs of nodes that may be links, sorted by left node and then right node.

    Args:
        left: Left nodes, (n,) int64.
        right: Right nodes, (n,) int64.
        views: The score of every pair in every view, (n,) float32 each.
        n_left: Nodes of the left table.
        n_right: Nodes of the right table.
        report: How it was searched.
    """

    left: Integers
    right: Integers
    views: Mapping[str, Floats]
    n_left: int
    n_right: int
    report: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.left)


def search(
    views: Mapping[str, View],
    left: Nodes,
    right: Nodes,
    k: int,
    *,
    memory_limit: int | None = None,
    device: str | None = None,
    known: Candidates | None = None,
    same: bool = False,
) -> Candidates:
    """Find each node's k nearest nodes of the other table in every view, and score all in all views.

    Args:
        views: By name, the matrices of the left and of the right texts: unit rows, sparse or dense.
        left: Nodes of the left table.
        right: Nodes of the right table.
        k: Neighbours of a node in each view and direction.
        memory_limit: Bytes for the search beside its input and its result; None is 1 GiB.
        device: "cpu" keeps the search off the GPU.
        known: Candidates of the same nodes; their pairs are kept, and the views that they have are not
            searched again.
        same: Both sides are one table: no node is a candidate of itself, and a pair has its lower node on
            the left.

    Returns:
        The candidates. A pair that has nothing in common in any sparse view and is near in no dense one
        is not among them.
    """
    memory = memory_limit or MEMORY
    k += same  # each is its own nearest
    began = time.perf_counter()
    report: dict[str, Any] = dict(known.report) if known else {"k": k}
    scored: list[Scored] = [((known.left, known.right), known.views)] if known else []
    new = {name: view for name, view in views.items() if known is None or name not in known.views}
    pairing = pair_blocks(left, right)
    if len(pairing.left_start) <= 1 and not pairing.alone:
        with progress.stage("search", len(new) * (len(left) + (0 if same else len(right)))):
            found = _search_all(new, left.text, right.text, k, memory, device, report, same=same)
    else:
        found, enumerated = _search_blocks(new, left, right, pairing, k, memory, device, report, same=same)
        scored += enumerated
    if same:
        found = [_lower_left(pairs) for pairs in found]
        scored = [_only_lower_left(part) for part in scored]
    with progress.stage("similarities"):
        pairs = _union([*found, *(known_pairs for known_pairs, _ in scored)], len(right))
        scores = {
            name: _scores(name, view, left.text, right.text, pairs, scored, len(right), memory, device)
            for name, view in views.items()
        }
    report["seconds"] = round(report.get("seconds", 0.0) + time.perf_counter() - began, 3)
    return Candidates(*pairs, scores, len(left), len(right), report)


def merged(
    found: Candidates, more: Pairs, views: Mapping[str, View], nodes: tuple[Nodes, Nodes]
) -> Candidates:
    """Add pairs to candidates.

    Args:
        found: The candidates.
        more: Left and right nodes of pairs.
        views: Those of the candidates, in which the new pairs are scored.
        nodes: Of the left and of the right table.

    Returns:
        All, each pair once.
    """
    pairs = _union([(found.left, found.right), more], found.n_right)
    known: list[Scored] = [((found.left, found.right), found.views)]
    given = nodes[0].text, nodes[1].text, pairs, known, found.n_right, MEMORY, "cpu"
    scores = {name: _scores(name, view, *given) for name, view in views.items()}
    return Candidates(*pairs, scores, found.n_left, found.n_right, found.report)


def _scores(
    name: str,
    view: View,
    left: Integers,
    right: Integers,
    pairs: Pairs,
    scored: list[Scored],
    width: int,
    memory: int,
    device: str | None,
) -> Floats:
    """The score of each pair in a view: looked up where it is known, else computed."""
    score = np.zeros(len(pairs[0]), dtype=np.float32)
    missing = np.ones(len(score), dtype=bool)
    code = pairs[0] * width + pairs[1] if scored else pairs[0]
    for (a, b), known in scored:
        if name in known:
            place = np.searchsorted(code, a * width + b)
            score[place], missing[place] = known[name], False
    rest = np.flatnonzero(missing)
    if len(rest):
        score[rest] = pair_scores(
            *view, left[pairs[0][rest]], right[pairs[1][rest]], memory=memory, device=device
        )
    return score


def _search_all(
    views: Mapping[str, View],
    left: Integers,
    right: Integers,
    k: int,
    memory: int,
    device: str | None,
    report: dict[str, Any],
    *,
    same: bool,
) -> list[Pairs]:
    """Search nodes against nodes without blocks: nodes are texts, in some order."""
    found: list[Pairs] = []
    for name, (of_left, of_right) in views.items():
        a = rows_of(of_left, left)
        b = a if same else rows_of(of_right, right)
        found.append(_top_pairs(name, a, b, k, memory, device, report))
        if same:
            continue
        backward = _top_pairs(name, b, a, k, memory, device, report)
        found.append((backward[1], backward[0]))
    return found


def rows_of(matrix: Any, which: Integers) -> Any:
    """Rows of a matrix; itself, and no copy, where they are all: it may be on disk.

    Args:
        matrix: (n, d), sparse or dense.
        which: Rows, (m,) int64.

    Returns:
        (m, d).
    """
    if len(which) == matrix.shape[0] and (which == np.arange(len(which))).all():
        return matrix
    return matrix[which]


def _top_pairs(
    name: str, queries: Any, items: Any, k: int, memory: int, device: str | None, report: dict[str, Any]
) -> Pairs:
    if sp.issparse(queries):
        sparse = cast("sp.csr_matrix", queries)
        query, item, _, how = sparse_neighbours(sparse, items, k, device=device)
        report[name] = how
        return query, item
    work = float(queries.shape[0]) * items.shape[0] * queries.shape[1]
    found = None
    if on := cards(device, work):
        from linktransformer.search import gpu_search  # torch

        found = if_it_fits("dense search", lambda: gpu_search.top_k(queries, items, k, device=on))
        device = "cpu"  # where our search has no room FAISS has none
    if found is None and work > FAISS_FROM and faiss_index.available():
        found = faiss_index.top_k(queries, items, k, device=device)
    if found is not None:
        rows, _, report[name] = found
    else:
        rows, _ = exact_top_k(queries, items, k, memory_limit=memory // 4)
        report[name] = {"index": "exact, NumPy"}
    query = np.repeat(np.arange(len(rows), dtype=np.int64), rows.shape[1])
    item = rows.ravel()
    return query[item >= 0], item[item >= 0]


def sparse_neighbours(
    queries: sp.csr_matrix,
    items: sp.csr_matrix,
    k: int,
    *,
    device: str | None = None,
    exact_up_to: float | None = None,
    share: float = SHARE,
) -> tuple[Integers, Integers, Floats, dict[str, Any]]:
    """Find the k rows with the largest positive inner product for each query, in the way that suits the size.

    Args:
        queries: (n, d) float32, unit rows.
        items: (m, d) float32, unit rows.
        k: How many at most.
        device: "cpu" keeps the search off the GPU.
        exact_up_to: Pairs up to which all are multiplied where there is no GPU; None is 2e9.
        share: Of the weight of a query's n-grams that is compared where there are many pairs.

    Returns:
        As `lexical.sparse_top_k`, and how it was searched; above the limit with the recall on a sample.
    """
    pairs = float(queries.shape[0]) * items.shape[0]
    on = cards(device, 100 * pairs) if pairs > lsh_forest.EXACT_UP_TO else []
    if on:
        from linktransformer.search import gpu_pairs, gpu_sparse  # torch

        if gpu_pairs.possible(on[0], queries, items):
            found = if_it_fits("sparse search", lambda: gpu_sparse.top_k(queries, items, k, device=on[0]))
            if found is not None:
                return found
    if pairs > (lsh_forest.EXACT_UP_TO if exact_up_to is None else exact_up_to):
        return lsh_forest.top_k(queries, items, k)
    if pairs > PRUNED_FROM:
        how = {"index": f"sparse product, the rarest n-grams ({share:g} of a text's weight)"}
        return *pruned_top_k(queries, items, k, share), how
    return *sparse_top_k(queries, items, k), {"index": "exact sparse product"}


def _lower_left(pairs: Pairs) -> Pairs:
    """Pairs of one table, each with its lower node on the left; none of a node with itself."""
    apart = pairs[0] != pairs[1]
    a, b = pairs[0][apart], pairs[1][apart]
    return np.minimum(a, b), np.maximum(a, b)


def _only_lower_left(scored: Scored) -> Scored:
    (a, b), scores = scored
    return (a[a < b], b[a < b]), {name: score[a < b] for name, score in scores.items()}


def _union(found: list[Pairs], width: int) -> Pairs:
    if not found:
        none = np.empty(0, dtype=np.int64)
        return none, none
    code = np.concatenate([a * max(1, width) + b for a, b in found])
    code.sort()  # many times quicker than np.unique, which hashes
    code = code[np.append(True, code[1:] != code[:-1])[: len(code)]]
    return code // max(1, width), code % max(1, width)


def _search_blocks(
    views: Mapping[str, View],
    left: Nodes,
    right: Nodes,
    pairing: Pairing,
    k: int,
    memory: int,
    device: str | None,
    report: dict[str, Any],
    *,
    same: bool,
) -> tuple[list[Pairs], list[Scored]]:
    """Enumerate the pairs of small blocks all at once; search large blocks one by one."""
    small = pairing.areas <= SMALL_BLOCK
    report.update(blocks=len(small), blocks_without_partner=pairing.alone)
    with progress.stage("search"):
        enumerated = _enumerate_small(views, left, right, pairing, k, memory)
    found: list[Pairs] = []
    rest = dict(views)
    for name, view in views.items():
        work = float(pairing.areas[~small].sum()) * view[0].shape[1]
        if on := [] if sp.issparse(view[0]) else cards(device, work):
            blocks = partial(_dense_blocks, view, left, right, pairing, ~small, k, on, same=same)
            if (made := if_it_fits("dense search", blocks)) is not None:
                pairs_of_view, report[name] = made
                found += pairs_of_view
                del rest[name]
    large = np.flatnonzero(~small) if rest else np.empty(0, dtype=np.int64)
    n = pairing.left_stop[large] - pairing.left_start[large]
    if not same:
        n = n + pairing.right_stop[large] - pairing.right_start[large]
    with progress.stage("search", len(rest) * int(n.sum())):
        for block in large:
            a = pairing.left[pairing.left_start[block] : pairing.left_stop[block]]
            b = pairing.right[pairing.right_start[block] : pairing.right_stop[block]]
            for pairs in _search_all(rest, left.text[a], right.text[b], k, memory, device, report, same=same):
                found.append((a[pairs[0]], b[pairs[1]]))
    return found, enumerated


def _dense_blocks(
    view: View,
    left: Nodes,
    right: Nodes,
    pairing: Pairing,
    large: Bools,
    k: int,
    on: list[str],
    *,
    same: bool,
) -> tuple[list[Pairs], dict[str, Any]]:
    """Search all large blocks at once on a card, and how."""
    from linktransformer.search import gpu_search  # torch

    codes = left.block[pairing.left[pairing.left_start[large]]]
    a, b = np.flatnonzero(np.isin(left.block, codes)), np.flatnonzero(np.isin(right.block, codes))
    sides = (view[0][left.text[a]], left.block[a]), (view[1][right.text[b]], right.block[b])
    found: list[Pairs] = []
    how: dict[str, Any] = {}
    for way in (1,) if same else (1, -1):
        (queries, of_query), (items, of_item) = sides[::way]
        rows, _, how = gpu_search.top_k(queries, items, k, blocks=(of_query, of_item), device=on)
        query = np.repeat(np.arange(len(rows), dtype=np.int64), rows.shape[1])[rows.ravel() >= 0]
        item = rows.ravel()[rows.ravel() >= 0]
        found.append((a[query], b[item]) if way == 1 else (a[item], b[query]))
    return found, how


def _enumerate_small(
    views: Mapping[str, View], left: Nodes, right: Nodes, pairing: Pairing, k: int, memory: int
) -> list[Scored]:
    found: list[Scored] = []
    blocks = np.flatnonzero(pairing.areas <= SMALL_BLOCK)
    limit = max(SMALL_BLOCK, min(2**21, memory // 256))
    part = np.cumsum(pairing.areas[blocks]) // limit
    for number in np.unique(part):
        a, b = _all_pairs(pairing, blocks[part == number])
        keep = np.zeros(len(a), dtype=bool)
        scores: dict[str, Floats] = {}
        for name, (of_left, of_right) in views.items():
            score = pair_scores(of_left, of_right, left.text[a], right.text[b], memory=memory)
            some = np.flatnonzero(score > 0) if sp.issparse(of_left) else np.arange(len(score))
            keep[some[_k_best(a[some], b[some], score[some], k)]] = True
            keep[some[_k_best(b[some], a[some], score[some], k)]] = True
            scores[name] = score
        found.append(((a[keep], b[keep]), {name: score[keep] for name, score in scores.items()}))
    return found


def _all_pairs(pairing: Pairing, blocks: Integers) -> Pairs:
    """Every pair of left and right node within each of the blocks."""
    height = pairing.left_stop[blocks] - pairing.left_start[blocks]
    width = pairing.right_stop[blocks] - pairing.right_start[blocks]
    area = height * width
    block = np.repeat(np.arange(len(blocks)), area)
    place = np.arange(area.sum()) - np.repeat(np.cumsum(area) - area, area)
    a = pairing.left[pairing.left_start[blocks][block] + place // width[block]]
    b = pairing.right[pairing.right_start[blocks][block] + place % width[block]]
    return a, b


def _k_best(group: Integers, other: Integers, score: Floats, k: int) -> Integers:
    """The places of the k best pairs of each group; ties go to the lower other."""
    if not len(group) or np.bincount(group).max() <= k:
        return np.arange(len(group))
    order = np.lexsort((other, -score, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    place = np.arange(len(group)) - np.repeat(starts, np.diff(np.append(starts, len(group))))
    return np.asarray(order[place < k])
