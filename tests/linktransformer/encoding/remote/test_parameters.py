"""Which parameter a server refuses, and what is sent in its place."""

from __future__ import annotations

import pytest

from linktransformer.encoding.remote.parameters import changed, refused
from linktransformer.encoding.remote.reply_body import Body

OURS = {"model": "m", "messages": [], "temperature": 0, "max_tokens": 512, "stream": False}


@pytest.mark.parametrize(
    ("words", "field", "change"),
    [
        (
            "Unsupported parameter: use 'max_completion_tokens' instead.",
            "max_tokens",
            {"max_tokens": "max_completion_tokens"},
        ),
        ("'max_tokens' is not supported with this model", None, {"max_tokens": "max_completion_tokens"}),
        ("temperature does not support 0", None, {"temperature": None}),
        ("Extra inputs are not permitted: body.stream", None, {"stream": None}),
        ("this model's context length is 4096; lower max_tokens", None, {}),
        ("the temperatures differ", None, {}),
        ("upstream failed", None, {}),
        ("model m is unknown, messages", None, {}),
        ("flagged", None, {}),
    ],
)
def test_the_parameter_that_is_named(words: str, field: str | None, change: dict[str, str | None]) -> None:
    assert refused(OURS, (), Body(400, None, words, field)) == change


def test_what_the_caller_gave_is_renamed_and_never_left_out() -> None:
    given = ("temperature", "max_tokens")
    assert refused(OURS, given, Body(400, None, "temperature")) == {}
    assert refused(OURS, given, Body(400, None, "max_tokens")) == {"max_tokens": "max_completion_tokens"}
    renamed = changed(OURS, {"max_tokens": "max_completion_tokens"})
    assert renamed["max_completion_tokens"] == 512
    assert refused(renamed, given, Body(400, None, "max_completion_tokens")) == {}
    assert refused(renamed, (), Body(400, None, "max_completion_tokens")) == {"max_completion_tokens": None}
