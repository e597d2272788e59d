"""LinkTransformer as an object, and the stand-in for the model that is bundled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.encode import plan


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
def test_the_bundled_model_stands_in_offline(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setenv("LINKTRANSFORMER_OFFLINE", "1")
    monkeypatch.setenv("LINKTRANSFORMER_CACHE", str(tmp_path))
    monkeypatch.setattr("clippings.text_encoder.load_sentence_transformer", _not_there)
    table = pd.DataFrame({"a": ["tea"], "b": ["coffee"]})
    found = lt.evaluate_pairs(table, model=name, left_on="a", right_on="b")["score"]
    x, y = plan("all-minilm-l6-v2-int8").encoder.encode(["tea", "coffee"])
    assert found[0] == pytest.approx(float(x @ y), abs=1e-6)
    assert len([text for text in caplog.messages if "bundled copy" in text]) == 1


def test_nothing_stands_in_for_other_names_or_where_the_hub_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    from model_hub import ModelNotFoundError

    monkeypatch.setattr("clippings.text_encoder.load_sentence_transformer", _not_there)

    def answers(reference: Any) -> Any:
        raise ModelNotFoundError("No manifest.", str(reference), "None.")

    monkeypatch.setattr("model_hub.opening.open_model", answers)
    monkeypatch.setattr("clippings.text_encoder.open_model", answers)
    monkeypatch.setattr("model_hub.opening.is_offline", lambda offline=False: False)
    for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        with pytest.raises(lt.ModelError):
            plan(name)
    monkeypatch.setattr("model_hub.opening.is_offline", lambda offline=False: True)
    for name in ("sentence-transformers/all-MiniLM-L12-v2", "sentence-transformers/all-MiniLM-L6-v2@main"):
        with pytest.raises(lt.ModelError):
            plan(name)


def _not_there(*arguments: Any, **named: Any) -> Any:
    from clippings import EncoderError

    raise EncoderError("cannot be loaded")


def test_the_class_is_a_model(tmp_path: Path) -> None:
    model = lt.LinkTransformer()
    alone = model.encode("tea")
    assert np.array_equal(model.encode(["tea", "cup"])[0], alone)
    folder = model.save(tmp_path / "mine")
    assert np.array_equal(lt.LinkTransformer(folder).encode("tea"), alone)
    left = pd.DataFrame({"name": ["Acme Steel Corp"]})
    right = pd.DataFrame({"name": ["Baxter Dairies", "Acme Steel Corporation"]})
    assert lt.merge_knn(left, right, on="name", model=model)["name_y"][0] == "Acme Steel Corporation"
    with pytest.raises(lt.ModelError, match="not empty"):
        model.save(folder)
    with pytest.raises(lt.ModelError, match="org/name"):
        model.save_to_hub("mine")


def test_save_to_hub_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def publish(folder: Any, ref: Any, **named: Any) -> str:
        from model_hub.publishing import publish as real

        if not str(ref).startswith("hf://"):
            return real(folder, ref, **named)
        seen.update(named, ref=ref, files=sorted(path.name for path in Path(folder).iterdir()))
        return f"{ref}@0"

    monkeypatch.setattr("model_hub.publish", publish, raising=False)
    found = lt.LinkTransformer().save_to_hub("firms", organization="acme", private=True)
    assert found == "hf://acme/firms@0"
    assert seen["private"] is True
    assert {"manifest.json", "model.onnx"} <= set(seen["files"])


def test_a_model_of_sentence_transformers_is_saved_as_it_is(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    from tests.tiny_model import make_base

    base = make_base(tmp_path)
    model = lt.LinkTransformer(str(base), device="cpu", opt_model_lang="en")
    folder = model.save(tmp_path / "saved")
    saved = lt.LinkTransformer(folder, device="cpu")
    assert np.array_equal(saved.encode(["acme steel"]), model.encode(["acme steel"]))
    assert "languages" in (Path(folder) / "manifest.json").read_text()
