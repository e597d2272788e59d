"""The n-gram view against dense products."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from linktransformer.search.lexical import fit, pruned_top_k, sparse_top_k

SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "pa", "ri", "so", "tu", "va")


def names(n: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    return [" ".join("".join(draw.choice(SYLLABLES, 3)) for _ in range(2)) + " limited" for _ in range(n)]


def by_sorting(score: np.ndarray, k: int) -> list[tuple[int, int]]:
    order = np.argsort(-score, axis=1, kind="stable")[:, :k]
    return [(row, item) for row, items in enumerate(order.tolist()) for item in items if score[row, item] > 0]


def test_rows_are_unit_vectors_and_a_text_without_characters_is_a_zero_row() -> None:
    view = fit(["acme steel", "", "  "], ["acme steel", "b"])
    lengths = np.sqrt(view.left.multiply(view.left).sum(axis=1)).A1
    np.testing.assert_allclose(lengths, [1, 0, 0], atol=1e-6)
    assert (view.left @ view.right.T).toarray()[0] == pytest.approx([1, 0], abs=1e-6)


@pytest.mark.parametrize("k", [1, 4, 100])
def test_the_nearest_are_those_of_all_products(k: int) -> None:
    view = fit(names(25, 1), names(40, 2))
    whole = (view.left @ view.right.T).toarray()
    query, item, score = sparse_top_k(view.left, view.right, k)
    np.testing.assert_allclose(score, whole[query, item], atol=1e-6)
    expected = np.sort(whole, axis=1)[:, ::-1][:, :k]
    for row in range(25):  # by their scores: products of equal pairs may round apart
        own = score[query == row]
        assert (np.diff(own) <= 0).all()
        np.testing.assert_allclose(own, expected[row][expected[row] > 0], atol=1e-6)
    again = sparse_top_k(view.left, view.right, k, threads=2, postings=view.right.T.tocsr())
    for one, other in zip((query, item, score), again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_ties_go_to_the_lower_item_and_nothing_in_common_is_left_out() -> None:
    queries = sp.csr_matrix(np.array([[1, 0, 0], [0, 0, 1]], dtype=np.float32))
    items = sp.csr_matrix(np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]], dtype=np.float32))
    query, item, _ = sparse_top_k(queries, items, 2)
    assert list(zip(query.tolist(), item.tolist(), strict=True)) == [(0, 0), (0, 2)]
    for empty in (queries[:0], sp.csr_matrix((2, 3), dtype=np.float32)):
        assert all(len(part) == 0 for part in sparse_top_k(empty, items, 2))


def test_with_all_n_grams_the_pruned_search_is_the_whole_one_and_with_fewer_scores_stay() -> None:
    view = fit(names(60, 3), names(60, 4))
    whole = (view.left @ view.right.T).toarray()
    query, item, score = pruned_top_k(view.left, view.right, 3, 1.0)
    every = sparse_top_k(view.left, view.right, 3)
    np.testing.assert_array_equal(query, every[0])
    np.testing.assert_allclose(score, every[2], atol=1e-6)
    query, item, score = pruned_top_k(view.left, view.right, 3, 0.7)
    np.testing.assert_allclose(score, whole[query, item], atol=1e-6)
    best = dict(by_sorting(whole, 1))
    found = set(zip(query.tolist(), item.tolist(), strict=True))
    assert np.mean([pair in found for pair in best.items()]) > 0.8


def test_the_pruned_search_goes_by_the_rarest_n_grams() -> None:
    items = np.zeros((30, 3), dtype=np.float32)
    items[:, 0] = 1  # all have the frequent n-gram, one has the rare one too
    items[7] = [0.6, 0.8, 0]
    queries = sp.csr_matrix(np.array([[0.6, 0.8, 0]], dtype=np.float32))
    whole = sparse_top_k(queries, sp.csr_matrix(items), 3)
    query, item, score = pruned_top_k(queries, sp.csr_matrix(items), 3, 0.5)
    assert len(whole[1]) == 3 and whole[1][0] == 7
    assert (query.tolist(), item.tolist(), score.tolist()) == ([0], [7], pytest.approx([1]))
