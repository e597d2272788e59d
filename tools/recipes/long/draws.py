"""What each step of the training of a long encoder is given.

All stages take DeepKeyLink. Contrast takes pairs of records made of rows of public tables too, which share a
few rows, read with errors of their own. A third of these pairs has one side that is short: it goes through
the original layers, which are never trained, so that long vectors come to lie where short ones are; for the
same end one step in eight of teaching and contrast is distillation on short records, mostly of such rows;
and transfer takes these too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tools import data
from tools.recipes.long import deepkey
from tools.recipes.long.arms import IMITATED, tokens_of
from tools.recipes.long.course import SUBJECTS, Course, Records, drawn, padded
from tools.recipes.long.words import ROLES

LONGER = 128  # tokens that records have in teaching, beyond what the original reads
DISTIL = 8  # one step in so many imitates the original on short records
FEW = 4  # by which a step of transfer, where all pairs of places are formed, is smaller
TABLES = ("abt_buy", "amazon_google", "dblp_acm", "affiliations", "musicbrainz_20k")  # free to train on
NO_TEXT = ("id", "cluster_id", "SourceID", "source_record_id")
SHARED, SHORT = 3, 1 / 3  # rows that a pair shares; how often one side has only these


def passages(base: Any, options: argparse.Namespace, most: int, skipped: list[str]) -> list[list[Any]]:
    """Rows of public tables as tokens: each as it is, and in two readings with errors."""
    draw = np.random.default_rng([options.seed, 5])
    texts: list[str] = []
    for name in TABLES:
        folder = data.shared() / "data" / name
        if not folder.is_dir():
            skipped.append(f"training without rows of {name}: it is not in the data folder")
            continue
        found = data.baseline().read(folder, "left" if any(folder.glob("left.csv*")) else "table")
        keys = [key for key in found.columns if key not in NO_TEXT]
        own = [" ".join(filter(None, row)) for row in found[keys].to_numpy().tolist()]
        texts += [own[number][:600] for number in draw.permutation(len(own))[:most].tolist()]
    if not texts:
        return []
    read = [
        [" ".join(deepkey.misread(word, options.noise, draw) for word in text.split()) for text in texts]
        for _ in range(2)
    ]
    tokens = tokens_of(base)
    return [list(some) for some in zip(tokens(texts), tokens(read[0]), tokens(read[1]), strict=True)]


class Draws:
    """What every step is trained on, by its number.

    Args:
        world: Of DeepKeyLink.
        rows: Of public tables, from `passages`.
        ends: The tokens that begin and end a text.
        preset: Lengths, and tokens of a step.
        seed: Of everything.
        places: Tokens that the original reads.
    """

    def __init__(
        self,
        world: deepkey.World,
        rows: list[list[Any]],
        ends: tuple[int, int],
        preset: dict[str, Any],
        seed: int,
        places: int,
    ) -> None:
        self.world, self.rows, self.ends, self.preset = world, rows, ends, preset
        self.seed, self.places = seed, places

    def of_seed(self, seed: int) -> Draws:
        """The same with other records."""
        return Draws(self.world, self.rows, self.ends, self.preset, seed, self.places)

    def step(self, name: str, steps: int, number: int) -> Step:
        """What a step of a stage is given.

        Args:
            name: Of the stage.
            steps: That it has.
            number: Of the step.
        """
        draw = np.random.default_rng([self.seed, 13, number])
        if name == "transfer":
            return Step(*as_arrays(self.looked_at(number)))
        if number % DISTIL == 0:
            return Step(*as_arrays(self.short(number)))
        if name == "teach":
            near = [self.places + LONGER, *(one for one in self.preset["lengths"] if one <= IMITATED)]
            course = Course(self.world, sorted(set(near)), self.preset["tokens"] // 2, steps, seed=self.seed)
            return Step(records=course.step(number))
        length = int(draw.choice(self.preset["lengths"]))
        if self.rows and number % 3 == 0:
            found = self.pairs(number, length)
            return Step(pairs=as_arrays((found["input_ids"], found["attention_mask"])))
        course = Course(self.world, [length], self.preset["tokens"], steps, 0.0, 1.0, self.seed)
        return Step(records=course.step(number))

    def looked_at(self, number: int) -> tuple[Any, Any]:
        """Records whose attention is imitated: of rows, of DeepKeyLink, and one time in four longer ones."""
        draw = np.random.default_rng([self.seed, 14, number])
        if self.rows and number % 2:
            tokens, lengths = self.short(number)
            some = max(2, len(tokens) // FEW)
            return tokens[:some], lengths[:some]
        length = min(IMITATED, max(self.preset["lengths"])) if number % 4 == 0 else self.places + LONGER
        found = drawn(self.world, draw, (length, 2, len(ROLES)), self.preset["tokens"] // FEW)
        tokens = padded(found.ids, self.ends)
        return tokens["input_ids"], tokens["attention_mask"].sum(dim=1)

    def short(self, step: int) -> tuple[Any, Any]:
        """Records that the original can read: tokens and lengths."""
        draw = np.random.default_rng([self.seed, 11, step])
        n = max(2, self.preset["tokens"] // self.places // FEW)
        if not self.rows or draw.random() < 0.25:
            group = deepkey.group(self.world, draw, 4 * self.places, 1, subjects=2)
            ids = [self.world.ids(one) for one in (*group.left, *group.right)] * (n // 4 + 1)
        else:
            ids = [self._rows(draw, self.places, 0) for _ in range(n)]
        starts = draw.random(n)
        cut = []
        for own, start in zip(ids[:n], starts, strict=True):
            some = own[int(start * max(0, len(own) - self.places)) :][: self.places - 2]
            cut.append(some[: max(1, int(len(some) * draw.uniform(0.3, 1)))])
        tokens = padded(cut, self.ends)
        return tokens["input_ids"], tokens["attention_mask"].sum(dim=1)

    def pairs(self, step: int, length: int) -> dict[str, Any]:
        """Long pairs of rows: tokens of the left records, then of the right ones."""
        draw = np.random.default_rng([self.seed, 12, step])
        n = max(SUBJECTS, self.preset["tokens"] // length // 2)
        left, right = [], []
        for _ in range(n):
            shared = draw.integers(0, len(self.rows), SHARED)
            only = draw.random() < SHORT
            left.append(self._rows(draw, 0 if only else length, 1, shared))
            right.append(self._rows(draw, length, 2, shared))
        return padded([*left, *right], self.ends)

    def _rows(self, draw: np.random.Generator, length: int, reading: int, shared: Sequence[int] = ()) -> Any:
        """Some rows one after the other, those that are shared among them at random places."""
        own = [self.rows[number][reading] for number in shared]
        total = sum(map(len, own)) + 2
        while total < length:
            row = self.rows[int(draw.integers(len(self.rows)))][reading]
            own.insert(int(draw.integers(len(own) + 1)), row)
            total += len(row)
        limit = max(length, self.places) - 2
        return np.concatenate([np.asarray(row, dtype=np.int64) for row in own])[:limit]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What a step is given: short records, long pairs, or records of DeepKeyLink.

    Arrays, no tensors: those would be sent from process to process by files in shared memory.

    Args:
        ids: Tokens of short records.
        lengths: Of each.
        pairs: Tokens of long pairs, and their mask.
        records: Of DeepKeyLink.
    """

    ids: Any = None
    lengths: Any = None
    pairs: Any = None
    records: Records | None = None


def as_arrays(tensors: Sequence[Any]) -> list[Any]:
    """Tensors as arrays."""
    return [one.numpy() for one in tensors]


def made_by(draws: Draws, name: str, steps: int) -> Callable[[int], Step]:
    """What makes the steps of a stage, for a process of its own."""
    return partial(draws.step, name, steps)
