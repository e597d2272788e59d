"""merge_k_judge against a server that misbehaves: no wrong match, no lost row, nothing paid for twice."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.encoding.remote import client
from tests.conftest import make, to_pandas
from tests.llm_server import KEY, Server, Step, serving, text_of

WORDS = ("anvil", "rocket", "magnet", "tunnel", "piano", "spring", "skates", "glue", "dynamite", "trap")
QUICK = {"ratelimit_sleep_time": 0.001, "timeout": 5.0, "progress": False}


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ten products in two shops, in one order; the index is not that of the rows."""
    left = pd.DataFrame({"name": [f"acme {word}" for word in WORDS]}, index=range(50, 60))
    right = pd.DataFrame({"name": [f"acme {word} new" for word in WORDS], "price": range(10)})
    return left, right


def words_of(request: dict[str, Any]) -> tuple[str, str]:
    pair = json.loads(text_of(request))
    return tuple(re.search(r"acme (\w+)", pair[side])[1] for side in ("record_1", "record_2"))  # type: ignore[index, return-value]


def truth(_: Server, request: dict[str, Any]) -> Step:
    one, other = words_of(request)
    return Step(json.dumps({"is_match": one == other, "confidence": 0.9}))


def judged(server: Server, cache: Any = False, **more: Any) -> Any:
    arguments = {"on": "name", "k": 2, "judge_llm_model": "small", "model": "lexical", **QUICK, **more}
    return lt.merge_k_judge(*tables(), openai_key=KEY, base_url=server.url, cache=cache, **arguments)


def test_the_right_pairs_match_in_left_order() -> None:
    with serving(truth) as server:
        found, usage = judged(server, return_usage=True)
    assert found["name_x"].tolist() == [f"acme {word}" for word in WORDS for _ in range(2)]
    same = found["name_x"] + " new" == found["name_y"]
    assert found["llm_is_match"].tolist() == same.astype(int).tolist()
    assert same.sum() == 10
    assert (found["llm_confidence"] == 0.9).all()
    assert found["llm_error"].isna().all()
    assert usage.calls == usage.requests == len(server.asked) == 20
    assert (usage.prompt_tokens, usage.completion_tokens) == (200, 60)
    assert server.most_at_once <= 8
    assert set(server.authorization) == {f"Bearer {KEY}"}
    assert not [thread for thread in threading.enumerate() if "language-model" in thread.name]


TROUBLE = {
    "anvil": Step(status=429, body={"error": {"message": f"slow down, {KEY}"}}, headers={"Retry-After": "0"}),
    "rocket": Step(status=500, body=b"oops"),
    "magnet": Step(body=b'{"choices": [{"mess'),
    "tunnel": Step(text='{"is_match": true}', cut=20),
    "piano": Step(status=503, body=b""),
}


def test_a_server_that_stumbles_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    def rule(server: Server, request: dict[str, Any]) -> Step:
        bad = TROUBLE.get(words_of(request)[0])
        return bad if bad is not None and server.times(text_of(request)) <= 2 else truth(server, request)

    caplog.set_level(logging.DEBUG)
    with serving(truth) as calm, serving(rule) as server:
        wanted = judged(calm)
        found, usage = judged(server, return_usage=True)
    pd.testing.assert_frame_equal(found, wanted)
    assert usage.requests == len(server.asked) == 20 + 2 * 2 * len(TROUBLE)
    assert KEY not in caplog.text


STRANGE = {
    "anvil": Step(body={"choices": []}),
    "rocket": Step(body={"choices": [{"message": {"content": None}}]}),
    "magnet": Step(body=["true"]),
    "tunnel": Step('{"is_match": true, "confi', finish="length"),
    "piano": Step("Yes, it is a match"),
    "spring": Step(status=400, body={"error": {"message": "content filter"}}),
    "skates": Step("Not a match"),
    "glue": Step('```json\n{"is_match": 0}\n```'),
    "dynamite": Step(status=500, body=b"always"),
    "trap": Step(body={"choices": [{"message": "true"}]}),
}


def test_what_cannot_be_understood_is_an_error_row_and_never_a_match() -> None:
    with serving(lambda _, request: STRANGE[words_of(request)[0]]) as server:
        found = judged(server, max_retries=2)
    assert len(found) == 20
    assert found["name_x"].tolist() == [f"acme {word}" for word in WORDS for _ in range(2)]
    no = found["name_x"].isin(["acme skates", "acme glue"])
    assert (found.loc[no, "llm_is_match"] == 0).all()
    assert found.loc[~no, "llm_is_match"].isna().all()
    assert found.loc[~no, "llm_error"].str.len().gt(5).all()
    assert found.loc[no, "llm_error"].isna().all()
    asked = [words_of(request)[0] for request in server.asked]
    assert [asked.count(word) for word in ("dynamite", "spring", "piano")] == [6, 2, 2]


