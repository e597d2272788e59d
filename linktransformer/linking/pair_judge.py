"""Any reader of pairs in the place of the shipped one: an object with `log_odds`, calibrated before its use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linktransformer.arrays import Bools, Floats
from linktransformer.check import shown
from linktransformer.errors import InvalidArgumentError

__all__ = ["CalibratedJudge", "PairJudge", "Scale", "calibrated_reader", "cross_encoder_reader", "fit_scale"]

CLIP = 30.0  # of what a reader gives; infinite log-odds would leave nothing to calibrate
LEAST_EVIDENCE = 1e-6


@runtime_checkable
class PairJudge(Protocol):
    """A reader of pairs, for the argument `reader` of `merge`, `link` and `cluster`.

    An attribute `most_pairs`, where it has one, is the number of pairs that it is asked about at the most.
    """

    def log_odds(self, left: Sequence[str], right: Sequence[str]) -> ArrayLike:
        """Log-odds that both records of each pair are one thing, natural logarithms, (n_pairs,).

        Args:
            left: A record of each pair; its key columns, joined by " | ".
            right: The other one.
        """


@dataclass(frozen=True, slots=True)
class Scale:
    """What a reader's log-odds are worth: `shift + slope * log_odds`, at most `most` either way."""

    shift: float
    slope: float
    most: float

    def __call__(self, read: Floats) -> Floats:
        """The evidence for a match in natural logarithms, to be added to log-odds without the reader."""
        return np.asarray(np.clip(self.shift + self.slope * read, -self.most, self.most), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedJudge:
    """A reader with a scale that was fitted on labels, as `calibrated_reader` gives it."""

    judge: PairJudge
    scale: Scale

    @property
    def most_pairs(self) -> int | None:
        """The number of pairs that the reader is asked about at the most."""
        return getattr(self.judge, "most_pairs", None)

    def log_odds(self, left: Sequence[str], right: Sequence[str]) -> Floats:
        """Log-odds of each pair, as the reader gives them."""
        return asked(self.judge, left, right)


def calibrated_reader(
    reader: PairJudge, left: Sequence[str], right: Sequence[str], match: Sequence[bool] | NDArray[np.bool_]
) -> CalibratedJudge:
    """Calibrate a reader of pairs by labelled pairs, for `merge(..., reader=calibrated)`.

    Platt scaling: a logistic regression of the labels on the reader's log-odds, both kinds of label with the
    same weight, so that the result is evidence that is added to the decision's own log-odds.

    Args:
        reader: An object with `log_odds`.
        left: A record of each labelled pair; its key columns joined by " | ", as the reader will see them.
        right: The other one.
        match: Whether each pair is one thing; at least one of either kind.

    Returns:
        The reader with its scale.

    Raises:
        InvalidArgumentError: The labels do not fit the pairs, or are of one kind.

    Example:
        >>> class Words:
        ...     def log_odds(self, left, right):
        ...         return [4.0 * (set(a.split()) == set(b.split())) - 2 for a, b in zip(left, right)]
        >>> pairs = ["tea green", "milk", "tea", "milk"], ["green tea", "milk", "milk", "bread"]
        >>> calibrated_reader(Words(), *pairs, [True, True, False, False]).scale.slope > 0
        True
    """
    labels = np.asarray(match, dtype=bool)
    if not len(left) == len(right) == len(labels) or not (labels.any() and (~labels).any()):
        raise InvalidArgumentError(
            "Labels that calibrate a reader are of as many pairs, some that match and some that do not. Given: "
            f"{len(left)} left, {len(right)} right, {int(labels.sum())} matches of {len(labels)} labels."
        )
    read = asked(reader, left, right)
    return CalibratedJudge(reader, fit_scale(read, labels.astype(np.float32), most=CLIP))


def asked(judge: PairJudge, left: Sequence[str], right: Sequence[str]) -> Floats:
    """The log-odds that a reader gives, checked, (n_pairs,) float32."""
    found = np.asarray(judge.log_odds(list(left), list(right)), dtype=np.float32)
    if found.shape != (len(left),) or np.isnan(found).any():
        raise InvalidArgumentError(
            f"reader={shown(judge)} gave {int(np.isnan(found).sum())} numbers that are none, in shape "
            f"{found.shape}. Its log_odds gives one number for each of the {len(left)} pairs."
        )
    return np.asarray(np.clip(found, -CLIP, CLIP))


def fit_scale(read: Floats, match: Floats, *, most: float) -> Scale:
    """Fit the scale of a reader: a logistic regression, both outcomes with the same weight.

    The slope and the shift are drawn towards 1 and 0 by as much as one pair weighs: without evidence the
    reader's log-odds are taken as they are. A slope below zero becomes 0: such a reader says nothing.

    Args:
        read: The reader's log-odds of some pairs, (n,).
        match: The probability that each is one thing, 0 or 1 for labels, (n,).
        most: The most that the evidence of a pair may be.
    """
    x, y = read.astype(np.float64), match.astype(np.float64)
    share = np.clip(y.mean() if len(y) else 0.5, LEAST_EVIDENCE, 1 - LEAST_EVIDENCE)
    weight = y / (2 * share) + (1 - y) / (2 * (1 - share))
    target = y / (2 * share) / weight if len(y) else y  # of a sample with as many matches as others
    design = np.stack([np.ones_like(x), x], axis=1)
    values = np.array([0.0, 1.0])
    for _ in range(100):
        at = np.clip(design @ values, -CLIP, CLIP)
        p = 1 / (1 + np.exp(-at))
        gradient = design.T @ (weight * (p - target)) + values - [0.0, 1.0]
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        values = values - step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    if values[1] < 0:
        return Scale(0.0, 0.0, most)
    return Scale(float(values[0]), float(values[1]), most)


def cross_encoder_reader(model: Any, *, most_pairs: int | None = None) -> PairJudge:
    """A CrossEncoder of sentence-transformers with one output as a reader of pairs.

    Args:
        model: A `sentence_transformers.CrossEncoder` with one label; a name or folder needs
            sentence-transformers, and may be downloaded by it.
        most_pairs: How many pairs it is asked about at the most; None for all in doubt.

    Returns:
        The reader, for `merge(..., reader=...)`. It is calibrated there, or by `calibrated_reader`.

    Raises:
        InvalidArgumentError: The model has several outputs.
        MissingExtraError: A name is given, and sentence-transformers is not installed.
    """
    if isinstance(model, str):
        from linktransformer.optional import need

        model = need("sentence_transformers", "train").CrossEncoder(model)
    return _CrossEncoder(model, most_pairs)


@dataclass(frozen=True, slots=True, eq=False)
class _CrossEncoder:
    model: Any
    most_pairs: int | None

    def log_odds(self, left: Sequence[str], right: Sequence[str]) -> Floats:
        """The model's outputs before the logistic function."""
        pairs = list(zip(left, right, strict=True))
        raw = self.model.predict(pairs, activation_fn=_same, show_progress_bar=False)
        found = np.asarray(raw, dtype=np.float32)
        if found.ndim == 2 and found.shape[1] == 1:
            found = found[:, 0]
        if found.ndim != 1:
            raise InvalidArgumentError(
                f"The CrossEncoder has outputs of shape {found.shape} for {len(pairs)} pairs. Give one with "
                "num_labels=1."
            )
        return found


def _same(values: Any) -> Any:
    return values


def is_judge(reader: object) -> bool:
    """Whether a value is an object that reads pairs."""
    return not isinstance(reader, type) and callable(getattr(reader, "log_odds", None))


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
