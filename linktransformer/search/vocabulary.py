"""N-grams and their document frequencies, fixed once: later texts are weighed by the same frequencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.progress import stage
from linktransformer.search import ngrams
from linktransformer.search.matrices import Sparse
from linktransformer.search.ngrams import LONGEST, Counts, Points

__all__ = ["MOST_CHARACTERS", "Vocabulary", "count", "learn", "merged", "widened"]

BITS = 16  # of a character's rank in the code of an n-gram: four of them fill 64 bits
SPACE = 1  # 0 is for no character, so that n-grams of different length have different codes
LAST = 2**BITS - 1  # the rank of all characters beyond
MOST_CHARACTERS = LAST - SPACE - 1  # in an alphabet whose n-grams all have codes of their own
CHUNK = 2**20  # characters at a time; it changes the memory, not the result

Codes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The n-grams of some texts, and how many of the texts have each.

    Args:
        alphabet: The characters of the texts, rising code points, (n_characters,) uint32.
        codes: The n-grams, rising, (n_grams,) uint64: the ranks of their characters in the alphabet.
        n_texts_with: How many texts have each, (n_grams,) int64.
        n_texts: How many texts there were.
    """

    alphabet: Points
    codes: Codes
    n_texts_with: Integers
    n_texts: int

    def idf_of(self, columns: Integers) -> Floats:
        """The inverse document frequency of n-grams by column; of a column of -1, as if no text had it."""
        return ngrams.rarity(self.n_texts, np.append(self.n_texts_with, 0)[columns])

    def columns_of(self, counts: Counts) -> Integers:
        """The column of each counted n-gram, (counts.width,) int64, -1 for one that is not here."""
        code = _codes(counts, self.alphabet)
        column = np.searchsorted(self.codes, code)
        return np.where(np.append(self.codes, np.uint64(0))[column] == code, column, -1)

    @stage("n-grams")
    def vectors(self, texts: Sequence[str]) -> Sparse:
        """Weigh the n-grams of texts as `ngrams.tfidf` does, by the frequencies that are fixed here.

        An n-gram that is not in the vocabulary has no column, but counts in the norm of the vector as one
        that no text had. A text's vector depends on no other text. Returns (n, n_grams) float32 with sorted
        indices.
        """
        parts = [self._vectors(part) for part in _parts(texts)]
        width = max(1, len(self.codes))
        if not parts:
            return ngrams.matrix_of(np.zeros(1, dtype=np.int64), *_NOTHING, width)
        return sp.vstack(parts, format="csr") if len(parts) > 1 else parts[0]

    def _vectors(self, texts: Sequence[str]) -> Sparse:
        counts = ngrams.counted(texts, spell=True)
        column = self.columns_of(counts)
        ngrams.weigh(counts.indptr, counts.indices, counts.data, self.idf_of(column))
        indices = column[counts.indices]
        in_vocabulary = indices >= 0
        indptr = np.append(0, np.cumsum(in_vocabulary))[counts.indptr]
        return ngrams.matrix_of(
            indptr, indices[in_vocabulary].astype(np.int32), counts.data[in_vocabulary], len(self.codes)
        )

    def with_ngrams(self, texts: Sequence[str]) -> tuple[Vocabulary, Integers]:
        """A vocabulary with columns for the n-grams of more texts, and the column there of each old column.

        How rare n-grams are stays as it was: new ones are as rare as one that no text had.
        """
        new = count(texts)
        alphabet = np.union1d(self.alphabet, new.alphabet)
        old = self.codes_in(alphabet)
        codes = np.union1d(old, new.codes_in(alphabet))
        place = np.searchsorted(codes, old)
        n_texts_with = np.zeros(len(codes), dtype=np.int64)
        n_texts_with[place] = self.n_texts_with
        return Vocabulary(alphabet, codes, n_texts_with, self.n_texts), place

    def codes_in(self, alphabet: Points) -> Codes:
        """The codes of the n-grams in a larger alphabet, rising."""
        rank = np.arange(len(self.alphabet) + SPACE + 1, dtype=np.uint64)
        rank[SPACE + 1 :] = np.searchsorted(alphabet, self.alphabet) + SPACE + 1
        codes = np.zeros_like(self.codes)
        for shift in map(np.uint64, range(0, LONGEST * BITS, BITS)):
            codes |= rank[(self.codes >> shift) & np.uint64(LAST)] << shift
        return codes


