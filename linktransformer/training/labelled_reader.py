"""The scale of a reader of pairs, learned from the candidates that labels speak of."""

from __future__ import annotations

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.decision.fused import Fused
from linktransformer.linking.pair_cells import TableCells, texts_of
from linktransformer.linking.pair_judge import PairJudge, asked
from linktransformer.linking.reader_scale import LEAST_PAIRS, CalibratedJudge, fit_scale
from linktransformer.search.blocking import Nodes
from linktransformer.tables.frames import Table

__all__ = ["calibrated_by_labels"]

MOST = 1_000  # labelled candidates of either kind that are read


def calibrated_by_labels(
    reader: PairJudge,
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    nodes: tuple[Nodes, Nodes],
    fused: Fused,
    labelled: tuple[Integers, Integers],
) -> PairJudge:
    """A reader with a scale by labels; the reader itself where either kind has fewer than ten.

    Args:
        reader: The reader.
        tables: Both tables.
        on: Their key columns.
        nodes: Their records.
        fused: The candidates with their features.
        labelled: The candidates known to match, and those known not to.
    """
    if (
        isinstance(reader, CalibratedJudge)
        or fused.described is None
        or min(map(len, labelled)) < LEAST_PAIRS
    ):
        return reader
    most = getattr(reader, "most_pairs", None)
    each = MOST if most is None else max(LEAST_PAIRS, int(most) // 2)
    matches, others = (_spread(side, each) for side in labelled)
    at = np.concatenate([matches, others])
    cells = TableCells.of_views(tables, on, fused.described.views, nodes)
    read = asked(reader, *texts_of(cells, (fused.candidates.left[at], fused.candidates.right[at])))
    return CalibratedJudge(reader, fit_scale(read, np.arange(len(at)) < len(matches)))


def _spread(at: Integers, most: int) -> Integers:
    """At most so many of some candidates, evenly over all."""
    if len(at) <= most:
        return at
    return at[np.linspace(0, len(at) - 1, most).astype(np.int64)]
