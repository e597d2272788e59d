"""Addresses of models, and keys that go to their own hosts only."""

from __future__ import annotations

import logging

import pytest

import linktransformer as lt
from linktransformer.encoding.remote.endpoint import endpoint
from tests.llm_server import KEY


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
