"""Character n-grams, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from linktransformer.search import ngrams

HARD = [
    "Acme Steel Co.",
    "ACME  steel\tco.\n",
    "",
    "a",
    " a b  b a ",
    "é",
    "東京電力ホールディングス",
    "東京 電力",
    "😀 smile 😀😀",
    "ΟΔΟΣ ΣΑΣ Σ",
    "İstanbul ISPARTA Straße",
    "null\x00byte and\u2003wide\u00a0spaces\x1c\x85",
    "aaaaaaaaaaaaaaaa",
    "the same the same the same",
    "   ",
]
DTYPES = ["float32", "int32", "int32"]
WORDS = st.text(alphabet=st.sampled_from("abAB éΣσ東😀\n\u00a0İ"), max_size=12)
TEXTS = st.lists(WORDS | st.text(max_size=12), max_size=6)


def reference(left: list[str], right: list[str]) -> np.ndarray:
    """Scikit-learn's vectors, columns by n and then by character."""
    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, lowercase=True, dtype=np.float32
    )
    texts = left + right
    if not any(text.split() for text in texts):
        return np.zeros((len(texts), 1), dtype=np.float32)
    vectors = vectorizer.fit_transform(texts).toarray()
    names = vectorizer.get_feature_names_out().tolist()
    # the space that separates words comes before every other character
    place = [(len(name), [-1 if letter == " " else ord(letter) for letter in name]) for name in names]
    order = sorted(range(len(names)), key=place.__getitem__)
    return np.asarray(vectors[:, order])


def check(left: list[str], right: list[str]) -> None:
    got = ngrams.tfidf(left, right)
    expected = reference(left, right)
    assert [matrix.shape[0] for matrix in got] == [len(left), len(right)]
    for matrix in got:
        assert matrix.format == "csr"
        assert [str(part.dtype) for part in (matrix.data, matrix.indices, matrix.indptr)] == DTYPES
        matrix.check_format(full_check=True)
        plain = sp.csr_matrix((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)
        assert plain.has_canonical_format  # columns rise and none comes twice: found out, not believed
        assert np.all(matrix.data > 0)
    dense = sp.vstack(got).toarray()
    assert dense.shape == expected.shape
    np.testing.assert_allclose(dense, expected, rtol=0, atol=1e-6)


@given(TEXTS, TEXTS)
def test_equals_scikit_learn(left: list[str], right: list[str]) -> None:
    check(left, right)


def test_hard_texts() -> None:
    check(HARD, HARD[::-1])
    check(HARD, [])
    check([], HARD)


@pytest.mark.parametrize("chunk", [1, 7, 40, 2**18])
@pytest.mark.parametrize("table", [0, 2**24])
def test_same_bits_for_any_chunk_and_with_or_without_tables(
    chunk: int, table: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = HARD * 3
    expected = ngrams.tfidf(texts, HARD)
    monkeypatch.setattr(ngrams, "CHUNK", chunk)
    monkeypatch.setattr(ngrams, "TABLE", table)
    wide = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))  # too many pairs for 4 entries per character
    for got, want in zip(ngrams.tfidf(texts, HARD), expected, strict=True):
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(got, part), getattr(want, part))
    check([wide, "a b"], [wide[::-1], wide])


def test_keys_wider_than_32_bits() -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(0x3400, 0x9F00, (4000, 12))
    texts = ["".join(map(chr, word)) for word in words] + ["x"] * 40_000  # many rows by many n-grams
    left, right = ngrams.tfidf(texts, texts[:10])
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, dtype=np.float32)
    expected = vectorizer.fit_transform(texts + texts[:10])
    assert left.shape[1] == expected.shape[1] and left.nnz + right.nnz == expected.nnz
    products = (left[:200] @ right.T).toarray(), (expected[:200] @ expected[-10:].T).toarray()
    np.testing.assert_allclose(*products, atol=1e-6)


def test_lone_surrogates_and_a_very_long_text() -> None:
    long = "".join(chr(97 + i * i % 23) + " " * (i % 7 == 0) for i in range(100_000))
    check(["\ud800broken\udfff", long], ["broken", "\ud800"])
    check(["a" * 100_000], ["aa"])


def test_nothing() -> None:
    for left, right in ([], []), ([""], []), ([" "], ["", "\n"]):
        check(left, right)
