"""Character n-grams weighed by TF-IDF: every n-gram of both tables counted by array operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.errors import InvalidArgumentError

__all__ = ["Counts", "counted", "rarity", "tfidf", "weighed"]

CHUNK = 2**18  # characters whose n-grams are sorted at a time; it changes the speed, not the result
TABLE = 2**24  # entries of a lookup table; above it (or 4 per character) n-grams are numbered by sorting

Ids = NDArray[np.int32]


def tfidf(
    left_texts: Sequence[str], right_texts: Sequence[str], low: int = 2, high: int = 4
) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Weigh the character n-grams of two tables' texts by how rare they are in both together.

    Texts are lower-cased. Each word is padded with a space on both sides, and n-grams stay within their
    padded word. Term frequencies are 1 + log(tf), inverse document frequencies are smoothed, rows are
    scaled to length 1. The same as scikit-learn's `TfidfVectorizer(analyzer="char_wb",
    sublinear_tf=True)` up to the order of columns, which is by n and then by character.

    Args:
        left_texts: Texts of the left table, n_left.
        right_texts: Texts of the right table, n_right.
        low: The shortest n-gram, 2 or more. A padded word that is shorter counts once, as a whole.
        high: The longest n-gram.

    Returns:
        (n_left, n_grams) and (n_right, n_grams) float32 with int32 sorted indices. A text without
        characters is a row of zeros; without any n-gram there is one column of zeros.

    Raises:
        InvalidArgumentError: `low` is below 2 or above `high`.

    Example:
        >>> left, right = tfidf(["Acme Steel", "Baxter"], ["ACME steel co", ""])
        >>> (left @ right.T).toarray().round(1).tolist()
        [[0.8..., 0.0], [0.0, 0.0]]
    """
    if not 2 <= low <= high:
        raise InvalidArgumentError(
            f"n-grams from low={low} to high={high}: low must be 2 or more, high not below"
        )
    found = counted([*left_texts, *right_texts], low, high)
    return weighed(found, rarity(found.n_texts, found.texts_with()), len(left_texts))


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """The n-grams of texts, before they are weighed.

    Args:
        indptr: Where each text's n-grams begin, (n_texts + 1,) int64.
        indices: Their columns, rising within a text, (n,) int32.
        data: 1 + log(count), (n,) float32.
        width: How many columns there are: by n, then by character.
        spelled: The characters of each column's n-gram as code points, 0 where it is shorter, (width, high)
            uint32; no rows where they were not asked for.
    """

    indptr: Integers
    indices: Ids
    data: Floats
    width: int
    spelled: NDArray[np.uint32]

    @property
    def n_texts(self) -> int:
        """How many texts they are of."""
        return len(self.indptr) - 1

    def texts_with(self) -> Doubles:
        """How many texts have each n-gram, (width,) float64.

        Returns:
            The document frequencies.
        """
        found = np.zeros(self.width)
        step = max(2**20, self.width)
        for start in range(0, len(self.indices), step):
            found += np.bincount(self.indices[start : start + step], minlength=self.width)
        return found


def counted(texts: list[str], low: int = 2, high: int = 4, *, spell: bool = False) -> Counts:
    """Count the character n-grams of texts, as `tfidf` does before it weighs them.

    Args:
        texts: The texts.
        low: The shortest n-gram, 2 or more.
        high: The longest n-gram.
        spell: Say what each column's n-gram is.

    Returns:
        The counts.

    Example:
        >>> found = counted(["tea", "teas"], spell=True)
        >>> ["".join(map(chr, row[row > 0])) for row in found.spelled[:3]], found.texts_with()[:3].tolist()
        ([' t', 'a ', 'as'], [2.0, 1.0, 1.0])
    """
    points, rank, starts = _ranks(texts)
    columns, width = _columns(rank, low, high)
    spelled = _spelled(points, columns, width) if spell else np.zeros((0, high), dtype=np.uint32)
    return Counts(*_rows(columns, starts, width), width, spelled)


