"""Export a model of pictures and texts as ONNX graphs, with weights in float16, int8 or float32."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from clippings.arrays import Floats
from clippings.errors import EncoderError, MissingPackageError
from clippings.records.bi_encoder_config import HINTS, STRIDE
from clippings.records.folder import seal_records, write_config
from clippings.records.inputs import PREPROCESSING
from clippings.third_party import need_torch
from model_hub import Manifest

if TYPE_CHECKING:
    from torch import Tensor, nn

    from clippings.records.bi_encoder import BiEncoder

    _Inputs = Mapping[str, Tensor]

PRECISIONS = ("float16", "float32", "int8")
OPSET = 17
_SMALL = 1024  # numbers; smaller weights stay as they are
_Axes = Mapping[str, Mapping[int, str]]  # by input or output, the names of its sides of any length


def export_onnx(
    model: BiEncoder, folder: str | os.PathLike[str], *, precision: str = "float16", **facts: Any
) -> Manifest:
    """Write a `BiEncoder` as a folder that runs without torch.

    There are four graphs. "glyphs" are the convolutions over strips of either direction, "line" the reading
    axis; they are two, so that the weights of both directions are there once. The graphs compute in float32
    whatever the precision of the weights: numbers are widened when the model is loaded. A batch therefore has
    no influence on a vector, which it would have with activations in 8 bits.

    Args:
        model: The model.
        folder: A folder to be made or filled.
        precision: Of the weights: "float16", "float32", or "int8" (one scale a row).
        facts: Other facts for `model_hub.seal`: name, licence, languages, trained_on, metrics...

    Returns:
        Its manifest; the architecture is "clippings-onnx".

    Raises:
        EncoderError: There is no such precision.
        MissingPackageError: torch or onnx is not installed.

    Example:
        >>> import tempfile
        >>> from clippings import load_record_encoder
        >>> from clippings.records.bi_encoder import BiEncoder
        >>> from clippings.records.bi_encoder_config import BiEncoderConfig
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     manifest = export_onnx(BiEncoder(BiEncoderConfig.tiny()), folder, name="lt-firms-match-ja")
        ...     encoder = load_record_encoder(folder, threads=1)
        >>> manifest.architecture, encoder.encode(["Deutsche Bank"]).shape
        ('clippings-onnx', (1, 32))
    """
    want_precision(precision)
    torch = need_torch("The export of a model")
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    training = model.training
    model.eval()
    try:
        for name, part, inputs, axes in _graphs(model, torch):
            path = root / f"{name}.onnx"
            trace(torch, part, inputs, axes, path)
            if precision != "float32":
                shrink(path, precision)
    finally:
        model.train(training)
    write_config(root, model.config.to_dict(), PREPROCESSING)
    details = {"versions": {"torch": str(torch.__version__)}, **facts}
    return seal_records(root, "clippings-onnx", model.config.dim, model.config.longest_text, details)


def want_precision(precision: object) -> None:
    """Raise an error unless weights can be written in a precision."""
    if precision not in PRECISIONS:
        raise EncoderError(
            f"Weights are written in one of {PRECISIONS}. Given: precision={precision!r}. Use one of these."
        )


def _graphs(model: BiEncoder, torch: ModuleType) -> Sequence[tuple[str, nn.Module, _Inputs, _Axes]]:
    """Name, part of the model, example inputs by name, and sides of any length."""
    config = model.config
    device = model.scale.device
    n, length = 3, 5 * STRIDE  # of the examples; no graph depends on them
    flags = torch.ones(n, 5, dtype=torch.bool, device=device)

    def floats(*shape: int) -> Tensor:
        example: Tensor = torch.rand(*shape, device=device)
        return example

    tall = model.image.line.fold.shape[2]
    vectors, rows = floats(n, config.dim), {0: "n"}
    return (
        (
            "glyphs", method(torch, model.image, "glyphs"),
            {"strips": floats(n, 1, config.short, length), "seen": floats(n, 1, 1, length)},
            {"strips": {0: "n", 2: "h", 3: "w"}, "seen": {0: "n", 2: "sh", 3: "sw"},
             "found": {0: "n", 2: "fh", 3: "fw"}},
        ),
        (
            "line", model.image.line,
            {"columns": floats(n, 5, tall), "mask": flags, "direction": torch.tensor(1, device=device)},
            {"columns": {0: "n", 1: "t"}, "mask": {0: "n", 1: "t"}, "found": rows},
        ),
        (
            "text", model.text,
            {"ids": torch.zeros(n, 5, config.hashes, dtype=torch.int64, device=device), "mask": flags},
            {"ids": {0: "n", 1: "t"}, "mask": {0: "n", 1: "t"}, "found": rows},
        ),
        (
            "fuse", model.fuse,
            {"image": vectors, "text": vectors, "has_image": flags[:, 0], "has_text": flags[:, 1],
             "hints": floats(n, len(HINTS))},
            dict.fromkeys(("image", "text", "has_image", "has_text", "hints", "found"), rows),
        ),
    )  # fmt: skip


def method(torch: Any, module: nn.Module, name: str) -> nn.Module:
    """A module whose call is a method of another."""

    class Method(torch.nn.Module):  # type: ignore[misc] # torch is not there when this is read
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *inputs: Tensor) -> Tensor:
            out: Tensor = getattr(self.module, name)(*inputs)
            return out

    method: nn.Module = Method().eval()
    return method


def trace(torch: ModuleType, part: nn.Module, inputs: _Inputs, axes: _Axes, path: Path) -> None:
    """Write a module in evaluation mode as a graph with the output "found", from example inputs by name."""
    # the tracing exporter: the one of torch.export takes seconds a graph and one more package, and gives the
    # same numbers
    older = {"dynamo": False} if "dynamo" in signature(torch.onnx.export).parameters else {}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            part,
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=["found"],
            dynamic_axes={name: dict(sides) for name, sides in axes.items()},
            opset_version=OPSET,
            **older,
        )


def shrink(path: Path, precision: str) -> None:
    """Replace the large weights of a graph by narrow ones that are widened when it is loaded."""
    try:
        onnx = import_module("onnx")
    except ModuleNotFoundError as error:
        raise MissingPackageError("onnx", f"Weights in {precision}", "export") from error
    helper, arrays = onnx.helper, import_module("onnx.numpy_helper")
    model = onnx.load(str(path))
    weights, nodes = [], []
    for weight in model.graph.initializer:
        values = arrays.to_array(weight)
        if values.dtype != np.float32 or values.size < _SMALL:
            weights.append(weight)
            continue
        name = weight.name
        narrow, scale = narrowed(values, precision)
        weights.append(arrays.from_array(narrow, f"{name}.narrow"))
        wide = name if scale is None else f"{name}.wide"
        nodes.append(helper.make_node("Cast", [f"{name}.narrow"], [wide], to=onnx.TensorProto.FLOAT))
        if scale is not None:
            weights.append(arrays.from_array(scale, f"{name}.scale"))
            nodes.append(helper.make_node("Mul", [wide, f"{name}.scale"], [name]))
    nodes += list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(weights)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def narrowed(values: Floats, precision: str) -> tuple[npt.NDArray[Any], Floats | None]:
    """Weights of any shape in float16 or int8, and the factors of int8 weights (None for float16).

    int8 has one factor a slice of the axis that loses least.
    """
    if precision == "float16":
        limit = float(np.finfo(np.float16).max)
        return np.clip(values, -limit, limit).astype(np.float16), None
    best: tuple[float, npt.NDArray[np.int8], Floats] | None = None
    for axis in range(values.ndim):
        others = tuple(other for other in range(values.ndim) if other != axis)
        scale = np.abs(values).max(axis=others, keepdims=True) / np.float32(127)
        scale = np.where(scale > 0, scale, 1).astype(np.float32)
        narrow = np.rint(values / scale).astype(np.int8)
        lost = float(np.square(narrow * scale - values).sum())
        if best is None or lost < best[0]:
            best = lost, narrow, scale
    if best is None:
        raise EncoderError("A weight has no axis. Given: a single number. Leave it unchanged.")
    return best[1], best[2]
