"""Pages of text, clean or read by OCR, whole or in part: long records that are copied but for errors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .draw import Draw
from .sounds import TONGUES, word

__all__ = ["pages"]

ALPHABET = "abcdefghijklmnopqrstuvwxyz.,-' "


def pages(draw: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Two tables of pages.

    Args:
        draw: The source of chance.

    Returns:
        Left and right table of one column or two, and the true pairs.
    """
    tongue = str(draw.choice(sorted(TONGUES)))
    source = Draw(draw)
    words = np.array(
        sorted({word(source, tongue) for _ in range(int(draw.integers(600, 3000)))}), dtype=object
    )
    draw.shuffle(words)
    share = 1 / np.arange(1, len(words) + 1)
    share /= share.sum()
    n = int(np.exp(draw.uniform(np.log(60), np.log(600))))
    length = np.exp(draw.normal(np.log(draw.choice([40, 90, 200])), 0.5, n)).astype(int) + 12
    frame = " ".join(draw.choice(words, int(draw.choice([0, 15, 40])), p=share))  # what all pages share
    texts = [f"{frame} {' '.join(draw.choice(words, size, p=share))}".strip() for size in length]
    for at in range(1, n):  # pages that go on where another one ends, or repeat part of it
        if draw.random() < 0.15:
            other = texts[int(draw.integers(at))].split()
            texts[at] = " ".join([*other[len(other) // 2 :], *texts[at].split()[: len(other) // 2]])
    overlap = 1.0 if draw.random() < 0.35 else float(draw.choice([0.0, 0.05, 0.2, 0.5, 0.8]))
    noise = [float(draw.choice([0.0, 0.02, 0.08, 0.2])) for _ in range(2)]
    part = float(draw.choice([1.0, 1.0, 0.5]))
    sides: tuple[list[str], list[str]] = ([], [])
    owner: tuple[list[int], list[int]] = ([], [])
    for at, text in enumerate(texts):
        here = (0, 1) if draw.random() < overlap else (int(draw.integers(2)),)
        for side in here:
            shown = _misread(draw, text, noise[side])
            if side == 1 and part < 1:
                start = int(draw.integers(0, max(1, int(len(shown) * (1 - part)))))
                shown = shown[start : start + int(len(shown) * part)]
            sides[side].append(shown)
            owner[side].append(at)
    tables = []
    for side in (0, 1):
        order = draw.permutation(len(sides[side]))
        tables.append(pd.DataFrame({"text": [sides[side][at] for at in order]}))
        owner[side][:] = [owner[side][at] for at in order]
    place = {each: at for at, each in enumerate(owner[1])}
    truth = [(at, place[each]) for at, each in enumerate(owner[0]) if each in place]
    return tables[0], tables[1], np.array(truth, dtype=np.int64).reshape(-1, 2)


def _misread(draw: np.random.Generator, text: str, rate: float) -> str:
    """Letters changed, lost and added at a rate that differs from page to page."""
    if not rate:
        return text
    rate *= float(draw.uniform(0.3, 1.7))
    letters = list(text)
    for at in np.flatnonzero(draw.random(len(letters)) < rate).tolist():
        kind = draw.random()
        other = ALPHABET[int(draw.integers(len(ALPHABET)))]
        letters[at] = other if kind < 0.6 else "" if kind < 0.8 else letters[at] + other
    return "".join(letters)
