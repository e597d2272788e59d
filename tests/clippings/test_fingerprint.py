"""Fingerprints of models: another one whenever the vectors may be others."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import model_hub
from clippings import fingerprint, load_text_encoder
from model_hub import ModelRef


def test_the_key_of_a_folder_changes_with_its_files_only(tmp_path: Path) -> None:
    def key(**changes: Any) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        source = model_hub.bundled()
        shutil.copytree(source.path, folder)
        (folder / "manifest.json").unlink()
        if changes.pop("tokenizer", False):
            with (folder / "tokenizer.json").open("a") as stream:
                stream.write(" ")
        if "decision" in changes:
            (folder / str(changes["decision"])).write_text("{}")
        old = source.manifest
        kept = {name: getattr(old, name) for name in old.__slots__ if name not in ("files", "format")}
        model_hub.seal(folder, **{**kept, **changes})
        return str(load_text_encoder(folder, threads=1).cache_key)

    same = key()
    assert key(name="another-name", metrics={"f1": 0.5}, decision="decision.json") == same
    others = {
        key(prefix="query: "),
        key(pooling="cls"),
        key(tokenizer=True),
        key(serializer={"labels": True}),
    }
    assert len(others | {same}) == 5


def test_the_key_of_a_sentence_transformers_folder(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"abcd")
    ref = ModelRef("folder", str(tmp_path))
    first = fingerprint.of_reference(ref, "cpu")
    (tmp_path / "README.md").write_text("a card")
    assert fingerprint.of_reference(ref, "cpu") == first
    assert fingerprint.of_reference(ref, "cuda:1") == fingerprint.of_reference(ref, "cuda") != first
    state = (tmp_path / "model.safetensors").stat()
    (tmp_path / "model.safetensors").write_bytes(b"abce")  # as long, and as old
    os.utime(tmp_path / "model.safetensors", ns=(state.st_atime_ns, state.st_mtime_ns))
    assert fingerprint.of_reference(ref, "cpu") not in (first, None)


def test_the_commit_of_a_model_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")
    ref = ModelRef("hub", "org/name", None)
    assert fingerprint.of_reference(ref, "cpu") is None
    told = {
        "a": tmp_path / "snapshots" / "a" / "modules.json",
        "b": tmp_path / "snapshots" / "b" / "modules.json",
    }
    keys = []
    for path in told.values():
        files = {path.name: str(path)}
        monkeypatch.setattr(hub, "try_to_load_from_cache", lambda _, name, files=files, **__: files.get(name))
        keys.append(fingerprint.of_reference(ref, "cpu"))
        files["adapter_config.json"] = "x"  # with a base model elsewhere
        assert fingerprint.of_reference(ref, "cpu") is None
    assert None not in keys and len(set(keys)) == 2
