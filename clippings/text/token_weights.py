"""Means over tokens that count rare tokens for more, fitted on the texts at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from clippings.arrays import Floats
from clippings.errors import EncoderError
from clippings.text.onnx_encoder import OnnxTextEncoder
from clippings.text.text_encoder import TextEncoder

__all__ = ["TokenWeighted"]


class TokenWeighted:
    """An encoder whose mean over tokens is weighted by how few texts have each token.

    The weight of a token is a power of its inverse document frequency, so that a legal form that half of the
    firms have counts little, and a model number much. (Weighted means: S. Arora et al., A Simple but
    Tough-to-Beat Baseline for Sentence Embeddings, 2017; the document frequencies are those of the job.) The
    tokens that begin and end a text have the mean weight.

    Args:
        encoder: A model whose vectors are means over tokens.
        power: 0 leaves the encoder's own means; 1 weights in full.

    Raises:
        EncoderError: The encoder is not an `OnnxTextEncoder`, or takes the first token.

    Example:
        >>> from model_hub import bundled
        >>> plain = OnnxTextEncoder.from_folder(bundled(), threads=1)
        >>> weighted = TokenWeighted(plain).fit(["Hill Ltd", "Boat Ltd", "Tea Ltd"])
        >>> a, b = (encoder.encode(["Hill Ltd", "Boat Ltd"]) for encoder in (plain, weighted))
        >>> bool(b[0] @ b[1] < a[0] @ a[1])
        True
    """

    def __init__(self, encoder: TextEncoder, power: float = 1.0) -> None:
        if not isinstance(encoder, OnnxTextEncoder) or not encoder.takes_means:
            raise EncoderError(
                "Tokens can be weighted where a vector is the mean over them. Given: "
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
        counts = np.zeros(size, dtype=np.int64)
        for ids in self._encoder.tokens(texts):
            counts[np.unique(ids)] += 1
        inverse = np.log((1 + len(texts)) / (1 + counts)) + 1
        ends = np.zeros(size, dtype=bool)
        ends[self._encoder.tokens([""])[0]] = True
        if (used := (counts > 0) & ~ends).any():
            inverse[ends] = inverse[used].mean()
        self._weight = (inverse**self._power).astype(np.float32)
        return self

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Floats:
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
            raise EncoderError("The weights of tokens are unknown. Given: no texts. Call fit(texts) first.")
        return self._encoder.encode(texts, batch_size=batch_size, progress=progress, weight=self._weight)
