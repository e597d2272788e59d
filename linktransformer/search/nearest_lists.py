"""The best items of each query, to which those of more searches are added."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats
from linktransformer.parallel import chunks, mapped

__all__ = ["Nearest", "keep_best"]

ROWS = 2048  # whose neighbours are sorted at a time
NONE = np.uint64(2**64 - 1)
LOW = np.uint64(2**32 - 1)
HALF = np.uint64(32)


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The best items of each query, (n, k) int32 with -1 for none, and their scores, (n, k) float32."""

    item: NDArray[np.int32]
    score: Floats

    @classmethod
    def of_none(cls, n: int, k: int) -> Nearest:
        """No items yet."""
        return cls(np.full((n, k), -1, dtype=np.int32), np.zeros((n, k), dtype=np.float32))


def keep_best(nearest: Nearest, new: Nearest) -> None:
    """Put new neighbours among those of before, in `nearest` itself; the lower one of equals goes first."""
    k = nearest.item.shape[1]

    def keep(part: slice) -> None:
        item = np.concatenate([nearest.item[part], new.item[part]], axis=1)
        score = np.concatenate([nearest.score[part], new.score[part]], axis=1)
        # a score of 0 or more has the order of its bits: one number sorts by item, then by score
        pairs = (item.view(np.uint32).astype(np.uint64) << HALF) | score.view(np.uint32)
        pairs.sort(axis=1)
        item_bits = pairs >> HALF
        repeated = item_bits == LOW
        repeated[:, 1:] |= item_bits[:, 1:] == item_bits[:, :-1]
        ranked = (~pairs << HALF) | item_bits
        ranked[repeated] = NONE
        ranked.sort(axis=1)
        best = ranked[:, :k]
        none = best == NONE
        nearest.item[part] = np.where(none, LOW, best & LOW).astype(np.uint32).view(np.int32)
        nearest.score[part] = np.where(none, 0, ~best >> HALF).astype(np.uint32).view(np.float32)

    deque(mapped(keep, chunks(len(nearest.item), ROWS)), maxlen=0)
