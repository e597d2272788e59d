"""Where a model's tokenizer cuts texts, and which share of a text is lost by that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clippings.arrays import Floats
from clippings.text.passages import Splitter

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["Truncation", "truncation_of"]

NEAR = 8  # characters a token that are tokenized first to find where a text is cut
LONG_CHARS = 8  # characters a token that rows may have in a model of long records


class Truncation:
    """Where a tokenizer (of the package tokenizers; not changed) cuts texts at `limit` tokens.

    The limit includes special tokens and those of `prefix`, which the model puts before every text.
    """

    def __init__(self, tokenizer: Tokenizer, limit: int, prefix: str = "") -> None:
        self.limit, self._prefix = int(limit), prefix
        self._tokenizer = tokenizer
        cut = tokenizer.truncation or {}
        if tokenizer.padding or (cut.get("max_length"), cut.get("direction")) != (self.limit, "right"):
            self._tokenizer = type(tokenizer).from_str(tokenizer.to_str())
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(max_length=self.limit)

    def splitter(self) -> Splitter:
        """What splits texts into passages that are not cut."""
        return Splitter(self._tokenizer, self.limit, self._prefix)

    def share_lost(self, texts: Sequence[str]) -> Floats:
        """The share of each text's characters that is cut off, (n_texts,) float32."""
        lost = np.zeros(len(texts), dtype=np.float32)
        # a token has at least one character: most texts need no check
        rows = [row for row, text in enumerate(texts) if len(text) + len(self._prefix) + 2 > self.limit]
        for size in (NEAR * self.limit, None):
            starts = [self._prefix + _clean(texts[row][:size]) for row in rows]
            uncut = []
            for row, encoding in zip(rows, self._tokenizer.encode_batch(starts), strict=True):
                length = len(texts[row])
                if encoding.overflowing:
                    read = max((end for _, end in encoding.offsets), default=0) - len(self._prefix)
                    lost[row] = (length - max(0, read)) / length
                elif size is not None and length > size:
                    uncut.append(row)
            rows = uncut
        return lost


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def truncation_of(model: object) -> Truncation | None:
    """Where a model of sentence-transformers cuts texts; None if it has no fast tokenizer."""
    limit = getattr(model, "max_seq_length", None)
    backend = getattr(getattr(model, "tokenizer", None), "backend_tokenizer", None)
    if backend is None or not isinstance(limit, int) or limit < 3:
        return None
    return Truncation(backend, limit)
