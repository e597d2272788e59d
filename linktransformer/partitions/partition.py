"""Two files divided by blocks into partitions that fit into memory: no candidate is of two partitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Integers
from linktransformer.partitions.key_cells import Values, by_row, columns_of, first_rows, value_bin
from linktransformer.search.ngram_counts import Seen, TextCounts
from linktransformer.tables import block_keys, key_columns, null_values, records
from linktransformer.tables.binned_storage import Shelf
from linktransformer.tables.block_keys import BlockColumns, Blocks
from linktransformer.tables.parquet_tables import BlockCodes, ParquetTable
from linktransformer.tables.serialize import Serializer

__all__ = ["MEMORY", "Division", "Partitions", "divide", "partition_of_block", "planned"]

MEMORY = 2**30
BYTES_A_CHARACTER = 90  # of a text while its n-grams are counted and after; measured
BYTES_A_ROW = 1_000  # its candidates and numbers
BYTES_A_VECTOR = 8_192  # of a row where a model is run: 1,024 numbers and a copy
MOST = 256  # partitions: a file of each side and partition is open at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partitions:
    """Two files set aside on disk by partition, and what was counted on the way.

    Args:
        tables: The left and the right file.
        on: The key columns of either.
        folder: Where rows and arrays are set aside.
        shelves: Row, block and text of the rows of either side that have a key and a block, by partition; of
            several key columns also their cells, as `cell_name` names them.
        texts: Of several key columns the cells of each different text of the left and of the right file, in
            bins 0 and 1.
        n: How many partitions.
        counts: In how many texts of both files each n-gram is.
        values: The different case-folded cells of the columns of `pairs`, each in its bin of `value_bin`, in
            order of first appearance.
        n_values: How many there are, by bin.
        rows_cut: Rows with a text that was cut.
        largest: Rows of the largest partition.
        n_blocks: How many blocks both files have.
        n_unshared: How many blocks only one of them has.
        bytes_a_row: What a row takes while it is searched.
        blocks: The warnings of `block_keys`, without the block of each row.
        same: Both sides are one table, which is there once.
        n_emptied: By key column, cells of the left and of the right file that were taken as null.
    """

    tables: tuple[ParquetTable, ParquetTable]
    on: tuple[list[str], list[str]]
    folder: Path
    shelves: tuple[Shelf, Shelf]
    texts: Shelf
    n: int
    counts: TextCounts
    values: Shelf
    n_values: list[int]
    rows_cut: int
    largest: int
    n_blocks: int
    n_unshared: int
    bytes_a_row: float
    blocks: Blocks
    n_emptied: tuple[dict[str, int], dict[str, int]]
    same: bool = False

    def value_bin(self, pair: int, side: int) -> int:
        """The bin of the values of a pair of columns on one side."""
        return value_bin(pair, 0 if self.same else side)

    @property
    def several(self) -> bool:
        """Whether a file has more than one key column."""
        return max(map(len, self.on)) > 1

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The places of the key columns that are compared with each other, left and right."""
        paired = key_columns.paired(*self.on)
        return [(self.on[0].index(left), self.on[1].index(right)) for left, right in paired]


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """How the rows of two files go to partitions.

    Args:
        names: The block columns of the left and of the right file.
        codes: The block of each row.
        blocks: The blocks of both files, rising, (n_blocks,) int64.
        size: How many rows of either file each has, (2, n_blocks) int64.
        partition: The partition of each, (n_blocks,) int64.
        bytes_a_row: What a row takes while it is searched.
        length: The mean number of characters of a text.
        views: How many n-gram views there are: of several key columns one more.
    """

    names: list[list[str]]
    codes: BlockCodes
    blocks: Integers
    size: Integers
    partition: Integers
    bytes_a_row: float
    length: float
    views: int

    @property
    def rows(self) -> Integers:
        """Rows of each partition, rows without a key included, (n_partitions,) int64."""
        return np.bincount(self.partition, weights=self.size.sum(axis=0)).astype(np.int64)


def planned(
    tables: tuple[ParquetTable, ParquetTable],
    on: tuple[list[str], list[str]],
    block_on: BlockColumns,
    *,
    memory: int = MEMORY,
    dense: bool = False,
) -> Division:
    """Read the block columns of both files, and choose the partition of each block."""
    pairs = block_keys.column_pairs((tables[0].head, tables[1].head), block_on)
    names = [[pair[side] for pair in pairs] for side in (0, 1)]
    codes = BlockCodes(tables, pairs)
    blocks, size = _blocks(tables, names, codes)
    length, views = _length(tables, on), 2 if max(map(len, on)) > 1 else 1
    each = BYTES_A_ROW + BYTES_A_CHARACTER * length * views + (BYTES_A_VECTOR if dense else 0)
    partition = partition_of_block(size.sum(axis=0), max(1, int(memory / each)))
    return Division(names, codes, blocks, size, partition, each, length, views)


