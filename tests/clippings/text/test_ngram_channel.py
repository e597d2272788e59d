"""The joined cosine is the weighed mean of both, and sketches keep the cosines of n-grams."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from clippings.errors import EncoderError
from clippings.text.ngram_channel import WithNgrams

TEXTS = [
    "Sony KDL-40V3000",
    "Sony KDL-46V3000",
    "Hill Railway Company",
    "Hill Ry. Co.",
    "tea",
    "green tea",
    "茶",
]


class Fixed:
    """Unit rows that depend on the text alone."""

    name = "fixed"

    def encode(self, texts: list[str]) -> np.ndarray:
        rows = np.stack([np.random.default_rng(sum(map(ord, text))).normal(size=8) for text in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_the_cosine_is_the_weighed_mean_of_both() -> None:
    made = WithNgrams(Fixed(), share=0.3).fit(TEXTS)
    joined, dense, sketch = made.encode(TEXTS), Fixed().encode(TEXTS), made.sketch(TEXTS)
    np.testing.assert_allclose(joined @ joined.T, 0.7 * dense @ dense.T + 0.3 * sketch @ sketch.T, atol=1e-5)
    assert joined.shape == (len(TEXTS), 8 + 256) and made.name == "fixed with n-grams"


def test_sketches_keep_the_cosines_of_the_n_grams() -> None:
    plain = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, lowercase=True).fit(
        TEXTS
    )
    exact = plain.transform(TEXTS)
    wanted = (exact @ exact.T).toarray()
    made = WithNgrams(Fixed(), dims=4096, seed=1).fit(TEXTS).sketch(TEXTS)
    np.testing.assert_allclose(made @ made.T, wanted, atol=0.06)
    assert wanted[0, 1] > 0.5 > wanted[0, 4]


def test_an_empty_text_has_the_models_vector() -> None:
    made = WithNgrams(Fixed(), share=0.3).fit(TEXTS)
    (row,) = made.encode([""])
    assert abs(np.linalg.norm(row) - 1) < 1e-6 and not row[8:].any()


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(EncoderError, match="share=2"):
        WithNgrams(Fixed(), share=2)
    with pytest.raises(EncoderError, match="fit"):
        WithNgrams(Fixed()).encode(TEXTS)
