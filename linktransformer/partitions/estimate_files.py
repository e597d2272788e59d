"""What a link of files would take: pieces, pairs and memory, before any text is compared."""

from __future__ import annotations

from collections.abc import Mapping

from linktransformer.encoding.model_plan import LEXICAL
from linktransformer.linking.options import BlockColumns, Columns
from linktransformer.partitions.partition import MEMORY, planned
from linktransformer.tables import key_columns
from linktransformer.tables.parquet_parts import Places
from linktransformer.tables.parquet_tables import open_parquet

__all__ = ["estimate_files"]

PROCESS = 250_000_000  # bytes of a process with its libraries; measured
BYTES_A_ROW = 600  # of the caller: counts, numbers and the decision; measured


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
) -> Mapping[str, int]:
    """Orders of magnitude of what `link_files` with these options would take.

    The block columns are read, and the first rows of the key columns.

    Returns:
        left_rows, right_rows, blocks, pieces, rows_of_largest_piece, pairs that blocking leaves,
        memory_bytes_of_a_piece (in a process of a cluster) and memory_bytes_of_the_caller.

    Raises:
        LinkTransformerError: An argument that cannot work, such as a column that is not there.
    """
    tables = open_parquet(left, "left"), open_parquet(right, "right")
    names = key_columns.resolve(tables[0].head, tables[1].head, on, left_on, right_on)
    dense = not (isinstance(model, str) and model == LEXICAL)
    memory = (memory_limit or MEMORY) // 2
    plan = planned(tables, names, block_on, memory=memory, dense=dense)
    rows = plan.rows
    largest = int(rows.max(initial=0))
    return {
        "left_rows": tables[0].n_rows,
        "right_rows": tables[1].n_rows,
        "blocks": len(plan.blocks),
        "pieces": len(rows),
        "rows_of_largest_piece": largest,
        "pairs": int((plan.size[0] * plan.size[1]).sum()),
        "memory_bytes_of_a_piece": PROCESS + int(largest * plan.bytes_a_row),
        "memory_bytes_of_the_caller": PROCESS + BYTES_A_ROW * sum(table.n_rows for table in tables),
    }
