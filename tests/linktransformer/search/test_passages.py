"""Late interaction of passages against its definition, and the search by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from linktransformer.search import passage_search
from linktransformer.search.ngram_passages import LENGTH, by_passage, split_words
from linktransformer.search.pair_products import pair_scores
from linktransformer.search.passages import Passages, interaction, interactions, unbiased


def made(counts: list[int], seed: int, sparse: bool = False, form: Any = "both") -> Passages:
    draw = np.random.default_rng(seed)
    rows = draw.random((sum(counts), 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = sp.csr_matrix(rows) if sparse else rows
    return Passages(vectors, np.append(0, np.cumsum(counts)).astype(np.int64), form=form)


def plain(left: Passages, right: Passages, i: int, j: int) -> float:
    """The definition, for one pair."""
    a, b = (
        np.asarray(side.vectors.todense() if sp.issparse(side.vectors) else side.vectors)[
            side.starts[n] : side.starts[n + 1]
        ]
        for side, n in ((left, i), (right, j))
    )
    if not len(a) or not len(b):
        return 0.0
    forward = float(np.mean([max(float(x @ y) for y in b) for x in a]))
    backward = float(np.mean([max(float(x @ y) for x in a) for y in b]))
    if left.form == "shorter" and len(a) != len(b):
        return forward if len(a) < len(b) else backward
    return (forward + backward) / 2


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("form", ["both", "shorter"])
def test_pairs_and_all_pairs_are_those_of_the_definition(sparse: bool, form: str) -> None:
    left, right = made([1, 3, 0, 2], 0, sparse, form), made([2, 1, 5, 0, 1], 1, sparse, form)
    expected = np.array([[plain(left, right, i, j) for j in range(5)] for i in range(4)])
    assert np.allclose(interactions(left, right), expected, atol=1e-6)
    a, b = np.repeat(np.arange(4), 5)[::-1], np.tile(np.arange(5), 4)[::-1]  # in any order
    assert np.allclose(interaction(left, right, a, b), expected[a, b], atol=1e-6)
    assert np.allclose(pair_scores(left, right, a, b), expected[a, b], atol=1e-6)


def test_texts_of_one_passage_have_their_cosine() -> None:
    left, right = made([1] * 6, 0), made([1] * 4, 1)
    assert np.allclose(interactions(left, right), left.vectors @ right.vectors.T, atol=1e-6)


def test_rows_are_taken_in_any_order() -> None:
    side = made([2, 0, 3, 1], 0)
    some = side[np.array([3, 2, 2, 1])]
    assert some.counts.tolist() == [1, 3, 3, 0] and len(some) == 4
    assert np.array_equal(some.vectors[:1], side.vectors[5:6])
    assert np.array_equal(side[1:3].vectors, side.vectors[2:5])
    both = side[:2].with_more(side[2:])
    assert np.array_equal(both.vectors, side.vectors) and both.counts.tolist() == side.counts.tolist()


@pytest.mark.parametrize("faiss", [False, True])
def test_the_index_over_passages_finds_what_all_comparisons_find(
    faiss: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if faiss:
        pytest.importorskip("faiss")
    monkeypatch.setattr(passage_search.faiss_index, "available", lambda: faiss)
    draw = np.random.default_rng(2)
    items = made(draw.integers(1, 6, 60).tolist(), 3)
    noise = draw.normal(scale=0.02, size=items.vectors.shape).astype(np.float32)
    queries = replace(items, vectors=items.vectors + noise)[np.arange(0, 60, 2)]
    rows, scores, how = passage_search.nearest_texts(queries, items, 3)
    assert how == {"index": "passages, exact"} and rows[:, 0].tolist() == list(range(0, 60, 2))
    near, close, how = passage_search.nearest_texts(queries, items, 3, exact_up_to=0)
    assert str(how["index"]).startswith("passages, the nearest of each")
    assert near[:, 0].tolist() == rows[:, 0].tolist() and np.allclose(close[:, 0], scores[:, 0], atol=1e-5)
    narrow = passage_search.nearest_texts(queries, items, 3, memory=1)  # a query at a time
    assert np.array_equal(narrow[0], rows)


def test_the_search_of_nothing_is_empty() -> None:
    empty = made([], 0)
    assert passage_search.nearest_texts(empty, made([2], 1), 3)[0].shape == (0, 1)
    assert passage_search.nearest_texts(made([2], 1), empty, 3)[0].shape == (1, 0)


def test_unrelated_texts_are_as_similar_as_their_passages_whatever_their_length() -> None:
    left, right = made([8] * 40, 0), made([8] * 40, 1)
    texts = [f"{n:02}" for n in range(40)], [f"{n:02}" for n in range(40)]
    before = interactions(left, right)
    one, other = unbiased(left, right, texts)
    after = interactions(one, other)
    usual = float(np.median(left.vectors @ right.vectors.T))
    assert np.median(before) > usual + 0.05 and abs(np.median(after) - usual) < 0.01
    assert np.array_equal(np.argsort(before, axis=None)[-50:], np.argsort(after, axis=None)[-50:])
    same = interactions(*unbiased(left, left, (texts[0], texts[0]), same=True))
    assert np.allclose(np.diag(same), 1, atol=1e-5)
    order = np.random.default_rng(0).permutation(40)
    shuffled = unbiased(left[order], right, ([texts[0][at] for at in order], texts[1]))
    assert shuffled[0].slope == pytest.approx(one.slope, abs=1e-6)
    assert unbiased(left[:3], right[:3], ([*"abc"], [*"abc"]))[0].slope == 1  # too few to tell


def test_a_part_of_a_text_is_in_it_by_n_grams_of_passages() -> None:
    draw = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnoprstuvw"))
    words = ["".join(draw.choice(letters, 6)) for _ in range(900)]
    texts = [" ".join(draw.choice(words, 600)) for _ in range(6)]
    thirds = [text[len(text) // 3 : 2 * len(text) // 3] for text in texts]
    left, right = by_passage(thirds, texts)
    score = interactions(left, right)
    assert (score.argmax(axis=1) == np.arange(6)).all()
    assert float(np.diag(score).min()) > float(score[~np.eye(6, dtype=bool)].max()) + 0.2


def test_words_are_kept_whole_and_texts_without_spaces_are_split() -> None:
    text = " ".join(f"word{n}" for n in range(1000))
    parts = split_words(text)
    assert " ".join(parts) == text and max(map(len, parts)) <= LENGTH + 8
    assert max(map(len, parts)) - min(map(len, parts)) < 20
    japanese = "記録連結" * 500
    assert "".join(split_words(japanese)) == japanese and max(map(len, split_words(japanese))) <= LENGTH
    assert split_words("") == [] and split_words("short") == ["short"]
