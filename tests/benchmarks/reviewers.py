"""Simulated reviewers, to measure what answers are worth: right ones, careless ones, several who disagree."""

from __future__ import annotations

import numpy as np

from linktransformer.arrays import Bools
from linktransformer.errors import InvalidArgumentError

__all__ = ["CARELESS", "THREE", "judged", "majority"]

CARELESS = 0.05  # the share of wrong answers of one who is in a hurry
STREAM = 53  # so that answers are independent of a truth that was made with the same seed
THREE = (0.02, 0.05, 0.15)  # of three people: one who knows the subject, one in a hurry, a beginner


def judged(truth: Bools, wrong: float = 0.0, seed: int = 0) -> Bools:
    """The answers of a person of whom a share is wrong, at random.

    Args:
        truth: Whether each pair matches, (n,) bool.
        wrong: A share; 0 is always right.
        seed: The same seed gives the same answers.

    Raises:
        InvalidArgumentError: `wrong` is not a share.

    Example:
        >>> judged(np.array([True, False])).tolist()
        [True, False]
    """
    if not 0 <= wrong <= 1:
        raise InvalidArgumentError(f"wrong={wrong!r} is not a share of answers. Give a number from 0 to 1.")
    return np.asarray(truth ^ (np.random.default_rng([seed, STREAM]).random(len(truth)) < wrong))


def majority(truth: Bools, wrong: tuple[float, ...] = THREE, seed: int = 0) -> tuple[Bools, Bools]:
    """What most of several people say of each pair, and where they disagree, (n,) bool each.

    Args:
        truth: Whether each pair matches, (n,) bool.
        wrong: The share of wrong answers of each person, an odd number of them.
        seed: The same seed gives the same answers.

    Raises:
        InvalidArgumentError: The number of people is even, so that they may tie.

    Example:
        >>> said, disputed = majority(np.array([True, False]), (0.0, 0.0, 1.0))
        >>> said.tolist(), disputed.tolist()
        ([True, False], [True, True])
    """
    if len(wrong) % 2 == 0:
        raise InvalidArgumentError(
            f"{len(wrong)} people may tie. Give an odd number of shares of wrong answers."
        )
    seeds = np.random.SeedSequence(seed).generate_state(len(wrong)).tolist()
    said = np.stack([judged(truth, share, one) for share, one in zip(wrong, seeds, strict=True)])
    votes = said.sum(axis=0)
    return votes * 2 > len(wrong), (votes > 0) & (votes < len(wrong))
