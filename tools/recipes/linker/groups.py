"""What the linking model learns from: groups of texts on disk, and the batches drawn from them.

`prepare` writes the groups once, without those that a benchmark names. `Draws` makes a step's texts out of a
seed and the number of the step alone, so that any process may make any step, and a run that was stopped goes
on with the same ones.
"""

from __future__ import annotations

import json
import lzma
import random
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

from tools.recipes.linker import firms, noise, sources
from tools.recipes.linker.leave_out import LeftOut

Group = tuple[str, ...]
HELD_OUT = 0.02  # share of the groups that only measure, chosen by the texts and not by the seed
MOST = 12  # texts of a group that are kept, scripts taken in turn
KINDS: Mapping[str, float] = {  # how often a part of a batch is of a kind; others: once
    "place": 5, "ja_place": 2, "ja_person": 2, "ja_firm": 9, "zh_firm": 2, "ru_firm": 2, "west_firm": 3,
    "us_firm": 4,
    "person": 4, "product": 5, "phrase_de": 8, "phrase_eu": 5, "phrase_ja": 4,
    "phrase_zh": 3, "zh_name": 1, "thing": 1.5,
    "territory": 1.5, "firm": 4, "fund": 2, "airport": 1,
}  # fmt: skip
CAPS: Mapping[str, int] = {  # groups of a source's kind that are used, evenly spread; others: all
    "phrase_de": 250_000, "phrase_ja": 130_000, "ja_person": 100_000, "ja_place": 100_000,
    "phrase_zh": 60_000,
    "phrase_ces": 50_000, "phrase_hun": 50_000, "fund": 40_000, "place": 150_000,
}  # fmt: skip
PATHS = 0.45  # share of the parts of phrases in which phrases are put together to paths
JOINTS = ((" > ", " > "), (" / ", " / "), (" & ", " & "), (", ", ", "), (" ", " "), (" - ", " - "))
TRANSLATED = ("phrase_", "thing")
NATIVE = ("ja_", "zh_", "ru_", "west_", "place", "territory", *TRANSLATED)


