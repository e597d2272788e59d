"""Contributions of families of features, and of key columns, to the log-odds of a match: Shapley values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import factorial

import numpy as np

from linktransformer.arrays import Bools, Doubles, Floats
from linktransformer.decision.context import OF_PAIRS, JobContext, in_context
from linktransformer.decision.model import Decision
from linktransformer.scoring.feature_families import VIEWS
from linktransformer.scoring.ranks import Places

__all__ = ["FAMILIES", "Attribution", "attribute", "family_of", "split_among"]

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
    """The family, one of `FAMILIES`, of a feature of a pair.

    Example:
        >>> [family_of(name) for name in ("dense gap max", "lexical similarity", "bits min", "words cosine")]
        ['rank', 'similarity', 'columns', 'words and numbers']
    """
    if feature in _TABLES:
        return "job"
    if feature in _AMOUNT:
        return "amount of text"
    view = next((view for view in VIEWS if feature.startswith(f"{view} ")), "")
    value = feature.removeprefix(view).strip()
    if view and (value in _OF_RIVALS or value.startswith(("rank ", "gap "))):
        return "rank"
    if view or feature.startswith("letters"):
        return "similarity"
    return "columns" if feature.startswith(_COLUMNS) else "words and numbers"


def attribute(
    model: Decision,
    features: tuple[tuple[str, ...], Floats],
    log_odds: Floats,
    places: Places,
    job: JobContext,
) -> Attribution:
    """The contribution of each family of features to the log-odds of pairs in their job.

    The families are the players of a cooperative game. The value of a set of them is computed by both sums of
    trees: the first is given the features of these families only, and its log-odds go to the second; so do,
    with "rank" in the set, their gaps to the rivals' log-odds, and with "job" the features of the job.
    Other features are averaged over the training pairs (`Trees.expected`). The Shapley value of a family is
    its mean addition over all orders (L. Shapley, A value for n-person games, 1953; S. Lundberg and others
    2020 for trees). The values add up to the log-odds, without what is added to all pairs of a job or to
    equal texts. Where log-odds may not fall as the features of a family rise, the highest values of these
    never count against a match.

    Args:
        model: Both sums of trees.
        features: Names, and values of few pairs, (n_pairs, n_features) float32, NaN for unknown.
        log_odds: Of each pair by the first sum, (n_pairs,) float32.
        places: The rank and gap of each pair by these.
        job: The job.
    """
    names, values = features
    n, n_sets = len(values), 2 ** len(FAMILIES)
    inside = (np.arange(n_sets)[:, None] >> np.arange(len(FAMILIES))) % 2 == 1  # (n_sets, n_families)
    pair_family = np.array([FAMILIES.index(family_of(name)) for name in model.pair.names])
    has_value = np.tile(inside[:, pair_family], (n, 1))
    own = model.pair.expected(np.repeat(values, n_sets, axis=0), names, has_value).astype(np.float32)
    own[n_sets - 1 :: n_sets] = log_odds  # to the last bit: it is one of those that it is ranked among
    lower, ranks = own - np.repeat(log_odds, n_sets), places.some(np.repeat(np.arange(n), n_sets))
    ranks = replace(ranks, gap_left=ranks.gap_left + lower, gap_right=ranks.gap_right + lower)
    job_family = np.array([_family_in_job(name) for name in model.job.names])
    has_value = np.where(job_family < 0, True, inside[:, np.maximum(job_family, 0)])
    context = in_context(own, ranks, job)
    value = (
        model.job.expected(context.values, context.names, np.tile(has_value, (n, 1))).reshape(n, n_sets) / BIT
    )
    parts = np.zeros((n, len(FAMILIES)))
    for family in range(len(FAMILIES)):
        without = np.flatnonzero(~inside[:, family])
        size = inside[without].sum(axis=1)
        weight = np.array([1 / _orders(len(FAMILIES), int(others)) for others in size])
        parts[:, family] = (value[:, without + 2**family] - value[:, without]) @ weight
    return Attribution(float(value[0, 0]) if n else 0.0, parts)


def _orders(n: int, before: int) -> float:
    """The number of orders of n players, over that of the orders where one set of `before` players leads."""
    return factorial(n) / (factorial(before) * factorial(n - before - 1))


def _family_in_job(feature: str) -> int:
    """The family of a feature of a pair in its job, -1 for the pair's own log-odds."""
    if feature == "log-odds":
        return -1
    return FAMILIES.index("rank" if feature in OF_PAIRS and feature.startswith(("gap", "rank")) else "job")


def split_among(total: Bits, weights: Floats, equal: Bools) -> tuple[Bits, Bits]:
    """Divide the joint contribution of key columns among them, by their match weights.

    The part of a column has the sign of its match weight and is no larger; parts of one sign are proportional
    to the weights. A column that is equal never counts against a match: a match weight rises with
    the similarity, and that of an equal value is taken as 0 where it is lower.

    Args:
        total: The joint contribution, (n_pairs,) float64.
        weights: Match weights in bits, 0 for a null, (n_pairs, n_columns) float32.
        equal: Whether cells are equal, (n_pairs, n_columns) bool.

    Returns:
        The part of each column, (n_pairs, n_columns), and the remainder, (n_pairs,).

    Example:
        >>> bits, equal = np.array([[6.0, 2.0, -4.0]], dtype="f4"), np.array([[True, False, False]])
        >>> [part.tolist() for part in split_among(np.array([3.0]), bits, equal)]
        [[[3.0, 1.0, -1.0]], [0.0]]
    """
    floor = np.where(equal, np.maximum(weights, 0), weights).astype(np.float64)
    agreeing = np.where((total >= 0)[:, None], np.maximum(floor, 0), np.minimum(floor, 0))
    opposing = floor - agreeing
    agree, oppose = np.abs(agreeing).sum(axis=1), np.abs(opposing).sum(axis=1)
    size = np.abs(total)
    # both signs by one scale, as long as the agreeing columns can make up for the opposing ones
    scale = np.divide(size, agree + oppose, out=np.zeros_like(size), where=agree + oppose > 0)
    room = np.divide(agree - size, oppose, out=np.ones_like(size), where=oppose > 0)
    scale = np.clip(np.minimum(scale, room), 0, 1)
    whole = np.divide(size + scale * oppose, agree, out=np.zeros_like(size), where=agree > 0)
    parts = agreeing * np.minimum(whole, 1)[:, None] + opposing * scale[:, None]
    return parts, total - parts.sum(axis=1)
