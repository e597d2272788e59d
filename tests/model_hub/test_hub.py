"""The same on the Hugging Face Hub: here a server of this machine that speaks as it does."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
import model_hub
from clippings import load_text_encoder, loading
from model_hub import (
    AccessError,
    ChecksumError,
    ManifestError,
    ModelNotFoundError,
    ModelRef,
    TransferError,
    UnreachableError,
    bundled,
    load,
    parse,
    publish,
)
from tests.model_hub.conftest import make_small
from tests.model_hub.hub_server import TOKEN, Hub, Repository

pytest.importorskip("huggingface_hub")
# how huggingface_hub calls its HTTP library, not ours to mend
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
ROOT = Path(__file__).parents[2]
TEXTS = ["Deutsche Bank", "grüner Tee"]
NEW_PROCESS = """
import sys, numpy as np
from clippings import load_text_encoder
np.save(sys.argv[2], load_text_encoder(sys.argv[1], threads=1).encode(sys.argv[3:]))
"""


def files_of(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "README.md")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def in_a_new_process(ref: str, out: Path) -> np.ndarray:
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-c", NEW_PROCESS, ref, str(out), *TEXTS]
    subprocess.run(command, check=True, cwd=ROOT, env=environment)
    return np.load(out)


def test_published_listed_loaded_and_used(hub: Hub, model: Path, tmp_path: Path) -> None:
    before = load_text_encoder(model, threads=1).encode(TEXTS)
    pinned = publish(model, "hf://team/lt-firms-match-en@v1", private=True)
    assert pinned == f"hf://team/lt-firms-match-en@{hub.repositories['team/lt-firms-match-en'].main}"
    assert hub.repositories["team/lt-firms-match-en"].private
    assert model_hub.list("team/lt-firms-match-en") == ("v1", "main")
    with pytest.raises(ManifestError, match="has this tag"):
        publish(model, "hf://team/lt-firms-match-en@v1")

    np.testing.assert_array_equal(in_a_new_process("team/lt-firms-match-en@v1", tmp_path / "v.npy"), before)
    fetched = load(pinned)
    assert files_of(fetched.path) == files_of(model)
    assert 'model="hf://team/lt-firms-match-en@v1"' in (fetched.path / "README.md").read_text("utf-8")
    left = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy"]})
    right = pd.DataFrame({"name": ["Baxter Dairy Company", "ACME STEEL CORPORATION"]})
    linked = lt.merge(left, right, on="name", model=pinned)
    assert linked.name_y.tolist() == ["ACME STEEL CORPORATION", "Baxter Dairy Company"]

    hub.close()
    np.testing.assert_array_equal(in_a_new_process("team/lt-firms-match-en@v1", tmp_path / "w.npy"), before)
    assert lt.merge(left, right, on="name", model="team/lt-firms-match-en@v1").equals(linked)


def test_a_download_that_breaks_goes_on(hub: Hub, small: Path, tmp_path: Path) -> None:
    pinned = publish(small, "team/small")
    hub.cuts, hub.cut_after = 1, 150_000
    assert files_of(load(pinned).path) == files_of(small)
    assert hub.cuts == 0
    assert hub.ranges == ["model.safetensors:150000"]
    assert not list((tmp_path / "cache" / "partial").glob("*/"))


def test_a_download_that_stays_broken_is_not_visible(hub: Hub, small: Path, tmp_path: Path) -> None:
    pinned = publish(small, "team/small")
    hub.cuts, hub.cut_after = 10_000, 10
    with pytest.raises((TransferError, ChecksumError)):
        load(pinned)
    assert not list((tmp_path / "cache" / "models").glob("*"))
    with pytest.raises(ModelNotFoundError, match="never fetched"):
        load(pinned, offline=True)
    hub.cuts = 0
    assert files_of(load(pinned).path) == files_of(small)


def test_an_upload_that_breaks_shows_nothing(hub: Hub, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.broken_upload = True
    with pytest.raises(TransferError, match="connection to the hub broke"):
        publish(small, "team/small")
    with pytest.raises(ModelNotFoundError):
        load("hf://team/small@v1")
    hub.broken_upload = False
    publish(small, "team/small@v1")
    assert files_of(load("team/small@v1").path) == files_of(small)


def test_changed_bytes_and_paths_that_lead_out_are_refused(hub: Hub, small: Path, tmp_path: Path) -> None:
    pinned = publish(small, "team/small")
    repository = hub.repositories["team/small"]
    tree = repository.commits[repository.main]
    good = dict(tree)
    tree["model.safetensors"] = good["model.safetensors"][:-1] + b"X"
    with pytest.raises(ChecksumError, match=r"damaged or was changed.*model\.safetensors"):
        load(pinned)
    tree |= {**good, "manifest.json": good["manifest.json"].replace(b'"modules.json"', b'"../modules.json"')}
    hub.server.asked.clear()
    with pytest.raises(ManifestError, match="lead out of its folder"):
        load(pinned)
    assert {path.rpartition("/")[2] for _, path, _ in hub.server.asked if "/resolve/" in path} == {
        "manifest.json"
    }
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"]
    tree |= {**good, "extra.py": b"import os", "weights.pt": b"x"}  # beside the model: not fetched
    assert files_of(load(pinned).path) == files_of(small)


def test_who_is_not_let_in(
    hub: Hub,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong-key")
    with pytest.raises((AccessError, ModelNotFoundError), match="not let in") as caught:
        publish(small, "team/small")
    assert "hf_wrong-key" not in str(caught.value) + caplog.text
    publish(small, "team/small", token=TOKEN, private=True)
    with pytest.raises(ModelNotFoundError, match="not let in"):
        load("team/small")
    assert load("team/small", token=TOKEN).manifest.name == "lt-small-match-en"
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert TOKEN not in caplog.text + "".join(path.read_text("utf-8", "replace") for path in kept)


def test_what_is_not_there(hub: Hub, small: Path) -> None:
    publish(small, "team/small")
    with pytest.raises(ModelNotFoundError):
        load("team/nothing")
    with pytest.raises(ModelNotFoundError, match="no such model or revision"):
        load("team/small@v9")


def test_repositories_that_are_not_ours_are_left_to_sentence_transformers(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[ModelRef, bool]] = []

    def stands_in(ref: ModelRef, *_: object, local: bool) -> object:
        asked.append((ref, local))
        return type("Plain", (), {"encode": lambda self, texts: [[1.0, 0.0] for _ in texts]})()

    monkeypatch.setattr(loading, "load_sentence_transformer", stands_in)
    hub.repositories["other/plain"] = Repository(False, {"a" * 40: {"config.json": b"{}"}}, "a" * 40)
    with pytest.raises(ModelNotFoundError, match=r"no manifest\.json"):
        load("other/plain")
    assert len(hub.server.asked) == 1  # one question more than before, for those who publish nothing
    for ref in ("other/plain", "other/plain@" + "a" * 40):
        with pytest.raises(ModelNotFoundError, match=r"no manifest\.json"):
            load(ref)
        assert load_text_encoder(ref).name == ref
    hub.close()
    assert load_text_encoder("other/plain").encode(["a"]).tolist() == [[1.0, 0.0]]
    plain, pinned = parse("other/plain"), parse("other/plain@" + "a" * 40)
    assert asked == [(plain, False), (pinned, False), (plain, True)]  # no second try of a hub that is away


def test_without_a_connection(hub: Hub, small: Path, caplog: pytest.LogCaptureFixture) -> None:
    publish(small, "team/small@v1")
    first = load("team/small@v1")
    hub.close()
    assert load("hf://team/small@v1") == first
    assert "as last seen" in caplog.text
    with pytest.raises(UnreachableError, match="hub cannot be reached"):
        load("team/small@v2")


def test_the_newest_commit_is_loaded(hub: Hub, small: Path, tmp_path: Path) -> None:
    old = publish(small, "team/small")
    assert publish(small, "team/small").startswith("hf://team/small@")
    publish(make_small(tmp_path / "newer", task="newer"), "team/small")
    assert load("team/small").manifest.task == "newer"
    assert load(old).manifest.task == ""


@pytest.mark.network
def test_the_hub_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert "main" in model_hub.list("hf://sentence-transformers/all-MiniLM-L6-v2")
    with pytest.raises(ModelNotFoundError, match=r"no manifest\.json"):
        load("hf://sentence-transformers/all-MiniLM-L6-v2")


def test_huggingface_hub_is_asked_for_when_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelNotFoundError, match=r"pip install \"linktransformer\[hub\]\""):
        publish(bundled(), "team/small")
