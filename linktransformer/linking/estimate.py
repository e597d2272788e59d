"""What a merge would cost: rows, pairs, memory and time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linktransformer.encoding import model_plan
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.options import Columns, Job
from linktransformer.search import blocking, lsh_forest
from linktransformer.tables import block_keys, frames, key_columns, null_values, records
from linktransformer.tables.frames import IntoDataFrame
from linktransformer.tables.serialize import Serializer

__all__ = ["estimate"]


def estimate(
    left: IntoDataFrame, right: IntoDataFrame, on: Columns = None, **options: Any
) -> Mapping[str, float]:
    """Orders of magnitude of what `link` with these options would cost, for two cores without a GPU.

    Options that do not change the estimate are left out. Keys: left_rows, right_rows, texts to encode, pairs
    that blocking leaves, candidates (at most), memory_bytes and seconds.

    Raises:
        LinkTransformerError: An argument of `link` that cannot work, such as a column that is not there.
    """
    tables = frames.wrap(left, "left"), frames.wrap(right, "right")
    if options.get("images") is not None:
        raise InvalidArgumentError("What pictures cost cannot be estimated. Leave out images=.")
    on_left, on_right = key_columns.resolve(*tables, on, options.get("left_on"), options.get("right_on"))
    null_texts = null_values.check(options.get("null_values"), [*on_left, *on_right])
    job = Job.of(options)
    texts = [
        records.read(null_values.emptied(table, columns, null_texts)[0], columns, Serializer())
        for table, columns in zip(tables, (on_left, on_right), strict=True)
    ]
    blocks = block_keys.number(tables, job.block_on)
    nodes = [
        blocking.nodes(side.text_of_row, of_row)
        for side, of_row in zip(texts, (blocks.left, blocks.right), strict=True)
    ]
    pairs = int(blocking.pair_blocks(nodes[0], nodes[1]).areas.sum())
    dense = 0 if model_plan.plan(job.model, job.device).encoder is None else 1
    n_texts = sum(len(side.texts) for side in texts)
    characters = sum(sum(map(len, side.texts)) for side in texts)
    candidates = min(pairs, 2 * (1 + dense) * job.k * max(map(len, nodes), default=0))
    sparse = pairs * 6e-9 if pairs <= lsh_forest.EXACT_UP_TO else 3e-4 * sum(map(len, nodes))
    seconds = 1e-6 * characters * 3 + sparse + dense * (pairs * 8e-9 + characters / 4 / 2_500)
    memory = 150e6 + characters * 40 + dense * n_texts * 1536 * 2 + candidates * 60
    return {
        "left_rows": tables[0].n_rows,
        "right_rows": tables[1].n_rows,
        "texts": n_texts,
        "pairs": pairs,
        "candidates": int(candidates),
        "memory_bytes": int(memory),
        "seconds": round(seconds, 1),
    }
