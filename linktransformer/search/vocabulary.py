"""N-grams and how rare they are, fixed once: texts that come later are weighed by the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.progress import stage

__all__ = ["Vocabulary", "learn", "widened"]

LOW, HIGH = 2, 4  # as `ngrams.tfidf` has them
BITS = 16  # of a character's rank in the code of an n-gram
SPACE = 1  # 0 is for no character, so that n-grams of different length have different codes
MOST = 2**BITS - 1
CHUNK = 2**18  # characters at a time; it changes the memory, not the result

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

    alphabet: NDArray[np.uint32]
    codes: Codes
    n_texts_with: Integers
    n_texts: int

    @property
    def idf(self) -> Floats:
        """The smoothed inverse document frequency of each n-gram, and last that of one no text had."""
        with_it = np.append(self.n_texts_with, 0) + 1.0
        return np.asarray(np.log((self.n_texts + 1) / with_it) + 1, dtype=np.float32)

    @stage("n-grams")
    def vectors(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Weigh the n-grams of texts as `ngrams.tfidf` does, by the frequencies that are fixed here.

        An n-gram that is not in the vocabulary counts in the length of the vector with the inverse document
        frequency of one that no text had, and has no column. A text's vector depends on no other text.

        Args:
            texts: The texts, n.

        Returns:
            (n, n_grams) float32 with sorted indices; rows of length 1, shorter by the n-grams without column.
        """
        idf, width = self.idf, max(1, len(self.codes))
        indices: list[NDArray[np.int32]] = []
        data: list[Floats] = []
        filled: list[Integers] = []
        for part in _parts(texts):
            row, code, count = _counted(part, self.alphabet)
            column = np.searchsorted(self.codes, code)
            known = column < len(self.codes)
            known[known] = self.codes[column[known]] == code[known]
            column[~known] = len(self.codes)
            weight = (np.log(count.astype(np.float32)) + np.float32(1)) * idf[column]
            starts = np.flatnonzero(np.diff(row, prepend=-1))
            if len(starts):
                squares = np.add.reduceat(np.square(weight, dtype=np.float64), starts)
                weight *= np.repeat(
                    (1 / np.sqrt(squares)).astype(np.float32), np.diff(starts, append=len(row))
                )
            indices.append(column[known].astype(np.int32))
            data.append(weight[known])
            filled.append(np.bincount(row[known], minlength=len(part)))
        indptr = np.append(0, np.cumsum(np.concatenate(filled))) if filled else np.zeros(1, dtype=np.int64)
        none_i, none_d = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
        small = indptr.astype(np.int32) if indptr[-1] < 2**31 else indptr
        matrix = sp.csr_matrix(
            (np.concatenate([none_d, *data]), np.concatenate([none_i, *indices]), small),
            shape=(len(texts), width),
        )
        matrix.has_sorted_indices = True
        return matrix

    def with_ngrams(self, texts: Sequence[str]) -> tuple[Vocabulary, Integers]:
        """Give a column to each n-gram of more texts; how rare n-grams are stays as it was.

        Args:
            texts: The texts.

        Returns:
            The vocabulary, whose new n-grams are as rare as one that no text had, and the column there of
            each old column, rising.
        """
        alphabet = np.union1d(self.alphabet, _characters(texts))
        old = self.codes_in(alphabet)
        codes = np.unique(np.concatenate([old, *(_counted(part, alphabet)[1] for part in _parts(texts))]))
        place = np.searchsorted(codes, old)
        counts = np.zeros(len(codes), dtype=np.int64)
        counts[place] = self.n_texts_with
        return Vocabulary(alphabet, codes, counts, self.n_texts), place

    def codes_in(self, alphabet: NDArray[np.uint32]) -> Codes:
        """The codes of the n-grams in a larger alphabet.

        Args:
            alphabet: Rising code points, those of this alphabet among them.

        Returns:
            (n_grams,) uint64, rising.
        """
        rank = np.arange(len(self.alphabet) + SPACE + 1, dtype=np.uint64)
        rank[SPACE + 1 :] = np.searchsorted(alphabet, self.alphabet) + SPACE + 1
        found = np.zeros_like(self.codes)
        for shift in map(np.uint64, range(0, HIGH * BITS, BITS)):
            found |= rank[(self.codes >> shift) & np.uint64(MOST)] << shift
        return found


