"""The job of sample rows and a reference, kept so that rows that come later are judged by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.context import JobContext
from linktransformer.decision.correction import Correction
from linktransformer.decision.model import Decision, decision
from linktransformer.estimators.job_views import JobViews
from linktransformer.estimators.reference import Asked
from linktransformer.estimators.written_rows import Written
from linktransformer.scoring.job_statistics import JobStatistics
from linktransformer.scoring.known_columns import KnownColumn
from linktransformer.search.blocking import Nodes

__all__ = ["PARTS", "Rivals", "Sample", "SampleJob"]


PARTS = ("sample", "reference", "copy", "described", "bits", "pair", "job", "folded")


@dataclass(frozen=True, eq=False)
class Sample:
    """Records of sample rows.

    Args:
        texts: What says which record it is (text, or text and pictures), with its block, (n,) object.
        nodes: Each record with its text, of which no other record has it, and its block as the reference
            numbers blocks.
        n_blocks: How many blocks the reference has, None without blocks.
        matrices: By view, their vectors, (n, d), and the fused ones of rows with pictures.
        own: By view, how near the nearest other one of them is, NaN for unknown, (n,) float32.
        written: Their texts and cells.
        copy_of: The reference record that each is a copy of, -1 for none, (n,) int64.
    """

    texts: NDArray[np.object_]
    nodes: Nodes
    n_blocks: int | None
    matrices: Mapping[str, Any]
    own: Mapping[str, Floats]
    written: Written
    copy_of: Integers

    @cached_property
    def postings(self) -> dict[str, sp.csr_matrix]:
        """The records of each n-gram, by view: an inverted index."""
        every: dict[str, Any] = {name: of for name, of in self.matrices.items() if sp.issparse(of)}
        return {name: of.T.tocsr() for name, of in every.items()}

    @cached_property
    def nodes_of_blocks(self) -> tuple[Integers, Integers]:
        """Records in order of block, and where each block starts, (n_blocks + 1,)."""
        order = np.argsort(self.nodes.block, kind="stable")
        return order, np.searchsorted(self.nodes.block[order], np.arange((self.n_blocks or 0) + 2))

    @cached_property
    def number(self) -> dict[tuple[str, int], int]:
        """The number of each record by its text and block."""
        named = zip(self.texts.tolist(), self.nodes.block.tolist(), strict=True)
        return {name: number for number, name in enumerate(named)}

    def numbers_of(self, asked: Asked) -> Integers:
        """Which of the records each asked record is, -1 for none.

        Args:
            asked: The rows.

        Returns:
            (n_asked,) int64.
        """
        named = zip(asked.identity[asked.nodes.text].tolist(), asked.nodes.block.tolist(), strict=True)
        return np.array([self.number.get(name, -1) for name in named], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Rivals:
    """The sample's candidates, against which a pair stands on the side of the reference.

    The copies of a reference record are no rivals for it: a row that is asked stands in their place.

    Args:
        sample: Record of the sample, (n,) int64.
        reference: Record of the reference, rising, (n,) int64.
        copy: Whether the one is a copy of the other, (n,) bool.
        views: The similarity in each view, (n,) float32.
        described: Which ones are near enough to be described, (n,) bool.
        bits: Their match weights, (n,) float32.
        pair: Log-odds by the pair model, (n,) float32.
        job: Log-odds in the job, (n,) float32.
        folded: The same with pairs raised that are equal but for case, (n,) float32.
        n_reference: Records of the reference.
    """

    sample: Integers
    reference: Integers
    copy: Bools
    views: Mapping[str, Floats]
    described: Bools
    bits: Floats
    pair: Floats
    job: Floats
    folded: Floats
    n_reference: int

    @cached_property
    def starts(self) -> Integers:
        """Where the candidates of each reference record start, (n_reference + 1,) int64."""
        return np.searchsorted(self.reference, np.arange(self.n_reference + 1))

    def against(self, itself: Integers, reference: Integers) -> tuple[Integers, Integers]:
        """The rivals of pairs.

        Args:
            itself: The sample record that the other record of each pair is, -1 for none, (n_pairs,) int64.
            reference: The reference record of each pair, (n_pairs,) int64.

        Returns:
            Pairs, rising, and their rivals, (n_rivals,) int64 each.
        """
        first = self.starts[reference]
        count = self.starts[reference + 1] - first
        pair = np.repeat(np.arange(len(reference)), count)
        rival = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - first, count)
        other = (self.sample[rival] != itself[pair]) & ~self.copy[rival]
        return pair[other], rival[other]

    def some(self, kept: NDArray[Any]) -> Rivals:
        """Those at some places, with the reference's records still rising.

        Args:
            kept: Places of the kept pairs, (n,) int64, or a mask, (n_pairs,) bool.

        Returns:
            The kept candidates.
        """
        views = {name: score[kept] for name, score in self.views.items()}
        parts: dict[str, Any] = {name: getattr(self, name)[kept] for name in PARTS}
        return replace(self, views=views, **parts)

    def with_more(self, other: Rivals) -> Rivals:
        """These and others of the same reference.

        Args:
            other: Further candidates of the same reference.

        Returns:
            Both together, sorted by reference record and sample record.
        """
        views = {name: np.concatenate([score, other.views[name]]) for name, score in self.views.items()}
        parts: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in PARTS
        }
        whole = replace(self, views=views, **parts)
        return whole.some(np.lexsort((whole.sample, whole.reference)))

    def renumbered(self, number: Integers, n_reference: int) -> Rivals:
        """Number the records of the reference anew.

        Args:
            number: The new number of each record, -1 for one that is gone, (n_reference,) int64.
            n_reference: How many there are now.

        Returns:
            The rivals of those that are still there.
        """
        kept = np.flatnonzero(number[self.reference] >= 0)
        kept = kept[np.argsort(number[self.reference[kept]], kind="stable")]
        found = self.some(kept)
        return replace(found, reference=number[found.reference], n_reference=n_reference)


@dataclass(frozen=True, eq=False)
class SampleJob:
    """The job.

    Args:
        statistics: What is the same for all pairs.
        context: The features of the log-odds that are the same for all pairs.
        columns: How the key columns are compared.
        sample: The sample's records.
        rivals: Their candidates.
        own: By view, how near the nearest other reference record is to each one, NaN for unknown,
            (n_reference,) float32.
        views: The views by which its pairs are described.
        shift: What is added to all log-odds.
        correction: What was learned from labels, for these columns; None for nothing.
    """

    statistics: JobStatistics
    context: JobContext
    columns: tuple[KnownColumn, ...]
    sample: Sample
    rivals: Rivals
    own: Mapping[str, Floats]
    views: JobViews
    shift: float = 0.0
    correction: Correction | None = None

    @property
    def decision(self) -> Decision:
        """What judges its pairs."""
        return decision(pictures=self.views.pictures == "image").corrected(self.correction)
