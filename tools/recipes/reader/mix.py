"""Mix the reader's log-odds with a decision's own: a logistic regression for each left-out fold.

Fitted on pairs in doubt of which nothing was cut, read by a reader that did not see the fold of the pair.
The coefficients of a fold are fitted without its pairs, but the readers of the other pairs did see them: a
leak of second order, through four numbers.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np

from tools.report import say

__all__ = ["add_arguments", "fitted", "mixing", "run"]

MOST = 40  # tokens of a record, as in training: of records with fewer nothing was cut
OPEN = 5.0  # own log-odds of pairs in doubt, at most
CLIP = 8.0  # as in `clippings.text.pair_reader.PairReader.mixed`


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("pairs", type=Path, help="what `pack` wrote")
    parser.add_argument("scores", type=Path, nargs="+", help="scores-*.npz that `train` wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder of mixing-FOLD.json")


def run(options: argparse.Namespace) -> None:
    """Write four coefficients for every fold, and of all pairs as mixing-none.json."""
    options.out.mkdir(parents=True, exist_ok=True)
    with np.load(options.pairs) as file:
        tasks, task = json.loads(str(file["tasks"])), file["task"]
        y, own = file["y"].astype(float), file["own"].astype(float)
        lengths = file["lens"].astype(int)
        longest = np.maximum(lengths[file["left"]], lengths[file["right"]])
    read = np.full(len(y), np.nan)
    for path in options.scores:
        with np.load(path) as file:
            found = file["fold"][:, 0].astype(float)
        read = np.where(np.isnan(read), found, read)
    used = (np.abs(own) < OPEN) & (longest < MOST) & np.isfinite(read)
    weight = weights([str(of["family"]) for of in tasks], task, used)
    fold = np.array([-1 if of["fold"] is None else of["fold"] for of in tasks])[task]
    for out in ["none", *sorted({int(number) for number in fold[used]})]:
        at = np.flatnonzero(used & (fold != out) if out != "none" else used)
        if not len(at):
            say(f"without {out}: no pairs")
            continue
        made = [round(float(value), 5) for value in mixing(own[at], read[at], y[at], weight[at])]
        (options.out / f"mixing-{out}.json").write_text(json.dumps({"mixing": made}) + "\n", "utf-8")
        say(f"without {out}: {len(at)} pairs, {made}")


def weights(families: list[str], task: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Weights of pairs: tasks alike, of a family with many less each."""
    count = Counter(families)
    of_task = np.array([count[family] ** -0.75 for family in families])
    pairs = np.bincount(task[used], minlength=len(families))
    return np.asarray(np.where(used, (of_task / np.maximum(pairs, 1))[task], 0.0))


def mixing(own: np.ndarray, read: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Coefficients of 1, own log-odds, the reader's, and their product, in the unit of the own ones, (4,).

    The regression on the own log-odds alone says what that unit is: it is undone, since the models of a job
    that come after were fitted on uncalibrated ones.
    """
    one, r = np.ones_like(own), np.clip(read, -CLIP, CLIP)
    base = fitted(np.stack([one, own], axis=1), y, weight)
    both = fitted(np.stack([one, own, r, own * r], axis=1), y, weight)
    both[0] -= base[0]
    return both / base[1]


def fitted(x: np.ndarray, y: np.ndarray, weight: np.ndarray, ridge: float = 1e-3) -> np.ndarray:
    """Coefficients of a weighted logistic regression, by Newton's method."""
    found = np.zeros(x.shape[1])
    for _ in range(40):
        p = 1 / (1 + np.exp(-x @ found))
        curve = (weight * p * (1 - p) + 1e-9)[:, None]
        slope = x.T @ (weight * (y - p)) - ridge * found
        found = found + np.linalg.solve(x.T @ (x * curve) + ridge * np.eye(x.shape[1]), slope)
    return found
