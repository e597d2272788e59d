"""What the argument `reader` stands for reads the pairs in doubt."""

from __future__ import annotations

from typing import cast

from linktransformer.arrays import Floats
from linktransformer.decision.fused import Fused
from linktransformer.linking.judge_pairs import judge_pairs
from linktransformer.linking.options import ReaderUse, is_budget
from linktransformer.linking.pair_cells import PairCells
from linktransformer.linking.pair_judge import PairJudge
from linktransformer.linking.read_pairs import read_pairs

__all__ = ["reread"]


def reread(
    own: Floats,
    fused: Fused,
    cells: PairCells,
    reader: ReaderUse,
    *,
    same: bool = False,
    encoded: int = 0,
    folder: str = "",
) -> tuple[Floats, dict[str, object]]:
    """Log-odds of pairs with what a reader adds where they are in doubt; and a report of its use.

    Args:
        own: The pairs' own log-odds, (n_pairs,) float32.
        fused: The pairs with match probabilities.
        cells: The cells of their records.
        reader: A budget of the model's reader, or a reader of the caller's.
        same: Both sides are one table.
        encoded: Characters that a text model encoded.
        folder: The model's folder that has a reader, "" for the bundled one.

    Returns:
        Log-odds, `own` itself where no pair was read; and the report.
    """
    if is_budget(reader):
        return read_pairs(own, fused, cells, reader, same=same, encoded=encoded, folder=folder)
    return judge_pairs(own, fused, cells, cast(PairJudge, reader), same=same)
