"""Two files before they are searched: records, counts of words and values, samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Integers
from linktransformer.partitions.checkpoint import Stored
from linktransformer.partitions.file_column import FileColumn, file_columns
from linktransformer.partitions.file_job import FileJob, Side, Texts
from linktransformer.partitions.key_cells import cell_name
from linktransformer.scoring.candidate_evidence import RANDOM, own_sample
from linktransformer.scoring.sampling import Drawing
from linktransformer.scoring.words import split
from linktransformer.search import blocking
from linktransformer.tables.binned_storage import Shelf, first_of, ordered_texts, texts_at
from linktransformer.tables.factorize import factorize
from linktransformer.tables.hashed_counts import HashedCounts
from linktransformer.tables.normalize import folded

__all__ = ["Counted", "RandomPairs", "Survey", "count", "survey"]


@dataclass(frozen=True, slots=True, eq=False)
class RandomPairs:
    """Random pairs of records, as `Drawing.pairs` draws them from two tables in memory.

    Args:
        texts: The different texts of the left and of the right records.
        cells: Their cells in each key column.
        left: Left text of each pair, (n_pairs,) int64.
        right: Right text.
    """

    texts: tuple[list[str], list[str]]
    cells: tuple[list[list[str]], list[list[str]]]
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
        values: By pair of key columns, how many have each case-folded cell.
        names: The texts of the records, partition by partition, left ones in bin 0, right ones in bin 1; of
            several key columns also their cells.
    """

    numbers: tuple[list[Integers], list[Integers]]
    sizes: tuple[int, int]
    whole: tuple[bool, bool]
    words: HashedCounts
    values: list[HashedCounts]
    names: Shelf

    @property
    def n_records(self) -> int:
        """The records of both files, those of one table once."""
        same = self.numbers[0] is self.numbers[1]
        return self.sizes[0] if same else sum(self.sizes)

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
        columns: The key columns that both files have.
        random: Random pairs.
        own: By view, the left and the right records for which the nearest one of their own file is searched.
    """

    counted: Counted
    columns: list[FileColumn]
    random: RandomPairs
    own: Mapping[str, tuple[Integers, ...]]


def count(files: FileJob) -> Counted:
    """Read all records once, count them, and set aside the row, node and block of each."""
    firsts: tuple[list[Integers], list[Integers]] = ([], [])
    blocks: tuple[set[int], set[int]] = (set(), set())
    words, n, pairs = HashedCounts(), files.partitions.n, files.partitions.pairs
    values = [HashedCounts() for _ in pairs]
    with Shelf(files.partitions.folder, "names") as names, progress.stage("count", n) as tick:
        for number in range(n):
            for side_number, side in enumerate(files.sides(number)[: 1 if files.partitions.same else 2]):
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
                    bins = np.full(len(nodes), side_number)
                    names.put(bins, _named(side, several=files.partitions.several))
                    blocks[side_number].update((int(nodes.block.min()), int(nodes.block.max())))
                    _count_words(side, words)
                    for counts, places in zip(values, pairs, strict=True):
                        _count_values(side, places[side_number], counts)
            tick(1)
    words.settle()
    for counts in values:
        counts.settle()
    left = _in_text_order(names, 0, firsts[0])
    numbers = left, left if files.partitions.same else _in_text_order(names, 1, firsts[1])
    sizes = sum(map(len, numbers[0])), sum(map(len, numbers[1]))
    whole = [len(blocks[0 if files.partitions.same else side]) == 1 for side in (0, 1)]
    return Counted(numbers, sizes, (whole[0], whole[1]), words, values, names)


@progress.stage("samples")
def survey(files: FileJob, counted: Counted) -> Survey:
    """Draw samples, and choose how key columns are compared."""
    shelf = _written(files, counted)
    left = ordered_texts(shelf, 0, counted.numbers[0])
    if files.partitions.same:
        right, drawing = left, Drawing((left.order, left.order), 0, same=True)
    else:
        right = ordered_texts(shelf, 1, counted.numbers[1])
        drawing = Drawing((left.order, right.order), first_of(left, right))
    columns = file_columns(files.partitions, files.job.compare or {}, counted.values)
    own = {
        name: tuple(own_sample(side.order, sparse=name != "dense") for side in (left, right))
        for name in files.views
    }
    return Survey(counted, columns, _random(files, counted, drawing), own)


def _named(side: Side, *, several: bool) -> dict[str, Texts]:
    """The text of each record of one side, and its cells where there are several columns."""
    of_record = side.nodes.text
    cells = {cell_name(place): cell[of_record] for place, cell in enumerate(side.cells)} if several else {}
    return {"text": side.texts[of_record], **cells}


def _written(files: FileJob, counted: Counted) -> Shelf:
    """The texts of the records as `counted.names` has them, in the order of columns that naming chose."""
    if files.naming is None:
        return counted.names
    with Shelf(files.partitions.folder, "written") as shelf:
        for side, on in enumerate(files.partitions.on):
            for part in counted.names.parts(side):
                cells = [part.column(cell_name(place)).to_pylist() for place in range(len(on))]
                shelf.put(np.full(part.num_rows, side), {"text": files.written(side, cells)})
    return shelf


def _count_words(side: Side, words: HashedCounts) -> None:
    """Count the records that have each word."""
    lower = folded(side.texts).tolist()
    n_records = np.bincount(side.nodes.text, minlength=len(lower))
    spelled, columns, indptr = split(lower)
    of_text = np.repeat(n_records, np.diff(indptr))
    words.add(spelled, np.bincount(columns, of_text, minlength=len(spelled)).astype(np.int64))


def _count_values(side: Side, place: int, values: HashedCounts) -> None:
    """Count the records that have each value of a column."""
    unique, code = factorize(folded(side.cells[place]).tolist())
    n_records = np.bincount(side.nodes.text, minlength=len(code))
    count = np.bincount(code, n_records, minlength=len(unique)).astype(np.int64)
    filled = [number for number, value in enumerate(unique) if value != ""]
    values.add([unique[number] for number in filled], count[filled])


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


def _random(files: FileJob, counted: Counted, drawing: Drawing) -> RandomPairs:
    """Random pairs of records, by their texts."""
    texts, cells, places = [], [], []
    for side, drawn in enumerate(drawing.pairs(RANDOM)):
        numbers, place = np.unique(drawn, return_inverse=True)
        at = np.argsort(np.concatenate(counted.numbers[side]), kind="stable")[numbers]
        order = np.argsort(at)
        columns = ["text"]
        if files.partitions.several:
            columns += [cell_name(number) for number in range(len(files.partitions.on[side]))]
        back = _ranks(order)
        number = 0 if files.partitions.same else side
        found = [texts_at(counted.names, number, at[order], column) for column in columns]
        whole, *of_columns = ([column[number] for number in back.tolist()] for column in found)
        unique, code = factorize(whole)
        first = np.unique(code, return_index=True)[1].tolist()
        texts.append(unique)
        cells.append([[column[number] for number in first] for column in of_columns] or [unique])
        places.append(code[place])
    return RandomPairs((texts[0], texts[1]), (cells[0], cells[1]), places[0], places[1])
