"""The context of pairs worked out in one go: a reference for tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linktransformer.decision.context import CUTS, FLOOR, QUANTILES
from linktransformer.scoring.ranks import highest, places

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]


def plain_context(
    log_odds: Floats, left: Integers, right: Integers, sizes: tuple[int, int], *, same: bool = False
) -> Floats:
    """The values of all features, (n_pairs, n_features) float32."""
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
    one_sided = [(_sigmoid(z[best_of[at] & ~best_of[1 - at]]) > 0.5).sum() for at in (0, 1)]
    if same:  # a pair of one table has no left and no right record
        one_sided = [sum(one_sided) / 2] * 2
    for place in (many, 1 - many):
        group, n = groups[place]
        pairs, of_job = _of_side(z, group, doubled, n)
        of_job.insert(12, float(one_sided[place] / max(1, n)))
        sides.append((pairs, of_job))
    if tied:  # an order of the two sides that does not depend on which table is the left one
        sides.sort(key=lambda side: [-np.inf if np.isnan(value) else value for value in side[1]])
    for pairs, of_job in sides:
        columns += pairs
        job += of_job
    job += [float(same), float(np.log(max(1, *sizes) / max(1, min(sizes))))]
    values = np.concatenate(
        [np.stack(columns, axis=1), np.repeat(np.array(job, dtype=np.float32)[None], len(z), axis=0)], axis=1
    )
    return values.astype(np.float32)


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
