"""Texts, names, codes and e-mail addresses: how similar two spellings are.

A column kind reads both columns to numbered values, and gives a measure of two different values. A measure
sees each different pair once, the smaller number first: so it is symmetric, whatever it is made of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA, Indel, JaroWinkler

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.tokens import tokens
from linktransformer.search.edit_similarity import threads
from linktransformer.tables.factorize import factorize

__all__ = ["EMPTY", "KINDS", "MOST_WORDS", "Columns", "Measure", "Read", "numbered"]

Columns = tuple[list[str], list[str]]
Measure = Callable[[Integers, Integers], Floats | Doubles]
# numbers of the values of both columns, and the measure
Read = tuple[tuple[Integers, Integers], Measure]
Texts = NDArray[np.object_]
Scorer = Callable[..., float]  # of RapidFuzz

EMPTY = -1
SIGNS = re.compile(r"[\W_]+")  # all but letters and digits
TEXT_LENGTH = 200  # characters of a text that are compared: an edit distance costs the product of two lengths
MOST_WORDS = 6  # of a name that are aligned; what has more is not a name of a person or firm


def _exact(columns: Columns, comparison: Comparison) -> Read:
    """0 for any two different values."""
    codes, _ = numbered(*columns)
    return codes, lambda low, high: np.zeros(len(low))


def _text(columns: Columns, comparison: Comparison) -> Read:
    """Indel similarity (twice the longest common subsequence by the sum of lengths) of the sorted words."""
    codes, values = numbered(*columns)
    keys = _pool([" ".join(sorted(value[:TEXT_LENGTH].split())) for value in values])

    def measure(low: Integers, high: Integers) -> Floats | Doubles:
        return _compared(keys, low, high, Indel.normalized_similarity)

    return codes, _each_pair_once(measure, len(values))


def _identifier(columns: Columns, comparison: Comparison) -> Read:
    """Letters and digits by `_spelling`; separators and zeros in front are left out."""
    codes, values = numbered(*([_code(cell) for cell in column] for column in columns))
    keys = _pool(values)
    return codes, _each_pair_once(lambda low, high: _spelling(keys, low, high), len(values))


def _code(cell: str) -> str:
    code = SIGNS.sub("", cell)
    return code.lstrip("0") or code[:1] or cell


def _email(columns: Columns, comparison: Comparison) -> Read:
    """Spelling of the local part, times the mean of one and the Jaro-Winkler similarity of the domains.

    The local part names a mailbox and the domain only the host that has it (RFC 5321, 2.3.11). So another
    domain takes away less than half, and an equal domain gives nothing to other local parts.
    """
    parts = [[_address(cell) for cell in column] for column in columns]
    codes, values = numbered(*(["@".join(pair) if pair else "" for pair in column] for column in parts))
    locals_, domains = (_pool([value.rpartition("@")[side] for value in values]) for side in (0, 2))

    def measure(low: Integers, high: Integers) -> Floats | Doubles:
        domain = _compared(domains, low, high, JaroWinkler.normalized_similarity)
        local = np.where(locals_[low] == locals_[high], 1.0, _spelling(locals_, low, high))
        return np.asarray(local * (1 + domain) / 2)

    return codes, _each_pair_once(measure, len(values))


def _address(cell: str) -> tuple[str, str] | None:
    local, sign, domain = cell.removeprefix("mailto:").strip("<>").rpartition("@")
    return (local, domain) if sign and local and domain and " " not in domain else None


def _name(columns: Columns, comparison: Comparison) -> Read:
    """The larger of Jaro-Winkler on the whole and of the words aligned one to one, as `_aligned` has it.

    W. E. Winkler, String comparator metrics and enhanced decision rules in the Fellegi-Sunter model of
    record linkage (1990).
    """
    codes, values = numbered(*map(_words, columns))
    keys = _pool(values)
    found = tokens(values, _is_in_word)
    row = np.repeat(np.arange(len(values)), found.count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(found.count) - found.count, found.count)
    words = np.full((len(values), MOST_WORDS), EMPTY, dtype=np.int64)
    is_first = place < MOST_WORDS
    words[row[is_first], place[is_first]] = found.number[is_first]
    spelled = _pool(found.spelled)

    def measure(low: Integers, high: Integers) -> Floats | Doubles:
        whole = _compared(keys, low, high, JaroWinkler.normalized_similarity)
        return np.maximum(whole, _aligned(words[low], words[high], spelled))

    return codes, _each_pair_once(measure, len(values))


def _words(cells: Sequence[str]) -> list[str]:
    """Letters and digits of names, word by word; "o'neil" is one word and "j.r." two.

    Many cells are written as one string and changed by a few passes in C. Cells have no line end.
    """
    whole = "\n".join(cells).replace("'", "").replace("’", "")
    signs = {ord(sign): " " for sign in set(whole) - {"\n"} if SIGNS.fullmatch(sign)}
    whole = whole.translate(signs)
    while "  " in whole:
        whole = whole.replace("  ", " ")
    words = whole.replace(" \n", "\n").replace("\n ", "\n").strip(" ").split("\n")
    return [word or cell for word, cell in zip(words, cells, strict=True)] if cells else []


def _is_in_word(character: str) -> int:
    return not character.isspace()


def _aligned(first: Integers, second: Integers, vocabulary: Texts) -> Floats:
    """Twice the summed similarity of words that are aligned, by the number of words on both sides.

    The best pair of words is taken first, then the best of what is left. Words are compared by Jaro-Winkler,
    which gives an initial and its name about three quarters: all of one and a small part of the other agree.
    """
    scores = np.zeros(len(first), dtype=np.float32)
    sizes = (first >= 0).sum(axis=1), (second >= 0).sum(axis=1)
    shape = sizes[0] * (MOST_WORDS + 1) + sizes[1]
    for n_of_both in np.unique(shape).tolist():
        n, m = divmod(n_of_both, MOST_WORDS + 1)
        pairs = np.flatnonzero(shape == n_of_both)
        words = np.broadcast_arrays(first[pairs, :n, None], second[pairs, None, :m])
        similarity = _word_similarity(words[0].ravel(), words[1].ravel(), vocabulary).reshape(
            len(pairs), n, m
        )
        total = np.zeros(len(pairs), dtype=np.float32)
        row = np.arange(len(pairs))
        for _ in range(min(n, m)):
            best = similarity.reshape(len(pairs), -1).argmax(axis=1)
            total += similarity[row, best // m, best % m]
            similarity[row, best // m, :] = -1
            similarity[row, :, best % m] = -1
        scores[pairs] = 2 * total / (n + m)
    return scores


def _word_similarity(first: Integers, second: Integers, vocabulary: Texts) -> Floats | Doubles:
    low, high = np.minimum(first, second), np.maximum(first, second)
    scores = np.ones(len(low), dtype=np.float32)
    differ = np.flatnonzero(low != high)

    def measure(low: Integers, high: Integers) -> Floats | Doubles:
        return _compared(vocabulary, low, high, JaroWinkler.normalized_similarity)

    scores[differ] = _each_pair_once(measure, len(vocabulary))(low[differ], high[differ])
    return scores


def _spelling(keys: Texts, low: Integers, high: Integers) -> Doubles:
    """Characters that agree, by those and twice the wrong ones: s / (2 - s) of the edit similarity s.

    Each wrong character is one on either side, as Jaccard's coefficient counts them and Dice's does not.
    Swapped neighbours are one error (F. J. Damerau, 1964; optimal string alignment).
    """
    same = _compared(keys, low, high, OSA.normalized_similarity).astype(np.float64)
    return np.asarray(same / (2 - same))


def _each_pair_once(measure: Measure, size: int) -> Measure:
    """Call a measure for each different pair only."""

    def once(low: Integers, high: Integers) -> Floats | Doubles:
        pairs, back = np.unique(low * size + high, return_inverse=True)
        if not len(pairs):
            return np.zeros(0)
        scores: Floats | Doubles = measure(pairs // size, pairs % size)
        return scores[back]

    return once


def _compared(keys: Texts, low: Integers, high: Integers, scorer: Scorer) -> Floats:
    pairs = keys[low].tolist(), keys[high].tolist()
    return process.cpdist(*pairs, scorer=scorer, dtype=np.float32, workers=threads(len(low)))


def numbered(left: Sequence[str], right: Sequence[str]) -> tuple[tuple[Integers, Integers], list[str]]:
    """Number the texts of two columns in alphabetic order.

    Returns the number of each left and right text, int64, -1 for ""; and the texts.
    """
    unique, code = factorize([*left, *right])
    order = sorted((place for place, text in enumerate(unique) if text), key=unique.__getitem__)
    rank = np.full(len(unique), EMPTY, dtype=np.int64)
    rank[order] = np.arange(len(order))
    return (rank[code[: len(left)]], rank[code[len(left) :]]), [unique[place] for place in order]


def _pool(texts: Sequence[str]) -> Texts:
    return np.fromiter(texts, dtype=object, count=len(texts))


KINDS: dict[str, Callable[[Columns, Comparison], Read]] = {
    "text": _text,
    "exact": _exact,
    "name": _name,
    "identifier": _identifier,
    "email": _email,
}
