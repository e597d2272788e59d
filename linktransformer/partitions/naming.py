"""Which of several key columns of two files names the records, and in what order columns are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Bools, Doubles, Integers
from linktransformer.partitions.key_cells import cell_name
from linktransformer.partitions.partition import Partitions
from linktransformer.scoring.key_column import SAMPLE, by_information, entropy, names_records
from linktransformer.scoring.sampling import drawn
from linktransformer.search import lexical, ngrams
from linktransformer.search.groups import starts_of
from linktransformer.search.ngram_counts import TextCounts
from linktransformer.tables.binned_storage import Shelf, first_of, ordered_texts, text_parts
from linktransformer.tables.hashed_counts import HashedCounts

__all__ = ["Naming", "may_name", "naming_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Naming:
    """How several key columns are read.

    Args:
        key: The pair of columns that names the records, None for none.
        order: The places of the columns of the left and of the right file as they are written: the key
            column, then by falling information.
        counts: In how many texts of both files each n-gram of the key column is; None without one.
    """

    key: int | None
    order: tuple[list[int], list[int]]
    counts: TextCounts | None


@progress.stage("key columns")
def naming_of(partitions: Partitions, values: Sequence[HashedCounts], sizes: tuple[int, int]) -> Naming:
    """Choose the key column as `scoring.key_column.key_column` does in memory.

    `values` has how many records have each value of each pair of columns, `sizes` the number of records.
    """
    pairs, names = partitions.pairs, [partitions.on[0][left] for left, _ in partitions.pairs]
    information = [_information(counts, sum(sizes)) for counts in values]
    able = [pair for pair in range(len(pairs)) if may_name(partitions, pair, sizes)]
    key = able[0] if len(able) == 1 else None
    if len(able) > 1:
        key = max(able, key=lambda pair: (_rate(partitions, pair), information[pair], names[pair]))
    first = [pairs[pair] for pair in by_information(information, names, key)]
    order = [_ordered(partitions.on[side], [places[side] for places in first]) for side in (0, 1)]
    return Naming(key, (order[0], order[1]), None if key is None else _counts(partitions.texts, pairs[key]))


def may_name(partitions: Partitions, pair: int, sizes: tuple[int, int]) -> bool:
    """Whether a pair of columns may name records."""
    n_values = [partitions.n_values[partitions.value_bin(pair, side)] for side in (0, 1)]
    first: list[str] = []
    for texts in text_parts(partitions.values, partitions.value_bin(pair, 0)):
        first += texts[: SAMPLE - len(first)]
        if len(first) == SAMPLE:
            break
    return names_records(first, list(zip(sizes, n_values, strict=True)))


def _ordered(on: list[str], first: list[int]) -> list[int]:
    """The places of columns: these first, then the others by name."""
    return [*first, *sorted((place for place in range(len(on)) if place not in first), key=on.__getitem__)]


def _information(counts: HashedCounts, n_records: int) -> float:
    """The entropy of a column in bits, a null being one value."""
    n = counts.values()
    return entropy(np.append(n, n_records - n.sum()).astype(np.float64))


def _counts(texts: Shelf, places: tuple[int, int]) -> TextCounts:
    """The n-grams of the key column, once for each different text of all columns."""
    counts = TextCounts()
    for side, place in enumerate(places):  # of one table the second bin is empty
        for part in texts.parts(side):
            counts.add(part.column(cell_name(place)).to_pylist())
    counts.settle()
    return counts


def _rate(partitions: Partitions, pair: int) -> float:
    """The share of a sample of values that are the one best of their one best in the other file."""
    counts, sides = TextCounts(), []
    for side in (0, 1):
        number = partitions.value_bin(pair, side)
        for texts in [] if side and partitions.same else text_parts(partitions.values, number):
            counts.add(texts)
        sides.append(
            ordered_texts(partitions.values, number, [np.arange(partitions.n_values[number], dtype=np.int64)])
        )
    counts.settle()
    first = 0 if partitions.same else first_of(sides[0], sides[1])
    sample = drawn(sides[first].order, SAMPLE)
    bins = partitions.value_bin(pair, first), partitions.value_bin(pair, 1 - first)
    own = sample if partitions.same else None
    best = _one_best(counts, sides[first].at(sample), partitions.values, bins[1], own)
    own = np.maximum(best, 0) if partitions.same else None
    back = _one_best(counts, sides[1 - first].at(np.maximum(best, 0)), partitions.values, bins[0], own)
    return float(((best >= 0) & (back == sample)).mean())


def _one_best(
    counts: TextCounts, queries: list[str], values: Shelf, number: int, own: Integers | None = None
) -> Integers:
    """The one best value of a bin for each query, -1 for none or for several that are equally good.

    `own` are the places of the queries in the bin, which are left out.
    """
    best = np.full(len(queries), -1, dtype=np.int64)
    highest, tied, start = np.zeros(len(queries)), np.zeros(len(queries), dtype=bool), 0
    for texts in text_parts(values, number):
        _better(counts, queries, texts, start, best, highest, tied, own)
        start += len(texts)
    best[tied] = -1
    return best


def _better(
    counts: TextCounts,
    queries: list[str],
    texts: list[str],
    start: int,
    best: Integers,
    highest: Doubles,
    tied: Bools,
    own: Integers | None,
) -> None:
    """Note which of some more texts are better than the best before, or as good."""
    counted = counts.counted([*queries, *texts])
    left, right = ngrams.weighed(counted, counts.rarity(counted), len(queries))
    query, item, score = lexical.sparse_top_k(left, right, 3)
    if own is not None:
        other = start + item != own[query]
        query, item, score = query[other], item[other], score[other]
    first = starts_of(query)
    at, top = query[first], score[first].astype(np.float64)
    has_second = np.append(first[1:], len(query)) - first > 1
    also = np.zeros(len(first), dtype=bool)
    also[has_second] = score[first[has_second]] == score[first[has_second] + 1]
    more, equal = top > highest[at], top == highest[at]
    tied[at[equal]] = True
    tied[at[more]] = also[more]
    best[at[more]] = start + item[first[more]]
    highest[at[more]] = top[more]
