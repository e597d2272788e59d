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
        ("openai:@https://user:SECRETWORD@example.org/v1", None),
        ("openai:a@user:SECRETWORD@example.org/v1", None),
        ("openai:a@https:user:SECRETWORD@example.org/v1", None),
        ("openai:a@//user:SECRETWORD@example.org/v1", None),
        ("openai:a @ http://user:SECRETWORD@example.org/v1 x", None),
        ("openai:http://user:SECRETWORD@example.org/v1", None),
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


@pytest.mark.parametrize(
    "address",
    [
        "localhost:11434/v1",
        "localhost/v1",
        "localhost",
        "127.0.0.1",
        "127.0.0.1:8080",
        "10.0.0.5",
        "[::1]:8080/v1",
        "host.example.org",
        "host.example.org/v1",
        "server/v1",
        "server:8000",
        "server",
        "ftp://localhost/v1",
        "htp://localhost/v1",
        "http:/localhost/v1",
        "//localhost/v1",
        " http://localhost/v1 more",
    ],
)
def test_an_address_without_a_scheme_never_goes_to_the_default_host(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    for name in (f"openai:small@{address}", f"gemini:small@{address}", f"small@{address}"):
        with pytest.raises(lt.InvalidArgumentError, match=r"https?://"):
            endpoint(name)
    if "://" not in address and not address.startswith(("//", "http:/")):
        with pytest.raises(lt.InvalidArgumentError, match="http:// is missing"):
            endpoint(f"openai:small@{address}")
        with pytest.raises(lt.InvalidArgumentError, match="http:// is missing"):
            endpoint("openai:small", base_url=address)
        monkeypatch.setenv("LINKTRANSFORMER_LLM_URL", address)
        with pytest.raises(lt.InvalidArgumentError, match="LINKTRANSFORMER_LLM_URL"):
            endpoint("openai:small")


@pytest.mark.parametrize("name", ["localhost:11434/v1:small", "127.0.0.1/small", "openai:@localhost:1/v1"])
def test_an_address_in_place_of_a_name_is_refused(name: str) -> None:
    with pytest.raises(lt.InvalidArgumentError, match="http:// is missing"):
        endpoint(f"openai:{name.removeprefix('openai:')}", key=KEY)


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4.1",
        "qwen2.5:7b-instruct",
        "text-bison@001",
        "claude-3-5-sonnet@20240620",
        "claude@latest",
        "model@v1.5",
        "@cf/meta/llama-3.1-8b",
        "ft:gpt-4o:org::id",
        "accounts/fireworks/models/x",
        "hf.co/org/model:Q4_K_M",
    ],
)
def test_a_name_that_only_looks_unusual_is_a_name(name: str) -> None:
    found = endpoint(f"openai:{name}", key=KEY)
    assert (found.model, found.host) == (name, "api.openai.com")
    local = endpoint(f"openai:{name}@HTTP://127.0.0.1:8080/v1/")
    assert (local.model, local.base_url) == (name, "http://127.0.0.1:8080/v1")


def test_a_scheme_in_capitals_is_encrypted_too() -> None:
    assert endpoint("openai:a@HTTPS://example.org/v1").base_url == "https://example.org/v1"


def test_keys_in_a_servers_words_are_replaced() -> None:
    found = endpoint("openai:a@https://example.org/v1", key="abcdef-own-key")
    words = "abcdef-own-key, gsk_0123456789, AIzaSy0123456, hf_abcdefgh, Authorization: Bearer other.key"
    assert found.without_key(words) == "***, ***, ***, ***, Authorization: Bearer ***"
