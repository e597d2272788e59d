"""What must hold for the vectors and the search, whatever the texts."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from clippings import OnnxTextEncoder
from linktransformer.search import lexical
from model_hub import bundled, open_model

TEXTS = st.lists(
    st.one_of(st.text(max_size=30), st.sampled_from(["acme steel", "名古屋 🧡", "", " ", "a" * 3_000])),
    min_size=1,
    max_size=8,
)
FEW = settings(max_examples=15, deadline=None)


@pytest.fixture(scope="module")
def encoder() -> OnnxTextEncoder:
    return OnnxTextEncoder.from_folder(bundled(), threads=1)


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> OnnxTextEncoder:
    """The bundled model again, out of a copy of its folder and on another number of threads."""
    copy: Path = tmp_path_factory.mktemp("models") / "copy"
    shutil.copytree(bundled().path, copy)
    return OnnxTextEncoder.from_folder(open_model(copy), threads=2)


@FEW
@given(TEXTS, st.integers(1, 9), st.randoms(use_true_random=False))
def test_a_text_has_one_vector_in_any_batch_order_and_company(encoder, texts, batch, random) -> None:  # type: ignore[no-untyped-def]
    alone = [encoder.encode([text])[0] for text in texts]
    order = list(range(len(texts)))
    random.shuffle(order)
    together = encoder.encode([texts[place] for place in order], batch_size=batch)
    for place, vector in zip(order, together, strict=True):
        np.testing.assert_array_equal(vector, alone[place])


@FEW
@given(TEXTS)
def test_a_copied_model_gives_the_same_bits_on_any_number_of_threads(encoder, restored, texts) -> None:  # type: ignore[no-untyped-def]
    np.testing.assert_array_equal(restored.encode(texts), encoder.encode(texts))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 40), st.integers(1, 45), st.integers(1, 4))
def test_sparse_search_is_a_stable_sort_on_any_number_of_threads(
    seed: int, n: int, m: int, k: int, threads: int
) -> None:
    draw = np.random.default_rng(seed)
    a, b = (
        sp.csr_matrix((draw.random((rows, 5)) < 0.4) * draw.integers(1, 4, (rows, 5)) / 4.0, dtype=np.float32)
        for rows in (n, m)
    )
    query, item, score = lexical.sparse_top_k(a, b, k, threads=threads)
    every = (a @ b.T).toarray()
    wanted = [
        (row, column)
        for row in range(n)
        for column in np.argsort(-every[row], kind="stable")[:k]
        if every[row, column] > 0
    ]
    # ties at the last place are settled among the nearest k + 16
    if (every > 0).sum(axis=1).max(initial=0) <= k + lexical.SPARE:
        assert list(zip(query.tolist(), item.tolist(), strict=True)) == wanted
    np.testing.assert_array_equal(score, [every[pair] for pair in wanted])
