"""The exported graphs of a model of photographs give the numbers of torch, and need no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("PIL")

from clippings import EncoderError, load_record_encoder, read_pictures  # noqa: E402
from clippings.export.photo_export import export_photos  # noqa: E402
from clippings.records.photo_config import PhotoConfig  # noqa: E402
from clippings.records.photo_encoder import PhotoEncoder  # noqa: E402
from clippings.records.photo_model import PhotoModel  # noqa: E402
from tests.scenes import captions, scene  # noqa: E402

N = 4
TEXTS = [*[one["en"] for one in captions(N - 1)], None]
_SNIPPET = """
import sys
sys.modules["torch"] = None
from clippings import load_record_encoder
print(load_record_encoder(sys.argv[1], threads=1).encode(["a"]).shape)
"""


@pytest.mark.parametrize("fusion", ["gate", "mean"])
def test_graphs_are_torch_and_narrow_weights_change_little(tmp_path: Path, fusion: str) -> None:
    torch.manual_seed(0)
    model = PhotoModel(PhotoConfig(side=64, dim=16, fusion=fusion)).train()
    pictures = [None, *read_pictures([scene(number) for number in range(N - 1)], colour=True)]
    expected = PhotoEncoder(model, device="cpu").encode_records(TEXTS, pictures)
    model.train()
    sizes = {}
    for precision, least in {"float32": 0.999999, "float16": 0.9999, "int8": 0.98}.items():
        folder = tmp_path / precision
        manifest = export_photos(model, folder, precision=precision, name="x")
        assert model.training and manifest.architecture == "clippings-photos-onnx"
        found = load_record_encoder(folder, threads=1).encode_records(TEXTS, pictures)
        for name, there in {"image": slice(1, N), "text": slice(0, N - 1), "fused": slice(0, N)}.items():
            cosine = (getattr(found, name) * getattr(expected, name)).sum(axis=1)[there]
            assert cosine.min() > least, (precision, name)
        assert precision == "float32" or np.abs(found.image - expected.image).max() > 0
        sizes[precision] = (folder / "image.onnx").stat().st_size
    assert sizes["int8"] < 0.35 * sizes["float32"] and sizes["float16"] < 0.6 * sizes["float32"]


def test_needs_no_torch(tmp_path: Path) -> None:
    export_photos(PhotoModel(PhotoConfig(side=64, dim=16)), tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", _SNIPPET, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "(1, 16)", done.stderr


def test_unknown_precision(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="precision='int4'"):
        export_photos(PhotoModel(PhotoConfig(side=64, dim=16)), tmp_path, precision="int4")
