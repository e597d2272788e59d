"""Character n-grams weighed by TF-IDF: every n-gram of many texts counted by array operations."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.parallel import chunks, mapped
from linktransformer.search.matrices import Sparse
from linktransformer.tables.cells import is_clean

__all__ = ["LONGEST", "Counts", "Points", "counted", "matrix_of", "rarity", "tfidf", "weigh", "weighed"]

SHORTEST, LONGEST = 2, 4  # characters of an n-gram
CHUNK = 2**18  # characters whose n-grams are sorted at a time; it changes the speed, not the result
PART = 2**18  # characters that are numbered at a time
AT_ONCE = 2**20  # n-grams of texts that are weighed at a time
TABLE = 2**24  # entries of a lookup table; above it (or 4 per character) n-grams are numbered by sorting

T = TypeVar("T", bound=np.generic)

Ids = NDArray[np.int32]
Points = NDArray[np.uint32]


def tfidf(left_texts: Sequence[str], right_texts: Sequence[str]) -> tuple[Sparse, Sparse]:
    """Weigh the character n-grams of two tables' texts by how rare they are in both together.

    Texts are lower-cased. Each word is padded with a space on both sides, and n-grams stay within their
    padded word. Term frequencies are 1 + log(tf), inverse document frequencies are smoothed, rows are
    scaled to length 1. The same as scikit-learn's `TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4),
    sublinear_tf=True)` up to the order of columns, which is by n and then by character. Returns (n_left,
    n_grams) and (n_right, n_grams) float32 with int32 sorted indices; a text without characters is a row of
    zeros.
    """
    counts = counted([*left_texts, *right_texts])
    return weighed(counts, rarity(counts.n_texts, counts.texts_with()), len(left_texts))


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """The n-grams of texts, before they are weighed.

    Args:
        indptr: Where each text's n-grams begin, (n_texts + 1,) int64.
        indices: Their columns, rising within a text, (n,) int32.
        data: 1 + log(count), (n,) float32.
        width: How many columns there are: by n, then by character.
        spelled: The characters of each column's n-gram as code points, 0 where it is shorter, (width, 4)
            uint32; no rows without `spell`.
    """

    indptr: Integers
    indices: Ids
    data: Floats
    width: int
    spelled: Points

    @property
    def n_texts(self) -> int:
        """How many texts there are."""
        return len(self.indptr) - 1

    def texts_with(self) -> Doubles:
        """How many texts have each n-gram, (width,) float64."""
        n_texts = np.zeros(self.width)

        def count(part: slice) -> Integers:
            return np.bincount(self.indices[part], minlength=self.width)

        for counted in mapped(count, chunks(len(self.indices), max(AT_ONCE, self.width))):
            n_texts += counted
        return n_texts


def counted(texts: Sequence[str], *, spell: bool = False) -> Counts:
    """Count the character n-grams of texts; with `spell`, also what each column's n-gram is.

    Example:
        >>> counts = counted(["tea", "teas"], spell=True)
        >>> ["".join(map(chr, row[row > 0])) for row in counts.spelled[:3]], counts.texts_with()[:3].tolist()
        ([' t', 'a ', 'as'], [2.0, 1.0, 1.0])
    """
    points, rank, starts = _ranks(texts)
    columns, width = _columns(rank)
    spelled = _spelled(points, columns, width) if spell else np.zeros((0, LONGEST), dtype=np.uint32)
    return Counts(*_rows(columns, starts, width), width, spelled)


def weighed(counts: Counts, idf: Floats, n_left: int) -> tuple[Sparse, Sparse]:
    """Weigh counted n-grams by `idf` (width,), in the counts' own memory.

    Returns the rows of the first `n_left` texts and of the others, (n_left, width) and (n_right, width)
    float32.
    """
    weigh(counts.indptr, counts.indices, counts.data, idf)
    indptr, middle = counts.indptr, int(counts.indptr[n_left])
    left = matrix_of(indptr[: n_left + 1], counts.indices[:middle], counts.data[:middle], counts.width)
    right = matrix_of(indptr[n_left:] - middle, counts.indices[middle:], counts.data[middle:], counts.width)
    return left, right


def _ranks(texts: Sequence[str]) -> tuple[Points, Integers, Integers]:
    """Rank the characters of all texts in one array: 0 separates words, 1, 2, .. are the alphabet.

    Returns the code points and the ranks, (n_characters,), and where each text begins, (n_texts + 1,): at
    the separator before it.
    """
    # no word spans two texts and line ends are not cased: lowering all at once is lowering each
    joined = "\n".join(["", *texts, ""])
    if not is_clean(texts, joined, "\n"):
        joined = "\n".join(["", *(" ".join(text.split()) for text in texts), ""])
    points = np.frombuffer(joined.lower().encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    present = np.zeros(int(points.max(initial=ord(" "))) + 1, dtype=np.int64)
    present[points] = 1
    present[[ord("\n"), ord(" ")]] = 0
    return points, _looked_up(np.cumsum(present) * present, points), np.flatnonzero(points == ord("\n"))


def _columns(rank: Integers) -> tuple[list[Ids], int]:
    """The column of the n-gram that begins at each character, for each n, and how many columns there are.

    An n-gram's code is the number of its first n - 1 characters times the size of the alphabet plus the
    rank of its last one: exact for every alphabet and n, and as a rule small enough for a table. Columns of
    an n are (n_characters - n + 1,) int32 with -1 where no n-gram begins.
    """
    alphabet = int(rank.max(initial=0)) + 1
    before, n_before = rank, alphabet
    columns: list[Ids] = []
    width = 0
    for n in range(SHORTEST, LONGEST + 1):
        code = _codes(before, rank[n - 1 :], alphabet)
        none = 1 if n == SHORTEST else alphabet  # lower codes: two separators, or nothing that can be longer
        number, codes = _number(code, none, n_before * alphabet)
        column = np.arange(width - 1, width + len(codes), dtype=np.int32)
        column[0] = -1
        columns.append(_looked_up(column, number))
        width += len(codes)
        ended = codes % alphabet == 0
        before = _looked_up(np.append(0, np.where(ended, 0, np.arange(1, len(codes) + 1))), number)
        n_before = len(codes) + 1
    return columns, width


def _spelled(points: Points, columns: list[Ids], width: int) -> Points:
    """The characters of each column's n-gram, (width, LONGEST), 0 where it is shorter."""
    spelled = np.zeros((width, LONGEST), dtype=np.uint32)
    place = np.full(width, -1, dtype=np.int64)
    for n, column in enumerate(columns, SHORTEST):
        begins = np.flatnonzero(column >= 0)
        place[column[begins]] = begins  # of several places where an n-gram is, any will do
        present = np.flatnonzero(place >= 0)
        spelled[present, :n] = points[place[present, None] + np.arange(n)]
        place[present] = -1
    spelled[spelled == ord("\n")] = ord(" ")
    return spelled


def _codes(before: Integers, last: Integers, alphabet: int) -> Integers:
    """The codes of n-grams: of their first characters, and of their last one."""
    code = np.empty(len(last), dtype=np.int64)

    def write(part: slice) -> None:
        np.multiply(before[part], alphabet, out=code[part])
        code[part] += last[part]

    deque(mapped(write, chunks(len(code), PART)), maxlen=0)
    return code


def _looked_up(table: NDArray[T], numbers: NDArray[np.integer]) -> NDArray[T]:
    """`table[numbers]`, on all cores."""
    found = np.empty(len(numbers), dtype=table.dtype)

    def look(part: slice) -> None:
        np.take(table, numbers[part], out=found[part], mode="clip")  # "raise" copies

    deque(mapped(look, chunks(len(numbers), PART)), maxlen=0)
    return found


def _number(code: Integers, none: int, size: int) -> tuple[Integers | Ids, Integers]:
    """Number the codes 1, 2, .. in their order; 0 for those below `none`. Also the different codes."""
    if size <= max(TABLE, 4 * len(code)):
        table = np.zeros(size, dtype=np.int32)

        def mark(part: slice) -> None:
            table[code[part]] = 1

        deque(mapped(mark, chunks(len(code), PART)), maxlen=0)
        table[:none] = 0
        codes = np.flatnonzero(table)
        table[codes] = np.arange(1, len(codes) + 1)
        return _looked_up(table, code), codes
    codes, inverse = np.unique(code, return_inverse=True)
    low = int(np.searchsorted(codes, none))
    return np.maximum(inverse.reshape(-1) + (1 - low), 0), codes[low:]


def _rows(columns: list[Ids], starts: Integers, width: int) -> tuple[Integers, Ids, Floats]:
    """Count the n-grams of each text, a chunk of texts at a time: `indptr`, `indices`, `data` of `Counts`."""
    n_rows = len(starts) - 1
    bits = max(1, width).bit_length()
    bounds, first = [], 0
    while first < n_rows:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + CHUNK, "right")) - 1)
        bounds.append((first, last))
        first = last

    def count_of(bound: tuple[int, int]) -> tuple[Integers, Ids, Floats]:
        first, last = bound
        kind = np.uint32 if (last - first).bit_length() + bits <= 32 else np.uint64
        row = np.repeat((np.arange(last - first) << bits).astype(kind), np.diff(starts[first : last + 1]))
        parts = []
        for column in columns:
            chunk = column[starts[first] : starts[last]]
            begins = chunk >= 0
            parts.append(row[: len(chunk)][begins] | chunk[begins].astype(kind))
        key = np.sort(np.concatenate(parts))
        new = np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])
        count = np.diff(new, append=len(key))
        n_of_row = np.bincount((key[new] >> bits).astype(np.int64), minlength=last - first)
        indices = (key[new] & kind((1 << bits) - 1)).astype(np.int32)
        return n_of_row, indices, np.log(count.astype(np.float32)) + np.float32(1)

    none = np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
    n_of_row, indices, data = zip(none, *mapped(count_of, bounds), strict=True)
    return np.cumsum(np.concatenate(n_of_row)), np.concatenate(indices), np.concatenate(data)


def rarity(n_texts: int, texts_with: Doubles | Integers) -> Floats:
    """The inverse document frequency of n-grams that so many of the texts have, (width,) float32.

    Smoothed: as if one more text had every n-gram.
    """
    return np.asarray(np.log((n_texts + 1) / (texts_with + 1)) + 1, dtype=np.float32)


def weigh(indptr: Integers, indices: Integers | Ids, data: Floats, idf: Floats) -> None:
    """Multiply by the inverse document frequency and scale each row to length 1, in `data` itself."""
    filled = np.flatnonzero(np.diff(indptr))
    begin, end = indptr[filled], indptr[filled + 1]
    bounds, first = [], 0
    while first < len(filled):
        last = max(first + 1, int(np.searchsorted(begin, begin[first] + AT_ONCE)))
        bounds.append((first, last))
        first = last

    def scale(bound: tuple[int, int]) -> None:
        first, last = bound
        part = slice(begin[first], end[last - 1])
        data[part] *= idf[indices[part]]
        squares = np.add.reduceat(np.square(data[part], dtype=np.float64), begin[first:last] - begin[first])
        by = (1 / np.sqrt(squares)).astype(np.float32)
        data[part] *= np.repeat(by, end[first:last] - begin[first:last])

    deque(mapped(scale, bounds), maxlen=0)


def matrix_of(indptr: Integers, indices: Ids, data: Floats, width: int) -> Sparse:
    """Rows of sorted indices as a matrix of one column at least, with int32 indices where they suffice."""
    small = indptr.astype(np.int32) if len(indices) < 2**31 else indptr
    matrix = sp.csr_matrix((data, indices, small), shape=(len(indptr) - 1, max(1, width)), copy=False)
    matrix.has_sorted_indices = True
    return matrix
