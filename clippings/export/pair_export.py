"""The reader of a folder as torch layers, and back: weights in 8 bits are widened, and narrowed again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clippings.arrays import Doubles, Floats
from clippings.errors import EncoderError, MissingPackageError
from clippings.export.quantize import ZERO, quantize_graph
from clippings.export.record_export import trace
from clippings.text.pair_reader import GRAPH, SETTINGS, TABLE, TOKENIZER
from clippings.third_party import need_torch
from model_hub import ModelFolder

if TYPE_CHECKING:
    from clippings.layers.pair_layers import PairLayers

__all__ = ["torch_layers", "write_mixing", "write_reader"]

HEAD_WIDTH = 32  # numbers of a token in one head of the attention, as in the text model
PRODUCTS = {
    "attention/self/query": "query", "attention/self/key": "key", "attention/self/value": "value",
    "attention/output/dense": "joined", "intermediate/dense": "inner", "output/dense": "outer",
}  # fmt: skip
NORMS = {"attention.output.LayerNorm": "norms.0", "output.LayerNorm": "norms.1"}


def torch_layers(model: ModelFolder) -> PairLayers:
    """The reader of a verified folder as torch layers in float32, in evaluation mode.

    Its matrices are those of the graph, in 8 bits with a scale for each column. The graph also rounds the
    inputs of each product to 8 bits, the layers do not: log-odds differ by some hundredths.

    Raises:
        EncoderError: The graph is not one that `tools/make_reader_model.py` made.
        MissingPackageError: torch or onnx is not installed.
    """
    torch = need_torch("The reader as torch layers")
    try:
        onnx = import_module("onnx")
    except ModuleNotFoundError as error:
        raise MissingPackageError("onnx", "The weights of the reader", "export") from error
    graph = onnx.load(str(model.file(GRAPH))).graph
    arrays = import_module("onnx.numpy_helper")
    stored = {item.name: arrays.to_array(item) for item in graph.initializer}
    try:
        state = _state(stored, graph.node)
        from clippings.layers.pair_layers import PairLayers

        layers = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
        positions, width = state["position"].shape
        inner = state["blocks.0.inner.weight"].shape[0]
        made = PairLayers(layers, width, inner, width // HEAD_WIDTH, positions)
        tensors = {name: torch.from_numpy(np.array(v, np.float32)) for name, v in state.items()}
        made.load_state_dict(tensors)
    except (KeyError, ValueError, RuntimeError) as error:
        raise EncoderError(
            f"The graph of the reader cannot be read as layers. Given: {model.manifest.name!r} "
            f"({str(error)[:200]}). Give the bundled model."
        ) from error
    return made.eval()


def write_reader(
    source: ModelFolder, folder: Path, mixing: Doubles, tuned: tuple[PairLayers, Floats] | None = None
) -> None:
    """Write a reader with its table of tokens into a folder that holds another text model; it is not sealed.

    Args:
        source: The folder that has the reader.
        folder: Where its files go.
        mixing: How its log-odds are mixed with a decision's own, four numbers.
        tuned: Other layers and places in place of its own, in 8 bits as its own are.
    """
    settings = json.loads(source.file(SETTINGS).read_text("utf-8"))
    if tuned is None:
        shutil.copyfile(source.file(GRAPH), folder / GRAPH)
    else:
        layers, place = tuned
        torch = need_torch("The reader as a graph")
        given = torch.zeros(2, 7, place.shape[1])
        axes = {"given": {0: "pairs", 1: "length"}, "found": {0: "pairs"}}
        trace(torch, layers.eval(), {"given": given}, axes, folder / GRAPH)
        quantize_graph(folder / GRAPH)
        settings["places"] = [[round(value, 6) for value in row] for row in place.tolist()]
    shutil.copyfile(source.file(settings.get("tokenizer", "tokenizer.json")), folder / TOKENIZER)
    settings |= {"tokenizer": TOKENIZER, "table": _write_table(source, settings["table"], folder)}
    (folder / SETTINGS).write_text(json.dumps(settings) + "\n", "utf-8")
    write_mixing(folder, mixing)


def write_mixing(folder: Path, mixing: Doubles) -> None:
    """Write how the log-odds of a reader that was just written are mixed with a decision's own, (4,)."""
    settings = json.loads((folder / SETTINGS).read_text("utf-8"))
    settings["mixing"] = [round(float(value), 5) for value in mixing]
    (folder / SETTINGS).write_text(json.dumps(settings) + "\n", "utf-8")


def _write_table(source: ModelFolder, table: Mapping[str, Any], folder: Path) -> dict[str, object]:
    """Write the table of tokens as a file of its own; where in it the arrays lie."""
    from safetensors.numpy import save_file

    raw = source.file(table.get("file", "model.onnx")).read_bytes()
    rows, width = int(table["rows"]), int(table["width"])
    numbers = np.frombuffer(raw, np.uint8, rows * width, int(table["numbers"])).reshape(rows, width)
    scales = np.frombuffer(raw, np.float32, rows, int(table["scales"]))
    save_file({"numbers": numbers.copy(), "scales": scales.copy()}, folder / TABLE)
    written = (folder / TABLE).read_bytes()[: 1 << 20]
    length = int.from_bytes(written[:8], "little")
    header = json.loads(written[8 : 8 + length])
    start = {name: 8 + length + header[name]["data_offsets"][0] for name in ("numbers", "scales")}
    return {"file": TABLE, "rows": rows, "width": width, **start}


def _state(stored: Mapping[str, Floats], nodes: Sequence[Any]) -> dict[str, Floats]:
    """The weights by their names in `PairLayers`."""
    prefix = "reader.body."
    state = {
        "position": stored[f"{prefix}embeddings.position_embeddings.weight"]
        + stored[f"{prefix}embeddings.token_type_embeddings.weight"][0],
        "norm.weight": stored[f"{prefix}embeddings.LayerNorm.weight"],
        "norm.bias": stored[f"{prefix}embeddings.LayerNorm.bias"],
    }
    state |= {
        name.removeprefix("reader."): of for name, of in stored.items() if name.startswith("reader.head.")
    }
    for name, values in stored.items():
        parts = name.removeprefix(f"{prefix}encoder.layer.").split(".", 1)
        if not name.startswith(f"{prefix}encoder.layer."):
            continue
        kind, _, what = parts[1].rpartition(".")
        own = NORMS.get(kind) or PRODUCTS[kind.replace(".", "/")]
        state[f"blocks.{parts[0]}.{own}.{what}"] = values
    for node in nodes:
        if node.op_type == "MatMulIntegerToFloat":
            place = (
                node.output[0].removeprefix("/body/encoder/layer.").removesuffix("/MatMul_output_0.of_bytes")
            )
            number, _, kind = place.partition("/")
            name = node.input[1].removesuffix(".8bit")
            wide = (stored[f"{name}.8bit"].astype(np.float32) - ZERO) * stored[f"{name}.scale"]
            state[f"blocks.{number}.{PRODUCTS[kind]}.weight"] = wide.T
    return state
