"""Sparse rows on a GPU: given pairs, and the nearest rows by sketches."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

torch = pytest.importorskip("torch")

from linktransformer.search import lexical, lsh_forest, views  # noqa: E402
from linktransformer.search.gpu import pairs as gpu_pairs  # noqa: E402
from linktransformer.search.gpu import sparse as gpu_sparse  # noqa: E402
from linktransformer.search.pair_products import pair_scores  # noqa: E402

pytestmark = pytest.mark.gpu
CARD = "cuda:0"


def rows(n: int, width: int, per_row: float, seed: int) -> sp.csr_matrix:
    draw = np.random.default_rng(seed)
    made = sp.random(n, width, density=per_row / width, random_state=draw, format="csr", dtype=np.float32)
    length = np.sqrt(np.asarray(made.multiply(made).sum(axis=1)).ravel())
    return sp.csr_matrix(sp.diags((1 / np.where(length > 0, length, 1)).astype(np.float32)) @ made)


@pytest.mark.parametrize("per_row", [0.5, 20, 90, 200])
def test_products_of_given_pairs(per_row: float) -> None:
    a, b = rows(3000, 4000, per_row, 0), rows(2000, 4000, per_row, 1)
    draw = np.random.default_rng(2)
    left, right = draw.integers(0, 3000, 20_001), draw.integers(0, 2000, 20_001)
    want = pair_scores(a, b, left, right, device="cpu")
    assert np.abs(gpu_pairs.pair_scores(a, b, left, right, device=CARD) - want).max() < 1e-6
    dense = np.asarray(a[:, :100].toarray()), np.asarray(b[:, :100].toarray())
    want = pair_scores(*dense, left, right, device="cpu")
    assert np.abs(gpu_pairs.pair_scores(*dense, left, right, device=CARD) - want).max() < 1e-6


def test_unsorted_rows_are_sorted() -> None:
    a = rows(50, 60, 20, 3)
    mixed = a.copy()
    for row in range(50):
        span = slice(mixed.indptr[row], mixed.indptr[row + 1])
        mixed.indices[span], mixed.data[span] = (
            mixed.indices[span][::-1].copy(),
            mixed.data[span][::-1].copy(),
        )
    mixed.has_sorted_indices = False
    left, right = np.arange(50), np.arange(50)[::-1].copy()
    want = pair_scores(a, a, left, right, device="cpu")
    assert np.abs(gpu_pairs.pair_scores(mixed, mixed, left, right, device=CARD) - want).max() < 1e-6


@pytest.mark.parametrize("k", [1, 10, 51])
def test_nearly_all_of_the_nearest_rows_are_found(k: int) -> None:
    draw = np.random.default_rng(4)
    words = ["".join(draw.choice(list("abcdefghij"), 6)) for _ in range(400)]
    texts = [" ".join(draw.choice(words, 3)) for _ in range(9000)]
    view = lexical.fit(texts[:4000], texts[4000:])
    query, item, score, how = gpu_sparse.top_k(view.left, view.right, k, device=CARD)
    want = lexical.sparse_top_k(view.left, view.right, k)
    assert how["recall"] >= gpu_sparse.RECALL
    least = np.full(4000, np.inf)
    np.minimum.at(least, want[0], want[2] - 1e-6)
    assert (score >= least[query]).sum() >= 0.95 * len(want[0])
    assert np.abs(score - pair_scores(view.left, view.right, query, item, device="cpu")).max() < 1e-6
    assert (np.diff(query) >= 0).all() and (score > 0).all() and np.bincount(query).max() <= k
    again = gpu_sparse.top_k(view.left, view.right, k, device=CARD)
    assert all((one == other).all() for one, other in zip((query, item, score), again, strict=False))


def test_rows_that_share_nothing_are_left_out() -> None:
    a = sp.csr_matrix(np.eye(300, 900, dtype=np.float32))
    b = sp.csr_matrix(np.eye(600, 900, k=200, dtype=np.float32))
    query, item, _, _ = gpu_sparse.top_k(a, b, 5, device=CARD)
    assert query.tolist() == list(range(200, 300)) and item.tolist() == list(range(100))


def test_the_search_of_large_tables_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsh_forest, "EXACT_UP_TO", 1000)
    a = rows(4000, 400, 20, 5)
    assert views.sparse_neighbours(a, a, 5)[3]["index"] == "sketches, GPU"
    assert views.sparse_neighbours(a, a, 5, device="cpu")[3]["index"] == "LSH forest"
