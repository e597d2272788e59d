"""Requests over connections that a server closes while they are idle, and waits that a server asks for."""

from __future__ import annotations

import time
from typing import Any

import pytest

import linktransformer as lt
from linktransformer.encoding.remote import client
from linktransformer.encoding.remote.client import Outcome, Patience, Requests, Route
from linktransformer.encoding.remote.endpoint import Endpoint, Secret
from linktransformer.encoding.remote.patience import seconds_of
from tests.llm_server import KEY, Server, Step, failed, serving

ROUTE = Route("embeddings", "choices", frozenset({"top_p"}), "llm_params")


def sent(server: Server, n: int, patience: Patience, **more: object) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}
    payloads: list[dict[str, Any]] = [{"input": number, **more} for number in range(n)]
    with Requests(Endpoint("m", server.url, Secret(KEY)), ROUTE, patience) as requests:
        requests.send_all(payloads, outcomes.__setitem__)
    return [outcomes[number] for number in range(n)]


def test_a_connection_that_was_closed_while_idle_costs_no_try() -> None:
    with serving(lambda *_: Step("ok", close=True)) as server:
        outcomes = sent(server, 5, Patience(retries=0, at_once=1))
    assert [(outcome.error, outcome.tries) for outcome in outcomes] == [(None, 1)] * 5
    assert len(server.asked) == 5


def test_all_requests_wait_for_a_retry_after() -> None:
    slow = Step(status=429, body={"error": {"message": "slow down"}}, headers={"Retry-After": "0.5"})
    with serving(lambda server, _: slow if len(server.asked) == 1 else Step("ok")) as server:
        began = time.monotonic()
        outcomes = sent(server, 3, Patience(retries=1, first_wait=0.0, at_once=1))
    assert time.monotonic() - began >= 0.5
    assert [outcome.tries for outcome in outcomes] == [2, 1, 1]


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, 0), ("3", 3), ("-1", 0), ("nan", 0), ("soon", 0), ("Sat, 01 Jan 2000", 0)]
)
def test_what_a_retry_after_may_be(header: str | None, seconds: float) -> None:
    assert seconds_of(header) == seconds
    assert 50 < seconds_of(time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 60))) <= 60


ONE = Patience(retries=1, first_wait=0.0, at_once=1)


def test_the_first_ten_questions_refused_by_one_status_end_the_call() -> None:
    with (
        serving(lambda *_: failed(f"no system role, key {KEY}", 422)) as server,
        pytest.raises(
            lt.ModelError, match=r"first 10 questions .422.: no system role.*llm_params="
        ) as caught,
    ):
        sent(server, 40, ONE)
    assert len(server.asked) == 10
    assert KEY not in str(caught.value)


def test_refusals_by_several_statuses_or_after_an_answer_are_errors_of_their_rows() -> None:
    def mixed(server: Server, _: object) -> Step:
        return failed("no", 400 + 22 * (len(server.asked) % 2))

    def later(server: Server, _: object) -> Step:
        return failed("flagged", 403) if len(server.asked) > 1 else Step("ok")

    for rule in (mixed, later):
        with serving(rule) as server:
            outcomes = sent(server, 25, ONE)
        assert len(server.asked) == 25
        assert sum(outcome.error is not None for outcome in outcomes) >= 24


def test_a_parameter_of_the_callers_is_renamed_and_never_left_out() -> None:
    refuse = failed("top_p is not supported here", 400)
    with serving(lambda _, request: refuse if "top_p" in request else Step("ok")) as server:
        outcomes = sent(server, 3, ONE, top_p=0.5)
    assert len(server.asked) == 3
    assert all("top_p is not supported" in (outcome.error or "") for outcome in outcomes)


def test_a_parameter_is_refused_once_in_a_call_and_an_answered_one_stays() -> None:
    refuse = failed("temperature cannot be set", 400)
    with serving(lambda _, request: refuse if "temperature" in request else Step("ok")) as server:
        outcomes = sent(server, 5, ONE, temperature=0)
    assert [(outcome.error, outcome.tries) for outcome in outcomes] == [(None, 2), *[(None, 1)] * 4]

    def long_text(_: Server, request: dict[str, Any]) -> Step:
        return failed("max_tokens is wrong for it", 400) if request["input"] == 1 else Step("ok")

    with serving(long_text) as server:
        outcomes = sent(server, 3, ONE, max_tokens=9)
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert all(request["max_tokens"] == 9 for request in server.asked)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "give 'http://[^']*/v1'"),
        ("/v1/chat/completions", "give 'http://[^']*/v1'"),
        ("/v2", "whether it should end otherwise"),
    ],
)
def test_a_wrong_path_shows_the_address_and_what_it_should_be(path: str, said: str) -> None:
    with serving(lambda *_: Step(status=404, body=b"Not Found")) as server:
        server.url = server.url.removesuffix("/v1") + path
        with pytest.raises(lt.ModelError, match=said) as caught:
            sent(server, 1, ONE)
    assert f"{server.url}/embeddings was asked" in str(caught.value)


def test_an_early_end_does_not_wait_for_what_was_never_sent() -> None:
    def rule(server: Server, _: object) -> Step:
        return failed("no key", 401) if len(server.asked) == 20 else Step("ok")

    with serving(rule) as server:
        began = time.monotonic()
        with pytest.raises(lt.ModelError, match="401"):
            sent(server, 500, Patience(first_wait=60, at_once=64))
    assert time.monotonic() - began < client.GRACE / 2
    assert len(server.asked) < 250


def test_requests_that_wait_for_a_repeat_do_not_hold_up_an_end() -> None:
    def rule(_: Server, request: dict[str, Any]) -> Step:
        return failed("no key", 401) if request["input"] == 3 else failed("busy", 503)

    with serving(rule) as server:
        began = time.monotonic()
        with pytest.raises(lt.ModelError, match="401"):
            sent(server, 500, Patience(first_wait=60))
    assert time.monotonic() - began < client.GRACE / 2


def test_the_servers_words_are_in_the_error_without_keys() -> None:
    long = " " * 500 + f"overloaded {KEY} " + "x" * 500
    with serving(lambda *_: Step(status=503, body=long.encode())) as server:
        [outcome] = sent(server, 1, ONE)
    assert outcome.error is not None
    assert outcome.error.startswith("the server answered 503: overloaded *** xxx")
    assert outcome.error.endswith("(2 times)")
    assert len(outcome.error) < 400
