"""A tiny encoder that counts what it is given, and its cosines by the plain formula."""

from __future__ import annotations

import zlib

import numpy as np


class Letters:
    """Hashed pairs of letters: quick, the same every time; counts what it is given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: list[str]) -> np.ndarray:
        self.texts += texts
        found = np.zeros((len(texts), 64), dtype=np.float64)
        for row, text in enumerate(texts):
            padded = f" {text.lower()} "
            for place in range(len(padded) - 1):
                found[row, zlib.crc32(padded[place : place + 2].encode()) % 64] += 1
        return found


def cosine(a: str, b: str) -> float:
    x, y = Letters().encode([a, b])
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))
