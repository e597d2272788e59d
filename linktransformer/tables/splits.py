"""Train, validation and test shares that have no entity and no text in common."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError

__all__ = ["NAMES", "NONE", "TEST", "TRAIN", "VAL", "check_shares", "components", "split"]

TRAIN, VAL, TEST, NONE = 0, 1, 2, -1
NAMES = ("train", "val", "test")


def components(n: int, left: Integers, right: Integers) -> Integers:
    """The connected component (entity) of each of n items, given pairs of items, (n,) int64.

    Example:
        >>> components(4, np.array([0, 1]), np.array([1, 3])).tolist()
        [0, 0, 1, 0]
    """
    if not n:
        return np.empty(0, dtype=np.int64)
    graph = coo_matrix((np.ones(len(left), dtype=bool), (left, right)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def check_shares(shares: object) -> tuple[float, float, float]:
    """The shares of train, validation and test as three floats.

    Raises:
        InvalidArgumentError: They are not three numbers from 0 that add up to 1, or train gets nothing.
    """
    values = shares if isinstance(shares, Sequence) and not isinstance(shares, str) else ()
    valid = len(values) == 3 and all(isinstance(share, (int, float)) and share >= 0 for share in values)
    if not valid or abs(sum(values) - 1) > 1e-6 or values[0] <= 0:
        raise InvalidArgumentError(
            f"shares={shares!r} are not shares of train, validation and test. Give three numbers that add up "
            "to 1, such as (0.8, 0.1, 0.1)."
        )
    return float(values[0]), float(values[1]), float(values[2])


def split(
    entity: Integers,
    texts: Sequence[str],
    weight: Integers,
    shares: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> Integers:
    """The share (TRAIN, VAL or TEST) of each entity, (n_entities,) int64.

    Entities are drawn by a hash of the seed and of their first text in sorted order, so that neither the
    order of the rows nor other entities change one by much. An entity too large for the share of validation
    or test goes to train.

    Args:
        entity: The entity of each text, (n,) int64.
        texts: The texts, unique.
        weight: Number of labelled positive pairs of each entity, (n_entities,) int64.
        shares: Of train, validation and test; they add up to 1.
        seed: Of the draw.

    Example:
        >>> parts = split(np.arange(100), [f"firm {n}" for n in range(100)], np.ones(100, dtype=np.int64))
        >>> np.bincount(parts).tolist()
        [80, 10, 10]
    """
    shares = check_shares(shares)
    names: dict[int, str] = {}
    for number, text in zip(entity.tolist(), texts, strict=True):
        if number not in names or text < names[number]:
            names[number] = text
    order = sorted(names, key=lambda number: (_draw(names[number], seed), names[number]))
    share_of_entity = np.full(len(weight), TRAIN, dtype=np.int64)
    total = int(weight.sum())
    few = int((weight > 0).sum()) < 3  # fewer than three entities cannot be split in three
    sizes = {
        part: 0 if few or not shares[part] else max(1, round(shares[part] * total)) for part in (VAL, TEST)
    }
    filled = dict.fromkeys(sizes, 0)
    for number in order:
        size = int(weight[number])
        for part, limit in sizes.items():
            # no entity may be more than half of a share that is measured
            if size and filled[part] + size <= limit and size <= max(1, limit // 2):
                share_of_entity[number] = part
                filled[part] += size
                break
    return _without_pairs(share_of_entity, weight, order, shares)


def _without_pairs(
    share_of_entity: Integers, weight: Integers, order: list[int], shares: tuple[float, float, float]
) -> Integers:
    """Split the entities without positive pairs, such as rows known to have no match, by the same shares."""
    unlabelled = [number for number in order if not weight[number]]
    cuts = round(shares[2] * len(unlabelled)), round((shares[1] + shares[2]) * len(unlabelled))
    for place, number in enumerate(unlabelled):
        share_of_entity[number] = TEST if place < cuts[0] else VAL if place < cuts[1] else TRAIN
    return share_of_entity


def _draw(text: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\x1f{text}".encode("utf-8", "surrogatepass")).digest()
