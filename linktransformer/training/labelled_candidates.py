"""Candidates that labelled pairs of rows say match, or do not match."""

from __future__ import annotations

import logging

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.decision.fused import Fused
from linktransformer.search.blocking import Nodes
from linktransformer.tables import splits
from linktransformer.tables.pair_labels import PairLabels

__all__ = ["labelled_candidates"]

logger = logging.getLogger(__name__)


def labelled_candidates(
    nodes: tuple[Nodes, Nodes], fused: Fused, labels: PairLabels, complete: bool | str, one: bool
) -> tuple[Integers, Integers, dict[str, float]]:
    """Candidates known to match and known not to, and counts; labels are closed transitively.

    A pair of nodes has the code left * n_right + right; `start` is the first right node among all nodes.
    """
    n_left, n_right = len(nodes[0]), len(nodes[1])
    start = 0 if one else n_left
    left, right = nodes[0].node_of_row[labels.left], nodes[1].node_of_row[np.maximum(labels.right, 0)]
    if one:
        left, right = np.minimum(left, right), np.maximum(left, right)
    paired = (left >= 0) & (right >= 0) & (labels.right >= 0) & ~((left == right) & one)
    code = left * n_right + right
    yes, no = np.unique(code[paired & labels.match]), np.unique(code[paired & ~labels.match])
    both = np.intersect1d(yes, no)
    yes, no = np.setdiff1d(yes, both), np.setdiff1d(no, both)
    entity = splits.components(start + n_right, yes // n_right, start + yes % n_right)
    joined = int((entity[no // n_right] == entity[start + no % n_right]).sum())
    if len(both) or joined:
        logger.warning(
            "labels contradict each other: pairs labelled both ways, which are not learned from: %d; "
            "non-matches between rows that other labels join: %d",
            len(both),
            joined,
        )
    pairs = fused.candidates
    of_candidate = pairs.left * n_right + pairs.right
    labelled_no, contradictory = np.isin(of_candidate, no), np.isin(of_candidate, both)
    matches = (entity[pairs.left] == entity[start + pairs.right]) & ~labelled_no & ~contradictory
    unmatched = np.zeros(n_left, dtype=bool)
    unmatched[left[(labels.right < 0) & (left >= 0)]] = True
    others = labelled_no | (unmatched[pairs.left] & ~matches)
    if complete:
        rows = np.full(n_left, complete is True)
        rows[left[left >= 0]] = True
        if one:
            rows[right[paired]] = True
        others |= (rows[pairs.left] | (rows[pairs.right] if one else False)) & ~matches & ~contradictory
    counts: dict[str, float] = {
        "matches": int((paired & labels.match).sum()),
        "non_matches": int((~labels.match).sum()),
        "contradictions": len(both) + joined,
        "labels_not_compared": int((~np.isin(np.concatenate([yes, no]), of_candidate)).sum()),
        "left_rows_with_several_matches": int((np.bincount(yes // n_right, minlength=1) > 1).sum()),
    }
    return np.flatnonzero(matches), np.flatnonzero(others), counts
