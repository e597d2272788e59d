"""Pairs in doubt are judged by a reader that the caller brought, which is calibrated first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.fused import Fused
from linktransformer.decision.pair_probabilities import Judged
from linktransformer.linking.pair_judge import PairJudge, Scale, asked, confident, fit_scale
from linktransformer.linking.read_pairs import by_doubt, cells_of
from linktransformer.linking.selective_encoding import CERTAIN
from linktransformer.tables.frames import Table

__all__ = ["judge_pairs"]

# Pairs of either kind that calibrate a reader without labels. They are as sure as .95, so the evidence of a
# reader that was fitted on them is bounded by the log-odds of that.
SAMPLE, MOST = 100, float(np.log(CERTAIN / (1 - CERTAIN)))
BETWEEN = " | "  # two columns of a record


def judge_pairs(
    judged: Judged,
    fused: Fused,
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    reader: PairJudge,
) -> tuple[Judged, dict[str, object]]:
    """Judge pairs in doubt again with the log-odds of any reader; and a report of its use.

    Its log-odds become evidence by a scale: the reader's own where it was fitted on labels, else fitted on
    pairs that the decision is sure of. The evidence is added to the decision's log-odds.

    Args:
        judged: The pairs with their own log-odds.
        fused: The same pairs with match probabilities.
        tables: Both tables.
        on: Their key columns.
        reader: What reads.
    """
    at, doubt = by_doubt(judged, fused)
    report: dict[str, object] = {"pairs_in_doubt": len(at), "reader": type(reader).__name__}
    most = getattr(reader, "most_pairs", None)
    scale: Scale | None = getattr(reader, "scale", None)
    sample, match = _sample(fused.score, at) if scale is None else (at[:0], fused.score[:0])
    if most is not None:
        at = at[: _within(doubt, int(most) - len(sample))]
    if not len(at):
        return judged, {**report, "pairs_read": 0}
    read = asked(reader, *_texts(judged, fused, tables, on, np.concatenate([at, sample])))
    if scale is None:
        scale = fit_scale(read[len(at) :], match, most=MOST)
    own = judged.own.copy()
    own[at] += scale(read[: len(at)])
    report |= {"pairs_read": len(at), "pairs_to_calibrate": len(sample)}
    report |= {"shift": round(scale.shift, 3), "slope": round(scale.slope, 3)}
    return replace(judged, own=own), report


def _within(doubt: Floats, most: int) -> int:
    """How many of the most doubtful pairs fit; pairs of equal doubt all or none."""
    if most >= len(doubt):
        return len(doubt)
    return int(np.searchsorted(doubt, doubt[most])) if most > 0 else 0


def _sample(p: Floats, at: Integers) -> tuple[Integers, Floats]:
    """Pairs that are not in doubt, those nearest to it, and their match probabilities."""
    doubtful = np.zeros(len(p), dtype=bool)
    doubtful[at] = True
    matches, others = confident(np.where(doubtful, np.float32(0.5), p), CERTAIN, SAMPLE)
    sample = np.flatnonzero(matches | others)
    return sample, p[sample]


def _texts(
    judged: Judged,
    fused: Fused,
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    at: Integers,
) -> tuple[list[str], list[str]]:
    """Both records of some pairs as texts: the cells that are not empty, in the naming order of columns."""
    cells, places = cells_of(judged, fused, tables, on, at)
    left, right = ([BETWEEN.join(filter(None, record)) for record in side] for side in cells)
    return [left[place] for place in places[0].tolist()], [right[place] for place in places[1].tolist()]
