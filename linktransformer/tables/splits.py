"""Train, validation and test shares that have no entity and no text in common."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError

__all__ = ["NAMES", "NONE", "TEST", "TRAIN", "VAL", "check_shares", "components", "split"]

TRAIN, VAL, TEST, NONE = 0, 1, 2, -1
NAMES = ("train", "val", "test")


def components(n: int, left: Integers, right: Integers) -> Integers:
    """Number the entities that pairs of things make: what is paired, also through others, is one.

    Args:
        n: How many things there are.
        left: One thing of each pair, (n_pairs,) int64.
        right: The other one.

    Returns:
        The entity of each thing, (n,) int64.

    Example:
        >>> components(4, np.array([0, 1]), np.array([1, 3])).tolist()
        [0, 0, 1, 0]
    """
    if not n:
        return np.empty(0, dtype=np.int64)
    graph = coo_matrix((np.ones(len(left), dtype=bool), (left, right)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def check_shares(shares: Any) -> tuple[float, float, float]:
    """Refuse shares that cannot be cut.

    Args:
        shares: Of train, validation and test.

    Returns:
        The three shares as a tuple of floats.

    Raises:
        InvalidArgumentError: They are not three numbers from 0 that add up to 1, or train gets nothing.
    """
    good = isinstance(shares, Sequence) and not isinstance(shares, str) and len(shares) == 3
    good = good and all(isinstance(share, (int, float)) and share >= 0 for share in shares)
    if not good or abs(sum(shares) - 1) > 1e-6 or shares[0] <= 0:
        raise InvalidArgumentError(
            f"shares={shares!r} cannot be cut. Give three numbers that add up to 1 for train, validation and "
            "test, such as (0.8, 0.1, 0.1)."
        )
    return float(shares[0]), float(shares[1]), float(shares[2])


def split(
    entity: Integers,
    texts: Sequence[str],
    weight: Integers,
    shares: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> Integers:
    """Give every entity to one of train, validation and test.

    Entities are drawn by a hash of the seed and of their first text in sorted order, so that neither the
    order of the rows nor other entities move one by much. An entity too large for the share of validation
    or test goes to train.

    Args:
        entity: The entity of each text, (n,) int64.
        texts: The texts, different ones.
        weight: How many labelled positive pairs an entity counts for in the shares, (n_entities,) int64.
        shares: Of train, validation and test; they add up to 1.
        seed: Of the draw.

    Returns:
        TRAIN, VAL or TEST of each entity, (n_entities,) int64.

    Raises:
        InvalidArgumentError: The shares cannot be cut.

    Example:
        >>> found = split(np.arange(100), [f"firm {n}" for n in range(100)], np.ones(100, dtype=np.int64))
        >>> np.bincount(found).tolist()
        [80, 10, 10]
    """
    shares = check_shares(shares)
    names: dict[int, str] = {}
    for number, text in zip(entity.tolist(), texts, strict=True):
        if number not in names or text < names[number]:
            names[number] = text
    order = sorted(names, key=lambda number: (_draw(names[number], seed), names[number]))
    found = np.full(len(weight), TRAIN, dtype=np.int64)
    total = int(weight.sum())
    few = int((weight > 0).sum()) < 3  # three entities can be cut in three, fewer cannot
    wanted = {
        part: 0 if few or not shares[part] else max(1, round(shares[part] * total)) for part in (VAL, TEST)
    }
    given = dict.fromkeys(wanted, 0)
    for number in order:
        size = int(weight[number])
        for part, most in wanted.items():
            # one large entity shall not be half of what is measured
            if size and given[part] + size <= most and size <= max(1, most // 2):
                found[number] = part
                given[part] += size
                break
    return _without_pairs(found, weight, order, shares)


def _without_pairs(
    found: Integers, weight: Integers, order: list[int], shares: tuple[float, float, float]
) -> Integers:
    """Entities that no positive pair speaks of, such as rows known to have no partner, by the same shares."""
    alone = [number for number in order if not weight[number]]
    cuts = round(shares[2] * len(alone)), round((shares[1] + shares[2]) * len(alone))
    for place, number in enumerate(alone):
        found[number] = TEST if place < cuts[0] else VAL if place < cuts[1] else TRAIN
    return found


def _draw(text: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\x1f{text}".encode("utf-8", "surrogatepass")).digest()