_NOTHING = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
_EMPTY = Vocabulary(
    np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64), 0
)


@stage("n-grams")
def learn(texts: Sequence[str]) -> Vocabulary:
    """Count in how many texts each n-gram is; those of both tables, for frequencies as in a merge.

    Example:
        >>> words = learn(["acme steel", "acme"])
        >>> [round(float(value), 2) for value in (words.vectors(["acme"]) @ words.vectors(["acme"]).T).data]
        [1.0]
    """
    return count(texts)


def count(texts: Sequence[str]) -> Vocabulary:
    """As `learn`, without a line of progress."""
    whole, parts = _EMPTY, []
    for part in _parts(texts):
        parts.append(_counted(part))
        if sum(len(new.codes) for new in parts) > max(2**21, len(whole.codes)):
            whole, parts = merged([whole, *parts]), []
    return merged([whole, *parts])


def _counted(texts: Sequence[str]) -> Vocabulary:
    counts = ngrams.counted(texts, spell=True)
    alphabet = np.unique(counts.spelled)
    alphabet = alphabet[(alphabet != 0) & (alphabet != ord(" "))]
    codes, n_texts_with = _summed(_codes(counts, alphabet), counts.texts_with().astype(np.int64))
    return Vocabulary(alphabet, codes, n_texts_with, len(texts))


def merged(parts: Sequence[Vocabulary]) -> Vocabulary:
    """The vocabulary of the texts of all parts together."""
    alphabet = np.unique(np.concatenate([part.alphabet for part in parts]))
    codes, n_texts_with = _summed(
        np.concatenate([part.codes_in(alphabet) for part in parts]),
        np.concatenate([part.n_texts_with for part in parts]),
    )
    return Vocabulary(alphabet, codes, n_texts_with, sum(part.n_texts for part in parts))


def _summed(codes: Codes, counts: Integers) -> tuple[Codes, Integers]:
    """The different codes, rising, and the sum of the counts of each."""
    order = np.argsort(codes, kind="stable")
    codes, counts = codes[order], counts[order]
    first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1])[: len(codes)])
    return codes[first], np.add.reduceat(counts, first) if len(first) else counts


def _codes(counts: Counts, alphabet: Points) -> Codes:
    """One number for each counted n-gram, (width,): the ranks of its characters side by side.

    Characters that the alphabet lacks share the last rank: these n-grams have the codes of none in it.
    """
    points = counts.spelled
    place = np.searchsorted(alphabet, points)
    rank = np.where(np.append(alphabet, 0)[place] == points, place + SPACE + 1, LAST)
    rank[points == ord(" ")] = SPACE
    rank[points == 0] = 0
    codes = np.zeros(counts.width, dtype=np.uint64)
    for column in np.minimum(rank, LAST).astype(np.uint64).T:
        codes = np.where(column > 0, (codes << np.uint64(BITS)) | column, codes)
    return codes


def _parts(texts: Sequence[str]) -> list[Sequence[str]]:
    """The texts in runs of about `CHUNK` characters."""
    length = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    part = np.cumsum(length) // CHUNK
    edges = [*np.flatnonzero(np.diff(part, prepend=-1)).tolist(), len(texts)]
    return [texts[a:b] for a, b in pairwise(edges)]


def widened(matrix: Sparse, place: Integers, width: int) -> Sparse:
    """The rows of a matrix with more columns; `place` is the new place of each column, rising."""
    indices = place[matrix.indices].astype(np.int32)
    return sp.csr_matrix((matrix.data, indices, matrix.indptr), shape=(matrix.shape[0], max(1, width)))
