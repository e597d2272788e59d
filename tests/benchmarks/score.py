"""Precision, recall and F1 of a set of linked pairs against the true pairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

IdPair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PairScore:
    """Counts of linked, true and correctly linked pairs; scores of different sets add up."""

    correct: int
    links: int
    matches: int

    @property
    def precision(self) -> float:
        """Share of the links that are right; 1 where there is no link, as no link is wrong."""
        return self.correct / self.links if self.links else 1.0

    @property
    def recall(self) -> float:
        """Share of the true pairs that are linked."""
        return self.correct / self.matches if self.matches else 1.0

    @property
    def f1(self) -> float:
        """2 TP / (links + matches); 0 where there is neither."""
        total = self.links + self.matches
        return 2 * self.correct / total if total else 0.0

    def __add__(self, other: PairScore) -> PairScore:
        """The counts of two sets together."""
        return PairScore(self.correct + other.correct, self.links + other.links, self.matches + other.matches)


def score_pairs(links: Iterable[IdPair], truth: Iterable[IdPair]) -> PairScore:
    """Count how many of the links are true; a pair linked twice counts once.

    Example:
        >>> score_pairs([("a", "x"), ("b", "y")], [("a", "x"), ("c", "z")]).f1
        0.5
    """
    linked, true = frozenset(links), frozenset(truth)
    return PairScore(len(linked & true), len(linked), len(true))


def mean(values: Iterable[float]) -> float:
    """The mean; nan of nothing."""
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else float("nan")
