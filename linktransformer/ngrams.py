"""Character n-grams weighed by TF-IDF: every n-gram of both tables counted by array operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.errors import InvalidArgumentError

__all__ = ["tfidf"]

CHUNK = 2**18  # characters whose n-grams are sorted at a time; it changes the speed, not the result
TABLE = 2**24  # entries of a lookup table; above it (or 4 per character) n-grams are numbered by sorting

Ids = NDArray[np.int32]
Integers = NDArray[np.int64]
Floats = NDArray[np.float32]


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
    rank, starts = _ranks([*left_texts, *right_texts])
    columns, width = _columns(rank, low, high)
    indptr, indices, data = _rows(columns, starts, width)
    _weigh(indptr, indices, data, width)
    n_left, middle = len(left_texts), int(indptr[len(left_texts)])
    left = _matrix(indptr[: n_left + 1], indices[:middle], data[:middle], width)
    right = _matrix(indptr[n_left:] - middle, indices[middle:], data[middle:], width)
    return left, right


def _ranks(texts: list[str]) -> tuple[Integers, Integers]:
    """Rank the characters of all texts in one array: 0 separates words, 1, 2, .. are the alphabet.

    Returns:
        The ranks, (n_characters,), and where each text begins, (n_texts + 1,): at the separator before it.
    """
    # no word spans two texts and line ends are not cased: lowering all at once is lowering each
    joined = "\n".join(["", *(" ".join(text.split()) for text in texts), ""]).lower()
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    present = np.zeros(0x110000, dtype=np.int64)
    present[points] = 1
    present[[ord("\n"), ord(" ")]] = 0
    rank: Integers = (np.cumsum(present) * present)[points]
    return rank, np.flatnonzero(points == ord("\n"))


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


def _weigh(indptr: Integers, indices: Ids, data: Floats, width: int) -> None:
    """Multiply by the inverse document frequency and scale each row to length 1, in `data` itself."""
    n_rows = len(indptr) - 1
    rows_with = np.ones(width)  # smoothed: as if one more text had every n-gram
    step = max(2**20, width)
    for start in range(0, len(indices), step):
        rows_with += np.bincount(indices[start : start + step], minlength=width)
    idf = (np.log((n_rows + 1) / rows_with) + 1).astype(np.float32)
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