@stage("n-grams")
def learn(texts: Sequence[str]) -> Vocabulary:
    """Count in how many texts each n-gram is.

    Args:
        texts: The texts; those of both tables, where frequencies shall be as in a merge.

    Returns:
        The vocabulary.

    Example:
        >>> words = learn(["acme steel", "acme"])
        >>> [round(float(value), 2) for value in (words.vectors(["acme"]) @ words.vectors(["acme"]).T).data]
        [1.0]
    """
    alphabet = _characters(texts)
    found, counts = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    waiting: list[Codes] = []
    for part in _parts(texts):
        waiting.append(_counted(part, alphabet)[1])
        if sum(map(len, waiting)) > 2**23:
            found, counts = _merged(found, counts, waiting)
            waiting = []
    found, counts = _merged(found, counts, waiting)
    return Vocabulary(alphabet, found, counts, len(texts))


def _characters(texts: Sequence[str]) -> NDArray[np.uint32]:
    points = np.unique(np.concatenate([np.empty(0, dtype=np.uint32), *map(_points, _parts(texts))]))
    return np.asarray(points[(points != ord(" ")) & (points != ord("\n"))], dtype=np.uint32)


def _merged(found: Codes, counts: Integers, more: list[Codes]) -> tuple[Codes, Integers]:
    new, n_new = np.unique(np.concatenate([found[:0], *more]), return_counts=True)
    every, place = np.unique(np.concatenate([found, new]), return_inverse=True)
    total = np.zeros(len(every), dtype=np.int64)
    np.add.at(total, place.reshape(-1), np.concatenate([counts, n_new]))
    return every, total


def _parts(texts: Sequence[str]) -> list[Sequence[str]]:
    """The texts in runs of about `CHUNK` characters."""
    length = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    part = np.cumsum(length) // CHUNK
    edges = [*np.flatnonzero(np.diff(part, prepend=-1)).tolist(), len(texts)]
    return [texts[a:b] for a, b in pairwise(edges)]


def _points(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Code points of all texts: lower case, one space between words, a line end around each text."""
    joined = "\n".join(["", *(" ".join(text.split()) for text in texts), ""]).lower()
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _counted(texts: Sequence[str], alphabet: NDArray[np.uint32]) -> tuple[Integers, Codes, Integers]:
    """How often each text has each n-gram: text, code and count, sorted by text and then code."""
    points = _points(texts)
    rank = _ranks(points, alphabet)
    text = np.cumsum(points == ord("\n")) - 1
    rows, codes = [], []
    code = rank[:0]
    for n in range(1, HIGH + 1):
        last = rank[n - 1 :]
        code = last.copy() if n == 1 else (code[: len(last)] << np.uint64(BITS)) | last
        if n >= LOW:
            within = np.ones(len(last), dtype=bool)
            for inner in range(1, n - 1):  # an n-gram stays within its word and the space on either side
                within &= rank[inner : inner + len(last)] != SPACE
            if n == LOW:  # an empty text is two line ends
                within &= (rank[: len(last)] != SPACE) | (last != SPACE)
            within &= text[: len(last)] < len(texts)
            rows.append(text[: len(last)][within])
            codes.append(code[within])
    row, every = np.concatenate(rows), np.concatenate(codes)
    order = np.lexsort((every, row))
    row, every = row[order], every[order]
    new = np.flatnonzero(
        (np.diff(row, prepend=-1) != 0) | np.append(True, every[1:] != every[:-1])[: len(row)]
    )
    return row[new], every[new], np.diff(new, append=len(row))


def _ranks(points: NDArray[np.uint32], alphabet: NDArray[np.uint32]) -> Codes:
    """The rank of each character; those that the alphabet lacks come after it."""
    place = np.searchsorted(alphabet, points)
    known = place < len(alphabet)
    known[known] = alphabet[place[known]] == points[known]
    space = (points == ord(" ")) | (points == ord("\n"))
    rank = place + SPACE + 1
    new = ~known & ~space
    if new.any():
        # beyond 65,000 different characters some count as one: in the length of a vector only
        rank[new] = len(alphabet) + SPACE + 1 + np.unique(points[new], return_inverse=True)[1].reshape(-1)
    rank[space] = SPACE
    return np.asarray(np.minimum(rank, MOST), dtype=np.uint64)


def widened(matrix: Any, place: Integers, width: int) -> sp.csr_matrix:
    """Give a matrix more columns.

    Args:
        matrix: Sparse, with sorted indices.
        place: The new place of each column, rising, so that indices stay sorted.
        width: Columns that it has then.

    Returns:
        The same rows.
    """
    indices = place[matrix.indices].astype(np.int32)
    return sp.csr_matrix((matrix.data, indices, matrix.indptr), shape=(matrix.shape[0], max(1, width)))
