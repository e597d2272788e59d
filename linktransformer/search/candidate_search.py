"""Candidates: for every record its nearest ones in the other table, in each view and both ways."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Floats, Integers
from linktransformer.search.blocking import Nodes, Pairing, pair_blocks
from linktransformer.search.gpu.devices import gpus, if_it_fits
from linktransformer.search.groups import best_places
from linktransformer.search.matrices import Matrix, Pairs, Passages, Report, as_dense
from linktransformer.search.pair_products import MEMORY
from linktransformer.search.views import Index, Settings, View

__all__ = ["Candidates", "merged", "search"]

Scored = tuple[Pairs, Mapping[str, Floats]]  # pairs with their scores in some views

SMALL_BLOCK = 4096  # pairs: below, a block is enumerated; above, it is searched


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
    report: Mapping[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.left)


def search(
    views: Mapping[str, tuple[Matrix, Matrix]],
    left: Nodes,
    right: Nodes,
    k: int,
    *,
    memory_limit: int | None = None,
    device: str | None = None,
    same: bool = False,
    index: Index = "auto",
) -> Candidates:
    """Find each node's k nearest nodes of the other table in every view, and score all in all views.

    Args:
        views: By name, the matrices of the left and of the right texts: unit rows, sparse or dense.
        left: Nodes of the left table.
        right: Nodes of the right table.
        k: Neighbours of a node in each view and direction.
        memory_limit: Bytes for the search beside its input and its result; None is 1 GiB.
        device: "cpu" keeps the search off the GPU.
        same: Both sides are one table: no node is a candidate of itself, and a pair has its lower node on
            the left.
        index: As in `Settings`.

    Returns:
        The candidates. A pair that has nothing in common in any sparse view and is near in no dense one
        is not among them.
    """
    settings = Settings(k + same, memory_limit or MEMORY, device, index)  # each node is its own nearest
    began = time.perf_counter()
    named = {name: View(*matrices) for name, matrices in views.items()}
    pairing = pair_blocks(left, right)
    enumerated: list[Scored] = []
    if len(pairing.left_start) <= 1 and not pairing.n_unshared:
        with progress.stage("search", len(views) * (len(left) + (0 if same else len(right)))):
            nearest, report = _search_texts(named, (left.text, right.text), settings, same=same)
    else:
        with progress.stage("search"):
            enumerated = _enumerate_small(named, left, right, pairing, settings)
        nearest, report = _search_large(named, left, right, pairing, settings, same=same)
    if same:
        nearest = [_lower_left(pairs) for pairs in nearest]
        enumerated = [_only_lower_left(scored) for scored in enumerated]
    with progress.stage("similarities"):
        pairs = _union([*nearest, *(pairs for pairs, _ in enumerated)], len(right))
        scores = {
            name: _scores(name, view, (left, right), pairs, enumerated, settings.memory, device)
            for name, view in named.items()
        }
    report = {"k": settings.k, **report, "seconds": round(time.perf_counter() - began, 3)}
    return Candidates(*pairs, scores, len(left), len(right), report)


def merged(
    candidates: Candidates,
    more: Pairs,
    views: Mapping[str, tuple[Matrix, Matrix]],
    nodes: tuple[Nodes, Nodes],
) -> Candidates:
    """Add pairs of left and right nodes to candidates, each pair once, scored in the candidates' views."""
    before = candidates.left, candidates.right
    pairs = _union([before, more], candidates.n_right)
    scores = {
        name: _scores(name, View(*matrices), nodes, pairs, [(before, candidates.views)])
        for name, matrices in views.items()
    }
    return Candidates(*pairs, scores, candidates.n_left, candidates.n_right, candidates.report)


def _scores(
    name: str,
    view: View,
    nodes: tuple[Nodes, Nodes],
    pairs: Pairs,
    scored: Sequence[Scored],
    memory: int = MEMORY,
    device: str | None = "cpu",
) -> Floats:
    """The score of each pair in a view: looked up where it is known, else computed."""
    width = len(nodes[1])
    score = np.zeros(len(pairs[0]), dtype=np.float32)
    missing = np.ones(len(score), dtype=bool)
    code = pairs[0] * width + pairs[1] if scored else pairs[0]
    for (a, b), scores in scored:
        if name in scores:
            place = np.searchsorted(code, a * width + b)
            score[place], missing[place] = scores[name], False
    rest = np.flatnonzero(missing)
    if len(rest):
        texts = nodes[0].text[pairs[0][rest]], nodes[1].text[pairs[1][rest]]
        score[rest] = view.scores(*texts, memory=memory, device=device)
    return score


def _search_texts(
    views: Mapping[str, View], texts: Pairs, settings: Settings, *, same: bool
) -> tuple[list[Pairs], Report]:
    """Search some left texts among some right texts; pairs are of places in these."""
    pairs: list[Pairs] = []
    report: Report = {}
    for name, view in views.items():
        nearest, report[name] = view.of_rows(*texts, same=same).nearest(settings, same=same)
        pairs += nearest
    return pairs, report


