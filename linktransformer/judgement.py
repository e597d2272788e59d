"""The decision, learned: what of all that is seen of a pair speaks for a match, and how strongly.

A logistic regression over the views, over each column, and over how far a pair stands above its rivals.
Its score is a probability. It is written as numbers in JSON, so that nothing has to be unpickled.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer import frames, lexical
from linktransformer.blocking import Nodes
from linktransformer.errors import ModelError
from linktransformer.factorize import factorize
from linktransformer.frames import Table
from linktransformer.fuse import Fused
from linktransformer.pairwise import pair_scores
from linktransformer.records import Records

__all__ = ["FILE", "Evidence", "Judgement", "evidence", "judge", "probability", "read", "write"]

logger = logging.getLogger(__name__)
FILE = "decision.json"
FORMAT = 1
VIEWS = ("lexical", "dense", "fused", "image", "text", "edit")
SUREST = 8.0  # the largest logit
_DIGITS = re.compile(r"\w*\d\w*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A learned decision.

    Args:
        features: What it looks at, in order.
        coefficients: The weight of each, after centring and scaling.
        means: What is taken from each.
        scales: What each is divided by.
        intercept: Added to the sum.
        threshold: The probability from which a pair is a link.
        format: Number of the file's format.

    Raises:
        ModelError: The parts do not fit together.
    """

    features: tuple[str, ...]
    coefficients: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    intercept: float
    threshold: float
    format: int = FORMAT

    def __post_init__(self) -> None:
        numbers = [*self.coefficients, *self.means, *self.scales, self.intercept, self.threshold]
        sizes = {len(self.features), len(self.coefficients), len(self.means), len(self.scales)}
        real = all(type(n) in (int, float) and math.isfinite(n) for n in numbers)
        if self.format != FORMAT or len(sizes) != 1 or not real or not all(self.scales):
            raise ModelError(
                f"The model's decision cannot be used. Given: format {self.format}, parts of lengths "
                f"{sorted(sizes)}. Get the model anew, or update this package."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is seen of each candidate.

    Args:
        names: Of the columns.
        values: (n_candidates, n_names) float64.
    """

    names: tuple[str, ...]
    values: Floats


def write(judgement: Judgement, path: Path) -> None:
    """Write a decision as JSON.

    Args:
        judgement: The decision.
        path: The file.
    """
    path.write_text(json.dumps(asdict(judgement), indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Judgement:
    """Read a decision.

    Args:
        path: The file.

    Returns:
        The decision.

    Raises:
        ModelError: It is none.
    """
    try:
        values = json.loads(path.read_bytes())
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return Judgement(**{**values, **lists})
    except ModelError:
        raise
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            f"The model's decision cannot be read. Given: {path.name} ({error}). Get the model anew."
        ) from error


def probability(judgement: Judgement, values: Floats) -> Floats:
    """How likely each pair is a match.

    Args:
        judgement: The decision.
        values: (n, n_features), in its order.

    Returns:
        (n,) float64 between 0 and 1.
    """
    scaled = (values - np.array(judgement.means)) / np.array(judgement.scales)
    logit = scaled @ np.array(judgement.coefficients) + judgement.intercept
    # bent, so that float32 still tells two sure pairs apart and no probability is 1
    found: Floats = 1 / (1 + np.exp(-SUREST * np.tanh(logit / SUREST)))
    return found


def judge(judgement: Judgement, seen: Evidence, fused: Fused) -> Fused | None:
    """Score candidates by a learned decision.

    Args:
        judgement: The decision.
        seen: What is seen of them.
        fused: The candidates.

    Returns:
        The same candidates with probabilities as scores; None, with a line in the log, where the
        tables do not have what the decision looks at.
    """
    missing = sorted(set(judgement.features) ^ set(seen.names))
    if missing:
        logger.info(
            "the decision that was learned with the model does not fit these key columns (%s): links are "
            "decided without labels",
            ", ".join(missing[:6]),
        )
        return None
    place = {name: number for number, name in enumerate(seen.names)}
    values = seen.values[:, [place[name] for name in judgement.features]]
    return replace(fused, score=probability(judgement, values).astype(np.float32))


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
        columns[name] = score
        for side, group in (("left", found.left), ("right", found.right)):
            columns[f"{name} lead {side}"], rank = _standing(group, score)
            columns[f"{name} rank {side}"] = 1 / (1 + rank)
    a, b = nodes[0].text[found.left], nodes[1].text[found.right]
    columns |= _codes(texts, a, b)
    if len(on[0]) == len(on[1]):
        for place, pair in enumerate(zip(on[0], on[1], strict=True)):
            columns |= _column(f"column {place + 1}", tables, pair, texts, a, b)
    names = tuple(columns)
    return Evidence(names, np.stack([columns[name].astype(np.float64) for name in names], axis=1))


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


def _codes(texts: tuple[Records, Records], a: Integers, b: Integers) -> dict[str, NDArray[Any]]:
    """How many of the words with digits, such as model numbers, the two texts share (Jaccard's index)."""
    words = [
        [sorted(set(_DIGITS.findall(text.casefold()))) for text in side.texts.tolist()] for side in texts
    ]
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
    cells = [_cells(table, name, side) for table, name, side in zip(tables, names, texts, strict=True)]
    view = lexical.fit(cells[0], cells[1])
    missing = np.array([not cell for cell in cells[0]])[a] | np.array([not cell for cell in cells[1]])[b]
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
        f"{title} likeness": pair_scores(view.left, view.right, a, b),
        f"{title} equal": equal.astype(np.float64),
        f"{title} missing": missing.astype(np.float64),
        f"{title} numbers near": near,
        f"{title} numbers": both.astype(np.float64),
    }


def _cells(table: Table, name: str, records: Records) -> list[str]:
    """The cell of the first row that has each text."""
    every = frames.joined(table, [name], " ", False)
    rows = np.flatnonzero(records.text_of_row >= 0)
    _, first = np.unique(records.text_of_row[rows], return_index=True)
    return [str(every[row]) for row in rows[first].tolist()]


def _number(cell: str) -> float:
    return float(cell) if len(cell) < 30 and _NUMBER.fullmatch(cell) else math.nan
