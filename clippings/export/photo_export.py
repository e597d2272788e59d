"""Export a model of photographs as ONNX graphs, with weights in float16, int8 or float32."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clippings.export.record_export import method, shrink, trace, want_precision
from clippings.records.bi_encoder_config import HINTS
from clippings.records.folder import seal_records, write_config
from clippings.records.photo_config import PHOTO_PREPROCESSING
from clippings.records.photo_encoder import ONNX_ARCHITECTURE
from clippings.third_party import need_torch
from model_hub import Manifest

if TYPE_CHECKING:
    from clippings.records.photo_model import PhotoModel


def export_photos(
    model: PhotoModel, folder: str | os.PathLike[str], *, precision: str = "int8", **facts: Any
) -> Manifest:
    """Write a `PhotoModel` as a folder that runs without torch.

    There are three graphs: "image", "text" (a projection of vectors of the bundled text model, which is not
    copied) and "fuse". They compute in float32 whatever the precision of the weights.

    Args:
        model: The model.
        folder: A folder to be made or filled.
        precision: Of the weights: "float16", "float32", or "int8" (one scale a row).
        facts: Other facts for `model_hub.seal`: name, licence, languages, trained_on, metrics...

    Returns:
        Its manifest; the architecture is "clippings-photos-onnx".

    Raises:
        EncoderError: There is no such precision.
        MissingPackageError: torch or onnx is not installed.

    Example:
        >>> import tempfile
        >>> from clippings import load_record_encoder
        >>> from clippings.records.photo_config import PhotoConfig
        >>> from clippings.records.photo_model import PhotoModel
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     manifest = export_photos(PhotoModel(PhotoConfig(side=64, dim=16)), folder, name="wires")
        ...     encoder = load_record_encoder(folder, threads=1)
        >>> manifest.architecture, encoder.encode(["A chick."]).shape
        ('clippings-photos-onnx', (1, 16))
    """
    want_precision(precision)
    torch = need_torch("The export of a model")
    root, config, training = Path(folder), model.config, model.training
    root.mkdir(parents=True, exist_ok=True)
    n = 2  # of the examples; no graph depends on it
    device, rows = model.scale.device, {0: "n"}
    flags = torch.ones(n, 2, dtype=torch.bool, device=device)
    vectors = torch.rand(n, config.dim, device=device)
    pixels = torch.rand(n, 3, config.side, config.side, device=device)
    texts = torch.rand(n, config.text_dim, device=device)
    fused = {"image": vectors, "text": vectors, "has_image": flags[:, 0], "has_text": flags[:, 1],
             "hints": torch.rand(n, len(HINTS), device=device)}  # fmt: skip
    graphs: tuple[tuple[str, Any, Mapping[str, Any]], ...] = (
        ("image", method(torch, model, "image"), {"pixels": pixels}),
        ("text", method(torch, model, "text"), {"vectors": texts}),
        ("fuse", model.fuse, fused),
    )
    model.eval()
    try:
        for name, part, inputs in graphs:
            path = root / f"{name}.onnx"
            trace(torch, part, inputs, dict.fromkeys((*inputs, "found"), rows), path)
            if precision != "float32":
                shrink(path, precision)
    finally:
        model.train(training)
    write_config(root, config.to_dict(), PHOTO_PREPROCESSING)
    details = {"versions": {"torch": str(torch.__version__)}, "pooling": "mean", **facts}
    return seal_records(root, ONNX_ARCHITECTURE, config.dim, config.longest_text, details)
