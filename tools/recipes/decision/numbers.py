"""Numbers of the decision that are learned from tasks left out: how far off a whole job is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from linktransformer.decision.choose_links import choose
from linktransformer.decision.model import sigmoid
from tools.recipes.decision.tasks import Described, weights_of

__all__ = ["trained_numbers"]

LEAST = 20  # links from which a precision is measured
ASKED = (0.8, 0.9, 0.95, 0.99)
COVERED = 0.9  # of the intervals hold the true precision
MET = 0.85  # of the precisions that are asked for are reached, but for .05


@dataclass(frozen=True)
class _Job:
    """The best pair of each left record by falling log-odds, which are matches, and how many "auto" links."""

    z: np.ndarray
    y: np.ndarray
    links: int
    weight: float


def trained_numbers(predicted: list[tuple[Described, np.ndarray]]) -> dict[str, float]:
    """The uncertainty of intervals and the caution of a precision that is asked for.

    Args:
        predicted: Tasks with calibrated log-odds of models that never saw their family.

    Returns:
        "uncertainty": the least standard deviation of a shift of all log-odds with which nine in ten
        intervals hold the true precision; "caution": the least number that, taken from all log-odds, makes
        .85 of the precisions asked for hold but for .05. Families weigh nearly the same.
    """
    weight = weights_of([task for task, _ in predicted])
    jobs = [_best(task, z, weight[task.key]) for task, z in predicted if not task.same]
    return {
        "uncertainty": _least(np.arange(0.1, 6, 0.1), lambda u: _covered(jobs, u), COVERED),
        "caution": _least(np.arange(0.0, 4, 0.1), lambda c: _met(jobs, c), MET),
    }


def _best(task: Described, z: np.ndarray, weight: float) -> _Job:
    p = sigmoid(z)
    every = choose(task.left, task.right, p, p, "m:1", None).pairs
    order = every[np.argsort(-z[every], kind="stable")]
    links = len(choose(task.left, task.right, p, p, "m:1", "auto").pairs)
    return _Job(z[order], task.y[order], links, weight)


def _least(values: np.ndarray, share: Callable[[float], float], wanted: float) -> float:
    for value in values:
        if share(float(value)) >= wanted:
            return round(float(value), 2)
    return round(float(values[-1]), 2)


def _covered(jobs: list[_Job], uncertainty: float) -> float:
    hit = total = 0.0
    for job in jobs:
        if job.links < LEAST:
            continue
        z = job.z[: job.links]
        low, high = (float(sigmoid(z + off).mean()) for off in (-1.645 * uncertainty, 1.645 * uncertainty))
        true = float(job.y[: job.links].mean())
        hit += job.weight * (low <= true <= high + 1 / job.links)
        total += job.weight
    return hit / max(total, 1e-9)


def _met(jobs: list[_Job], caution: float) -> float:
    hit = total = 0.0
    for job in jobs:
        if not len(job.z):
            continue
        mean = np.cumsum(sigmoid(job.z - np.float32(caution))) / np.arange(1, len(job.z) + 1)
        for asked in ASKED:
            fine = np.flatnonzero(mean >= asked)
            if len(fine) and fine[-1] + 1 >= LEAST:
                hit += job.weight * (float(job.y[: fine[-1] + 1].mean()) >= asked - 0.05)
                total += job.weight
    return hit / total if total else 1.0
