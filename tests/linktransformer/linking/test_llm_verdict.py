"""read_verdict: only JSON says match; a few sentences say no match; all else is an error."""

from __future__ import annotations

import pytest

from linktransformer.linking.llm_verdict import read_verdict

MATCH = (
    '{"is_match": true}',
    '{"is_match": 1}',
    '{"is_match": "yes", "confidence": 0.8}',
    '{"is_match": "TRUE"}',
    '```json\n{"is_match": 1, "confidence": 0.99}\n```',
    'Here is my answer:\n{"is_match": true}\nI hope it helps.',
    '{"is_match": true, "why": {"name": "same"}}',
)
NO_MATCH = (
    '{"is_match": false}',
    '{"is_match": 0}',
    '```json\n{"is_match": 0}\n```',
    '```\n{"is_match": "no"}\n```',
    '{"is_match": "false", "reason": "a true match would have the same town: yes"}',
    "Not a match",
    "Not a match.",
    "**No**",
    "No match!",
    "no",
    "False",
    "0",
    "These do not match",
    "They don't match.",
    "They don’t match.",
    "The two records do not match.",
    "This is not a match",
    "No, these records do not match.",
)
ERROR = (
    "",
    "   ",
    "yes",
    "Match",
    "true",
    "1",
    "It is a match",
    "No?",
    "No, although they may be a match.",
    "Not a match is what I would say if the towns differed, but they are the same.",
    "I do not know",
    "This is not a true negative",
    '{"is_match": tr',
    '{"is_match": true',
    '{"is_match": true, "confidence": 0.',
    '```json\n{"is_match": true, "reason": "both',
    '{"is_match": true} {"is_match": false}',
    '{"is_match": true} {"is_match": true}',
    '{"is_match": false, "is_match": true}',
    '{"is_match": null}',
    '{"is_match": 2}',
    '{"is_match": 0.5}',
    '{"is_match": 1.0}',
    '{"is_match": "maybe"}',
    '{"is_match": [true]}',
    '{"is_match": NaN}',
    '{"match": true}',
    "{}",
    '{"is_match": true}}',
    '"is_match": true}',
    "<think>they match, {",
    "[" * 50_000 + "{" * 50_000,
)


@pytest.mark.parametrize("text", MATCH)
def test_a_match(text: str) -> None:
    assert read_verdict(text).is_match is True


@pytest.mark.parametrize("text", NO_MATCH)
def test_no_match(text: str) -> None:
    assert read_verdict(text).is_match is False


@pytest.mark.parametrize("text", ERROR, ids=range(len(ERROR)))
def test_an_error(text: str) -> None:
    found = read_verdict(text)
    assert found.is_match is None
    assert found.error


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("0.5", 0.5), ('"0.5"', 0.5), ("95", None), ("NaN", None), ("true", None), ("-1", None)],
)
def test_a_confidence_is_from_0_to_1_or_nothing(value: str, wanted: float | None) -> None:
    assert read_verdict(f'{{"is_match": true, "confidence": {value}}}').confidence == wanted
