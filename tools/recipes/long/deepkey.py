"""DeepKeyLink: pairs of long noisy records that match only by what one statement deep inside says.

Nine records of a group name the same nine entities, each in a role; they differ in who is the *subject*. In
the single-hop form a statement gives the role and three fields of an entity. In the two-hop form one says
under which mark the subject stands, and another one, far away, what that mark means. Words of a group's
records are alike, so that no bag of words tells them apart; the text around is drawn again for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.recipes.long.words import FIELDS, FILLER, MARKS, ROLES, SUBJECT, TAKEN_FOR

Integers = npt.NDArray[np.int64]
DEPTHS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
SINGLE = (
    "item the {role} herein is {surname} of {place} at the {house} as duly set down",
    "item as {role} appeared one {surname} residing in {place} at the {house} and no other",
    "item one {surname} from {place} by the {house} was named as {role} of this matter",
    "item we find for {role} the name {surname} and the town {place} and the {house}",
)
DECLARED = (
    "item the {role} of this matter stands under mark {mark} as duly set down",
    "item for the {role} see mark {mark} and no other",
    "item mark {mark} denotes here the {role} of this record",
)
MARKED = (
    "item mark {mark} is {surname} of {place} at the {house} as duly set down",
    "item under mark {mark} appeared one {surname} residing in {place} at the {house}",
    "item one {surname} from {place} by the {house} was entered under mark {mark}",
)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One record.

    Args:
        words: Numbers of its words, (n,) int64.
        readings: Which misreading of each word it has, (n,) int64.
        depth: Where the statement with the subject's fields stands, as a share of the words.
        entities: Whom each of its statements is about, the subject first, (m,) int64. In the two-hop form
            those that declare a mark come before those that say what it means.
        asked: Of each statement the place of the word that says the role, or the mark, (m,) int64.
    """

    words: Integers
    readings: Integers
    depth: float
    entities: Integers
    asked: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """As many pairs as entities; left record i and right record i have the same subject, and no others.

    Args:
        left: Records.
        right: Records with the same entities, a text and noise of their own.
    """

    left: tuple[Record, ...]
    right: tuple[Record, ...]


class World:
    """All words, their misreadings, and the tokens of each: records are put together from these.

    Args:
        tokens: Gives the token numbers of each of many words.
        noise: Share of characters that is misread.
        readings: Misreadings of a word; with none of them a word may be as it is.
        seed: Of the misreadings, and of which fields are for training.
    """

    def __init__(self, tokens: Any, noise: float = 0.02, readings: int = 24, seed: int = 0) -> None:
        draw = np.random.default_rng([seed, int(1000 * noise)])
        fields = FIELDS
        formed = " ".join((*SINGLE, *DECLARED, *MARKED)).split()
        words = [*FILLER, *(word for word in formed if "{" not in word), *ROLES, *MARKS]
        self.words = list(dict.fromkeys([*words, *(word for name in fields for word in fields[name])]))
        self.number = {word: place for place, word in enumerate(self.words)}
        self.readings = readings
        self.texts = [[misread(word, noise, draw) for _ in range(readings)] for word in self.words]
        flat = [text for row in self.texts for text in row]
        ids = tokens(flat)
        self._length = np.array([len(one) for one in ids], dtype=np.int64)
        self._start = np.cumsum(self._length) - self._length
        self._ids = np.concatenate([np.asarray(one, dtype=np.int64) for one in ids])
        self.filler = np.array([self.number[word] for word in dict.fromkeys(FILLER)])
        split = np.random.default_rng(seed)
        self.values: dict[str, dict[str, Integers]] = {"train": {}, "test": {}}
        for name, found in fields.items():
            own = split.permutation([self.number[word] for word in found])
            third = len(own) // 3
            self.values["test"][name], self.values["train"][name] = own[:third], own[third:]

    def lengths(self, words: Integers, readings: Integers) -> Integers:
        """Tokens of each word, (n,) int64."""
        return self._length[words * self.readings + readings]

    def ids(self, record: Record) -> Integers:
        """The tokens of a record, without those that begin and end a text, (n,) int64."""
        at = record.words * self.readings + record.readings
        start, length = self._start[at], self._length[at]
        begin = np.cumsum(length) - length
        return self._ids[np.repeat(start - begin, length) + np.arange(int(length.sum()))]

    def places(self, record: Record) -> Integers:
        """The first token of each word that is asked, among `ids`, (m,) int64."""
        length = self.lengths(record.words, record.readings)
        return (np.cumsum(length) - length)[record.asked]

    def text(self, record: Record) -> str:
        """What a record reads like."""
        pairs = zip(record.words.tolist(), record.readings.tolist(), strict=True)
        return " ".join(self.texts[word][reading] for word, reading in pairs)

    def clean(self, record: Record) -> list[str]:
        """Its words as they were written."""
        return [self.words[word] for word in record.words.tolist()]


def misread(word: str, share: float, draw: np.random.Generator) -> str:
    """A word as an engine reads it: characters taken for others, lost or doubled."""
    out = []
    for char, luck, kind in zip(word, draw.random(len(word)), draw.random(len(word)), strict=True):
        if luck >= share:
            out.append(char)
        elif kind < 0.7:
            out.append(TAKEN_FOR.get(char, "x"))
        elif kind < 0.85:
            out.append(char * 2)
    return "".join(out) or word


