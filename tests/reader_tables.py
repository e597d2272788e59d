"""Tables with pairs that n-grams are sure of and pairs that they leave in doubt, and who knows the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

SURE, OPEN = 60, 40
LETTERS = list("abcdefghijklmnopqrstuvwxyz")


def tables(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Row i of either names one thing. `SURE` are spelled alike; of the others two have the same words."""
    draw = np.random.default_rng(seed)
    words = ["".join(draw.choice(LETTERS, 7)) for _ in range(3 * (SURE + OPEN))]
    left, right = [], []
    for row in range(SURE + OPEN):
        one, two, other = words[3 * row : 3 * row + 3]
        if row >= SURE:
            one = words[3 * (row - row % 2)]
        left.append(f"{one} {two} company")
        right.append(f"{one} {two} corp" if row < SURE else f"{one} {other} corp")
    return pd.DataFrame({"name": left}), pd.DataFrame({"name": right})


def key_of(text: str) -> str:
    """What a name says besides its last word."""
    return text.rpartition(" ")[0]


class Knows:
    """A reader that knows the answer, on a scale of its own; `asked` are the pairs that it was given."""

    def __init__(self, seed: int = 0, high: float = 7.0, low: float = 3.0) -> None:
        left, right = tables(seed)
        self.row = {key_of(text): row for side in (left, right) for row, text in enumerate(side["name"])}
        self.values, self.asked = (low, high), list[tuple[str, str]]()

    def log_odds(self, left: Sequence[str], right: Sequence[str]) -> Any:
        self.asked += zip(left, right, strict=True)
        same = np.array(
            [self.row[key_of(a)] == self.row[key_of(b)] for a, b in zip(left, right, strict=True)]
        )
        noise = np.random.default_rng(len(left)).normal(0, 0.3, len(left))
        return np.where(same, self.values[1], self.values[0]) + noise


def right_links(links: Any) -> int:
    """How many links are of one row number less how many are not."""
    same = links.left_rows == links.right_rows
    return int(same.sum() - (~same).sum())
