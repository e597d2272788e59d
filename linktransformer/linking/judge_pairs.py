"""Pairs in doubt are judged by a reader that the caller brought, which is calibrated first."""

from __future__ import annotations

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.fused import Fused
from linktransformer.linking.pair_cells import PairCells, texts_of
from linktransformer.linking.pair_judge import PairJudge, asked, name_of
from linktransformer.linking.read_pairs import by_doubt
from linktransformer.linking.reader_scale import LEAST_PAIRS, CalibratedJudge, Scale, confident, fit_scale
from linktransformer.linking.selective_encoding import CERTAIN
from linktransformer.progress import stage, warn

__all__ = ["calibrated", "judge_pairs", "scale_of"]

SAMPLE = 100  # pairs of either kind that calibrate a reader without labels
# Those pairs are as sure as .95: what a reader adds that was fitted on them is bounded by the log-odds of it.
MOST = float(np.log(CERTAIN / (1 - CERTAIN)))


def judge_pairs(
    own: Floats, fused: Fused, cells: PairCells, reader: PairJudge, *, same: bool
) -> tuple[Floats, dict[str, object]]:
    """Log-odds of pairs with the evidence of any reader where they are in doubt; and a report of its use.

    Its scores become evidence by a scale: the reader's own where it was fitted on labels, else one that is
    fitted on pairs that the decision is sure of. The evidence is added to the pairs' own log-odds.

    Args:
        own: The pairs' own log-odds, (n_pairs,) float32.
        fused: The pairs with match probabilities.
        cells: The cells of their records.
        reader: What reads.
        same: Both sides are one table.

    Returns:
        Log-odds, `own` itself where no pair was read; and the report.

    Raises:
        InvalidArgumentError: The reader gives other than a finite number for each pair.
        ModelError: The reader failed.
    """
    at, doubt = by_doubt(fused, same=same)
    report: dict[str, object] = {"pairs_in_doubt": len(at), "reader": name_of(reader)}
    if not len(at):
        return own, {**report, "pairs_read": 0}
    known, told, n_sample = calibrated(fused, cells, reader)
    report |= told
    if known is None:
        return own, {**report, "pairs_read": 0}
    most = getattr(reader, "most_pairs", None)
    if most is not None:
        at = at[: _within(doubt, int(most) - n_sample)]
    if not len(at):
        return own, {**report, "pairs_read": 0}
    with stage("reading", len(at)) as tick:
        read = asked(known, *texts_of(cells, (fused.candidates.left[at], fused.candidates.right[at])))
        tick(len(at))
    own = own.copy()
    own[at] += known.scale(read)
    report["pairs_read"] = int((~np.isnan(read)).sum())
    if np.isnan(read).any():
        report["pairs_without_answer"] = int(np.isnan(read).sum())
    return own, report


def calibrated(
    fused: Fused, cells: PairCells, reader: PairJudge
) -> tuple[CalibratedJudge | None, dict[str, object], int]:
    """A reader with its scale, None with a `LinkWarning` where it cannot have one; the report; pairs read."""
    if isinstance(reader, CalibratedJudge):
        return reader, {"calibrated_by": "labels", **_told(reader.scale)}, 0
    left, right, p = fused.candidates.left, fused.candidates.right, fused.score
    matches, others = confident(p, CERTAIN, SAMPLE)
    most = getattr(reader, "most_pairs", None)
    counts = int(matches.sum()), int(others.sum())
    if min(counts) < LEAST_PAIRS or (most is not None and int(most) <= 2 * LEAST_PAIRS):
        why = f"{counts[0]} pairs are surely matches and {counts[1]} surely none"
        if min(counts) >= LEAST_PAIRS:
            why = f"most_pairs={most} leaves none to be read"
        warn(
            f"The reader {name_of(reader)} is not used: {why}, and it takes {LEAST_PAIRS} of either kind to "
            "calibrate it. Give it with a scale, by calibrated_reader(reader, left, right, match)."
        )
        return None, {"not_used": why}, 0
    sample = np.flatnonzero(matches | others)
    if most is not None and len(sample) > int(most) // 2:  # half of what it may read is to calibrate it
        each = max(LEAST_PAIRS, int(most) // 4)
        sample = np.sort(np.concatenate([_nearest(p, side, each) for side in (matches, others)]))
    scale = scale_of(asked(reader, *texts_of(cells, (left[sample], right[sample]))), p[sample])
    told: dict[str, object] = {
        "calibrated_by": "sure pairs",
        "pairs_to_calibrate": len(sample),
        **_told(scale),
    }
    if scale.slope == 0:
        warn(
            f"The reader {name_of(reader)} is not used: its scores are no higher for pairs that are surely "
            "matches than for others."
        )
        return None, {**told, "not_used": "its scores do not rise with sure matches"}, len(sample)
    return CalibratedJudge(reader, scale), told, len(sample)


def scale_of(read: Floats, p: Floats) -> Scale:
    """The scale of a reader by its scores of pairs that the decision is sure of."""
    scale = fit_scale(read, p > 0.5)
    return Scale(scale.shift, scale.slope, min(scale.most, MOST))


def _told(scale: Scale) -> dict[str, object]:
    return {"shift": round(scale.shift, 3), "slope": round(scale.slope, 3)}


def _nearest(p: Floats, side: Bools, n: int) -> Integers:
    """The pairs of a kind that are nearest to doubt."""
    at = np.flatnonzero(side)
    return at[np.argsort(np.abs(p[at] - 0.5), kind="stable")[:n]]


def _within(doubt: Floats, most: int) -> int:
    """How many of the most doubtful pairs fit; pairs of equal doubt all or none."""
    if most >= len(doubt):
        return len(doubt)
    return int(np.searchsorted(doubt, doubt[most])) if most > 0 else 0
