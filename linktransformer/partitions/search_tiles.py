"""A partition larger than the memory limit, searched tile by tile: some left by some right records."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.partitions.file_job import FileJob, Partition, Side
from linktransformer.scoring.candidate_evidence import own_rivals
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates, search
from linktransformer.search.groups import best_places
from linktransformer.search.matrices import Matrix, rows_of

__all__ = ["own_rivals_in_tiles", "search_in_tiles"]


def search_in_tiles(files: FileJob, partition: Partition, most: int) -> Candidates:
    """The candidates of a partition, with the n-grams of at most about `most` records in memory.

    The k nearest records of each record are the nearest of those that are found in its tiles. As exact as the
    search of a tile is: at least as exact as that of all records at once.
    """
    job, nodes = files.job, partition.nodes
    left, right = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    views = {name: np.empty(0, dtype=np.float32) for name in files.views}
    report: dict[str, object] = {}
    for a in _parts(len(nodes[0]), max(1, most // 2)):
        for b in _parts(len(nodes[1]), max(1, most // 2)):
            tile = [_some(side, numbers) for side, numbers in zip(partition.sides, (a, b), strict=True)]
            matrices = _matrices(files, partition, (tile[0][0], tile[1][0]))
            found = search(
                matrices,
                tile[0][1],
                tile[1][1],
                int(job.k),
                memory_limit=job.memory_limit,
                device=job.device,
            )
            left = np.concatenate([left, a[found.left]])
            right = np.concatenate([right, b[found.right]])
            views = {name: np.concatenate([score, found.views[name]]) for name, score in views.items()}
            kept = _nearest(left, right, views, int(job.k))
            left, right = left[kept], right[kept]
            views = {name: score[kept] for name, score in views.items()}
            report = {**found.report}
    order = np.lexsort((right, left))
    views = {name: score[order] for name, score in views.items()}
    return Candidates(left[order], right[order], views, len(nodes[0]), len(nodes[1]), report)


def own_rivals_in_tiles(
    files: FileJob, partition: Partition, view: str, side: int, sample: Integers, most: int, *, whole: bool
) -> Floats:
    """`own_rivals` of some records of one side, a part of its records at a time."""
    of_side, n = partition.sides[side], len(partition.nodes[side])
    nearest = np.full(len(sample), -np.inf, dtype=np.float32)
    for of_sample in _parts(len(sample), max(1, most // 2)):
        for others in _parts(n, max(1, most // 2)):
            numbers = np.union1d(sample[of_sample], others)
            texts, nodes = _some(of_side, numbers)
            none = np.empty(0, dtype=np.int64)
            pair = _matrices(files, partition, (texts, none) if side == 0 else (none, texts), view)[view]
            places = np.searchsorted(numbers, sample[of_sample])
            score = own_rivals(pair[side], nodes, places, whole=whole, device=files.job.device)
            nearest[of_sample] = np.maximum(nearest[of_sample], score)
    return nearest


def _parts(n: int, most: int) -> Iterator[Integers]:
    """Numbers from 0 in parts of about equal size, at most so many each."""
    yield from np.array_split(np.arange(n, dtype=np.int64), max(1, -(-n // most)))


def _some(side: Side, numbers: Integers) -> tuple[Integers, Nodes]:
    """The texts of some of the records of a side, and these records by them."""
    texts, text = np.unique(side.nodes.text[numbers], return_inverse=True)
    return texts, Nodes(text, side.nodes.block[numbers], np.arange(len(numbers)))


def _matrices(
    files: FileJob, partition: Partition, texts: tuple[Integers, Integers], only: str | None = None
) -> dict[str, tuple[Matrix, Matrix]]:
    """The vectors of some left and right texts, in all views or in one."""
    sides, made = partition.sides, {}
    for name in files.views if only is None else (only,):
        if name in partition.matrices:
            whole = partition.matrices[name]
            made[name] = rows_of(whole[0], texts[0]), rows_of(whole[1], texts[1])
        else:
            some = [side.texts[at].tolist() for side, at in zip(sides, texts, strict=True)]
            cells = [[cell[at] for cell in side.cells] for side, at in zip(sides, texts, strict=True)]
            made[name] = files.ngrams(name, (some[0], some[1]), (cells[0], cells[1]))
    return made


def _nearest(left: Integers, right: Integers, views: dict[str, Floats], k: int) -> Bools:
    """Which pairs are among the k nearest of one of their records in some view."""
    kept = np.zeros(len(left), dtype=bool)
    for name, score in views.items():
        able = np.arange(len(score)) if name == "dense" else np.flatnonzero(score > 0)
        for group, other in ((left, right), (right, left)):
            kept[able[best_places(group[able], other[able], score[able], k)]] = True
    return kept
