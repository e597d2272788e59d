"""The exported graphs give the numbers of torch, for every length, direction and kind of fusion."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from clippings import EncoderError, MissingPackageError, load_record_encoder, load_text_encoder  # noqa: E402
from clippings.export import record_export as exporting  # noqa: E402
from clippings.export.record_export import export_onnx, narrowed  # noqa: E402
from clippings.records.inputs import StripInputs  # noqa: E402
from clippings.records.onnx_encoder import OnnxRecordEncoder  # noqa: E402
from model_hub import open_model  # noqa: E402
from tests.small_records import N, cut, of, records, small  # noqa: E402

_SNIPPET = """
import sys, numpy as np
sys.modules["torch"] = None
from clippings import load_record_encoder, load_text_encoder
encoder = load_record_encoder(sys.argv[1], threads=1)
np.save(sys.argv[2], encoder.encode(["東京銀行", ""]))
"""


def opened(folder: Path) -> OnnxRecordEncoder:
    encoder = load_record_encoder(folder, threads=1)
    assert isinstance(encoder, OnnxRecordEncoder)
    encoder.inputs = StripInputs(encoder.config, cut)
    return encoder


@pytest.mark.parametrize("fusion", ["gate", "mean", "centred"])
def test_float32_is_torch(tmp_path: Path, fusion: str) -> None:
    model = small(fusion).train()
    manifest = export_onnx(model, tmp_path, precision="float32", name="x")
    assert model.training and manifest.architecture == "clippings-onnx"
    texts, pictures, confidence = records()
    expected = of(model).encode_records(texts, pictures, confidence=confidence)
    encoder = opened(tmp_path)
    for size in (None, 1):
        found = encoder.encode_records(texts, pictures, confidence=confidence, batch_size=size)
        for name in ("image", "text", "fused"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-5)


@pytest.mark.parametrize(("precision", "least", "share"), [("float16", 0.99999, 0.7), ("int8", 0.999, 0.55)])
def test_narrow_weights_change_little(tmp_path: Path, precision: str, least: float, share: float) -> None:
    model = small()
    sizes = {}
    for name in ("float32", precision):
        export_onnx(model, tmp_path / name, precision=name)
        sizes[name] = sum(path.stat().st_size for path in (tmp_path / name).glob("*.onnx"))
    assert sizes[precision] < share * sizes["float32"]
    texts, pictures, confidence = records()
    wide, narrow = (
        opened(tmp_path / name).encode_records(texts, pictures, confidence=confidence) for name in sizes
    )
    for name in ("image", "text", "fused"):
        cosine = (getattr(wide, name) * getattr(narrow, name)).sum(axis=1)
        there = np.linalg.norm(getattr(wide, name), axis=1) > 0.5
        assert cosine[there].min() > least and there.sum() > N / 2
    assert np.abs(wide.image - narrow.image).max() > 0


def test_needs_no_torch(tmp_path: Path) -> None:
    model = small()
    export_onnx(model, tmp_path / "made")
    program = [sys.executable, "-c", _SNIPPET, str(tmp_path / "made"), str(tmp_path / "v.npy")]
    subprocess.run(program, check=True, cwd=Path(__file__).parents[3])
    expected = of(model).encode(["東京銀行", ""])
    np.testing.assert_allclose(np.load(tmp_path / "v.npy"), expected, atol=1e-3)
    as_text = load_text_encoder(open_model(tmp_path / "made"), threads=1)
    np.testing.assert_allclose(as_text.encode(["東京銀行", ""]), expected, atol=1e-3)


@given(
    arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(-9, 9, width=32))
)
def test_narrowed_numbers_are_near(values: np.ndarray) -> None:
    halves, none = narrowed(values, "float16")
    assert halves.dtype == np.float16 and none is None
    np.testing.assert_allclose(halves, values, rtol=1e-3, atol=1e-6)
    whole, scale = narrowed(values, "int8")
    assert whole.dtype == np.int8 and scale is not None and sorted(scale.shape)[0] == 1
    np.testing.assert_allclose(whole * scale, values, atol=float(np.abs(values).max()) / 250 + 1e-30)


def test_the_finer_axis_is_taken() -> None:
    values = np.random.default_rng(0).normal(size=(16, 16)) * np.geomspace(1, 100, 16)[:, None]
    values = values.astype(np.float32)
    _, scale = narrowed(values, "int8")
    assert scale is not None and scale.shape == (16, 1)
    _, scale = narrowed(values.T.copy(), "int8")
    assert scale is not None and scale.shape == (1, 16)


def test_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EncoderError, match="precision='int4'"):
        export_onnx(small(), tmp_path, precision="int4")

    def none(name: str) -> Any:
        if name == "onnx":
            raise ModuleNotFoundError("No module named 'onnx'", name="onnx")
        return importlib.import_module(name)

    monkeypatch.setattr(exporting, "import_module", none)
    with pytest.raises(MissingPackageError, match=r"linktransformer\[export\]"):
        export_onnx(small(), tmp_path)
