"""Match probabilities of described pairs: the decision applied to their features."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from linktransformer.arrays import Bools, Floats
from linktransformer.decision import job_evidence
from linktransformer.decision.correction import Correction
from linktransformer.decision.equal_texts import raised, same_text
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import Decision, decision
from linktransformer.scoring.describe import Described
from linktransformer.search import candidate_search
from linktransformer.tables.records import Records

__all__ = ["Judged", "judge"]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Described pairs with their log-odds.

    Args:
        described: The pairs.
        shipped: The decision without labels.
        trees: The decision that is applied.
        own: Log-odds of each pair by its own features, (n_pairs,) float32.
        offset: What a correction adds to those in the job; None without one.
    """

    described: Described
    shipped: Decision
    trees: Decision
    own: Floats
    offset: Floats | None

    def again(self, described: Described, changed: Bools) -> Judged:
        """Judge those pairs again whose features have changed.

        Args:
            described: The same pairs.
            changed: Which have changed, (n_pairs,) bool.

        Returns:
            All pairs.
        """
        which = np.flatnonzero(changed)
        own, offset = self.own.copy(), None if self.offset is None else self.offset.copy()
        own[which], part = self.trees.alone(described.features.some(which))
        if offset is not None and part is not None:
            offset[which] = part
        return replace(self, described=described, own=own, offset=offset)

    def in_job(
        self,
        texts: tuple[Records, Records],
        *,
        readings: bool = False,
        expected_overlap: float | None = None,
        keep_features: bool = False,
    ) -> Fused:
        """Calibrate the log-odds of all pairs together.

        Args:
            texts: The texts of both tables.
            readings: Texts are what an engine read: equal ones are no proof.
            expected_overlap: The share of left records that the user expects to have a match.
            keep_features: Labels are to be learned from.

        Returns:
            The pairs with match probabilities as scores.
        """
        described, same = self.described, self.described.views.same
        features, found, nodes = described.features, described.candidates, described.nodes
        at = features.at
        left, right = found.left[at], found.right[at]
        decided = self.trees.in_job(
            self.own,
            at,
            left,
            right,
            (len(nodes[0]), len(nodes[1])),
            same=same,
            expected_overlap=expected_overlap,
            offset=self.offset,
        )
        views = {name: np.clip(score[at], -1, 1) for name, score in found.views.items()}
        kept = candidate_search.Candidates(left, right, views, found.n_left, found.n_right, found.report)
        fused = Fused(kept, decided.probability, decided)
        if keep_features:
            fused = replace(fused, described=described, shipped=self.shipped)
        if not readings:
            fused = raised(fused, same_text(texts, nodes, fused), one_table=same)
        evidence = job_evidence.kept(
            nodes, described.evidence, features, self.own, fused.decided or decided, self.trees
        )
        return replace(fused, evidence=evidence)


def judge(described: Described, correction: Correction | None = None, *, pictures: bool = False) -> Judged:
    """Judge each pair by its own features.

    Args:
        described: The pairs.
        correction: What was learned from labels.
        pictures: By the decision for rows that have pictures.

    Returns:
        Their log-odds.
    """
    shipped = decision(pictures=pictures)
    trees = shipped.corrected_by(correction, described.columns)
    return Judged(described, shipped, trees, *trees.alone(described.features))
