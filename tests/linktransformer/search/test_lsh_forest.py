"""The search in random trees: what it leaves out, against the whole product."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import scipy.sparse as sp

from linktransformer.search import candidate_search, lexical, lsh_forest
from linktransformer.search.blocking import nodes

WORDS = [
    f"{a}{b}" for a in ("acme", "bax", "den", "ever", "fair") for b in ("ton", "er", "ley", "ham", "ski")
]


def firms(n: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    return [f"{' '.join(draw.choice(WORDS, 3))} {draw.integers(0, 500)} company limited" for _ in range(n)]


@pytest.fixture(params=[True, False], ids=["one table", "two tables"])
def view(request: pytest.FixtureRequest) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    made = lexical.fit(firms(1500, 0), firms(2000, 1))
    return (made.left, made.left) if request.param else (made.left, made.right)


def test_nearly_all_of_the_nearest_and_their_true_scores(view: tuple[sp.csr_matrix, sp.csr_matrix]) -> None:
    query, item, score, how = lsh_forest.top_k(*view, 5)
    exact = lexical.sparse_top_k(*view, 5)
    assert how["index"] == "LSH forest"
    assert lsh_forest.RECALL <= how["recall"] <= 1
    every = (view[0] @ view[1].T).toarray()
    np.testing.assert_allclose(score, every[query, item], atol=1e-6)
    kth = np.sort(every, axis=1)[:, -5]
    assert (score >= kth[query] - 1e-6).sum() >= 0.93 * len(exact[0])
    # sorted by query, falling score, item; none twice
    assert (np.lexsort((item, -score, query)) == np.arange(len(query))).all()
    assert len(set(zip(query.tolist(), item.tolist(), strict=True))) == len(query)
    assert np.bincount(query).max() <= 5


def test_the_recall_is_that_of_all_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsh_forest, "TREES", 4)
    left = lexical.fit(firms(3000, 0), []).left
    query, item, _, how = lsh_forest.top_k(left, left, 20)
    assert how["trees"] == 4
    exact = lexical.sparse_top_k(left, left, 20)
    found = set(zip(query.tolist(), item.tolist(), strict=True))
    hit = sum(pair in found for pair in zip(exact[0].tolist(), exact[1].tolist(), strict=True))
    assert how["recall"] < 0.95
    assert how["recall"] == pytest.approx(hit / len(exact[0]), abs=0.03)


def test_few_rows_are_one_leaf_and_exact() -> None:
    view = lexical.fit(firms(60, 0), firms(80, 1))
    *found, how = lsh_forest.top_k(view.left, view.right, 5)
    assert how["recall"] == 1
    query, item, score = lexical.sparse_top_k(view.left, view.right, 5)
    np.testing.assert_array_equal(found[0], query)
    np.testing.assert_array_equal(found[1], item)
    np.testing.assert_allclose(found[2], score, atol=1e-6)


def test_more_neighbours_than_one_leaf_gives() -> None:
    left = lexical.fit(firms(1000, 3), []).left
    query, _, _, how = lsh_forest.top_k(left, left, 100)
    assert how["recall"] >= lsh_forest.RECALL
    assert np.bincount(query).mean() > 80


def test_rows_that_no_ngram_divides(monkeypatch: pytest.MonkeyPatch) -> None:
    # a word in any order has the same n-grams: one branch, however often it is divided
    monkeypatch.setattr(lsh_forest, "LEAF", 16)
    words = [f"w{n}" for n in range(10)]
    draw = np.random.default_rng(0)
    same = [" ".join(draw.permutation(words)) for _ in range(300)]
    left = lexical.fit([*same, *firms(50, 0)], []).left
    query, item, score, _ = lsh_forest.top_k(left, left, 3)
    assert (np.bincount(query, minlength=350)[:300] == 3).all()
    np.testing.assert_allclose(score[query < 300], 1, atol=1e-5)
    assert (item[query < 300] < 300).all()


def test_rows_without_ngrams_find_nothing() -> None:
    view = lexical.fit(["", "acme"], ["acme", ""])
    query, item, score, _ = lsh_forest.top_k(view.left, view.right, 3)
    assert (query.tolist(), item.tolist(), score.round(3).tolist()) == ([1], [0], [1.0])
    empty = lexical.fit([""], [""])
    assert len(lsh_forest.top_k(empty.left, empty.right, 3)[0]) == 0


def test_the_order_of_rows_is_of_no_matter() -> None:
    left = lexical.fit(list(dict.fromkeys(firms(2000, 5))), []).left
    order = np.random.default_rng(1).permutation(left.shape[0])
    found = lsh_forest.top_k(left, left, 5)
    other = left[order]
    moved = lsh_forest.top_k(other, other, 5)
    assert found[3] == moved[3]
    every = np.full((2, left.shape[0], 5), np.nan)
    for number, (query, _, score, _) in enumerate((found, moved)):
        place = np.arange(len(query)) - np.searchsorted(query, query)
        every[number][order[query] if number else query, place] = score
    np.testing.assert_allclose(every[0], every[1], atol=1e-6)


def test_a_large_search_says_how_it_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    view = lexical.fit(firms(300, 0), firms(200, 1))
    views = {"lexical": (view.left, view.right)}
    sides = nodes(np.arange(300)), nodes(np.arange(200))
    small = candidate_search.search(views, *sides, 3)
    assert small.report["lexical"] == {"index": "exact sparse product"}
    monkeypatch.setattr(lsh_forest, "EXACT_UP_TO", 1000)
    large = candidate_search.search(views, *sides, 3)
    assert large.report["lexical"]["recall"] >= lsh_forest.RECALL
    pairs = [set(zip(found.left.tolist(), found.right.tolist(), strict=True)) for found in (small, large)]
    assert len(pairs[0] & pairs[1]) >= 0.95 * len(pairs[0])


def test_an_ngram_is_drawn_as_often_as_it_weighs() -> None:
    rows = sp.csr_matrix(np.array([[1, 2, 7, 0], [0, 5, 0, 5]], dtype=np.float32))
    draw = np.random.default_rng(0)
    times = draw.exponential(size=(4000, 4)).astype(np.float32)
    drawn = np.array([lsh_forest._drawn(rows, time) for time in times])
    share = np.array([np.bincount(column, minlength=4) for column in drawn.T]) / 4000
    np.testing.assert_allclose(share, [[0.1, 0.2, 0.7, 0], [0, 0.5, 0, 0.5]], atol=0.03)
    # shares .1, .2, .7, 0 and 0, .5, 0, .5: relative to the one both have, the larger of each adds up to 6
    assert (drawn[:, 0] == drawn[:, 1]).mean() == pytest.approx(1 / 6, abs=0.02)


def test_leaves_are_small_however_large_a_branch_is() -> None:
    draw = np.random.default_rng(0)
    branch = np.repeat([0, 1, 2], [100, 5000, 300])
    leaf = lsh_forest._leaves(branch, np.bincount(branch), draw.random(5000))
    assert np.bincount(leaf).max() <= 3 * lsh_forest.LEAF
    together = [set(branch[leaf == number].tolist()) for number in np.unique(leaf)]
    assert all(len(kinds) <= 2 for kinds in together)


def test_progress_of_trees_adds_up_to_the_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    @contextmanager
    def counted(name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        yield counts.append

    for module in (lsh_forest, lexical):
        monkeypatch.setattr(module, "stage", counted)
    rows = sp.random(3000, 400, density=0.02, format="csr", dtype=np.float32, random_state=0)
    lsh_forest.top_k(rows, rows.copy(), 5)
    assert sum(counts) == 3000 and len(counts) > 2


def plain_within(
    rows: sp.csr_matrix, leaf: np.ndarray, n_queries: int, k: int
) -> dict[tuple[int, int], float]:
    """The k best items of each query in its leaf, a product for each leaf by itself."""
    from sparse_dot_topn import sp_matmul_topn

    found = {}
    for number in np.unique(leaf):
        places = np.flatnonzero(leaf == number)
        query, item = places[places < n_queries], places[places >= n_queries]
        if len(query) and len(item):
            best = sp_matmul_topn(rows[query], rows[item].T.tocsr(), top_n=k, threshold=0.0, n_threads=1)
            best = best.tocoo()
            for i, j, score in zip(best.row, best.col, best.data, strict=True):
                found[int(query[i]), int(item[j]) - n_queries] = float(score)
    return found


@pytest.mark.parametrize("most", [2**21, 1])
def test_many_leaves_at_once_give_what_each_gives_alone(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsh_forest, "MOST_COLUMNS", most)
    made = lexical.fit(firms(900, 0), firms(700, 1))
    rows, n = sp.vstack([made.left, made.right], format="csr"), 900
    leaf = np.random.default_rng(2).integers(0, 9, rows.shape[0])
    way = lsh_forest._Way(np.arange(rows.shape[0]), np.arange(rows.shape[0]), n, False, 8)
    nearest = way.within(rows, lsh_forest._shared_columns(rows, n, same=False), leaf)
    query, place = np.nonzero(nearest.item >= 0)
    keys = zip(query.tolist(), nearest.item[query, place].tolist(), strict=True)
    assert dict(zip(keys, nearest.score[query, place].tolist(), strict=True)) == plain_within(
        rows, leaf, n, 8
    )


def test_both_ways_at_once_are_each_way_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsh_forest, "LEAF", 64)
    left = [*firms(900, 0), *["w1 w2"] * 300, ""]
    right = ["", *firms(700, 1), *["w2 w1"] * 200, "only here zzz"]
    made = lexical.fit(left, right)
    forward, backward = lsh_forest.both_ways(made.left, made.right, 5)
    for at_once, alone in (
        (forward, lsh_forest.top_k(made.left, made.right, 5)),
        (backward, lsh_forest.top_k(made.right, made.left, 5)),
    ):
        for array, wanted in zip(at_once[:3], alone[:3], strict=True):
            np.testing.assert_array_equal(array, wanted)
        assert at_once[3] == alone[3]
