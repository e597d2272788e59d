"""What Splink links in two tables, from its own environment; the tables go there as files, without ids."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.data import TwoTables
from tools.report import say

from . import splink_tables
from .measure import JobError, environment, run_job

Scored = Mapping[tuple[str, str], float]
PEER = Path(splink_tables.__file__)


def comparable(tables: TwoTables) -> bool:
    """Whether the tables have the several columns that Splink compares."""
    pairs = splink_tables.paired(tables.left_keys, tables.right_keys)
    return len(pairs) >= splink_tables.FEWEST_COLUMNS


def write(tables: TwoTables, folder: Path) -> tuple[Path, Path]:
    """The key columns of both tables as CSV files in a folder."""
    left, right = folder / "left.csv", folder / "right.csv"
    tables.left[tables.left_keys].to_csv(left, index=False)
    tables.right[tables.right_keys].to_csv(right, index=False)
    return left, right


def scored(python: Path, tables: TwoTables, timeout_s: float) -> Scored | None:
    """The pairs with a match probability of at least .5; None where it failed, which is said."""
    with tempfile.TemporaryDirectory() as folder:
        left, right = write(tables, Path(folder))
        command = [str(python), str(PEER), "--left", str(left), "--right", str(right)]
        try:
            pairs = run_job(command, environment(), timeout_s).result["pairs"]
        except JobError as error:
            say(f"Splink, {tables.name}: {error}", note=True)
            return None
    ids = tables.left["id"].tolist(), tables.right["id"].tolist()
    return {(ids[0][a], ids[1][b]): chance for a, b, chance in pairs}


def best_of_each_left(pairs: Scored) -> frozenset[tuple[str, str]]:
    """The most probable pair of each left row.

    Example:
        >>> best_of_each_left({("a", "x"): 0.6, ("a", "y"): 0.9, ("b", "y"): 0.7}) == {("a", "y"), ("b", "y")}
        True
    """
    best: dict[str, tuple[float, str]] = {}
    for (left, right), chance in sorted(pairs.items()):
        if left not in best or chance > best[left][0]:
            best[left] = (chance, right)
    return frozenset((left, right) for left, (_, right) in best.items())
