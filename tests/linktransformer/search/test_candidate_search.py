"""Candidates against a brute-force reference, with and without blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from linktransformer.search import candidate_search as search_module
from linktransformer.search import lexical
from linktransformer.search.blocking import Nodes, nodes, pair_blocks
from linktransformer.search.candidate_search import merged, search
from linktransformer.search.pair_products import pair_scores


def vectors(n: int, seed: int, *, sparse: bool) -> np.ndarray | sp.csr_matrix:
    draw = np.random.default_rng(seed)
    values = draw.random((n, 8)).astype(np.float32)
    if sparse:
        values *= draw.random((n, 8)) < 0.5
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
    return sp.csr_matrix(values) if sparse else values


def dense(matrix: np.ndarray | sp.csr_matrix) -> np.ndarray:
    return matrix.toarray() if sp.issparse(matrix) else matrix


def reference(views: dict, left: Nodes, right: Nodes, k: int) -> set[tuple[int, int]]:
    """Each node's k best of its block in each view, both ways, by a full matrix."""
    found = set()
    allowed = left.block[:, None] == right.block[None, :]
    for a, b in views.values():
        score = dense(a)[left.text] @ dense(b)[right.text].T
        fine = allowed & (score > 0) if sp.issparse(a) else allowed
        for matrix, mask, turned in ((score, fine, False), (score.T, fine.T, True)):
            for row in range(len(matrix)):
                places = np.flatnonzero(mask[row])
                order = places[np.lexsort((places, -matrix[row, places]))][:k]
                found |= {(int(p), row) if turned else (row, int(p)) for p in order}
    return found


@pytest.mark.parametrize("small_block", [0, 64, 4096], ids=["searched", "both", "enumerated"])
@pytest.mark.parametrize("n_blocks", [1, 3, 12])
def test_search_finds_what_brute_force_finds(
    n_blocks: int, small_block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "SMALL_BLOCK", small_block)
    draw = np.random.default_rng(n_blocks)
    left = nodes(np.arange(40), draw.integers(0, n_blocks, 40))
    right = nodes(np.arange(30), draw.integers(0, n_blocks, 30))
    views = {
        "lexical": (vectors(40, 1, sparse=True), vectors(30, 2, sparse=True)),
        "dense": (vectors(40, 3, sparse=False), vectors(30, 4, sparse=False)),
    }
    found = search(views, left, right, 3)
    assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) == reference(
        views, left, right, 3
    )
    assert (np.diff(found.left * 30 + found.right) > 0).all()
    for name, (a, b) in views.items():
        expected = np.einsum("ij,ij->i", dense(a)[left.text[found.left]], dense(b)[right.text[found.right]])
        np.testing.assert_allclose(found.views[name], expected, atol=1e-6)


@pytest.mark.parametrize("n_blocks", [1, 5])
def test_added_pairs_are_scored_and_scores_that_are_known_are_kept(n_blocks: int) -> None:
    left = nodes(np.arange(40), np.arange(40) % n_blocks)
    right = nodes(np.arange(30), np.arange(30) % n_blocks)
    lexical = (vectors(40, 1, sparse=True), vectors(30, 2, sparse=True))
    both = {"lexical": lexical, "dense": (vectors(40, 3, sparse=False), vectors(30, 4, sparse=False))}
    whole = search(both, left, right, 3)
    part = search({"lexical": lexical}, left, right, 3)
    kept = replace(part, views={"lexical": part.views["lexical"] + 1})
    found = merged(kept, (whole.left, whole.right), both, (left, right))
    assert found.left.tolist() == whole.left.tolist()
    assert found.right.tolist() == whole.right.tolist()
    known = np.isin(whole.left * 30 + whole.right, part.left * 30 + part.right)
    np.testing.assert_allclose(found.views["lexical"], whole.views["lexical"] + known, atol=1e-6)
    np.testing.assert_allclose(found.views["dense"], whole.views["dense"], atol=1e-6)


@pytest.mark.parametrize("n_blocks", [1, 2])
def test_faiss_searches_dense_views_where_it_is_asked_for(n_blocks: int) -> None:
    pytest.importorskip("faiss")
    sides = [nodes(np.arange(300), np.arange(300) % n_blocks) for _ in range(2)]
    views = {
        "lexical": (vectors(300, 1, sparse=True), vectors(300, 2, sparse=True)),
        "dense": (vectors(300, 3, sparse=False), vectors(300, 4, sparse=False)),
    }
    plain, faiss = (search(views, *sides, 3, index=index) for index in ("auto", "faiss"))
    assert plain.report["dense"] == {"index": "exact, NumPy"}
    assert faiss.report["dense"] == {"index": "FAISS flat"}
    assert faiss.report["lexical"] == plain.report["lexical"]
    np.testing.assert_array_equal([faiss.left, faiss.right], [plain.left, plain.right])


def test_blocks_without_partner_give_nothing() -> None:
    left, right = nodes(np.arange(4), np.zeros(4, dtype=int)), nodes(np.arange(4), np.ones(4, dtype=int))
    found = search({"dense": (vectors(4, 1, sparse=False), vectors(4, 2, sparse=False))}, left, right, 2)
    assert len(found) == 0
    assert pair_blocks(left, right).n_unshared


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 900), st.integers(0, 3), st.booleans())
def test_pair_scores_do_not_depend_on_the_memory(n: int, seed: int, sparse: bool) -> None:
    a, b = vectors(50, seed, sparse=sparse), vectors(50, seed + 9, sparse=sparse)
    draw = np.random.default_rng(seed)
    rows, columns = draw.integers(0, 50, n), draw.integers(0, 50, n)
    np.testing.assert_allclose(
        pair_scores(a, b, rows, columns, memory=1), pair_scores(a, b, rows, columns), atol=1e-6
    )


@pytest.mark.parametrize("small_block", [0, 64, 4096], ids=["searched", "both", "enumerated"])
@pytest.mark.parametrize("n_blocks", [1, 3, 12])
def test_a_table_in_itself_finds_every_pair_once(
    n_blocks: int, small_block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "SMALL_BLOCK", small_block)
    one = nodes(np.arange(40), np.random.default_rng(n_blocks).integers(0, n_blocks, 40))
    lexical, vector = vectors(40, 1, sparse=True), vectors(40, 3, sparse=False)
    views = {"lexical": (lexical, lexical), "dense": (vector, vector)}
    found = search(views, one, one, 3, same=True)
    # each node is its own nearest, so that one more is looked at
    wanted = {(a, b) for a, b in reference(views, one, one, 4) if a < b}
    wanted |= {(b, a) for a, b in reference(views, one, one, 4) if b < a}
    assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) == wanted
    assert (np.diff(found.left * 40 + found.right) > 0).all()
    expected = np.einsum("ij,ij->i", vector[one.text[found.left]], vector[one.text[found.right]])
    np.testing.assert_allclose(found.views["dense"], expected, atol=1e-6)


def test_the_sparse_search_does_not_depend_on_how_many_queries_go_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(0)
    words = ["acme", "steel", "dairy", "motors", "glass", "works"]
    view = lexical.fit([" ".join(draw.choice(words, 3)) + f" {n % 90}" for n in range(200)], [])
    whole = lexical.sparse_top_k(view.left, view.left, 7)
    monkeypatch.setattr(lexical, "AT_ONCE", 1)
    parts = lexical.sparse_top_k(view.left, view.left, 7)
    assert len(set(parts[0].tolist())) == 200
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)
