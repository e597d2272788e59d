"""Embedding servers that take few texts, or not every text: smaller batches, and whose an error is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import linktransformer as lt
from linktransformer.encoding.remote.client import Patience
from linktransformer.encoding.remote.endpoint import endpoint
from linktransformer.encoding.remote.remote_encoder import RemoteEncoder
from tests.llm_server import Server, Step, failed, serving

FAST = Patience(2, 0.001, timeout=5.0)
TEXTS = [f"text number {n}" for n in range(700)]


def vectors(request: dict[str, Any]) -> Step:
    return Step(body={"data": [{"embedding": [float(text.split()[-1]), 1.0]} for text in request["input"]]})


def encoded(server: Server, texts: list[str], cache: Any = False, name: str = "openai", **more: Any) -> Any:
    return RemoteEncoder(endpoint(f"{name}:small@{server.url}"), FAST, cache).encode(texts, **more)


def wanted(texts: list[str]) -> Any:
    rows = np.array([[float(text.split()[-1]), 1.0] for text in texts])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("most", [1, 10, 32, 100, 255])
@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_a_batch_that_is_refused_is_halved_and_the_size_remembered(most: int, status: int) -> None:
    def rule(_: Server, request: dict[str, Any]) -> Step:
        too_many = len(request["input"]) > most
        return failed("input is too large to process", status) if too_many else vectors(request)

    with serving(rule) as server:
        np.testing.assert_allclose(encoded(server, TEXTS), wanted(TEXTS), atol=1e-6)
    sizes = [len(request["input"]) for request in server.asked]
    assert sum(size > most for size in sizes) <= 8
    size = max(size for size in sizes if size <= most)
    assert size > most / 2
    assert len(sizes) <= 8 + 700 / size + 9


def test_the_size_is_remembered_by_the_encoder() -> None:
    def rule(_: Server, request: dict[str, Any]) -> Step:
        return failed("too many", 422) if len(request["input"]) > 32 else vectors(request)

    with serving(rule) as server:
        encoder = RemoteEncoder(endpoint(f"openai:small@{server.url}"), FAST, False)
        encoder.encode(TEXTS)
        server.asked.clear()
        encoder.encode([f"{text} 7" for text in TEXTS])
    assert max(len(request["input"]) for request in server.asked) == 32


def test_gemini_starts_at_100_and_the_name_has_the_provider() -> None:
    with serving(lambda _, request: vectors(request)) as server:
        encoded(server, TEXTS, name="gemini")
        assert max(len(request["input"]) for request in server.asked) == 100
        assert RemoteEncoder(endpoint(f"gemini:small@{server.url}"), FAST, False).name == "gemini:small"


@pytest.mark.parametrize("bad", [[0], [5], [699], [0, 1], [3, 300, 650]])
def test_a_text_that_the_server_refuses_is_counted_and_the_others_are_kept(
    bad: list[int], tmp_path: Path
) -> None:
    def rule(_: Server, request: dict[str, Any]) -> Step:
        refused = {f"text number {n}" for n in bad} & set(request["input"])
        return failed("maximum is 512 tokens", 413) if refused else vectors(request)

    with serving(rule) as server:
        with pytest.raises(lt.ModelError, match=f"refuses {len(bad)} of 700 texts.*maximum is 512") as caught:
            encoded(server, TEXTS, tmp_path)
        assert "Call again" not in str(caught.value)
        assert len(server.asked) < 200
        server.asked.clear()
        rest = [text for n, text in enumerate(TEXTS) if n not in bad]
        np.testing.assert_allclose(encoded(server, rest, tmp_path), wanted(rest), atol=1e-6)
        assert server.asked == []


def test_a_long_text_of_refused_chunks_is_one_text() -> None:
    text = ("a" * 4900 + " 1 ") + ("b" * 4900 + " 2")

    def rule(_: Server, request: dict[str, Any]) -> Step:
        return failed("too long", 400) if any(len(t) > 100 for t in request["input"]) else vectors(request)

    with serving(rule) as server, pytest.raises(lt.ModelError, match=r"refuses 1 of 3 texts"):
        encoded(server, ["one 1", text, "two 2"])


def test_a_server_that_refuses_single_texts_too_ends_soon() -> None:
    refusing = serving(lambda *_: failed("no such model", 400))
    with refusing as server, pytest.raises(lt.ModelError, match=r"single texts too.*no such model") as caught:
        encoded(server, TEXTS)
    assert len(server.asked) <= 27
    assert "Call again" not in str(caught.value)


@pytest.mark.parametrize(("cache", "again"), [(True, True), (False, False)])
def test_call_again_is_only_said_of_what_may_pass_and_was_kept(
    cache: bool, again: bool, tmp_path: Path
) -> None:
    refusing = serving(lambda *_: failed("busy", 503))
    with refusing as server, pytest.raises(lt.ModelError, match=r"answered 503: busy .3 times") as caught:
        encoded(server, TEXTS, tmp_path if cache else False)
    assert ("Call again" in str(caught.value)) == again


def test_a_wrong_number_of_vectors_names_batch_size_which_then_helps() -> None:
    def rule(_: Server, request: dict[str, Any]) -> Step:
        return vectors({"input": request["input"][:1]})

    with serving(rule) as server:
        with pytest.raises(lt.ModelError, match=r"to 256 texts has 1 vectors. Give batch_size=1"):
            encoded(server, TEXTS)
        np.testing.assert_allclose(encoded(server, TEXTS, batch_size=1), wanted(TEXTS), atol=1e-6)


def test_encoding_format_that_a_server_refuses_is_left_out() -> None:
    def rule(_: Server, request: dict[str, Any]) -> Step:
        refuse = "encoding_format" in request
        return failed("unknown field: encoding_format", 400) if refuse else vectors(request)

    with serving(rule) as server:
        np.testing.assert_allclose(encoded(server, TEXTS), wanted(TEXTS), atol=1e-6)
    assert sum("encoding_format" in request for request in server.asked) == 1


def test_stored_vectors_of_another_length_name_the_file(tmp_path: Path) -> None:
    with serving(lambda _, request: vectors(request)) as server:
        encoded(server, TEXTS[:3], tmp_path)
        server.rule = lambda _, request: Step(
            body={"data": [{"embedding": [1, 2, 3]} for _ in request["input"]]}
        )
        with pytest.raises(lt.ModelError, match=r"different lengths: \[2, 3\].*vectors-.*jsonl"):
            encoded(server, TEXTS[:5], tmp_path)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_of_all_ends_it(status: int) -> None:
    refusing = serving(lambda *_: failed("not you", status))
    with refusing as server, pytest.raises(lt.ModelError, match=f"{status}.: not you"):
        encoded(server, TEXTS)
    assert len(server.asked) == 1


def test_what_stumbles_is_asked_again() -> None:
    def rule(server: Server, request: dict[str, Any]) -> Step:
        bad = [failed("lost", 520), Step(body={"data": None}), failed("slow", code=429), Step(body=b"<html>")]
        return bad[len(server.asked) % 4] if len(server.asked) in (1, 3, 6) else vectors(request)

    with serving(rule) as server:
        np.testing.assert_allclose(encoded(server, TEXTS), wanted(TEXTS), atol=1e-6)
