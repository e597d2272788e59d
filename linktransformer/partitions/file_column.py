"""The key column of two files: how its cells are compared, with counts of all cells in place of the cells."""

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
from linktransformer.scoring.key_column import SAMPLE, names_records
from linktransformer.scoring.value_similarity import KINDS, KnownValues, known_values
from linktransformer.search import ngrams
from linktransformer.search.ngram_counts import TextCounts
from linktransformer.search.pair_products import pair_scores
from linktransformer.tables.binned_storage import text_parts, texts_at
from linktransformer.tables.factorize import factorize
from linktransformer.tables.hashed_counts import HashedCounts

__all__ = ["Cells", "FileColumn", "file_column"]


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
    """The key column of two files.

    Args:
        name: Its name in the left file.
        names: Whether it may name records.
        statistics: How cells are compared; the frequencies are in `counts`.
        counts: How many records of both files have each case-folded value.
        words: In how many values each n-gram is, where cells are free texts.
        parsed: All numbers, dates or places, where cells are such.
    """

    name: str
    names: bool
    statistics: ColumnStatistics
    counts: HashedCounts
    words: TextCounts | None
    parsed: KnownValues | None

    def compare(self, left: Sequence[str], right: Sequence[str], i: Integers, j: Integers) -> Cells:
        """Compare cells as `scoring.columns.compared` does with all cells at hand."""
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
        share = self.counts.of(values[0]) / max(1, self.statistics.records)
        return Cells(similarity, equal, share[i].astype(np.float32))


def file_column(
    partitions: Partitions, compare: Mapping[str, Comparison], counts: HashedCounts, sizes: tuple[int, int]
) -> FileColumn:
    """Choose how the key column is compared, and count what that takes.

    `counts` are of case-folded cells, `sizes` of records. All numbers, dates and places are held in memory,
    8 or 16 bytes each.
    """
    values, n_values, (name, other) = partitions.values, partitions.n_values, partitions.on
    comparison = compare.get(name, compare.get(other))
    if comparison is None:
        cells = [texts_at(values, side, sampled(n)) for side, n in enumerate(n_values)]
        comparison = detect(cells[0], cells[1])
    words, parsed = None, None
    if comparison.kind == "text":
        words = TextCounts()
        for side in (0, 1):
            for texts in text_parts(values, side):
                words.add(texts)
        words.settle()
    elif comparison.kind in KINDS:
        whole = [texts_at(values, side, np.arange(n)) for side, n in enumerate(n_values)]
        parsed = known_values(whole[0], whole[1], comparison)
    first = texts_at(values, 0, np.arange(min(SAMPLE, n_values[0])))
    names = names_records(first, list(zip(sizes, n_values, strict=True)))
    return FileColumn(name, names, ColumnStatistics(comparison, {}, sum(sizes)), counts, words, parsed)
