"""Models in a folder that others see, the store of what was fetched, and models of sentence-transformers."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import model_hub
from clippings import load_text_encoder
from model_hub import (
    AccessError,
    ChecksumError,
    ManifestError,
    ModelFolder,
    ModelHubError,
    ModelNotFoundError,
    TransferError,
    UnsafeModelError,
    bundled,
    load,
    publish,
    seal,
    verify,
)
from model_hub.store import Seen, Store, cache_folder, locked
from tests.model_hub.conftest import ORIGIN, make_small


def everything_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_folder_that_others_see(small: Path, tmp_path: Path) -> None:
    moved: list[int] = []
    to = tmp_path / "shared" / "lt-small"
    assert publish(small, to, progress=moved.append) == str(to)
    assert load(to).manifest == verify(small).manifest
    assert sum(moved) > 200_000
    assert 'model="./lt-small"' in (to / "README.md").read_text("utf-8")  # no path of this machine
    assert everything_in(tmp_path / "shared") == sorted(
        ["lt-small", *(f"lt-small/{n}" for n in everything_in(to))]
    )
    assert publish(small, str(to)) == str(to)  # it is there
    assert model_hub.list(tmp_path / "shared") == ("lt-small",)
    with pytest.raises(ManifestError, match=r"never overwritten.*next version"):
        publish(make_small(tmp_path / "other", task="other"), to)
    (to / "model.safetensors").write_bytes(b"x")
    with pytest.raises(ManifestError, match="never overwritten"):
        publish(small, to)


def test_a_copy_that_goes_wrong_leaves_nothing(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copyfile

    def wrong(source: Path, target: Path) -> None:
        copy(source, target)
        if target.name == "model.safetensors":
            with target.open("r+b") as stream:
                stream.seek(-1, 2)
                stream.write(b"X")

    monkeypatch.setattr(shutil, "copyfile", wrong)
    with pytest.raises(ChecksumError):
        publish(small, tmp_path / "shared" / "x")
    assert everything_in(tmp_path / "shared") == []


def test_what_is_not_published(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelHubError, match="cannot be published under this name"):
        publish(small, "oci://localhost/x@sha256:" + "0" * 64)
    with pytest.raises(ModelHubError, match="cannot be published under this name"):
        publish(small, bundled().manifest.name)
    with pytest.raises(ModelHubError, match=r"target is neither a path nor an address.*'\./pub'"):
        publish(small, "pub")
    (small / "extra.pt").write_bytes(b"x")
    for place in (tmp_path / "x", "oci://localhost:1/x", "hf://org/name"):  # refused before anything is sent
        with pytest.raises(UnsafeModelError):
            publish(small, place)
    (small / "extra.pt").unlink()
    monkeypatch.setenv("LINKTRANSFORMER_OFFLINE", "1")
    with pytest.raises(ModelNotFoundError, match="network is not to be used"):
        publish(small, "oci://localhost:1/x")
    with pytest.raises(ModelNotFoundError, match="network is not to be used"):
        model_hub.list("hf://org/name")
    with pytest.raises(ModelNotFoundError, match="never fetched"):
        load("hf://org/name")
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        model_hub.list("./nowhere")


def test_a_card_written_by_hand_stays(small: Path, tmp_path: Path) -> None:
    (small / "README.md").write_text("# By hand\n")
    publish(small, tmp_path / "x")
    assert (tmp_path / "x" / "README.md").read_text() == "# By hand\n"


def test_a_model_of_sentence_transformers_goes_and_comes_back(tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "acme", "steel", "corp", "dairy"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    bert = tmp_path / "bert"
    transformers.BertModel(config).save_pretrained(bert)
    transformers.BertTokenizerFast(vocab=str(tmp_path / "vocab.txt")).save_pretrained(bert)
    parts = pytest.importorskip("sentence_transformers.models")
    plain = sentence_transformers.SentenceTransformer(
        modules=[parts.Transformer(str(bert)), parts.Pooling(16)], device="cpu"
    )
    plain.save(str(tmp_path / "saved"))
    rows = {"serializer": {"labels": True, "separator": " "}, "dimension": 16, "max_tokens": 64}
    seal(tmp_path / "saved", name="tiny", architecture="sentence-transformers", **{**ORIGIN, **rows})
    encoder = load_text_encoder(publish(tmp_path / "saved", tmp_path / "shared"), device="cpu")
    texts = ["acme steel", "dairy corp", ""]
    expected = plain.encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(encoder.encode(texts), expected, rtol=0, atol=1e-6)
    assert encoder.name == "tiny"
    assert encoder.serializer == {"labels": True, "separator": " "}


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache"
    assert cache_folder(tmp_path / "other") == tmp_path / "other"
    monkeypatch.delenv("LINKTRANSFORMER_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "linktransformer"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "linktransformer"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "linktransformer"


def test_what_cannot_be_noted_is_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    Store(blocked).remember(Seen("oci://h/x@v1", "sha256:1", "ab"))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert Store(blocked).recall("oci://h/x@v1") is None


def test_the_store_remembers_what_a_reference_stood_for(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.recall("oci://h/x@v1") is None
    store.remember(Seen("oci://h/x@v1", "sha256:1", "ab"))
    store.remember(Seen("oci://h/x@v2", "sha256:2", "cd"))
    assert store.recall("oci://h/x@v1") == Seen("oci://h/x@v1", "sha256:1", "ab")
    (file,) = (path for path in (tmp_path / "refs").iterdir() if '"ab"' in path.read_text())
    file.write_text(file.read_text().replace('"ab"', '"../../x"'))
    assert store.recall("oci://h/x@v1") is None
    file.write_text("{")
    assert store.recall("oci://h/x@v1") is None


def test_many_that_fetch_at_once_get_one_model(small: Path, tmp_path: Path) -> None:
    store, fills, found = Store(tmp_path / "cache"), [], []

    def fill(folder: Path) -> None:
        fills.append(len(everything_in(folder)))
        shutil.copytree(small, folder, dirs_exist_ok=True)

    def fetch() -> None:
        found.append(store.install("key", fill))

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({digest for _, digest in found}) == 1
    assert set(fills) == {0}  # never two in one folder
    assert [path.name for path in (tmp_path / "cache" / "models").iterdir()] == [found[0][1]]
    assert not list((tmp_path / "cache" / "partial").glob("*/"))


def test_nothing_is_touched_before_the_lock_is_held(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = tmp_path / "cache" / "partial"

    @contextlib.contextmanager
    def watched(path: Path) -> Iterator[None]:
        if not (tmp_path / "cache" / "models").exists():  # the first lock, that of the download
            assert not list(partial.glob("*/"))
        with locked(path):
            yield

    monkeypatch.setattr("model_hub.store.locked", watched)
    Store(tmp_path / "cache").install(
        "key", lambda folder: shutil.copytree(small, folder, dirs_exist_ok=True) and None
    )


def test_threads_note_a_reference_at_once(tmp_path: Path) -> None:
    store, failed = Store(tmp_path), []
    start = threading.Barrier(8)

    def note() -> None:
        start.wait()
        try:
            for _ in range(50):
                store.remember(Seen("oci://h/x@v1", "sha256:1", "ab"))
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=note) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert [path.suffix for path in (tmp_path / "refs").iterdir()] == [".json"]


def test_what_stays_of_a_download_that_fails(small: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")

    def breaks(folder: Path) -> None:
        (folder / "part").write_bytes(b"half")
        raise TransferError("The line broke.")

    def lies(folder: Path) -> None:
        assert (folder / "part").read_bytes() == b"half"  # what has come is there again
        shutil.copytree(small, folder, dirs_exist_ok=True)
        (folder / "model.safetensors").write_bytes(b"other")

    with pytest.raises(TransferError):
        store.install("key", breaks)
    with pytest.raises(ChecksumError):
        store.install("key", lies)
    assert not list((tmp_path / "cache" / "partial").glob("*/"))
    assert not list((tmp_path / "cache").glob("models/*"))


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_takes_no_files_is_one_line_in_the_log(
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
) -> None:
    root, mkdir = tmp_path / "cache", Path.mkdir

    def refused(path: Path, *args: Any, **named: Any) -> None:
        if path.is_relative_to(root):
            raise OSError(number, os.strerror(number))
        mkdir(path, *args, **named)

    monkeypatch.setattr(Path, "mkdir", refused)
    model, _ = Store(root).install(
        "key", lambda folder: shutil.copytree(small, folder, dirs_exist_ok=True) and None
    )
    assert verify(model.path).manifest == model.manifest and not root.exists()
    assert "kept for this process" in caplog.text


def test_a_cache_that_is_a_file_is_one_line_too(small: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("x")
    model, _ = Store(tmp_path / "cache").install(
        "key", lambda folder: shutil.copytree(small, folder, dirs_exist_ok=True) and None
    )
    assert verify(model.path).manifest == model.manifest


def test_a_full_disk_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(AccessError, match="Make room on that disk"):
        Store(tmp_path / "cache").install("key", full)


def test_a_changed_manifest_in_the_store_is_not_believed(
    small: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path / "cache")
    model, digest = store.install(
        "key", lambda folder: shutil.copytree(small, folder, dirs_exist_ok=True) and None
    )
    assert store.model(digest) == model
    text = (model.path / "manifest.json").read_text()
    (model.path / "manifest.json").write_text(text.replace('"lt-small-match-en"', '"lt-other-match-en"'))
    assert isinstance(verify(model.path), ModelFolder)  # a sound folder, but another model
    with caplog.at_level(logging.WARNING):
        assert store.model(digest) is None
    assert "manifest was changed" in caplog.text
    again, _ = store.install(
        "key", lambda folder: shutil.copytree(small, folder, dirs_exist_ok=True) and None
    )
    assert store.model(digest) == again


def test_a_lock_keeps_others_out(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path / "lock"):
            order.append("second")

    with locked(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
