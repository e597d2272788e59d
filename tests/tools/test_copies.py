"""Noisy copies of the rows of a table, as a training task."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tools.recipes.decision.domains import Task
from tools.recipes.decision.variations import copies, distinct, variations

NAMES = [
    f"{place} {kind} {number}" for number in range(9) for place in ("Ash", "Elm") for kind in ("Mill", "Inn")
]
TABLE = pd.DataFrame({"name": NAMES, "town": ["Akron", "Boise", None, "Utica"] * 9})
NONE = np.empty((0, 2), dtype=np.int64)


@pytest.mark.parametrize("seed", range(6))
def test_clusters_are_a_row_and_its_copies(seed: int) -> None:
    made = copies(Task("t", "f", TABLE, None, NONE), 200, np.random.default_rng(seed))
    again = copies(Task("t", "f", TABLE, None, NONE), 200, np.random.default_rng(seed))
    pd.testing.assert_frame_equal(made.left, again.left)
    assert made.right is None and 2 <= len(made.left) <= 200 and list(made.left) == list(TABLE)
    together = {row: {row} for row in range(len(made.left))}
    for one, other in made.truth.tolist():
        together[one].add(other)
        together[other].add(one)
    clusters = {frozenset(rows) for rows in together.values()}
    assert sum(map(len, clusters)) == len(made.left)  # the pairs are those of whole clusters
    rows = list(made.left.astype(object).where(made.left.notna(), None).itertuples(index=False, name=None))
    known = set(TABLE.astype(object).where(TABLE.notna(), None).itertuples(index=False, name=None))
    for cluster in clusters:
        assert any(rows[row] in known for row in cluster)  # one row is not changed


def test_one_row_of_each_cluster_has_copies() -> None:
    twice = pd.concat([TABLE, TABLE], ignore_index=True)
    truth = np.stack([np.arange(len(TABLE)), np.arange(len(TABLE)) + len(TABLE)], axis=1)
    made = copies(Task("t", "f", twice, None, truth), 60, np.random.default_rng(1))
    group = np.arange(len(made.left))
    for one, other in made.truth.tolist():
        group[other] = min(group[one], group[other])
    first = made.left["name"].groupby(group).agg(list)
    originals = [name for names in first for name in set(names) & set(NAMES)]
    assert len(originals) == len(set(originals))


def test_rows_that_match_one_row_of_the_other_table_are_one_thing() -> None:
    left = pd.DataFrame({"name": ["Lund", "Lunden", "Kalmar", "Umeå"]})
    right = pd.DataFrame({"name": ["LUND", "KALMAR"]})
    task = Task("towns", "towns", left, right, np.array([[0, 0], [1, 0], [2, 1]]))
    found = distinct(task, np.random.default_rng(0))
    assert found.right is None and len(found.truth) == 0
    assert found.left["name"].tolist() == ["Lund", "Kalmar", "Umeå"]
    one = Task("towns", "towns", left, None, np.array([[0, 1]]))
    assert len(distinct(one, np.random.default_rng(0)).left) == 3


def test_rows_that_are_alike_follow_each_other_and_are_different_things() -> None:
    names = [f"{place} {number:03d}" for place in ("Ash", "Elm", "Oak") for number in range(300)]
    task = Task("t", "f", pd.DataFrame({"name": names}), None, NONE)
    made = [one for one in variations(task, most=900) if "@alike" in one.name]
    assert len(made) == 2
    for one in made:
        rows = sorted(map(names.index, one.left["name"]))
        assert len(rows) >= 40 and len(one.truth) == 0 and rows == list(range(rows[0], rows[-1] + 1))