def prepare(
    folder: Path, to: Path, *, n: int, seed: int, left_out: Iterable[str], leave: Iterable[str] = ()
) -> dict[str, int]:
    """Write all groups, without those of which a text is left out.

    Args:
        folder: What `make training-linker` fetched.
        to: A folder to be made.
        n: Made-up groups of a kind.
        seed: Of what is made up.
        left_out: Texts that must not be learned from.
        leave: Sources that shall not be used.

    Returns:
        How many groups of each kind there are, and under "left out" how many are not.
    """
    of_sources: dict[str, list[Group]] = {}
    for kind, group in sources.gather(folder, leave):
        of_sources.setdefault(kind, []).append(group)
    for kind, groups in of_sources.items():
        most = min(CAPS.get(kind, len(groups)), len(groups))
        of_sources[kind] = [groups[at * len(groups) // most] for at in range(most)]
    known = ((kind, group) for kind, groups in of_sources.items() for group in groups)
    every = chain(known, firms.firms(of_sources, n, seed))
    return write(every, to, LeftOut(left_out))


def write(
    groups: Iterable[tuple[str, Group]], to: Path, left_out: LeftOut, held_out: float = HELD_OUT
) -> dict[str, int]:
    """Write groups, a line each: the kind, then its texts; those of two files apart, to learn and to measure.

    Args:
        groups: Kinds and groups.
        to: A folder to be made.
        left_out: Groups with a text among these are not written; of groups of words, these texts.
        held_out: Share of the groups that only measure.

    Returns:
        Counts by kind.
    """
    to.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    seen: set[Group] = set()
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(
                lzma.open(to / f"{name}.tsv.xz", "wt", encoding="utf-8", newline="\n", preset=6)
            )
            for name in ("train", "held")
        }
        for kind, texts in groups:
            group = varied(texts)
            if group in seen:
                continue
            seen.add(group)
            gone = {text for text in group if text in left_out}
            if gone and kind.startswith(
                TRANSLATED
            ):  # a common word that is also a title: the word alone goes
                group = tuple(text for text in group if text not in gone)
                counts["left out, words"] += len(gone)
            if (gone and not kind.startswith(TRANSLATED)) or not group:
                counts["left out"] += 1
                continue
            if len(group) == 1 and kind.startswith(TRANSLATED):
                continue
            counts[kind] += 1
            held = zlib.crc32(group[0].casefold().encode()) % 10_000 < 10_000 * held_out
            files["held" if held else "train"].write("\t".join((kind, *group)) + "\n")
    (to / "counts.json").write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return dict(counts)


def read(folder: Path, name: str = "train", most: int = 0) -> dict[str, list[Group]]:
    """The groups of a folder by kind.

    Args:
        folder: What `write` wrote.
        name: "train" or "held".
        most: At most so many of a kind; 0 for all.
    """
    found: dict[str, list[Group]] = {}
    with lzma.open(folder / f"{name}.tsv.xz", "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            kind, *texts = line.rstrip("\n").split("\t")
            groups = found.setdefault(kind, [])
            if not most or len(groups) < most:
                groups.append(tuple(texts))
    return found


def varied(texts: Sequence[str], most: int = MOST) -> Group:
    """At most so many texts, the first one and then one of each script in turn.

    Example:
        >>> varied(["Rome", "Roma", "Rim", "Рим", "ローマ"], 3)
        ('Rome', 'Roma', 'Рим')
    """
    if len(texts) <= most:
        return tuple(texts)
    by_script: dict[str, list[str]] = {}
    for text in texts[1:]:
        by_script.setdefault(script(text), []).append(text)
    kept = [texts[0]]
    while len(kept) < most:
        for of in by_script.values():
            if of and len(kept) < most:
                kept.append(of.pop(0))
    return tuple(kept)


def script(text: str) -> str:
    """The script of a text's first letter, as the first word of the letter's name."""
    letter = next((char for char in text if char.isalpha()), "")
    return unicodedata.name(letter, "").split(" ")[0]


@dataclass(frozen=True, slots=True)
class Step:
    """The texts of a step.

    Attributes:
        left: One text of each group.
        right: Another of each, in the same order.
        wrong: Further texts, which name none of the groups.
        group: A number for each group; the groups of equal texts have one number.
    """

    left: list[str]
    right: list[str]
    wrong: list[str]
    group: list[int]


@dataclass(frozen=True)
class Draws:
    """Batches of groups, by step.

    Args:
        groups: By kind.
        pairs: Of a batch.
        parts: Kinds in a batch, each with an equal share of it: groups of one kind are hard to tell apart.
        noise: Share of the texts that are written otherwise.
        siblings: Share of the pairs for which a text that is nearly theirs is put into the batch.
        seed: Of all that is drawn.
    """

    groups: Mapping[str, Sequence[Group]]
    pairs: int = 1024
    parts: int = 4
    noise: float = 0.5
    siblings: float = 0.5
    seed: int = 0
    near: Mapping[str, Sequence[Sequence[int]]] = field(default_factory=dict)

    @cached_property
    def kinds(self) -> tuple[list[str], list[float]]:
        """Kinds with their weights."""
        names = sorted(kind for kind, of in self.groups.items() if of)
        return names, [KINDS.get(name, 1.0) for name in names]

    def step(self, number: int) -> Step:
        """The texts of a step."""
        draw = random.Random(f"{self.seed} {number}")
        names, weights = self.kinds
        found = Step([], [], [], [])
        own: dict[str, int] = {}
        for _ in range(self.parts):
            kind = draw.choices(names, weights)[0]
            for group in self._part(kind, self.pairs // self.parts, draw):
                one, other = self._two(kind, group, draw)
                key = own.setdefault(group[0].casefold(), len(own))
                found.left.append(self._written(one, draw, one == other))
                found.right.append(self._written(other, draw, one == other))
                found.group.append(key)
                if draw.random() < self.siblings:
                    text = draw.choice((one, other))
                    # a word of another script would give the sibling away
                    words = [word for word in found.right[-30:] if word.isascii() == text.isascii()]
                    wrong = noise.sibling(text, draw, words)
                    if wrong is not None and wrong.casefold() not in {text.casefold() for text in group}:
                        found.wrong.append(self._written(wrong, draw, False))
        return found

    def _part(self, kind: str, n: int, draw: random.Random) -> list[Group]:
        """Groups of one kind: at random, with their nearest ones where these are known, or put together."""
        groups = self.groups[kind]
        near = self.near.get(kind)
        if near and draw.random() < 0.7:
            found: list[int] = []
            while len(found) < n:
                at = draw.randrange(min(len(groups), len(near)))  # the first ones were looked at, no others
                found += [at, *(other for other in near[at] if other >= 0)]
            return [groups[at] for at in dict.fromkeys(found)][:n]
        drawn = [groups[draw.randrange(len(groups))] for _ in range(n)]
        if kind.startswith(TRANSLATED) and draw.random() < PATHS:
            return _paths(drawn, draw)
        return drawn

    def _two(self, kind: str, group: Group, draw: random.Random) -> tuple[str, str]:
        """Two texts of a group: of two languages where there are, or one text twice."""
        if len(group) == 1:
            return group[0], group[0]
        if kind.startswith(NATIVE) and draw.random() < 0.75:
            one, other = group[0], group[1 if draw.random() < 0.4 else draw.randrange(1, len(group))]
        else:
            one, other = draw.sample(group, 2)
        if draw.random() < 0.12:  # so that each language is also linked within itself
            return other, other
        return (one, other) if draw.random() < 0.5 else (other, one)

    def _written(self, text: str, draw: random.Random, alone: bool) -> str:
        """A text as somebody may write it; the texts of a pair of equal ones more often so."""
        chance = min(1.0, 1.7 * self.noise) if alone else self.noise
        return noise.noisy(text, draw, 3 if alone else 2) if draw.random() < chance else text


def _paths(groups: Sequence[Group], draw: random.Random) -> list[Group]:
    """Translated phrases put together to paths such as a catalogue has; many share all but the last one."""
    usable = [group for group in groups if len(group) > 1 and all(len(text) < 40 for text in group[:2])]
    if len(usable) < 4:
        return list(groups)
    fronts = [draw.sample(usable, draw.choice((0, 1, 1, 2, 3))) for _ in range(max(2, len(usable) // 6))]
    at = draw.choices(range(2), (3, 1))[0]
    joint = JOINTS[0] if at == 0 else draw.choice(JOINTS[1:])
    made = []
    for group in groups if len(usable) == len(groups) else usable:
        chain = [*draw.choice(fronts), group]
        made.append(
            (joint[0].join(_titled(one[0]) for one in chain), joint[1].join(_titled(one[1]) for one in chain))
        )
    return made


def _titled(text: str) -> str:
    return text[:1].upper() + text[1:]
