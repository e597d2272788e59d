"""Means over tokens that count rare tokens for more, fitted on the texts at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from clippings.arrays import Floats
from clippings.errors import EncoderError
from clippings.text.onnx_encoder import OnnxTextEncoder, Vectors

__all__ = ["TokenWeighted"]


class TokenWeighted:
    """An encoder whose mean over tokens is weighed by how few texts have each token.

    The weight of a token is a power of its inverse document frequency, so that a legal form that half of the
    firms have says little, and a model number much. (Weighed means: S. Arora et al., A Simple but
    Tough-to-Beat Baseline for Sentence Embeddings, 2017; the document frequencies are those of the job.) The
    tokens that begin and end a text have the mean weight.

    Args:
        encoder: A model whose vectors are means over tokens.
        power: 0 leaves the encoder's own means; 1 weighs in full.

    Raises:
        EncoderError: The encoder is none of ours, or takes the first token.

    Example:
        >>> from model_hub import bundled
        >>> plain = OnnxTextEncoder.from_folder(bundled(), threads=1)
        >>> weighed = TokenWeighted(plain).fit(["Hill Ltd", "Boat Ltd", "Tea Ltd"])
        >>> a, b = (made.encode(["Hill Ltd", "Boat Ltd"]) for made in (plain, weighed))
        >>> bool(b[0] @ b[1] < a[0] @ a[1])
        True
    """

    def __init__(self, encoder: Any, power: float = 1.0) -> None:
        if not isinstance(encoder, OnnxTextEncoder) or not encoder.takes_means:
            raise EncoderError(
                "Tokens can be weighed where a vector is the mean over them. Given: "
                f"{getattr(encoder, 'name', type(encoder).__name__)!r}. Use the encoder as it is."
            )
        self.name, self.dim, self._encoder, self._power = encoder.name, encoder.dim, encoder, power
        self._weight: Floats | None = None

    def fit(self, texts: Sequence[str]) -> TokenWeighted:
        """Count in how many texts each token is.

        Args:
            texts: Those of all tables that will be encoded, each once or as often as it is there.

        Returns:
            Itself.
        """
        size = self._encoder.vocabulary_size
        seen = np.zeros(size, dtype=np.int64)
        for ids in self._encoder.tokens(texts):
            seen[np.unique(ids)] += 1
        inverse = np.log((1 + len(texts)) / (1 + seen)) + 1
        ends = np.zeros(size, dtype=bool)
        ends[self._encoder.tokens([""])[0]] = True
        if (used := (seen > 0) & ~ends).any():
            inverse[ends] = inverse[used].mean()
        self._weight = (inverse**self._power).astype(np.float32)
        return self

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Vectors:
        """Turn texts into unit vectors.

        Args:
            texts: Any texts.
            batch_size: At most so many at once.
            progress: Called with the number of texts done since its last call.

        Returns:
            Float32 (n_texts, dim), rows of length one.

        Raises:
            EncoderError: `fit` was not called.
        """
        if self._weight is None:
            raise EncoderError("The weights of tokens are not known. Given: no texts. Call fit(texts) first.")
        return self._encoder.encode(texts, batch_size=batch_size, progress=progress, weight=self._weight)
