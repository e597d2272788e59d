"""Candidates with the one score that decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.decision.job_evidence import JobEvidence
from linktransformer.decision.model import Decision, Probabilities
from linktransformer.scoring.describe import Described
from linktransformer.search.candidate_search import Candidates

__all__ = ["BELOW_ONE", "Fused"]

BELOW_ONE = np.float32(1 - 2.0**-20)  # the highest score of texts that are not equal


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Candidates with the one score that decides.

    Args:
        candidates: The pairs.
        score: Match probability or mean similarity, (n,) float32.
        decided: Match probabilities, where the score is one; None where it is a mean of similarities.
        evidence: What explains them, None where it was not asked for.
        described: The features of the candidates, where a decision is learned from them.
        shipped: The decision without labels, in the same case.
    """

    candidates: Candidates
    score: Floats
    decided: Probabilities | None = None
    evidence: JobEvidence | None = None
    described: Described | None = None
    shipped: Decision | None = None
