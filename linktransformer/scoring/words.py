"""Words that two texts share, and words that only one of them has, weighted by how rare they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.parallel import chunks, mapped
from linktransformer.scoring.tokens import tokens
from linktransformer.search.matrices import Sparse

__all__ = ["Overlap", "Rarities", "Words", "overlap", "split", "weighed", "words", "words_of"]


WORD = re.compile(r"[^\W\d_]+|\d+")  # a run of letters, or of digits: "KDL-40V" is kdl, 40, v
STEP = 2**18  # pairs at a time
TEXTS = 2**14  # texts at a time


@dataclass(frozen=True, eq=False)
class Rarities:
    """How rare words are.

    Args:
        spelled: The words in alphabetic order, (n_words,) object.
        rarity: Of each word, (n_words,) float32.
        most: The rarity of a word that one text has, or none; the unit of `Overlap`.
    """

    spelled: NDArray[np.object_]
    rarity: Floats
    most: float

    @cached_property
    def by_word(self) -> Mapping[str, float]:
        """The rarity of each word."""
        return dict(zip(self.spelled.tolist(), self.rarity.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class Words:
    """The words of two tables' texts.

    Args:
        left: (n_left texts, n_words) float32, the rarity of each word that a text has.
        right: (n_right texts, n_words) float32.
        number: Which words are numbers, (n_words,) bool.
        rarities: Of the words.
    """

    left: Sparse
    right: Sparse
    number: Bools
    rarities: Rarities

    @cached_property
    def numbers(self) -> tuple[Sparse, Sparse]:
        """The columns of numbers alone, of the left and of the right texts."""
        columns = np.flatnonzero(self.number)
        return self.left[:, columns], self.right[:, columns]


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """What the words of each pair have in common, (n_pairs,) float32 each.

    Args:
        cosine: The cosine of the two texts' vectors of word rarities.
        shared: The rarity of the words in both, in units of a word that one text has.
        only_left: That of the words in the left text alone.
        only_right: That of the words in the right text alone.
        rarest_left: The rarity of the rarest word in the left text alone, 0 for none.
        rarest_right: That of the right text alone.
        word_left: The rarest word in the left text alone, -1 for none, (n_pairs,) int64.
        word_right: That in the right text alone.
    """

    cosine: Floats
    shared: Floats
    only_left: Floats
    only_right: Floats
    rarest_left: Floats
    rarest_right: Floats
    word_left: Integers
    word_right: Integers


def words(left: Sequence[str], right: Sequence[str] | None) -> Words:
    """Split the texts of two tables into words, and weigh each by its inverse document frequency.

    The rarity of a word is log((n + 1) / (texts with it)), n being the number of texts of both tables (K.
    Sparck Jones, A statistical interpretation of term specificity, 1972).
    """
    texts = list(left) if right is None else [*left, *right]
    spelled, columns, indptr = split(texts)
    width = max(1, len(spelled))
    with_it = np.bincount(columns, minlength=width)
    rarity = np.log((len(texts) + 1) / np.maximum(with_it, 1)).astype(np.float32)
    most = float(np.log(len(texts) + 1))
    return weighed(spelled, columns, indptr, rarity, most, None if right is None else len(left))


def words_of(left: Sequence[str], right: Sequence[str], rarities: Rarities) -> Words:
    """Split texts into words that are as rare as they are in other texts."""
    spelled, columns, indptr = split([*left, *right])
    of_words = [rarities.by_word.get(word, rarities.most) for word in spelled]
    rarity = np.array(of_words or [0], dtype=np.float32)
    return weighed(spelled, columns, indptr, rarity, rarities.most, len(left))


def split(texts: Sequence[str]) -> tuple[list[str], NDArray[np.int32], Integers]:
    """Split texts into words; of equally rare ones the first one counts, whatever the order of the rows.

    Returns the words in alphabetic order; the different ones of each text, rising, (n_words of all texts,)
    int32; and where each text begins, (n + 1,) int64.
    """
    found = tokens(texts, _kind)
    ends = np.cumsum(found.count)
    bits = np.int64(max(1, len(found.spelled)).bit_length())

    def once(part: slice) -> tuple[NDArray[np.int32], Integers]:
        """The different words of some texts, rising, and how many each text has."""
        n, first = part.stop - part.start, int(ends[part.start] - found.count[part.start])
        text = np.repeat(np.arange(n, dtype=np.int64), found.count[part])
        key = np.sort((text << bits) | found.number[first : ends[part.stop - 1]])
        key = key[np.append(True, key[1:] != key[:-1])[: len(key)]]
        words = (key & ((np.int64(1) << bits) - 1)).astype(np.int32)
        return words, np.bincount(key >> bits, minlength=n)

    parts = list(mapped(once, chunks(len(texts), TEXTS)))
    columns = [np.empty(0, dtype=np.int32), *(words for words, _ in parts)]
    counts = [np.empty(0, dtype=np.int64), *(count for _, count in parts)]
    return found.spelled, np.concatenate(columns), np.append(0, np.cumsum(np.concatenate(counts)))


@cache
def _kind(character: str) -> int:
    """1 for letters, 2 for digits, 0 for what is between words."""
    return 0 if WORD.fullmatch(character) is None else 1 + character.isdecimal()


def weighed(
    spelled: list[str],
    columns: NDArray[np.int32],
    indptr: Integers,
    rarity: Floats,
    most: float,
    n_left: int | None,
) -> Words:
    """Give the words of texts, from `split`, their rarities (one number where there is no word).

    The first `n_left` texts are the left table's; None where both are one table.
    """
    width = len(rarity)
    rows = sp.csr_matrix((rarity[columns], columns, indptr), shape=(len(indptr) - 1, width))
    rows.sort_indices()
    number = np.zeros(width, dtype=bool)
    number[: len(spelled)] = [word[0].isdigit() for word in spelled]
    rarities = Rarities(np.array([*spelled, ""][:width], dtype=object), rarity, most)
    return Words(rows[:n_left], rows if n_left is None else rows[n_left:], number, rarities)


def overlap(left: Sparse, right: Sparse, a: Integers, b: Integers, most: float) -> Overlap:
    """Compare the words of pairs of a left and a right text; `most` as in `Rarities`."""
    if not left.nnz and not right.nnz:  # no text has a number
        nothing, none = np.zeros(len(a), dtype=np.float32), np.full(len(a), -1, dtype=np.int64)
        return Overlap(nothing, nothing, nothing, nothing, nothing, nothing, none, none)
    n = len(a)
    shared, squares, rarest_left, rarest_right = (np.zeros(n, dtype=np.float32) for _ in range(4))
    mass_left, mass_right, square_left, square_right = (np.zeros(n, dtype=np.float32) for _ in range(4))
    word_left, word_right = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    for start in range(0, n, STEP):
        part = slice(start, start + STEP)
        x, y = left[a[part]], right[b[part]]
        mass_left[part], mass_right[part] = _sums(x, 1), _sums(y, 1)
        square_left[part], square_right[part] = _sums(x, 2), _sums(y, 2)
        both = x.multiply(y).tocsr()  # squared rarities of shared words
        squares[part] = np.asarray(both.sum(axis=1)).ravel()
        both.data = np.sqrt(both.data)
        shared[part] = np.asarray(both.sum(axis=1)).ravel()
        rarest_left[part], word_left[part] = _largest(x - both)
        rarest_right[part], word_right[part] = _largest(y - both)
    norm = np.sqrt(square_left * square_right)
    unit = np.float32(1 / most) if most else np.float32(0)
    return Overlap(
        np.divide(squares, norm, out=np.zeros(n, dtype=np.float32), where=norm > 0),
        shared * unit,
        np.maximum(mass_left - shared, 0) * unit,
        np.maximum(mass_right - shared, 0) * unit,
        rarest_left * unit,
        rarest_right * unit,
        word_left,
        word_right,
    )


def _sums(matrix: Sparse, power: int) -> Floats:
    raised = matrix.copy()
    raised.data = raised.data**power
    return np.asarray(raised.sum(axis=1), dtype=np.float32).ravel()


def _largest(matrix: Sparse) -> tuple[Floats, Integers]:
    """The largest value of each row, 0 for none, and its column, -1 for none; of equals the first one."""
    matrix.sort_indices()
    value = np.zeros(matrix.shape[0], dtype=np.float32)
    column = np.full(matrix.shape[0], -1, dtype=np.int64)
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if len(filled):
        value[filled] = np.maximum.reduceat(matrix.data, matrix.indptr[filled])
        row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        top = np.flatnonzero((matrix.data >= value[row]) & (matrix.data > 1e-6))
        first = top[np.diff(row[top], prepend=-1) > 0]
        column[row[first]] = matrix.indices[first]
    return value, column