def divide(
    tables: tuple[ParquetTable, ParquetTable],
    on: tuple[list[str], list[str]],
    block_on: BlockColumns,
    folder: Path,
    *,
    memory: int = MEMORY,
    dense: bool = False,
    reading: Serializer | None = None,
    null_texts: Mapping[str, frozenset[str]] | None = None,
    same: bool = False,
) -> Partitions:
    """Read both files once and set rows aside; blocks that fit into memory together are one partition.

    With `same` both sides are one table, which is read once.
    """
    plan = planned(tables, on, block_on, memory=memory, dense=dense)
    names, codes, blocks = plan.names, plan.codes, plan.blocks
    counts, rows_cut = TextCounts(), 0
    left, texts = Shelf(folder, "left"), Shelf(folder, "texts")
    shelves = left, left if same else Shelf(folder, "right")
    values, emptied = Values(Shelf(folder, "values"), on), (Counter[str](), Counter[str]())
    rows = np.zeros(int(plan.partition.max(initial=-1)) + 1, dtype=np.int64)
    with (
        shelves[0],
        shelves[1],
        texts,
        values.shelf,
        progress.stage("read", sum(t.n_rows for t in tables)) as tick,
    ):
        for side, table in enumerate(tables[:1] if same else tables):
            seen = Seen()
            for start, batch in table.batches(list(dict.fromkeys([*on[side], *names[side]]))):
                compared, n_emptied = null_values.emptied(batch, on[side], null_texts or {})
                emptied[side].update(n_emptied)
                read = records.read(compared, on[side], reading or Serializer())
                cells = columns_of(compared, on[side], read)
                rows_cut += read.n_cut
                new = seen.places(read.texts.tolist())
                counts.add(read.texts[new].tolist())
                values.add(side, cells)
                tick(batch.n_rows)
                of_columns = by_row(cells) if max(map(len, on)) > 1 else {}
                first = first_rows(read)[new] if of_columns else new
                if of_columns and len(new):
                    new_cells = {name: some[first] for name, some in of_columns.items()}
                    texts.put(np.full(len(new), side), new_cells)
                code = codes.of(batch, side)
                keep = np.flatnonzero((read.text_of_row >= 0) & (code >= 0))
                if not len(keep):
                    continue
                block = np.searchsorted(blocks, code[keep])
                bins = plan.partition[block]
                rows += np.bincount(bins, minlength=len(rows))
                text = read.texts[read.text_of_row[keep]]
                kept = {name: some[keep] for name, some in of_columns.items()}
                shelves[side].put(bins, {"row": start + keep, "block": block, "text": text, **kept})
    counts.settle()
    n_shared = int((plan.size > 0).all(axis=0).sum())
    return Partitions(
        tables=tables,
        on=on,
        folder=folder,
        shelves=shelves,
        texts=texts,
        n=len(rows),
        counts=counts,
        values=values.shelf,
        n_values=values.n,
        rows_cut=rows_cut,
        largest=int(rows.max(initial=0)),
        n_blocks=n_shared,
        n_unshared=len(blocks) - n_shared,
        bytes_a_row=plan.bytes_a_row,
        blocks=Blocks(warnings=tuple(codes.warnings)),
        n_emptied=(dict(emptied[0]), dict(emptied[1])),
        same=same,
    )


def partition_of_block(size: Integers, most: int) -> Integers:
    """The partition of each block, (n_blocks,) int64: neighbours go together, up to `most` rows.

    Example:
        >>> partition_of_block(np.array([3, 3, 3, 50, 1]), 6).tolist()
        [0, 0, 1, 1, 1]
    """
    total = int(size.sum())
    most = max(most, -(-total // MOST))
    start = np.cumsum(size) - size
    _, partition = np.unique(start // most, return_inverse=True)
    rows = np.bincount(partition, weights=size) if len(size) else np.zeros(0)
    own = rows >= most / 4  # a smaller partition goes to the one before it
    own[:1] = True
    return np.asarray((np.cumsum(own) - 1)[partition], dtype=np.int64)


def _blocks(
    tables: tuple[ParquetTable, ParquetTable], names: list[list[str]], codes: BlockCodes
) -> tuple[Integers, Integers]:
    """The blocks of both files in rising order, (n,), and how many rows of either each has, (2, n)."""
    if not names[0]:
        return np.zeros(1, dtype=np.int64), np.array([[table.n_rows] for table in tables], dtype=np.int64)
    sides = []
    for side, table in enumerate(tables):
        block, size = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        for _, batch in table.batches(names[side]):
            code = codes.of(batch, side)
            here, count = np.unique(code[code >= 0], return_counts=True)
            merged, place = np.unique(np.concatenate([block, here]), return_inverse=True)
            size = np.bincount(place, weights=np.concatenate([size, count])).astype(np.int64)
            block = merged
        sides.append((block, size))
    blocks = np.union1d(sides[0][0], sides[1][0])
    sizes = np.zeros((2, len(blocks)), dtype=np.int64)
    for side, (block, size) in enumerate(sides):
        sizes[side, np.searchsorted(blocks, block)] = size
    return blocks, sizes


def _length(tables: tuple[ParquetTable, ParquetTable], on: tuple[list[str], list[str]]) -> float:
    """The mean number of characters of a text, by the first rows of either file."""
    means = [1.0]
    for table, names in zip(tables, on, strict=True):
        for _, batch in table.batches(names):
            texts = records.read(batch, names, Serializer()).texts.tolist()
            means.append(sum(map(len, texts)) / max(1, len(texts)))
            break
    return max(means)
