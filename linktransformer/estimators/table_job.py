"""The job of a table with itself, kept so that rows that come later are judged by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.context import JobContext
from linktransformer.decision.correction import Correction
from linktransformer.decision.model import Decision, decision
from linktransformer.scoring.job_statistics import JobStatistics
from linktransformer.scoring.known_columns import KnownColumn

__all__ = ["PARTS", "NearPairs", "TableJob"]


PARTS = ("left", "right", "bits", "pair", "job", "log_odds")


@dataclass(frozen=True, eq=False)
class NearPairs:
    """The candidate pairs of a table: what a further pair stands against as the rivals of its record.

    Args:
        left: The record of each pair with the lower number, (n,) int64.
        right: The other one.
        views: The similarity in each view, (n,) float32.
        bits: Match weights, (n,) float32.
        pair: Log-odds by the pair model, (n,) float32.
        job: Log-odds in the job, (n,) float32.
        log_odds: The same with pairs raised that are equal but for case, (n,) float32.
        n_records: Records of the table.
    """

    left: Integers
    right: Integers
    views: Mapping[str, Floats]
    bits: Floats
    pair: Floats
    job: Floats
    log_odds: Floats
    n_records: int

    def __len__(self) -> int:
        return len(self.left)

    @cached_property
    def of_records(self) -> tuple[Integers, Integers, Integers]:
        """Pairs by the record at either end: the pair, the record at its other end, where records start."""
        ends = np.concatenate([self.left, self.right])
        order = np.argsort(ends, kind="stable")
        other = np.concatenate([self.right, self.left])[order]
        starts = np.searchsorted(ends[order], np.arange(self.n_records + 1))
        return order % max(1, len(self)), other, starts

    def against(self, itself: Integers, limit: Integers, record: Integers) -> tuple[Integers, Integers]:
        """The rivals of pairs of an asked record and one of the table.

        Args:
            itself: The record of the table that the asked one of each pair is, -1 for none, (n_pairs,) int64.
            limit: Records with this number and above do not count, (n_pairs,) int64.
            record: The record of the table of each pair, (n_pairs,) int64.

        Returns:
            Pairs, rising, and the places of their rivals here, (n_rivals,) int64 each.
        """
        places, others, starts = self.of_records
        first = starts[record]
        count = starts[record + 1] - first
        pair = np.repeat(np.arange(len(record)), count)
        at = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - first, count)
        counts = (others[at] != itself[pair]) & (others[at] < limit[pair])
        return pair[counts], places[at[counts]]

    def with_more(self, other: NearPairs) -> NearPairs:
        """These and further pairs of the same table.

        Args:
            other: Pairs of a table that has these records and perhaps more.

        Returns:
            All of them.
        """
        if not len(other) and other.n_records == self.n_records:
            return self
        views = {name: np.concatenate([score, other.views[name]]) for name, score in self.views.items()}
        parts: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in PARTS
        }
        return NearPairs(views=views, n_records=other.n_records, **parts)

    def some(self, which: NDArray[Any]) -> NearPairs:
        """The pairs at some places.

        Args:
            which: Places of the pairs, (n,) int64, or a mask, (n_pairs,) bool.

        Returns:
            The chosen pairs.
        """
        views = {name: score[which] for name, score in self.views.items()}
        parts: dict[str, Any] = {name: getattr(self, name)[which] for name in PARTS}
        return replace(self, views=views, **parts)

    def renumbered(self, number: Integers, n_records: int) -> NearPairs:
        """Number the records anew.

        Args:
            number: The new number of each record, -1 for one that is gone, (n_records,) int64.
            n_records: How many there are now.

        Returns:
            The pairs of records that are still there, sorted.
        """
        found = self.some(np.flatnonzero((number[self.left] >= 0) & (number[self.right] >= 0)))
        a, b = number[found.left], number[found.right]
        found = replace(found, left=np.minimum(a, b), right=np.maximum(a, b), n_records=n_records)
        return found.some(np.lexsort((found.right, found.left)))


@dataclass(frozen=True, slots=True, eq=False)
class TableJob:
    """The job.

    Args:
        statistics: What is the same for all pairs.
        context: The features of the log-odds that are the same for all pairs.
        columns: How the key columns are compared.
        near: The candidate pairs of the table.
        correction: What was learned from labels, for these columns; None for nothing.
    """

    statistics: JobStatistics
    context: JobContext
    columns: tuple[KnownColumn, ...]
    near: NearPairs
    correction: Correction | None = None

    @property
    def decision(self) -> Decision:
        """What judges its pairs."""
        return decision().corrected(self.correction)
