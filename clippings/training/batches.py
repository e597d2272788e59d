"""Which texts are seen together: batches that depend on the seed and the epoch, and on nothing else."""

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
    """The batches of one epoch.

    Args:
        examples: The examples.
        loss: "infonce": positive pairs, no entity twice in a batch. "supcon": texts by entity, about four of
            each. "onlinecontrastive": labelled pairs.
        size: Pairs in a batch; texts for "supcon".
        seed: Of the run.
        epoch: Which epoch, from 0.
        negatives: For "infonce", mined texts for each positive pair, (n_positive, k) int64, -1 for none.

    Returns:
        The batches, in the order in which they are seen.
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

    A rest that fills no quarter of a batch is left out: its few pairs have little to be told from. Which
    pairs those are is drawn anew every epoch.
    """
    positive = examples.positive
    entity = examples.entity[examples.left[positive]].tolist()
    fresh = iter(draw.permutation(len(positive)).tolist())
    waiting: list[int] = []
    made: list[Batch] = []
    while True:
        taken: list[int] = []
        kept: list[int] = []
        seen: set[int] = set()
        for place in chain(waiting, fresh):
            (kept if entity[place] in seen else taken).append(place)
            seen.add(entity[place])
            if len(taken) == size:
                break
        # what `chain` did not reach of the waiting ones still waits
        waiting = kept + waiting[len(taken) + len(kept) :]
        if not taken or (made and len(taken) < size / SMALL):
            return made
        more = None if negatives is None else negatives[taken].ravel()
        made.append(_of_pairs(examples, positive[taken], more))


def _by_entity(examples: Examples, size: int, draw: np.random.Generator) -> list[Batch]:
    """Texts in entities of two and more, each text once an epoch, entities side by side."""
    members: dict[int, list[int]] = {}
    for number, name in enumerate(examples.entity.tolist()):
        members.setdefault(name, []).append(number)
    groups: list[list[int]] = []
    for one in members.values():
        if len(one) > 1:
            shuffled = draw.permutation(one).tolist()
            # a rest of one text would have no partner: it goes with the group before
            cuts = list(range(0, len(one) - 1, PER_CLUSTER)) or [0]
            ends = [*cuts[1:], len(one)]
            groups += [shuffled[start:stop] for start, stop in zip(cuts, ends, strict=True)]
    none = np.empty(0, dtype=np.int64)
    made: list[Batch] = []
    batch: list[int] = []
    for place in draw.permutation(len(groups)).tolist():
        if batch and len(batch) + len(groups[place]) > size:
            made.append(Batch(np.array(batch, dtype=np.int64), none, none, none))
            batch = []
        batch += groups[place]
    if batch:
        made.append(Batch(np.array(batch, dtype=np.int64), none, none, none))
    return made


def _of_pairs(examples: Examples, pairs: Integers, more: Integers | None = None) -> Batch:
    """The batch of these pairs, with further texts that stand in no pair."""
    left, right = examples.left[pairs], examples.right[pairs]
    extra = np.empty(0, dtype=np.int64) if more is None else more[more >= 0]
    texts = np.unique(np.concatenate([left, right, extra]))
    return Batch(
        texts, np.searchsorted(texts, left), np.searchsorted(texts, right), examples.label[pairs].copy()
    )


def by_length(texts: list[str], size: int) -> Iterator[list[int]]:
    """Places of texts in parts of like length, so that little is padded.

    Args:
        texts: The texts.
        size: Texts in a part.

    Yields:
        Places, longest texts first.

    Example:
        >>> list(by_length(["a", "abc", "ab"], 2))
        [[1, 2], [0]]
    """
    order = sorted(range(len(texts)), key=lambda place: (-len(texts[place]), place))
    for start in range(0, len(order), size):
        yield order[start : start + size]
