"""What a link of files would take: pieces, pairs, memory and time, before any text is compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linktransformer.encoding.model_plan import LEXICAL
from linktransformer.linking.options import BlockColumns, Columns
from linktransformer.partitions.partition import MEMORY, planned
from linktransformer.search.lsh_forest import EXACT_UP_TO
from linktransformer.tables import key_columns
from linktransformer.tables.parquet_parts import Places
from linktransformer.tables.parquet_tables import ParquetTable, open_parquet

__all__ = ["FileEstimate", "estimate_files", "estimate_of"]

PROCESS = 250_000_000  # bytes of a process with its libraries; measured
BYTES_A_ROW = 600  # of the caller: counts, numbers and the decision; measured
# CPU seconds, fitted by `python -m tests.benchmarks file_costs` (docs/runs/file_costs.json)
START, CHARACTER, PAIR = 0.75, 8.4e-6, 2.7e-8
ERROR = 0.26  # a run took at most so much more, as a share, than by the costs that are fitted on the others
IN_FOREST = 11_000  # pairs that an approximate search of a record takes as long as; not measured there


@dataclass(frozen=True, slots=True)
class FileEstimate:
    """What a link of files would take.

    Args:
        left_rows: Rows of the left files.
        right_rows: Rows of the right files.
        blocks: Blocks of both.
        pieces: Pieces that the rows are divided into.
        rows_of_largest_piece: Rows of both files in it.
        pairs: Pairs that blocking leaves.
        pairs_compared: Pairs of n-gram vectors that the search multiplies, or as long as it takes.
        characters: Of the key columns, and of the column that names the records once more.
        memory_bytes_of_a_piece: Of a process of a cluster.
        memory_bytes_of_the_caller: Of this process, where pieces are worked on in others.
        memory_bytes: Of this process, where it does all.
        cpu_seconds: Of one core; None with a model, whose time depends on it.
        cpu_seconds_interval: Lowest and highest, by the largest error of the runs that costs are fitted on.
    """

    left_rows: int
    right_rows: int
    blocks: int
    pieces: int
    rows_of_largest_piece: int
    pairs: int
    pairs_compared: int
    characters: int
    memory_bytes_of_a_piece: int
    memory_bytes_of_the_caller: int
    memory_bytes: int
    cpu_seconds: float | None
    cpu_seconds_interval: tuple[float, float] | None

    def __str__(self) -> str:
        """The report, a line for each entry."""
        entries = ((name, getattr(self, name)) for name in self.__slots__)
        return "\n".join(f"{name}: {value}" for name, value in entries if value is not None)


def estimate_files(
    left: Places,
    right: Places,
    on: Columns = None,
    *,
    left_on: Columns = None,
    right_on: Columns = None,
    block_on: BlockColumns = None,
    memory_limit: int | None = None,
    model: object = LEXICAL,
) -> FileEstimate:
    """Orders of magnitude of what `link_files` with these options would take.

    The block columns are read, and the first rows of the key columns.

    Raises:
        LinkTransformerError: An argument that cannot work, such as a column that is not there.
    """
    tables = open_parquet(left, "left"), open_parquet(right, "right")
    key = key_columns.resolve(tables[0].head, tables[1].head, on, left_on, right_on)
    dense = not (isinstance(model, str) and model == LEXICAL)
    return estimate_of(tables, key, block_on, memory_limit, dense=dense)


def estimate_of(
    tables: tuple[ParquetTable, ParquetTable],
    key: tuple[list[str], list[str]],
    block_on: BlockColumns,
    memory_limit: int | None,
    *,
    dense: bool,
) -> FileEstimate:
    """`estimate_files` of files that are open, with their key columns."""
    plan = planned(tables, key, block_on, memory=(memory_limit or MEMORY) // 2, dense=dense)
    rows, sizes = plan.rows, plan.size.astype(np.float64)
    largest, n_rows = int(rows.max(initial=0)), sum(table.n_rows for table in tables)
    pairs = sizes[0] * sizes[1]
    compared = plan.views * np.where(pairs > EXACT_UP_TO, IN_FOREST * sizes.sum(axis=0), pairs).sum()
    characters = n_rows * plan.length * plan.views
    seconds = START + CHARACTER * characters + PAIR * compared
    of_piece = PROCESS + int(largest * plan.bytes_a_row)
    of_caller = PROCESS + BYTES_A_ROW * n_rows
    return FileEstimate(
        left_rows=tables[0].n_rows,
        right_rows=tables[1].n_rows,
        blocks=len(plan.blocks),
        pieces=len(rows),
        rows_of_largest_piece=largest,
        pairs=int(pairs.sum()),
        pairs_compared=int(compared),
        characters=int(characters),
        memory_bytes_of_a_piece=of_piece,
        memory_bytes_of_the_caller=of_caller,
        memory_bytes=of_caller + of_piece - PROCESS,
        cpu_seconds=None if dense else _rounded(seconds),
        cpu_seconds_interval=None
        if dense
        else (_rounded(seconds / (1 + ERROR)), _rounded(seconds * (1 + ERROR))),
    )


def _rounded(seconds: float) -> float:
    """Two digits that count."""
    return float(f"{seconds:.2g}")
