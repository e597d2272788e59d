"""What the other pairs of a job say of a pair: its log-odds beside theirs, and the job as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linktransformer.scoring.ranks import highest, places

__all__ = ["JOB", "OF_PAIRS", "Context", "context"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]

FLOOR = -9.0  # the log-odds of a candidate that is not there
QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
CUTS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)

OF_PAIRS: dict[
    str, int
] = {  # name -> 1 where the probability may not fall as it rises, -1 may not rise, 0 else
    "log-odds": 1,
    "gap min": 1,
    "gap max": 1,
    "rank min": -1,
    "rank max": -1,
    "gap many": 1,
    "gap few": 1,
    **{
        f"{what} {side}": sign
        for side in ("many", "few")
        for what, sign in (("false", -1), ("above", -1), ("height", 1))
    },
}
JOB = (
    *(f"best {q}" for q in QUANTILES),
    *(f"share above {cut}" for cut in CUTS),
    "doubtful",
    *(f"lead {q}" for q in (0.1, 0.5, 0.9)),
    "expected",
    "mutual",
    "more than one",
    *(
        f"{side} {what}"
        for side in ("many", "few")
        for what in (
            *(f"height {q}" for q in QUANTILES),
            *("above seconds", "above middle", "with candidates", "spacing", "large spacing", "not mutual"),
            *(f"first gap {q}" for q in (0.1, 0.5, 0.9)),
            *(f"second gap {q}" for q in (0.5, 0.9)),
        )
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Features of pairs in their job.

    Args:
        names: Of the features: of pairs, then of the job.
        values: (n_pairs, n_features) float32.
    """

    names: tuple[str, ...]
    values: Floats


def context(
    log_odds: Floats,
    left: Integers,
    right: Integers,
    sizes: tuple[int, int],
    *,
    same: bool = False,
) -> Context:
    """Describe the log-odds of pairs beside those of the others.

    A record's second candidate is false where every record has one match, so that second candidates show how
    high false ones rise: of the pairs with such log-odds or more, the share of second candidates ("false") is
    an estimate of how many are wrong (target-decoy estimation, J. Elias and S. Gygi 2007). It is one feature
    among others, since it is too low where few records have a match.

    Args:
        log_odds: Of each pair by the pair model, (n_pairs,) float32.
        left: Left record of each pair, (n_pairs,) int64.
        right: Right record.
        sizes: Records of the left and of the right table.
        same: Both sides are one table.

    Returns:
        The features.
    """
    z = log_odds.astype(np.float32)
    of = places(left, right, z, FLOOR, same=same)
    tied = same or sizes[0] == sizes[1]
    many = int(sizes[1] > sizes[0])
    gaps, ranks_ = (of.gap_left, of.gap_right), (of.rank_left, of.rank_right)
    low, high = np.minimum(*gaps), np.maximum(*gaps)
    columns = [z, low, high, np.minimum(*ranks_), np.maximum(*ranks_)]
    columns += [low, high] if tied else [gaps[many], gaps[1 - many]]
    groups = [(left, sizes[0]), (right, sizes[1])]
    if same:
        groups = [(np.concatenate([left, right]), sizes[0])] * 2
    doubled = np.concatenate([z, z]) if same else z
    mutual = np.maximum(*ranks_) == 0
    best_of = (of.rank_left == 0, of.rank_right == 0)
    job = _of_mutual(z[mutual], low[mutual], min(sizes), z)
    sides = []
    for place in (many, 1 - many):
        group, n = groups[place]
        pairs, of_job = _of_side(z, group, doubled, n)
        alone = best_of[place] & ~best_of[1 - place]
        of_job.insert(12, float((_sigmoid(z[alone]) > 0.5).sum() / max(1, n)))
        sides.append((pairs, of_job))
    if tied:  # an order of the two sides that does not depend on which table is the left one
        sides.sort(key=lambda side: [-np.inf if np.isnan(value) else value for value in side[1]])
    for pairs, of_job in sides:
        columns += pairs
        job += of_job
    values = np.concatenate(
        [np.stack(columns, axis=1), np.repeat(np.array(job, dtype=np.float32)[None], len(z), axis=0)], axis=1
    )
    return Context((*OF_PAIRS, *JOB), values.astype(np.float32))


def _of_mutual(best: Floats, lead: Floats, n: int, every: Floats) -> list[float]:
    """How the pairs that are each other's best are distributed."""
    p = _sigmoid(best)
    n = max(1, n)
    return [
        *_quantiles(best, QUANTILES),
        *(float((p > cut).sum() / n) for cut in CUTS),
        float(((p > 0.2) & (p < 0.8)).sum() / max(1, (p > 0.1).sum())),
        *_quantiles(lead, (0.1, 0.5, 0.9)),
        float(p.sum() / n),
        len(best) / n,
        float((_sigmoid(every) > 0.5).sum() / n),
    ]


def _of_side(z: Floats, group: Integers, score: Floats, n: int) -> tuple[list[Floats], list[float]]:
    """Each pair beside best and second candidates of one side's records, and these as a whole."""
    top = highest(group, score, n, 3)
    top = top[~np.isnan(top[:, 0])]
    if not len(top):
        return [np.zeros(len(z), dtype=np.float32)] * 3, [np.nan] * 17
    best, second, third = np.nan_to_num(top, nan=FLOOR).T
    rising_best, rising_second = np.sort(best), np.sort(second)
    n_best = len(best) - np.searchsorted(rising_best, z, "left")
    n_second = len(second) - np.searchsorted(rising_second, z, "left")
    middle, high = np.quantile(second, (0.5, 0.9))
    scale = max(float(high - middle), 0.3)
    pairs = [
        np.log((n_second + 0.5) / (n_best + 1)),
        np.log((n_second + 0.5) / (n + 1)),
        (z - middle) / scale,
    ]
    first, next_ = best - second, second - third
    spacing = first / (first + 2 * next_ + 0.05)
    job = [
        *_quantiles((best - middle) / scale, QUANTILES),
        float((best > np.quantile(second, 0.95)).sum() / n),
        float((best > middle).sum() / n),
        len(best) / n,
        float(spacing.mean()),
        float((spacing > 0.9).mean()),
        *_quantiles(first, (0.1, 0.5, 0.9)),
        *_quantiles(next_, (0.5, 0.9)),
    ]
    return [values.astype(np.float32) for values in pairs], job


def _quantiles(values: Floats, shares: tuple[float, ...]) -> list[float]:
    if not len(values):
        return [np.nan] * len(shares)
    return [float(value) for value in np.quantile(values, shares)]


def _sigmoid(values: Floats) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(values.astype(np.float64), -30, 30))))
