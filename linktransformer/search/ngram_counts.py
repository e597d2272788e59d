"""How many texts have each n-gram, counted a piece of the texts at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Doubles, Floats
from linktransformer.errors import InvalidArgumentError
from linktransformer.search import ngrams
from linktransformer.search.ngrams import Counts
from linktransformer.tables.hashed_counts import hashes

__all__ = ["Seen", "TextCounts"]

BITS = 16  # of a character's number in a key: four of them fill 64 bits
UNICODE = 0x110000

Keys = NDArray[np.uint64]


class TextCounts:
    """In how many texts each n-gram of up to four characters is; pieces of the texts are added one by one.

    It holds 16 bytes an n-gram, and nothing of the texts. What it says of n-grams is what
    `ngrams.tfidf` finds when it sees all texts at once.

    Attributes:
        n_texts: How many texts were added.

    Example:
        >>> counts = TextCounts()
        >>> counts.add(["tea", "teas"])
        >>> counts.add(["coffee"])
        >>> left, _ = ngrams.weighed(found := counts.counted(["tea"]), counts.rarity(found), 1)
        >>> whole, _ = ngrams.tfidf(["tea"], ["teas", "coffee"])
        >>> bool((left.data == whole.data).all())
        True
    """

    def __init__(self) -> None:
        self.n_texts = 0
        self._number = np.zeros(
            UNICODE, dtype=np.uint32
        )  # of each character, by first appearance, 0 for none
        self._known = 0
        self._keys: Keys = np.empty(0, dtype=np.uint64)
        self._count = np.empty(0, dtype=np.float64)
        self._new: list[tuple[Keys, Doubles]] = []

    def add(self, texts: list[str]) -> None:
        """Count the n-grams of more texts.

        Args:
            texts: Texts, none of which was added before.

        Raises:
            InvalidArgumentError: The texts have more than 65,535 different characters.
        """
        if not texts:
            return
        found = self.counted(texts)
        self.n_texts += found.n_texts
        self._new.append((self._keys_of(found), found.texts_with()))
        if sum(len(keys) for keys, _ in self._new) > max(2**20, len(self._keys)):
            self._merge()

    def counted(self, texts: list[str]) -> Counts:
        """The n-grams of some texts, with what each of them is.

        Args:
            texts: Any texts.

        Returns:
            Their counts.
        """
        return ngrams.counted(texts, spell=True)

    def rarity(self, found: Counts) -> Floats:
        """The inverse document frequency, among all texts that were added, of the n-grams of some of them.

        Args:
            found: From `counted`.

        Returns:
            (width,) float32.
        """
        self._merge()
        keys = self._keys_of(found)
        place = np.minimum(np.searchsorted(self._keys, keys), max(0, len(self._keys) - 1))
        with_it = np.zeros(found.width)
        if len(self._keys):
            there = self._keys[place] == keys
            with_it[there] = self._count[place[there]]
        return ngrams.rarity(self.n_texts, with_it)

    def _keys_of(self, found: Counts) -> Keys:
        """One number for each n-gram: those of its characters, side by side."""
        points = np.unique(found.spelled)
        new = points[(self._number[points] == 0) & (points > 0)]
        self._number[new] = self._known + 1 + np.arange(len(new), dtype=np.uint32)
        self._known += len(new)
        if self._known >= 2**BITS:
            raise InvalidArgumentError(
                f"The texts have {self._known:,} different characters, and at most {2**BITS - 1:,} can be "
                "counted in pieces. Link tables that fit into memory by `merge`."
            )
        keys = np.zeros(found.width, dtype=np.uint64)
        for place in range(found.spelled.shape[1]):
            keys = (keys << np.uint64(BITS)) | self._number[found.spelled[:, place]].astype(np.uint64)
        return keys

    def _merge(self) -> None:
        if not self._new:
            return
        keys = np.concatenate([self._keys, *(keys for keys, _ in self._new)])
        count = np.concatenate([self._count, *(count for _, count in self._new)])
        self._new = []
        order = np.argsort(keys, kind="stable")
        keys, count = keys[order], count[order]
        first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
        self._keys, self._count = keys[first], np.add.reduceat(count, first)


class Seen:
    """Which texts were there before, by 64 bits of a hash each.

    Two of ten million texts have the same hash with a probability of 3e-6; one of them is then not counted.

    Example:
        >>> seen = Seen()
        >>> seen.new(["tea", "coffee"]), seen.new(["coffee", "milk"])
        (['tea', 'coffee'], ['milk'])
    """

    def __init__(self) -> None:
        self._hashes: Keys = np.empty(0, dtype=np.uint64)

    def new(self, texts: Sequence[str]) -> list[str]:
        """Those of some texts that were not there before.

        Args:
            texts: Different texts.

        Returns:
            The new ones, in their order.
        """
        given = hashes(texts)
        place = np.searchsorted(self._hashes, given)
        known = np.zeros(len(given), dtype=bool)
        inside = place < len(self._hashes)
        known[inside] = self._hashes[place[inside]] == given[inside]
        merged = np.concatenate([self._hashes, np.unique(given[~known])])
        merged.sort(kind="stable")  # two sorted runs
        self._hashes = merged
        return [texts[number] for number in np.flatnonzero(~known).tolist()]
