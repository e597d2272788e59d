"""The scored pairs that a fitted job keeps: the rivals of pairs that come later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.search.groups import ragged

__all__ = ["KnownPairs", "PairScores", "SamplePairs", "TablePairs"]

P = TypeVar("P", bound="KnownPairs")


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Match weights, log-odds by the pair model and in the job, (n_pairs,) float32 each."""

    bits: Floats
    pair: Floats
    job: Floats


@dataclass(frozen=True, eq=False)
class KnownPairs:
    """Scored pairs of records, a value each, (n_pairs,).

    Args:
        left: Left records.
        right: Right records.
        views: By view, the similarity.
        bits: Match weights.
        pair: Log-odds by the pair model.
        job: Log-odds in the job.
        raised: The same, with pairs raised that are equal but for case.
        n_records: Records of the right table.
    """

    left: Integers
    right: Integers
    views: Mapping[str, Floats]
    bits: Floats
    pair: Floats
    job: Floats
    raised: Floats
    n_records: int

    def __len__(self) -> int:
        return len(self.left)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The values besides the views, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}

    def some(self: P, at: Integers) -> P:
        """The pairs at some places, (n,) int64."""
        views = {name: score[at] for name, score in self.views.items()}
        arrays: dict[str, Any] = {name: value[at] for name, value in self.arrays().items()}
        return replace(self, views=views, **arrays)

    def with_more(self: P, other: P) -> P:
        """These pairs, then those of a table with these records and perhaps more."""
        if not len(other) and other.n_records == self.n_records:
            return self  # with its cached index
        views = {name: np.concatenate([score, other.views[name]]) for name, score in self.views.items()}
        more = other.arrays()
        arrays: dict[str, Any] = {
            name: np.concatenate([value, more[name]]) for name, value in self.arrays().items()
        }
        return replace(self, views=views, n_records=other.n_records, **arrays)


@dataclass(frozen=True, eq=False)
class SamplePairs(KnownPairs):
    """Candidates of a sample (left) and a reference (right), in order of reference, then sample record."""

    @property
    def described(self) -> Bools:
        """Which pairs are near enough to be described; the others have no bits and log-odds."""
        return ~np.isnan(self.pair)

    @cached_property
    def starts(self) -> Integers:
        """Where the pairs of each reference record start, (n_records + 1,) int64."""
        return np.searchsorted(self.right, np.arange(self.n_records + 1))

    def rivals(self, copy_of: Integers, itself: Integers, right: Integers) -> tuple[Integers, Integers]:
        """The rivals of pairs of a query and a reference record.

        `copy_of` is the reference record that each sample record is a copy of, -1 for none: copies are no
        rivals, the query stands in their place. `itself` is the sample record that the query of each pair is,
        -1 for none. Returns pairs, rising, and places of their rivals here, (n_rivals,) int64 each.
        """
        pair, rival = ragged(self.starts[right], self.starts[right + 1])
        sample = self.left[rival]
        other = (sample != itself[pair]) & (copy_of[sample] != right[pair])
        return pair[other], rival[other]

    @classmethod
    def of(
        cls,
        ends: tuple[Integers, Integers],
        views: Mapping[str, Floats],
        n_records: int,
        at: Integers,
        scores: PairScores,
        raised: Floats,
    ) -> SamplePairs:
        """Pairs of which those at the places `at`, (n,) int64, are described: they have scores, n each."""
        values = np.full((4, len(ends[0])), np.nan, dtype=np.float32)
        values[:, at] = scores.bits, scores.pair, scores.job, raised
        bits, pair, job, raised = values
        return cls(*ends, views, bits, pair, job, raised, n_records).sorted()

    def sorted(self) -> SamplePairs:
        """In the order of this class."""
        return self.some(np.lexsort((self.left, self.right)))

    def renumbered(self, number: Integers, n_records: int) -> SamplePairs:
        """The pairs with new numbers of the reference's records, -1 for one that is gone."""
        kept = np.flatnonzero(number[self.right] >= 0)
        pairs = self.some(kept[np.argsort(number[self.right[kept]], kind="stable")])
        return replace(pairs, right=number[pairs.right], n_records=n_records)


@dataclass(frozen=True, eq=False)
class TablePairs(KnownPairs):
    """Candidates of a table with itself, each pair once, the lower record on the left."""

    @cached_property
    def by_record(self) -> tuple[Integers, Integers, Integers]:
        """Pairs by the record at either end: the pair, the record at its other end, where records start."""
        ends = np.concatenate([self.left, self.right])
        order = np.argsort(ends, kind="stable")
        other = np.concatenate([self.right, self.left])[order]
        starts = np.searchsorted(ends[order], np.arange(self.n_records + 1))
        return order % max(1, len(self)), other, starts

    def rivals(self, itself: Integers, limit: Integers, right: Integers) -> tuple[Integers, Integers]:
        """The rivals of pairs of a query and a record of the table.

        `itself` is the record that the query of each pair is, -1 for none; records from `limit` on do not
        count. Returns pairs, rising, and places of their rivals here, (n_rivals,) int64 each.
        """
        places, others, starts = self.by_record
        pair, at = ragged(starts[right], starts[right + 1])
        counts = (others[at] != itself[pair]) & (others[at] < limit[pair])
        return pair[counts], places[at[counts]]

    def renumbered(self, number: Integers, n_records: int) -> TablePairs:
        """The pairs with new numbers of the records, -1 for one that is gone, sorted."""
        pairs = self.some(np.flatnonzero((number[self.left] >= 0) & (number[self.right] >= 0)))
        a, b = number[pairs.left], number[pairs.right]
        pairs = replace(pairs, left=np.minimum(a, b), right=np.maximum(a, b), n_records=n_records)
        return pairs.some(np.lexsort((pairs.right, pairs.left)))
