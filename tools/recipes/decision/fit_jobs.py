"""Fit the models of jobs: boosted trees on a pair's log-odds beside those of the other pairs of its job."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from linktransformer.decision.context import JOB, OF_PAIRS, context
from tools.recipes.decision.fit import arrays_of, boosted, file_of, log_odds_of
from tools.recipes.decision.numbers import trained_numbers
from tools.recipes.decision.tasks import FOLDS, Described, fold_of, read, weights_of

__all__ = ["add_arguments", "averaged", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("features", type=Path)
    parser.add_argument("models", type=Path, help="folder of the pair models and their log-odds")
    parser.add_argument("out", type=Path, help="folder of fold-K.npz and decision.npz")
    parser.add_argument("--pairs", type=int, default=500, help="of a task")
    parser.add_argument(
        "--samples", type=int, default=3, help="fits on different pairs, of which the mean is taken"
    )
    parser.add_argument("--processes", type=int, default=2)


def run(options: argparse.Namespace) -> None:
    """Fit a model of jobs without each fold, and one with all; then the numbers of intervals."""
    options.out.mkdir(parents=True, exist_ok=True)
    began = time.time()
    every = read(options.features)
    folds = fold_of({task.family for task in every})
    jobs = [
        (options, number, sample) for number in (*range(FOLDS), FOLDS) for sample in range(options.samples)
    ]
    with ProcessPoolExecutor(options.processes) as pool:
        fitted = list(pool.map(_fit, jobs))
    sys.stdout.write(f"fitted: {time.time() - began:.0f} s\n")
    by_key = {task.key: task for task in every}
    predicted: list[tuple[Described, np.ndarray]] = []
    for number in (*range(FOLDS), FOLDS):
        mine = [part for part, job in zip(fitted, jobs, strict=True) if job[1] == number]
        pair = dict(np.load(file_of(options.models, () if number == FOLDS else (number,))))
        np.savez_compressed(_file(options.out, number), **pair, **averaged([arrays for arrays, _ in mine]))
        if number < FOLDS:
            for key in mine[0][1]:
                mean = np.mean([part[1][key] for part in mine], axis=0)
                predicted.append((by_key[key], mean.astype(np.float32)))
    for number in (*range(FOLDS), FOLDS):
        numbers = trained_numbers([(task, z) for task, z in predicted if folds[task.family] != number])
        arrays = dict(np.load(_file(options.out, number)))
        arrays["numbers"] = np.array(list(numbers))
        arrays["number values"] = np.array(list(numbers.values()))
        np.savez_compressed(_file(options.out, number), **arrays)
        sys.stdout.write(f"{_file(options.out, number).name}: {numbers}\n")
    sys.stdout.write(f"{time.time() - began:.0f} s\n")


def _file(folder: Path, number: int) -> Path:
    return folder / (f"fold-{number}.npz" if number < FOLDS else "decision.npz")


def averaged(models: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One sum of trees with the mean of the log-odds of several."""
    found = dict(models[0])
    for name in ("feature", "threshold", "left", "right", "null_left", "value", "count"):
        found[f"job {name}"] = np.concatenate([model[f"job {name}"] for model in models])
    found["job value"] = found["job value"] / np.float32(len(models))
    found["job base"] = np.float64(np.mean([model["job base"] for model in models]))
    starts, offset = [np.zeros(1, dtype=np.int32)], 0
    for model in models:
        starts.append((model["job starts"][1:] + offset).astype(np.int32))
        offset += int(model["job starts"][-1])
    found["job starts"] = np.concatenate(starts)
    return found


def _fit(
    arguments: tuple[argparse.Namespace, int, int],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The trees of one fit, and the log-odds of the tasks that are left out."""
    options, number, sample = arguments
    os.environ["OMP_NUM_THREADS"] = "1"
    every = read(options.features)
    folds = fold_of({task.family for task in every})
    train = [task for task in every if folds[task.family] != number and len(task.y)]
    weight = weights_of(train)
    draw = np.random.default_rng([number, sample])
    X, y, w = [], [], []
    for fold in sorted({folds[task.family] for task in train}):
        # a pair model that has seen neither the task nor what this model leaves out
        known = log_odds_of(options.models, (fold,) if number == FOLDS else (fold, number))
        for task in train:
            if folds[task.family] != fold:
                continue
            seen = _in_job(task, known[task.key])
            # deeper candidates are false nearly always: trees that see them spend their cuts on them
            near = np.flatnonzero(seen[:, list(OF_PAIRS).index("rank min")] <= 1)
            at = draw.permutation(near)[: options.pairs]
            X.append(seen[at])
            y.append(task.y[at])
            w.append(np.full(len(at), weight[task.key] / max(1, len(at))))
    limits = [*OF_PAIRS.values(), *[0] * len(JOB)]
    model = boosted(
        np.concatenate(X), np.concatenate(y), np.concatenate(w), limits, seed=sample, max_iter=120,
        learning_rate=0.07, max_leaf_nodes=12, min_samples_leaf=200, l2_regularization=20, max_features=0.3,
    )  # fmt: skip
    found = {}
    if number < FOLDS:
        known = log_odds_of(options.models, (number,))
        for task in every:
            if folds[task.family] == number and len(task.y):
                found[task.key] = model.decision_function(_in_job(task, known[task.key])).astype(np.float32)
    return arrays_of(model, [*OF_PAIRS, *JOB], "job "), found


def _in_job(task: Described, log_odds: np.ndarray) -> np.ndarray:
    """The features of a task's pairs in their job."""
    return context(log_odds, task.left, task.right, task.sizes, same=task.same).values
