"""Match probabilities of described pairs: the decision applied to their features."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision import job_evidence
from linktransformer.decision.correction import Correction
from linktransformer.decision.equal_texts import raised, same_text
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import Decision, decision
from linktransformer.scoring.describe import Described
from linktransformer.tables.records import Records

__all__ = ["Judged", "at_level_of", "judge"]

PRECISION = 1e-5  # of a shift of log-odds


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Described pairs with their log-odds.

    Args:
        described: The pairs.
        shipped: The decision without labels.
        trees: The decision that is applied.
        own: Log-odds of each pair by its own features, (n_pairs,) float32.
        offset: The correction's offset of each pair; None without a correction.
        entity: As of `model.ranked`; None where no record is taken as one with another.
    """

    described: Described
    shipped: Decision
    trees: Decision
    own: Floats
    offset: Floats | None
    entity: Integers | None = None

    def update(self, described: Described, changed: Bools) -> Judged:
        """The same pairs, where those that have changed, (n_pairs,) bool, are judged again.

        As many of them are expected to match as before: a view of some records ranks their pairs, but the
        rivals that it would rank are partly outside of it, so that its log-odds are too high.
        """
        pairs = np.flatnonzero(changed)
        own, offset = self.own.copy(), None if self.offset is None else self.offset.copy()
        again, part = self.trees.own_log_odds(described.features.some(pairs))
        own[pairs] = at_level_of(own[pairs], again)
        if offset is not None and part is not None:
            offset[pairs] = part
        return replace(self, described=described, own=own, offset=offset)

    def in_job(
        self,
        texts: tuple[Records, Records],
        *,
        readings: bool = False,
        expected_overlap: float | None = None,
        keep_features: bool = False,
    ) -> Fused:
        """The pairs with match probabilities, calibrated together.

        Args:
            texts: The texts of both tables.
            readings: Texts were read by an OCR engine: equal ones are not proof.
            expected_overlap: The share of left records that the user expects to have a match.
            keep_features: A decision will be learned from the features.
        """
        described, same = self.described, self.described.views.same
        features, candidates, nodes = described.features, described.candidates, described.nodes
        at = features.at
        left, right = candidates.left[at], candidates.right[at]
        decided = self.trees.in_job(
            self.own,
            at,
            left,
            right,
            (len(nodes[0]), len(nodes[1])),
            same=same,
            expected_overlap=expected_overlap,
            offset=self.offset,
            entity=self.entity,
        )
        views = {name: np.clip(score[at], -1, 1) for name, score in candidates.views.items()}
        pairs = replace(candidates, left=left, right=right, views=views)
        fused = Fused(pairs, decided.probability, decided)
        if keep_features:
            fused = replace(
                fused, described=described, shipped=self.shipped, own=self.own, entity=self.entity
            )
        if not readings:
            fused = raised(fused, same_text(texts, nodes, fused), one_table=same)
        evidence = job_evidence.slim_evidence(
            nodes, described.evidence, features, self.own, fused.decided or decided, self.trees, self.entity
        )
        return replace(fused, evidence=evidence)


def at_level_of(before: Floats, after: Floats) -> Floats:
    """Shift log-odds so that as many matches are expected as by those of before, (n_pairs,) float32.

    Example:
        >>> at_level_of(np.float32([-1, 1]), np.float32([0, 4])).round(2).tolist()
        [-2.0, 2.0]
    """
    expected = expit(before.astype(np.float64)).sum()
    difference = (before - after).astype(np.float64)
    low, high = difference.min(initial=0), difference.max(initial=0)
    while high - low > PRECISION:  # the expected number rises with the shift
        middle = (low + high) / 2
        few = expit(after.astype(np.float64) + middle).sum() < expected
        low, high = (middle, high) if few else (low, middle)
    # rounded: sums of the same pairs in another order differ in their last digits
    return after + np.float32(round(high, 3))


def judge(described: Described, correction: Correction | None = None, *, pictures: bool = False) -> Judged:
    """Log-odds of each pair by its own features, by the decision for texts or for rows with pictures."""
    shipped = decision(pictures=pictures)
    trees = shipped.corrected_by(correction, described.columns)
    return Judged(described, shipped, trees, *trees.own_log_odds(described.features))
