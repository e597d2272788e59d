"""Fit the models of jobs: boosted trees on a pair's log-odds beside those of the other pairs of its job."""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from linktransformer.decision.context import JOB, OF_PAIRS, context
from linktransformer.decision.trees import Trees, read_trees
from tools.recipes.decision.fit import arrays_of, boosted, file_of
from tools.recipes.decision.numbers import trained_numbers
from tools.recipes.decision.tasks import FOLDS, Described, fold_of, read, weights_of

__all__ = ["add_arguments", "run"]

PAIRS = 500  # of a task


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("features", type=Path)
    parser.add_argument("models", type=Path, help="folder of the pair models")
    parser.add_argument("out", type=Path, help="folder of fold-K.npz and decision.npz")
    parser.add_argument(
        "--single",
        action="store_true",
        help="take log-odds of pair models without a task's own fold alone; they have seen the fold that the "
        "model of jobs leaves out",
    )
    parser.add_argument("--processes", type=int, default=2)


def run(options: argparse.Namespace) -> None:
    """Fit a model of jobs without each fold, and one with all; then the numbers of intervals."""
    options.out.mkdir(parents=True, exist_ok=True)
    every = read(options.features)
    folds = fold_of({task.family for task in every.tasks})
    twice = [] if options.single else [(j, k) for j in range(FOLDS) for k in range(j)]
    predicted: list[tuple[Described, np.ndarray]] = []
    with ProcessPoolExecutor(options.processes) as pool:
        outs = [*((k,) for k in range(FOLDS)), *twice]
        parts = pool.map(_log_odds, [(options, out, folds) for out in outs])
        known = dict(zip(map(frozenset, outs), parts, strict=True))
        jobs = [(options, number, folds, known) for number in (*range(FOLDS), FOLDS)]
        for number, part in enumerate(pool.map(_fit, jobs)):
            predicted += part
            sys.stdout.write(f"job model {number}\n")
    for number in (*range(FOLDS), FOLDS):
        numbers = trained_numbers([(task, z) for task, z in predicted if folds[task.family] != number])
        path = options.out / (f"fold-{number}.npz" if number < FOLDS else "decision.npz")
        arrays = dict(np.load(path))
        arrays["numbers"] = np.array(list(numbers))
        arrays["number values"] = np.array(list(numbers.values()))
        np.savez_compressed(path, **arrays)
        sys.stdout.write(f"{path.name}: {numbers}\n")


def _log_odds(arguments: tuple[argparse.Namespace, tuple[int, ...], dict[str, int]]) -> dict[str, np.ndarray]:
    """The log-odds of the tasks in some folds by the pair model without these."""
    options, out, folds = arguments
    every, trees = read(options.features), _pair_model(options.models, out)
    return {
        task.key: trees.predict(task.values.astype(np.float32), every.names)
        for task in every.tasks
        if folds[task.family] in out
    }


def _fit(
    arguments: tuple[argparse.Namespace, int, dict[str, int], dict[frozenset[int], dict[str, np.ndarray]]],
) -> list[tuple[Described, np.ndarray]]:
    options, number, folds, known = arguments
    os.environ["OMP_NUM_THREADS"] = "1"
    every = read(options.features)
    train = [task for task in every.tasks if folds[task.family] != number and len(task.y)]
    weight = weights_of(train)
    draw = np.random.default_rng(number)
    X, y, w = [], [], []
    for task in train:
        fold = folds[task.family]
        out = {fold} if options.single or number == FOLDS else {fold, number}
        seen = _in_job(task, known[frozenset(out)][task.key])
        near = np.flatnonzero(seen[:, list(OF_PAIRS).index("rank min")] <= 1)
        at = draw.permutation(near)[:PAIRS]
        X.append(seen[at])
        y.append(task.y[at])
        w.append(np.full(len(at), weight[task.key] / max(1, len(at))))
    limits = [*OF_PAIRS.values(), *[0] * len(JOB)]
    model = boosted(
        np.concatenate(X), np.concatenate(y), np.concatenate(w), limits, max_iter=120,
        learning_rate=0.07, max_leaf_nodes=12, min_samples_leaf=200, l2_regularization=20, max_features=0.3,
    )  # fmt: skip
    own = file_of(options.models, () if number == FOLDS else (number,))
    path = options.out / (f"fold-{number}.npz" if number < FOLDS else "decision.npz")
    np.savez_compressed(path, **dict(np.load(own)), **arrays_of(model, [*OF_PAIRS, *JOB], "job "))
    left_out = [task for task in every.tasks if folds[task.family] == number and len(task.y)]
    single = known[frozenset({number})] if number < FOLDS else {}
    return [
        (
            replace(task, values=np.zeros((0, 0))),
            model.decision_function(_in_job(task, single[task.key])).astype(np.float32),
        )
        for task in left_out
    ]


def _pair_model(folder: Path, out: tuple[int, ...]) -> Trees:
    with np.load(file_of(folder, out)) as arrays:
        return read_trees(arrays, "pair ")


def _in_job(task: Described, log_odds: np.ndarray) -> np.ndarray:
    """The features of a task's pairs in their job."""
    return context(log_odds, task.left, task.right, task.sizes, same=task.same).values
