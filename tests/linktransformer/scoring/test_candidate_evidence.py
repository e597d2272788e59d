"""What is gathered of candidates: which are nearest, and how near records of one table are."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from linktransformer.scoring import candidate_evidence
from linktransformer.scoring.candidate_evidence import nearest_pairs, own_rivals, own_sample
from linktransformer.search.blocking import nodes


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_nearest_pairs_are_the_best_of_one_of_their_records(seed: int, same: bool) -> None:
    draw = np.random.default_rng(seed)
    code = np.sort(draw.choice(64, 25, replace=False))
    left, right = code // 8, code % 8
    if same:
        left, right = left[left < right], right[left < right]
    views = {name: draw.integers(1, 6, len(left)).astype(np.float32) for name in ("lexical", "dense")}
    views["dense"][::3] = np.nan
    expected = np.zeros(len(left), dtype=bool)
    for score in views.values():
        for pair, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
            ends = ([(left == a) | (right == a), (left == b) | (right == b)] if same
                    else [left == a, right == b])  # fmt: skip
            known = np.nan_to_num(score)
            best = any(known[pair] >= known[rivals].max() for rivals in ends)
            expected[pair] |= best and not np.isnan(score[pair])
    np.testing.assert_array_equal(nearest_pairs(left, right, views, same=same), expected)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("blocks", [1, 3])
def test_the_nearest_other_record_is_of_the_same_table_and_block(sparse: bool, blocks: int) -> None:
    draw = np.random.default_rng(blocks)
    vectors = (draw.random((30, 6)) * (draw.random((30, 6)) < 0.6)).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    table = nodes(np.arange(30), np.arange(30) % blocks)
    some = np.array([0, 3, 4, 17, 29])
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -1)
    cosine[table.block[:, None] != table.block[None]] = -1
    view = sp.csr_matrix(vectors) if sparse else vectors
    found = own_rivals(view, table, some, whole=blocks == 1, device="cpu")
    np.testing.assert_allclose(found, np.maximum(cosine[some].max(axis=1), 0), atol=1e-6)


def test_all_records_of_a_small_table_and_a_sample_of_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    order = np.random.default_rng(0).permutation(50)
    assert own_sample(order, sparse=True).tolist() == list(range(50))
    assert len(own_sample(order[:1], sparse=True)) == 0
    monkeypatch.setattr(candidate_evidence, "OWN_UP_TO", 100)
    monkeypatch.setattr(candidate_evidence, "OWN_SAMPLE", 7)
    few = own_sample(order, sparse=True)
    assert len(few) == 7 and (np.diff(few) > 0).all()
    assert own_sample(order, sparse=False).tolist() == list(range(50))


def test_own_records_of_a_part_of_a_table_are_those_of_the_part() -> None:
    np.testing.assert_array_equal(own_sample(np.array([7, 3, 5]), sparse=False), [3, 5, 7])


def test_dense_own_rivals_do_not_depend_on_the_other_records() -> None:
    vectors = np.random.default_rng(0).standard_normal((301, 96)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = nodes(np.arange(301))
    whole = own_rivals(vectors, table, np.arange(301), whole=True)
    parts = [own_rivals(vectors, table, np.arange(301)[a : a + 7], whole=True) for a in range(0, 301, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
