"""Made domains: the same at every call, true to their contract, with much variety and without a give-away."""

import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tools.recipes.decision.domains import FAMILIES, Task, make
from tools.recipes.decision.domains.side import likeness

SEEDS = range(3)
ROOT = Path(__file__).parents[2]


@cache
def tasks(family: str) -> tuple[Task, ...]:
    return tuple(make(family, seed) for seed in SEEDS)


def two_tables() -> list[Task]:
    return [task for family in FAMILIES for task in tasks(family) if task.right is not None]


def test_there_are_many_families():
    assert len(FAMILIES) >= 14


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_at_every_call(family):
    one, two = tasks(family)[0], make(family, 0)
    assert one.left.equals(two.left)
    assert (one.right is None) == (two.right is None)
    assert np.array_equal(one.truth, two.truth)


def test_the_same_in_another_process_with_another_hash_seed():
    code = (
        "from tools.recipes.decision.domains import make, FAMILIES; import zlib, sys;"
        "sys.stdout.write(str([zlib.crc32(make(f, 7).left.to_csv().encode()) for f in list(FAMILIES)[::4]]))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] and len(runs[0]) > 10


@pytest.mark.parametrize("family", FAMILIES)
def test_contract(family):
    for task in tasks(family):
        assert task.family == family
        tables = [task.left] if task.right is None else [task.left, task.right]
        for table in tables:
            assert len(table) and 1 <= len(table.columns) <= 8
            assert table.columns.is_unique and not {"id", "cluster_id"} & {
                str(c).lower() for c in table.columns
            }
            assert list(table.index) == list(range(len(table)))
            cells = table.to_numpy().ravel()
            assert all(cell is None or (isinstance(cell, str) and cell.strip()) for cell in cells)
        truth = task.truth
        assert truth.dtype == np.int64 and truth.shape[1:] == (2,)
        assert len(np.unique(truth, axis=0)) == len(truth)
        if len(truth):
            assert truth.min() >= 0
            assert truth[:, 0].max() < len(task.left) and truth[:, 1].max() < len(tables[-1])


def test_one_table_has_all_pairs_of_each_cluster():
    found = [task for family in FAMILIES for task in tasks(family) if task.right is None]
    assert found
    for task in found:
        assert (task.truth[:, 0] < task.truth[:, 1]).all()
        pairs = set(map(tuple, task.truth.tolist()))
        linked: dict[int, set[int]] = {}
        for one, two in pairs:
            linked.setdefault(one, {one}).add(two)
            linked.setdefault(two, {two}).add(one)
        assert all(linked[one] == linked[two] for one, two in pairs)


def test_share_of_rows_with_a_match_is_spread():
    shares = [len(np.unique(task.truth[:, 0])) / len(task.left) for task in two_tables()]
    counted = np.histogram(shares, [0, 0.001, 0.3, 0.7, 0.999, 1.01])[0] / len(shares)
    assert (counted > 0.04).all()


def test_a_row_is_used_once_unless_many_share_one():
    for task in two_tables():
        left, right = (Counter(task.truth[:, at].tolist()) for at in (0, 1))
        assert max(left.values(), default=1) == 1 or max(right.values(), default=1) == 1
        if task.family in ("persons", "contacts", "addresses", "payments", "books", "films"):
            assert max(left.values(), default=1) == max(right.values(), default=1) == 1


def test_rows_with_and_without_a_match_are_alike_in_what_is_missing():
    gaps = []
    for task in two_tables():
        matched = np.isin(np.arange(len(task.left)), task.truth[:, 0])
        if min(matched.sum(), (~matched).sum()) >= 50:
            empty = task.left.isna().to_numpy().mean(axis=1)
            gaps.append(empty[matched].mean() - empty[~matched].mean())
    assert len(gaps) > 10
    assert abs(np.mean(gaps)) < 0.01 and np.max(np.abs(gaps)) < 0.15


def test_rows_that_read_alike_are_a_match():
    for task in two_tables():
        if list(task.left.columns) != list(task.right.columns):
            continue
        keys = set(task.left.columns)
        pairs = set(map(tuple, task.truth.tolist()))
        right: dict[str, list[int]] = {}
        for at, row in enumerate(task.right.to_dict("records")):
            right.setdefault(likeness(row, keys), []).append(at)
        for at, row in enumerate(task.left.to_dict("records")):
            assert all((at, other) in pairs for other in right.get(likeness(row, keys), ()))
