"""Two files before they are searched: records, counts of words and values, samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Integers
from linktransformer.partitions.checkpoint import Stored
from linktransformer.partitions.file_column import FileColumn, file_column
from linktransformer.partitions.file_job import FileJob
from linktransformer.scoring.candidate_evidence import RANDOM, own_sample
from linktransformer.scoring.sampling import Drawing
from linktransformer.scoring.words import split
from linktransformer.search import blocking
from linktransformer.tables.binned_storage import OrderedTexts, Shelf, first_of, ordered_texts
from linktransformer.tables.factorize import factorize
from linktransformer.tables.hashed_counts import HashedCounts
from linktransformer.tables.normalize import folded

__all__ = ["Counted", "RandomPairs", "Survey", "count", "survey"]


@dataclass(frozen=True, slots=True, eq=False)
class RandomPairs:
    """Random pairs of records, as `Drawing.pairs` draws them from two tables in memory.

    Args:
        texts: The different texts of the left and of the right records.
        left: Left text of each pair, (n_pairs,) int64.
        right: Right text.
    """

    texts: tuple[list[str], list[str]]
    left: Integers
    right: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """The records of all partitions, counted.

    Args:
        numbers: Of the left and of the right file, by partition, the numbers of its records among all, which
            are in order of their texts.
        sizes: Records of the left and of the right file.
        whole: Whether all records of a file are in one block.
        words: How many records of both files have each word.
        values: How many have each case-folded key.
        names: The texts of the records, partition by partition, left ones in bin 0, right ones in bin 1.
    """

    numbers: tuple[list[Integers], list[Integers]]
    sizes: tuple[int, int]
    whole: tuple[bool, bool]
    words: HashedCounts
    values: HashedCounts
    names: Shelf

    def of_pairs(self, stored: Stored) -> tuple[Integers, Integers]:
        """The left and the right record of each described pair of a partition, (n_pairs,) int64."""
        at, number = stored.integers("at"), stored.number
        left = self.numbers[0][number][stored.integers("left")[at]]
        return left, self.numbers[1][number][stored.integers("right")[at]]


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """Samples and counts that hold for all partitions, made before they are searched.

    Args:
        counted: The records.
        column: The key column.
        random: Random pairs.
        own: By view, the left and the right records for which the nearest one of their own file is searched.
    """

    counted: Counted
    column: FileColumn
    random: RandomPairs
    own: Mapping[str, tuple[Integers, ...]]


def count(files: FileJob) -> Counted:
    """Read all records once, count them, and set aside the row, node and block of each."""
    firsts: tuple[list[Integers], list[Integers]] = ([], [])
    blocks: tuple[set[int], set[int]] = (set(), set())
    words, values, n = HashedCounts(), HashedCounts(), files.partitions.n
    with Shelf(files.partitions.folder, "names") as names, progress.stage("count", n) as tick:
        for number in range(n):
            for side_number, side in enumerate(files.sides(number)):
                nodes = side.nodes
                firsts[side_number].append(side.rows[blocking.first_rows(nodes)])
                files.stored(number, "count").put(
                    {
                        f"row {side_number}": side.rows,
                        f"node {side_number}": nodes.node_of_row,
                        f"block {side_number}": nodes.block,
                    }
                )
                if len(nodes):
                    names.put(np.full(len(nodes), side_number), {"text": side.texts[nodes.text]})
                    blocks[side_number].update((int(nodes.block.min()), int(nodes.block.max())))
                    _count(folded(side.texts).tolist(), nodes.text, words, values)
            tick(1)
    words.settle()
    values.settle()
    numbers = _in_text_order(names, 0, firsts[0]), _in_text_order(names, 1, firsts[1])
    sizes = sum(map(len, numbers[0])), sum(map(len, numbers[1]))
    return Counted(numbers, sizes, (len(blocks[0]) == 1, len(blocks[1]) == 1), words, values, names)


@progress.stage("samples")
def survey(files: FileJob, counted: Counted) -> Survey:
    """Draw samples, and choose how the key column is compared."""
    left, right = (ordered_texts(counted.names, side, counted.numbers[side]) for side in (0, 1))
    drawing = Drawing((left.order, right.order), first_of(left, right))
    column = file_column(files.partitions, files.job.compare or {}, counted.values, counted.sizes)
    own = {
        name: tuple(own_sample(side.order, sparse=name == "lexical") for side in (left, right))
        for name in files.views
    }
    return Survey(counted, column, _random(drawing, (left, right)), own)


def _count(lower: list[str], text: Integers, words: HashedCounts, values: HashedCounts) -> None:
    """Count the records that have each word and each value."""
    n_records = np.bincount(text, minlength=len(lower))
    spelled, columns, indptr = split(lower)
    of_text = np.repeat(n_records, np.diff(indptr))
    words.add(spelled, np.bincount(columns, of_text, minlength=len(spelled)).astype(np.int64))
    unique, place = factorize(lower)
    values.add(unique, np.bincount(place, n_records, minlength=len(unique)).astype(np.int64))


def _in_text_order(names: Shelf, side: int, firsts: list[Integers]) -> list[Integers]:
    """The numbers of the records of each partition among all, which are in order of text, then first row."""
    if not firsts:
        return []
    number, edges = (
        _ranks(np.argsort(np.concatenate(firsts), kind="stable")),
        np.cumsum(list(map(len, firsts))),
    )
    by_first_row = np.split(number, edges[:-1])
    rank = _ranks(ordered_texts(names, side, by_first_row).order)
    return [rank[numbers] for numbers in by_first_row]


def _ranks(order: Integers) -> Integers:
    """The place of each number in an order."""
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank


def _random(drawing: Drawing, texts: tuple[OrderedTexts, OrderedTexts]) -> RandomPairs:
    """Random pairs of records, by their texts."""
    left, right = drawing.pairs(RANDOM)
    (of_left, a), (of_right, b) = factorize(texts[0].at(left)), factorize(texts[1].at(right))
    return RandomPairs((of_left, of_right), a, b)
