"""How similar the spelling of two texts is: normalised edit distance of many pairs at once.

The distance of Levenshtein (1966) by the bit-parallel method of Myers (1999) in the form of Hyyrö (2003): a
column of the table of distances is a word of 64 bits a step, here for thousands of pairs side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from linktransformer.arrays import Floats, Integers

Words = npt.NDArray[np.uint64]
LONGEST = 512  # characters of a text that are compared: what is longer differs before that
BITS = 64
PAIRS = 4096  # pairs side by side: their columns stay in the processor's cache
CELLS = 2**21  # entries of the table of characters, 16 MB
_ONE = np.uint64(1)
_TOP = np.uint64(BITS - 1)


class _Texts(NamedTuple):
    """Texts as numbers of characters, end to end."""

    codes: Integers  # (n_characters,), 0 for a character that the other side does not have
    start: Integers  # (n_texts,)
    length: Integers  # (n_texts,)


def edit_similarity(
    left_texts: Sequence[str],
    right_texts: Sequence[str],
    a: npt.NDArray[np.integer[Any]],
    b: npt.NDArray[np.integer[Any]],
    *,
    longest: int | None = LONGEST,
) -> Floats:
    """One minus the edit distance over the length of the longer text, for pairs of texts.

    The edit distance is the least number of characters to insert, delete or replace. Upper and lower case,
    and different ways to write one character, are different: normalise the texts first.

    Args:
        left_texts: Texts, each once for speed.
        right_texts: Texts.
        a: The left text of every pair, (n_pairs,) int; fastest where equal ones are neighbours.
        b: The right text.
        longest: Only so many characters at the beginning of a text are compared; None compares all.

    Returns:
        float32 (n_pairs,): 1 for equal texts (also for two empty ones), 0 where no character is kept.

    Example:
        >>> both = np.array([0, 0])
        >>> edit_similarity(["Baxter Steel"], ["Baxtcr Steel", ""], both, np.array([0, 1])).tolist()
        [0.916..., 0.0]
    """
    if not len(a):
        return np.zeros(0, np.float32)
    one, other = a.astype(np.int64), b.astype(np.int64)
    left, right, n_characters = _numbered(left_texts, right_texts, longest)
    length = np.maximum(left.length[one], right.length[other])
    distance = np.empty(len(one), np.int64)
    words = np.maximum(1, -(-left.length // BITS))  # of each left text
    order = np.lexsort((one, words[one]))
    for part, n_words in _parts(one[order], words, n_characters):
        rows = order[part]
        distance[rows] = _distances(left, right, one[rows], other[rows], n_words, n_characters)
    similarity: Floats = (1 - distance / np.maximum(1, length)).astype(np.float32)
    return similarity


def edit_distance(one: str, other: str) -> int:
    """The edit distance of two texts, row by row: what the fast form is compared with.

    Args:
        one: A text.
        other: A text.

    Returns:
        The least number of characters to insert, delete or replace.

    Example:
        >>> edit_distance("kitten", "sitting")
        3
    """
    row = list(range(len(other) + 1))
    for i, x in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def _numbered(
    left_texts: Sequence[str], right_texts: Sequence[str], longest: int | None
) -> tuple[_Texts, _Texts, int]:
    """Both sides as numbers: the characters that both have are 1, 2, ...; all others are 0."""
    sides = [_codes(texts, longest) for texts in (left_texts, right_texts)]
    shared = np.intersect1d(np.unique(sides[0].codes), np.unique(sides[1].codes))
    number = np.zeros(int(shared[-1]) + 1 if len(shared) else 1, np.int64)
    number[shared] = np.arange(1, len(shared) + 1)
    found = [
        side._replace(
            codes=np.where(side.codes < len(number), number[side.codes.clip(max=len(number) - 1)], 0)
        )
        for side in sides
    ]
    return found[0], found[1], len(shared) + 1


def _codes(texts: Sequence[str], longest: int | None) -> _Texts:
    cut = [text[:longest] for text in texts]
    length = np.array([len(text) for text in cut], np.int64)
    codes = np.frombuffer("".join(cut).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)
    return _Texts(codes, np.cumsum(length) - length, length)


def _parts(a: Integers, words: Integers, n_characters: int) -> Iterator[tuple[slice, int]]:
    """Slices of pairs whose left texts fit the table of characters; `a` is sorted by words and left text."""
    nth = np.cumsum(np.append(True, a[1:] != a[:-1])) - 1  # which left text of all
    words = words[a]
    start = 0
    while start < len(a):
        n_words = int(words[start])
        most = max(1, CELLS // (n_words * n_characters))
        by_text = int(np.searchsorted(nth, nth[start] + most))
        by_words = int(np.searchsorted(words, n_words, side="right"))
        end = min(start + PAIRS, by_text, by_words)
        yield slice(start, end), n_words
        start = end


def _distances(
    left: _Texts, right: _Texts, a: Integers, b: Integers, n_words: int, n_characters: int
) -> Integers:
    """The distances of pairs whose left texts have so many words."""
    steps = right.length[b]
    order = np.argsort(-steps, kind="stable")  # those that go on longest first: the others are a tail
    new = np.append(True, a[1:] != a[:-1])
    table, slot = _positions(left, a[new], n_words, n_characters), np.cumsum(new) - 1
    slot, first, steps, pattern = slot[order], right.start[b[order]], steps[order], left.length[a[order]]
    n = len(a)
    plus = np.full((n_words, n), ~np.uint64(0))  # where the column grows by one, from each row to the next
    minus = np.zeros((n_words, n), np.uint64)  # where it falls by one
    more = np.searchsorted(-steps, -np.arange(steps[0]))  # how many have a character at each step
    for step, active in enumerate(more.tolist()):
        character = right.codes[first[:active] + step]
        carry: tuple[Any, Any] = (_ONE, np.uint64(0))  # the row above all grows by one a column
        for word in range(n_words):
            equal = table[(slot[:active] * n_words + word) * n_characters + character]
            carry = _advance(equal, plus[word, :active], minus[word, :active], carry, word + 1 < n_words)
    found = np.empty(n, np.int64)
    found[order] = steps + _sum_of_column(plus, minus, pattern)
    return found


def _positions(texts: _Texts, which: Integers, n_words: int, n_characters: int) -> Words:
    """For each text, word and character the places in the text that hold it, as bits; flat."""
    length = texts.length[which]
    row = np.repeat(np.arange(len(which)), length)
    place = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    character = texts.codes[np.repeat(texts.start[which], length) + place]
    cell = (row * n_words + place // BITS) * n_characters + character
    table = np.zeros(len(which) * n_words * n_characters, np.uint64)
    bit = _ONE << (place % BITS).astype(np.uint64)
    known = character > 0  # character 0 stands for many, which are equal to none
    np.add.at(table, cell[known], bit[known])  # bits of one cell differ: their sum is their union
    return table


def _advance(
    equal: Words, plus: Words, minus: Words, carry: tuple[Any, Any], goes_on: bool
) -> tuple[Any, Any]:
    """One column further in one word; `plus` and `minus` are changed in place.

    The names in Hyyrö's paper: plus VP, minus VN, up HP, down HN. `carry` is how the row above this word
    changes (grows, falls), and what is returned how its last row does.
    """
    up_in, down_in = carry
    vertical = equal | minus
    equal = equal | down_in
    horizontal = (((equal & plus) + plus) ^ plus) | equal
    up = minus | ~(horizontal | plus)
    down = plus & horizontal
    out = (up >> _TOP, down >> _TOP) if goes_on else (None, None)
    up = (up << _ONE) | up_in
    down = (down << _ONE) | down_in
    np.bitwise_or(down, ~(vertical | up), out=plus)
    np.bitwise_and(up, vertical, out=minus)
    return out


def _sum_of_column(plus: Words, minus: Words, length: Integers) -> Integers:
    """How much the last row of each pair is above the first: its steps up less its steps down."""
    total = np.zeros(len(length), np.int64)
    for word in range(len(plus)):
        bits = (length - word * BITS).clip(0, BITS).astype(np.uint64)
        # a shift by 64 is undefined
        mask = np.where(bits == BITS, ~np.uint64(0), (_ONE << np.minimum(bits, _TOP)) - _ONE)
        total += _count(plus[word] & mask) - _count(minus[word] & mask)
    return total


def _count(words: Words) -> Integers:
    """The number of ones in each word."""
    if hasattr(np, "bitwise_count"):  # NumPy 2
        ones: Integers = np.bitwise_count(words).astype(np.int64)
        return ones
    bits = np.unpackbits(words.view(np.uint8).reshape(len(words), 8), axis=1)
    total: Integers = bits.sum(axis=1, dtype=np.int64)
    return total
