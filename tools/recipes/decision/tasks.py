"""Described tasks, read from their files, with folds and weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["FOLDS", "Described", "drawn_pairs", "fold_of", "names_of", "read", "weights_of"]

FOLDS = 6
ROUNDING = 1e-4  # below it a feature is 0: float32 sums that should be 0 are kept in half precision
DEEP = 0.2  # of the pairs that are drawn, at least, are of no record the nearest


@dataclass(frozen=True, eq=False)
class Described:
    """One described task: pairs of records, and which of them are matches; features stay in the file."""

    name: str
    family: str
    left: np.ndarray
    right: np.ndarray
    sizes: tuple[int, int]
    same: bool
    y: np.ndarray
    n_true: int
    dense: bool
    path: Path

    @property
    def key(self) -> str:
        """Its name, and whether it has vectors of a model."""
        return self.name + ("+dense" if self.dense else "")

    @property
    def records(self) -> float:
        """How many records each of its tables has, in the mean."""
        return max(1.0, sum(self.sizes) / 2)

    def values(self) -> np.ndarray:
        """The features of all pairs, (n_pairs, n_features) float32, NaN for unknown."""
        with np.load(self.path) as file:
            values = file["values"].astype(np.float32)
        values[~np.isfinite(values)] = np.nan
        values[np.abs(values) < ROUNDING] = 0  # no tree may tell 0 from what rounding left of it
        return values


def names_of(folder: Path) -> list[str]:
    """The names of the features."""
    with np.load(next(iter(sorted(folder.glob("*.npz"))))) as file:
        return file["names"].tolist()


def read(folder: Path) -> list[Described]:
    """Read the feature files of a folder, without the features."""
    tasks = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
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
                    path.stem.endswith("+dense"),
                    path,
                )
            )
    return tasks


def fold_of(families: set[str]) -> dict[str, int]:
    """The fold that leaves a family out."""
    ordered = sorted(families)
    order = np.random.default_rng(1).permutation(len(ordered))
    return {ordered[place]: number % FOLDS for number, place in enumerate(order)}


def drawn_pairs(
    y: np.ndarray, near: np.ndarray, most: int, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs of a task, matches and nearest ones more often, each weighed by what it stands for.

    Args:
        y: Which pairs are matches.
        near: Which pairs are nearest.
        most: Pairs that are drawn, about.
        draw: The source of chance.

    Returns:
        The places of the pairs, and how many pairs each stands for.
    """
    strata = [np.flatnonzero(part) for part in (y, ~y & near, ~y & ~near)]
    room = [most * (1 - DEEP) / 2, most * (1 - DEEP) / 2, most * DEEP]
    left_over = most - sum(min(len(part), of) for part, of in zip(strata, room, strict=True))
    at, weight = [], []
    for part, of in zip(strata, room, strict=True):
        count = min(len(part), int(of + max(0, left_over)))
        left_over -= max(0, count - of)
        if count:
            at.append(draw.permutation(part)[:count])
            weight.append(np.full(count, len(part) / count))
    if not at:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    return np.concatenate(at), np.concatenate(weight)


def weights_of(tasks: list[Described]) -> dict[str, float]:
    """The weight of each task by its key.

    Families weigh nearly the same (the power .25 of their number of tasks), and in each family the tasks in
    which half of the records or more have a match weigh as much as the others. Tiny tasks, of which each
    says little, weigh a tenth: with more weight, what holds of them is learned for large tables too.
    """
    of = {
        task.key: (task.family, task.n_true >= 0.5 * min(task.sizes), "@tiny" in task.name) for task in tasks
    }
    count: dict[tuple[str, bool, bool], int] = {}
    for group in of.values():
        count[group] = count.get(group, 0) + 1
    return {key: (0.1 if group[2] else 1) / count[group] ** 0.75 for key, group in of.items()}
