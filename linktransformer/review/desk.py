"""The state of a running review: what was answered, what each reviewer saw, and what comes next."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock, Thread

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.decision.context import sigmoid64
from linktransformer.results.sample import in_order
from linktransformer.review.advice import Advice, Judged, advise
from linktransformer.review.answers import ANSWERS, Answer, Answers
from linktransformer.review.pairs import Pairs
from linktransformer.review.questions import STRATA
from linktransformer.review.refit import Answers as Known
from linktransformer.review.refit import pool_of
from linktransformer.tables.answered_pairs import clear_answers

__all__ = ["Desk", "Progress"]

DOUBT = (0.1, 0.9)  # probabilities between which a pair is counted as doubtful


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts for the head of each page.

    Args:
        answers: Of each kind, of all reviewers.
        answered: Pairs with an answer.
        pairs: Candidate pairs.
        doubtful: Those without an answer whose probability is between .1 and .9.
        linked: Pairs that are links, or above the threshold of clusters, without answers.
        advice: What the answers say, as far as that was worked out.
    """

    answers: dict[str, int]
    answered: int
    pairs: int
    doubtful: int
    linked: int
    advice: Advice

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

    @property
    def current(self) -> int | None:
        return self.seen[self.place] if self.seen else None


class Desk:
    """One review. The decision is refitted, and questions are chosen, in a thread beside the requests.

    Args:
        pairs: The candidate pairs.
        answers: The file of answers, which other processes may write to as well.
        seed: Of the random questions.
    """

    def __init__(self, pairs: Pairs, answers: Answers, seed: int = 0) -> None:
        self.pairs, self.answers, self._seed = pairs, answers, seed
        self._pool, self._own = pool_of(pairs), uuid.uuid4().hex
        probability = sigmoid64(self._pool.log_odds.astype(np.float64))
        self._ordered = in_order(probability, pairs.linked, STRATA, seed)
        self._visits: dict[str, _Visit] = {}
        self._lock, self._choosing = Lock(), Lock()
        self._judged: Judged | None = None
        self.advice = advise(self._pool, self.judged(), self._ordered, seed)

    def judged(self) -> Judged:
        """The answers of now, of all processes; read again where there are new ones."""
        version, before = self.answers.version(), self._judged
        if before is not None and before.version == version:
            return before
        standing = self.answers.standing()
        clear = clear_answers(standing)
        names = list(zip(map(str, clear.left), map(str, clear.right), strict=True))
        at, match = self.pairs.of_labels(names), np.array(clear.match, dtype=bool)
        answered = np.zeros(len(self.pairs), dtype=bool)
        anybody = self.pairs.of_labels([(left, right) for left, right, *_ in standing])
        answered[anybody[anybody >= 0]] = True
        judged = Judged(version, standing, answered, Known(at[at >= 0], match[at >= 0]))
        self._judged = judged
        return judged

    def progress(self) -> Progress:
        """The counts of now."""
        judged = self.judged()
        answered, given = judged.answered, [answer for _, _, answer, _ in judged.standing]
        low, high = DOUBT
        doubt = (self.pairs.probability > low) & (self.pairs.probability < high)
        counts = (
            int(answered.sum()),
            len(answered),
            int((doubt & ~answered).sum()),
            int(self._pool.without_answers.sum()),
        )
        return Progress({answer: given.count(answer) for answer in ANSWERS}, *counts, self.advice)

    def next(self, reviewer: str) -> int | None:
        """The next question of a reviewer, None where none is left."""
        judged = self.judged()
        answered = judged.answered
        with self._lock:
            visit = self._visits.setdefault(reviewer, _Visit())
            if (
                visit.current is not None
                and not answered[visit.current]
                and visit.current not in visit.skipped
            ):
                self._claim(reviewer, [visit.current])
                return visit.current
            skipped = set(visit.skipped)
        open_pairs = np.flatnonzero(~answered)
        if skipped.issuperset(open_pairs.tolist()):
            skipped.clear()  # only skipped ones are left: they come again
            visit.skipped.clear()
        found = self._free(reviewer, self.advice.at, judged, skipped)
        if found is None:  # all that were chosen are answered or held
            self._renew()
            found = self._free(reviewer, self.advice.at, judged, skipped)
        if found is None:  # nobody waits as long as there are pairs
            rest = open_pairs[np.argsort(~np.isin(open_pairs, self.advice.at), kind="stable")]
            found = self._free(reviewer, rest, judged, skipped)
            found = (
                next((pair for pair in rest.tolist() if pair not in skipped), None)
                if found is None
                else found
            )
        if found is not None:
            with self._lock:
                self._show(visit, found)
        return found

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
        self._write(Answer(left, right, answer, reviewer, self._probability(pair), why))
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
        self._write(*answers)
        return len(answers)

    def undo(self, reviewer: str) -> int | None:
        """Take back a reviewer's last action; its pair, None where there is none or it is not a candidate."""
        last = self.answers.last(reviewer)
        if last is None or not self.answers.undo(reviewer):
            return None
        self._begin()
        pair = int(self.pairs.of_labels([last])[0])
        return None if pair < 0 else pair

    def given(self, reviewer: str, pairs: Sequence[int]) -> list[str | None]:
        """The standing answers of a reviewer for some pairs, None for none."""
        standing = self.judged().standing
        own = {(left, right): answer for left, right, answer, who in standing if who == reviewer}
        return [own.get(self.pairs.names(pair)) for pair in pairs]

    def settle(self) -> Advice:
        """Wait until the advice is that of the answers of now."""
        self._renew()
        return self.advice

    def _write(self, *answers: Answer) -> None:
        self.answers.add(*answers)
        self._begin()

    def _begin(self) -> None:
        """Update the advice in a thread beside the requests, unless an update is running."""
        if not self._choosing.locked():
            Thread(target=self._renew, daemon=True).start()

    def _renew(self) -> None:
        with self._choosing:
            while (judged := self.judged()).version != self.advice.version:
                self.advice = advise(self._pool, judged, self._ordered, self._seed)

    def _free(self, reviewer: str, pairs: Integers, judged: Judged, skipped: set[int]) -> int | None:
        """The first pair that is not answered, skipped, or held by another reviewer of any process."""
        some = [pair for pair in pairs[~judged.answered[pairs]].tolist() if pair not in skipped][:100]
        place = self._claim(reviewer, some)
        return None if place is None else some[place]

    def _claim(self, reviewer: str, pairs: list[int]) -> int | None:
        return self.answers.claim([self.pairs.names(pair) for pair in pairs], f"{reviewer} {self._own}")

    def _probability(self, pair: int) -> float:
        return round(float(self.pairs.probability[pair]), 6)

    def _show(self, visit: _Visit, pair: int) -> None:
        visit.seen.append(pair)
        visit.place = len(visit.seen) - 1
