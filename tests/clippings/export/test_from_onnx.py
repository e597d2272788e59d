"""A graph of onnxruntime becomes a model that can be trained again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import linktransformer as lt
from clippings import EncoderError, load_text_encoder
from clippings.export.text_export import export_text
from model_hub import bundled, open_model, seal
from tests.fetched import for_running_only
from tests.tiny_model import firms, make_base

onnx = pytest.importorskip("onnx")
pytest.importorskip("sentence_transformers")
from clippings.export.from_onnx import as_sentence_transformer  # noqa: E402
from clippings.training.trainable import load_trainable  # noqa: E402

TEXTS = ["acme steel", "Baxter & Sons dairy co", "x", "north river iron mills company limited 1934"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(make_base(tmp_path_factory.mktemp("base"))), device="cpu")
    for name, weight in model.named_parameters():
        if weight.ndim == 2 and "embeddings" not in name:
            weight.data *= 8
    return model


@pytest.mark.parametrize(("quantize", "table"), [(False, 2**20), (True, 2**20), (True, 1)])
def test_the_model_is_what_the_graph_was_made_of(
    base: Any, tmp_path: Path, quantize: bool, table: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clippings.export.quantize.TABLE", table)
    export_text(base, tmp_path / "graph", quantize=quantize, least=0.9, name="firms")
    graph = onnx.load(str(tmp_path / "graph/model.onnx")).graph
    assert quantize == any(item.name.endswith(".8bit") for item in graph.initializer)
    found = as_sentence_transformer(open_model(tmp_path / "graph"))
    own, back = (dict(model[0].auto_model.named_parameters()) for model in (base, found))
    most = 1e-6 if not quantize else 0.005  # half a step of the largest weight of a row, 127 steps
    for name, weight in own.items():
        if "pooler" not in name:
            apart = (weight.detach() - back[name].detach()).abs().max() / weight.detach().abs().max().clamp(
                min=1e-9
            )
            assert float(apart) <= most, name
    for text in (TEXTS, ["".join(chr(at) for at in range(32, 90))]):
        rows = [
            model.encode(text, show_progress_bar=False, normalize_embeddings=True) for model in (base, found)
        ]
        assert (rows[0] * rows[1]).sum(axis=1).min() > (0.99999 if not quantize else 0.99)
    assert found.max_seq_length == base.max_seq_length


def test_it_is_trained_as_any_other(base: Any, tmp_path: Path) -> None:
    export_text(base, tmp_path / "graph", name="firms", least=0.9, licence="MIT")
    import pandas as pd

    long, short = firms(60)
    pairs = pd.DataFrame({"a": long, "b": short})
    trained = lt.train_model(
        pairs, left_col_names="a", right_col_names="b", base=tmp_path / "graph", out=tmp_path / "run",
        epochs=1, batch_size=8, learn_decision=False, progress=False,
    )  # fmt: skip
    assert trained.metrics["steps"] > 0
    manifest = open_model(trained.folder).manifest
    assert (manifest.base_model, manifest.licence) == ("firms", "MIT")
    found = load_text_encoder(trained.folder, device="cpu").encode(TEXTS)
    before = load_text_encoder(tmp_path / "graph").encode(TEXTS)
    assert np.abs(found - before).max() > 1e-4


def test_the_bundled_model_can_be_trained() -> None:
    model = load_trainable("linker-multilingual", "cpu")
    texts = ["Deutsche Bank AG", "東京電力", "Sony KDL-40", "green tea"]
    wanted = load_text_encoder("linker-multilingual", threads=1).encode(texts)
    assert (model.encode(texts) * wanted).sum(axis=1).min() > 0.99
    from linktransformer.training.run_folder import origin

    assert origin("linker-multilingual")["licence"] == bundled("linker-multilingual").manifest.licence


def test_what_is_no_such_graph_is_told(base: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EncoderError, match="does not tell which model"):
        as_sentence_transformer(open_model(for_running_only(tmp_path / "only")))
    export_text(base, tmp_path / "graph", name="firms", least=0.9)
    facts = {"name": "firms", "architecture": "onnx-text", "base_model": "x", "source": "x", "revision": "x",
             "licence": "MIT", "dimension": 32, "max_tokens": 64, "pooling": "mean",
             "normalize": True}  # fmt: skip
    monkeypatch.setattr("clippings.export.from_onnx.LEAST", 0.9999)  # random weights tell little
    for changes, said in (({"num_hidden_layers": 1}, "weights are not those"),
                          ({"num_attention_heads": 1}, "give the vectors of its graph")):  # fmt: skip
        other = tmp_path / said[:4]
        shutil.copytree(tmp_path / "graph", other)
        config = json.loads((other / "config.json").read_text("utf-8"))
        (other / "config.json").write_text(json.dumps({**config, **changes}), encoding="utf-8")
        seal(other, **facts)
        with pytest.raises(EncoderError, match=said):
            as_sentence_transformer(open_model(other))
