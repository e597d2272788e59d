"""What families of features, and key columns, add to the log-odds of a match: Shapley values in bits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import factorial

import numpy as np

from linktransformer.arrays import Bools, Doubles, Floats
from linktransformer.decision.context import OF_PAIRS, JobContext, in_context
from linktransformer.decision.model import Decision
from linktransformer.scoring.feature_families import VIEWS
from linktransformer.scoring.ranks import Places

__all__ = ["FAMILIES", "Attribution", "attributed", "family_of", "split_among"]

FAMILIES = ("columns", "similarity", "words and numbers", "amount of text", "rank", "job")
BIT = float(np.log(2))
_COLUMNS = ("columns", "bits")
_AMOUNT = ("length", "length ratio", "words shared", "numbers shared", "columns null")
_OF_RIVALS = ("own min", "own max", "own share", "second share")
_TABLES = ("columns", "names", "one table")

Bits = Doubles


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """Parts of the log-odds of pairs, in bits.

    Args:
        base: Of a pair of which nothing is known.
        parts: What each of `FAMILIES` adds, (n_pairs, n_families) float64.
    """

    base: float
    parts: Bits

    @property
    def total(self) -> Bits:
        """The log-odds in bits, (n_pairs,) float64."""
        return np.asarray(self.base + self.parts.sum(axis=1))


def family_of(feature: str) -> str:
    """The family of a feature of a pair.

    Args:
        feature: Its name.

    Returns:
        One of `FAMILIES`.

    Example:
        >>> [family_of(name) for name in ("dense gap max", "lexical similarity", "bits min", "words cosine")]
        ['rank', 'similarity', 'columns', 'words and numbers']
    """
    if feature in _TABLES:
        return "job"
    if feature in _AMOUNT:
        return "amount of text"
    view = next((view for view in VIEWS if feature.startswith(f"{view} ")), "")
    what = feature.removeprefix(view).strip()
    if view and (what in _OF_RIVALS or what.startswith(("rank ", "gap "))):
        return "rank"
    if view or feature.startswith("letters"):
        return "similarity"
    return "columns" if feature.startswith(_COLUMNS) else "words and numbers"


def attributed(
    model: Decision,
    features: tuple[tuple[str, ...], Floats],
    log_odds: Floats,
    places: Places,
    job: JobContext,
) -> Attribution:
    """Say what each family of features adds to the log-odds of pairs in their job.

    The families are the players of a cooperative game. What a set of them is worth: the first sum of trees,
    given the features of these families alone, gives log-odds. The second sum is given these; with "rank" in
    the set, how far they lie above the rivals' log-odds; and with "job", what is the same for all pairs.
    Features that are not given are averaged over the training pairs (`Trees.expected`). The Shapley value of
    a family is its mean addition over all orders (L. Shapley, A value for n-person games, 1953; S. Lundberg
    and others 2020 for trees). The values add up to the log-odds. Where these may not fall as the features of
    a family rise, a pair that has the highest values cannot lose by them.

    Args:
        model: Both sums of trees.
        features: Names, and values of few pairs, (n_pairs, n_features) float32, NaN for unknown.
        log_odds: Of each pair by the first sum, (n_pairs,) float32.
        places: Where each pair stands by these.
        job: The job.

    Returns:
        The parts, without what is added to all pairs of a job or to equal texts.
    """
    names, values = features
    n, n_sets = len(values), 2 ** len(FAMILIES)
    inside = (np.arange(n_sets)[:, None] >> np.arange(len(FAMILIES))) % 2 == 1  # (n_sets, n_families)
    of_pair = np.array([FAMILIES.index(family_of(name)) for name in model.pair.names])
    given = np.tile(inside[:, of_pair], (n, 1))
    own = model.pair.expected(np.repeat(values, n_sets, axis=0), names, given).astype(np.float32)
    own[n_sets - 1 :: n_sets] = log_odds  # to the last bit: it is one of those that it is ranked among
    less, of = own - np.repeat(log_odds, n_sets), places.some(np.repeat(np.arange(n), n_sets))
    of = replace(of, gap_left=of.gap_left + less, gap_right=of.gap_right + less)
    of_job = np.array([_in_job(name) for name in model.job.names])
    known = np.where(of_job < 0, True, inside[:, np.maximum(of_job, 0)])
    seen = in_context(own, of, job)
    worth = model.job.expected(seen.values, seen.names, np.tile(known, (n, 1))).reshape(n, n_sets) / BIT
    parts = np.zeros((n, len(FAMILIES)))
    for family in range(len(FAMILIES)):
        without = np.flatnonzero(~inside[:, family])
        size = inside[without].sum(axis=1)
        weight = np.array([1 / _orders(len(FAMILIES), int(others)) for others in size])
        parts[:, family] = (worth[:, without + 2**family] - worth[:, without]) @ weight
    return Attribution(float(worth[0, 0]) if n else 0.0, parts)


def _orders(n: int, before: int) -> float:
    """In one of how many orders of n players do just these many others come before one."""
    return factorial(n) / (factorial(before) * factorial(n - before - 1))


def _in_job(feature: str) -> int:
    """The family of a feature of a pair in its job, -1 for the log-odds of the pair by itself."""
    if feature == "log-odds":
        return -1
    return FAMILIES.index("rank" if feature in OF_PAIRS and feature.startswith(("gap", "rank")) else "job")


def split_among(total: Bits, weights: Floats, equal: Bools) -> tuple[Bits, Bits]:
    """Divide among key columns what they add together, by their match weights.

    A column has the sign of its match weight, and counts for no more than that; of columns with one sign each
    counts in proportion to it. A column that is equal never counts against a match: a match weight rises with
    the similarity, and that of an equal value is taken as 0 where it is lower.

    Args:
        total: What the columns add together, (n_pairs,) float64.
        weights: Match weights in bits, 0 for a null, (n_pairs, n_columns) float32.
        equal: Whether cells are equal, (n_pairs, n_columns) bool.

    Returns:
        What each column adds, (n_pairs, n_columns), and what is left, (n_pairs,).

    Example:
        >>> bits, equal = np.array([[6.0, 2.0, -4.0]], dtype="f4"), np.array([[True, False, False]])
        >>> [part.tolist() for part in split_among(np.array([3.0]), bits, equal)]
        [[[3.0, 1.0, -1.0]], [0.0]]
    """
    floor = np.where(equal, np.maximum(weights, 0), weights).astype(np.float64)
    with_it = np.where((total >= 0)[:, None], np.maximum(floor, 0), np.minimum(floor, 0))
    against = floor - with_it
    much, other = np.abs(with_it).sum(axis=1), np.abs(against).sum(axis=1)
    size = np.abs(total)
    # both sides by one scale, as long as the columns that go with the sum can make up for the others
    scale = np.divide(size, much + other, out=np.zeros_like(size), where=much + other > 0)
    room = np.divide(much - size, other, out=np.ones_like(size), where=other > 0)
    scale = np.clip(np.minimum(scale, room), 0, 1)
    whole = np.divide(size + scale * other, much, out=np.zeros_like(size), where=much > 0)
    parts = with_it * np.minimum(whole, 1)[:, None] + against * scale[:, None]
    return parts, total - parts.sum(axis=1)
