"""Matrix products of an ONNX graph in 8 bits, with a scale for each input row and each output column."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from clippings.arrays import Floats
from clippings.errors import MissingPackageError

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["bytes_of", "quantize_graph"]

SMALLEST = 1024  # numbers; smaller weights stay as they are
TABLE = 2**20  # numbers; smaller tables of embeddings stay as they are
ZERO = 128  # the zero point of the unsigned weights
MS = "com.microsoft"


def bytes_of(weight: Floats) -> tuple[npt.NDArray[np.uint8], Floats]:
    """(n_in, n_out) weights as uint8 around 128, and one scale a column, (n_out,) float32.

    Example:
        >>> numbers, scale = bytes_of(np.array([[1.27, 0.0], [-0.5, 0.0]], dtype="f4"))
        >>> numbers.tolist(), [round(float(step), 4) for step in scale]
        ([[255, 128], [78, 128]], [0.01, 1.0])
    """
    largest = np.abs(weight).max(axis=0)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return (np.clip(np.rint(weight / scale), -127, 127) + ZERO).astype(np.uint8), scale


def quantize_graph(path: Path) -> None:
    """Rewrite a graph's products with constant matrices, and its large tables, in 8 bits; replaces the file.

    A row x of the input is x = low + step * q with q from 0 to 255 and low its minimum. So x @ W is step *
    (q @ W) + low * (the column sums of W): the first product is of bytes, and exact.
    """
    try:
        onnx = import_module("onnx")
    except ModuleNotFoundError as error:
        raise MissingPackageError("onnx", "A graph in 8 bits", "export") from error
    arrays = import_module("onnx.numpy_helper")
    model = onnx.load(str(path))
    weights = {item.name: arrays.to_array(item) for item in model.graph.initializer}
    graph = _Quantized(onnx)
    for node in model.graph.node:
        weight = weights.get(node.input[1]) if node.op_type == "MatMul" else None
        table = weights.get(node.input[0]) if node.op_type == "Gather" else None
        if weight is not None and weight.ndim == 2 and weight.size >= SMALLEST and weight.dtype == np.float32:
            graph.product(node, weight)
        elif table is not None and table.ndim == 2 and table.size >= TABLE and _axis(node) == 0:
            graph.rows(node, table)
        else:
            graph.nodes.append(node)
    used = {name for node in graph.nodes for name in node.input}
    unchanged = [item for item in model.graph.initializer if item.name in used]
    del model.graph.initializer[:], model.graph.node[:]
    constants = (arrays.from_array(value, name) for name, value in graph.constants.items())
    model.graph.initializer.extend([*unchanged, *constants])
    model.graph.node.extend(graph.nodes)
    if MS not in {item.domain for item in model.opset_import}:
        model.opset_import.append(onnx.helper.make_opsetid(MS, 1))
    onnx.save(model, str(path))


def _axis(node: NodeProto) -> int:
    return next((int(item.i) for item in node.attribute if item.name == "axis"), 0)


class _Quantized:
    """The nodes and constants of the new graph."""

    def __init__(self, onnx: ModuleType) -> None:
        self._make = onnx.helper.make_node
        self._float = onnx.TensorProto.FLOAT
        self._in_bytes: set[str] = set()
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, npt.NDArray[Any]] = {
            "8bit.1/255": np.array(1 / 255, np.float32),
            "8bit.tiny": np.array(1e-12, np.float32),
            "8bit.one": np.array(1, np.float32),
            "8bit.zero": np.array(0, np.uint8),
            "8bit.128": np.array(ZERO, np.uint8),
            "8bit.128.0": np.array(ZERO, np.float32),
        }

    def op(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: object) -> str:
        """Add a node with one output, whose name is also the node's."""
        self.nodes.append(self._make(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def product(self, node: NodeProto, weight: Floats) -> None:
        """Replace a product with a constant matrix (n_in, n_out)."""
        x, name, out = node.input[0], node.input[1], node.output[0]
        numbers, scale = bytes_of(weight)
        sums = ((numbers.astype(np.float32) - ZERO) * scale).sum(axis=0)
        self.constants |= {f"{name}.8bit": numbers, f"{name}.scale": scale, f"{name}.sums": sums}
        low = f"{x}.low"
        if x not in self._in_bytes:  # one input may have several matrices
            self._in_bytes.add(x)
            self.op("ReduceMin", [x], low, axes=[-1], keepdims=1)
            self.op("ReduceMax", [x], f"{x}.high", axes=[-1], keepdims=1)
            self.op("Sub", [f"{x}.high", low], f"{x}.wide")
            self.op("Max", [f"{x}.wide", "8bit.tiny"], f"{x}.range")
            self.op("Mul", [f"{x}.range", "8bit.1/255"], f"{x}.step")
            self.op("Sub", [x, low], f"{x}.above")
            self.op("Div", [f"{x}.above", f"{x}.step"], f"{x}.steps")
            self.op("QuantizeLinear", [f"{x}.steps", "8bit.one", "8bit.zero"], f"{x}.bytes")
        inputs = [f"{x}.bytes", f"{name}.8bit", "8bit.one", f"{name}.scale", "8bit.zero", "8bit.128"]
        self.op("MatMulIntegerToFloat", inputs, f"{out}.of_bytes", MS)
        self.op("Mul", [f"{out}.of_bytes", f"{x}.step"], f"{out}.scaled")
        self.op("Mul", [low, f"{name}.sums"], f"{out}.of_low")
        self.op("Add", [f"{out}.scaled", f"{out}.of_low"], out)

    def rows(self, node: NodeProto, table: Floats) -> None:
        """Replace the lookup in a table of embeddings (n, width); each row has a scale."""
        name, ids, out = node.input[0], node.input[1], node.output[0]
        numbers, scale = bytes_of(np.ascontiguousarray(table.T))
        self.constants |= {f"{name}.8bit": np.ascontiguousarray(numbers.T), f"{name}.scale": scale[:, None]}
        self.op("Gather", [f"{name}.8bit", ids], f"{out}.bytes")
        self.op("Cast", [f"{out}.bytes"], f"{out}.wide", to=self._float)
        self.op("Sub", [f"{out}.wide", "8bit.128.0"], f"{out}.around")
        self.op("Gather", [f"{name}.scale", ids], f"{out}.scale")
        self.op("Mul", [f"{out}.around", f"{out}.scale"], out)
