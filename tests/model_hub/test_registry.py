"""A model goes to a registry of containers and comes back the same, whatever happens on the way."""

from __future__ import annotations

import hashlib
import json
import logging
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
import model_hub
from clippings import load_text_encoder
from model_hub import (
    ChecksumError,
    ManifestError,
    ModelNotFoundError,
    TransferError,
    UnreachableError,
    UnsafeModelError,
    load,
    publish,
)
from model_hub.oci import blobs as oci_blobs
from model_hub.oci.repository import ARTIFACT, EMPTY, IMAGE, TITLE
from tests.cards import snippet
from tests.model_hub.conftest import Line, Registry, make_small

TEXTS = ["Deutsche Bank", "grüner Tee", "", "Acme Steel Corp., Boston"]
ROOT = Path(__file__).parents[2]
NEW_PROCESS = """
import sys, numpy as np
from clippings import load_text_encoder
np.save(sys.argv[2], load_text_encoder(sys.argv[1], threads=1).encode(sys.argv[3:]))
"""


def vectors_in_a_new_process(ref: str, out: Path) -> np.ndarray:
    subprocess.run([sys.executable, "-c", NEW_PROCESS, ref, str(out), *TEXTS], check=True, cwd=ROOT)
    return np.load(out)


def files_of(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "README.md")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def kept(tmp_path: Path) -> list[str]:
    """The models that a reader of the cache could be given."""
    return sorted(path.name for path in (tmp_path / "cache" / "models").glob("*"))


def test_published_listed_loaded_and_used(registry: Registry, model: Path, tmp_path: Path) -> None:
    before = load_text_encoder(model, threads=1).encode(TEXTS)
    ref = f"oci://{registry.host}/team/lt-firms-match-en:v1"
    moved: list[int] = []
    pinned = publish(model, ref, progress=moved.append)
    assert pinned.startswith(f"oci://{registry.host}/team/lt-firms-match-en@sha256:")
    assert sum(moved) >= sum(len(content) for content in files_of(model).values())
    assert publish(model, ref) == pinned  # same bytes, same hash
    publish(model, ref.replace(":v1", ":v2"))
    assert model_hub.list(ref) == ("v1", "v2")

    after = vectors_in_a_new_process(ref, tmp_path / "vectors.npy")
    np.testing.assert_array_equal(before, after)
    fetched = load(pinned)
    assert files_of(fetched.path) == files_of(model)
    card = (load(ref).path / "README.md").read_text("utf-8")
    assert f'model="{ref}"' in card
    values: dict[str, Any] = {"print": lambda table: None}
    exec(compile(snippet(card), "card", "exec"), values)
    assert values["linked"].name_y.tolist()[1:] == ["Baxter Dairy Company", "Crown Mills Ltd"]

    left = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy"]})
    right = pd.DataFrame({"name": ["Baxter Dairy Company", "ACME STEEL CORPORATION"]})
    linked = lt.merge(left, right, on="name", model=ref)
    assert linked.name_y.tolist() == ["ACME STEEL CORPORATION", "Baxter Dairy Company"]

    registry.stop()  # from the cache now: by hash in silence, by tag as last seen
    np.testing.assert_array_equal(vectors_in_a_new_process(pinned, tmp_path / "again.npy"), before)
    assert lt.merge(left, right, on="name", model=ref).equals(linked)


