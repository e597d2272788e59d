"""Tokens of many texts at once: each distinct word is tokenized once, where words are independent."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from clippings.arrays import Integers

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["Tokens", "WordTokens"]

# parts of a tokenizer that split at spaces and treat each word independently
PRE_TOKENIZERS = ("BertPreTokenizer",)
NORMALIZERS = ("BertNormalizer", None)
MODELS = ("WordPiece",)
CACHED = 2**21  # words whose tokens are cached between calls


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of texts, one after the other.

    `ids` is (n_tokens,) int32; `start` and `length` are (n_texts,): where each text's tokens begin, and
    their number.
    """

    ids: npt.NDArray[np.int32]
    start: Integers
    length: Integers


class WordTokens:
    """A tokenizer for a million short texts, with at most `longest` tokens each, special ones included.

    BERT's tokenizers split texts at spaces and treat each word independently, so each distinct word is
    tokenized once (`by_word`). Others tokenize whole texts.
    """

    def __init__(self, tokenizer: Tokenizer, longest: int | None = None) -> None:
        self._tokenizer = type(tokenizer).from_str(tokenizer.to_str())
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._longest = longest
        self._ids_of: dict[str, list[int]] = {}
        shape = json.loads(self._tokenizer.to_str())
        kind = [(shape.get(part) or {}).get("type") for part in ("pre_tokenizer", "normalizer", "model")]
        special = self._tokenizer.encode("").ids
        self._around = [special[:1], special[1:]]
        self.by_word = (
            kind[0] in PRE_TOKENIZERS and kind[1] in NORMALIZERS and kind[2] in MODELS and len(special) == 2
        )

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Tokenize texts as the tokenizer does."""
        if self.by_word:
            return self._by_word(texts)
        self._tokenizer.no_truncation()
        if self._longest is not None:
            self._tokenizer.enable_truncation(max_length=self._longest)
        encode = getattr(self._tokenizer, "encode_batch_fast", self._tokenizer.encode_batch)
        return _joined([encoding.ids for encoding in encode(list(texts))])

    def _by_word(self, texts: Sequence[str]) -> Tokens:
        if not len(texts):
            nothing = np.zeros(0, np.int64)
            return Tokens(nothing.astype(np.int32), nothing, nothing)
        words = " ".join(texts).split(" ")
        number_of = {word: place for place, word in enumerate(dict.fromkeys(words))}
        code = np.fromiter(map(number_of.__getitem__, words), np.int64, len(words))
        word_tokens = self._of_words(list(number_of))
        ids, start, length = word_tokens.ids, word_tokens.start, word_tokens.length
        n_words = np.fromiter((text.count(" ") for text in texts), np.int64, len(texts)) + 1
        first_word = np.cumsum(n_words) - n_words
        n_inside = np.add.reduceat(length[code], first_word)
        n_kept = n_inside if self._longest is None else np.minimum(n_inside, self._longest - 2)
        flat = _ranges(start[code], length[code])
        keep = _ranges(np.cumsum(n_inside) - n_inside, n_kept)
        total = n_kept + 2
        begin = np.cumsum(total) - total
        all_ids = np.empty(int(total.sum()), dtype=np.int32)
        all_ids[begin], all_ids[begin + total - 1] = self._around[0][0], self._around[1][0]
        all_ids[_ranges(begin + 1, n_kept)] = ids[flat[keep]]
        return Tokens(all_ids, begin, total)

    def _of_words(self, words: list[str]) -> Tokens:
        """The tokens of words without special tokens."""
        if len(self._ids_of) > CACHED:
            self._ids_of.clear()
        new = [word for word in words if word not in self._ids_of]
        encode = getattr(self._tokenizer, "encode_batch_fast", self._tokenizer.encode_batch)
        for word, one in zip(new, encode(new, add_special_tokens=False), strict=True):
            self._ids_of[word] = one.ids
        return _joined([self._ids_of[word] for word in words])


def _joined(ids: list[list[int]]) -> Tokens:
    length = np.fromiter(map(len, ids), np.int64, len(ids))
    flat = np.fromiter(itertools.chain.from_iterable(ids), np.int32, int(length.sum()))
    return Tokens(flat, np.cumsum(length) - length, length)


def _ranges(start: Integers, length: Integers) -> Integers:
    """start[0], start[0] + 1, ... for `length[0]` numbers, then those from start[1], and so on."""
    begin = np.cumsum(length) - length
    return np.repeat(start - begin, length) + np.arange(int(length.sum()))
