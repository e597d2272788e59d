"""How much of a text a model reads: what lies beyond its last token has no say in the vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clippings.arrays import Floats

__all__ = ["Reach", "reach_of"]

NEAR, FAR = (
    8,
    64,
)  # characters a token that are tokenized to find where a text is cut; few texts need the second
LONG_CHARS = 8  # characters a token that rows may have for a model of long records


class Reach:
    """Where a tokenizer cuts texts.

    Args:
        tokenizer: Of the package tokenizers; it is not changed.
        limit: Tokens of a text at most, with those that begin and end it.
        before: What the model puts before every text.
    """

    def __init__(self, tokenizer: Any, limit: int, before: str = "") -> None:
        self.limit, self._before = int(limit), before
        self._tokenizer = tokenizer
        cut = tokenizer.truncation or {}
        if tokenizer.padding or (cut.get("max_length"), cut.get("direction")) != (self.limit, "right"):
            self._tokenizer = type(tokenizer).from_str(tokenizer.to_str())
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(max_length=self.limit)

    def share_lost(self, texts: Sequence[str]) -> Floats:
        """The share of each text's characters that is not read.

        Args:
            texts: Texts.

        Returns:
            (n_texts,) float32, 0 for a text that is read to its end.
        """
        lost = np.zeros(len(texts), dtype=np.float32)
        # a token has a character at least: most texts need no look
        rows = [row for row, text in enumerate(texts) if len(text) + len(self._before) + 2 > self.limit]
        for size in (NEAR * self.limit, None):
            cut = [self._before + _clean(texts[row][:size]) for row in rows]
            open_ended = []
            for row, encoding in zip(rows, self._tokenizer.encode_batch(cut), strict=True):
                length = len(texts[row])
                if encoding.overflowing:
                    kept = max((end for _, end in encoding.offsets), default=0) - len(self._before)
                    lost[row] = (length - max(0, kept)) / length
                elif size is not None and length > size:
                    open_ended.append(row)
            rows = open_ended
        return lost


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def reach_of(model: Any) -> Reach | None:
    """Where a model of sentence-transformers cuts texts.

    Args:
        model: Any encoder.

    Returns:
        The reach; None where the model has no fast tokenizer, or none at all.
    """
    limit = getattr(model, "max_seq_length", None)
    backend = getattr(getattr(model, "tokenizer", None), "backend_tokenizer", None)
    if backend is None or not isinstance(limit, int) or limit < 3:
        return None
    return Reach(backend, limit)
