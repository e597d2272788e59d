"""Fit the prior of what answers tell (`decision.answer_posterior.PRIOR`): forty answers predict other pairs.

Of each set up to 400 best candidates are drawn, the more often the less certain they are. Forty of them are
answered, and the loss is the cross-entropy of the others, mean over six draws. The sets of autofj weigh as
three sets together. Every set is decided by a model that has seen no set of its family, and for each fold the
prior is fitted without its sets; `questions` uses that one.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from typing import Any

import numpy as np

from linktransformer.decision.answer_posterior import (
    Basis,
    Prior,
    averaged,
    basis_of,
    posterior_of,
    start_of,
)
from linktransformer.decision.context import sigmoid64
from linktransformer.decision.correction_fit import WRONG
from tools import data
from tools.report import Report, Table, say

from . import decision_files
from .questions import Task, best_candidates, sets_of, task_of

DRAWN, ANSWERED, DRAWS, LOWEST = 400, 40, 6, -7.0
AUTOFJ = 3.0  # sets that those of autofj weigh as together
ROUNDS = 60  # of the search
BEGIN = Prior(1.5, 0.3, 1.5)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=sets_of(), help="only these data sets")
    decision_files.add_arguments(parser)


def run(options: argparse.Namespace) -> Report:
    """The prior of all sets, and without the sets of each fold."""
    if options.folds is None:
        raise SystemExit("--folds is needed: a prior of sets that the decision has seen would be too narrow")
    decision_files.check(options.names, options)
    folds = json.loads((options.folds / decision_files.FOLDS).read_text(encoding="utf-8"))
    drawn: dict[str, Task] = {}
    skipped = [found for name in options.names if (found := data.missing("data", *name.split("/")))]
    for name in options.names:
        if data.missing("data", *name.split("/")) is None:
            with decision_files.deciding(name, options):
                drawn[name] = some_of(task_of(name))
            say(name, note=True)
    rows: list[dict[str, Any]] = []
    for fold in ["", *sorted({folds[name] for name in drawn})]:
        used = {name: task for name, task in drawn.items() if folds[name] != fold}
        prior, loss = fitted(used)
        rows.append(
            {
                "without fold": str(fold),
                "level": prior.level,
                "slope": prior.slope,
                "features": prior.features,
                "loss": loss,
                "loss of the shipped decision": before(used),
            }
        )
    return Report("answer_prior", [Table("priors", rows)], skipped, {"model": "lexical", "answers": ANSWERED})


def some_of(task: Task) -> Task:
    """Up to `DRAWN` of the best candidates."""
    best = best_candidates(task.pool)
    best = best[task.pool.log_odds[best] > LOWEST]
    z = task.pool.log_odds[best].astype(np.float64)
    weight = np.sqrt(sigmoid64(z) * sigmoid64(-z))
    draw = np.random.default_rng(0)
    return task.some(
        np.sort(draw.choice(best, min(DRAWN, len(best)), replace=False, p=weight / weight.sum()))
    )


def fitted(tasks: dict[str, Task]) -> tuple[Prior, float]:
    """The prior with the least mean loss, and the loss."""
    from scipy.optimize import minimize

    def cost(logs: np.ndarray) -> float:
        return mean_of(tasks, lambda task: loss_of(task, Prior(*np.exp(logs).tolist())))

    begin = np.log([BEGIN.level, BEGIN.slope, BEGIN.features])
    simplex = np.vstack([begin, begin + 0.5 * np.eye(3)])
    found = minimize(
        cost, begin, method="Nelder-Mead", options={"maxfev": ROUNDS, "initial_simplex": simplex}
    )
    return Prior(*np.round(np.exp(found.x), 3).tolist()), float(found.fun)


def mean_of(tasks: dict[str, Task], loss: Any) -> float:
    """The mean over sets, those of autofj as three."""
    of_autofj = sum(name.startswith("autofj/") for name in tasks)
    weight = [AUTOFJ / of_autofj if name.startswith("autofj/") else 1.0 for name in tasks]
    return float(np.average([loss(task) for task in tasks.values()], weights=weight))


def loss_of(task: Task, prior: Prior) -> float:
    """The cross-entropy of the pairs that were not answered."""
    z = task.pool.log_odds.astype(np.float64)
    unit = unit_matrix(task)
    width = [prior.level, prior.slope, *[prior.features] * (unit.shape[1] - 2)]
    matrix = unit * np.array(width, dtype=np.float32)
    basis = Basis(matrix, start_of(z, (matrix.astype(np.float64) ** 2).sum(axis=1)).astype(np.float32))
    losses = []
    for seed in range(DRAWS):
        order = np.random.default_rng(100 + seed).permutation(len(task.match))
        answered, others = np.split(order, [min(ANSWERED, len(order) // 2)])
        posterior = posterior_of(basis, answered, task.match[answered])
        losses.append(cross_entropy(averaged(*posterior.moments(others)[1:]), task.match[others]))
    return float(np.mean(losses))


@cache
def unit_matrix(task: Task) -> np.ndarray:
    """The basis of a prior with widths of 1, made once for each set."""
    return basis_of(task.pool.log_odds, task.pool.features, Prior(1, 1, 1)).matrix


def before(tasks: dict[str, Task]) -> float:
    """The mean cross-entropy without answers."""
    return mean_of(
        tasks, lambda task: cross_entropy(sigmoid64(task.pool.log_odds.astype(np.float64)), task.match)
    )


def cross_entropy(p: np.ndarray, match: np.ndarray) -> float:
    """The mean, where a share of the answers is wrong."""
    q = (1 - 2 * WRONG) * p + WRONG
    return float(-np.log(np.where(match, q, 1 - q)).mean())
