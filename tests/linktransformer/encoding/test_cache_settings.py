"""The embedding cache: the same bits with and without it, whatever happens to its files."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.cli.main import main
from linktransformer.encoding import cached_encoder, model_plan, vector_file, vector_store
from linktransformer.encoding.cache_settings import CacheSettings, check_cache
from linktransformer.errors import InvalidArgumentError
from tests.tiny_records import line

PROGRAM = Path(__file__).with_name("cached_job.py")
WORDS = ["acme", "baxter", "steel", "dairy", "motors", "paper", "mills", "north", "river", "stone"]
TEXTS = [f"{a} {b} {n}" for a in WORDS for b in WORDS for n in range(6)]  # 600


class Hashing:
    """A model whose vectors say which text they are of, and which of several models made them."""

    def __init__(self, cache_key: str | None = "v1", sign: float = 1.0) -> None:
        if cache_key is not None:
            self.cache_key = cache_key
        self.sign, self.seen, self.stop = sign, [], 10**9

    def encode(self, texts: list[str]) -> np.ndarray:
        if len(self.seen) + len(texts) > self.stop:
            raise KeyboardInterrupt
        self.seen += texts
        seeds = [sum(ord(letter) * 31**place for place, letter in enumerate(text)) for text in texts]
        return np.array([self.sign * np.random.default_rng(seed).normal(size=8) for seed in seeds])


def vectors(model: Any, folder: Any, texts: list[str] | None = None) -> np.ndarray:
    found = model_plan.plan(model, None, folder)
    return model_plan.embed(found.encoder, TEXTS if texts is None else texts)


def files(folder: Path) -> list[Path]:
    return vector_store.segment_files(folder)


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clippings.text.text_encoder.CHUNK", 100)
    monkeypatch.setattr(cached_encoder, "LEAST", 100)


@pytest.mark.usefixtures("small_groups")
def test_the_same_bits_and_nothing_twice(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    plain = vectors(Hashing(), None)
    first, second = Hashing(), Hashing()
    assert np.array_equal(vectors(first, tmp_path), plain)
    assert len(files(tmp_path)) == 6 and first.seen == TEXTS
    assert np.array_equal(vectors(second, tmp_path), plain)
    assert second.seen == [] and "600 of 600 texts from the cache" in caplog.text
    mixed = [text for pair in zip(TEXTS[:50], (f"new {n}" for n in range(50)), strict=True) for text in pair]
    assert np.array_equal(vectors(second, tmp_path, mixed), vectors(Hashing(), None, mixed))
    assert second.seen == mixed[1::2]


def test_the_bundled_model_gives_the_same_bits(tmp_path: Path) -> None:
    some = TEXTS[::5]
    plain = vectors(None, None, some)
    vectors(None, tmp_path, some[7:60])
    assert np.array_equal(vectors(None, tmp_path, some), plain)
    found = model_plan.plan(None, None, tmp_path).encoder
    assert np.array_equal(model_plan.embed(found, some), plain)
    assert found.counts == {"reused": len(some), "encoded": 0}


def test_surrogates_and_empty_texts_are_texts(tmp_path: Path) -> None:
    strange = ["", "\ud800", "\ufffd", "a\0b", "a", "é", "e\u0301"]
    plain = vectors(None, None, strange)
    for _ in range(2):
        assert np.array_equal(vectors(None, tmp_path, strange), plain)


@pytest.mark.usefixtures("small_groups")
def test_what_was_encoded_before_a_stop_is_kept(tmp_path: Path) -> None:
    model = Hashing()
    model.stop = 350
    with pytest.raises(KeyboardInterrupt):
        vectors(model, tmp_path)
    again = Hashing()
    assert np.array_equal(vectors(again, tmp_path), vectors(Hashing(), None))
    assert again.seen == TEXTS[300:]


@pytest.mark.parametrize("harm", ["cut", "cut short", "empty", "line", "key", "row", "last byte", "no json"])
@pytest.mark.usefixtures("small_groups")
def test_a_damaged_file_is_noticed(tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture) -> None:
    plain = vectors(Hashing(), tmp_path)
    path = files(tmp_path)[2]
    data = bytearray(path.read_bytes())
    start = data.index(b"\n") + 1
    if harm in ("cut", "cut short", "empty"):
        data = data[: {"cut": len(data) // 2, "cut short": 10, "empty": 0}[harm]]
    elif harm == "no json":
        data[:start] = b"[]\n"
    else:
        place = {"line": data.index(b"rows") + 10, "key": start + 20, "row": start + 1700, "last byte": -1}
        data[place[harm]] ^= 1
    path.write_bytes(data)
    model = Hashing()
    assert np.array_equal(vectors(model, tmp_path), plain)
    assert len(model.seen) == 100 and caplog.text.count("is damaged") == 1
    assert np.array_equal(vectors(model, tmp_path), plain)
    assert len(model.seen) == 100 and caplog.text.count("is damaged") == 1


def test_vectors_of_one_model_are_not_taken_for_those_of_another(tmp_path: Path) -> None:
    plain = vectors(Hashing(), tmp_path)
    assert np.array_equal(vectors(Hashing("v2", -1.0), tmp_path), -plain)
    # even where somebody moves the files
    one, other = sorted(path.parent for path in files(tmp_path))
    shutil.copy(next(one.iterdir()), other)
    shutil.copy(next(other.iterdir()), one)
    assert np.array_equal(vectors(Hashing(), tmp_path), plain)
    assert np.array_equal(vectors(Hashing("v2", -1.0), tmp_path), -plain)


def test_a_model_that_says_nothing_of_itself_is_not_cached(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    mute = Hashing(None)
    for _ in range(2):
        vectors(mute, tmp_path, ["a"])
    assert mute.seen == ["a", "a"] and not files(tmp_path)
    assert caplog.text.count("the cache is not used") == 2
    mute.revision = "r1"  # type: ignore[attr-defined] # what other objects have
    vectors(mute, tmp_path, ["a"])
    vectors(mute, tmp_path, ["a"])
    assert len(mute.seen) == 3


def test_an_encoder_in_the_callers_hands_may_have_been_trained(tmp_path: Path) -> None:
    from clippings import wrap_encoder

    given = wrap_encoder(Hashing())
    vectors(given, tmp_path, ["a"])
    assert not files(tmp_path)


@pytest.mark.usefixtures("small_groups")
def test_the_size_is_bounded_and_the_least_used_go_first(tmp_path: Path) -> None:
    vectors(Hashing(), tmp_path)
    six = files(tmp_path)
    one = six[0].stat().st_size
    for age, path in enumerate(reversed(six)):
        os.utime(path, (1e9 - age, 1e9 - age))
    settings = CacheSettings(tmp_path, max_bytes=5 * one)
    oldest = vector_file.open_segment(files(tmp_path)[0], six[0].parent.name)
    first = [text for text in TEXTS if vector_store.keys_of([text.encode()])[0] in oldest.keys]
    assert len(first) == 100
    reader = Hashing()
    vectors(reader, tmp_path, first)  # now the oldest is the one that was used last
    assert reader.seen == []
    vectors(reader, settings, [f"more {n}" for n in range(100)])
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 5 * one
    assert oldest.path in files(tmp_path)
    assert np.array_equal(vectors(Hashing(), settings), vectors(Hashing(), None))
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 5 * one


def test_a_file_that_was_never_finished_is_removed(tmp_path: Path) -> None:
    settings = CacheSettings(tmp_path, max_bytes=1)
    vectors(Hashing(), settings, ["a"])
    folder = next(path for path in tmp_path.iterdir() if path.is_dir())
    old, young = folder / "a.writing", folder / "b.writing"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (1e9, 1e9))
    vectors(Hashing(), settings, ["b"])
    assert young.exists() and not old.exists()


def test_small_files_are_joined(tmp_path: Path) -> None:
    for number in range(vector_store.MANY_SMALL + 3):
        vectors(Hashing(), tmp_path, TEXTS[number : number + 2])
    assert len(files(tmp_path)) < 10
    model = Hashing()
    some = TEXTS[: vector_store.MANY_SMALL]
    assert np.array_equal(vectors(model, tmp_path, some), vectors(Hashing(), None, some)) and model.seen == []


def test_a_folder_that_cannot_be_written_costs_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = vectors(Hashing(), tmp_path, TEXTS[:100])
    monkeypatch.setattr("clippings.text.text_encoder.CHUNK", 100)
    monkeypatch.setattr(cached_encoder, "LEAST", 100)

    def refuse(*_: Any) -> Path:
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr(vector_store, "write_segment", refuse)
    model = Hashing()
    assert np.array_equal(vectors(model, tmp_path), vectors(Hashing(), None))
    assert caplog.text.count("cannot be kept") == 1 and model.seen == TEXTS[100:]
    assert np.array_equal(vectors(model, tmp_path, TEXTS[:100]), plain) and len(model.seen) == 500


def test_a_file_in_the_folders_place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "taken").write_text("x")
    assert np.array_equal(vectors(Hashing(), tmp_path / "taken"), vectors(Hashing(), None))
    assert caplog.text.count("cannot be kept") == 1


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    left = pd.DataFrame({"name": [text.title() for text in TEXTS[::6]]})
    return left, pd.DataFrame({"name": [f"{text} co" for text in TEXTS[::6]]})


def test_every_verb_has_it(tmp_path: Path) -> None:
    left, right = tables()
    for verb in (lt.merge, lt.cluster_rows, lt.dedup_rows):
        given = (left, right) if verb is lt.merge else (left,)
        plain = verb(*given, on="name", model=Hashing())
        for _ in range(2):
            pd.testing.assert_frame_equal(verb(*given, on="name", model=Hashing(), cache=tmp_path), plain)
    links = lt.link(left, right, on="name", model=Hashing(), cache=tmp_path)
    assert links.report()["cache"] == {"reused": 200, "encoded": 0}
    report = lt.cluster(left, on="name", model=Hashing(), cache=tmp_path).report()
    assert report["cache"] == {"reused": 100, "encoded": 0}
    assert "cache" not in lt.link(left, right, on="name", model=Hashing()).report()
    known = [(n, n) for n in range(100)]
    fitted = [
        lt.fit_decision(left, right, known, on="name", cache=kept, out=tmp_path / out)
        for kept, out in ((None, "a"), (tmp_path / "kept", "b"))
    ]
    assert fitted[0].metrics == fitted[1].metrics and files(tmp_path / "kept")
    # the decision in the folder changes no vector
    for first in (True, False):  # with labels other records may be in doubt
        merged = lt.link(left, right, on="name", model=fitted[1], cache=tmp_path / "kept")
        assert first or merged.report()["cache"]["encoded"] == 0


def test_rows_with_pictures(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from clippings.records.bi_encoder import BiEncoder
    from clippings.records.bi_encoder_config import BiEncoderConfig
    from clippings.records.torch_encoder import save

    save(BiEncoder(BiEncoderConfig.tiny()), tmp_path / "model")
    draw, kept = np.random.default_rng(0), tmp_path / "kept"
    names = ["abcd", "cdef", "efgh", "ghij", "aaab", "bbbc", "dddc", "fijj"]
    table = pd.DataFrame({"name": [*names[:6], None, "fijj"], "sure": [0.9, 0.8, None, 0.5, 1, 0, None, 1]})
    table["crop"] = [None if name == "efgh" else line(name, draw) for name in names]
    left, right = table, table.sample(frac=1, random_state=0, ignore_index=True)
    options: dict[str, Any] = {"on": "name", "images": "crop", "confidence": "sure"}
    options |= {"model": tmp_path / "model", "device": "cpu"}
    plain = lt.link(left, right, **options)
    for reused in (len(right), 2 * len(right)):  # the right table has what the left one has
        found = lt.link(left, right, **options, cache=kept)
        pd.testing.assert_frame_equal(found.pairs, plain.pairs)
        assert found.report()["cache"] == {"reused": reused, "encoded": 16 - reused}
    other = left.assign(sure=[0.1, 0.8, None, 0.5, 1, 0, None, 1])
    other["crop"] = [255 - crop if n == 3 else crop for n, crop in enumerate(left["crop"])]
    report = lt.link(other, right, **options, cache=kept).report()
    assert report["cache"] == {"reused": 14, "encoded": 2}  # another confidence, another picture


@pytest.fixture(scope="module")
def without_cache(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("plain") / "plain.npy"
    assert _job(out, "none", "0").returncode == 0
    return out.read_bytes()


@pytest.mark.parametrize("point", [120, 650, 1100], ids=["early", "late", "after"])
def test_killed_and_run_again(tmp_path: Path, point: int, without_cache: bytes) -> None:
    killed = _job(tmp_path / "no.npy", str(tmp_path / "kept"), str(point))
    assert killed.returncode == -signal.SIGKILL and not (tmp_path / "no.npy").exists()
    again = _job(tmp_path / "again.npy", str(tmp_path / "kept"), "0")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again.npy").read_bytes() == without_cache
    reused = {120: 100, 650: 600, 1100: 1000}[point]
    assert again.stdout.strip() == f"reused {reused} encoded {1000 - reused}"
    assert f"{min(reused, 500)} of 500 texts from the cache" in again.stderr


def test_several_processes_at_once(tmp_path: Path, without_cache: bytes) -> None:
    kept, outs = str(tmp_path / "kept"), [tmp_path / f"{n}.npy" for n in range(3)]
    started = [_start(out, kept, "0", "small") for out in outs]
    for process in started:
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0 and "damaged" not in told, told
    assert {out.read_bytes() for out in outs} == {without_cache}


def _start(out: Path, kept: str, point: str, bound: str = "large") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(out), kept, point, bound],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PROGRAM.parents[2]), *sys.path])},
    )


def _job(out: Path, kept: str, point: str) -> Any:
    process = _start(out, kept, point)
    stdout, stderr = process.communicate(timeout=120)
    return subprocess.CompletedProcess([], process.returncode, stdout, stderr)


@pytest.mark.parametrize("given", [3, "", b"x", 1.5, ["a"]], ids=repr)
def test_what_is_no_cache(given: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="cache="):
        check_cache(given)
    with pytest.raises(InvalidArgumentError, match="cache="):
        lt.merge(*tables(), on="name", model="lexical", cache=given)


def test_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LINKTRANSFORMER_CACHE", str(tmp_path))
    assert CacheSettings().place() == tmp_path / "embeddings"
    assert check_cache(True) == CacheSettings() and check_cache(False) is check_cache(None) is None
    assert CacheSettings().bound() == 10**10
    monkeypatch.setenv("LINKTRANSFORMER_CACHE_SIZE", " 1.5 gb")
    assert CacheSettings().bound() == 1_500_000_000 and CacheSettings(max_bytes=7).bound() == 7
    monkeypatch.setenv("LINKTRANSFORMER_CACHE_SIZE", "much")
    with pytest.raises(InvalidArgumentError, match="LINKTRANSFORMER_CACHE_SIZE='MUCH'"):
        CacheSettings()
    monkeypatch.delenv("LINKTRANSFORMER_CACHE_SIZE")
    for wrong in ({"max_bytes": 0}, {"max_bytes": True}, {"max_bytes": "1GB"}, {"folder": 3}, {"folder": ""}):
        with pytest.raises(InvalidArgumentError):
            CacheSettings(**wrong)  # type: ignore[arg-type] # that is the point


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, table in zip(("left", "right"), tables(), strict=True):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    kept, given = str(tmp_path / "kept"), [str(tmp_path / "left.csv"), str(tmp_path / "right.csv")]
    outputs, options = [], ["--on", "name", "--model", "full"]
    for _ in range(2):
        assert main(["merge", *given, *options, "--cache", kept, "--report", str(tmp_path / "r.json")]) == 0
        outputs.append(capsys.readouterr().out)
    assert json.loads((tmp_path / "r.json").read_text())["cache"] == {"reused": 200, "encoded": 0}
    assert outputs[0] == outputs[1]
    assert main(["dedup", given[0], "--on", "name", "--cache", kept, "--quiet"]) == 0
    capsys.readouterr()
    assert main(["cache", "info", kept]) == 0
    size = sum(path.stat().st_size for path in files(tmp_path / "kept"))
    told = capsys.readouterr().out
    assert "models: 1\n" in told and f"bytes: {size} of" in told
    other = tmp_path / "kept" / "mine.txt"
    other.write_text("stays")
    assert main(["cache", "clear", kept]) == 0 and files(tmp_path / "kept") == [] and other.exists()


@pytest.mark.usefixtures("small_groups")
def test_progress_counts_what_is_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import contextmanager

    shown: list[list[int]] = []

    @contextmanager
    def stage(name: str, total: int) -> Any:
        shown.append([total, 0])

        def tick(n: int) -> None:
            shown[-1][1] += n

        yield tick

    monkeypatch.setattr(model_plan.progress, "stage", stage)
    vectors(Hashing(), tmp_path, TEXTS[:150])
    vectors(Hashing(), tmp_path)
    assert shown == [[150, 150], [450, 450]]


def test_slow_models_are_kept_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clippings.text.text_encoder.CHUNK", 10)
    monkeypatch.setattr(cached_encoder, "SECONDS", 0.0)
    vectors(Hashing(), tmp_path, TEXTS[:50])
    assert len(files(tmp_path)) == 5
    assert time.time() - files(tmp_path)[0].stat().st_mtime < 60
