"""Write the trees of a decision as ONNX graphs, which onnxruntime evaluates many times as fast as NumPy."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from linktransformer.decision.trees import Trees, read_trees

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("decision", type=Path, help="a decision's .npz; the graphs are written beside it")


def run(options: argparse.Namespace) -> None:
    """Write a graph for each of the two sums of trees."""
    with np.load(options.decision) as arrays:
        for part in ("pair", "job"):
            graph = graph_of(read_trees(arrays, f"{part} "))
            options.decision.with_suffix(f".{part}.onnx").write_bytes(graph)


def graph_of(trees: Trees) -> bytes:
    """The trees as a TreeEnsembleRegressor of the ai.onnx.ml operators."""
    from onnx import TensorProto, helper

    tree = np.repeat(np.arange(len(trees.starts) - 1), np.diff(trees.starts))
    node = np.arange(len(tree)) - trees.starts[tree]
    leaf = trees.feature < 0
    at = np.flatnonzero(leaf)
    operator = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=1,
        base_values=[trees.base],
        nodes_treeids=tree.tolist(),
        nodes_nodeids=node.tolist(),
        nodes_featureids=np.maximum(trees.feature, 0).tolist(),
        nodes_values=np.where(leaf, 0, trees.threshold).astype(np.float32).tolist(),
        nodes_modes=["LEAF" if is_leaf else "BRANCH_LEQ" for is_leaf in leaf],
        nodes_truenodeids=np.where(leaf, 0, trees.left).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, trees.right).tolist(),
        nodes_missing_value_tracks_true=trees.null_left.astype(int).tolist(),
        target_treeids=tree[at].tolist(),
        target_nodeids=node[at].tolist(),
        target_ids=[0] * len(at),
        target_weights=trees.value[at].tolist(),
    )
    graph = helper.make_graph(
        [operator],
        "trees",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, len(trees.names)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    )
    model.ir_version = 8
    return bytes(model.SerializeToString())
