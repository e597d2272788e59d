"""Described tasks, read from their files, with folds and weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["FOLDS", "Tasks", "fold_of", "read", "weights_of"]

FOLDS = 6


@dataclass(frozen=True, eq=False)
class Described:
    """One described task: pairs of records with their features, and which of them are matches."""

    name: str
    family: str
    left: np.ndarray
    right: np.ndarray
    sizes: tuple[int, int]
    same: bool
    y: np.ndarray
    n_true: int
    values: np.ndarray
    dense: bool

    @property
    def key(self) -> str:
        """Its name, and whether it has vectors of a model."""
        return self.name + ("+dense" if self.dense else "")


@dataclass(frozen=True, eq=False)
class Tasks:
    """All described tasks.

    Args:
        tasks: The tasks.
        names: Of the pair features.
    """

    tasks: list[Described]
    names: list[str]


def read(folder: Path) -> Tasks:
    """Read the feature files of a folder."""
    tasks, names = [], []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            names = file["names"].tolist()
            values = file["values"]
            values[~np.isfinite(values)] = np.nan
            tasks.append(
                Described(
                    str(file["name"]),
                    str(file["family"]),
                    file["left"].astype(np.int64),
                    file["right"].astype(np.int64),
                    tuple(file["sizes"].tolist()),
                    bool(file["same"]),
                    file["y"],
                    int(file["n_true"]),
                    values,
                    path.stem.endswith("+dense"),
                )
            )
    return Tasks(tasks, names)


def fold_of(families: set[str]) -> dict[str, int]:
    """The fold that leaves a family out."""
    ordered = sorted(families)
    order = np.random.default_rng(1).permutation(len(ordered))
    return {ordered[place]: number % FOLDS for number, place in enumerate(order)}


def weights_of(tasks: list[Described]) -> dict[str, float]:
    """The weight of each task by its key.

    Families weigh nearly the same (the power .25 of their number of tasks), and in each family the tasks in
    which half of the records or more have a match weigh as much as the others. Tiny tasks, of which each
    says little, weigh a third.
    """
    of = {
        task.key: (task.family, task.n_true >= 0.5 * min(task.sizes), "@tiny" in task.name) for task in tasks
    }
    count: dict[tuple[str, bool, bool], int] = {}
    for group in of.values():
        count[group] = count.get(group, 0) + 1
    return {key: (1 / 3 if group[2] else 1) / count[group] ** 0.75 for key, group in of.items()}
