"""Long texts are split into passages that a model reads whole, and nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest

from clippings import wrap_encoder
from clippings.text.passages import Splitter
from tests.clippings.text.test_truncation import word_tokenizer


def length(passage: str) -> int:
    return len(word_tokenizer().encode(passage).ids)


def test_a_text_that_is_read_whole_is_one_passage_unchanged() -> None:
    splitter = Splitter(word_tokenizer(), 12)
    assert splitter.split(["", "ab  ab", " ab"]) == [[""], ["ab  ab"], [" ab"]]
    assert splitter.split([" ".join(["ab"] * 10)]) == [[" ".join(["ab"] * 10)]]  # and two special tokens


@pytest.mark.parametrize("n", [11, 12, 50, 997])
def test_passages_fit_and_hold_every_word(n: int) -> None:
    text = " ".join(f"{word}." if at % 4 == 3 else word for at, word in enumerate(["ab"] * n))
    (passages,) = Splitter(word_tokenizer(), 12).split([text])
    assert len(passages) > 1 and max(map(length, passages)) <= 12
    assert " ".join(passages) == text


def test_a_passage_ends_with_a_sentence_where_its_second_half_has_one() -> None:
    text = "ab ab ab ab ab ab. ab ab ab ab ab ab ab ab ab ab ab"
    (passages,) = Splitter(word_tokenizer(), 12).split([text])
    assert passages[0] == "ab ab ab ab ab ab." and passages[1].startswith("ab ab")
    early = "ab. " + "ab " * 20  # a sentence of one word is not a passage
    assert len(Splitter(word_tokenizer(), 12).split([early])[0][0].split()) > 4


def test_text_without_spaces_and_lone_surrogates_are_split() -> None:
    splitter = Splitter(word_tokenizer(), 12)
    (passages,) = splitter.split(["。" * 40])  # each sign is a token
    assert "".join(passages) == "。" * 40 and max(map(length, passages)) <= 12
    (passages,) = splitter.split(["-" * 40 + " "])  # the only space is at the end
    assert "".join(passages) == "-" * 40 and max(map(length, passages)) <= 12
    assert len(splitter.split(["ab \ud800 " * 20])[0]) > 1


def test_an_object_without_a_tokenizer_splits_nothing() -> None:
    class Flat:
        def encode(self, texts: list[str]) -> np.ndarray:
            return np.ones((len(texts), 2))

    assert wrap_encoder(Flat()).passages is None  # type: ignore[attr-defined]
