"""What is seen of each candidate: the views, how it stands among its rivals, and each column."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer import frames, lexical
from linktransformer.blocking import Nodes
from linktransformer.factorize import factorize
from linktransformer.frames import Table
from linktransformer.fused import Fused
from linktransformer.pairwise import pair_scores
from linktransformer.records import Records

__all__ = ["VIEWS", "Evidence", "cells_of", "codes_of", "compared", "evidence", "standing"]

VIEWS = ("lexical", "dense", "fused", "image", "text", "edit")
_DIGITS = re.compile(r"\w*\d\w*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is seen of each candidate.

    Args:
        names: Of the columns.
        values: (n_candidates, n_names) float64.
    """

    names: tuple[str, ...]
    values: Floats

    def of_a_row_alone(self) -> Evidence:
        """What is seen of a row that comes by itself.

        How a pair stands among others of its right row, and the score that tables as a whole give it, are
        left out: the rivals are not there.
        """
        stay = [
            place
            for place, name in enumerate(self.names)
            if name.split(" ")[0] != "score" and not name.endswith((" lead right", " rank right"))
        ]
        return Evidence(tuple(self.names[place] for place in stay), self.values[:, stay])


def evidence(
    tables: tuple[Table, Table],
    on: tuple[Sequence[str], Sequence[str]],
    texts: tuple[Records, Records],
    nodes: tuple[Nodes, Nodes],
    fused: Fused,
) -> Evidence:
    """Look at every candidate from all sides.

    The views and their weighted mean; the lead of each over the best rival on both sides, and the rank; and
    for each pair of key columns how like they are, whether they are equal, how near numbers lie, and
    whether one is empty. Where left and right keys differ in number, the columns are left out.

    Args:
        tables: The tables.
        on: Their key columns.
        texts: Their texts.
        nodes: Their nodes.
        fused: The candidates, scored without labels.

    Returns:
        One row a candidate.
    """
    found = fused.candidates
    columns: dict[str, NDArray[Any]] = {}
    views = {name: found.views[name] for name in VIEWS if name in found.views}
    for name, score in {**views, "score": fused.score}.items():
        columns |= {name: score, **standing(name, "left", found.left, score)}
        columns |= standing(name, "right", found.right, score)
    a, b = nodes[0].text[found.left], nodes[1].text[found.right]
    columns |= codes_of((texts[0].texts.tolist(), texts[1].texts.tolist()), a, b)
    if len(on[0]) == len(on[1]):
        for place, pair in enumerate(zip(on[0], on[1], strict=True)):
            columns |= _column(f"column {place + 1}", tables, pair, texts, a, b)
    names = tuple(columns)
    return Evidence(names, np.stack([columns[name].astype(np.float64) for name in names], axis=1))


