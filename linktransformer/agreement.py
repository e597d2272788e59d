"""Evidence per column: how much each column's agreement says that two rows are one thing, without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import lexical
from linktransformer.pairwise import pair_scores
from linktransformer.records import Records

__all__ = ["LEVELS", "Agreement", "fit", "levels", "levels_of_column", "without_repeats"]

EDGES = (0.2, 0.4, 0.6, 0.8, 0.999)  # of the cosine of a column's n-grams
LEVELS = (
    "missing",
    "alike below 0.2",
    "alike below 0.4",
    "alike below 0.6",
    "alike below 0.8",
    "alike below 1",
    "alike but for capitals or order",
    "equal",
)
ROUNDS = 100
SETTLED = 1e-4  # EM ends when no probability moves by more
REPEATS = 0.9  # of the rows in which a column says nothing but words of another one
BY_CHANCE = 0.5  # of the rows in which it does so with another row's words

Integers = NDArray[np.int64]
Levels = NDArray[np.int8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """What the agreement of each column is worth, and the probability of each pair.

    Args:
        columns: Names of the compared columns.
        weights: log2 of how much more often each level is seen among matches than among others: bits of
            evidence, (n_columns, n_levels) float64; 0 where a value is missing.
        prior: log2 of the odds that a candidate is a match.
        probability: That of each pair, (n_pairs,) float32.
    """

    columns: tuple[str, ...]
    weights: Floats
    prior: float
    probability: NDArray[np.float32]

    def probability_of(self, graded: Levels) -> Floats:
        """The probability of pairs from their levels.

        Args:
            graded: From `levels`, (n_pairs, n_columns).

        Returns:
            (n_pairs,) float64: 1 / (1 + 2 ** -(prior + bits of the columns)).
        """
        return np.asarray(1 / (1 + np.exp2(-np.clip(self.bits_of(graded), -60, 60))))

    def bits_of(self, graded: Levels) -> Floats:
        """The log2 of the odds that pairs match, from their levels.

        Args:
            graded: From `levels`, (n_pairs, n_columns).

        Returns:
            (n_pairs,) float64: the prior and the bits of the columns.
        """
        return _bits(graded, self.weights, self.prior)

    def shown(self) -> dict[str, Any]:
        """What each level of agreement is worth, for a report that JSON can hold."""
        return {
            "columns": list(self.columns),
            "prior_bits": round(self.prior, 3),
            "bits": {
                name: dict(zip(LEVELS, np.round(bits, 3).tolist(), strict=True))
                for name, bits in zip(self.columns, self.weights, strict=True)
            },
        }


def levels(columns: Sequence[tuple[Records, Records]], left: Integers, right: Integers) -> Levels:
    """Grade how much two rows agree in each column.

    Args:
        columns: The texts of each column by row, of the left and of the right table (which may be one).
        left: Left row of each pair, (n_pairs,) int64.
        right: Right row.

    Returns:
        Places in `LEVELS`, (n_pairs, n_columns) int8.

    Example:
        >>> import pandas as pd
        >>> from linktransformer import frames, records
        >>> table = frames.wrap(pd.DataFrame({"name": ["Acme", "ACME", None, "Zeller"]}), "table")
        >>> name = records.read(table, ["name"], records.Serializer())
        >>> graded = levels([(name, name)], np.array([0, 0, 0]), np.array([1, 2, 3]))
        >>> [LEVELS[code] for code in graded[:, 0]]
        ['alike but for capitals or order', 'missing', 'alike below 0.2']
    """
    graded = np.zeros((len(left), len(columns)), dtype=np.int8)
    for place, (of_left, of_right) in enumerate(columns):
        if of_left is of_right:
            vectors = lexical.fit(of_left.texts.tolist(), []).left
            matrices = (vectors, vectors)
        else:
            view = lexical.fit(of_left.texts.tolist(), of_right.texts.tolist())
            matrices = (view.left, view.right)
        graded[:, place] = levels_of_column((of_left, of_right), matrices, left, right)
    return graded


def levels_of_column(
    texts: tuple[Records, Records], vectors: tuple[Any, Any], left: Integers, right: Integers
) -> NDArray[np.int8]:
    """Grade how much two rows agree in one column.

    Args:
        texts: The texts of the column by row, left and right.
        vectors: Of its different texts, left and right, (n_texts, n_grams).
        left: Left row of each pair, (n_pairs,) int64.
        right: Right row.

    Returns:
        Places in `LEVELS`, (n_pairs,) int8.
    """
    graded = np.zeros(len(left), dtype=np.int8)
    a, b = texts[0].text_of_row[left], texts[1].text_of_row[right]
    there = (a >= 0) & (b >= 0)
    # the same two values meet in many pairs
    width = max(1, len(texts[1].texts))
    pairs, which = np.unique(a[there] * width + b[there], return_inverse=True)
    one, other = pairs // width, pairs % width
    grade = 1 + np.digitize(pair_scores(*vectors, one, other), EDGES)
    grade[texts[0].texts[one] == texts[1].texts[other]] = len(LEVELS) - 1
    graded[there] = grade[which]
    return graded


def without_repeats(columns: Sequence[Records], rows: Integers) -> list[int]:
    """Leave out columns that only say again what another one says: they would count twice.

    Args:
        columns: The texts of each column by row.
        rows: Rows to look at, (n,) int64.

    Returns:
        The places of the columns that stay: of two that say the same the first.
    """
    words = [_words(column, rows) for column in columns]
    # shifted by one, each row meets another row's words
    stay = list(range(len(columns)))
    for place in reversed(range(len(columns))):
        for other in [kept for kept in stay if kept != place]:
            if _inside(words[place], words[other]) >= REPEATS and (
                _inside(words[place], [*words[other][1:], *words[other][:1]]) <= BY_CHANCE
            ):
                stay.remove(place)
                break
    return stay


def _words(column: Records, rows: Integers) -> list[frozenset[str]]:
    return [
        frozenset(column.texts[text].lower().split()) if text >= 0 else frozenset()
        for text in column.text_of_row[rows].tolist()
    ]


def _inside(words: list[frozenset[str]], others: list[frozenset[str]]) -> float:
    """In what share of the rows, of those that have both, all words are among the other ones."""
    both = [(one, other) for one, other in zip(words, others, strict=True) if one and other]
    return sum(one <= other for one, other in both) / len(both) if both else 0.0


def fit(names: Sequence[str], graded: Levels, start: NDArray[np.float32]) -> Agreement:
    """Learn from the pairs alone what each level of agreement is worth.

    A mixture of matches and others, in each of which the columns are independent (I. Fellegi and A. Sunter, A
    theory for record linkage, 1969), fitted by expectation and maximisation (M. Jaro, 1989). A missing value
    says nothing. Every level is counted once more than it is seen, so that no weight is infinite.

    Args:
        names: The columns.
        graded: From `levels`, (n_pairs, n_columns).
        start: A first guess of each pair's probability, (n_pairs,) float32.

    Returns:
        The weights and the probabilities.
    """
    # pairs of the same levels have the same probability: each kind is looked at once
    kinds, kind, count = _kinds(graded)
    guess = np.bincount(kind, start, len(kinds)) / np.maximum(count, 1)
    weights = np.zeros((len(names), len(LEVELS)))
    prior = 0.0
    for _ in range(ROUNDS if len(graded) else 0):
        for place in range(len(names)):
            weights[place] = _weights(kinds[:, place], guess, count)
        share = min(max(float((guess * count).sum() / count.sum()), 1e-9), 1 - 1e-9)
        prior = float(np.log2(share / (1 - share)))
        new = np.asarray(1 / (1 + np.exp2(-np.clip(_bits(kinds, weights, prior), -60, 60))))
        moved = float(np.abs(new - guess).max())
        guess = new
        if moved < SETTLED:
            break
    return Agreement(tuple(names), weights, prior, guess[kind].astype(np.float32))


def _kinds(graded: Levels) -> tuple[Levels, Integers, Floats]:
    """The different rows of levels, which of them each pair has, and how many pairs have each."""
    code = np.zeros(len(graded), dtype=np.int64)
    for place, column in enumerate(graded.T):
        if place % 10 == 9:  # numbered anew, so that no code grows too large
            _, code = np.unique(code, return_inverse=True)
        code = code * len(LEVELS) + column
    _, first, kind, count = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
    return graded[first], kind, count.astype(float)


def _weights(grade: NDArray[np.int8], guess: Floats, count: Floats) -> Floats:
    match = np.bincount(grade, guess * count, len(LEVELS)) + 1
    other = np.bincount(grade, (1 - guess) * count, len(LEVELS)) + 1
    found: Floats = np.log2((match / match[1:].sum()) / (other / other[1:].sum()))
    found[0] = 0
    return found


def _bits(graded: Levels, weights: Floats, prior: float) -> Floats:
    bits = np.full(len(graded), prior)
    for place, of_column in enumerate(weights):
        bits += of_column[graded[:, place]]
    return bits
