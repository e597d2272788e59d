"""transform_rows, classify_rows by a language model, and remote vectors as a model."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.encoding.remote import remote_encoder
from linktransformer.encoding.remote.client import Patience
from linktransformer.encoding.remote.endpoint import endpoint
from linktransformer.encoding.remote.remote_encoder import RemoteEncoder
from tests.conftest import make, to_pandas
from tests.llm_server import KEY, Server, Step, serving, text_of

QUICK: dict[str, Any] = {"ratelimit_sleep_time": 0.001, "timeout": 5.0, "cache": False}
FAST = Patience(2, 0.001, timeout=5.0)


def upper(_: Server, request: dict[str, Any]) -> Step:
    return Step(f" {text_of(request).upper()}\n")


def test_transform_rows_keeps_rows_index_and_nulls(library: str) -> None:
    frame = make(library, {"town": ["bostn", None, "yrok", "bostn"]})
    with serving(upper) as server:
        found = lt.transform_rows(frame, "town", KEY, "small", base_url=server.url, **QUICK)
    assert type(found) is type(frame)
    assert [None if pd.isna(v) else v for v in to_pandas(found)["transformed_town"]] == [
        "BOSTN",
        None,
        "YROK",
        "BOSTN",
    ]
    assert sorted(map(text_of, server.asked)) == ["bostn", "yrok"]


def test_transform_rows_keeps_the_index_and_says_what_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    def rule(_: Server, request: dict[str, Any]) -> Step:
        return Step("half a te", finish="length") if text_of(request) == "long" else Step("ok")

    frame = pd.DataFrame({"a": ["long", "short"]}, index=["x", "y"])
    with serving(rule) as server:
        found, usage = lt.transform_rows(
            frame, "a", model=f"openai:m@{server.url}", output_column="b", return_usage=True, **QUICK
        )
    assert found.index.tolist() == ["x", "y"]
    assert found["b"].isna().tolist() == [True, False]
    assert usage.calls == 2
    assert "1 of 2 texts have no answer" in caplog.text


def test_classify_rows_by_a_topic_and_by_classes() -> None:
    answers = {"a": '{"label": "yes"}', "b": "No.", "c": "yes and no", "d": '{"label": "yes"'}
    frame = pd.DataFrame({"text": ["a", "b", None, "c", "d", "a"]}, index=range(6, 12))
    with serving(lambda _, request: Step(answers[text_of(request)])) as server:
        remote = lt.Remote(base_url=server.url, cache=False, ratelimit_sleep_time=0.001)
        found = lt.classify_rows(frame, "text", "small", openai_key=KEY, openai_topic="riots", llm=remote)
        named = lt.classify_rows(
            frame, "text", f"openai:m@{server.url}", label_map={0: "Yes", 1: "No"}, llm=lt.Remote(cache=False)
        )
    assert found["clf_preds_text"].fillna(-1).tolist() == [1, 0, -1, -1, -1, 1]
    assert found.index.tolist() == list(range(6, 12))
    assert [None if pd.isna(v) else v for v in named["clf_preds_text"]] == [
        "Yes",
        "No",
        None,
        None,
        None,
        "Yes",
    ]
    assert "riots" in server.asked[0]["messages"][0]["content"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"label_map": {"a": 0}},
        {"label_map": {"a": 0, "A ": 1}},
        {"openai_topic": "x", "probability": True},
    ],
)
def test_classify_rows_refuses_what_names_no_classes(wrong: dict[str, Any]) -> None:
    frame = pd.DataFrame({"text": ["a"]})
    with serving(upper) as server:
        with pytest.raises(lt.InvalidArgumentError):
            lt.classify_rows(frame, "text", f"openai:m@{server.url}", **wrong)
        assert server.asked == []


def letters(text: str) -> list[float]:
    """A vector of a text: how often each letter is in it."""
    return [float(text.lower().count(chr(97 + n))) + 0.01 for n in range(26)]


def vectors(_: Server, request: dict[str, Any]) -> Step:
    data = [{"index": n, "embedding": letters(text)} for n, text in enumerate(request["input"])]
    return Step(body={"data": data[::-1]})  # the index says which text it is, not the place


def encoder(server: Server, cache: Any = False) -> RemoteEncoder:
    return RemoteEncoder(endpoint("small", base_url=server.url), FAST, cache)


def test_vectors_are_those_of_their_texts_in_any_batch() -> None:
    texts = [f"acme {chr(97 + n % 26)}{'x' * n}" for n in range(40)]
    wanted = np.array([letters(text) for text in texts])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    with serving(vectors) as server:
        np.testing.assert_allclose(encoder(server).encode(texts), wanted, atol=1e-6)
        np.testing.assert_array_equal(encoder(server).encode(texts, 7), encoder(server).encode(texts, 40))
    assert max(len(request["input"]) for request in server.asked[1:7]) == 7


def test_a_long_text_is_the_weighted_mean_of_its_chunks() -> None:
    text = "a" * 4900 + " " + "b" * 2000
    with serving(vectors) as server:
        found = encoder(server).encode([text])[0]
    unit = [np.array(letters(part)) / np.linalg.norm(letters(part)) for part in ("a" * 4900, "b" * 2000)]
    wanted = 4900 * unit[0] + 2000 * unit[1]
    np.testing.assert_allclose(found, wanted / np.linalg.norm(wanted), atol=1e-6)
    assert remote_encoder.chunks(text) == ["a" * 4900, "b" * 2000]


def test_vectors_are_paid_for_once_and_a_broken_line_is_asked_again(tmp_path: Path) -> None:
    with serving(vectors) as server:
        first = encoder(server, tmp_path).encode(["one", "two"])
        np.testing.assert_array_equal(encoder(server, tmp_path).encode(["two", "one"]), first[::-1])
        assert len(server.asked) == 1
        [path] = (tmp_path / "llm").glob("vectors-*.jsonl")
        lines = path.read_bytes().splitlines(keepends=True)
        at = lines[0].index(b'"value":"') + 12
        changed = b"A" if lines[0][at : at + 1] != b"A" else b"B"
        path.write_bytes(lines[0][:at] + changed + lines[0][at + 1 :] + lines[1])
        np.testing.assert_array_equal(encoder(server, tmp_path).encode(["one", "two"]), first)
        assert [request["input"] for request in server.asked[1:]] == [["one"]]


@pytest.mark.parametrize(
    "body",
    [
        {"data": []},
        {"data": [{"index": 0, "embedding": [1, 2]}, {"index": 0, "embedding": [1, 2]}]},
        {"data": [{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [1]}]},
        {"data": [{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": ["x", 1]}]},
        {"data": [{"index": 0, "embedding": [1, 2]}, {"index": 5, "embedding": [1, 2]}]},
        {"error": "?"},
    ],
    ids=range(6),
)
def test_vectors_of_the_wrong_shape_are_an_error(body: Any) -> None:
    with serving(lambda *_: Step(body=body)) as server, pytest.raises(lt.ModelError, match="vectors"):
        encoder(server).encode(["one", "two"])


def test_a_remote_model_links_and_nothing_is_sent_without_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LINKTRANSFORMER_CACHE", str(tmp_path))
    left = pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy", None]})
    right = pd.DataFrame({"name": ["BAXTER DAIRY CO", "ACME STEEL CO"]})
    with serving(vectors) as server:
        monkeypatch.setenv("LINKTRANSFORMER_LLM_URL", server.url)
        monkeypatch.setenv("LINKTRANSFORMER_LLM_KEY", KEY)
        lt.link(left, right, on="name", model="lexical")
        assert server.asked == []
        links = lt.link(left, right, on="name", model="openai:small")
    assert dict(zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True)) == {0: 1, 1: 0}
    assert "dense" in " ".join(links.views)
    assert set(server.authorization) == {f"Bearer {KEY}"}


def test_keys_go_to_their_own_hosts_only_and_show_nowhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "LINKTRANSFORMER_LLM_KEY"):
        monkeypatch.setenv(name, f"{name}-{KEY}")
    monkeypatch.delenv("LINKTRANSFORMER_LLM_URL", raising=False)

    def key_of(model: str) -> str:
        found = endpoint(model)
        assert KEY not in repr(found)
        assert KEY not in f"{found} {found.key}"
        return found.key.reveal().removesuffix(f"-{KEY}") if found.key else ""

    assert key_of("openai:a") == "OPENAI_API_KEY"
    assert key_of("gemini:a") == "GEMINI_API_KEY"
    assert key_of("openai:a@https://x.org/v1") == "LINKTRANSFORMER_LLM_KEY"
    monkeypatch.setenv("LINKTRANSFORMER_LLM_URL", "https://mine.org/v1")
    assert key_of("openai:a") == "LINKTRANSFORMER_LLM_KEY"
    assert key_of("openai:a@https://x.org/v1") == ""
    assert key_of("openai:a@https://api.openai.com/v1") == "OPENAI_API_KEY"


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("openai:", None),
        ("openai:a@http://example.org/v1", None),
        ("openai:a@https://user:SECRETWORD@example.org/v1", None),
        ("openai:a@https://example.org/v1?key=SECRETWORD", None),
        ("openai:a@http://127.0.0.1:99999/v1", None),
        ("openai:a@https://example.org/v1", "SECRETWORD\nx"),
    ],
)
def test_an_address_or_a_key_that_cannot_be_used_is_refused(model: str, key: str | None) -> None:
    with pytest.raises(lt.InvalidArgumentError) as caught:
        endpoint(model, key=key)
    assert "SECRETWORD" not in str(caught.value)
