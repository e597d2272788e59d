"""How often the 95 % intervals of a reviewed sample hold the true precision and recall.

A thousand simulated reviews of each set: a new sample each time, answers by its labels. The truth is that
of the candidates. Beside it pairs that are made: their match probabilities are right, or too high, or too
low.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

from linktransformer.decision.context import sigmoid64
from linktransformer.decision.model import sigmoid
from linktransformer.results.estimate import estimate
from linktransformer.results.sample import drawn
from tools import data
from tools.report import Report, Table

from . import decision_files
from .questions import SETS, task_of
from .score import mean

SIZES = (100, 200, 400)
MADE = "made"
SHIFTS = (0.0, 1.0, -1.0)  # of the log-odds that are reported


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=[MADE, *SETS], help="only these data sets")
    parser.add_argument("--reviews", type=int, default=1000, help="of each set")
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES), help="pairs of a sample")
    decision_files.add_arguments(parser)


def run(options: argparse.Namespace) -> Report:
    """Every population and size of a sample."""
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    for shift in SHIFTS if MADE in options.names else ():
        rows += covered(f"made, log-odds {shift:+g}", *made(shift), options)
    for name in [name for name in options.names if name != MADE]:
        missing = data.missing("data", name)
        if missing:
            skipped.append(missing)
            continue
        with decision_files.deciding(name, options):
            task = task_of(name)
        rows += covered(name, sigmoid(task.pool.log_odds), task.pool.linked, task.match, options)
    settings = {"decision": decision_files.described(options), "reviews": options.reviews}
    return Report("coverage", [Table("summary", list(summary(rows))), Table("sets", rows)], skipped, settings)


def made(shift: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """20,000 pairs with probabilities that are off by `shift` in log-odds: score, linked, match."""
    draw = np.random.default_rng(7)
    z = np.concatenate([draw.normal(4, 2.5, 4_000), draw.normal(-5, 2, 16_000)])
    match = draw.random(len(z)) < sigmoid64(z)
    score = sigmoid64(z + shift).astype(np.float32)
    return score, score >= 0.5, match


def covered(
    name: str, score: np.ndarray, linked: np.ndarray, match: np.ndarray, options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """The share of reviews whose interval holds the truth, the mean width, and the bias."""
    right = int((linked & match).sum())
    truth = right / max(1, int(linked.sum())), right / max(1, int(match.sum()))
    for size in options.sizes:
        found = []
        for seed in range(options.reviews):
            sample = drawn(score, linked, size, seed)
            found.append(estimate(sample, match[sample.at], seed))
        line: dict[str, Any] = {"data set": name, "pairs": len(score), "reviewed": size}
        for number, of in enumerate(("precision", "recall")):
            intervals = np.array([getattr(one, f"{of}_interval") for one in found])
            values = np.array([getattr(one, of) for one in found])
            true = truth[number]
            holds = (intervals[:, 0] <= true + 1e-12) & (true - 1e-12 <= intervals[:, 1])
            line |= {
                of: true,
                f"{of} covered": float(holds.mean()),
                f"{of} width": float((intervals[:, 1] - intervals[:, 0]).mean()),
                f"{of} bias": float(values.mean() - true),
            }
        yield line


def summary(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Means over sets by size of the sample."""
    for size in dict.fromkeys(row["reviewed"] for row in rows):
        of = [row for row in rows if row["reviewed"] == size]
        names = ("precision covered", "recall covered", "precision width", "recall width")
        yield {"reviewed": size, **{name: mean(row[name] for row in of) for name in names}}
