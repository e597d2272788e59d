"""A model folder that was changed, is incomplete or could run code is refused."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from model_hub import (
    ChecksumError,
    ManifestError,
    ModelNotFoundError,
    UnsafeModelError,
    bundled,
    open_model,
    verify,
)
from model_hub import folder as folder_module


def entry(name: str, content: bytes) -> dict[str, object]:
    return {"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def manifest(files: dict[str, bytes], **changes: object) -> dict[str, object]:
    values: dict[str, object] = {
        "format": 1,
        "name": "tiny",
        "architecture": "onnx-text",
        "base_model": "none",
        "source": "the test",
        "revision": "1",
        "licence": "MIT",
        "dimension": 4,
        "max_tokens": 8,
        "files": [entry(name, content) for name, content in files.items()],
    }
    return {**values, **changes}


FILES = {"model.onnx": b"\x08\x08 a graph", "parts/tokenizer.json": b"{}"}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    write(folder, FILES)
    (folder / "manifest.json").write_text(json.dumps(manifest(FILES)))
    return folder


def test_whole_folder_opens(tiny: Path) -> None:
    (tiny / "README.md").write_text("a note may lie there")
    model = open_model(tiny)
    assert model.path == tiny.resolve()
    assert model.file("parts/tokenizer.json").read_bytes() == b"{}"
    with pytest.raises(ModelNotFoundError, match=r"has no file 'README\.md'"):
        model.file("README.md")


def test_changed_byte_of_the_bundled_model(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundled().path, copy)
    assert verify(copy).manifest == bundled().manifest
    with (copy / "model.onnx").open("r+b") as stream:
        stream.seek(10_000_000)
        old = stream.read(1)
        stream.seek(10_000_000)
        stream.write(bytes([old[0] ^ 1]))
    with pytest.raises(ChecksumError, match=r"damaged or was changed.*model\.onnx.*sha256.*Download"):
        verify(copy)


def test_changed_size_and_missing_file(tiny: Path) -> None:
    (tiny / "model.onnx").write_bytes(b"short")
    with pytest.raises(ChecksumError, match="5 bytes instead of 10"):
        verify(tiny)
    (tiny / "model.onnx").unlink()
    with pytest.raises(ChecksumError, match=r"missing.*model\.onnx"):
        verify(tiny)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no manifest\.json"):
        verify(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such model folder"):
        verify(tmp_path / "nowhere")


def test_hashed_once_and_again_after_a_change(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "_hashes", {})
    verify(tiny)
    assert len(folder_module._hashes) == 2
    verify(tiny)
    assert len(folder_module._hashes) == 2
    (tiny / "model.onnx").write_bytes(FILES["model.onnx"][::-1])
    with pytest.raises(ChecksumError):
        verify(tiny)


def npy_of_objects() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return stream.getvalue()


def npy_with_object_field() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(2, dtype=[("number", "<i4"), ("thing", "O")]), allow_pickle=True)
    return stream.getvalue()


def torch_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps([1]))
    return stream.getvalue()


def npz_of_objects() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, a=np.array([None, 1], dtype=object))
    return stream.getvalue()


PICKLES = {
    "notes.pkl": b"anything",
    "a.PICKLE": b"",
    "model.pt": b"x",
    "model.pth": b"x",
    "head.joblib": b"x",
    "pytorch_model.bin": torch_zip(),
    "old.bin": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",  # how torch files began before they were archives
    "hidden.json": pickle.dumps({"a": 1}),
    "protocol3.txt": pickle.dumps({"a": 1}, protocol=3),
    "table.npy": npy_of_objects(),
    "fields.npy": npy_with_object_field(),
    "by_hand.npy": b"\x93NUMPY\x01\x00\x36\x00{'descr': 'O', 'fortran_order': False, 'shape': (1,), }\n",
    "tables.npz": npz_of_objects(),
    "deep/down/weights": pickle.dumps(list(range(9)), protocol=4),
}


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("name", PICKLES)
def test_pickle_is_refused_listed_or_not(tiny: Path, name: str, listed: bool) -> None:
    write(tiny, {name: PICKLES[name]})
    if listed:
        (tiny / "manifest.json").write_text(json.dumps(manifest({**FILES, name: PICKLES[name]})))
    with pytest.raises(UnsafeModelError, match="can run code when it is read") as caught:
        verify(tiny)
    assert name in caught.value.given
    assert "safetensors" in caught.value.remedy


def test_harmless_files_are_no_pickles(tmp_path: Path) -> None:
    header = b"{" + b" " * (0x0480 - 2) + b"}"  # its length reads like the first bytes of a pickle
    harmless = {
        "w.safetensors": len(header).to_bytes(8, "little") + header,
        "n.npy": b"",
        "text.txt": "äöü € test".encode(),
        "empty": b"",
    }
    stream = io.BytesIO()
    np.save(stream, np.zeros((2, 3), np.float32))
    harmless["n.npy"] = stream.getvalue()
    assert harmless["w.safetensors"][:2] == b"\x80\x04"
    write(tmp_path, harmless)
    assert {name: folder_module.pickled(tmp_path / name) for name in harmless} == dict.fromkeys(harmless, "")


@pytest.mark.parametrize("name", ["run.py", "extra.onnx", "weights.safetensors", "lib/code.so"])
def test_unlisted_programs_and_weights_are_refused(tiny: Path, name: str) -> None:
    write(tiny, {name: b"something"})
    with pytest.raises(UnsafeModelError, match=r"does not list|can run code"):
        verify(tiny)


def test_link_out_of_the_folder_is_refused(tiny: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    outside.write_bytes(FILES["model.onnx"])
    (tiny / "model.onnx").unlink()
    (tiny / "model.onnx").symlink_to(outside)
    with pytest.raises(UnsafeModelError, match="leads out of it"):
        verify(tiny)


def test_linked_folder_is_refused(tiny: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(tiny / "parts", elsewhere)
    (tiny / "parts").symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(UnsafeModelError, match="leads out of it"):
        verify(tiny)


def test_link_inside_the_folder_is_fine(tiny: Path) -> None:
    (tiny / "model.onnx").rename(tiny / "graph")
    (tiny / "model.onnx").symlink_to("graph")
    assert verify(tiny).manifest.name == "tiny"


@pytest.mark.parametrize(
    "path",
    ["../x.onnx", "/etc/passwd", "a/../../x", "a\\b", "C:/x", "./x", "a//b", "", "a\n", "manifest.json"],
)
def test_manifest_that_points_outside_its_folder(tiny: Path, path: str) -> None:
    values = manifest(FILES)
    values["files"] = [{**entry("x", b""), "path": path}]
    (tiny / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(ManifestError, match=r"lead out of its folder|lists itself"):
        verify(tiny)


@pytest.mark.parametrize(
    "name",
    [
        "adapter_config.json", "tokenizer.json", "added_tokens.json", "1_Pooling/config.json", "vocab.txt",
        "merges.txt", "spiece.model", "chat_template.jinja", "vocab.bpe", "sub/tokenizer_config.json",
    ],
)  # fmt: skip
def test_unlisted_files_that_a_loader_reads_are_refused(tiny: Path, name: str) -> None:
    (tiny / name).parent.mkdir(exist_ok=True)
    (tiny / name).write_text("{}")
    with pytest.raises(UnsafeModelError, match=f"does not list.*{name}"):
        verify(tiny)


@pytest.mark.parametrize(
    "name", ["README.md", "notes.txt", "LICENSE", ".DS_Store", ".gitattributes", ".git/config", ".git/x.json"]
)
def test_notes_and_hidden_files_may_stay(tiny: Path, name: str) -> None:
    (tiny / name).parent.mkdir(exist_ok=True)
    (tiny / name).write_text("{}")
    assert verify(tiny).path == tiny


def test_the_folder_of_a_run_says_where_its_model_is(tiny: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    tiny.rename(run / "model")
    with pytest.raises(ModelNotFoundError, match=r"folder 'model' is a model: give .*run/model"):
        verify(run)
