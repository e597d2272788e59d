"""Candidate pairs of tasks as tokens: what the reader learns from, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tools.recipes.reader.model import COLUMNS

MOST = 48  # tokens of a record that are kept


def cut_lengths(lengths: np.ndarray, most: int) -> np.ndarray:
    """How many tokens of each cell are kept: short cells whole, long ones cut to one length.

    Args:
        lengths: Tokens of each cell, (n_records, n_columns).
        most: Tokens of a record.

    Returns:
        Kept tokens, (n_records, n_columns), at most `most` in a row.
    """
    rising = np.sort(lengths, axis=1)
    below = np.cumsum(rising, axis=1) - rising
    left = lengths.shape[1] - np.arange(lengths.shape[1])
    room = (most - below) // left  # if cells from here on are cut, to so many
    fits = (below + rising * left) <= most
    first = np.where(fits.all(axis=1), lengths.shape[1] - 1, np.argmin(fits, axis=1))
    cap = np.where(fits.all(axis=1), rising[:, -1], np.take_along_axis(room, first[:, None], 1)[:, 0])
    return np.minimum(lengths, np.maximum(cap, 1)[:, None])


def records(cells: Sequence[Sequence[str]], tokenizer: Any, most: int = MOST) -> tuple[np.ndarray, ...]:
    """Records as tokens.

    Returns:
        Tokens of all records one after the other, uint16; the column of each, uint8; tokens of each record.
    """
    n, width = len(cells), len(cells[0])
    flat = [cell[:600] for row in cells for cell in row]
    encoded = [one.ids for one in tokenizer.encode_batch(flat, add_special_tokens=False)]
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded)).reshape(n, width)
    kept = np.minimum(cut_lengths(lengths, most), most)
    over = np.cumsum(kept, axis=1) - most
    kept = np.clip(kept - np.maximum(over, 0), 0, None)
    ids = np.fromiter(
        (number for one, count in zip(encoded, kept.ravel().tolist(), strict=True) for number in one[:count]),
        np.uint16, int(kept.sum()),
    )  # fmt: skip
    column = np.repeat(np.tile(np.minimum(np.arange(width), COLUMNS - 1), n), kept.ravel()).astype(np.uint8)
    return ids, column, kept.sum(axis=1).astype(np.uint8)
