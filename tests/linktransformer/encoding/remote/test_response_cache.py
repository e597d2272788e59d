"""A store of answers on a disk that cannot be written, is full, or is damaged: the call goes on."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.encoding.remote import response_cache
from linktransformer.encoding.remote.response_cache import ResponseCache
from tests.llm_server import Server, Step, serving, text_of

KEYS = [f"{n:064x}" for n in range(50)]


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def read_only(*_: object, **__: object) -> int:
    raise OSError(errno.EROFS, "Read-only file system")


def test_a_file_in_place_of_the_folder_is_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("mine")
    with ResponseCache(blocked) as cache:
        for key in KEYS:
            cache.put(key, {"text": key})
        assert [cache.get(key) for key in KEYS] == [{"text": key} for key in KEYS]
        assert not cache.on_disk
    assert len(caplog.records) == 1
    assert blocked.read_text() == "mine"


def test_answers_on_a_read_only_disk_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ResponseCache(tmp_path) as cache:
        cache.put(KEYS[0], "kept")
    monkeypatch.setattr(response_cache.os, "open", read_only)
    with ResponseCache(tmp_path) as cache:
        assert cache.get(KEYS[0]) == "kept"
        cache.put(KEYS[1], "new")
        assert cache.get(KEYS[1]) == "new"


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_is_one_line_in_the_log_and_costs_no_answer(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with ResponseCache(tmp_path) as cache:
        cache.put(KEYS[0], 0)
        monkeypatch.setattr(response_cache.os, call, full)
        for n, key in enumerate(KEYS):
            cache.put(key, n)
        assert [cache.get(key) for key in KEYS] == list(range(50))
    assert len(caplog.records) == 1
    monkeypatch.undo()
    with ResponseCache(tmp_path) as cache:
        assert cache.get(KEYS[0]) == 0


def test_half_a_line_of_a_full_disk_costs_the_next_process_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    with ResponseCache(tmp_path) as first, ResponseCache(tmp_path) as second:
        left = [20]

        def nearly_full(file: int, data: Any) -> int:
            if not left:
                full()
            return real(file, data[: left.pop()])

        monkeypatch.setattr(response_cache.os, "write", nearly_full)
        first.put(KEYS[0], "lost on disk")
        monkeypatch.undo()
        second.put(KEYS[1], "whole")
    with ResponseCache(tmp_path) as cache:
        assert (cache.get(KEYS[0]), cache.get(KEYS[1])) == (None, "whole")


def test_without_writing_nothing_is_made(tmp_path: Path) -> None:
    with ResponseCache(tmp_path / "none", write=False) as cache:
        assert cache.get(KEYS[0]) is None
    assert not list(tmp_path.iterdir())
    with ResponseCache(tmp_path) as cache:
        cache.put(KEYS[0], 1)
    path = tmp_path / "llm" / "answers.jsonl"
    path.write_bytes(path.read_bytes() + b"half")
    with ResponseCache(tmp_path, write=False) as cache:
        assert cache.get(KEYS[0]) == 1
    assert path.read_bytes().endswith(b"half")


def test_a_file_that_goes_away_while_it_is_read_is_asked_for_again(tmp_path: Path) -> None:
    with ResponseCache(tmp_path) as cache:
        cache.put(KEYS[0], 1)
    with ResponseCache(tmp_path) as cache:
        (tmp_path / "llm" / "answers.jsonl").unlink()
        assert cache.get(KEYS[0]) is None


def test_every_function_goes_on_without_its_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("LINKTRANSFORMER_CACHE", str(blocked))

    def rule(_: Server, request: dict[str, Any]) -> Step:
        if "input" in request:
            data = [{"embedding": [float(len(text)), 1.0]} for text in request["input"]]
            return Step(body={"data": data})
        return Step(json.dumps({"is_match": True, "label": "yes"}) if "record" in text_of(request) else "yes")

    left, right = pd.DataFrame({"name": ["Hull", "Ayr"]}), pd.DataFrame({"name": ["Hull", "Ayr"]})
    with serving(rule) as server:
        model = f"openai:m@{server.url}"
        assert lt.transform_rows(left, "name", model=model)["transformed_name"].tolist() == ["yes", "yes"]
        assert lt.transform_rows(left, "name", model=model, dry_run=True).calls == 2
        assert lt.classify_rows(left, "name", model, openai_topic="x").iloc[:, -1].tolist() == [1, 1]
        judged = lt.merge_k_judge(left, right, on="name", k=1, model="lexical", judge_llm_model=model)
        assert judged["llm_is_match"].tolist() == [1, 1]
        for cache in (None, True):
            assert len(lt.link(left, right, on="name", model=model, cache=cache).left_rows) == 2
    assert "answers cannot be kept" in caplog.text


def test_cache_false_keeps_nothing_and_a_dry_run_makes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache"
    monkeypatch.setenv("LINKTRANSFORMER_CACHE", str(folder))

    def rule(_: Server, request: dict[str, Any]) -> Step:
        if "input" in request:
            return Step(body={"data": [{"embedding": [float(len(t)), 1.0]} for t in request["input"]]})
        return Step('{"is_match": true}')

    left, right = pd.DataFrame({"name": ["Hull", "Ayr"]}), pd.DataFrame({"name": ["Hull", "Ayr"]})
    with serving(rule) as server:
        model = f"openai:m@{server.url}"
        assert lt.transform_rows(left, "name", model=model, dry_run=True).host == server.url[7:-3]
        lt.merge(left, right, on="name", model=model, cache=False)
        lt.merge_k_judge(left, right, on="name", knn_api_model=model, judge_llm_model=model, cache=False, k=1)
        lt.merge_k_judge(left, right, on="name", knn_api_model=model, judge_llm_model=model, dry_run=True)
        assert not folder.exists()
        lt.merge(left, right, on="name", model=model)
        assert list(folder.rglob("vectors-*.jsonl"))
