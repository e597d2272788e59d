"""How many texts have each n-gram, counted a piece of the texts at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.search import ngrams, vocabulary
from linktransformer.search.ngrams import Counts
from linktransformer.search.vocabulary import MOST_CHARACTERS, Vocabulary
from linktransformer.tables.hashed_counts import hashes

__all__ = ["Seen", "TextCounts"]


class TextCounts:
    """In how many texts each n-gram is; pieces of the texts are added one by one.

    It holds 16 bytes an n-gram, and nothing of the texts. Frequencies are those of `ngrams.tfidf` of all
    texts at once.

    Attributes:
        n_texts: How many texts were added.

    Example:
        >>> counts = TextCounts()
        >>> counts.add(["tea", "teas"])
        >>> counts.add(["coffee"])
        >>> left, _ = ngrams.weighed(tea := counts.counted(["tea"]), counts.rarity(tea), 1)
        >>> whole, _ = ngrams.tfidf(["tea"], ["teas", "coffee"])
        >>> bool((left.data == whole.data).all())
        True
    """

    def __init__(self) -> None:
        self.n_texts = 0
        self._whole = vocabulary.count([])
        self._new: list[Vocabulary] = []

    def add(self, texts: Sequence[str]) -> None:
        """Count the n-grams of more texts, none of which was added before.

        Raises:
            InvalidArgumentError: The texts have more different characters than codes can distinguish.
        """
        if not texts:
            return
        self.n_texts += len(texts)
        self._new.append(vocabulary.count(texts))
        if sum(len(new.codes) for new in self._new) > max(2**20, len(self._whole.codes)):
            self.settle()

    def counted(self, texts: Sequence[str]) -> Counts:
        """The n-grams of some texts, spelled."""
        return ngrams.counted(texts, spell=True)

    def rarity(self, counts: Counts) -> Floats:
        """The inverse document frequency, among all added texts, of n-grams from `counted`, (width,)."""
        self.settle()
        return self._whole.idf_of(self._whole.columns_of(counts))

    def settle(self) -> None:
        """Put together what was added, before several threads ask."""
        if not self._new:
            return
        self._whole, self._new = vocabulary.merged([self._whole, *self._new]), []
        if len(self._whole.alphabet) > MOST_CHARACTERS:
            raise InvalidArgumentError(
                f"The texts have {len(self._whole.alphabet):,} different characters, and at most "
                f"{MOST_CHARACTERS:,} can be counted in pieces. Link tables that fit into memory by `merge`."
            )


class Seen:
    """Which texts were there before, by 64 bits of a hash each.

    Two of ten million texts have the same hash with a probability of 3e-6; one of them is then not counted.

    Example:
        >>> seen = Seen()
        >>> seen.new(["tea", "coffee"]), seen.new(["coffee", "milk"])
        (['tea', 'coffee'], ['milk'])
    """

    def __init__(self) -> None:
        self._hashes: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)

    def new(self, texts: Sequence[str]) -> list[str]:
        """Those of different texts that were not there before, in their order."""
        return [texts[number] for number in self.places(texts).tolist()]

    def places(self, texts: Sequence[str]) -> Integers:
        """The rising places of different texts that were not there before, (n,) int64."""
        new = hashes(texts)
        place = np.searchsorted(self._hashes, new)
        unseen = np.append(self._hashes, np.uint64(0))[place] != new
        merged = np.concatenate([self._hashes, np.unique(new[unseen])])
        merged.sort(kind="stable")  # two sorted runs
        self._hashes = merged
        return np.flatnonzero(unseen)
