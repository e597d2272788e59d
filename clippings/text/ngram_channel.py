"""Character n-grams in the same vector as a model's meaning, so that one search serves both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from clippings.arrays import Floats
from clippings.errors import EncoderError
from clippings.text.text_encoder import TextEncoder

__all__ = ["WithNgrams"]

FEATURES = 2**18  # hashed n-grams
AT_ONCE = 4096


class WithNgrams:
    """An encoder whose vectors end in a sketch of the text's character n-grams.

    A text's n-grams, weighted by their inverse document frequency, are added into a few hundred places with a
    random sign each (K. Weinberger et al., Feature Hashing for Large Scale Multitask Learning, 2009). The
    inner product of two sketches is that of the weighted n-grams, within 1 / sqrt(dims). The cosine of
    two vectors is `1 - share` times the model's cosine and `share` times the n-grams' one.

    Args:
        encoder: Anything whose `encode` gives unit rows.
        share: Of the n-grams in the cosine, from 0 to 1.
        dims: Places of the sketch.
        sizes: Shortest and longest n-gram.
        seed: Of the places and signs.

    Raises:
        EncoderError: A number is out of range.

    Example:
        >>> class Flat:
        ...     def encode(self, texts, **_):
        ...         return np.ones((len(texts), 1), dtype=np.float32)
        >>> both = WithNgrams(Flat(), share=0.5, dims=512).fit(["KDL-40", "KDL-46", "tea"])
        >>> a, b, c = both.encode(["KDL-40", "KDL-46", "tea"])
        >>> bool(a @ b > a @ c), bool(a @ b < 0.99)
        (True, True)
    """

    def __init__(
        self,
        encoder: TextEncoder,
        *,
        share: float = 0.3,
        dims: int = 256,
        sizes: tuple[int, int] = (2, 4),
        seed: int = 0,
    ) -> None:
        if not 0 <= share <= 1 or dims < 1 or not 1 <= sizes[0] <= sizes[1]:
            raise EncoderError(
                f"A channel of n-grams cannot work. Given: share={share}, dims={dims}, sizes={sizes}. Give a "
                "share from 0 to 1, at least one place, and sizes from 1 upwards."
            )
        from sklearn.feature_extraction.text import HashingVectorizer

        self.name = f"{getattr(encoder, 'name', type(encoder).__name__)} with n-grams"
        self._encoder, self._share = encoder, share
        self._count = HashingVectorizer(
            analyzer="char_wb", ngram_range=sizes, n_features=FEATURES, alternate_sign=False, norm=None
        )
        draw = np.random.default_rng(seed)
        self._place = draw.integers(0, dims, FEATURES)
        self._sign = draw.choice(np.array([-1, 1], dtype=np.float32), FEATURES)
        self._inverse: Floats | None = None
        self._dims = dims

    def fit(self, texts: Sequence[str]) -> WithNgrams:
        """Count in how many texts each n-gram is.

        Args:
            texts: Those of all tables that will be encoded.

        Returns:
            Itself.
        """
        counts = np.zeros(FEATURES, dtype=np.int64)
        for start in range(0, len(texts), AT_ONCE):
            counts += np.bincount(
                self._count.transform(texts[start : start + AT_ONCE]).indices, minlength=FEATURES
            )
        self._inverse = (np.log((1 + len(texts)) / (1 + counts)) + 1).astype(np.float32)
        return self

    def sketch(self, texts: Sequence[str]) -> Floats:
        """The n-grams of texts alone.

        Args:
            texts: Any texts.

        Returns:
            Float32 (n_texts, dims), rows of length one; of zeros where a text has no n-gram.

        Raises:
            EncoderError: `fit` was not called.
        """
        if self._inverse is None:
            raise EncoderError("The weights of n-grams are unknown. Given: no texts. Call fit(texts) first.")
        from scipy import sparse

        weight = sparse.csr_matrix(
            (self._sign * self._inverse, (np.arange(FEATURES), self._place)), shape=(FEATURES, self._dims)
        )
        sketches = np.zeros((len(texts), self._dims), dtype=np.float32)
        for start in range(0, len(texts), AT_ONCE):
            counts = self._count.transform(texts[start : start + AT_ONCE])
            counts.data = 1 + np.log(counts.data)
            sketches[start : start + AT_ONCE] = (counts @ weight).toarray()
        length = np.sqrt(np.square(sketches).sum(axis=1, keepdims=True))
        return (sketches / np.where(length > 0, length, 1)).astype(np.float32)

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Floats:
        """Turn texts into unit vectors: the model's, then the sketch.

        Args:
            texts: Any texts.
            batch_size: Passed on.
            progress: Passed on.

        Returns:
            Float32 (n_texts, model's dim + dims), rows of length one.
        """
        # an encoder of the caller's may have neither keyword
        options: dict[str, Any] = {"batch_size": batch_size, "progress": progress}
        options = {name: value for name, value in options.items() if value is not None}
        dense = np.asarray(self._encoder.encode(list(texts), **options), dtype=np.float32)
        parts = [np.sqrt(1 - self._share) * dense, np.sqrt(self._share) * self.sketch(texts)]
        joined: Floats = np.concatenate(parts, axis=1).astype(np.float32)
        length = np.sqrt(np.square(joined).sum(axis=1, keepdims=True))
        return (joined / np.where(length > 0, length, 1)).astype(np.float32)
