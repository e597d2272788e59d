"""A SentenceTransformer exported to ONNX, held to itself."""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import linktransformer as lt
from clippings import EncoderError, load_text_encoder
from clippings.export import text_export
from clippings.export.quantize import bytes_of
from model_hub import open_model
from tests.tiny_model import make_base

onnx = pytest.importorskip("onnx")
pytest.importorskip("sentence_transformers")
TEXTS = [
    "acme steel",
    "Baxter & Sons dairy co",
    "x",
    "",
    "north river iron mills company limited 1934",
    "東京",
]
TEXTS += [f"{word} union {number}" for number, word in enumerate(["gold", "silver", "stone", "paper"] * 10)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(make_base(tmp_path_factory.mktemp("base"))), device="cpu")
    for name, weight in model.named_parameters():
        if weight.ndim == 2 and "embeddings" not in name:
            weight.data *= 8  # as large as trained ones, so that the layers matter
    return model


def modules() -> Any:
    """Where sentence-transformers keeps its modules: that depends on its version."""
    try:
        return import_module("sentence_transformers.sentence_transformer.modules")
    except ModuleNotFoundError:
        return import_module("sentence_transformers.models")


def own(model: Any, texts: list[str]) -> np.ndarray:
    rows = np.concatenate([model.encode([text], show_progress_bar=False) for text in texts])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_graph_in_float32_does_what_the_model_does(base: Any, tmp_path: Path, pooling: str) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(modules=[base[0], modules().Pooling(32, pooling_mode=pooling)], device="cpu")
    made = text_export.export_text(model, tmp_path / "m", quantize=False, name="tiny", licence="MIT")
    assert (made.pooling, made.dimension, made.max_tokens, made.name) == (pooling, 32, 64, "tiny")
    found = load_text_encoder(tmp_path / "m", threads=1).encode(TEXTS)
    np.testing.assert_allclose(found, own(model, TEXTS), atol=2e-6)
    long = ["acme " * 200]  # cut as the model cuts it
    np.testing.assert_allclose(load_text_encoder(tmp_path / "m").encode(long), own(model, long), atol=2e-6)
    assert made.metrics["cosine_least"] > 0.99999
    assert "cosine_mean" in (tmp_path / "m" / "README.md").read_text("utf-8")


def test_a_graph_in_8_bits_keeps_near_and_texts_do_not_mix(base: Any, tmp_path: Path) -> None:
    measured = lt.export_model(base, tmp_path / "m", texts=TEXTS, licence="MIT")
    encoder = load_text_encoder(tmp_path / "m", threads=1)
    found = encoder.encode(TEXTS)
    cosine = (found * own(base, TEXTS)).sum(axis=1)
    assert 0.98 < measured["cosine_least"] <= measured["cosine_mean"] < 0.99999
    assert abs(cosine.mean() - measured["cosine_mean"]) < 1e-5
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_array_equal(found, alone)
    graph = onnx.load(str(tmp_path / "m" / "model.onnx"))
    kinds = [node.op_type for node in graph.graph.node]
    assert kinds.count("MatMulIntegerToFloat") == 2 * 6  # six matrices a layer
    assert open_model(tmp_path / "m").manifest.architecture == "onnx-text"
    assert len(lt.link(*tables(), "name", model=str(tmp_path / "m"))) == 2


def tables() -> tuple[Any, Any]:
    import pandas as pd

    return (
        pd.DataFrame({"name": ["Acme Steel", "North River"]}),
        pd.DataFrame({"name": ["river north", "acme steel"]}),
    )


def test_8_bits_that_lose_too_much_are_not_written(
    base: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        made = text_export.export_text(base, tmp_path / "m", texts=TEXTS, least=0.99999999)
    assert "float32 is written instead" in caplog.text and "float32" in made.description
    found = load_text_encoder(tmp_path / "m").encode(TEXTS)
    np.testing.assert_allclose(found, own(base, TEXTS), atol=2e-6)


def test_what_cannot_be_exported_says_so(base: Any, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="runs on onnxruntime already"):
        text_export.export_text("linker-multilingual", tmp_path / "no")
    from sentence_transformers import SentenceTransformer

    with pytest.raises(EncoderError, match="takes a SentenceTransformer"):
        text_export.export_text(3, tmp_path)
    dense = SentenceTransformer(
        modules=[base[0], modules().Pooling(32), modules().Dense(32, 8)], device="cpu"
    )
    with pytest.raises(lt.ModelError, match="Dense"):
        lt.export_model(dense, tmp_path)
    most = SentenceTransformer(modules=[base[0], modules().Pooling(32, pooling_mode="max")], device="cpu")
    with pytest.raises(EncoderError, match="mean or the first token"):
        text_export.export_text(most, tmp_path)
    with pytest.raises(EncoderError, match="measured on texts"):
        text_export.export_text(base, tmp_path, texts=[])


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_fewer_numbers_of_a_vector(base: Any, tmp_path: Path, pooling: str) -> None:
    from sentence_transformers import SentenceTransformer

    from clippings.training.trainable import load_trainable

    parts = [base[0], modules().Pooling(32, pooling_mode=pooling), modules().Normalize()]
    cut = SentenceTransformer(modules=parts, device="cpu", truncate_dim=12)
    made = text_export.export_text(cut, tmp_path / "m", texts=TEXTS, quantize=False)
    assert made.dimension == 12
    expected = own(cut, TEXTS)
    np.testing.assert_allclose(load_text_encoder(tmp_path / "m").encode(TEXTS), expected, atol=2e-6)
    again = load_trainable(tmp_path / "m", "cpu")  # from the graph
    assert again.dim == 12
    np.testing.assert_allclose(again.encode(TEXTS), expected, atol=1e-5)


def test_a_graph_that_differs_is_refused(base: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = text_export._kind(base)
    monkeypatch.setattr(text_export, "_kind", lambda model: replace(kind, pooling="cls"))
    with pytest.raises(EncoderError, match="does not do what the model does"):
        text_export.export_text(base, tmp_path, texts=TEXTS)


def test_bytes_are_within_half_a_step() -> None:
    weight = np.random.default_rng(0).normal(size=(40, 9)).astype(np.float32)
    weight[:, 3] = 0
    numbers, scale = bytes_of(weight)
    again = (numbers.astype(np.float32) - 128) * scale
    assert np.abs(again - weight).max() <= scale.max() / 2 * 1.001
    assert numbers.min() >= 1 and (np.abs(again - weight) <= scale / 2 * 1.001).all()
