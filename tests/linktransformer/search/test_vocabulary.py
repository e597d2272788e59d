"""Frequencies that are fixed: the vectors of a merge, and each text by itself."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.search import ngrams, vocabulary

TEXTS = [
    "Acme Steel Corp.",
    "a",
    "b c d",
    "日本 製鉄",
    "😀 x",
    "straße  of Foo",
    "acme acme ACME",
    "İstanbul",
    "ab",
    "",
]


@pytest.mark.parametrize("times", [1, 3_000])
def test_vectors_are_those_of_tfidf_up_to_the_order_of_columns(times: int) -> None:
    texts = TEXTS * times
    words = vocabulary.learn(texts)
    ours, theirs = words.vectors(texts), ngrams.tfidf(texts, [])[0]
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(
        (ours @ ours[:10].T).toarray(), (theirs @ theirs[:10].T).toarray(), rtol=1e-6, atol=1e-7
    )


def test_an_unknown_ngram_is_as_rare_as_one_that_no_text_had() -> None:
    words = vocabulary.learn(["ab", "cd"])
    found = words.vectors(["ab zz"])
    known = np.log(3 / 2) + 1  # " a", "ab", "b ", " ab", "ab ", " ab " are each in one of two texts
    unknown = np.log(3 / 1) + 1  # and the six of "zz" are in none
    wanted = known / np.sqrt(6 * known**2 + 6 * unknown**2)
    np.testing.assert_allclose(found.data, np.full(6, wanted), rtol=1e-6)


def test_a_vector_does_not_depend_on_the_other_texts() -> None:
    words = vocabulary.learn(TEXTS)
    asked = [*TEXTS, "ñandú новый", "acme 日 новый", "zzz"]
    together = words.vectors(asked)
    for place, text in enumerate(asked):
        alone = words.vectors([text])
        assert (together[place] != alone).nnz == 0


def test_nothing_learned_and_nothing_asked() -> None:
    assert vocabulary.learn([]).vectors(["ab"]).nnz == 0
    assert vocabulary.learn(TEXTS).vectors([]).shape[0] == 0


def test_more_ngrams_change_no_weight() -> None:
    words = vocabulary.learn(["ab", "cd é"])
    wider, place = words.with_ngrams(["éa zx"])
    old, new = words.vectors(["ab é zx"]), wider.vectors(["ab é zx"])
    np.testing.assert_array_equal(old.toarray(), new[:, place].toarray())
    assert new.nnz > old.nnz
    np.testing.assert_allclose(np.square(new.data, dtype=np.float64).sum(), 1, rtol=1e-6)
