"""Boosted trees as arrays: evaluated plainly, or by onnxruntime, with additive contributions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Trees", "read_trees"]

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

BLOCK = 2**16  # pairs evaluated at a time
FEW = 64  # pairs: of fewer onnxruntime adds up several parts of the trees, which rounds in another way


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
    null_left: NDArray[np.bool_]
    value: Floats
    count: Floats
    session: Any = None

    def predict(self, values: Floats, names: Sequence[str]) -> Floats:
        """Add up the trees.

        Args:
            values: (n, n_features) float32, NaN for unknown.
            names: Of the features; one that the trees know and that is not given is unknown.

        Returns:
            (n,) float32. What a pair gets does not depend on the pairs that stand beside it.
        """
        matrix = self._ordered(values, names)
        if not len(matrix):
            return np.zeros(0, dtype=np.float32)
        if self.session is not None:
            n = len(matrix)
            if n < FEW:
                matrix = np.concatenate([matrix, np.zeros((FEW - n, matrix.shape[1]), dtype=np.float32)])
            found = self.session.run(None, {self.session.get_inputs()[0].name: matrix})[0]
            return np.asarray(found, dtype=np.float32).ravel()[:n]
        return self.predict_plainly(matrix)

    def predict_plainly(self, matrix: Floats) -> Floats:
        """Add up the trees in NumPy.

        Args:
            matrix: (n, n_features) float32, features in the order of `names`.

        Returns:
            (n,) float32.
        """
        total = np.full(len(matrix), self.base, dtype=np.float64)
        for start in range(0, len(matrix), BLOCK):
            block = matrix[start : start + BLOCK]
            for first in self.starts[:-1]:
                total[start : start + BLOCK] += self.value[self._leaves(block, int(first))[-1]]
        return total.astype(np.float32)

    def contributions(self, values: Floats, names: Sequence[str]) -> Floats:
        """What each feature adds to the sum, from the path of each pair through each tree.

        A split adds the mean of the branch that is taken less the mean of the node (A. Saabas 2014); the
        means are those of the training pairs. They add up to the sum less `expected`.

        Args:
            values: (n, n_features) float32, NaN for unknown; meant for few pairs.
            names: Of the features.

        Returns:
            (n, n_features of the trees) float32.
        """
        matrix = self._ordered(values, names)
        mean = self._means()
        found = np.zeros((len(matrix), len(self.names)), dtype=np.float64)
        rows = np.arange(len(matrix))
        for first in self.starts[:-1]:
            path = self._leaves(matrix, int(first))
            for here, there in itertools.pairwise(path):
                moved = here != there
                at = rows[moved], self.feature[here[moved]]
                found[at] += mean[there[moved]] - mean[here[moved]]
        return found.astype(np.float32)

    @property
    def expected(self) -> float:
        """The mean of the sum over the training pairs."""
        return float(self.base + self._means()[self.starts[:-1]].sum())

    def _ordered(self, values: Floats, names: Sequence[str]) -> Floats:
        place = {name: number for number, name in enumerate(names)}
        if tuple(names) == self.names:
            return np.ascontiguousarray(values, dtype=np.float32)
        matrix = np.full((len(values), len(self.names)), np.nan, dtype=np.float32)
        for number, name in enumerate(self.names):
            if name in place:
                matrix[:, number] = values[:, place[name]]
        return matrix

    def _leaves(self, matrix: Floats, first: int) -> list[Integers]:
        """The nodes on the way of each pair through a tree, the leaf last."""
        node = np.full(len(matrix), first, dtype=np.int64)
        rows = np.arange(len(matrix))
        path = [node]
        while True:
            feature = self.feature[node]
            inner = feature >= 0
            if not inner.any():
                return path
            value = matrix[rows, np.maximum(feature, 0)]
            to_left = np.where(np.isnan(value), self.null_left[node], value <= self.threshold[node])
            node = np.where(inner, first + np.where(to_left, self.left[node], self.right[node]), node)
            path.append(node)

    def _means(self) -> NDArray[np.float64]:
        """The mean of the leaves below each node, by training pairs."""
        mean = self.value.astype(np.float64)
        for first, stop in zip(self.starts[:-1], self.starts[1:], strict=True):
            for node in range(int(stop) - 1, int(first) - 1, -1):  # children come after their parents
                if self.feature[node] >= 0:
                    a, b = first + self.left[node], first + self.right[node]
                    weight = self.count[a] + self.count[b]
                    mean[node] = (mean[a] * self.count[a] + mean[b] * self.count[b]) / weight
        return mean


def read_trees(arrays: Any, prefix: str = "", graph: Path | None = None) -> Trees:
    """Read trees from the arrays of a file.

    Args:
        arrays: Name -> array, as `numpy.load(allow_pickle=False)` gives it.
        prefix: Of the names.
        graph: The same trees as an ONNX graph, None for none.

    Returns:
        The trees.
    """
    session = None
    if graph is not None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
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
