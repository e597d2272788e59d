"""The decision, learned: what of all that is seen of a pair speaks for a match, and how strongly.

A logistic regression over the views, over each column, and over how far a pair stands above its rivals.
Its score is a probability. It is written as numbers in JSON, so that nothing has to be unpickled.
"""

from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linktransformer import frames
from linktransformer.frames import Table
from linktransformer.pairwise import pair_scores
from linktransformer.records import Records

__all__ = ["FILE", "Evidence", "Judgement", "evidence", "judge", "probability", "read", "write"]

logger = logging.getLogger(__name__)
FILE = "decision.json"
FORMAT = 1
VIEWS = ("lexical", "dense")
SUREST = 12.0  # the largest logit
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
