"""Match weights of column comparisons, learned without labels (Fellegi and Sunter 1969)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Doubles, Floats
from linktransformer.parallel import chunks, mapped
from linktransformer.scoring.ranks import Selection

__all__ = ["LEVELS", "ColumnLevels", "Tables", "Weights", "level_of", "match_weights", "shown", "weights_of"]


LEVELS = 7  # 0 to 5 by similarity, 6 equal; a null has none
ROUNDS = 15
STEP = 2**17  # pairs at a time


@dataclass(frozen=True, slots=True, eq=False)
class ColumnLevels:
    """One column compared.

    Args:
        level: The level of each candidate, 0 to 6, -1 where a cell is null, (n_pairs,) int8.
        random: That of random pairs, (n_random,) int8.
        frequency: The share of the records that have the value of the left cell, in the tables together,
            (n_pairs,) float32; what counts is that of equal cells.
    """

    level: NDArray[np.int8]
    random: NDArray[np.int8]
    frequency: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """What levels are worth in a job.

    Args:
        table: The match weight of each level in each column, (n_columns, 7).
        unmatched: The rate of each level among random pairs, (n_columns, 7).
        prior: The log2 odds that a candidate matches before anything is compared.
    """

    table: Doubles
    unmatched: Doubles
    prior: float


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Match weights.

    Args:
        bits: The match weight of each pair in each column, 0 for a null, (n_pairs, n_columns) float32.
        total: Their sum with the prior odds of a pair, (n_pairs,) float32.
        tables: What they are made of.
    """

    bits: Floats
    total: Floats
    tables: Tables

    def some(self, at: Selection) -> Weights:
        """Those of some pairs."""
        return Weights(self.bits[at], self.total[at], self.tables)

    @property
    def table(self) -> Doubles:
        """The match weight of each level in each column, (n_columns, 7)."""
        return self.tables.table


def level_of(similarity: Floats, equal: Bools) -> NDArray[np.int8]:
    """Grade similarities: six steps of equal width, and equality.

    Returns -1 for a null, 0 to 5 by similarity, 6 for equal cells, (n,) int8.
    """
    null = np.isnan(similarity)
    step = np.clip(np.nan_to_num(similarity) * (LEVELS - 1), 0, LEVELS - 2).astype(np.int8)
    level = np.where(equal, np.int8(LEVELS - 1), step)
    return np.where(null, np.int8(-1), level).astype(np.int8)


def match_weights(columns: Sequence[ColumnLevels], first_guess: Floats, prior: float) -> Weights:
    """Learn what each level of each column is worth, without labels.

    The rate of a level among non-matches, u, is counted on random pairs. The rate among matches, m, is found
    by expectation and maximisation over the candidates, from a first guess. The weight log2(m / u) of a
    column may not fall as the level rises. An equal value counts by its own frequency: two equal rare
    surnames are worth more than two equal frequent ones. Columns are independent given the class. See I.
    Fellegi and A. Sunter, A theory for record linkage, 1969; M. Jaro 1989 for u; W. Winkler 1989 for
    frequencies.
    """
    shape = len(columns), LEVELS
    unmatched = np.array([_unmatched(column) for column in columns]).reshape(shape)
    probability = first_guess.astype(np.float64)
    tables = Tables(np.zeros(shape), unmatched, prior)

    def judge(part: slice) -> None:
        total = _bits(columns, tables, part).sum(axis=1, dtype=np.float64) + prior
        probability[part] = 1 / (1 + np.exp2(-np.clip(total, -50, 50)))

    for turn in range(ROUNDS):
        levels = [_levels(u, column, probability) for u, column in zip(unmatched, columns, strict=True)]
        tables = Tables(np.array(levels).reshape(shape), unmatched, prior)
        if turn < ROUNDS - 1:
            deque(mapped(judge, chunks(len(probability), STEP)), maxlen=0)
    return weights_of(columns, tables, len(probability))


def weights_of(columns: Sequence[ColumnLevels], tables: Tables, n: int) -> Weights:
    """The match weights of pairs by tables that are known."""
    bits = np.zeros((n, len(columns)), dtype=np.float32)
    total = np.zeros(n, dtype=np.float32)

    def weigh(part: slice) -> None:
        bits[part] = _bits(columns, tables, part)
        total[part] = bits[part].sum(axis=1, dtype=np.float64) + tables.prior

    deque(mapped(weigh, chunks(n, STEP)), maxlen=0)
    return Weights(bits, total, tables)


def _bits(columns: Sequence[ColumnLevels], tables: Tables, part: slice) -> Floats:
    """The match weight of each of some pairs in each column."""
    bits = np.zeros((part.stop - part.start, len(columns)), dtype=np.float32)
    for place, column in enumerate(columns):
        some = column.level[part], column.frequency[part]
        bits[:, place] = _column_bits(tables.unmatched[place], tables.table[place], *some)
    return bits


def _unmatched(column: ColumnLevels) -> Doubles:
    """The rate of each level among random pairs, with half a pair more at each (Jeffreys' prior)."""
    count = np.bincount(column.random[column.random >= 0], minlength=LEVELS) + 0.5
    rate: Doubles = count / count.sum()
    return rate


def _levels(u: Doubles, column: ColumnLevels, probability: Doubles) -> Doubles:
    """The weight of each level in bits, not falling."""
    level, filled = column.level, column.level >= 0
    if not filled.all():
        level, probability = level[filled], probability[filled]
    matched = np.bincount(level, probability, minlength=LEVELS)
    count: Doubles = np.asarray(matched + 0.5, dtype=np.float64)
    weight = np.asarray(np.log2(count / count.sum() / u), dtype=np.float64)
    return _rising(weight, count)


def _rising(values: Doubles, weight: Doubles) -> Doubles:
    """The nearest values that do not fall: the largest over starts of the smallest over ends of all means."""
    n = len(values)
    mass = np.append(0.0, np.cumsum(weight))
    total = np.append(0.0, np.cumsum(weight * values))
    start, end = np.arange(n)[:, None], np.arange(n)[None]
    mean = (total[end + 1] - total[start]) / np.maximum(mass[end + 1] - mass[start], 1e-300)
    mean = np.where(end >= start, mean, np.inf)
    smallest = np.minimum.accumulate(mean[:, ::-1], axis=1)[:, ::-1]  # over ends from each one on
    largest: Doubles = np.maximum.accumulate(np.where(end >= start, smallest, -np.inf), axis=0)
    return largest[np.arange(n), np.arange(n)]


def _column_bits(u: Doubles, table: Doubles, level: NDArray[np.int8], frequency: Floats) -> Floats:
    bits = table[np.maximum(level, 0)]
    equal = level == LEVELS - 1
    # log2(m / frequency) in place of log2(m / u), where u is the frequency of all equal values together
    own = table[-1] + np.log2(u[-1]) - np.log2(np.maximum(frequency[equal], 1e-9))
    bits[equal] = np.maximum(own, table[-2])
    bits[level < 0] = 0
    return bits.astype(np.float32)


def shown(names: Sequence[str], weights: Weights | Tables) -> dict[str, list[float]]:
    """The match weights of every column, for a report."""
    return {
        name: [round(float(bits), 2) for bits in row] for name, row in zip(names, weights.table, strict=True)
    }
