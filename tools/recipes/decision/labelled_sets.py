"""Labelled data sets in a folder, as tasks: the contract of the folder's own README."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tools.recipes.decision.domains import Task

__all__ = ["NOT_COMPARED", "family_of", "load", "names"]

NOT_COMPARED = {
    "id",
    "cluster_id",
    "SourceID",
    "source_record_id",
    "script",
}  # sources and labels, no content
PAIRS_ONLY = {"dm_beer", "dm_zomato_yelp", "dm_rotten_imdb"}  # only some pairs of them are labelled
TOGETHER = ("abt_buy", "amazon_google", "dblp", "febrl", "fake_contacts", "citations")


def names(root: Path) -> list[str]:
    """The data sets in which every pair is labelled, groups by their members."""
    found = [path.parent.relative_to(root).as_posix() for path in root.rglob("matches.csv*")]
    found += [path.parent.relative_to(root).as_posix() for path in root.rglob("table.csv*")]
    return sorted(set(found) - PAIRS_ONLY)


def family_of(name: str) -> str:
    """The family of a data set: sets of one origin are one family and are left out together."""
    name = name.split("@")[0]
    if name == "country_names":
        return "translations"  # made of the same names as the made family
    return next((part for part in TOGETHER if part in name), name)


def load(root: Path, name: str) -> Task:
    """Read a data set.

    Args:
        root: The folder of the data sets.
        name: One of `names`.

    Returns:
        The task, with all columns but ids and sources.
    """
    folder = root / name
    if any(folder.glob("table.csv*")):
        table = _read(folder, "table")
        truth = pairs_of(table["cluster_id"].to_numpy())
        return Task(name, family_of(name), _content(table), None, truth)
    left, right, matches = (_read(folder, part) for part in ("left", "right", "matches"))
    row = [dict(zip(side["id"], range(len(side)), strict=True)) for side in (left, right)]
    truth = np.array(
        [(row[0][a], row[1][b]) for a, b in zip(matches["left_id"], matches["right_id"], strict=True)],
        dtype=np.int64,
    ).reshape(-1, 2)
    return Task(name, family_of(name), _content(left), _content(right), truth)


def pairs_of(cluster: np.ndarray) -> np.ndarray:
    """All pairs of rows of one cluster, (n, 2) int64, the lower row first."""
    _, code = np.unique(cluster, return_inverse=True)
    order = np.argsort(code, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(code[order])) + 1)
    found = [
        np.stack([group[i] for i in np.triu_indices(len(group), 1)], axis=1)
        for group in groups
        if len(group) > 1
    ]
    none = np.empty((0, 2), dtype=np.int64)
    every = np.concatenate([none, *found])
    return np.sort(every, axis=1)


def _read(folder: Path, part: str) -> pd.DataFrame:
    path = next(folder.glob(f"{part}.csv*"))
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _content(table: pd.DataFrame) -> pd.DataFrame:
    kept = table[[name for name in table if name not in NOT_COMPARED]]
    return kept.replace("", None).reset_index(drop=True)
