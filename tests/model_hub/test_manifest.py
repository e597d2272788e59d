"""A manifest says what it may say, and survives being written and read."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from model_hub import Manifest, ManifestError, bundled
from model_hub.errors import ModelHubError
from model_hub.manifest import FORMAT, read


def values(**changes: Any) -> dict[str, Any]:
    return {**bundled().manifest.to_dict(), **changes}


def test_written_and_read_again(tmp_path: Path) -> None:
    manifest = Manifest.from_dict(values(serializer={"separator": " ", "labels": False}, prefix="query: "))
    manifest.save(tmp_path)
    assert read(tmp_path) == manifest
    assert json.loads((tmp_path / "manifest.json").read_text("utf-8"))["serializer"]["separator"] == " "


def test_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        bundled().manifest.name = "other"  # type: ignore[misc] # that it is refused is what is tested


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, r"unknown keys.*colour"),
        ({"format": FORMAT + 1}, r"newer format.*pip install --upgrade"),
        ({"format": 0}, "wrong 'format'"),
        ({"format": True}, "wrong 'format'"),
        ({"format": "1"}, "wrong 'format'"),
        ({"architecture": "python"}, r"wrong 'architecture'.*onnx-text"),
        ({"name": "../x"}, "wrong 'name'"),
        ({"name": 3}, "wrong 'name'"),
        ({"dimension": 0}, "wrong 'dimension'"),
        ({"max_tokens": 2.5}, "wrong 'max_tokens'"),
        ({"pooling": "sum"}, "wrong 'pooling'"),
        ({"normalize": "yes"}, "wrong 'normalize'"),
        ({"serializer": "x"}, "wrong 'serializer'"),
        ({"files": []}, "at least one file"),
        ({"files": "model.onnx"}, "a list"),
        ({"files": [{"path": "a"}]}, r"lacks keys.*sha256"),
        ({"files": [{"path": "a", "size": -1, "sha256": "0" * 64}]}, "wrong 'size'"),
        ({"files": [{"path": "a", "size": 1, "sha256": "F" * 64}]}, "wrong 'sha256'"),
        ({"files": [{"path": "a", "size": 1, "sha256": "0" * 64}] * 2}, "every path once"),
        ({"files": [{"path": "a", "size": 1, "sha256": "0" * 64, "url": "x"}]}, r"unknown keys.*url"),
    ],
)
def test_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        Manifest.from_dict(values(**changes))


def test_missing_key_is_named() -> None:
    some = values()
    del some["licence"]
    with pytest.raises(ManifestError, match=r"lacks keys.*licence"):
        Manifest.from_dict(some)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "\udc80"])
def test_no_json_object(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ManifestError, match=r"is not JSON|not an object"):
        read(tmp_path)


def test_error_keeps_its_parts_when_pickled() -> None:
    error = ManifestError("Wrong.", "this", "Do that.")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == "Wrong. Given: this. Do that."
    assert isinstance(again, ValueError) and isinstance(again, ModelHubError)


@pytest.mark.parametrize("architecture", ["clippings", "clippings-onnx", "clippings-clip"])
def test_models_of_pictures_and_texts(tmp_path: Path, architecture: str) -> None:
    new = {"base_revision": "", "languages": [], "trained_on": {}, "metrics": {}, "measured_on": "",
           "decision": None, "task": "", "description": ""}  # fmt: skip
    given = values(format=2, architecture=architecture, pooling="attention", **new)
    manifest = Manifest.from_dict(given)
    manifest.save(tmp_path)
    assert read(tmp_path) == manifest and manifest.format == FORMAT
    with pytest.raises(ManifestError, match="wrong 'prefix'"):
        Manifest.from_dict({**given, "prefix": "query: "})
    with pytest.raises(ManifestError, match="wrong 'format'"):
        Manifest.from_dict({name: value for name, value in given.items() if name not in new} | {"format": 1})
    with pytest.raises(ManifestError, match="wrong 'pooling'"):
        Manifest.from_dict({**given, "architecture": "onnx-text"})
