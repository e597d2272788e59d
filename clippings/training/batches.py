"""Batches of texts: they depend on the seed, the epoch and the mined negatives only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from clippings.arrays import Integers
from clippings.training.examples import Examples

PER_CLUSTER = 4  # texts of one entity in a batch, about
SMALL = 4  # a last batch smaller than this part of the others is left out


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The different texts of a step, and pairs of them by their place in the batch.

    Attributes:
        texts: Numbers of texts, (n,) int64.
        left: Places of left texts, (p,) int64.
        right: Places of right texts.
        label: 1 or 0, (p,) int64.
    """

    texts: Integers
    left: Integers
    right: Integers
    label: Integers


def batches(
    examples: Examples,
    loss: str,
    size: int,
    *,
    seed: int,
    epoch: int,
    negatives: Integers | None = None,
) -> list[Batch]:
    """The batches of one epoch, in their order.

    "infonce": positive pairs, no entity twice in a batch, with mined `negatives`, (n_positive, k) int64, -1
    for none. "supcon": texts by entity, about four of each; then `size` counts texts. "onlinecontrastive":
    labelled pairs.
    """
    draw = np.random.default_rng([seed, epoch])
    if loss == "supcon":
        return _by_entity(examples, size, draw)
    if loss == "infonce":
        return _without_repeats(examples, size, draw, negatives)
    order = draw.permutation(len(examples.label))
    return [_of_pairs(examples, order[start : start + size]) for start in range(0, len(order), size)]


def _without_repeats(
    examples: Examples, size: int, draw: np.random.Generator, negatives: Integers | None
) -> list[Batch]:
    """Positive pairs, each entity once a batch: its other members would be false negatives.

    A rest that fills no quarter of a batch is left out, as its pairs have few negatives; its pairs differ
    from epoch to epoch.
    """
    positive = examples.positive
    entity = examples.entity[examples.left[positive]].tolist()
    fresh = iter(draw.permutation(len(positive)).tolist())
    waiting: list[int] = []
    result: list[Batch] = []
    while True:
        chosen: list[int] = []
        deferred: list[int] = []
        seen: set[int] = set()
        for place in chain(waiting, fresh):
            (deferred if entity[place] in seen else chosen).append(place)
            seen.add(entity[place])
            if len(chosen) == size:
                break
        # what `chain` did not reach of the waiting ones still waits
        waiting = deferred + waiting[len(chosen) + len(deferred) :]
        if not chosen or (result and len(chosen) < size / SMALL):
            return result
        extra = None if negatives is None else negatives[chosen].ravel()
        result.append(_of_pairs(examples, positive[chosen], extra))


def _by_entity(examples: Examples, size: int, draw: np.random.Generator) -> list[Batch]:
    """Texts of entities with at least two, each text once an epoch, entity by entity."""
    members: dict[int, list[int]] = {}
    for number, name in enumerate(examples.entity.tolist()):
        members.setdefault(name, []).append(number)
    groups: list[list[int]] = []
    for texts in members.values():
        if len(texts) > 1:
            shuffled = draw.permutation(texts).tolist()
            # a rest of one text would have no positive: it joins the group before
            cuts = list(range(0, len(texts) - 1, PER_CLUSTER)) or [0]
            ends = [*cuts[1:], len(texts)]
            groups += [shuffled[start:stop] for start, stop in zip(cuts, ends, strict=True)]
    none = np.empty(0, dtype=np.int64)
    result: list[Batch] = []
    batch: list[int] = []
    for place in draw.permutation(len(groups)).tolist():
        if batch and len(batch) + len(groups[place]) > size:
            result.append(Batch(np.array(batch, dtype=np.int64), none, none, none))
            batch = []
        batch += groups[place]
    if batch:
        result.append(Batch(np.array(batch, dtype=np.int64), none, none, none))
    return result


def _of_pairs(examples: Examples, pairs: Integers, more: Integers | None = None) -> Batch:
    """The batch of these pairs, with further texts as negatives."""
    left, right = examples.left[pairs], examples.right[pairs]
    extra = np.empty(0, dtype=np.int64) if more is None else more[more >= 0]
    texts = np.unique(np.concatenate([left, right, extra]))
    return Batch(
        texts, np.searchsorted(texts, left), np.searchsorted(texts, right), examples.label[pairs].copy()
    )


def by_length(texts: list[str], size: int) -> Iterator[list[int]]:
    """Places of texts in parts of similar length, the longest first.

    Example:
        >>> list(by_length(["a", "abc", "ab"], 2))
        [[1, 2], [0]]
    """
    order = sorted(range(len(texts)), key=lambda place: (-len(texts[place]), place))
    for start in range(0, len(order), size):
        yield order[start : start + size]
