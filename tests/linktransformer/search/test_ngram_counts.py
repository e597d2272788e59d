"""Counts of texts that come in pieces against those of all texts at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.errors import InvalidArgumentError
from linktransformer.search import ngrams
from linktransformer.search.ngram_counts import Seen, TextCounts

TEXTS = st.lists(st.text("abcé 日😀", max_size=8), max_size=12, unique=True)


@given(TEXTS, TEXTS, st.integers(1, 5))
def test_pieces_give_the_weights_of_the_whole(left: list[str], right: list[str], size: int) -> None:
    texts = [*left, *right]
    counts = TextCounts()
    for start in range(0, len(texts), size):
        counts.add(texts[start : start + size])
    assert counts.n_texts == len(texts)
    whole, _ = ngrams.tfidf(left, right)
    found = counts.counted(left)
    weighed, _ = ngrams.weighed(found, counts.rarity(found), len(left))
    np.testing.assert_allclose((weighed @ weighed.T).toarray(), (whole @ whole.T).toarray(), atol=1e-6)


def test_too_many_characters_are_refused() -> None:
    counts = TextCounts()
    letters = [chr(point) for point in range(0x20000, 0x20000 + 2**15 + 1000)]
    counts.add(["".join(letters)])
    with pytest.raises(InvalidArgumentError, match="different characters"):
        counts.add(["".join(chr(point) for point in range(0x4E00, 0x4E00 + 2**15))])
        counts.rarity(counts.counted(["a"]))


@given(st.lists(st.lists(st.text("ab", max_size=4), unique=True), max_size=6))
def test_texts_are_new_once(parts: list[list[str]]) -> None:
    seen, known = Seen(), set[str]()
    for part in parts:
        assert seen.new(part) == [text for text in part if text not in known]
        known.update(part)
