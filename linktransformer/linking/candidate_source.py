"""CandidateSource: where records and candidate pairs come from. What follows is the same for every source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from linktransformer.decision.fused import Fused
from linktransformer.results.report import PairsReport
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates

__all__ = ["CandidateSource", "Scored", "no_candidates", "scored"]

P = TypeVar("P")


class CandidateSource(Protocol[P]):
    """Two tables, or one against itself: in memory, with or without pictures, or files in partitions.

    `P` holds described candidate pairs with their log-odds: the source makes it and reads it.
    """

    @property
    def nodes(self) -> tuple[Nodes, Nodes]:
        """The records of the left and of the right table."""

    def candidates(self) -> P:
        """Search every view; describe the nearest pairs; log-odds of each pair by its own features."""

    def probabilities(self, pairs: P) -> Fused:
        """Calibrate the log-odds of all pairs together."""

    def refined(self, pairs: P, fused: Fused) -> tuple[P, Fused]:
        """The pairs with the view of a model that nobody named, where it can change the answer."""

    def report(self, pairs: P | None, fused: Fused) -> PairsReport:
        """How pairs were found and compared; `pairs` is None where a table has no record."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Records and their candidate pairs with match probabilities.

    Args:
        nodes: The records of the left and of the right table.
        fused: The pairs.
        report: How they were found and compared.
    """

    nodes: tuple[Nodes, Nodes]
    fused: Fused
    report: PairsReport


def scored(source: CandidateSource[P]) -> Scored:
    """Candidates, features and match probabilities of a source."""
    if not min(map(len, source.nodes)):
        fused = no_candidates(source.nodes)
        return Scored(source.nodes, fused, source.report(None, fused))
    pairs = source.candidates()
    pairs, fused = source.refined(pairs, source.probabilities(pairs))
    return Scored(source.nodes, fused, source.report(pairs, fused))


def no_candidates(nodes: tuple[Nodes, Nodes]) -> Fused:
    """No pairs, for a table without records."""
    none, scores = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    return Fused(Candidates(none, none, {"lexical": scores}, len(nodes[0]), len(nodes[1])), scores)
