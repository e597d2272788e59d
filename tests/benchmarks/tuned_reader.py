"""Test F1 of a model that is trained on pairs, with and without a reader tuned on them, and what that takes.

Half of the entities to train, a quarter to choose, a quarter to test. The text model takes few steps, so that
what the reader adds is that of the reader. The shipped reader has seen the sets that docs/reader.md names; of
these the figures flatter it. Needs torch, onnx and sentence-transformers.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from tools import data
from tools.report import Report, Table, say

COLUMNS = {  # of records that are short enough for the reader
    "amazon_google": (["title", "manufacturer", "price"], ["name", "manufacturer", "price"]),
    "abt_buy": (["name"], ["name"]),
}
METRICS = (
    *("test_f1_decision", "test_f1_decision_without_reader", "val_reader_loss_of_shipped"),
    *("val_reader_loss_of_tuned", "reader_tuned", "reader_epochs", "reader_train_pairs", "reader_val_pairs"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=list(COLUMNS), help="only these data sets")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds")
    parser.add_argument("--pairs", type=int, default=400, help="matches of a set, drawn at random")
    parser.add_argument("--steps", type=int, default=1, help="of the text model")


def run(options: argparse.Namespace) -> Report:
    """Train with and without a reader on every set and seed."""
    notes, rows = [], []
    for name in options.names:
        if (missing := data.missing("data", name)) is not None:
            notes.append(missing)
            continue
        for seed in range(options.seeds):
            rows.append(measure(name, seed, options.pairs, options.steps))
            say(f"{name}, seed {seed}: {rows[-1]}", note=True)
    settings = {"pairs": options.pairs, "steps": options.steps, "seeds": options.seeds}
    return Report("tuned_reader", [Table("tuned_reader", rows)], notes, settings)


def measure(name: str, seed: int, n_pairs: int, steps: int) -> dict[str, Any]:
    """One set and seed: the text model is trained alike with and without the reader."""
    import linktransformer as lt

    pairs, columns = pairs_of(data.shared() / "data" / name)
    pairs = pairs.sample(min(n_pairs, len(pairs)), random_state=seed)
    row: dict[str, Any] = {"data set": name, "seed": seed, "pairs": len(pairs)}
    for reader in (False, True):
        began = time.perf_counter(), time.process_time()
        with tempfile.TemporaryDirectory() as place:
            trained = lt.train_model(
                pairs,
                left_col_names=columns[0],
                right_col_names=columns[1],
                max_steps=steps,
                batch_size=16,
                shares=(0.5, 0.25, 0.25),
                seed=seed,
                out=Path(place),
                reader=reader,
                progress=False,
            )
        which = "with" if reader else "without"
        row[f"seconds {which}"] = round(time.perf_counter() - began[0], 1)
        row[f"CPU seconds {which}"] = round(time.process_time() - began[1], 1)
        if not reader:
            row["test_f1_decision, no reader"] = trained.metrics["test_f1_decision"]
    return row | {metric: trained.metrics.get(metric) for metric in METRICS}


def pairs_of(folder: Path) -> tuple[pd.DataFrame, tuple[list[str], list[str]]]:
    """The matches of a set with the columns of either side."""
    read = data.baseline().read
    left, right, matches = (read(folder, name) for name in ("left", "right", "matches"))
    of_left, of_right = COLUMNS[folder.name]
    joined = matches.merge(left[["id", *of_left]].add_suffix("_l"), left_on="left_id", right_on="id_l")
    joined = joined.merge(right[["id", *of_right]].add_suffix("_r"), left_on="right_id", right_on="id_r")
    return joined, ([f"{column}_l" for column in of_left], [f"{column}_r" for column in of_right])
