"""Which FAISS index suits the size, and how what is found in parts of the items is put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from linktransformer.arrays import Floats, Integers

__all__ = ["Choice", "by_parts", "choose", "parts_of"]

EXACT_UP_TO = 2e13  # multiplications of an exact search: minutes of a processor,
EXACT_ON_CARD = 2e15  # and of a card
COPY_UP_TO = 8 * 2**30  # bytes of rows that an index copies; above, it keeps codes of some bytes each
CENTRE = 39  # points that k-means wants for each centre
CODES = (48, 32, 24, 16, 12, 8, 4, 3, 2, 1)  # bytes of a code that a card takes,
WIDTHS = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 28, 32)  # and numbers that one of them may stand for
ROUNDING = 1e-6  # scores of unit rows that are nearer than this may be equal

Matrix = Floats
Search = Callable[[Any, Integers, int, int, int], tuple[Integers, Matrix]]


@dataclass(frozen=True, slots=True)
class Choice:
    """An index.

    Args:
        kind: "flat", "IVF" or "IVF-PQ".
        lists: How many inverted lists, 0 for none.
        code: Bytes of a row's code, 0 for its numbers.
    """

    kind: str
    lists: int = 0
    code: int = 0


def choose(n: int, m: int, d: int, *, card: bool = False, copy_up_to: float = COPY_UP_TO) -> Choice:
    """Choose an index by the size of the search.

    Exact as long as that takes minutes; then inverted lists (J. Sivic and A. Zisserman, Video Google, 2003);
    and product quantisation in them (H. Jegou, M. Douze and C. Schmid, Product quantization for nearest
    neighbor search, 2011) where a copy of the rows would be too large.

    Args:
        n: Queries.
        m: Items.
        d: Numbers of a row.
        card: The search is on a GPU.
        copy_up_to: Bytes that a copy of the items may take.

    Returns:
        The index.

    Example:
        >>> choose(10_000, 100_000, 384).kind, choose(5_000_000, 5_000_000, 384).kind
        ('flat', 'IVF')
    """
    if float(n) * m * d <= (EXACT_ON_CARD if card else EXACT_UP_TO):
        return Choice("flat")
    lists = max(1, min(int(4 * np.sqrt(m)), m // CENTRE))
    code = next((size for size in CODES if d % size == 0 and d // size in WIDTHS), 0)
    if 4.0 * m * d > copy_up_to and code and m >= 256 * CENTRE:
        return Choice("IVF-PQ", lists, code)
    return Choice("IVF", lists)


def parts_of(m: int, n_parts: int) -> list[tuple[int, int]]:
    """Divide items evenly.

    Args:
        m: How many items.
        n_parts: Into so many parts, or one for each item.

    Returns:
        First and last + 1 of each part.

    Example:
        >>> parts_of(5, 2)
        [(0, 2), (2, 5)]
    """
    n_parts = min(n_parts, m)
    return [(m * part // n_parts, m * (part + 1) // n_parts) for part in range(n_parts)]


def by_parts(
    build: Callable[[int, int], Any],
    search: Search,
    sizes: tuple[int, int, int],
    *,
    n_parts: int,
    spare: int,
    widest: int,
) -> tuple[Integers, Matrix, int]:
    """Find the k best items of each query in parts of the items, one after the other.

    What is found in a part is enough where the last of it is worse than the k-th of all. Queries of which
    that is not so are asked again for as many as can be had, and where k itself is more than that, in smaller
    parts. The index of a part is built while the part before it is searched.

    Args:
        build: The index of items from a first one to a last one + 1.
        search: Rows and true scores of the best items, for an index, queries, how many, and the part:
            (n, wide) each, sorted by falling score and row; -1 and -inf where there are fewer.
        sizes: Queries, items and k, which is no more than items.
        n_parts: Parts at first.
        spare: So many more than k are asked for, so that ties at the last place can be settled.
        widest: The most that an index finds.

    Returns:
        Rows (n, k) int64 and scores (n, k) float32, ties to the lower row; and of how many queries there may
        be more ties at the last place.
    """
    n, m, k = sizes
    rows, scores = np.full((n, k), -1, dtype=np.int64), np.full((n, k), -np.inf, dtype=np.float32)
    which, wide = np.arange(n), min(k + spare, widest)
    while len(which):
        row, score, missed = _once(build, search, which, m, k, n_parts, wide)
        rows[which], scores[which] = row, score
        found = row[:, -1] >= 0
        which = which[missed >= np.where(found, score[:, -1] - ROUNDING, np.finfo(np.float32).min)]
        largest = -(-m // n_parts)
        if wide < min(widest, largest):
            wide = min(widest, largest)
        elif k + spare <= widest or largest <= widest:
            break
        else:
            n_parts *= 2
    return rows, scores, len(which)


def _once(
    build: Callable[[int, int], Any],
    search: Search,
    which: Integers,
    m: int,
    k: int,
    n_parts: int,
    wide: int,
) -> tuple[Integers, Matrix, Matrix]:
    """The best rows and scores of all parts for some queries, and the most that one unseen may score."""
    best_row, best = np.empty((len(which), 0), dtype=np.int64), np.empty((len(which), 0), dtype=np.float32)
    missed = np.full(len(which), -np.inf, dtype=np.float32)
    for (start, stop), index in _ahead(build, parts_of(m, n_parts)):
        row, score = search(index, which, min(wide, stop - start), start, stop)
        if row.shape[1] < stop - start:
            missed = np.maximum(missed, score[:, -1])
        best_row, best = _better(
            np.concatenate([best_row, row], axis=1), np.concatenate([best, score], axis=1), k
        )
    short = k - best.shape[1]
    if short > 0:
        best_row = np.pad(best_row, ((0, 0), (0, short)), constant_values=-1)
        best = np.pad(best, ((0, 0), (0, short)), constant_values=-np.inf)
    return best_row, best, missed


def _better(row: Integers, score: Matrix, k: int) -> tuple[Integers, Matrix]:
    """The k best of each line; ties go to the lower row, and what was not found goes last."""
    order = np.lexsort((np.where(row < 0, np.iinfo(np.int64).max, row), -score), axis=1)[:, :k]
    return np.take_along_axis(row, order, 1), np.take_along_axis(score, order, 1)


def _ahead(
    build: Callable[[int, int], Any], parts: list[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], Any]]:
    """Each part with its index, the next one being built meanwhile; two are there at a time."""
    with ThreadPoolExecutor(1) as pool:
        coming = [pool.submit(build, *part) for part in parts[:1]]
        for number, part in enumerate(parts):
            index = coming.pop().result()
            coming = [pool.submit(build, *following) for following in parts[number + 1 : number + 2]]
            yield part, index
            del index
