"""Values that stand for a missing one, such as "unknown" or "1900-01-01", found by their frequency.

A stand-in is shared by rows that have nothing else in common, so it is far more frequent than the other
values of its column. What is frequent depends on the column: a surname may be shared by one row in fifty, a
telephone number by none. The other values of the column are therefore the reference.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc

import numpy as np

from linktransformer.arrays import Bools, Integers
from linktransformer.tables import factorize, frames, normalize
from linktransformer.tables.frames import Table

__all__ = ["StandIn", "stand_ins"]

# Usual significance levels; the weaker one for a value that looks empty.
STRICT, LENIENT = 0.01, 0.05
# Values on which the tail of the counts is estimated: its index is then known to 1 / sqrt(20), about a fifth.
TAIL = 20
# Values of one column that may be stand-ins. It bounds the number of tests and so the probability of a false
# alarm: 5 tests at .01 are one at .05 at most.
MOST = 5
# Of values that do not look empty. A column with more is one in which some values are frequent.
MOST_OTHERS = 2

_WORDS = frozenset(
    """unknown|not known|unk|missing|not available|not applicable|not given|unspecified|not specified|no name
|no data|anonymous|n/a|n.a.|na|n.n.|nn|none|null|nil|nan|tbd|tba|test|dummy|unbekannt|keine angabe|k.a.
|inconnu|sans nom|desconocido|sin nombre|sconosciuto|onbekend|nieznany|不明""".replace("\n", "").split("|")
)
_FIRST_DAYS = re.compile(
    r"(1[89]|20)00-?01-?01|0?1[./-]0?1[./-](1[89]|20)00|1970-?01-?01|9999-?12-?31|0001-01-01"
)


@dataclass(frozen=True, slots=True)
class StandIn:
    """A value that probably stands for a missing one.

    Args:
        column: The column.
        value: The value as written in the first row.
        count: How many rows have it.
        usual: How many rows the most frequent of the other values has.
    """

    column: str
    value: str
    count: int
    usual: int


def stand_ins(table: Table, on: Sequence[str]) -> list[StandIn]:
    """The values of key columns that probably stand for a missing one, by column and falling count.

    The counts of a column's values in falling order, c1 >= c2 >= ..., have a tail that is a power law or
    lighter. For a power law of index a, the gaps i * ln(c_i / c_(i+1)) are independent and exponential with
    mean 1 / a (Renyi 1953). The gap below the most frequent values is therefore compared with the gaps
    further down, with a prior of one gap of 1, which is Zipf's law. A column of few different values has few
    gaps, so that none of its values is reported.

    The two counts on either side of the gap must also differ by more than counts of equal expectation do: the
    square root of a Poisson count has a variance of 1 / 4. And the values must account for most pairs of rows
    that are equal in the column, for less than half of its rows, and be two at most. None of this is required
    of values that look empty: no letter and no digit, one character repeated, the first day of a calendar, or
    a word such as "unknown". Rows with equal keys count once where there are several key columns.

    Example:
        >>> import pandas as pd
        >>> names = [f"firm {number}" for number in range(60)] + ["not disclosed"] * 40
        >>> table = frames.wrap(pd.DataFrame({"name": names}), "table")
        >>> [(found.value, found.count, found.usual) for found in stand_ins(table, ["name"])]
        [('not disclosed', 40, 1)]
    """
    columns = [factorize.factorize(_folded(table, name)) for name in on]
    counted_rows = np.arange(table.n_rows)
    if len(on) > 1:
        counted_rows = np.unique(factorize.combine([codes for _, codes in columns]), return_index=True)[1]
    stand_in_values: list[StandIn] = []
    for name, (values, codes) in zip(on, columns, strict=True):
        not_empty = np.flatnonzero(np.fromiter(map(bool, values), dtype=bool, count=len(values)))
        frequency = np.bincount(codes[counted_rows], minlength=len(values))
        order = not_empty[np.argsort(-frequency[not_empty], kind="stable")]
        looks_empty = np.array(
            [_looks_empty(values[position]) for position in order[:MOST].tolist()], dtype=bool
        )
        outliers = order[_outliers(frequency[order], looks_empty)]
        rows = np.bincount(codes, minlength=len(values))
        usual = int(rows[np.setdiff1d(not_empty, outliers)].max(initial=0))
        stand_in_values += [
            StandIn(name, _as_written(table, name, codes == position), int(rows[position]), usual)
            for position in outliers.tolist()
        ]
    return stand_in_values


def _folded(table: Table, name: str) -> list[str]:
    """The cells of a column, normalised and without differences of case; "" for null."""
    return list(normalize.folded(frames.joined(table, [name], " ", False)).tolist())


def _as_written(table: Table, name: str, has: Bools) -> str:
    """A value as the first of its rows has it."""
    first = table.rows(np.flatnonzero(has)[:1])
    return str(frames.joined(first, [name], " ", False)[0])


def _outliers(counts: Integers, looks_empty: Bools) -> Integers:
    """Positions of stand-ins among falling counts, (n_values,) int64: above the lowest gap that is too wide.

    `looks_empty` says it of the first values.
    """
    if len(counts) < 2:
        return np.empty(0, dtype=np.int64)
    place = np.arange(1, len(counts))
    gaps = place * np.log(counts[:-1] / counts[1:])
    square = np.cumsum(counts.astype(np.float64) ** 2)
    for above in range(min(MOST, len(gaps)), 0, -1):
        tail = gaps[above : above + TAIL]
        p_gap = (1 + gaps[above - 1] / (1 + tail.sum())) ** -(1.0 + len(tail))
        p_counts = 0.5 * erfc(float(np.sqrt(counts[above - 1]) - np.sqrt(counts[above])))
        p_value = max(float(p_gap), p_counts)
        if p_value < LENIENT and looks_empty[:above].all():
            return np.arange(above)
        most_pairs = 2 * square[above - 1] > square[-1]
        less_than_half = 2 * counts[:above].sum() < counts.sum()
        if above <= MOST_OTHERS and p_value < STRICT and most_pairs and less_than_half:
            return np.arange(above)
    return np.empty(0, dtype=np.int64)


def _looks_empty(value: str) -> bool:
    """Whether a folded text looks like a missing value."""
    signs = "".join(filter(str.isalnum, value))
    repeated = len(signs) > 1 and len(set(signs)) == 1  # 00:00, 999-9999, xxx
    return not signs or repeated or value in _WORDS or _FIRST_DAYS.fullmatch(value) is not None
