"""The column that names a record: by it alone most records find one best match that finds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from linktransformer.arrays import Doubles, Integers
from linktransformer.progress import stage
from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.sampling import drawn, first_side, in_order
from linktransformer.search import lexical
from linktransformer.search.groups import starts_of
from linktransformer.search.matrices import Sparse

__all__ = ["by_information", "entropy", "key_column", "names_records", "naming_order"]


SAMPLE = 300  # values that are searched: the standard error of a rate is .03 at most


@stage("key columns")
def key_column(columns: Sequence[PairedColumn], *, same: bool = False) -> int | None:
    """Choose the column that names a record.

    Columns in which most records share their value with others are left out. Of the others the one is chosen
    by which most of a sample of values are the one best of their own one best value in the other table, by
    character n-grams; of equals the one with more information. No label is used, and the order of the columns
    does not matter.
    """
    able = [place for place, column in enumerate(columns) if _names_records(column)]
    if len(able) < 2:
        return able[0] if able else None
    rated = [(_rate(columns[place], same), information(columns[place]), place) for place in able]
    return max(rated, key=lambda rating: (*rating[:2], columns[rating[2]].name))[2]


def naming_order(columns: Sequence[PairedColumn], key: int | None) -> list[int]:
    """The order in which columns are written for a model: the key column, then by falling information."""
    names = [column.name for column in columns]
    return by_information([information(column) for column in columns], names, key)


def by_information(bits: Sequence[float], names: Sequence[str], key: int | None) -> list[int]:
    """The places of columns: the key column, then by falling information in bits, equal ones by name."""
    places = [place for place in range(len(names)) if place != key]
    places.sort(key=lambda place: (-bits[place], names[place]))
    return places if key is None else [key, *places]


def information(column: PairedColumn) -> float:
    """The entropy of a column's values in bits, a null being one value (C. Shannon 1948)."""
    number = {value: place for place, value in enumerate(column.right_values)}
    extra = len(column.right_values)
    as_right = np.array(
        [number.get(value, extra + place) for place, value in enumerate(column.left_values)], dtype=np.int64
    )
    left = column.left[column.left >= 0]
    values = np.concatenate([as_right[left] if len(as_right) else left, column.right[column.right >= 0]])
    nulls = len(column.left) + len(column.right) - len(values)
    return entropy(np.append(np.unique(values, return_counts=True)[1], nulls).astype(np.float64))


def entropy(count: Doubles) -> float:
    """The entropy in bits of values that were counted so many times."""
    share = count[count > 0] / max(1.0, count.sum())
    return float(-(share * np.log2(share)).sum())


def _names_records(column: PairedColumn) -> bool:
    sides = ((column.left, column.left_values), (column.right, column.right_values))
    counts = [(len(codes), len(values)) for codes, values in sides]
    return names_records(column.left_values[:SAMPLE], counts)


def names_records(first: Sequence[str], counts: Sequence[tuple[int, int]]) -> bool:
    """Whether a column may name records: it has letters, and at most half of them share their value."""
    letters = any(any(character.isalpha() for character in value) for value in first)
    return letters and all(2 * n_values >= n_records > 0 for n_records, n_values in counts)


def _rate(column: PairedColumn, same: bool) -> float:
    values = (column.left_values, column.right_values)
    view = lexical.fit(values[0], [] if same else values[1])
    sides = (view.left, view.left if same else view.right)
    ordered = [in_order(side) for side in values]
    texts = [[side[number] for number in order] for side, order in zip(values, ordered, strict=True)]
    first = 0 if same else first_side(texts[0], texts[1])
    sample = drawn(ordered[first], SAMPLE)
    left, right = sides[first], sides[1 - first]
    best = _one_best(left[sample], right, sample if same else None)
    back = _one_best(right[np.maximum(best, 0)], left, np.maximum(best, 0) if same else None)
    return float(((best >= 0) & (back == sample)).mean())


def _one_best(queries: Sparse, items: Sparse, own: Integers | None) -> Integers:
    """The one best item of each query, -1 for none or for several that are equally good."""
    query, item, score = lexical.sparse_top_k(queries, items, 3)
    if own is not None:
        other = item != own[query]
        query, item, score = query[other], item[other], score[other]
    best = np.full(queries.shape[0], -1, dtype=np.int64)
    starts = starts_of(query)
    best[query[starts]] = item[starts]
    tied = starts[np.append(starts[1:], len(query)) - starts > 1]
    tied = tied[score[tied] == score[tied + 1]]
    best[query[tied]] = -1
    return best
