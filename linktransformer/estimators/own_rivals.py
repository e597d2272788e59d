"""The sample records that are nearest to rows that are asked: rivals in their own table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers
from linktransformer.estimators import reference_search
from linktransformer.estimators.sample_job import Sample
from linktransformer.search.blocking import Nodes
from linktransformer.search.pair_products import pair_scores

__all__ = ["Own", "own_of_sample"]

NEAREST = 3  # one may be the record itself, and one a copy of the record that it is compared with


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """The sample records that each asked record is nearest to in a view.

    Args:
        record: Them, -1 for none, (n_asked, few) int64.
        score: Their similarity, (n_asked, few) float32.
        least: What counts where there is none, NaN for nothing.
    """

    record: Integers
    score: Floats
    least: float

    def of_pairs(self, left: Integers, right: Integers, sample: Sample, itself: Integers) -> Floats:
        """How near the nearest other record of its own table is to the left record of each pair.

        Neither the record itself nor copies of the right record are others.

        Args:
            left: Asked record of each pair, (n_pairs,) int64.
            right: Its reference record.
            sample: The sample.
            itself: The sample record that each asked record is, -1 for none, (n_asked,) int64.

        Returns:
            (n_pairs,) float32, NaN for unknown.
        """
        record = self.record[left]
        other = (record >= 0) & (record != itself[left][:, None])
        other &= sample.copy_of[record] != right[:, None]
        best = np.where(other, self.score[left], -np.inf).max(axis=1, initial=-np.inf)
        nobody = len(sample.texts) - (itself[left] >= 0) < 1
        least = np.where(nobody, np.nan, self.least)
        return np.asarray(np.where(np.isinf(best), least, np.fmax(best, least)), dtype=np.float32)


def own_of_sample(sample: Sample, nodes: Nodes, matrices: Mapping[str, Any]) -> dict[str, Own]:
    """Find the sample records that are nearest to each asked record.

    Args:
        sample: The sample.
        nodes: The asked records.
        matrices: By view, the vectors of their texts.

    Returns:
        By view, the nearest three: one may be itself and one a copy of the record it is compared with.
    """
    found = {}
    for name in sample.own:
        of_sample = sample.matrices[name]
        query, record = reference_search.neighbours(sample, nodes, {name: matrices[name]}, NEAREST)
        score = pair_scores(matrices[name], of_sample, nodes.text[query], record)
        order = np.lexsort((record, -score, query))
        query, record, score = query[order], record[order], score[order]
        starts = np.flatnonzero(np.diff(query, prepend=-1))
        place = np.arange(len(query)) - np.repeat(starts, np.diff(np.append(starts, len(query))))
        records = np.full((len(nodes), NEAREST), -1, dtype=np.int64)
        scores = np.full((len(nodes), NEAREST), -np.inf, dtype=np.float32)
        records[query, place], scores[query, place] = record, score
        apart = sp.issparse(of_sample) or sample.n_blocks is not None
        found[name] = Own(records, scores, 0.0 if apart else np.nan)
    return found
