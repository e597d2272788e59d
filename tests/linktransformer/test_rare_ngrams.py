"""The search by rare n-grams: what it leaves out, against the whole product."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer import lexical, rare_ngrams, search
from linktransformer.blocking import nodes

WORDS = [
    f"{a}{b}" for a in ("acme", "bax", "den", "ever", "fair") for b in ("ton", "er", "ley", "ham", "ski")
]


def firms(n: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    return [f"{' '.join(draw.choice(WORDS, 3))} {draw.integers(0, 500)} company limited" for _ in range(n)]


def test_nearly_all_of_the_nearest_and_their_true_scores() -> None:
    view = lexical.fit(firms(700, 0), firms(900, 1))
    query, item, score, how = rare_ngrams.top_k(view.left, view.right, 5)
    exact = lexical.sparse_top_k(view.left, view.right, 5)
    assert how["index"] == "sparse product of rare n-grams"
    assert how["recall"] >= rare_ngrams.WANTED
    every = (view.left @ view.right.T).toarray()
    np.testing.assert_allclose(score, every[query, item], atol=1e-6)
    kth = np.sort(every, axis=1)[:, -5]
    assert (score >= kth[query] - 1e-6).sum() >= 0.95 * len(exact[0])
    # sorted by query, falling score, item; none twice
    assert (np.lexsort((item, -score, query)) == np.arange(len(query))).all()
    assert len(set(zip(query.tolist(), item.tolist(), strict=True))) == len(query)
    assert np.bincount(query).max() <= 5


def test_where_rare_ngrams_do_not_do_all_are_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rare_ngrams, "WANTED", 1.1)
    view = lexical.fit(firms(60, 0), firms(80, 1))
    *found, how = rare_ngrams.top_k(view.left, view.right, 5)
    assert how == {"index": "exact sparse product"}
    for ours, exact in zip(found, lexical.sparse_top_k(view.left, view.right, 5), strict=True):
        np.testing.assert_array_equal(ours, exact)


def test_rows_without_ngrams_find_nothing() -> None:
    view = lexical.fit(["", "acme"], ["acme", ""])
    query, item, score, _ = rare_ngrams.top_k(view.left, view.right, 3)
    assert (query.tolist(), item.tolist(), score.round(3).tolist()) == ([1], [0], [1.0])
    empty = lexical.fit([""], [""])
    assert len(rare_ngrams.top_k(empty.left, empty.right, 3)[0]) == 0


def test_a_large_search_says_how_it_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    view = lexical.fit(firms(300, 0), firms(200, 1))
    views = {"lexical": (view.left, view.right)}
    sides = nodes(np.arange(300)), nodes(np.arange(200))
    small = search.search(views, *sides, 3)
    assert small.report["lexical"] == {"index": "exact sparse product"}
    monkeypatch.setattr(rare_ngrams, "EXACT_UP_TO", 1000)
    large = search.search(views, *sides, 3)
    assert large.report["lexical"]["recall"] >= rare_ngrams.WANTED
    pairs = [set(zip(found.left.tolist(), found.right.tolist(), strict=True)) for found in (small, large)]
    assert len(pairs[0] & pairs[1]) >= 0.95 * len(pairs[0])
