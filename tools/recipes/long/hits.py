"""Hit@1 of encoders on DeepKeyLink, by length, number of hops and depth."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tools.recipes.long import deepkey
from tools.recipes.long.arms import ends_of
from tools.recipes.long.course import padded


def tested_groups(
    world: deepkey.World, options: argparse.Namespace, part: str = "test"
) -> Iterator[tuple[int, int, list[tuple[float, deepkey.Group]]]]:
    """The test, the same for every seed of the training: length, hops, groups with their depths."""
    for length in options.test:
        for hops in (1, 2):
            groups = []
            for number in range(options.groups):
                draw = np.random.default_rng([99, length, hops, number])
                depth = deepkey.DEPTHS[number % len(deepkey.DEPTHS)]
                groups.append((depth, deepkey.group(world, draw, length, hops, part=part, depth=depth)))
            yield length, hops, groups


def tested(
    arm: str, model: Any, world: deepkey.World, options: argparse.Namespace, part: str = "test"
) -> list[dict[str, Any]]:
    """Hit@1 of a trained arm, a row for each length, number of hops and depth.

    Args:
        arm: Its name.
        model: The arm.
        world: The words.
        options: Of the benchmark.
        part: Whose fields: "train" where something is to be chosen by it.
    """
    import torch

    ends = ends_of(model.model)
    model.model.eval()
    rows = []
    with torch.no_grad():
        for length, hops, groups in tested_groups(world, options, part):
            start, sides = time.perf_counter(), []
            for side in ("left", "right"):
                ids = [[world.ids(one) for one in getattr(found, side)] for _, found in groups]
                vectors = [model.vectors_of(padded(some, ends)).cpu().numpy() for some in ids]
                sides.append(np.stack(vectors))  # (groups, 9, d)
            seconds = time.perf_counter() - start
            score = np.einsum("gid,hjd->gihj", *sides)
            rows += hits(arm, length, hops, [depth for depth, _ in groups], score, seconds)
    return rows


def hits(
    arm: str, length: int, hops: int, depths: Sequence[float], score: Any, seconds: float
) -> list[dict[str, Any]]:
    """Rows by depth of scores of (group, left record, group, right record)."""
    n, nine = score.shape[:2]
    each = np.arange(n)
    near = score[each, :, each].argmax(axis=2) == np.arange(nine)[None]
    far = score.reshape(n, nine, -1).argmax(axis=2) == each[:, None] * nine + np.arange(nine)[None]
    found = []
    for depth in sorted(set(depths)):
        some = np.array(depths) == depth
        found.append(
            {
                "arm": arm,
                "tokens": length,
                "hops": hops,
                "depth": depth,
                "pairs": int(some.sum()) * nine,
                "hit of 9": float(near[some].mean()),
                "hit of all": float(far[some].mean()),
                "of": n * nine,
                "ms a record": 1000 * seconds / (2 * n * nine),
            }
        )
    return found


def by_length(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Hit@1 of 9, a row an arm and number of hops, a column a length."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for length in sorted({row["tokens"] for row in rows}):
        for row in rows:
            if row["tokens"] != length:
                continue
            own = found.setdefault((row["arm"], row["hops"]), {"arm": row["arm"], "hops": row["hops"]})
            own.setdefault(f"{length:,}", []).append((row["hit of 9"], row["pairs"]))
    for own in found.values():
        for name, value in own.items():
            if isinstance(value, list):
                own[name] = float(np.average([hit for hit, _ in value], weights=[n for _, n in value]))
    return [found[key] for key in sorted(found, key=lambda key: (key[1], key[0]))]
