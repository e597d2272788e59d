"""Models are found by what users call them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import model_hub
from model_hub import (
    DEFAULT,
    ModelNotFoundError,
    ModelRef,
    UnreachableError,
    bundled,
    bundled_models,
    open_model,
    parse,
)

MEGABYTES = 48_000_000  # 35 of the text model, 11 of its reader
ROOT = Path(__file__).parents[2]


def test_default_is_among_the_bundled_models() -> None:
    assert DEFAULT in bundled_models()
    assert bundled() == bundled(DEFAULT) == open_model(DEFAULT)
    assert bundled().manifest.name == DEFAULT


@pytest.mark.parametrize("name", bundled_models())
def test_bundled_model_is_small_and_has_its_licence(name: str) -> None:
    model = bundled(name)
    assert model.manifest.name == name
    found = {path.relative_to(model.path).as_posix(): path.stat().st_size for path in model.path.rglob("*")}
    assert sum(found.values()) <= MEGABYTES
    assert set(found) - {"manifest.json", "README.md"} == {file.path for file in model.manifest.files}
    terms, credit = {
        "linker-multilingual": ("MIT", "multilingual-e5-small"),
        "names": ("MIT", "GeoNames"),
        "photos": ("Apache License", "openclipart"),
    }[name]
    assert terms in model.file("LICENSE").read_text("utf-8")
    assert credit in model.file("NOTICE").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "kind", "name", "revision"),
    [
        (DEFAULT, "bundled", DEFAULT, None),
        ("org/name", "hub", "org/name", None),
        ("org/name@v1.2", "hub", "org/name", "v1.2"),
        ("org/name@refs/pr/1", "hub", "org/name", "refs/pr/1"),
        ("hf://org/name@main", "hub", "org/name", "main"),
        (
            "oci://example.org:5000/team/model@sha256:ab",
            "oci",
            "example.org:5000/team/model",
            "sha256:ab",
        ),
        ("oci://example.org/model:v1.2", "oci", "example.org/model", "v1.2"),
        ("oci://example.org/a/b/model", "oci", "example.org/a/b/model", None),
        ("oci://example.org/model:v1@sha256:ab", "oci", "example.org/model", "sha256:ab"),
        ("./here", "folder", "here", None),
        ("/a/b", "folder", "/a/b", None),
        (Path("org/name"), "folder", "org/name", None),
        (Path(DEFAULT), "folder", DEFAULT, None),
    ],
)
def test_parse(text: str | Path, kind: str, name: str, revision: str | None) -> None:
    found = parse(text)
    assert (found.kind, Path(found.name), found.revision) == (kind, Path(name), revision)


def test_folder_that_exists_goes_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse("org/name").kind == "hub"
    (tmp_path / "org" / "name").mkdir(parents=True)
    assert parse("org/name") == ModelRef("folder", str(Path("org/name")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nobody",
        "a/b/c",
        "org/name@",
        "http://x/y",
        "org/../x",
        "hf://x",
        "-a/b",
        "org/name@../x",
        "org/name@a/../x",
        "oci://host",
        "oci://host/",
        "oci://host/UPPER",
        "oci://host/a/../b",
        "oci://host/a:b/c",
        "oci://u:p@host/a",
        "oci://host/a@v1",
        "oci://host/a:",
        "oci://host/a@sha256:",
        "oci://host:port/a",
        "oci://host/a:-x",
    ],
)
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(ModelNotFoundError, match="no model of this name"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "shown", "pinned"),
    [
        ("org/name", "org/name", False),
        ("hf://org/name@v1", "org/name@v1", False),
        ("hf://org/name@" + "a" * 40, "org/name@" + "a" * 40, True),
        ("oci://h:5000/a/b:v1", "oci://h:5000/a/b:v1", False),
        ("oci://h/a@sha256:" + "a" * 64, "oci://h/a@sha256:" + "a" * 64, True),
        ("./a", "a", False),
    ],
)
def test_written_again_and_whether_it_is_a_hash(text: str, shown: str, pinned: bool) -> None:
    assert str(parse(text)) == shown
    assert parse(text).pinned is pinned
    assert text == "./a" or parse(shown) == parse(text)


def test_misspelled_name_gets_a_hint() -> None:
    with pytest.raises(FileNotFoundError, match=f"Did you mean '{DEFAULT}'"):
        open_model("linker-multilingua")
    with pytest.raises(ModelNotFoundError, match=f"There are: .*{DEFAULT}"):
        bundled("nothing")


def test_the_network_is_left_alone_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreachableError, match=r"not to be asked.*HF_HUB_OFFLINE and hf://org/name"):
        open_model("org/name@v1")
    monkeypatch.setenv("LINKTRANSFORMER_OFFLINE", "1")
    with pytest.raises(ModelNotFoundError, match=r"never fetched.*oci://localhost:1/x:v1.*pull"):
        open_model("oci://localhost:1/x:v1")


def test_import_loads_nothing_heavy() -> None:
    code = "import sys, model_hub, clippings; model_hub.bundled(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stdout.split())
    assert "model_hub.opening" in loaded
    assert not loaded & {"torch", "onnxruntime", "tokenizers", "numpy", "sentence_transformers"}


def test_public_names() -> None:
    assert all(getattr(model_hub, name) is not None for name in model_hub.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        model_hub.nothing  # noqa: B018
