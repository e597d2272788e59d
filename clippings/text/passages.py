"""Long texts in passages that a model reads whole, split where a sentence or else a word ends."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clippings.arrays import Integers

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["Splitter"]

# a sentence ends at such a sign (with quotes or brackets after it) and white space, or at a sign of Chinese
# and Japanese, which has none
SENTENCE = re.compile(r"[.!?…;:][\"'”’»)\]]*\s+|[。！？][」』）]*|\n+")
WORD = re.compile(r"\s+")
SPARE = 2  # tokens: a passage that does not begin with a word may be tokenized differently than in its text


class Splitter:
    """Splits texts into passages of at most `limit` tokens of a tokenizer (of the package tokenizers).

    The limit includes special tokens and those of `prefix`, which the model puts before every text.
    """

    def __init__(self, tokenizer: Tokenizer, limit: int, prefix: str = "") -> None:
        self._tokenizer = type(tokenizer).from_str(tokenizer.to_str())
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        special = int(tokenizer.num_special_tokens_to_add(False))
        before = len(self._tokenizer.encode(prefix, add_special_tokens=False).ids) if prefix else 0
        self.size = max(1, limit - special - before - SPARE)
        self._limit = limit - special - before

    def split(self, texts: Sequence[str]) -> list[list[str]]:
        """The passages of each text, one at least, in order and without overlap.

        A text that fits is one passage, unchanged. A passage ends at the last sentence end of its second
        half, else at the last word end there, else at the limit: together they hold every word.
        """
        passages = [[text] for text in texts]
        rows = [row for row, text in enumerate(texts) if len(text) > self._limit]  # a token has a character
        clean = [texts[row].encode("utf-8", "replace").decode() for row in rows]
        encoded = self._tokenizer.encode_batch(clean, add_special_tokens=False)
        for row, text, encoding in zip(rows, clean, encoded, strict=True):
            if len(encoding.ids) > self._limit:
                offsets = np.array(encoding.offsets, dtype=np.int64)
                cuts = _cuts(text, offsets[:, 0], self.size)
                edges = itertools.pairwise(cuts)
                parts = (text[start:end].strip() for start, end in edges)
                passages[row] = [part for part in parts if part] or [text]
        return passages


def _cuts(text: str, begins: Integers, size: int) -> list[int]:
    """Where passages begin, and the end of the text: positions of characters, rising.

    `begins` are the positions of the text's tokens, and a passage has at most `size` of these.
    """
    sentences = _tokens_at(SENTENCE, text, begins)
    words = _tokens_at(WORD, text, begins)
    first, cuts = 0, [0]
    while len(begins) - first > size:
        end = first + size
        for ends in (sentences, words, np.array([end])):
            place = int(np.searchsorted(ends, end, side="right"))
            last = int(ends[place - 1]) if place else 0
            if last > first + size // 2:
                break
        first = max(first + 1, last)
        cuts.append(int(begins[first]))
    return [*cuts, len(text)]


def _tokens_at(pattern: re.Pattern[str], text: str, begins: Integers) -> Integers:
    """The first token after each match of a pattern, rising."""
    ends = np.fromiter((match.end() for match in pattern.finditer(text)), dtype=np.int64)
    return np.unique(np.searchsorted(begins, ends))
