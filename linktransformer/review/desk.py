"""The state of a running review: what was answered, what each reviewer saw, and what comes next."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from linktransformer.arrays import Bools, Integers
from linktransformer.review.answers import Answer, Answers
from linktransformer.review.pairs import Pairs, next_pairs

__all__ = ["Desk", "Progress"]

HELD = 120.0  # seconds for which a pair that one reviewer sees is not given to another one
DOUBT = (0.1, 0.9)  # probabilities between which a pair is counted as doubtful


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts for the head of each page.

    Args:
        answers: Of each kind, of all reviewers.
        answered: Pairs with an answer.
        pairs: Candidate pairs.
        doubtful: Those without an answer whose probability is between .1 and .9.
    """

    answers: dict[str, int]
    answered: int
    pairs: int
    doubtful: int

    @property
    def given(self) -> int:
        """How many answers there are."""
        return sum(self.answers.values())


@dataclass(slots=True)
class _Visit:
    """What one reviewer saw: pairs in order, the place among them, and those that were skipped."""

    seen: list[int] = field(default_factory=list)
    place: int = -1
    skipped: set[int] = field(default_factory=set)
    at: float = 0.0

    @property
    def current(self) -> int | None:
        return self.seen[self.place] if self.seen else None


class Desk:
    """One review.

    Args:
        pairs: The candidate pairs.
        answers: The file of answers, which other processes may write to as well.
        seed: Of the choice of random questions.
    """

    def __init__(self, pairs: Pairs, answers: Answers, seed: int = 0) -> None:
        self.pairs, self.answers, self._seed = pairs, answers, seed
        self._visits: dict[str, _Visit] = {}
        self._lock = Lock()

    def answered(self) -> Bools:
        """Which pairs have an answer of anybody, (n_pairs,) bool."""
        mask = np.zeros(len(self.pairs), dtype=bool)
        found = self.pairs.of_labels([(left, right) for left, right, *_ in self.answers.standing()])
        mask[found[found >= 0]] = True
        return mask

    def progress(self) -> Progress:
        """The counts of now."""
        mask = self.answered()
        low, high = DOUBT
        doubt = (self.pairs.probability > low) & (self.pairs.probability < high)
        return Progress(self.answers.count(), int(mask.sum()), len(mask), int((doubt & ~mask).sum()))

    def next(self, reviewer: str) -> int | None:
        """The next question of a reviewer, None where none is left."""
        mask = self.answered()
        with self._lock:
            visit = self._visits.setdefault(reviewer, _Visit())
            if visit.current is not None and not mask[visit.current] and visit.current not in visit.skipped:
                visit.at = time.monotonic()
                return visit.current
            self._hold(mask, reviewer)
            skipped = np.zeros(len(mask), dtype=bool)
            skipped[list(visit.skipped)] = True
            if (mask | skipped).all():
                visit.skipped.clear()  # only skipped ones are left: they come again
            else:
                mask |= skipped
            found = next_pairs(self.pairs, mask, 1, self._seed)
            if not len(found):
                return None
            self._show(visit, int(found[0]))
            return int(found[0])

    def show(self, reviewer: str, pair: int) -> None:
        """A reviewer looks at a pair of their own choice."""
        with self._lock:
            visit = self._visits.setdefault(reviewer, _Visit())
            if visit.current != pair:
                self._show(visit, pair)

    def skip(self, reviewer: str, pair: int) -> None:
        """A reviewer does not want to answer a pair now."""
        with self._lock:
            self._visits.setdefault(reviewer, _Visit()).skipped.add(pair)

    def previous(self, reviewer: str) -> int | None:
        """The pair that a reviewer saw before the current one, None where there is none."""
        with self._lock:
            visit = self._visits.setdefault(reviewer, _Visit())
            visit.place = max(visit.place - 1, 0 if visit.seen else -1)
            return visit.current

    def answer(self, reviewer: str, pair: int, answer: str, why: str) -> None:
        """Write an answer."""
        left, right = self.pairs.names(pair)
        self.answers.add(Answer(left, right, answer, reviewer, self._probability(pair), why))
        with self._lock:
            visit = self._visits.setdefault(reviewer, _Visit())
            visit.skipped.discard(pair)
            visit.place = len(visit.seen) - 1  # after a step back the newest question comes again

    def answer_rows(self, reviewer: str, rows: Integers, answer: str, why: str) -> int:
        """Write one answer for many pairs of rows, (2, n), as one action; how many."""
        known = self.pairs.find(rows[0], rows[1]).tolist()
        labels = self.pairs.labels
        answers = [
            Answer(
                labels[0][left],
                labels[1][right],
                answer,
                reviewer,
                None if pair < 0 else self._probability(pair),
                why,
            )
            for left, right, pair in zip(*rows.tolist(), known, strict=True)
        ]
        self.answers.add(*answers)
        return len(answers)

    def undo(self, reviewer: str) -> int | None:
        """Take back a reviewer's last action; its pair, None where there is none or it is not a candidate."""
        last = self.answers.last(reviewer)
        if last is None or not self.answers.undo(reviewer):
            return None
        pair = int(self.pairs.of_labels([last])[0])
        return None if pair < 0 else pair

    def given(self, reviewer: str, pairs: Sequence[int]) -> list[str | None]:
        """The standing answers of a reviewer for some pairs, None for none."""
        own = {
            (left, right): answer for left, right, answer, who in self.answers.standing() if who == reviewer
        }
        return [own.get(self.pairs.names(pair)) for pair in pairs]

    def _probability(self, pair: int) -> float:
        return round(float(self.pairs.probability[pair]), 6)

    def _show(self, visit: _Visit, pair: int) -> None:
        visit.seen.append(pair)
        visit.place, visit.at = len(visit.seen) - 1, time.monotonic()

    def _hold(self, mask: Bools, reviewer: str) -> None:
        """Mark what others look at now, unless nothing else is left."""
        now = time.monotonic()
        others = [
            visit.current
            for name, visit in self._visits.items()
            if name != reviewer and visit.current is not None and now - visit.at < HELD
        ]
        free = mask.copy()
        free[others] = True
        if not free.all():
            mask[:] = free
