"""Candidates with the one score that decides."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linktransformer.decision.model import Probabilities
from linktransformer.job_evidence import JobEvidence
from linktransformer.search import Candidates

__all__ = ["BELOW_ONE", "Fused"]

BELOW_ONE = np.float32(1 - 2.0**-20)  # the highest score of texts that are not equal


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Candidates with the one score that decides.

    Args:
        candidates: What was found.
        score: Match probability or mean similarity, (n,) float32.
        decided: Match probabilities, where the score is one; None where it is a mean of similarities.
        evidence: What explains them, None where nothing was kept.
    """

    candidates: Candidates
    score: NDArray[np.float32]
    decided: Probabilities | None = None
    evidence: JobEvidence | None = None

    @property
    def explained(self) -> JobEvidence | None:
        """What explains the log-odds that decide, those of a decision learned from labels, too."""
        kept, decided = self.evidence, self.decided
        if kept is None or decided is None or len(decided.log_odds) != len(kept.log_odds):
            return None
        if decided.log_odds is kept.log_odds:
            return kept
        return replace(kept, learned=decided.log_odds)