def group(
    world: World,
    draw: np.random.Generator,
    length: int,
    hops: int,
    *,
    part: str = "train",
    subjects: int = len(ROLES),
    depth: float | None = None,
    named: int = len(ROLES),
) -> Group:
    """Draw a group.

    Args:
        world: The words.
        draw: Where the draws come from.
        length: Tokens of a record at most, the two that begin and end it included.
        hops: 1 or 2.
        part: "train" or "test": whose fields; none is in both.
        subjects: Pairs to make of the nine that there are.
        depth: Where the statement with the subject's fields stands in left records; None draws it, as it
            is drawn on the right.
        named: Entities that a record names: its subject and others. With less than all of them the words of
            a group's records differ, which is easier.

    Returns:
        The group.
    """
    entities = _entities(world, draw, part)
    topic = draw.permutation(world.filler)[: len(world.filler) // 2]
    sides: tuple[list[Record], list[Record]] = ([], [])
    for subject in range(subjects):
        for side, place in zip(sides, (depth, None), strict=True):
            at = float(draw.choice(DEPTHS)) if place is None else place
            side.append(_record(world, draw, entities, subject, topic, (length, hops, at, named)))
    return Group(tuple(sides[0]), tuple(sides[1]))


def _entities(world: World, draw: np.random.Generator, part: str) -> list[dict[str, str]]:
    """Nine of the 27 entities that three values of each field make: they share fields."""
    chosen = {
        name: [world.words[number] for number in draw.choice(values, 3, replace=False)]
        for name, values in world.values[part].items()
    }
    which = draw.choice(27, len(ROLES), replace=False)
    return [
        {name: chosen[name][number // 3**place % 3] for place, name in enumerate(FIELDS)}
        for number in which.tolist()
    ]


def _record(
    world: World,
    draw: np.random.Generator,
    entities: Sequence[dict[str, str]],
    subject: int,
    topic: Integers,
    form: tuple[int, int, float, int],
) -> Record:
    length, hops, depth, named_in_all = form
    others = draw.permutation([number for number in range(len(entities)) if number != subject])
    order = [subject, *others.tolist()]  # whose role is the first, second, ...
    marks = draw.choice(MARKS, len(ROLES), replace=False)
    inserted: list[tuple[float, list[str], int]] = []  # where, what, and which statement
    for place, (role, entity) in enumerate(list(zip(ROLES, order, strict=True))[:named_in_all]):
        at = depth if not place else float(draw.random())
        named = {**entities[entity], "role": role, "mark": str(marks[place])}
        if hops == 1:
            inserted.append((at, _said(draw, SINGLE, named), place))
        else:
            inserted.append((at, _said(draw, MARKED, named), place + len(ROLES)))
            inserted.append((_far_from(draw, at, length), _said(draw, DECLARED, named), place))
    inserted.sort(key=lambda one: one[0])
    spoken = [np.array([world.number[word] for word in words], dtype=np.int64) for _, words, _ in inserted]
    stated = np.concatenate(spoken)
    stated_readings = draw.integers(0, world.readings, len(stated))
    room = length - 2 - int(world.lengths(stated, stated_readings).sum())
    share = 1 / np.arange(1, len(topic) + 1)
    filler = draw.choice(topic, max(0, room), p=share / share.sum())
    readings = draw.integers(0, world.readings, len(filler))
    kept = int(np.searchsorted(np.cumsum(world.lengths(filler, readings)), room, side="right"))
    filler, readings = filler[:kept], readings[:kept]
    cuts = [round(at * kept) for at, _, _ in inserted]
    rows = np.repeat(cuts, [len(words) for words in spoken])
    words = np.insert(filler, rows, stated)
    asked: dict[int, int] = {}
    before = 0
    for cut, (_, said, place) in zip(cuts, inserted, strict=True):
        key = ROLES[place] if hops == 1 else str(marks[place % len(ROLES)])
        asked[place] = cut + before + said.index(key)
        before += len(said)
    ordered = sorted(asked)
    return Record(
        words,
        np.insert(readings, rows, stated_readings),
        depth,
        np.array([order[place % len(ROLES)] for place in ordered], dtype=np.int64),
        np.array([asked[place] for place in ordered], dtype=np.int64),
    )


def _said(draw: np.random.Generator, forms: Sequence[str], named: dict[str, str]) -> list[str]:
    return forms[int(draw.integers(len(forms)))].format(**named).split()


def _far_from(draw: np.random.Generator, at: float, length: int) -> float:
    """A place at least 1,100 tokens from another, or a third of a short record."""
    gap = min(1100 / length, 1 / 3)
    below, above = max(0.0, at - gap), max(0.0, 1 - at - gap)
    where = float(draw.random()) * (below + above)
    return where if where < below else at + gap + (where - below)


def oracle(words: Sequence[str]) -> tuple[str, ...]:
    """Who the subject is, for somebody who reads the whole clean record; its three fields."""
    starts = [place for place, word in enumerate(words) if word == "item"]
    said = [words[start : start + 18] for start in starts]
    said = [one[: one.index("item", 1)] if "item" in one[1:] else one for one in said]
    known = {name: set(words) for name, words in FIELDS.items()}

    def fields(one: Sequence[str]) -> tuple[str, ...]:
        return tuple(next(word for word in one if word in known[name]) for name in FIELDS)

    of_subject = next(one for one in said if SUBJECT in one)
    if not any(word in MARKS for word in of_subject):
        return fields(of_subject)
    mark = next(word for word in of_subject if word in MARKS)
    return fields(next(one for one in said if mark in one and SUBJECT not in one))
