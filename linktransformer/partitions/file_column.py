"""A key column of two files: how its cells are compared, with counts of all cells in place of the cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.partitions.partition import Partitions
from linktransformer.scoring.column_kind import detect, sampled
from linktransformer.scoring.column_similarity import compare_known, prepare
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.job_statistics import ColumnStatistics
from linktransformer.scoring.value_similarity import KINDS, KnownValues, known_values
from linktransformer.search import ngrams
from linktransformer.search.ngram_counts import TextCounts
from linktransformer.search.pair_products import pair_scores
from linktransformer.tables.binned_storage import text_parts, texts_at
from linktransformer.tables.factorize import factorize
from linktransformer.tables.hashed_counts import HashedCounts

__all__ = ["Cells", "FileColumn", "file_columns"]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cells of pairs, compared.

    Args:
        similarity: 0 to 1, NaN where a cell could not be read, (n_pairs,) float32.
        equal: Whether they are equal, (n_pairs,) bool.
        frequency: The share of the records that have the value of the left cell, (n_pairs,) float32.
    """

    similarity: Floats
    equal: Bools
    frequency: Floats


@dataclass(frozen=True, slots=True, eq=False)
class FileColumn:
    """A key column of two files.

    Args:
        name: Its name in the left file.
        places: Its place among the key columns of the left and of the right file.
        statistics: How cells are compared; the frequencies are in `counts`.
        counts: How many records of both files have each case-folded value.
        words: In how many values each n-gram is, where cells are free texts.
        parsed: All numbers, dates or places, where cells are such.
    """

    name: str
    places: tuple[int, int]
    statistics: ColumnStatistics
    counts: HashedCounts
    words: TextCounts | None
    parsed: KnownValues | None

    def compare(self, left: Sequence[str], right: Sequence[str], i: Integers, j: Integers) -> Cells:
        """Compare cells as `scoring.columns.compared` does with all cells at hand; a null is ""."""
        filled = np.array([cell != "" for cell in left], dtype=bool)[i]
        filled &= np.array([cell != "" for cell in right], dtype=bool)[j]
        if filled.all():
            return self._compare(left, right, i, j)
        known = self._compare(left, right, i[filled], j[filled])
        similarity, equal = np.full(len(i), np.nan, dtype=np.float32), np.zeros(len(i), dtype=bool)
        similarity[filled], equal[filled] = known.similarity, known.equal
        has_value = np.array([cell != "" for cell in left], dtype=bool)[i]
        return Cells(similarity, equal, np.where(has_value, self._shares(left)[i], np.float32(0)))

    def _compare(self, left: Sequence[str], right: Sequence[str], i: Integers, j: Integers) -> Cells:
        """`compare`, no cell being null."""
        shares = self._shares(left)[i]
        values, of_text = zip(*(factorize(side) for side in (left, right)), strict=True)
        i, j = of_text[0][i], of_text[1][j]
        if self.words is not None:
            counted = self.words.counted([*values[0], *values[1]])
            vectors = ngrams.weighed(counted, self.words.rarity(counted), len(values[0]))
            similarity = np.clip(pair_scores(*vectors, i, j), 0, 1)
            number = {value: place for place, value in enumerate(values[1])}
            same = np.array([number.get(value, -1) for value in values[0]], dtype=np.int64)
            equal = same[i] == j
        elif self.parsed is not None:
            similarity, equal = compare_known(self.parsed, values[0], values[1], i, j)
        else:
            prepared = prepare(values[0], values[1], self.statistics.comparison)
            similarity, equal = prepared.similarity(i, j), prepared.equal(i, j)
        return Cells(similarity, equal, shares)

    def _shares(self, left: Sequence[str]) -> Floats:
        """The share of the records that have the value of each left cell."""
        values, place = factorize(left)
        share = self.counts.of(values) / max(1, self.statistics.records)
        return np.asarray(share[place], dtype=np.float32)


def file_columns(
    partitions: Partitions, compare: Mapping[str, Comparison], counts: Sequence[HashedCounts]
) -> list[FileColumn]:
    """Choose how the columns that both files have are compared, and count what that takes.

    `counts` are of the case-folded cells of each. All numbers, dates and places are held in memory, 8 or 16
    bytes each.
    """
    return [
        _column(partitions, compare, pair, places, counts[pair])
        for pair, places in enumerate(partitions.pairs)
    ]


def _column(
    partitions: Partitions,
    compare: Mapping[str, Comparison],
    pair: int,
    places: tuple[int, int],
    counts: HashedCounts,
) -> FileColumn:
    values, bins = partitions.values, (partitions.value_bin(pair, 0), partitions.value_bin(pair, 1))
    name, other = (names[place] for names, place in zip(partitions.on, places, strict=True))
    comparison = compare.get(name, compare.get(other))
    if comparison is None:
        cells = [texts_at(values, number, sampled(partitions.n_values[number])) for number in bins]
        comparison = detect(cells[0], cells[1])
    words, parsed = None, None
    if comparison.kind == "text":
        words = TextCounts()
        for number in bins:
            for texts in text_parts(values, number):
                words.add(texts)
        words.settle()
    elif comparison.kind in KINDS:
        whole = [texts_at(values, number, np.arange(partitions.n_values[number])) for number in bins]
        parsed = known_values(whole[0], whole[1], comparison)
    filled = int(counts.values().sum())
    return FileColumn(name, places, ColumnStatistics(comparison, {}, filled), counts, words, parsed)
