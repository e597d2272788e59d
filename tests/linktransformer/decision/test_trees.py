"""Sums of trees: two ways to evaluate them agree, and so do means over features that are not known."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import linktransformer as lt
from linktransformer.decision.model import SHIPPED, decision, read_decision
from linktransformer.decision.trees import Trees, read_trees


def inputs(trees: Trees, n: int = 400, seed: int = 0) -> np.ndarray:
    """Values around the thresholds of each feature, some on them, some unknown."""
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(n, len(trees.names)))
    for place in range(len(trees.names)):
        cuts = trees.threshold[trees.feature == place]
        if len(cuts):
            matrix[:, place] = draw.choice(cuts, n) + draw.choice([-0.1, 0, 0, 0.1], n)
    matrix[draw.random(matrix.shape) < 0.2] = np.nan
    return matrix.astype(np.float32)


@pytest.fixture(params=["pair", "job"])
def trees(request: pytest.FixtureRequest) -> Trees:
    found: Trees = getattr(decision(), request.param)
    return found


def one_by_one(trees: Trees, row: np.ndarray) -> float:
    total = trees.base
    for first in trees.starts[:-1].tolist():
        node = first
        while trees.feature[node] >= 0:
            value = row[trees.feature[node]]
            to_left = trees.null_left[node] if np.isnan(value) else value <= trees.threshold[node]
            node = first + int((trees.left if to_left else trees.right)[node])
        total += float(trees.value[node])
    return float(total)


def test_the_graph_and_the_arrays_say_the_same(trees: Trees) -> None:
    assert trees.session is not None
    matrix = inputs(trees)
    found, plain = trees.predict(matrix, trees.names), trees.predict_plainly(matrix)
    np.testing.assert_allclose(found, plain, atol=1e-4)
    np.testing.assert_allclose(plain[:20], [one_by_one(trees, row) for row in matrix[:20]], atol=1e-4)
    assert np.ptp(plain) > 0.5


def mean_of(trees: Trees, first: int, node: int, row: np.ndarray, known: np.ndarray) -> float:
    """The plain recursion of path-dependent TreeSHAP (Lundberg and others 2020, algorithm 1)."""
    feature = int(trees.feature[node])
    if feature < 0:
        return float(trees.value[node])
    children = [first + int(side[node]) for side in (trees.left, trees.right)]
    if known[feature]:
        value = row[feature]
        to_left = trees.null_left[node] if np.isnan(value) else value <= trees.threshold[node]
        return mean_of(trees, first, children[0 if to_left else 1], row, known)
    weights = [float(trees.count[child]) for child in children]
    means = [mean_of(trees, first, child, row, known) for child in children]
    return float(np.average(means, weights=weights))


def test_the_mean_given_some_features_is_that_of_the_recursion(trees: Trees) -> None:
    matrix = inputs(trees, 6, 1)
    known = np.random.default_rng(0).random(matrix.shape) < 0.6
    found = trees.expected(matrix, trees.names, known)
    plain = [
        trees.base + sum(mean_of(trees, first, first, row, of) for first in trees.starts[:-1].tolist())
        for row, of in zip(matrix, known, strict=True)
    ]
    np.testing.assert_allclose(found, plain, atol=1e-6)
    whole = trees.expected(matrix, trees.names, np.ones_like(known))
    np.testing.assert_allclose(whole, trees.predict_plainly(matrix), atol=1e-5)


def test_features_are_found_by_name_and_missing_ones_are_unknown(trees: Trees) -> None:
    matrix = inputs(trees, 30, 2)
    turned = trees.predict(matrix[:, ::-1], trees.names[::-1])
    np.testing.assert_array_equal(turned, trees.predict(matrix, trees.names))
    without = matrix.copy()
    without[:, 0] = np.nan
    np.testing.assert_array_equal(
        trees.predict(matrix[:, 1:], trees.names[1:]), trees.predict(without, trees.names)
    )
    assert trees.predict(matrix[:0], trees.names).shape == (0,)


def test_a_tree_by_hand() -> None:
    arrays = {
        "names": np.array(["a", "b"]), "base": np.float64(1), "starts": np.array([0, 3]),
        "feature": np.array([1, -1, -1]), "threshold": np.array([0.5, 0, 0]), "left": np.array([1, 0, 0]),
        "right": np.array([2, 0, 0]), "null_left": np.array([True, False, False]),
        "value": np.array([0.0, -2, 4]), "count": np.array([30.0, 20, 10]),
    }  # fmt: skip
    tree = read_trees(arrays)
    rows = np.array([[9, 0.5], [9, 0.6], [9, np.nan]], dtype="f4")
    assert tree.predict(rows, ["a", "b"]).tolist() == [-1, 5, -1]
    known = np.array([[True, False], [False, True], [False, True]])
    assert tree.expected(rows, ["a", "b"], known) == pytest.approx([1, 5, -1])  # 1 + (20 * -2 + 10 * 4) / 30


def test_a_file_that_is_no_decision(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"no arrays")
    np.savez(tmp_path / "empty.npz", names=np.array(["a"]))
    for name in ("bad.npz", "empty.npz", "none.npz"):
        with pytest.raises(lt.ModelError, match=name):
            read_decision(str(tmp_path / name))


def test_without_graphs_the_arrays_are_evaluated(tmp_path: Path) -> None:
    (tmp_path / "copy.npz").write_bytes(SHIPPED.read_bytes())
    copy = read_decision(str(tmp_path / "copy.npz"))
    assert copy.pair.session is None
    matrix = inputs(copy.pair, 40)
    np.testing.assert_allclose(
        copy.pair.predict(matrix, copy.pair.names),
        decision().pair.predict(matrix, copy.pair.names),
        atol=1e-4,
    )


@pytest.mark.parametrize("part", ["pair", "job"])
def test_what_a_pair_gets_does_not_depend_on_the_pairs_beside_it(part: str) -> None:
    trees = getattr(decision(), part)
    matrix = inputs(trees, 300)
    together = trees.predict(matrix, trees.names)
    for size in (1, 7, 64, 100):
        pieces = [trees.predict(matrix[at : at + size], trees.names) for at in range(0, 300, size)]
        np.testing.assert_array_equal(np.concatenate(pieces), together)


def test_sent_to_another_process_they_run_in_onnxruntime_too() -> None:
    """Links could not be pickled or copied: their evidence holds the trees."""
    trees = decision().pair
    again, copied = pickle.loads(pickle.dumps(trees)), copy.deepcopy(trees)
    assert copied.session is trees.session and again.session is not None is not trees.session
    values = np.random.default_rng(0).random((200, len(trees.names))).astype(np.float32)
    for one in (again, copied):
        np.testing.assert_array_equal(one.predict(values, trees.names), trees.predict(values, trees.names))
