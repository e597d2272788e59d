"""Candidates with the one score that decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Floats, Integers
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
        own: Log-odds of each pair by its own features and the reader, (n,) float32, in the same case.
        entity: As of `model.ranked`, in the same case.
    """

    candidates: Candidates
    score: Floats
    decided: Probabilities | None = None
    evidence: JobEvidence | None = None
    described: Described | None = None
    shipped: Decision | None = None
    own: Floats | None = None
    entity: Integers | None = None

    def judged_by(self, decision: Decision, *, same: bool = False) -> Probabilities:
        """The match probabilities by a decision, such as the shipped one with another correction.

        Raises:
            ValueError: The features were not kept.
        """
        if self.described is None or self.own is None:
            raise ValueError("the features of the candidates were not kept")
        features, pairs = self.described.features, self.candidates
        offset = None
        if decision.correction is not None:
            offset = decision.offset(features.names, features.values, features.weights.bits)
        sizes = pairs.n_left, pairs.n_right
        return decision.in_job(
            self.own,
            features.at,
            pairs.left,
            pairs.right,
            sizes,
            same=same,
            offset=offset,
            entity=self.entity,
        )
