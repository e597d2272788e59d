"""A folder of weights becomes a model folder with a manifest and a card."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import linktransformer as lt
from model_hub import (
    Manifest,
    ManifestError,
    ModelNotFoundError,
    UnsafeModelError,
    bundled,
    model_card,
    open_model,
    propose_name,
    seal,
)
from tests.cards import snippet

ORIGIN: dict[str, Any] = {
    "name": "lt-firms-match-en",
    "base_model": "sentence-transformers/all-MiniLM-L6-v2",
    "source": "the test",
    "revision": "1",
    "licence": "Apache-2.0",
    "dimension": 384,
    "max_tokens": 256,
}
FORMAT_1: dict[str, Any] = {
    "format": 1,
    "name": "all-minilm-l6-v2-int8",
    "architecture": "onnx-text",
    "base_model": "sentence-transformers/all-MiniLM-L6-v2",
    "source": "the test",
    "revision": "1",
    "licence": "Apache-2.0",
    "dimension": 384,
    "max_tokens": 256,
    "files": [
        {"path": "model.onnx", "size": 23089317, "sha256": "12dbe395" * 8},
        {"path": "tokenizer.json", "size": 466081, "sha256": "9114256b" * 8},
    ],
    "pooling": "mean",
    "normalize": True,
    "prefix": "",
    "serializer": None,
    "versions": {"onnx": "1.23.2"},
    "created_by": "the test",
}
MORE: dict[str, Any] = {
    "languages": ["en", "de"],
    "trained_on": {"rows": 120, "splits": {"train": 0.8, "test": 0.2}, "loss": "infoNCE"},
    "metrics": {"f1": 0.9, "pairs": 12},
    "measured_on": "sha256:ab",
    "task": "firms | match",
    "description": "Firms of two registers.",
    "base_revision": "c0ffee",
}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    shutil.copytree(bundled().path, folder, ignore=shutil.ignore_patterns("manifest.json"))
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    (folder / "1_Pooling").mkdir(parents=True)
    for name in ("modules.json", "config.json", "1_Pooling/config.json", "decision.json"):
        (folder / name).write_text("{}")
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    return folder


def test_sealed_folder_opens_and_says_what_was_given(weights: Path) -> None:
    made = seal(weights, architecture="onnx-text", **ORIGIN, **MORE)
    assert open_model(weights).manifest == made
    assert made.format == 2
    assert made.languages == ("en", "de")
    own = {"model.onnx", "tokenizer.json", "config.json", "tokens.json", "LICENSE", "NOTICE"}
    own |= {"reader.onnx", "reader.json"}
    assert {file.path for file in made.files} == own
    assert {name: getattr(made, name) for name in MORE if name != "languages"} == {
        name: value for name, value in MORE.items() if name != "languages"
    }
    assert seal(weights, architecture="onnx-text", **ORIGIN, **MORE) == made  # its own files do not count


def test_every_file_of_a_sentence_transformers_folder_is_listed(small: Path) -> None:
    made = seal(small, architecture="sentence-transformers", decision="decision.json", **ORIGIN)
    assert [file.path for file in made.files] == [
        "1_Pooling/config.json",
        "config.json",
        "decision.json",
        "model.safetensors",
        "modules.json",
    ]


@pytest.mark.parametrize("name", ["a.pt", "pytorch_model.bin", "model.py", "deep/x.so", "w.pkl", "run.sh"])
def test_what_could_run_code_is_not_sealed(small: Path, name: str) -> None:
    (small / name).parent.mkdir(exist_ok=True)
    (small / name).write_bytes(b"x")
    with pytest.raises(UnsafeModelError, match=r"can run code.*safetensors"):
        seal(small, architecture="sentence-transformers", **ORIGIN)
    assert not (small / "manifest.json").exists()


def test_a_link_out_of_the_folder_is_not_sealed(small: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.json").write_text("{}")
    (small / "config.json").unlink()
    (small / "config.json").symlink_to(tmp_path / "outside.json")
    with pytest.raises(UnsafeModelError, match="leads out"):
        seal(small, architecture="sentence-transformers", **ORIGIN)


def test_hidden_files_are_left_out_and_told(small: Path, caplog: pytest.LogCaptureFixture) -> None:
    (small / ".git").mkdir()
    (small / ".git" / "config").write_text("x")
    with caplog.at_level(logging.INFO, "model_hub"):
        made = seal(small, architecture="sentence-transformers", **ORIGIN)
    assert not [file.path for file in made.files if ".git" in file.path]
    assert ".git" in caplog.text


def test_what_is_missing_is_named(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"model\.onnx"):
        seal(small, architecture="onnx-text", **ORIGIN)
    (small / "model.safetensors").unlink()
    with pytest.raises(ModelNotFoundError, match="safe_serialization=True"):
        seal(small, architecture="sentence-transformers", **ORIGIN)
    with pytest.raises(ModelNotFoundError, match="no such model folder"):
        seal(tmp_path / "nowhere", architecture="onnx-text", **ORIGIN)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "no such keys.*colour"),
        ({"files": ()}, "no such keys.*files"),
        ({"metrics": {"f1": float("nan")}}, "wrong 'metrics'"),
        ({"metrics": {"f1": "high"}}, "wrong 'metrics'"),
        ({"metrics": {"f1": True}}, "wrong 'metrics'"),
        ({"languages": ["English!"]}, "wrong 'languages'"),
        ({"decision": "nothing.json"}, "wrong 'decision'"),
        ({"decision": "model.safetensors"}, "wrong 'decision'"),
        ({"trained_on": {"rows": {1, 2}}}, "wrong 'trained_on'"),
        ({"task": 3}, "wrong 'task'"),
        ({"prefix": "query: "}, "wrong 'prefix'"),
    ],
)
def test_wrong_values_are_refused(small: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        seal(small, architecture="sentence-transformers", **ORIGIN, **changes)


def test_format_1_is_read_as_before_and_has_no_new_keys() -> None:
    old = Manifest.from_dict(FORMAT_1)
    assert old.to_dict() == FORMAT_1
    with pytest.raises(ManifestError, match=r"unknown keys.*languages"):
        Manifest.from_dict({**FORMAT_1, "languages": ["en"]})
    with pytest.raises(ManifestError, match="wrong 'format'"):
        Manifest.from_dict({**FORMAT_1, "architecture": "sentence-transformers"})
    with pytest.raises(ManifestError, match=r"wrong 'format'.*languages"):
        replace(old, languages=("en",))
    assert Manifest.from_dict({**FORMAT_1, "format": 2, "languages": ["en"]}).languages == ("en",)


def test_names_that_differ_in_case_only_are_refused() -> None:
    first = FORMAT_1["files"][0]
    with pytest.raises(ManifestError, match="every path once"):
        Manifest.from_dict({**FORMAT_1, "files": [first, {**first, "path": "Model.ONNX"}]})


def test_card_says_what_the_manifest_says(weights: Path) -> None:
    made = seal(weights, architecture="onnx-text", **ORIGIN, **MORE)
    text = (weights / "README.md").read_text("utf-8")
    assert text == model_card(made)
    for part in ("Firms of two registers.", "| f1 | 0.9 |", "`sha256:ab`", "infoNCE", "firms \\| match"):
        assert part in text
    yaml = pytest.importorskip("yaml")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front == {
        "license": "apache-2.0",
        "language": ["en", "de"],
        "tags": ["linktransformer", "record-linkage", "entity-resolution", "sentence-similarity"],
        "base_model": "sentence-transformers/all-MiniLM-L6-v2",
        "pipeline_tag": "sentence-similarity",
        "library_name": "linktransformer",
    }


def test_another_licence_and_base_are_written_so_that_the_hub_reads_them(small: Path) -> None:
    changed = {**ORIGIN, "licence": "Our own: v2", "base_model": "none: made here", "task": "---\nx: y"}
    made = seal(small, architecture="sentence-transformers", **changed)
    front = pytest.importorskip("yaml").safe_load(model_card(made).split("---\n")[1])
    assert (front["license"], front["license_name"]) == ("other", "our-own-v2")
    assert "base_model" not in front
    assert front["library_name"] == "sentence-transformers"


def test_the_cards_snippet_runs(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = seal(weights, architecture="onnx-text", **ORIGIN)
    weights.rename(weights.parent / made.name)
    monkeypatch.chdir(weights.parent)
    values: dict[str, Any] = {"print": lambda table: None}
    exec(compile(snippet(model_card(made)), "card", "exec"), values)
    assert values["lt"] is lt
    assert values["linked"].name_y.tolist() == [
        "ACME STEEL CORPORATION",
        "Baxter Dairy Company",
        "Crown Mills Ltd",
    ]


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("German firms", "match", "de"), "lt-german-firms-match-de"),
        (("Société & Cie", "dedup", "FR"), "lt-societe-cie-dedup-fr"),
        (("会社", "match", "ja"), "lt-x-match-ja"),
    ],
)
def test_proposed_names(parts: tuple[str, str, str], name: str) -> None:
    assert propose_name(*parts) == name
    assert len(propose_name("x" * 300, "match", "en")) <= 96


@pytest.mark.parametrize(
    ("architecture", "needed"),
    [
        ("clippings", "model.safetensors"),
        ("clippings-clip", "model.safetensors"),
        ("clippings-onnx", "glyphs.onnx"),
    ],
)
def test_models_of_pictures_and_texts_need_their_files(small: Path, architecture: str, needed: str) -> None:
    for name in ("glyphs", "line", "text", "fuse"):
        (small / f"{name}.onnx").write_bytes(b"\x08\x08")
    made = seal(small, architecture=architecture, pooling="attention", **ORIGIN)
    assert needed in {file.path for file in made.files}
    (small / needed).unlink()
    with pytest.raises(ModelNotFoundError, match=needed):
        seal(small, architecture=architecture, **ORIGIN)
