"""Requests over connections that a server closes while they are idle, and waits that a server asks for."""

from __future__ import annotations

import time
from typing import Any

import pytest

from linktransformer.encoding.remote.client import Outcome, Patience, Requests, Route
from linktransformer.encoding.remote.endpoint import Endpoint
from linktransformer.encoding.remote.patience import seconds_of
from tests.llm_server import Server, Step, serving


def sent(server: Server, n: int, patience: Patience) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}
    payloads: list[dict[str, Any]] = [{"input": number} for number in range(n)]
    with Requests(Endpoint("m", server.url), Route("embeddings", "choices"), patience) as requests:
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
