"""Two files compared piece by piece: what `comparing.compare` finds of two tables, in bounded memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import blocking, fuse, progress, views
from linktransformer.blocking import Nodes
from linktransformer.factorize import factorize
from linktransformer.fuse import Fused
from linktransformer.mutual import Sides, mutual_best
from linktransformer.pairwise import pair_scores
from linktransformer.parquet_tables import Shelf, sorted_texts
from linktransformer.piece import Kept, Known, Piece, found_in, made_of, matrices_of, read
from linktransformer.pieces import Divided
from linktransformer.ranking import rank
from linktransformer.search import Candidates
from linktransformer.sharing import Lead
from linktransformer.spacings import spacings, stands_out

__all__ = ["ComparedFiles", "compare_pieces"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ComparedFiles:
    """As `comparing.Compared`, of two files.

    Args:
        nodes: What is decided on; their texts are not there.
        fused: The candidates that matter, and their score.
        leads: As for `expand.decided`.
        report: How it was searched.
    """

    nodes: tuple[Nodes, Nodes]
    fused: Fused
    leads: tuple[Lead, Lead]
    report: dict[str, Any]


def compare_pieces(known: Known, divided: Divided, show: bool | None = None) -> ComparedFiles:
    """Search every piece, choose the weights of the views by all of them, and score.

    Of each node the three best candidates are kept, which are all that a decision looks at; where an
    assignment may look at any of them (`validate` "1:1" and "m:m") all are kept.

    Args:
        known: What holds for every piece.
        divided: The pieces.
        show: As for `progress.bar`.

    Returns:
        Nodes and candidates of both files, numbered as if they had been read as one.
    """
    several = known.plan.encoder is not None
    names = ("lexical", "dense") if several else ("lexical",)
    n_found, firsts = 0, ([], [])  # type: tuple[int, tuple[list[Integers], list[Integers]]]
    with Shelf(known.folder, "names") as texts:
        for piece in _prepared(known, divided, texts if several else None, show):
            n_found += len(found_in(known, piece))
            for side in (0, 1):
                firsts[side].append(piece.rows[side][blocking.first_rows(piece.nodes[side])])
            for vectors in known.folder.glob(f"piece-{piece.number}-*.npy"):
                with contextlib.suppress(OSError):  # where it is still mapped, on Windows
                    vectors.unlink()
        texts.close()
        numbers = [_numbered(of) for of in firsts]
        n_nodes = [sum(map(len, of)) for of in numbers]
        sampled, chance = _sampled(known, texts, n_nodes) if several else ({}, {})
    pieces = [made_of(known, number, names) for number in range(divided.n_pieces)]
    sizes = [(len(a), len(b)) for a, b in zip(*numbers, strict=True)]
    n = (sum(size for size, _ in sizes), sum(size for _, size in sizes))
    spread = {name: float(scores.std()) for name, scores in sampled.items()} or dict.fromkeys(names, 1.0)

    def rates(trials: list[fuse.Weights]) -> list[float]:
        return _rates(pieces, sizes, spread, trials) if min(n) else [0.0] * len(trials)

    # as in `fuse.fuse`: who leads is asked where the first view alone finds next to nothing
    ask = several and rates([[1.0, 0.0]])[0] < fuse.SELDOM
    first = _leading(pieces, sizes, names) if ask else 0
    weights, rate = fuse.best_weights(len(names), rates, first)
    smaller = fuse.shrunk(weights, first, lambda *both: _change(pieces, sizes, spread, *both))
    kept = fuse.kept_of(names, weights, smaller)
    if kept:
        weights, rate = smaller, rates([smaller])[0]
    every = known.job.validate in ("1:1", "m:m")
    parts = [
        _scored(piece, size, spread, weights, (numbers[0][place], numbers[1][place]), every)
        for place, (piece, size) in enumerate(zip(pieces, sizes, strict=True))
    ]
    report = {"k": int(known.job.k), "pieces": divided.n_pieces, "rows_of_largest_piece": divided.largest}
    if known.job.block_on is not None:
        report |= {"blocks": divided.n_blocks, "blocks_without_partner": divided.alone}
    report |= {"candidates": n_found}
    found = _joined(parts, names, n, report)
    shares = fuse.shares(list(names), spread, weights)
    fused = Fused(found[0], found[1], dict(zip(names, shares, strict=True)), rate, chance, kept)
    nodes = tuple(_nodes(pieces, numbers[side], side, known.tables[side].n_rows) for side in (0, 1))
    leads = tuple(_lead(pieces, numbers[side], nodes[side], fused.candidates, side) for side in (0, 1))
    return ComparedFiles((nodes[0], nodes[1]), fused, (leads[0], leads[1]), report)


def _prepared(known: Known, divided: Divided, texts: Shelf | None, show: bool | None) -> Iterator[Piece]:
    """The pieces one by one; the next one is read and encoded while the one before it is searched."""
    with ThreadPoolExecutor(1) as pool, progress.bar(divided.n_pieces, "pieces", show) as tick:
        coming = [pool.submit(read, known, divided, number, texts) for number in range(divided.n_pieces)[:1]]
        for number in range(divided.n_pieces):
            piece = coming.pop().result()
            if number + 1 < divided.n_pieces:
                coming.append(pool.submit(read, known, divided, number + 1, texts))
            yield piece
            tick(1)


def _numbered(firsts: list[Integers]) -> list[Integers]:
    """The numbers of the nodes of each piece among all, which are in order of their first rows."""
    if not firsts:
        return []
    order = np.argsort(np.concatenate(firsts), kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return np.split(number, np.cumsum([len(first) for first in firsts])[:-1])


def _sampled(known: Known, texts: Shelf, n_nodes: list[int]) -> tuple[dict[str, Floats], dict[str, float]]:
    """The scores in every view of the random pairs of `views.spread`, and `views.chance` by them."""
    if not min(n_nodes):
        return {}, {}
    draw = np.random.default_rng(0)
    sides = [sorted_texts(texts, side, draw.integers(0, n_nodes[side], views.SAMPLE)) for side in (0, 1)]
    (left, a), (right, b) = (factorize(side) for side in sides)
    made = matrices_of(known, (left, right), "sample")
    chance = {}
    if "dense" in made:
        chance["dense"] = views.chance_of(made["dense"], a, b, known.job.validate)
    return {name: pair_scores(x, y, a, b) for name, (x, y) in made.items()}, chance


def _rates(
    pieces: list[Kept], sizes: list[tuple[int, int]], spread: dict[str, float], trials: list[fuse.Weights]
) -> list[float]:
    """The share of all left nodes that are mutual best, for each weighting."""
    mutual = np.zeros(len(trials), dtype=np.int64)
    for piece, size in zip(pieces, sizes, strict=True):
        found, _ = piece.candidates(*size)
        sides = Sides.of(found)
        for place, weights in enumerate(trials):
            score = fuse.weighted(found, spread, weights)
            mutual[place] += int(mutual_best(found, score, sides).sum())
    return [float(count / sum(left for left, _ in sizes)) for count in mutual]


def _change(
    pieces: list[Kept],
    sizes: list[tuple[int, int]],
    spread: dict[str, float],
    before: fuse.Weights,
    after: fuse.Weights,
) -> tuple[int, int]:
    """How many left nodes of all pieces gain and lose a mutual-best partner by other weights."""
    gained = lost = 0
    for piece, size in zip(pieces, sizes, strict=True):
        found, _ = piece.candidates(*size)
        sides = Sides.of(found)
        had, has = (mutual_best(found, fuse.weighted(found, spread, of), sides) for of in (before, after))
        more, fewer = fuse.change(had, has)
        gained, lost = gained + more, lost + fewer
    return gained, lost


def _leading(pieces: list[Kept], sizes: list[tuple[int, int]], names: tuple[str, ...]) -> int:
    """As `fuse` chooses the leading view, by all pieces together."""
    sums, seen = [np.zeros((2, 3)) for _ in names], [False for _ in names]
    for piece, size in zip(pieces, sizes, strict=True):
        found, _ = piece.candidates(*size)
        for place, score in enumerate(found.views.values()):
            sums[place] += spacings(found, score)
            seen[place] |= bool((score > 0).any())
    knows = [place for place, total in enumerate(sums) if stands_out(total)]
    return (knows or [place for place, has in enumerate(seen) if has] or [0])[0]


def _scored(
    piece: Kept,
    size: tuple[int, int],
    spread: dict[str, float],
    weights: fuse.Weights,
    numbers: tuple[Integers, Integers],
    every: bool,
) -> tuple[Integers, Integers, list[Floats]]:
    """The candidates of a piece that matter: nodes among all nodes, the score, and that in each view."""
    found, same = piece.candidates(*size)
    fused = fuse.Fused(found, fuse.weighted(found, spread, weights), {}, 0.0)
    fused = fuse.same_text_first(fused, same)
    keep = np.arange(len(found))
    if not every and len(found):
        rankings = rank(found.left, found.right, fused.score), rank(found.right, found.left, fused.score)
        best = np.concatenate([part for of in rankings for part in (of.best, of.second, of.third)])
        keep = np.unique(best[best >= 0])
    scores = [fused.score, *fused.candidates.views.values()]
    left, right = numbers[0][found.left[keep]], numbers[1][found.right[keep]]
    return left, right, [score[keep] for score in scores]


def _joined(
    parts: list[tuple[Integers, Integers, list[Floats]]],
    names: tuple[str, ...],
    n: tuple[int, int],
    report: dict[str, Any],
) -> tuple[Candidates, Floats]:
    """The candidates of all pieces in order of left and right node, and their score."""
    none = np.empty(0, dtype=np.int64)
    left = np.concatenate([none, *(part[0] for part in parts)])
    right = np.concatenate([none, *(part[1] for part in parts)])
    scores = [
        np.concatenate([np.empty(0, dtype=np.float32), *(part[2][place] for part in parts)])
        for place in range(1 + len(names))
    ]
    parts.clear()
    order = np.argsort(left * max(1, n[1]) + right)
    by_view = {name: score[order] for name, score in zip(names, scores[1:], strict=True)}
    return Candidates(left[order], right[order], by_view, *n, report), scores[0][order]


def _nodes(pieces: list[Kept], numbers: list[Integers], side: int, n_rows: int) -> Nodes:
    """All nodes of a side, without their texts."""
    total = sum(map(len, numbers))
    block = np.zeros(total, dtype=np.int64)
    of_row = np.full(n_rows, -1, dtype=np.int64)
    for piece, number in zip(pieces, numbers, strict=True):
        block[number] = piece.array(f"block {side}")
        of_row[piece.array(f"row {side}")] = number[piece.array(f"node {side}")]
    return Nodes(np.broadcast_to(np.int64(0), total), block, of_row)


def _lead(pieces: list[Kept], numbers: list[Integers], nodes: Nodes, found: Candidates, side: int) -> Lead:
    """As `views.lead`; n-grams are read from disk for the pieces that are asked for."""
    node_of_pair = (found.left, found.right)[side]

    def of(pairs: Integers) -> Floats:
        node, place = np.unique(node_of_pair[pairs], return_inverse=True)
        rival = np.zeros(len(node), dtype=np.float32)
        whole = bool((nodes.block == nodes.block[0]).all())
        for piece, number in zip(pieces, numbers, strict=True):
            here = np.flatnonzero(np.isin(number, node))  # numbers rise within a piece
            if len(here):
                near = views.rivals(
                    piece.ngrams(side), piece.nodes(side), here, whole, piece.known.job.device
                )
                rival[np.searchsorted(node, number[here])] = near
        difference: Floats = found.views["lexical"][pairs] - rival[place]
        return difference

    return of
