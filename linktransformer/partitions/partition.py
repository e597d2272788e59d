"""Two files divided by blocks into partitions that fit into memory: no candidate is of two partitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Integers
from linktransformer.search.ngram_counts import Seen, TextCounts
from linktransformer.tables import block_keys, null_values, records
from linktransformer.tables.binned_storage import Shelf
from linktransformer.tables.block_keys import BlockColumns, Blocks
from linktransformer.tables.normalize import folded
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
        on: The key column of either.
        folder: Where rows and arrays are set aside.
        shelves: Row, block and text of the rows of either side that have a key and a block, by partition.
        n: How many partitions.
        counts: In how many texts of both files each n-gram is.
        values: The different case-folded keys of the left and of the right file, in bins 0 and 1, in order of
            first appearance.
        n_values: How many there are of either.
        rows_cut: Rows with a text that was cut.
        largest: Rows of the largest partition.
        n_blocks: How many blocks both files have.
        n_unshared: How many blocks only one of them has.
        blocks: The warnings of `block_keys`, without the block of each row.
        n_emptied: Cells of the left and of the right key column that were taken as null by `null_texts`.
    """

    tables: tuple[ParquetTable, ParquetTable]
    on: tuple[str, str]
    folder: Path
    shelves: tuple[Shelf, Shelf]
    n: int
    counts: TextCounts
    values: Shelf
    n_values: tuple[int, int]
    rows_cut: int
    largest: int
    n_blocks: int
    n_unshared: int
    blocks: Blocks
    n_emptied: tuple[int, int]


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
    """

    names: list[list[str]]
    codes: BlockCodes
    blocks: Integers
    size: Integers
    partition: Integers
    bytes_a_row: float

    @property
    def rows(self) -> Integers:
        """Rows of each partition, rows without a key included, (n_partitions,) int64."""
        return np.bincount(self.partition, weights=self.size.sum(axis=0)).astype(np.int64)


def planned(
    tables: tuple[ParquetTable, ParquetTable],
    on: tuple[str, str],
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
    each = BYTES_A_ROW + BYTES_A_CHARACTER * _length(tables, on) + (BYTES_A_VECTOR if dense else 0)
    partition = partition_of_block(size.sum(axis=0), max(1, int(memory / each)))
    return Division(names, codes, blocks, size, partition, each)


def divide(
    tables: tuple[ParquetTable, ParquetTable],
    on: tuple[str, str],
    block_on: BlockColumns,
    folder: Path,
    *,
    memory: int = MEMORY,
    dense: bool = False,
    reading: Serializer | None = None,
    null_texts: Mapping[str, frozenset[str]] | None = None,
) -> Partitions:
    """Read both files once and set rows aside; blocks that fit into memory together are one partition."""
    plan = planned(tables, on, block_on, memory=memory, dense=dense)
    names, codes, blocks, size, partition = plan.names, plan.codes, plan.blocks, plan.size, plan.partition
    counts, rows_cut = TextCounts(), 0
    shelves, values = (Shelf(folder, "left"), Shelf(folder, "right")), Shelf(folder, "values")
    n_values, n_emptied = [0, 0], [0, 0]
    rows = np.zeros(int(partition.max(initial=-1)) + 1, dtype=np.int64)
    with shelves[0], shelves[1], values, progress.stage("read", sum(t.n_rows for t in tables)) as tick:
        for side, table in enumerate(tables):
            seen, seen_values = Seen(), Seen()
            for start, batch in table.batches(list(dict.fromkeys([on[side], *names[side]]))):
                compared, emptied = null_values.emptied(batch, [on[side]], null_texts or {})
                n_emptied[side] += sum(emptied.values())
                read = records.read(compared, [on[side]], reading or Serializer())
                rows_cut += read.n_cut
                counts.add(seen.new(read.texts.tolist()))
                new = seen_values.new(list(dict.fromkeys(folded(read.texts).tolist())))
                n_values[side] += len(new)
                if new:
                    values.put(np.full(len(new), side), {"text": new})
                code = codes.of(batch, side)
                keep = np.flatnonzero((read.text_of_row >= 0) & (code >= 0))
                tick(batch.n_rows)
                if not len(keep):
                    continue
                block = np.searchsorted(blocks, code[keep])
                bins = partition[block]
                rows += np.bincount(bins, minlength=len(rows))
                text = read.texts[read.text_of_row[keep]]
                shelves[side].put(bins, {"row": start + keep, "block": block, "text": text})
    counts.settle()
    n_shared = int((size > 0).all(axis=0).sum())
    return Partitions(
        tables=tables,
        on=on,
        folder=folder,
        shelves=shelves,
        n=len(rows),
        counts=counts,
        values=values,
        n_values=(n_values[0], n_values[1]),
        rows_cut=rows_cut,
        largest=int(rows.max(initial=0)),
        n_blocks=n_shared,
        n_unshared=len(blocks) - n_shared,
        blocks=Blocks(warnings=tuple(codes.warnings)),
        n_emptied=(n_emptied[0], n_emptied[1]),
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


def _length(tables: tuple[ParquetTable, ParquetTable], on: tuple[str, str]) -> float:
    """The mean number of characters of a text, by the first rows of either file."""
    means = [1.0]
    for table, name in zip(tables, on, strict=True):
        for _, batch in table.batches([name]):
            texts = records.read(batch, [name], Serializer()).texts.tolist()
            means.append(sum(map(len, texts)) / max(1, len(texts)))
            break
    return max(means)