def test_a_server_that_hangs_costs_a_time_out_and_no_row() -> None:
    def rule(server: Server, request: dict[str, Any]) -> Step:
        step = truth(server, request)
        step.hang = 30 if "record_1" in text_of(request) and words_of(request)[0] == "anvil" else 0
        return step

    with serving(rule) as server:
        began = time.monotonic()
        found = judged(server, max_retries=1, timeout=0.3)
        assert time.monotonic() - began < 5
    hung = found["name_x"] == "acme anvil"
    assert found.loc[hung, "llm_is_match"].isna().all()
    assert found.loc[hung, "llm_error"].str.contains("no answer in 0.3 s").all()
    assert found.loc[~hung, "llm_is_match"].sum() == 9


def test_a_server_that_is_gone_gives_error_rows_after_a_few_questions() -> None:
    with serving(truth) as server:
        pass
    found, usage = judged(server, max_retries=1, concurrency=1, return_usage=True)
    assert len(found) == 20
    assert found["llm_is_match"].isna().all()
    assert usage.requests == 2 * client.GIVE_UP_AFTER


@pytest.mark.parametrize("status", [401, 404, 429])
def test_a_refusal_ends_it_without_showing_the_key_and_keeps_what_came(status: int, tmp_path: Path) -> None:
    body = {"error": {"message": f"Incorrect key {KEY} or sk-TE***789", "code": "insufficient_quota"}}
    refused = Step(status=status, body=body)

    def rule(server: Server, request: dict[str, Any]) -> Step:
        return refused if len(server.asked) > 5 else truth(server, request)

    with serving(rule) as server:
        with pytest.raises(lt.ModelError) as caught:
            judged(server, tmp_path, concurrency=1)
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert KEY not in shown
        assert "sk-TE" not in shown
        server.rule = truth
        found, usage = judged(server, tmp_path, return_usage=True)
    assert usage.reused == 5
    assert found["llm_is_match"].sum() == 10
    assert len(server.asked) == 5 + 1 + 15


def test_no_redirect_leads_to_another_host() -> None:
    with serving(truth) as other:
        moved = Step(status=307, body=b"", headers={"Location": f"{other.url}/chat/completions"})
        with serving(lambda *_: moved) as server:
            found = judged(server, max_retries=0)
    assert other.asked == []
    assert found["llm_is_match"].isna().all()
    assert found["llm_error"].str.contains("another host|not asked").all()


def test_a_redirect_on_the_same_host_is_followed() -> None:
    # the handler answers every path
    def rule(server: Server, request: dict[str, Any]) -> Step:
        if server.times(text_of(request)) == 1:
            return Step(status=308, body=b"", headers={"Location": "/v2/chat/completions"})
        return truth(server, request)

    with serving(rule) as server:
        assert judged(server)["llm_is_match"].sum() == 10


PROGRAM = """
import sys
from tests.linktransformer.linking.test_llm_judge import judged, truth, Server
judged(Server(truth, url=sys.argv[1]), sys.argv[2], concurrency=2)
"""


def test_what_was_paid_for_before_a_kill_is_not_asked_again(tmp_path: Path) -> None:
    def rule(server: Server, request: dict[str, Any]) -> Step:
        step = truth(server, request)
        step.hang = 60 if len(server.asked) > 7 else 0
        return step

    with serving(rule) as server:
        root = Path(__file__).parents[3]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", PROGRAM, server.url, str(tmp_path)]
        with subprocess.Popen(command, env=environment, cwd=root) as process:
            limit = time.monotonic() + 60
            while len(server.asked) < 9 and time.monotonic() < limit:
                time.sleep(0.02)
            time.sleep(0.1)
            process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        answered = set(server.answered)
        assert len(answered) == 7
        path = tmp_path / "llm" / "answers.jsonl"
        path.write_bytes(path.read_bytes() + b'{"key":"' + b"0" * 64 + b'","sum":"ab')  # half a line
        server.released.set()
        server.rule, server.asked[:] = truth, []
        found, usage = judged(server, tmp_path, return_usage=True)
        again = judged(server, tmp_path)
    assert usage.reused == 7
    assert len(server.asked) == 13
    assert not answered & {text_of(request) for request in server.asked}
    assert found["llm_is_match"].sum() == 10
    pd.testing.assert_frame_equal(again, found)
    assert KEY.encode() not in path.read_bytes()


