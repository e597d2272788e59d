"""The records of each step of a training on DeepKeyLink, from what is easy to what is tested.

Where all nine entities of a group are named in each of its records, no weighing of words helps before the
subject is found, and nothing is learned. So records name one entity at first and then more: first in
single-hop records, whose statements are found by a word beside them; then in two-hop records; at last the
records get longer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.recipes.long import deepkey
from tools.recipes.long.words import ROLES

SUBJECTS = 4  # of a group's nine that a step has at least: the others' words are in their records
TWO_HOPS = 0.75  # share of the groups, once single-hop records are known


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Records of a step.

    Args:
        ids: The tokens of each, left sides and then the right ones in their order.
        row: For each statement of a role the record that it is in, (s,) int64.
        place: Its token among `ids` of the record, (s,) int64.
        entity: Whose role it is, a number that no other entity of the step has, (s,) int64.
    """

    ids: list[Any]
    row: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    entity: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Course:
    """What each step of a run is made of; it does not depend on what is trained.

    Args:
        world: The words.
        lengths: Tokens of a record, ascending.
        tokens: Of a step.
        steps: Of the run.
        crowd: Share of the steps in which two-hop records name ever more entities; half of it before that for
            single-hop records.
        ease: Share of the steps that the shortest length has alone.
        seed: Of all that is drawn.
    """

    world: deepkey.World
    lengths: Sequence[int]
    tokens: int
    steps: int
    crowd: float = 0.3
    ease: float = 0.5
    seed: int = 0

    def step(self, number: int) -> Records:
        """The records of a step."""
        draw = np.random.default_rng([self.seed, 2, number])
        past = number / self.steps
        length = int(draw.choice(lengths_at(past, self.lengths, self.ease)))
        two = past >= self.crowd / 2 and draw.random() < TWO_HOPS
        return self.batch(number, length, 2 if two else 1, named_at(past, self.crowd, two=two))

    def batch(self, number: int, length: int, hops: int, named: int = len(ROLES)) -> Records:
        """Records of one form: as many whole groups as there is room for, and a part of one."""
        draw = np.random.default_rng([self.seed, 1, number])
        return drawn(self.world, draw, (length, hops, named), self.tokens)

    def shares(self) -> dict[int, float]:
        """Which share of the steps each length has."""
        found = dict.fromkeys(self.lengths, 0.0)
        for place in range(1000):
            some = lengths_at(place / 1000, self.lengths, self.ease)
            for length in some:
                found[length] += 0.001 / len(some)
        return found


def drawn(
    world: deepkey.World, draw: np.random.Generator, form: tuple[int, int, int], tokens: int
) -> Records:
    """Records of one form.

    Args:
        world: The words.
        draw: Where the draws come from.
        form: Tokens of a record, hops, and how many entities it names.
        tokens: Of all together, about.
    """
    length, hops, named = form
    pairs = max(SUBJECTS, tokens // length // 2)
    sides: tuple[list[Any], list[Any]] = ([], [])
    groups: list[int] = []
    while len(groups) < pairs:
        subjects = min(len(ROLES), pairs - len(groups))
        found = deepkey.group(world, draw, length, hops, subjects=subjects, named=named)
        groups += [1 + max(groups, default=-1)] * subjects
        for side, some in zip(sides, (found.left, found.right), strict=True):
            side.extend(some)
    records = [*sides[0], *sides[1]]
    return Records(
        [world.ids(one) for one in records],
        np.repeat(np.arange(len(records)), [len(one.asked) for one in records]),
        np.concatenate([world.places(one) for one in records]),
        np.concatenate([len(ROLES) * of + one.entities for of, one in zip(groups * 2, records, strict=True)]),
    )


def started(course: Course) -> Callable[[int], Records]:
    """What makes the records of a step of a number, for a process of its own."""
    return course.step


def lengths_at(past: float, lengths: Sequence[int], ease: float) -> list[int]:
    """Which lengths are drawn: the shortest alone at first, since among less what counts is found sooner.

    Args:
        past: Share of the steps that are done.
        lengths: All, ascending.
        ease: Until when the shortest is alone; by 0.8 all are drawn.

    Returns:
        Some of them.

    Example:
        >>> lengths_at(0.5, [640, 1024, 2048], 0.4), lengths_at(0.9, [640, 1024, 2048], 0.4)
        ([640, 1024], [640, 1024, 2048])
    """
    if past < ease:
        return [lengths[0]]
    share = min(1.0, (past - ease) / max(0.8 - ease, 1e-9))
    return list(lengths[: 1 + math.ceil(share * (len(lengths) - 1))])


def named_at(past: float, crowd: float, *, two: bool) -> int:
    """How many entities a record names.

    Args:
        past: Share of the steps that are done.
        crowd: As for `Course`; 0 names all from the beginning.
        two: Whether in two-hop records, which begin with two when single-hop records have all.

    Returns:
        From one or two to nine.

    Example:
        >>> [named_at(past, 0.3, two=False) for past in (0.0, 0.1, 0.2)]
        [1, 7, 9]
        >>> [named_at(past, 0.3, two=True) for past in (0.15, 0.3, 0.5)]
        [2, 6, 9]
    """
    most = len(ROLES)
    if not crowd:
        return most
    if two:
        return min(most, 2 + int((most - 1) * (past - crowd / 2) / crowd))
    return min(most, 1 + int(most * past / (crowd / 2)))


def padded(ids: Sequence[Any], ends: tuple[int, int]) -> dict[str, Any]:
    """Tokens as a model takes them.

    Args:
        ids: Of each record.
        ends: What begins and ends a text.
    """
    import torch

    longest = max(map(len, ids)) + 2
    tokens = np.zeros((len(ids), longest), dtype=np.int64)
    mask = np.zeros_like(tokens)
    for row, own in enumerate(ids):
        tokens[row, 0], tokens[row, 1 : len(own) + 1], tokens[row, len(own) + 1] = ends[0], own, ends[1]
        mask[row, : len(own) + 2] = 1
    return {"input_ids": torch.from_numpy(tokens), "attention_mask": torch.from_numpy(mask)}
