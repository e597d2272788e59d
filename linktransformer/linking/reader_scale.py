"""What a reader's scores are worth: Platt scaling by labels, or by pairs that the decision is sure of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.pair_judge import PairJudge, as_judge, asked, name_of

__all__ = ["LEAST_PAIRS", "CalibratedJudge", "Scale", "calibrated_reader", "confident", "fit_scale"]

LEAST_PAIRS = 10  # of either kind: of fewer, two numbers cannot be learned
FURTHEST = 30.0  # log-odds to which the fit is bounded
RIDGE = 1e-6  # keeps the fit solvable where all scores are equal


@dataclass(frozen=True, slots=True)
class Scale:
    """What a reader's scores are worth: `shift + slope * score`, at most `most` either way."""

    shift: float
    slope: float
    most: float

    def __call__(self, read: Floats) -> Floats:
        """The evidence for a match in natural logarithms, to be added to log-odds without the reader.

        No answer, NaN, is no evidence.
        """
        evidence = np.clip(self.shift + self.slope * read.astype(np.float64), -self.most, self.most)
        return np.nan_to_num(evidence, nan=0.0).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedJudge:
    """A reader with a scale that was fitted on labels, as `calibrated_reader` gives it."""

    judge: PairJudge
    scale: Scale

    @property
    def name(self) -> str:
        """What the reader is called."""
        return name_of(self.judge)

    @property
    def most_pairs(self) -> int | None:
        """The number of pairs that the reader is given at the most."""
        return getattr(self.judge, "most_pairs", None)

    @property
    def may_abstain(self) -> bool:
        """Whether the reader may have no answer for a pair."""
        return getattr(self.judge, "may_abstain", False) is True

    def log_odds(self, left: Sequence[str], right: Sequence[str]) -> Floats:
        """Scores of each pair, as the reader gives them."""
        return asked(self.judge, left, right)


def calibrated_reader(
    reader: object, left: Sequence[str], right: Sequence[str], match: Sequence[bool] | NDArray[np.bool_]
) -> CalibratedJudge:
    """Calibrate a reader of pairs by labelled pairs, for `merge(..., reader=calibrated)`.

    Platt scaling (J. Platt, Probabilistic outputs for support vector machines, 1999): a logistic regression
    of the labels on the reader's scores, with his smoothed targets. Both kinds of label have the same weight,
    so that the result is evidence, which is added to the decision's own log-odds.

    Args:
        reader: A reader, as `merge` takes it: an object with `log_odds` or `predict`, a function of left and
            right texts, the folder of a CrossEncoder.
        left: A record of each labelled pair; its key columns joined by " | ", as the reader will be given it.
        right: The other one.
        match: Whether each pair is one thing; at least 10 of either kind.

    Returns:
        The reader with its scale.

    Raises:
        InvalidArgumentError: Not a reader, or the labels do not fit the pairs, or are too few of one kind.
        ModelError: The reader failed.

    Example:
        >>> def words(left, right):
        ...     return [len({*a.split()} & {*b.split()}) for a, b in zip(left, right)]
        >>> left = ["green tea", "oat milk"] * 10
        >>> known = calibrated_reader(words, left, ["tea green", "rye bread"] * 10, [True, False] * 10)
        >>> known.scale.slope > 0
        True
    """
    judge = as_judge(reader)
    if judge is None:
        raise InvalidArgumentError(
            f"reader={name_of(reader)} reads no pairs. Give an object with log_odds(left, right)."
        )
    labels = np.asarray(match, dtype=bool)
    if not len(left) == len(right) == len(labels):
        raise InvalidArgumentError(
            f"Labels that calibrate a reader are one for each pair. Given: {len(left)} left, {len(right)} "
            f"right, {len(labels)} labels."
        )
    if min(labels.sum(), (~labels).sum()) < LEAST_PAIRS:
        raise InvalidArgumentError(
            f"A reader is calibrated by at least {LEAST_PAIRS} labels of either kind. Given: "
            f"{int(labels.sum())} matches and {int((~labels).sum())} others."
        )
    return CalibratedJudge(judge, fit_scale(asked(judge, left, right), labels))


def fit_scale(read: Floats, match: Bools) -> Scale:
    """Fit the scale of a reader: a logistic regression, both outcomes with the same total weight.

    The targets are those of Platt for n pairs of the rarer kind, (n + 1) / (n + 2) and 1 / (n + 2), so that
    the result is finite where the kinds do not overlap. No pair has more evidence than the log-odds of these
    targets. A slope below zero becomes zero: such a reader tells nothing.

    Args:
        read: The reader's scores of some pairs, (n,); NaN for no answer, which is left out.
        match: Whether each is one thing, (n,).

    Returns:
        The scale; shift and slope zero where the scores tell nothing.
    """
    has = ~np.isnan(read)
    x, y = read[has].astype(np.float64), match[has]
    kinds = int(y.sum()), int((~y).sum())
    if min(kinds) == 0 or x.std() <= 1e-9 * max(1.0, float(np.abs(x).max(initial=0.0))):
        return Scale(0.0, 0.0, 0.0)
    weight = np.where(y, 0.5 / kinds[0], 0.5 / kinds[1])
    target = np.where(y, min(kinds) + 1, 1) / (min(kinds) + 2)
    middle, spread = float(x @ weight), float(x.std())
    design = np.stack([np.ones_like(x), (x - middle) / spread], axis=1)
    values = np.zeros(2)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(design @ values, -FURTHEST, FURTHEST)))
        gradient = design.T @ (weight * (p - target)) + RIDGE * values
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        values = values - step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    slope = float(values[1]) / spread
    if slope <= 0:
        return Scale(0.0, 0.0, 0.0)
    most = float(np.log(min(kinds) + 1))
    return Scale(float(values[0]) - slope * middle, slope, most)


def confident(p: Floats, sure: float, most: int) -> tuple[Bools, Bools]:
    """Pairs that a decision is sure of: matches and others, those nearest to doubt, (n_pairs,) bool each.

    Args:
        p: Match probabilities.
        sure: The least probability of a sure match; of a sure other pair one less this, at most.
        most: So many of each kind, and those that are as near.
    """
    sides = []
    for far in (p - np.float32(sure), np.float32(1 - sure) - p):
        inside = far >= 0
        last = np.partition(far[inside], most - 1)[most - 1] if inside.sum() > most else np.inf
        sides.append(inside & (far <= last))
    return sides[0], sides[1]