def test_a_kill_on_a_server_that_stumbles_costs_no_answer_and_no_row(tmp_path: Path) -> None:
    good: set[str] = set()

    def rule(server: Server, request: dict[str, Any]) -> Step:
        text = text_of(request)
        if len(good) >= 8:
            return Step("{}", hang=60)
        bad = TROUBLE.get(words_of(request)[0])
        if bad is not None and server.times(text) <= 1:
            return bad
        good.add(text)
        return truth(server, request)

    with serving(truth) as calm, serving(rule) as server:
        wanted = judged(calm)
        root = Path(__file__).parents[3]
        command = [sys.executable, "-c", PROGRAM, server.url, str(tmp_path)]
        with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(root)}, cwd=root) as process:
            path, limit = tmp_path / "llm" / "answers.jsonl", time.monotonic() + 60
            while not (path.exists() and path.read_bytes().count(b"\n") >= 8) and time.monotonic() < limit:
                time.sleep(0.02)  # every good answer is on disk
            process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        server.released.set()
        server.rule, server.asked[:] = truth, []
        found, usage = judged(server, tmp_path, return_usage=True)
    assert usage.reused == len(good) == 8
    assert not good & {text_of(request) for request in server.asked}
    pd.testing.assert_frame_equal(found, wanted)


def test_an_interrupt_leaves_no_thread_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "GRACE", 0.1)
    real = client.wait
    interrupted: list[int] = []

    def wait(*arguments: Any, **more: Any) -> Any:
        if not interrupted:
            interrupted.append(1)
            time.sleep(0.2)
            raise KeyboardInterrupt
        return real(*arguments, **more)

    monkeypatch.setattr(client, "wait", wait)
    with serving(lambda *_: Step("no", hang=30)) as server:
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            judged(server)
        assert time.monotonic() - began < 3
        assert not [thread for thread in threading.enumerate() if "language-model" in thread.name]


def test_a_dry_run_asks_nobody_and_counts_what_is_left(tmp_path: Path) -> None:
    with serving(truth) as server:
        before = judged(server, tmp_path, dry_run=True)
        assert server.asked == []
        judged(server, tmp_path)
        sent = sum(len(m["content"]) for request in server.asked for m in request["messages"])
        assert (before.calls, before.reused, before.prompt_characters) == (20, 0, sent)
        after = judged(server, tmp_path, dry_run=True)
    assert (after.calls, after.reused, after.prompt_tokens, after.most_completion_tokens) == (0, 20, 0, 0)


def test_rows_without_a_key_and_equal_texts(library: str) -> None:
    left = make(library, {"name": ["acme glue", None, "acme glue"], "score": [1, 2, 3]})
    right = make(library, {"name": ["acme glue", "acme piano", None]})
    with serving(truth) as server:
        found = lt.merge_knn_with_llm(
            left, right, on="name", k=1, judge_llm_model="m", base_url=server.url, cache=False, **QUICK
        )
    assert type(found) is type(left)
    frame = to_pandas(found)
    assert [None if pd.isna(value) else int(value) for value in frame["llm_is_match"]] == [1, None, 1]
    assert frame["llm_error"].tolist()[1] == "no key"
    assert frame["score"].tolist() == [1, 2, 3]
    assert "score_lt" in frame
    assert len(server.asked) == 1
    assert server.authorization == [None]


def test_a_match_below_the_confidence_asked_for_is_none() -> None:
    with serving(truth) as server:
        assert judged(server, confidence_threshold=0.95)["llm_is_match"].tolist() == [0] * 20


def test_a_prompt_and_parameters_of_the_callers() -> None:
    with serving(truth) as server:
        judged(server, llm_prompt="One shop?", llm_params={"max_tokens": 9, "temperature": None})
    request = server.asked[0]
    assert request["messages"][0]["content"].startswith("One shop?\n")
    assert '"is_match"' in request["messages"][0]["content"]
    assert request["max_tokens"] == 9
    assert "temperature" not in request


def test_a_parameter_that_the_server_refuses_is_in_the_usage_and_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def rule(server: Server, request: dict[str, Any]) -> Step:
        refuse = Step(status=400, body={"error": {"message": "max_tokens is not supported"}})
        return refuse if "max_tokens" in request else truth(server, request)

    with serving(rule) as server:
        found, usage = judged(server, return_usage=True, concurrency=1)
    assert found["llm_is_match"].sum() == 10
    assert usage.changed == ("max_tokens sent as max_completion_tokens",)
    assert usage.requests == len(server.asked) == 21
    assert caplog.text.count("max_tokens sent as max_completion_tokens") == 1


def test_a_dry_run_names_the_host_and_writes_nothing(tmp_path: Path) -> None:
    with serving(truth) as server:
        found = judged(server, tmp_path / "a", model=None, embedding_cache=tmp_path / "b", dry_run=True)
    assert found.host in server.url
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "wrong",
    [
        {"k": 0},
        {"judge_llm_model": None},
        {"concurrency": 0},
        {"max_retries": -1},
        {"timeout": 0},
        {"llm_params": {"model": "x"}},
        {"llm_provider": "other"},
        {"knn_sbert_model": "lexical"},
        {"confidence_threshold": "high"},
    ],
    ids=str,
)
def test_what_cannot_work_is_refused_before_anything_is_sent(wrong: dict[str, Any]) -> None:
    with serving(truth) as server:
        with pytest.raises(lt.InvalidArgumentError, match=next(iter(wrong)).split("_sbert")[0]):
            judged(server, **wrong)
        assert server.asked == []
