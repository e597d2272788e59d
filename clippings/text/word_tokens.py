"""Tokens of many texts at once: each distinct word is looked up once, where words stand by themselves."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from clippings.arrays import Integers

__all__ = ["Tokens", "WordTokens"]

# what splits at spaces and looks at one word at a time, whatever stands beside it
ALONE = ("BertPreTokenizer",)
NORMALIZERS = ("BertNormalizer", None)
MODELS = ("WordPiece",)
KEPT = 2**21  # words whose tokens are kept from one call to the next


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of texts, one after the other.

    Args:
        ids: (n_tokens,) int32.
        start: Where each text's tokens begin, (n_texts,) int64.
        length: How many it has, (n_texts,) int64.
    """

    ids: npt.NDArray[np.int32]
    start: Integers
    length: Integers


class WordTokens:
    """A tokenizer for a million short texts.

    BERT's tokenizers cut texts at spaces and then treat each word by itself, so that the tokens of a text are
    those of its words. Where that holds, each distinct word is tokenized once. Others tokenize whole texts.

    Args:
        tokenizer: Of the package tokenizers.
        longest: Tokens of a text at most, with those that begin and end it.

    Attributes:
        by_word: Whether words are looked up one by one.
    """

    def __init__(self, tokenizer: Any, longest: int | None = None) -> None:
        self._tokenizer = type(tokenizer).from_str(tokenizer.to_str())
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._longest = longest
        self._ids_of: dict[str, list[int]] = {}
        shape = json.loads(self._tokenizer.to_str())
        kind = [(shape.get(part) or {}).get("type") for part in ("pre_tokenizer", "normalizer", "model")]
        special = self._tokenizer.encode("").ids
        self._around = [special[:1], special[1:]]
        self.by_word = kind[0] in ALONE and kind[1] in NORMALIZERS and kind[2] in MODELS and len(special) == 2

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Tokenize texts.

        Args:
            texts: Texts.

        Returns:
            Their tokens, as the tokenizer gives them.
        """
        if self.by_word:
            return self._by_word(texts)
        self._tokenizer.no_truncation()
        if self._longest is not None:
            self._tokenizer.enable_truncation(max_length=self._longest)
        encode = getattr(self._tokenizer, "encode_batch_fast", self._tokenizer.encode_batch)
        found = [one.ids for one in encode(list(texts))]
        length = np.fromiter(map(len, found), np.int64, len(found))
        ids = np.fromiter(itertools.chain.from_iterable(found), np.int32, int(length.sum()))
        return Tokens(ids, np.cumsum(length) - length, length)

    def _by_word(self, texts: Sequence[str]) -> Tokens:
        if not len(texts):
            none = np.zeros(0, np.int64)
            return Tokens(none.astype(np.int32), none, none)
        words = " ".join(texts).split(" ")
        number = {word: place for place, word in enumerate(dict.fromkeys(words))}
        code = np.fromiter(map(number.__getitem__, words), np.int64, len(words))
        ids, start, length = self._of_words(list(number))
        n_words = np.fromiter((text.count(" ") for text in texts), np.int64, len(texts)) + 1
        first_word = np.cumsum(n_words) - n_words
        inside = np.add.reduceat(length[code], first_word)
        kept = inside if self._longest is None else np.minimum(inside, self._longest - 2)
        flat = _stretches(start[code], length[code])
        keep = _stretches(np.cumsum(inside) - inside, kept)
        total = kept + 2
        begin = np.cumsum(total) - total
        all_ids = np.empty(int(total.sum()), dtype=np.int32)
        all_ids[begin], all_ids[begin + total - 1] = self._around[0][0], self._around[1][0]
        all_ids[_stretches(begin + 1, kept)] = ids[flat[keep]]
        return Tokens(all_ids, begin, total)

    def _of_words(self, words: list[str]) -> tuple[npt.NDArray[np.int32], Integers, Integers]:
        """The tokens of words without what begins and ends a text."""
        if len(self._ids_of) > KEPT:
            self._ids_of.clear()
        new = [word for word in words if word not in self._ids_of]
        encode = getattr(self._tokenizer, "encode_batch_fast", self._tokenizer.encode_batch)
        for word, one in zip(new, encode(new, add_special_tokens=False), strict=True):
            self._ids_of[word] = one.ids
        found = [self._ids_of[word] for word in words]
        length = np.fromiter(map(len, found), np.int64, len(found))
        ids = np.fromiter(itertools.chain.from_iterable(found), np.int32, int(length.sum()))
        return ids, np.cumsum(length) - length, length


def _stretches(start: Integers, length: Integers) -> Integers:
    """start[0], start[0] + 1, ..., for `length[0]` numbers, then those from start[1], and so on."""
    begin = np.cumsum(length) - length
    return np.repeat(start - begin, length) + np.arange(int(length.sum()))
