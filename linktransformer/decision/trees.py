"""Boosted trees as arrays: evaluated plainly, or by onnxruntime, or where some features are not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Doubles, Floats, Integers

__all__ = ["Session", "Trees", "read_trees"]

BLOCK = 2**16  # pairs evaluated at a time
FEW = 64  # pairs: of fewer onnxruntime adds up several parts of the trees, which rounds in another way


class Session:
    """Trees in onnxruntime. Copies share it; another process, to which it is sent, opens the graph again."""

    def __init__(self, graph: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # callers run parts of the rows in threads; one thread here would add up the trees in another order
        options.intra_op_num_threads = 2
        for pool in ("intra_op", "inter_op"):
            options.add_session_config_entry(f"session.{pool}.allow_spinning", "0")
        self.graph = graph
        self._session: Any = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def run(self, matrix: Floats) -> Floats:
        """The sums for rows of features, (n,) float32."""
        sums = self._session.run(None, {self._session.get_inputs()[0].name: matrix})[0]
        return np.asarray(sums, dtype=np.float32).ravel()

    def __copy__(self) -> Session:
        return self

    def __deepcopy__(self, memo: object) -> Session:
        return self

    def __reduce__(self) -> tuple[type[Session], tuple[bytes]]:
        return Session, (self.graph,)


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """A sum of regression trees over named features.

    Args:
        names: Of the features.
        base: The sum before any tree.
        starts: The first node of each tree, and the number of nodes, (n_trees + 1,).
        feature: The feature that each node looks at, -1 for a leaf, (n_nodes,).
        threshold: Values up to it go to the left child.
        left: The left child, counted from the tree's first node.
        right: The right child.
        null_left: Whether an unknown value goes to the left child.
        value: What a leaf adds.
        count: Training pairs of each node.
        session: The same trees in onnxruntime, None to evaluate them here.
    """

    names: tuple[str, ...]
    base: float
    starts: Integers
    feature: Integers
    threshold: Floats
    left: Integers
    right: Integers
    null_left: Bools
    value: Floats
    count: Floats
    session: Session | None = None

    def predict(self, values: Floats, names: Sequence[str]) -> Floats:
        """The sums for rows of named features, (n,) float32; an absent feature is unknown (NaN).

        The sum of a row does not depend on the rows beside it.
        """
        matrix = self._ordered(values, names)
        if not len(matrix):
            return np.zeros(0, dtype=np.float32)
        if self.session is not None:
            n = len(matrix)
            if n < FEW:
                matrix = np.concatenate([matrix, np.zeros((FEW - n, matrix.shape[1]), dtype=np.float32)])
            return self.session.run(matrix)[:n]
        return self.predict_plainly(matrix)

    def predict_plainly(self, matrix: Floats) -> Floats:
        """The same in NumPy, the plain reference; features are in the order of `self.names`."""
        total = np.full(len(matrix), self.base, dtype=np.float64)
        for start in range(0, len(matrix), BLOCK):
            block = matrix[start : start + BLOCK]
            for first in self.starts[:-1]:
                total[start : start + BLOCK] += self.value[self._leaves(block, int(first))]
        return total.astype(np.float32)

    def expected(self, values: Floats, names: Sequence[str], has_value: Bools) -> Doubles:
        """The mean of the sum where only some features (in the order of the trees) are known, (n,) float64.

        At a split on a feature that is not known both branches count, each by its share of the training pairs
        (the conditional expectation of path-dependent TreeSHAP, S. Lundberg and others, From local
        explanations to global understanding with explainable AI for trees, 2020). Meant for few rows.
        """
        matrix = self._ordered(values, names)
        share = np.zeros((len(matrix), len(self.feature)))  # of the training pairs that are still in play
        first = node = self.starts[:-1]
        share[:, node] = 1
        while len(node):
            inner = self.feature[node] >= 0
            first, node = first[inner], node[inner]
            a, b, feature = first + self.left[node], first + self.right[node], self.feature[node]
            value = matrix[:, feature]
            left = np.where(np.isnan(value), self.null_left[node], value <= self.threshold[node])
            usual = self.count[a].astype(np.float64) / (self.count[a].astype(np.float64) + self.count[b])
            to_left = np.where(has_value[:, feature], left, usual)
            share[:, a], share[:, b] = share[:, node] * to_left, share[:, node] * (1 - to_left)
            first, node = np.concatenate([first, first]), np.concatenate([a, b])
        leaf = np.flatnonzero(self.feature < 0)
        total: Doubles = self.base + share[:, leaf] @ self.value[leaf].astype(np.float64)
        return total

    def _ordered(self, values: Floats, names: Sequence[str]) -> Floats:
        """The features of the trees in their order, NaN for absent ones."""
        if tuple(names) == self.names:
            return np.ascontiguousarray(values, dtype=np.float32)
        column = {name: number for number, name in enumerate(names)}
        matrix = np.full((len(values), len(self.names)), np.nan, dtype=np.float32)
        for number, name in enumerate(self.names):
            if name in column:
                matrix[:, number] = values[:, column[name]]
        return matrix

    def _leaves(self, matrix: Floats, first: int) -> Integers:
        """The leaf of each row in the tree that begins at this node."""
        node = np.full(len(matrix), first, dtype=np.int64)
        rows = np.arange(len(matrix))
        while (inner := (feature := self.feature[node]) >= 0).any():
            value = matrix[rows, np.maximum(feature, 0)]
            to_left = np.where(np.isnan(value), self.null_left[node], value <= self.threshold[node])
            node = np.where(inner, first + np.where(to_left, self.left[node], self.right[node]), node)
        return node


def read_trees(
    arrays: Mapping[str, NDArray[np.generic]], prefix: str = "", graph: Path | None = None
) -> Trees:
    """Trees of the arrays of a file whose names begin with the prefix; `graph` is the same trees in ONNX."""
    session = None if graph is None else Session(graph.read_bytes())
    return Trees(
        tuple(arrays[f"{prefix}names"].tolist()),
        float(arrays[f"{prefix}base"]),
        arrays[f"{prefix}starts"].astype(np.int64),
        arrays[f"{prefix}feature"].astype(np.int64),
        arrays[f"{prefix}threshold"].astype(np.float32),
        arrays[f"{prefix}left"].astype(np.int64),
        arrays[f"{prefix}right"].astype(np.int64),
        arrays[f"{prefix}null_left"].astype(bool),
        arrays[f"{prefix}value"].astype(np.float32),
        arrays[f"{prefix}count"].astype(np.float32),
        session,
    )