def standing(name: str, side: str, group: Integers, score: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """How each pair stands among the others of its node.

    Args:
        name: Of the view.
        side: "left" or "right".
        group: The node of that side of each pair, (n_pairs,) int64.
        score: In the view, (n_pairs,) float32.

    Returns:
        By name, the lead over the best other pair and 1 / (1 + rank).
    """
    lead, rank = _standing(group, score)
    return {f"{name} lead {side}": lead, f"{name} rank {side}": 1 / (1 + rank)}


def _standing(group: Integers, score: NDArray[np.float32]) -> tuple[NDArray[np.float32], Integers]:
    """How far a pair lies above the best other pair of its node, and its rank from 0; ties share the better.

    A node with a single candidate leads over 0.
    """
    order = np.lexsort((-score, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    length = np.diff(np.append(starts, len(order)))
    first = np.repeat(starts, length)
    falling = score[order]
    second = np.zeros(len(order), dtype=np.float32)
    has = np.repeat(length > 1, length)
    second[has] = falling[first[has] + 1]
    here = np.arange(len(order))
    lead = np.empty(len(order), dtype=np.float32)
    lead[order] = falling - np.where(here == first, second, falling[first])
    fresh = here == first
    fresh[1:] |= falling[1:] != falling[:-1]
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.maximum.accumulate(np.where(fresh, here, 0)) - first
    return lead, rank


def codes_of(texts: tuple[list[str], list[str]], a: Integers, b: Integers) -> dict[str, NDArray[Any]]:
    """How many of the words with digits, such as model numbers, two texts share (Jaccard's index).

    Args:
        texts: Left and right texts.
        a: Left text of each pair, (n_pairs,) int64.
        b: The right one.

    Returns:
        By name, the share, and whether both have such words and share none.
    """
    words = [[sorted(set(_DIGITS.findall(text.casefold()))) for text in side] for side in texts]
    number = factorize([word for side in words for text in side for word in text])[1]
    sizes = [np.array([len(text) for text in side], dtype=np.int64) for side in words]
    width = int(number.max(initial=-1)) + 1
    has = []
    for side, columns in zip(sizes, np.split(number, [int(sizes[0].sum())]), strict=True):
        starts = np.concatenate([[0], np.cumsum(side)])
        ones = np.ones(len(columns), dtype=np.float32)
        has.append(sp.csr_matrix((ones, columns, starts), shape=(len(side), max(1, width))))
    both = pair_scores(has[0], has[1], a, b).astype(np.float64)
    left, right = sizes[0][a], sizes[1][b]
    known = (left > 0) & (right > 0)
    shared = np.where(known, both / np.maximum(1, left + right - both), 0.0)
    return {"codes shared": shared, "codes differ": (known & (both == 0)).astype(np.float64)}


def _column(
    title: str,
    tables: tuple[Table, Table],
    names: tuple[str, str],
    texts: tuple[Records, Records],
    a: Integers,
    b: Integers,
) -> dict[str, NDArray[Any]]:
    """The evidence of one pair of key columns."""
    cells = [cells_of(table, name, side) for table, name, side in zip(tables, names, texts, strict=True)]
    view = lexical.fit(cells[0], cells[1])
    return compared(title, (cells[0], cells[1]), (view.left, view.right), a, b)


def compared(
    title: str,
    cells: tuple[list[str], list[str]],
    vectors: tuple[Any, Any],
    a: Integers,
    b: Integers,
) -> dict[str, NDArray[Any]]:
    """How like the cells of two columns are.

    Args:
        title: How to call the column.
        cells: Left and right cells, "" for none.
        vectors: Of their n-grams.
        a: Left cell of each pair, (n_pairs,) int64.
        b: The right one.

    Returns:
        By name, likeness, whether the cells are equal, whether one is missing, how near numbers lie.
    """
    empty = [np.array([not cell for cell in side], dtype=bool) for side in cells]
    missing = empty[0][a] | empty[1][b]
    folded = [np.array([cell.casefold() for cell in side], dtype=object) for side in cells]
    equal = np.asarray(folded[0][a] == folded[1][b], dtype=bool) & ~missing
    numbers = [
        np.array([_number(cell) for cell in side], dtype=np.float64)[at]
        for side, at in zip(cells, (a, b), strict=True)
    ]
    both = np.isfinite(numbers[0]) & np.isfinite(numbers[1])
    near = np.zeros(len(a))
    high = np.maximum(np.abs(numbers[0][both]), np.abs(numbers[1][both]))
    near[both] = 1 - np.minimum(1, np.abs(numbers[0][both] - numbers[1][both]) / np.maximum(high, 1e-9))
    return {
        f"{title} likeness": pair_scores(vectors[0], vectors[1], a, b),
        f"{title} equal": equal.astype(np.float64),
        f"{title} missing": missing.astype(np.float64),
        f"{title} numbers near": near,
        f"{title} numbers": both.astype(np.float64),
    }


def cells_of(table: Table, name: str, records: Records) -> list[str]:
    """The cell of the first row that has each text, normalised.

    Args:
        table: The table.
        name: The column.
        records: The texts.

    Returns:
        A cell for each text, "" for none.
    """
    every = frames.joined(table, [name], " ", False, compared=True)
    rows = np.flatnonzero(records.text_of_row >= 0)
    _, first = np.unique(records.text_of_row[rows], return_index=True)
    return [str(every[row]) for row in rows[first].tolist()]


def _number(cell: str) -> float:
    return float(cell) if len(cell) < 30 and _NUMBER.fullmatch(cell) else math.nan
