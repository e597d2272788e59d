"""Which FAISS index suits the size, and the best items of several parts of the items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from linktransformer.arrays import Floats, Integers

__all__ = ["Build", "Choice", "Index", "by_parts", "choose", "parts_of"]

EXACT_UP_TO = 2e13  # multiplications of an exact search: minutes of a CPU,
EXACT_ON_GPU = 2e15  # and of a GPU
COPY_UP_TO = 8 * 2**30  # bytes of rows that an index copies; above, it keeps codes of some bytes each
CENTRE = 39  # points that k-means wants for each centre
CODES = (48, 32, 24, 16, 12, 8, 4, 3, 2, 1)  # bytes of a code that a GPU takes,
WIDTHS = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 28, 32)  # and numbers that one of them may stand for
ROUNDING = 1e-6  # scores of unit rows that are nearer than this may be equal


class Index(Protocol):
    """What is used of an index of FAISS, which has no types."""

    nprobe: int

    def add(self, items: Floats, /) -> None:
        """Put in more rows.

        Args:
            items: (n, d).
        """
        ...

    def train(self, items: Floats, /) -> None:
        """Find the centres of lists and codes.

        Args:
            items: Some of the rows, (n, d).
        """
        ...

    def search(self, queries: Floats, k: int, /) -> tuple[Floats, Integers]:
        """Find the nearest items.

        Args:
            queries: (n, d).
            k: How many of each query.

        Returns:
            Scores and rows, -1 where there are fewer, (n, k) each.
        """
        ...


Part = tuple[int, int]  # the first item and the last one + 1
Build = Callable[[int, int], Index]  # the index of a part
# the `wide` best rows of a part and their true scores, by falling score and row: index, queries, wide, part
Search = Callable[[Index, Integers, int, int, int], tuple[Integers, Floats]]


@dataclass(frozen=True, slots=True)
class Choice:
    """An index.

    Args:
        kind: Exact, inverted lists, or lists of codes.
        lists: How many inverted lists, 0 for none.
        code: Bytes of a row's code, 0 for its numbers.
    """

    kind: Literal["flat", "IVF", "IVF-PQ"]
    lists: int = 0
    code: int = 0


def choose(n: int, m: int, d: int, *, gpu: bool = False, copy_up_to: float = COPY_UP_TO) -> Choice:
    """Choose an index for n queries and m items of d numbers, whose copy may take so many bytes.

    Exact as long as that takes minutes; then inverted lists (J. Sivic and A. Zisserman, Video Google, 2003);
    and product quantisation in them (H. Jegou, M. Douze and C. Schmid, Product quantization for nearest
    neighbor search, 2011) where a copy of the rows would be too large.

    Example:
        >>> choose(10_000, 100_000, 384).kind, choose(5_000_000, 5_000_000, 384).kind
        ('flat', 'IVF')
    """
    if float(n) * m * d <= (EXACT_ON_GPU if gpu else EXACT_UP_TO):
        return Choice("flat")
    lists = max(1, min(int(4 * np.sqrt(m)), m // CENTRE))
    code = next((size for size in CODES if d % size == 0 and d // size in WIDTHS), 0)
    if 4.0 * m * d > copy_up_to and code and m >= 256 * CENTRE:
        return Choice("IVF-PQ", lists, code)
    return Choice("IVF", lists)


def parts_of(m: int, n_parts: int) -> list[Part]:
    """Divide m items evenly into so many parts, or one for each item.

    Example:
        >>> parts_of(5, 2)
        [(0, 2), (2, 5)]
    """
    n_parts = min(n_parts, m)
    return [(m * part // n_parts, m * (part + 1) // n_parts) for part in range(n_parts)]


def by_parts(
    build: Build,
    search: Search,
    sizes: tuple[int, int, int],
    *,
    n_parts: int,
    spare: int,
    widest: int,
) -> tuple[Integers, Floats, int]:
    """Find the k best items of each query in parts of the items, one after the other.

    The result of a part is enough where its last score is below the k-th of all. Other queries are searched
    again for as many items as the index finds (`widest`), and where k itself is more than that, in smaller
    parts. The index of a part is built while the part before it is searched. `sizes` are queries, items and
    k; `spare` more than k are fetched first, so that ties at the last place can be settled.

    Returns rows (n, k) int64 and scores (n, k) float32, ties to the lower row; and of how many queries there
    may be more ties at the last place.
    """
    n, m, k = sizes
    rows, scores = np.full((n, k), -1, dtype=np.int64), np.full((n, k), -np.inf, dtype=np.float32)
    queries, wide = np.arange(n), min(k + spare, widest)
    while len(queries):
        row, score, missed = _once(build, search, queries, parts_of(m, n_parts), k, wide)
        rows[queries], scores[queries] = row, score
        last = np.where(row[:, -1] >= 0, score[:, -1] - ROUNDING, np.finfo(np.float32).min)
        queries = queries[missed >= last]
        largest = -(-m // n_parts)
        if wide < min(widest, largest):
            wide = min(widest, largest)
        elif k + spare <= widest or largest <= widest:
            break
        else:
            n_parts *= 2
    return rows, scores, len(queries)


def _once(
    build: Build, search: Search, queries: Integers, parts: list[Part], k: int, wide: int
) -> tuple[Integers, Floats, Floats]:
    """The best rows and scores of all parts for some queries, and the most that one not fetched may score."""
    n = len(queries)
    best_row, best = np.full((n, k), -1, dtype=np.int64), np.full((n, k), -np.inf, dtype=np.float32)
    missed = np.full(n, -np.inf, dtype=np.float32)
    for (start, stop), index in _built_ahead(build, parts):
        row, score = search(index, queries, min(wide, stop - start), start, stop)
        if row.shape[1] < stop - start:
            missed = np.maximum(missed, score[:, -1])
        row, score = np.concatenate([best_row, row], axis=1), np.concatenate([best, score], axis=1)
        # ties go to the lower row, and -1 goes last
        order = np.lexsort((np.where(row < 0, np.iinfo(np.int64).max, row), -score), axis=1)[:, :k]
        best_row, best = np.take_along_axis(row, order, 1), np.take_along_axis(score, order, 1)
    return best_row, best, missed


def _built_ahead(build: Build, parts: list[Part]) -> Iterator[tuple[Part, Index]]:
    """Each part with its index, the next one built at the same time; two are in memory."""
    with ThreadPoolExecutor(1) as pool:
        coming = [pool.submit(build, *part) for part in parts[:1]]
        for number, part in enumerate(parts):
            index = coming.pop().result()
            coming = [pool.submit(build, *following) for following in parts[number + 1 : number + 2]]
            yield part, index
            del index
