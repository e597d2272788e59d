"""Words found as arrays of characters against a regular expression."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.scoring import tokens as module
from linktransformer.scoring.tokens import tokens

RUN = re.compile(r"[a-z]+|[0-9]+")
TEXTS = st.lists(st.text(st.sampled_from("ab1 2-é漢𝔸\n"), max_size=12), max_size=30)


def kind(character: str) -> int:
    return 1 if "a" <= character <= "z" else 2 if "0" <= character <= "9" else 0


@given(TEXTS)
def test_words_are_those_of_a_regular_expression(texts: list[str]) -> None:
    found = tokens(texts, kind)
    plain = [RUN.findall(text) for text in texts]
    assert found.spelled == sorted({word for words in plain for word in words})
    assert found.count.tolist() == list(map(len, plain))
    assert [found.spelled[number] for number in found.number] == [word for words in plain for word in words]


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_the_chunk_makes_no_difference(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"firm {number % 7} of {number}" for number in range(50)]
    whole = tokens(texts, kind)
    monkeypatch.setattr(module, "CHUNK", chunk)
    parts = tokens(texts, kind)
    assert parts.spelled == whole.spelled
    assert parts.number.tolist() == whole.number.tolist() and parts.count.tolist() == whole.count.tolist()


def test_words_of_the_same_letters_are_apart() -> None:
    words = [f"{a}{b}{c}" for a in "abcdefgh" for b in "abcdefgh" for c in "abcdefgh"]
    assert tokens([" ".join(words)], kind).spelled == sorted(words)