def _lower_left(pairs: Pairs) -> Pairs:
    """Pairs of one table, each with its lower node on the left; none of a node with itself."""
    apart = pairs[0] != pairs[1]
    a, b = pairs[0][apart], pairs[1][apart]
    return np.minimum(a, b), np.maximum(a, b)


def _only_lower_left(scored: Scored) -> Scored:
    (a, b), scores = scored
    return (a[a < b], b[a < b]), {name: score[a < b] for name, score in scores.items()}


def _union(parts: Sequence[Pairs], width: int) -> Pairs:
    """The different pairs, sorted by left and right; right numbers are below the width."""
    if not parts:
        none = np.empty(0, dtype=np.int64)
        return none, none
    width = max(1, width)
    code = np.concatenate([a * width + b for a, b in parts])
    code.sort()  # many times quicker than np.unique, which hashes
    code = code[np.append(True, code[1:] != code[:-1])[: len(code)]]
    return code // width, code % width


def _search_large(
    views: Mapping[str, View], left: Nodes, right: Nodes, pairing: Pairing, settings: Settings, *, same: bool
) -> tuple[list[Pairs], Report]:
    """Search large blocks one by one, dense views on a GPU all at once."""
    large = np.flatnonzero(pairing.areas > SMALL_BLOCK)
    report: Report = {"blocks": len(pairing.areas), "blocks_without_partner": pairing.n_unshared}
    pairs: list[Pairs] = []
    rest = dict(views)
    for name, view in views.items():
        result = _dense_blocks(view, left, right, pairing, settings, same=same)
        if result is not None:
            pairs += result[0]
            report[name] = result[1]
            del rest[name]
    blocks = large if rest else large[:0]
    n = pairing.left_stop[blocks] - pairing.left_start[blocks]
    if not same:
        n = n + pairing.right_stop[blocks] - pairing.right_start[blocks]
    with progress.stage("search", len(rest) * int(n.sum())):
        for block in blocks:
            a = pairing.left[pairing.left_start[block] : pairing.left_stop[block]]
            b = pairing.right[pairing.right_start[block] : pairing.right_stop[block]]
            texts = left.text[a], right.text[b]
            nearest, how = _search_texts(rest, texts, settings, same=same)
            report |= how
            pairs += [(a[left_place], b[right_place]) for left_place, right_place in nearest]
    return pairs, report


def _dense_blocks(
    view: View, left: Nodes, right: Nodes, pairing: Pairing, settings: Settings, *, same: bool
) -> tuple[list[Pairs], Report] | None:
    """Search all large blocks of a dense view at once on a GPU; None where there is none or no room."""
    large = pairing.areas > SMALL_BLOCK
    if view.is_sparse or isinstance(view.left, Passages) or settings.index == "faiss":
        return None
    devices = gpus(settings.device, float(pairing.areas[large].sum()) * view.left.shape[1])
    if not devices:
        return None
    from linktransformer.search.gpu.search import top_k  # torch

    blocks = left.block[pairing.left[pairing.left_start[large]]]
    a, b = np.flatnonzero(np.isin(left.block, blocks)), np.flatnonzero(np.isin(right.block, blocks))
    rows = as_dense(view.left)[left.text[a]], as_dense(view.right)[right.text[b]]
    block = left.block[a], right.block[b]

    def nearest(side: int) -> tuple[Pairs, Report]:
        of_sides = block[side], block[1 - side]
        item, _, how = top_k(rows[side], rows[1 - side], settings.k, blocks=of_sides, device=devices)
        query = np.repeat(np.arange(len(item), dtype=np.int64), item.shape[1])[item.ravel() >= 0]
        pairs = query, item.ravel()[item.ravel() >= 0]
        return (a[pairs[side]], b[pairs[1 - side]]), how

    results = if_it_fits("dense search", lambda: [nearest(side) for side in ((0,) if same else (0, 1))])
    return None if results is None else ([pairs for pairs, _ in results], results[-1][1])


def _enumerate_small(
    views: Mapping[str, View], left: Nodes, right: Nodes, pairing: Pairing, settings: Settings
) -> list[Scored]:
    """The k best pairs of each node in each view, of all pairs of small blocks."""
    scored: list[Scored] = []
    blocks = np.flatnonzero(pairing.areas <= SMALL_BLOCK)
    limit = max(SMALL_BLOCK, min(2**21, settings.memory // 256))
    part = np.cumsum(pairing.areas[blocks]) // limit
    for number in np.unique(part):
        a, b = _all_pairs(pairing, blocks[part == number])
        keep = np.zeros(len(a), dtype=bool)
        scores: dict[str, Floats] = {}
        for name, view in views.items():
            score = view.scores(left.text[a], right.text[b], memory=settings.memory)
            able = np.flatnonzero(score > 0) if view.is_sparse else np.arange(len(score))
            for group, other in ((a, b), (b, a)):
                keep[able[_k_best(group[able], other[able], score[able], settings.k)]] = True
            scores[name] = score
        scored.append(((a[keep], b[keep]), {name: score[keep] for name, score in scores.items()}))
    return scored


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
    """The places of the k best pairs of each group, in any order; ties go to the lower other."""
    if not len(group) or np.bincount(group).max() <= k:
        return np.arange(len(group))
    return best_places(group, other, score, k)
