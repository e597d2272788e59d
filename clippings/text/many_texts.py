"""Many texts and a model of sentence-transformers on a GPU: as fast as the card allows, or left to itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from clippings.arrays import Floats
from clippings.text.gpu_encoder import GpuTextEncoder, NotSupportedError
from clippings.text.onnx_encoder import SURROGATES

__all__ = ["ManyTexts"]

MANY = 2**14  # texts: for fewer, preparing a model takes longer than it saves


class ManyTexts:
    """What encodes a caller's model where that is worth it.

    Args:
        model: Any object with `encode`.

    Attributes:
        note: How texts were encoded on a GPU, or why not so; None before.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._encoder: GpuTextEncoder | None = None
        self.note: str | None = None

    def encode(self, texts: Sequence[str], progress: Callable[[int], object] | None = None) -> Floats | None:
        """Turn texts into unit vectors, if they are many and the model is one that is run here.

        Args:
            texts: Texts.
            progress: Called with the number of texts done since its last call.

        Returns:
            (n_texts, d) float32, or None: the model's own `encode` is to be used.
        """
        if len(texts) < MANY or not on_gpu(self._model):
            return None
        clean = _encodable(texts)
        try:
            if self.note is None:
                self._encoder = GpuTextEncoder(self._model, clean)
                self.note = f"on the GPU in {self._encoder.precision}, batches of one length"
        except NotSupportedError as error:
            self.note = f"by its own encode: {error}"
        if self._encoder is None:
            return None
        made = self._encoder.encode(clean, progress)
        odd = np.flatnonzero(~np.isfinite(made.sum(axis=1)))  # too large for half precision
        if len(odd):
            own = np.asarray(
                self._model.encode([clean[row] for row in odd.tolist()], show_progress_bar=False)
            )
            made[odd] = own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-12)
        return made


def on_gpu(model: Any) -> bool:
    """Whether it is a model of sentence-transformers on a GPU of CUDA's kind.

    Args:
        model: Any encoder.

    Returns:
        True or False.
    """
    of = type(model).__module__.partition(".")[0]
    return of == "sentence_transformers" and str(getattr(model, "device", "cpu")).startswith("cuda")


def _encodable(texts: Sequence[str]) -> list[str]:
    """The texts without lone surrogates, which no tokenizer takes."""
    plain = [str(text) for text in texts]
    try:
        "".join(plain).encode()
    except UnicodeEncodeError:
        return [SURROGATES.sub("\ufffd", text) for text in plain]
    return plain