def weighed(found: Counts, idf: Floats, n_left: int) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Weigh counted n-grams, in the counts' own memory.

    Args:
        found: From `counted`; used up.
        idf: The inverse document frequency of each column, (width,) float32.
        n_left: The first so many texts are the left table's.

    Returns:
        The weighted rows of the left and of the right table, (n_left, width) and (n_right, width) float32.
    """
    _weigh(found.indptr, found.indices, found.data, idf)
    indptr, middle = found.indptr, int(found.indptr[n_left])
    left = _matrix(indptr[: n_left + 1], found.indices[:middle], found.data[:middle], found.width)
    right = _matrix(indptr[n_left:] - middle, found.indices[middle:], found.data[middle:], found.width)
    return left, right


def _ranks(texts: list[str]) -> tuple[NDArray[np.uint32], Integers, Integers]:
    """Rank the characters of all texts in one array: 0 separates words, 1, 2, .. are the alphabet.

    Returns:
        The code points and the ranks, (n_characters,), and where each text begins, (n_texts + 1,): at the
        separator before it.
    """
    # no word spans two texts and line ends are not cased: lowering all at once is lowering each
    joined = "\n".join(["", *(" ".join(text.split()) for text in texts), ""]).lower()
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    present = np.zeros(0x110000, dtype=np.int64)
    present[points] = 1
    present[[ord("\n"), ord(" ")]] = 0
    rank: Integers = (np.cumsum(present) * present)[points]
    return points, rank, np.flatnonzero(points == ord("\n"))


def _columns(rank: Integers, low: int, high: int) -> tuple[list[Ids], int]:
    """Give the n-gram that begins at each character its column, for each n.

    An n-gram's code is the number of its first n - 1 characters times the size of the alphabet plus the
    rank of its last one: exact for every alphabet and n, and as a rule small enough for a table.

    Returns:
        For each n, (n_characters - n + 1,) int32 with -1 where no n-gram begins; and how many columns.
    """
    alphabet = int(rank.max(initial=0)) + 1
    before, opens = rank, np.arange(alphabet) == 0  # opens: whether it begins with the space before a word
    columns: list[Ids] = []
    width = 0
    for n in range(2, high + 1):
        code = before[:-1] * alphabet
        code += rank[n - 1 :]
        none = 1 if n == 2 else alphabet  # lower codes: two separators, or nothing that can be longer
        number, kept = _number(code, none, len(opens) * alphabet)
        ended = kept % alphabet == 0
        opens = np.append(False, opens[kept // alphabet])
        # a padded word that is shorter than the shortest n-gram counts as a whole
        counted = np.append(False, ended & opens[1:] if n < low else ended | True)
        column = np.where(counted, np.cumsum(counted) + (width - 1), -1).astype(np.int32)
        columns.append(column[number])
        width += int(counted.sum())
        before = np.append(0, np.where(ended, 0, np.arange(1, len(kept) + 1)))[number]
    return columns, width


def _spelled(points: NDArray[np.uint32], columns: list[Ids], width: int) -> NDArray[np.uint32]:
    """The characters of each column's n-gram, (width, longest n-gram), 0 where it is shorter."""
    spelled = np.zeros((width, len(columns) + 1), dtype=np.uint32)
    place = np.full(width, -1, dtype=np.int64)
    for n, column in enumerate(columns, 2):
        begins = np.flatnonzero(column >= 0)
        place[column[begins]] = begins  # of several places where an n-gram is, any will do
        here = np.flatnonzero(place >= 0)
        spelled[here, :n] = points[place[here, None] + np.arange(n)]
        place[here] = -1
    spelled[spelled == ord("\n")] = ord(" ")
    return spelled


def _number(code: Integers, none: int, size: int) -> tuple[Integers, Integers]:
    """Number the codes 1, 2, .. in their order; 0 for those below `none`. Also the different codes."""
    if size <= max(TABLE, 4 * len(code)):
        table = np.zeros(size, dtype=np.int32)
        table[code] = 1
        table[:none] = 0
        kept = np.flatnonzero(table)
        table[kept] = np.arange(1, len(kept) + 1)
        return table[code].astype(np.int64), kept
    kept, inverse = np.unique(code, return_inverse=True)
    low = int(np.searchsorted(kept, none))
    return np.maximum(inverse.reshape(-1) + (1 - low), 0), kept[low:]


def _rows(columns: list[Ids], starts: Integers, width: int) -> tuple[Integers, Ids, Floats]:
    """Count the n-grams of each text, a chunk of texts at a time.

    Returns:
        (n_texts + 1,) where each row begins, columns rising within a row, and 1 + log(count).
    """
    n_rows = len(starts) - 1
    n_of_row = np.zeros(n_rows, dtype=np.int64)
    indices, data = [np.empty(0, dtype=np.int32)], [np.empty(0, dtype=np.float32)]
    bits = max(1, width).bit_length()
    first = 0
    while first < n_rows:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + CHUNK, "right")) - 1)
        kind = np.uint32 if (last - first).bit_length() + bits <= 32 else np.uint64
        row = np.repeat((np.arange(last - first) << bits).astype(kind), np.diff(starts[first : last + 1]))
        parts = []
        for column in columns:
            here = column[starts[first] : starts[last]]
            begins = here >= 0
            parts.append(row[: len(here)][begins] | here[begins].astype(kind))
        key = np.sort(np.concatenate(parts))
        new = np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])
        count = np.diff(new, append=len(key))
        indices.append((key[new] & kind((1 << bits) - 1)).astype(np.int32))
        data.append(np.log(count.astype(np.float32)) + np.float32(1))
        n_of_row[first:last] = np.bincount((key[new] >> bits).astype(np.int64), minlength=last - first)
        first = last
    return np.append(0, np.cumsum(n_of_row)), np.concatenate(indices), np.concatenate(data)


def rarity(n_texts: int, texts_with: Doubles) -> Floats:
    """The inverse document frequency of n-grams, smoothed: as if one more text had every n-gram.

    Args:
        n_texts: How many texts there are.
        texts_with: How many of them have each n-gram, (width,) float64.

    Returns:
        (width,) float32.
    """
    return np.asarray(np.log((n_texts + 1) / (texts_with + 1)) + 1, dtype=np.float32)


def _weigh(indptr: Integers, indices: Ids, data: Floats, idf: Floats) -> None:
    """Multiply by the inverse document frequency and scale each row to length 1, in `data` itself."""
    filled = np.flatnonzero(np.diff(indptr))
    begin, end = indptr[filled], indptr[filled + 1]
    first = 0
    while first < len(filled):
        last = max(first + 1, int(np.searchsorted(begin, begin[first] + 2**20)))
        here = slice(begin[first], end[last - 1])
        data[here] *= idf[indices[here]]
        squares = np.add.reduceat(np.square(data[here], dtype=np.float64), begin[first:last] - begin[first])
        scale = (1 / np.sqrt(squares)).astype(np.float32)
        data[here] *= np.repeat(scale, end[first:last] - begin[first:last])
        first = last


def _matrix(indptr: Integers, indices: Ids, data: Floats, width: int) -> sp.csr_matrix:
    small = indptr.astype(np.int32) if len(indices) < 2**31 else indptr
    matrix = sp.csr_matrix((data, indices, small), shape=(len(indptr) - 1, max(1, width)), copy=False)
    matrix.has_sorted_indices = True
    return matrix
