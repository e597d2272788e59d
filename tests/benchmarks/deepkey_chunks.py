"""The rival that needs no long model: a short encoder on pieces of a record, and the best pairs of pieces."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tools.recipes.long import deepkey
from tools.recipes.long.arms import ends_of
from tools.recipes.long.course import padded
from tools.recipes.long.hits import hits, tested_groups

AT_ONCE = 2**17  # tokens


def scores_of_chunks(model: Any, world: deepkey.World, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Hit@1 of two ways to compare pieces, a row for each length, number of hops and depth."""
    rows: list[dict[str, Any]] = []
    ends = ends_of(model)
    for length, hops, groups in tested_groups(world, options):
        start = time.perf_counter()
        left, right = (
            pieces(model, [world.ids(one) for _, found in groups for one in getattr(found, side)], ends)
            for side in ("left", "right")
        )
        seconds = time.perf_counter() - start
        n = len(groups)
        depths = [depth for depth, _ in groups]
        mean, best = compared(left, right)
        for name, score in (("chunks, mean of best", mean), ("chunks, best pair", best)):
            nine = len(left) // n
            rows += hits(name, length, hops, depths, score.reshape(n, nine, n, nine), seconds)
    return rows


def pieces(model: Any, ids: Sequence[Any], ends: tuple[int, int]) -> list[Any]:
    """Unit vectors of the pieces of each record, (pieces, d) each."""
    import torch

    size = int(model.max_seq_length) - 2
    cut = [[own[start : start + size] for start in range(0, max(1, len(own)), size)] for own in ids]
    flat = [piece for own in cut for piece in own]
    found = []
    step = max(1, AT_ONCE // (size + 2))
    with torch.no_grad():
        for start in range(0, len(flat), step):
            tokens = padded(flat[start : start + step], ends)
            tokens = {name: value.to(model.device) for name, value in tokens.items()}
            vectors = model(tokens)["sentence_embedding"].float()
            found.append(torch.nn.functional.normalize(vectors, dim=1).cpu().numpy())
    ends_at = np.cumsum([len(own) for own in cut])[:-1]
    return list(np.split(np.concatenate(found), ends_at))


def compared(left: Sequence[Any], right: Sequence[Any]) -> tuple[Any, Any]:
    """Scores of all left with all right records: mean and maximum of each left piece's best right one."""
    starts = np.cumsum([0, *(len(own) for own in right[:-1])])
    every = np.concatenate(right)
    mean, best = [], []
    for own in left:
        near = np.maximum.reduceat(own @ every.T, starts, axis=1)  # (left pieces, right records)
        mean.append(near.mean(axis=0))
        best.append(near.max(axis=0))
    return np.stack(mean), np.stack(best)
