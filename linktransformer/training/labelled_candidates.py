"""Candidates that labelled pairs of rows say match, or do not match."""

from __future__ import annotations

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.decision.fused import Fused
from linktransformer.dedup import cluster_pipeline
from linktransformer.dedup.constraints import Rules
from linktransformer.linking import compare_tables
from linktransformer.linking.options import Job
from linktransformer.progress import warn
from linktransformer.search.blocking import Nodes
from linktransformer.tables import splits
from linktransformer.tables.frames import Table
from linktransformer.tables.pair_labels import PairLabels, conflicts, warn_of

__all__ = ["labelled_candidates", "scored_candidates"]


def scored_candidates(
    tables: tuple[Table, Table], names: tuple[list[str], list[str]], job: Job, one: bool
) -> tuple[tuple[Nodes, Nodes], Fused]:
    """The records and scored candidates of two tables, or of one."""
    if not one:
        compared = compare_tables.compare(tables, names, job)
        return compared.nodes, compared.fused
    neighbours = cluster_pipeline.neighbours_of(tables[0], names[0], job, Rules())
    for text in neighbours.unreadable:
        warn(text)
    return (neighbours.settled.nodes, neighbours.settled.nodes), neighbours.fused


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
    found = conflicts(
        np.where(paired, left, -1), np.where(paired, start + right, -1), labels.match, start + n_right
    )
    warn_of(found, labels.names, "labels")
    both, known = np.unique(code[found.both_ways]), paired & ~found.both_ways
    yes, no = np.unique(code[known & labels.match]), np.unique(code[known & ~labels.match])
    entity = splits.components(start + n_right, yes // n_right, start + yes % n_right)
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
        **found.counts,
        "labels_not_compared": int((~np.isin(np.concatenate([yes, no]), of_candidate)).sum())
        + int((~paired & (labels.right >= 0)).sum()),
        "left_rows_with_several_matches": int((np.bincount(yes // n_right, minlength=1) > 1).sum()),
    }
    return np.flatnonzero(matches), np.flatnonzero(others), counts
