"""Pair features of tasks, as files: what the decision is fitted on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer.dedup.cluster import K
from linktransformer.linking import options
from linktransformer.scoring.describe import Described, Options, describe
from linktransformer.search import blocking
from linktransformer.tables import frames, records
from linktransformer.tables.serialize import Serializer
from tools.recipes.decision.domains import Task

__all__ = ["describe_task", "features_file", "labels", "texts_for_model", "write"]


def describe_task(task: Task, embed: Callable[[list[str]], Any] | None) -> Described | None:
    """The candidates of a task and their features, None where a table has no record."""
    right = task.left if task.right is None else task.right
    tables = frames.wrap(task.left, "left"), frames.wrap(right, "right")
    same = task.right is None
    on = _keys(task)
    texts = tuple(records.read(table, names, Serializer()) for table, names in zip(tables, on, strict=True))
    nodes = tuple(blocking.nodes(of.text_of_row) for of in texts)
    if min(map(len, nodes)) < (2 if same else 1):
        return None
    return describe(tables, on, nodes, texts, Options(k=K if same else options.K, embed=embed), same=same)


def _keys(task: Task) -> tuple[list[str], list[str]]:
    left = list(task.left)
    return left, left if task.right is None else list(task.right)


def labels(task: Task, described: Described) -> tuple[np.ndarray, int]:
    """Which described pairs are matches, and how many pairs of records are."""
    same = task.right is None
    nodes = described.nodes
    a, b = nodes[0].node_of_row[task.truth[:, 0]], nodes[1].node_of_row[task.truth[:, 1]]
    there = (a >= 0) & (b >= 0) & ((a != b) if same else True)
    a, b = a[there], b[there]
    if same:
        a, b = np.minimum(a, b), np.maximum(a, b)
    width = len(nodes[1]) + 1
    true = np.unique(a * width + b)
    at, found = described.features.at, described.candidates
    return np.isin(found.left[at] * width + found.right[at], true), len(true)


def features_file(task: Task, embed: Callable[[list[str]], Any] | None, path: Path) -> str:
    """Describe a task and write it: pairs, labels, features, job numbers.

    Returns:
        A line on it.
    """
    described = describe_task(task, embed)
    if described is None or not len(described.features.at):
        return f"{task.name}: nothing to describe"
    return write(task, described, path)


def write(task: Task, described: Described, path: Path) -> str:
    """Write what a task was described as.

    Returns:
        A line on it.
    """
    of, pairs = described.features, described.candidates
    y, n_true = labels(task, described)
    np.savez(
        path,
        name=task.name,
        family=task.family,
        left=pairs.left[of.at].astype(np.int32),
        right=pairs.right[of.at].astype(np.int32),
        sizes=(pairs.n_left, pairs.n_right),
        same=task.right is None,
        y=y,
        n_true=n_true,
        names=np.array(of.names),
        values=of.values.astype(np.float16),
    )
    found = f"{int(y.sum())} of {n_true} matches, key {described.key}, {described.reads}"
    return f"{task.name}: {len(y)} pairs, {found}"


def texts_for_model(task: Task) -> set[str]:
    """All texts that a model would be asked for."""
    asked: set[str] = set()

    def note(texts: list[str]) -> np.ndarray:
        asked.update(texts)
        draw = np.random.default_rng(0)
        return draw.standard_normal((len(texts), 2)).astype(np.float32)

    describe_task(task, note)
    return asked
