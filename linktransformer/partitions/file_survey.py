"""What is known of two files before they are searched: records, counts of words and values, samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Integers
from linktransformer.partitions.file_column import FileColumn, file_column
from linktransformer.partitions.partition import Divided
from linktransformer.partitions.partition_job import Known, Stored, side_of
from linktransformer.scoring.gather import RANDOM, own_sample
from linktransformer.scoring.sampling import Drawing
from linktransformer.scoring.words import split
from linktransformer.search import blocking
from linktransformer.tables.factorize import factorize
from linktransformer.tables.hashed_counts import HashedCounts
from linktransformer.tables.normalize import folded
from linktransformer.tables.shelf import OrderedTexts, Shelf, first_of, ordered_texts

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
    """The records of all pieces, counted.

    Args:
        numbers: Of the left and of the right file, the number of each record of each piece among all, which
            are in order of their first rows.
        sizes: Records of the left and of the right file.
        whole: Whether all records of a file are in one block.
        words: How many records of both files have each word.
        values: How many have each case-folded key.
        names: The texts of the records, piece by piece, of the left file in bin 0 and of the right in bin 1.
    """

    numbers: tuple[list[Integers], list[Integers]]
    sizes: tuple[int, int]
    whole: tuple[bool, bool]
    words: HashedCounts
    values: HashedCounts
    names: Shelf


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What holds for all pieces before they are searched.

    Args:
        counted: The records.
        column: The key column.
        random: Random pairs.
        own: By view, the left and the right records for which the nearest one of their own file is searched.
    """

    counted: Counted
    column: FileColumn
    random: RandomPairs
    own: Mapping[str, tuple[Integers, Integers]]

    @property
    def sizes(self) -> tuple[int, int]:
        """Records of the left and of the right file."""
        return self.counted.sizes

    def numbers(self, side: int, piece: int) -> Integers:
        """The numbers of the records of a piece among all of their file. (n_records,) int64, rising."""
        return self.counted.numbers[side][piece]


def count(known: Known, divided: Divided) -> Counted:
    """Look at all records once; which rows they are is set aside."""
    firsts: tuple[list[Integers], list[Integers]] = ([], [])
    blocks: tuple[set[int], set[int]] = (set(), set())
    words, values = HashedCounts(), HashedCounts()
    with Shelf(known.folder, "names") as names, progress.stage("count", divided.n_pieces) as tick:
        for number in range(divided.n_pieces):
            for side, shelf in enumerate(divided.shelves):
                rows, texts, nodes = side_of(shelf, number)
                firsts[side].append(rows[blocking.first_rows(nodes)])
                of_rows: dict[str, Integers] = {"row": rows, "node": nodes.node_of_row, "block": nodes.block}
                Stored(known.folder, number).put({f"{name} {side}": of for name, of in of_rows.items()})
                if len(nodes):
                    names.put(np.full(len(nodes), side), {"text": texts[nodes.text]})
                    blocks[side].update((int(nodes.block.min()), int(nodes.block.max())))
                    _count(folded(texts).tolist(), nodes.text, words, values)
            tick(1)
    numbers = _numbered(firsts[0]), _numbered(firsts[1])
    sizes = sum(map(len, numbers[0])), sum(map(len, numbers[1]))
    return Counted(numbers, sizes, (len(blocks[0]) == 1, len(blocks[1]) == 1), words, values, names)


@progress.stage("samples")
def survey(known: Known, divided: Divided, counted: Counted) -> Survey:
    """Draw samples, and choose how the key column is compared."""
    left, right = (ordered_texts(counted.names, side, counted.numbers[side]) for side in (0, 1))
    drawing = Drawing((left.order, right.order), first_of(left, right))
    given = known.job.compare or {}
    column = file_column(
        known.on[0],
        given.get(known.on[0], given.get(known.on[1])),
        divided.values,
        divided.n_values,
        counted.values,
        counted.sizes,
    )
    own = {}
    for name in known.views:
        sparse = name == "lexical"
        own[name] = own_sample(left.order, sparse=sparse), own_sample(right.order, sparse=sparse)
    return Survey(counted, column, _random(drawing, (left, right)), own)


def _count(lower: list[str], text: Integers, words: HashedCounts, values: HashedCounts) -> None:
    """Count the records that have each word and each value."""
    n_records = np.bincount(text, minlength=len(lower))
    spelled, columns, indptr = split(lower)
    of_text = np.repeat(n_records, np.diff(indptr))
    words.add(spelled, np.bincount(columns, of_text, minlength=len(spelled)).astype(np.int64))
    different, place = factorize(lower)
    values.add(different, np.bincount(place, n_records, minlength=len(different)).astype(np.int64))


def _numbered(firsts: list[Integers]) -> list[Integers]:
    """The numbers of the records of each piece among all, which are in order of their first rows."""
    if not firsts:
        return []
    order = np.argsort(np.concatenate(firsts), kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return np.split(number, np.cumsum([len(first) for first in firsts])[:-1])


def _random(drawing: Drawing, texts: tuple[OrderedTexts, OrderedTexts]) -> RandomPairs:
    left, right = drawing.pairs(RANDOM)
    (of_left, a), (of_right, b) = factorize(texts[0].at(left)), factorize(texts[1].at(right))
    return RandomPairs((of_left, of_right), a, b)
