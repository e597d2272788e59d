"""Linking after training on a part of the labels, beside linking without any, on entities never trained on.

The entities of the true pairs are split: half are for training, and their rows are removed from both tables;
the other half, and half of the rows without a match, are linked. Each seed gives another split. Needs torch
and sentence-transformers; a GPU helps.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from tools import data
from tools.report import Report, Table, say

from .score import mean

SETS = ("abt_buy", "amazon_google", "mexican_tariff_1947_1948", "japanese_firms_1950s")
SIZES = (50, 200, 0)  # pairs to train on; 0 is all there are


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=list(SETS), help="only these data sets")
    parser.add_argument("--base", default="bundled", help="what to start from: a folder, or 'bundled'")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--sizes", nargs="*", type=int, default=list(SIZES), help="labelled pairs; 0 is all")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--stop-after", type=float, default=1e9, help="begin no further run after so many s")


def run(options: argparse.Namespace) -> Report:
    """Every set and size with the first seed, then with the next one."""
    gone = [name for name in ("torch", "sentence_transformers") if importlib.util.find_spec(name) is None]
    if gone:
        return Report("labelled_training", skipped=[f"{', '.join(gone)} is not installed"])
    began = time.perf_counter()
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for name in options.names:
            missing = data.missing("data", name)
            late = time.perf_counter() - began > options.stop_after
            if missing or late:
                skipped.append(missing or f"{name}, seed {seed}: no time")
                continue
            for row in measure(data.load(data.shared() / "data" / name), seed, options):
                rows.append(row)
                say(str(row), note=True)
    settings = {"epochs": options.epochs, "base": Path(options.base).name}
    return Report(
        "labelled_training", [Table("runs", rows), Table("labels", summary(rows))], skipped, settings
    )


def measure(tables: data.TwoTables, seed: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """F1 without labels and with each number of them, on the same held-out tables."""
    lt: Any = importlib.import_module("linktransformer")
    train, left, right, truth = cut(tables, seed)
    keys = {"left_on": tables.left_keys, "right_on": tables.right_keys, "progress": False}
    found = []
    for size in (None, *options.sizes):
        began = time.perf_counter()
        model, n_pairs, decision = None, 0, ""
        with tempfile.TemporaryDirectory() as folder:
            if size is not None:
                pairs = train.iloc[: size or len(train)]
                n_pairs = len(pairs)
                model = lt.train_model(
                    pairs,
                    left_col_names=[f"{name}_left" for name in tables.left_keys],
                    right_col_names=[f"{name}_right" for name in tables.right_keys],
                    base=options.base,
                    out=Path(folder) / "run",
                    epochs=options.epochs,
                    shares=(0.8, 0.2, 0.0),
                    seed=seed,
                    progress=False,
                )
            links = lt.link(left, right, model=model, **keys)
            decision = str(links.report()["rule"])
        scores = links.evaluate(truth)
        found.append(
            {
                "data set": tables.name,
                "seed": seed,
                "labels": "none" if size is None else "all" if size == 0 else str(size),
                "pairs": n_pairs,
                "F1": scores["f1"],
                "precision": scores["precision"],
                "recall": scores["recall"],
                "rule": decision,
                "seconds": time.perf_counter() - began,
            }
        )
    return found


def cut(tables: data.TwoTables, seed: int) -> tuple[Any, Any, Any, list[tuple[int, int]]]:
    """Labelled pairs of half of the entities; the tables of the other half, and their true pairs."""
    pd: Any = importlib.import_module("pandas")
    draw = np.random.default_rng(seed)
    left_row = {name: row for row, name in enumerate(tables.left["id"])}
    right_row = {name: row for row, name in enumerate(tables.right["id"])}
    pairs = sorted((left_row[a], right_row[b]) for a, b in tables.truth)
    of_left, of_right = entities(pairs, len(left_row), len(right_row))
    n = max([*of_left, *of_right], default=-1) + 1
    trained = draw.random(n) < 0.5  # rows without a partner are entities of their own
    chosen = [pair for pair in pairs if trained[of_left[pair[0]]]]
    draw.shuffle(chosen)
    a, b = (np.array(side, dtype=np.int64) for side in zip(*chosen, strict=True))
    labelled = pd.concat(
        [
            tables.left[tables.left_keys].iloc[a].add_suffix("_left").reset_index(drop=True),
            tables.right[tables.right_keys].iloc[b].add_suffix("_right").reset_index(drop=True),
        ],
        axis=1,
    )
    keep = ~trained[of_left], ~trained[of_right]
    place = np.cumsum(keep[0]) - 1, np.cumsum(keep[1]) - 1
    truth = [(int(place[0][x]), int(place[1][y])) for x, y in pairs if not trained[of_left[x]]]
    rest = (
        side[kept].reset_index(drop=True)
        for side, kept in zip((tables.left, tables.right), keep, strict=True)
    )
    return labelled, *rest, truth


def entities(pairs: list[tuple[int, int]], n_left: int, n_right: int) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's entity: rows that true pairs join, over any number of steps."""
    near = defaultdict(list)
    for a, b in pairs:
        near[a].append(n_left + b)
        near[n_left + b].append(a)
    number = np.full(n_left + n_right, -1, dtype=np.int64)
    n = 0
    for row in range(n_left + n_right):
        if number[row] >= 0:
            continue
        number[row], waiting = n, [row]
        while waiting:
            for other in near[waiting.pop()]:
                if number[other] < 0:
                    number[other] = n
                    waiting.append(other)
        n += 1
    return number[:n_left], number[n_left:]


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean and range over the seeds of every set."""
    found = []
    for name in dict.fromkeys(row["data set"] for row in rows):
        line: dict[str, Any] = {"data set": name}
        for labels in dict.fromkeys(row["labels"] for row in rows):
            f1 = [row["F1"] for row in rows if row["data set"] == name and row["labels"] == labels]
            line |= {f"{labels}": mean(f1), f"{labels}, range": f"{min(f1):.3f}-{max(f1):.3f}"}
        found.append({**line, "seeds": len(f1)})
    return found
