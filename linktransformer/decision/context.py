"""Features of a pair in its job: its log-odds beside those of the other pairs, and the job as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.scoring.ranks import Places, highest, places

__all__ = [
    "JOB",
    "OF_PAIRS",
    "Context",
    "JobContext",
    "Side",
    "context",
    "in_context",
    "job_context",
    "sigmoid64",
]


FLOOR = -9.0  # the log-odds of a candidate that is not there
QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
CUTS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)

# name -> 1 where the probability may not fall as the feature rises, -1 where it may not rise
OF_PAIRS: dict[str, int] = {
    "log-odds": 1,
    "gap min": 1,
    "gap max": 1,
    "rank min": -1,
    "rank max": -1,
    "gap many": 1,
    "gap few": 1,
    **{
        f"{feature} {side}": sign
        for side in ("many", "few")
        for feature, sign in (("false", -1), ("above", -1), ("height", 1))
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
        f"{side} {feature}"
        for side in ("many", "few")
        for feature in (
            *(f"height {q}" for q in QUANTILES),
            *("above seconds", "above middle", "with candidates", "spacing", "large spacing", "not mutual"),
            *(f"first gap {q}" for q in (0.1, 0.5, 0.9)),
            *(f"second gap {q}" for q in (0.5, 0.9)),
        )
    ),
    "one table",
    "size ratio",
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


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """How log-odds are distributed among the records of one table.

    Args:
        best: Of the best candidate of each record that has one, rising, (n,) float32.
        second: Of the second candidate, or the floor, rising, (n,) float32.
        records: Of the table.
        middle: The median of `second`.
        scale: How far its .9 quantile is from there.
    """

    best: Floats
    second: Floats
    records: int
    middle: float
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class JobContext:
    """What is the same for all pairs of a job.

    Args:
        values: The features `JOB`, (n_features,) float32.
        sides: In the order of the features: that of more records first; of equally many, an order that does
            not depend on which table is the left one.
        many: 0 where the left table has more records, 1 where the right one has.
        tied: Whether no side has more records.
    """

    values: Floats
    sides: tuple[Side, Side]
    many: int
    tied: bool


def context(
    log_odds: Floats,
    left: Integers,
    right: Integers,
    sizes: tuple[int, int],
    *,
    same: bool = False,
) -> Context:
    """The features of all pairs of a job; arguments as of `job_context`."""
    z = log_odds.astype(np.float32)
    ranks = places(left, right, z, FLOOR, same=same)
    return in_context(z, ranks, job_context(z, left, right, ranks, sizes, same=same))


def job_context(
    log_odds: Floats,
    left: Integers,
    right: Integers,
    ranks: Places,
    sizes: tuple[int, int],
    *,
    same: bool = False,
) -> JobContext:
    """How the log-odds of a job are distributed.

    Args:
        log_odds: Of each pair by the pair model, (n_pairs,) float32.
        left: Left record of each pair, (n_pairs,) int64.
        right: Right record.
        ranks: Their ranks and gaps by these.
        sizes: Records of the left and of the right table.
        same: Both sides are one table.
    """
    z = log_odds
    tied = same or sizes[0] == sizes[1]
    many = int(sizes[1] > sizes[0])
    groups = [(left, sizes[0]), (right, sizes[1])]
    if same:
        groups = [(np.concatenate([left, right]), sizes[0])] * 2
    doubled = np.concatenate([z, z]) if same else z
    is_best = (ranks.rank_left == 0, ranks.rank_right == 0)
    mutual = is_best[0] & is_best[1]
    lead = np.minimum(ranks.gap_left, ranks.gap_right)
    job = _mutual_features(z[mutual], lead[mutual], min(sizes), z)
    sides = []
    for place in (many, 1 - many):
        group, n = groups[place]
        side, features = _side_features(group, doubled, n)
        one_sided = is_best[place] & ~is_best[1 - place]
        if same:  # which record of a pair is the left one has no meaning: half of them on either side
            one_sided = is_best[0] ^ is_best[1]
        n_one_sided = (sigmoid64(z[one_sided]) > 0.5).sum() / (2 if same else 1)
        features.insert(12, float(n_one_sided / max(1, n)))
        sides.append((side, features))
    if tied:  # an order of the two sides that does not depend on which table is the left one
        sides.sort(key=lambda side: [-np.inf if np.isnan(value) else value for value in side[1]])
    ratio = float(np.log(max(1, *sizes) / max(1, min(sizes))))
    values = np.array([*job, *sides[0][1], *sides[1][1], float(same), ratio], dtype=np.float32)
    return JobContext(values, (sides[0][0], sides[1][0]), many, tied)


def in_context(log_odds: Floats, ranks: Places, job: JobContext) -> Context:
    """The features of pairs with these log-odds and ranks beside those of a job.

    A record's second candidate is false where every record has one match, so that second candidates show how
    high false ones rise: among the pairs with at least these log-odds, the share of second candidates
    ("false") estimates the share of wrong ones (target-decoy estimation, J. Elias and S. Gygi 2007). It is
    one feature among others, since it is too low where few records have a match.
    """
    gaps, positions = (ranks.gap_left, ranks.gap_right), (ranks.rank_left, ranks.rank_right)
    low, high = np.minimum(*gaps), np.maximum(*gaps)
    columns = [log_odds, low, high, np.minimum(*positions), np.maximum(*positions)]
    columns += [low, high] if job.tied else [gaps[job.many], gaps[1 - job.many]]
    for side in job.sides:
        columns += _beside(log_odds, side)
    of_job = np.repeat(job.values[None], len(log_odds), axis=0)
    values = np.concatenate([np.stack(columns, axis=1), of_job], axis=1)
    return Context((*OF_PAIRS, *JOB), values.astype(np.float32))


def _mutual_features(best: Floats, lead: Floats, n: int, log_odds: Floats) -> list[float]:
    """Features of the job: of mutual best pairs, their lead over rivals, and all log-odds."""
    p = sigmoid64(best)
    n = max(1, n)
    return [
        *_quantiles(best, QUANTILES),
        *(float((p > cut).sum() / n) for cut in CUTS),
        float(((p > 0.2) & (p < 0.8)).sum() / max(1, (p > 0.1).sum())),
        *_quantiles(lead, (0.1, 0.5, 0.9)),
        float(p.sum() / n),
        len(best) / n,
        float((sigmoid64(log_odds) > 0.5).sum() / n),
    ]


def _side_features(group: Integers, score: Floats, n: int) -> tuple[Side, list[float]]:
    """The distribution of one table's best and second candidates, and its features."""
    top = highest(group, score, n, 3)
    top = top[~np.isnan(top[:, 0])]
    if not len(top):
        none = np.zeros(0, dtype=np.float32)
        return Side(none, none, n, 0.0, 1.0), [np.nan] * 17
    best, second, third = np.nan_to_num(top, nan=FLOOR).T
    middle, high = np.quantile(second, (0.5, 0.9))
    scale = max(float(high - middle), 0.3)
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
    return Side(np.sort(best), np.sort(second), n, float(middle), scale), job


def _beside(z: Floats, side: Side) -> list[Floats]:
    """The features false, above and height of pairs beside one table's best and second candidates."""
    if not len(side.best):
        return [np.zeros(len(z), dtype=np.float32)] * 3
    n_best = len(side.best) - np.searchsorted(side.best, z, "left")
    n_second = len(side.second) - np.searchsorted(side.second, z, "left")
    pairs = [
        np.log((n_second + 0.5) / (n_best + 1)),
        np.log((n_second + 0.5) / (side.records + 1)),
        (z - np.float64(side.middle)) / side.scale,
    ]
    return [values.astype(np.float32) for values in pairs]


def _quantiles(values: Floats, shares: tuple[float, ...]) -> list[float]:
    if not len(values):
        return [np.nan] * len(shares)
    return [float(value) for value in np.quantile(values, shares)]


def sigmoid64(values: Floats | Doubles) -> Doubles:
    """Probabilities of log-odds in float64, clipped at 30."""
    return np.asarray(1 / (1 + np.exp(-np.clip(values.astype(np.float64), -30, 30))))
