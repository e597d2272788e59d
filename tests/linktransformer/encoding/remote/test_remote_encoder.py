"""Vectors of a remote model: those of their texts, paid for once, and used as any model's."""

from __future__ import annotations

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
from tests.llm_server import KEY, Server, Step, serving

FAST = Patience(2, 0.001, timeout=5.0)


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
