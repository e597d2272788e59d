"""Fit the pair models: boosted trees on the features of pairs; whole families are left out."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tools.recipes.decision.tasks import FOLDS, Described, drawn_pairs, fold_of, names_of, read, weights_of

__all__ = ["add_arguments", "arrays_of", "boosted", "file_of", "log_odds_of", "run"]

UP = ("similarity", "above random", "own min", "own max", "gap", "cosine", "shared", "contained", "letters")
UP += ("bits", "columns min", "columns mean", "columns max", "columns equal", "alike")
DOWN = ("own share", "second share", "rank ", "only", "rarest m", "columns different")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("features", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--leaves", type=int, default=15)
    parser.add_argument("--pairs", type=int, default=1000, help="of a task, for the pair model")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--threads", type=int, default=1)


def monotone(names: list[str]) -> list[int]:
    """1 where the probability must not fall as a feature rises, -1 where it must not rise, 0 else."""
    found = []
    for name in names:
        falls, rises = any(part in name for part in DOWN), any(part in name for part in UP)
        found.append(-1 if falls else 1 if rises else 0)
    return found


def run(options: argparse.Namespace) -> None:
    """Fit pair models with no fold, with one and with two folds left out."""
    options.out.mkdir(parents=True, exist_ok=True)
    every = read(options.features)
    folds = fold_of({task.family for task in every})
    (options.out / "folds.json").write_text(json.dumps(families_and_sets(every, folds), indent=1))
    left_out = [(), *((k,) for k in range(FOLDS)), *itertools.combinations(range(FOLDS), 2)]
    left_out.sort(key=len)  # those with most tasks first
    del every
    began = time.time()
    with ProcessPoolExecutor(options.processes) as pool:
        jobs = [(options, out, folds) for out in left_out]
        for out in pool.map(_fit_pair, jobs):
            sys.stdout.write(f"without {out}: {time.time() - began:.0f} s\n")
            sys.stdout.flush()


def families_and_sets(every: list[Described], folds: dict[str, int]) -> dict[str, int]:
    """The fold of every set, for those who measure."""
    from tools.recipes.decision.labelled_sets import PAIRS_ONLY

    found = {task.name: folds[task.family] for task in every if "@" not in task.name}
    found |= {
        name.split("/")[0]: fold for name, fold in found.items()
    }  # a group, of which each task is named
    return found | dict.fromkeys(sorted(PAIRS_ONLY), 0)  # never trained on


def file_of(folder: Path, out: tuple[int, ...]) -> Path:
    """The file of the pair model without some folds."""
    return folder / f"pair-without-{'-'.join(map(str, sorted(out))) or 'none'}.npz"


def _fit_pair(arguments: tuple[argparse.Namespace, tuple[int, ...], dict[str, int]]) -> tuple[int, ...]:
    options, out, folds = arguments
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    every, names = read(options.features), names_of(options.features)
    train = [task for task in every if folds[task.family] not in out and len(task.y)]
    draw = np.random.default_rng([len(out), *out])
    weight = weights_of(train)
    X, y, w = [], [], []
    ranks = [place for place, name in enumerate(names) if name.endswith("rank min")]
    for task in train:
        values = task.values()
        near = (values[:, ranks] == 0).any(axis=1)
        at, stands_for = drawn_pairs(task.y, near, options.pairs, draw)
        X.append(values[at])
        y.append(task.y[at])
        # in a task every record weighs the same, however many candidates it has
        w.append(weight[task.key] / task.records * stands_for)
    matrix = np.concatenate(X)
    del X
    matrix[:, np.isnan(matrix).all(axis=0)] = 0  # a view that no task has
    model = boosted(
        matrix, np.concatenate(y), np.concatenate(w), monotone(names),
        max_iter=options.iterations, learning_rate=0.1, max_leaf_nodes=options.leaves, min_samples_leaf=100,
        l2_regularization=5, max_features=0.4,
    )  # fmt: skip
    np.savez(file_of(options.out, out), **arrays_of(model, names, "pair "))
    left_out = [task for task in every if folds[task.family] in out]
    if left_out:
        found = {
            task.key: model.decision_function(task.values()).astype(np.float32)
            for task in left_out
            if len(task.y)
        }
        np.savez(_log_odds_file(options.out, out), **found)
    return out


def _log_odds_file(folder: Path, out: tuple[int, ...]) -> Path:
    return file_of(folder, out).with_suffix(".log-odds.npz")


def log_odds_of(folder: Path, out: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The log-odds of the tasks in left-out folds by the pair model without these.

    Args:
        folder: Of the pair models.
        out: The folds.

    Returns:
        Key of a task -> log-odds of its pairs.
    """
    with np.load(_log_odds_file(folder, tuple(sorted(out)))) as file:
        return dict(file)


def boosted(
    matrix: np.ndarray, y: np.ndarray, w: np.ndarray, limits: list[int], *, seed: int = 0, **how: Any
) -> Any:
    """Gradient boosting of shallow trees."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        **how, monotonic_cst=limits, early_stopping=False, random_state=seed
    )
    return model.fit(matrix, y, sample_weight=w * (len(w) / w.sum()))


def arrays_of(model: Any, names: list[str], prefix: str) -> dict[str, np.ndarray]:
    """A boosted model as arrays, as `linktransformer.decision.trees` reads them."""
    trees = [predictors[0].nodes for predictors in model._predictors]
    nodes = np.concatenate(trees)
    found = {
        "names": np.array(names),
        "base": np.float64(np.ravel(model._baseline_prediction)[0]),
        "starts": np.append(0, np.cumsum([len(tree) for tree in trees])).astype(np.int32),
        "feature": np.where(nodes["is_leaf"], -1, nodes["feature_idx"]).astype(np.int16),
        "threshold": nodes["num_threshold"].astype(np.float32),
        "left": nodes["left"].astype(np.int16),
        "right": nodes["right"].astype(np.int16),
        "null_left": nodes["missing_go_to_left"].astype(bool),
        "value": nodes["value"].astype(np.float32),
        "count": nodes["count"].astype(np.float32),
    }
    return {f"{prefix}{name}": values for name, values in found.items()}
