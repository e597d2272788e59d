"""Average models of jobs that were fitted on different samples of the training tasks."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("out", type=Path, help="folder of the averaged fold-K.npz and decision.npz")
    parser.add_argument(
        "folders", type=Path, nargs="+", help="folders of `fit_jobs`, of the same pair models"
    )


def run(options: argparse.Namespace) -> None:
    """Average every file that all folders have."""
    options.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(options.folders[0].glob("*.npz")):
        models = [dict(np.load(folder / path.name)) for folder in options.folders]
        np.savez_compressed(options.out / path.name, **averaged(models))


def averaged(models: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One sum of trees with the mean of the log-odds; the pair model is that of the first file."""
    found = dict(models[0])
    nodes = ("feature", "threshold", "left", "right", "null_left", "value", "count")
    for name in nodes:
        found[f"job {name}"] = np.concatenate([model[f"job {name}"] for model in models])
    found["job value"] = found["job value"] / np.float32(len(models))
    found["job base"] = np.float64(np.mean([model["job base"] for model in models]))
    starts, offset = [np.zeros(1, dtype=np.int32)], 0
    for model in models:
        starts.append((model["job starts"][1:] + offset).astype(np.int32))
        offset += int(model["job starts"][-1])
    found["job starts"] = np.concatenate(starts)
    found["number values"] = np.mean([model["number values"] for model in models], axis=0)
    return found
