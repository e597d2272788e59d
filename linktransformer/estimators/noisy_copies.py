"""Copies of a reference's rows as someone else might have written them: a sample where there is no other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Integers
from linktransformer.estimators.reference import Reference
from linktransformer.tables import frames, records
from linktransformer.tables.frames import Table

__all__ = ["COPIES", "noisy_copies"]

COPIES = 1_000


def noisy_copies(reference: Reference, seed: int = 0) -> tuple[Table, Integers]:
    """Copy up to 1,000 rows of a reference, with words dropped or cut short, letters changed and capitals.

    Returns a table with the columns of queries, and the row of the reference that each row is a copy of.
    """
    draw = np.random.default_rng(seed)
    order = records.in_text_order(reference.records, np.arange(len(reference.records.texts)))
    of_text = np.full(len(order), -1, dtype=np.int64)
    rows = np.flatnonzero(reference.nodes.node_of_row >= 0)[::-1]
    of_text[reference.records.text_of_row[rows]] = rows  # the first row of each text
    order = order[of_text[order] >= 0]
    texts = order[draw.choice(len(order), min(COPIES, len(order)), replace=False)]
    source, keys = of_text[texts], reference.reader.keys
    query_column = {right: left for left, right in keys.pairs}
    columns: dict[str, NDArray[np.object_]] = {
        name: np.full(len(source), None, dtype=object) for name in keys.queries
    }
    for name in keys.reference:
        cells = frames.joined(reference.table, [name], " ", False)[source].tolist()
        noisy = [_noisy(cell, draw) for cell in cells]
        columns[query_column.get(name, keys.queries[0])] = np.array(noisy, dtype=object)
    for name in keys.blocks:
        columns[name] = frames.column(reference.table, name)[source]
    return frames.wrap(frames.new_frame(reference.table, columns), "noisy copies"), source


def _noisy(text: str, draw: np.random.Generator) -> str | None:
    """One text with an error or a few."""
    words = text.split()
    if not words:
        return None
    if len(words) > 2 and draw.random() < 0.25:
        words.pop(int(draw.integers(len(words))))
    if draw.random() < 0.25:
        place = int(draw.integers(len(words)))
        words[place] = words[place][:4]
    letters = list(" ".join(words))
    for _ in range(1 + int(draw.integers(1 + len(letters) // 12))):
        place, kind = int(draw.integers(len(letters))), int(draw.integers(3))
        if kind == 0 and len(letters) > 2:
            del letters[place]
        elif kind == 1:
            letters[place] = letters[int(draw.integers(len(letters)))]
        else:
            letters.insert(place, letters[int(draw.integers(len(letters)))])
    noisy = "".join(letters)
    return noisy.upper() if draw.random() < 0.2 else noisy