def test_without_a_connection_a_tag_is_what_it_was(
    registry: Registry, small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ref = f"oci://{registry.host}/small:v1"
    publish(small, ref)
    with pytest.raises(ModelNotFoundError, match="never fetched"):
        load(ref, offline=True)
    first = load(ref)
    registry.stop()
    with caplog.at_level(logging.WARNING, "model_hub"):
        assert load(ref) == first
    assert "as last seen (sha256:" in caplog.text
    caplog.clear()
    assert load(ref, offline=True) == first
    assert not caplog.records
    with pytest.raises(UnreachableError, match="cannot be reached"):
        load(f"oci://{registry.host}/small:v2")
    with pytest.raises(UnreachableError):
        publish(small, ref)


def test_a_tag_that_moved_is_followed_and_a_hash_is_not(
    registry: Registry, small: Path, tmp_path: Path
) -> None:
    ref = f"oci://{registry.host}/small:v1"
    old = publish(small, ref)
    assert load(ref).manifest.task == ""
    publish(make_small(tmp_path / "newer", task="newer"), ref)
    assert load(ref).manifest.task == "newer"
    assert load(old).manifest.task == ""


def test_what_the_registry_has_is_not_sent_again(registry: Registry, line: Line, small: Path) -> None:
    publish(small, f"oci://{line.host}/small:v1")
    sent = line.carried["up"]
    assert sent > 200_000
    publish(small, f"oci://{line.host}/small:v2")
    assert line.carried["up"] - sent < 10_000


def test_a_changed_byte_on_the_registrys_disk_is_refused(
    registry: Registry, small: Path, tmp_path: Path
) -> None:
    ref = f"oci://{registry.host}/small:v1"
    publish(small, ref)
    weights = (small / "model.safetensors").read_bytes()
    blob = registry.blob(hashlib.sha256(weights).hexdigest())
    blob.write_bytes(weights[:-1] + b"X")
    with pytest.raises(
        ChecksumError, match=r"damaged or changed.*model\.safetensors.*Nothing of it was kept"
    ):
        load(ref)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"]
    blob.write_bytes(weights)
    assert load(ref).manifest.name == "lt-small-match-en"


@pytest.mark.parametrize("chunk", [1 << 30, 30_000])
def test_an_upload_that_breaks_goes_on(
    registry: Registry, line: Line, small: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(oci_blobs, "CHUNK", chunk)
    line.cut(2, up=20_000)
    publish(small, f"oci://{line.host}/small:v1")
    assert line.cuts == 0
    assert files_of(load(f"oci://{registry.host}/small:v1").path) == files_of(small)


@pytest.mark.parametrize("chunk", [1 << 30, 30_000])
def test_an_upload_that_stays_broken_shows_nothing(
    registry: Registry, line: Line, small: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(oci_blobs, "CHUNK", chunk)
    line.cut(1000, up=20_000)
    with pytest.raises(TransferError, match=r"connection to the registry broke.*Try again"):
        publish(small, f"oci://{line.host}/small:v1")
    with pytest.raises(ModelNotFoundError):
        load(f"oci://{registry.host}/small:v1")
    line.cut(0)
    publish(small, f"oci://{line.host}/small:v1")
    assert files_of(load(f"oci://{registry.host}/small:v1").path) == files_of(small)


def test_the_registry_dies_in_the_middle_of_an_upload(
    registry: Registry, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oci_blobs, "CHUNK", 50_000)
    done = 0

    def dies(moved: int) -> None:
        nonlocal done
        done += moved
        if done > 120_000:
            registry.stop()

    with pytest.raises(TransferError):
        publish(small, f"oci://{registry.host}/small:v1", progress=dies)
    registry.start()
    with pytest.raises(ModelNotFoundError):
        load(f"oci://{registry.host}/small:v1")
    publish(small, f"oci://{registry.host}/small:v1")
    assert files_of(load(f"oci://{registry.host}/small:v1").path) == files_of(small)


def test_a_download_that_breaks_goes_on_where_it_stopped(
    registry: Registry, line: Line, small: Path, tmp_path: Path
) -> None:
    publish(small, f"oci://{registry.host}/small:v1")
    line.cut(3, down=90_000)
    moved: list[int] = []
    found = load(f"oci://{line.host}/small:v1", progress=moved.append)
    assert line.cuts < 3
    assert files_of(found.path) == files_of(small)
    card = len((found.path / "README.md").read_bytes())
    assert (
        sum(moved) == sum(len(content) for content in files_of(small).values()) + card
    )  # nothing came twice
    assert not list((tmp_path / "cache" / "partial").glob("*/"))


def test_a_download_that_stays_broken_is_not_visible_and_goes_on_later(
    registry: Registry, line: Line, small: Path, tmp_path: Path
) -> None:
    publish(small, f"oci://{registry.host}/small:v1")
    ref = f"oci://{line.host}/small:v1"
    line.cut(1000, down=1000)
    with pytest.raises(TransferError):
        load(ref)
    moved: list[int] = []

    def dies(count: int) -> None:
        moved.append(count)
        if sum(moved) > 100_000:
            registry.stop()

    line.cut(0)
    line.cut(1000, down=150_000)
    with pytest.raises(TransferError):
        load(ref, progress=dies)
    assert kept(tmp_path) == []
    with pytest.raises(ModelNotFoundError):
        load(ref, offline=True)
    line.cut(0)
    registry.start()
    rest: list[int] = []
    assert files_of(load(ref, progress=rest.append).path) == files_of(small)
    assert sum(rest) < 150_000  # of 200,000: the rest was kept
    assert len(kept(tmp_path)) == 1


def test_a_damaged_cache_is_fetched_anew(
    registry: Registry, small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pinned = publish(small, f"oci://{registry.host}/small:v1")
    found = load(pinned)
    (found.path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(ModelNotFoundError, match="never fetched"):
        load(pinned, offline=True)
    assert "damaged" in caplog.text
    assert files_of(load(pinned).path) == files_of(small)


def put(registry: Registry, layers: list[tuple[str, bytes]], kind: str = ARTIFACT) -> str:
    """Push an image by hand, as somebody would who means no good."""

    def send(method: str, path: str, content: bytes, media: str) -> Any:
        url = path if path.startswith("http") else f"http://{registry.host}{path}"
        request = urllib.request.Request(url, content, {"Content-Type": media}, method=method)
        return urllib.request.urlopen(request, timeout=10).headers

    described = []
    for title, content in [("", b"{}"), *layers]:
        place = send("POST", "/v2/bad/blobs/uploads/", b"", "application/octet-stream")["Location"]
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        send("PUT", f"{place}&digest={digest}", content, "application/octet-stream")
        described.append(
            {"mediaType": "x/y", "digest": digest, "size": len(content), "annotations": {TITLE: title}}
        )
    image = {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "artifactType": kind,
        "config": EMPTY,
        "layers": described[1:],
    }
    send("PUT", "/v2/bad/manifests/v1", json.dumps(image).encode(), IMAGE)
    return f"oci://{registry.host}/bad:v1"


@pytest.mark.parametrize(
    ("titles", "error", "message"),
    [
        (["../x"], ManifestError, "lead out of its folder"),
        (["/etc/x"], ManifestError, "lead out of its folder"),
        (["a/../../x"], ManifestError, "lead out of its folder"),
        (["C:\\x"], ManifestError, "lead out of its folder"),
        (["a.json", "a.json"], ManifestError, "holds a file twice"),
        (["a.json", "A.json"], ManifestError, "holds a file twice"),
        (["manifest.json"], ManifestError, "holds a file twice"),
        (["pytorch_model.bin"], UnsafeModelError, "can run code"),
        (["modeling.py"], UnsafeModelError, "can run code"),
    ],
)
def test_images_that_mean_no_good(
    registry: Registry, small: Path, tmp_path: Path, titles: list[str], error: type[Exception], message: str
) -> None:
    files = [(name, content) for name, content in files_of(small).items()]
    ref = put(registry, [*files, *((title, b"x") for title in titles)])
    with pytest.raises(error, match=message):
        load(ref)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert not (tmp_path / "x").exists()


def test_a_manifest_that_leads_out_and_files_that_differ_from_it(registry: Registry, small: Path) -> None:
    files = files_of(small)
    values = json.loads(files["manifest.json"])
    values["files"][0]["path"] = "../../x"
    bad = {**files, "manifest.json": json.dumps(values).encode()}
    with pytest.raises(ManifestError, match="lead out of its folder"):
        load(put(registry, list(bad.items())))
    with pytest.raises(ChecksumError, match=r"does not hold the file.*modules\.json"):
        load(put(registry, list({**files, "modules.json": b"other"}.items())))
    with pytest.raises(ManifestError, match="not a model of ours"):
        load(put(registry, list(files.items()), "application/vnd.example"))
    with pytest.raises(ManifestError, match=r"no manifest\.json"):
        load(put(registry, [("a.json", b"{}")]))
    with pytest.raises(ModelNotFoundError, match=r"hash is not whole"):
        load(f"oci://{registry.host}/bad@sha256:abc")


def put_index(registry: Registry, images: list[dict[str, Any]]) -> str:
    """Push an index of images under the tag "all"; its digest."""
    kind = "application/vnd.oci.image.index.v1+json"
    content = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": images}).encode()
    url = f"http://{registry.host}/v2/small/manifests/all"
    urllib.request.urlopen(
        urllib.request.Request(url, content, {"Content-Type": kind}, method="PUT"), timeout=10
    ).close()
    return "sha256:" + hashlib.sha256(content).hexdigest()


def test_an_index_of_one_image_is_followed(registry: Registry, small: Path, tmp_path: Path) -> None:
    pinned = publish(small, f"oci://{registry.host}/small:v1").partition("@")[2]
    where = f"http://{registry.host}/v2/small/manifests/{pinned}"
    size = len(urllib.request.urlopen(urllib.request.Request(where, headers={"Accept": IMAGE})).read())
    image = {"mediaType": IMAGE, "digest": pinned, "size": size}
    index = put_index(registry, [image])
    for revision in (":all", f"@{index}"):
        assert load(f"oci://{registry.host}/small{revision}").manifest.name == "lt-small-match-en"
    other = publish(make_small(tmp_path / "other", b"x"), f"oci://{registry.host}/small:v2").partition("@")[2]
    put_index(registry, [image, {**image, "digest": other}])
    with pytest.raises(ManifestError, match="index of 2 images"):
        load(f"oci://{registry.host}/small:all")
    put_index(registry, [{**image, "artifactType": ARTIFACT}, {**image, "digest": other}])
    assert load(f"oci://{registry.host}/small:all").manifest.name == "lt-small-match-en"
