"""From nodes to rows: who is linked, who takes whom where rows are used once, and why a row is alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.assign import one_to_one
from linktransformer.blocking import Nodes
from linktransformer.frames import Table
from linktransformer.fuse import Fused
from linktransformer.links import Links
from linktransformer.sharing import Lead
from linktransformer.threshold import LEAST, Decision, decide

__all__ = ["decided"]

MOST_COPIES = (
    4096  # row pairs of one node pair that an assignment looks at; beyond, copies are paired in order
)

Integers = NDArray[np.int64]


def decided(
    tables: tuple[Table, Table],
    nodes: tuple[Nodes, Nodes],
    fused: Fused,
    validate: str,
    threshold: Any,
    details: dict[str, Any],
    leads: tuple[Lead | None, Lead | None] = (None, None),
) -> Links:
    """Decide on nodes, and say it of rows.

    Args:
        tables: The two tables.
        nodes: Their nodes.
        fused: The candidates and their score.
        validate: "1:1", "1:m", "m:1" or "m:m".
        threshold: As for `merge`.
        details: For the report; gets the rule, the threshold and the estimated precision.
        leads: Of left and of right nodes, as `sharing_links` uses it.

    Returns:
        The links.
    """
    pairs, decision = _pairs(fused, validate, threshold, leads)
    left, right, pair = _rows(nodes, fused, pairs, validate)
    score = fused.score[pair]
    if validate == "1:1":
        chosen, too_large = one_to_one(left, right, score)
        left, right, pair, score = left[chosen], right[chosen], pair[chosen], score[chosen]
        details["components_assigned_greedily"] = too_large
    order = np.lexsort((right, -score, left))
    left, right, pair, score = left[order], right[order], pair[order], score[order]
    return Links(
        tables[0],
        tables[1],
        left,
        right,
        score,
        {name: values[pair] for name, values in fused.candidates.views.items()},
        _reasons(tables[0].n_rows, nodes, 0, fused, left, threshold, pairs),
        _reasons(tables[1].n_rows, nodes, 1, fused, right, threshold, pairs),
        details | {"rule": decision.rule, "threshold": decision.threshold, "precision": decision.precision},
    )


def _pairs(
    fused: Fused, validate: str, threshold: Any, leads: tuple[Lead | None, Lead | None]
) -> tuple[Integers, Decision]:
    """Positions of the candidates that may be links on the level of nodes, and how that was decided."""
    found, score = fused.candidates, fused.score
    if validate == "1:1":  # where nothing may be shared, nothing that shares is looked for
        leads = (None, None)
    forward = decide(found.left, found.right, score, threshold, leads[0])
    if validate == "m:1":
        return forward.pairs, forward
    backward = decide(found.right, found.left, score, threshold, leads[1])
    if validate == "1:m":
        return backward.pairs, backward
    if isinstance(threshold, (int, float)) or threshold is None:
        pairs = np.flatnonzero(score >= (-np.inf if threshold is None else threshold))
        if validate == "m:m":
            return pairs, Decision(pairs, forward.threshold, None, "all candidates at or above the threshold")
        return pairs, Decision(pairs, forward.threshold, None, "the best total score")
    both = np.union1d(forward.pairs, backward.pairs)
    if validate == "1:1" and len(both):
        # rows whose best partner is taken may take their next one, if it is as good as a link
        floor = float(np.quantile(score[both], 0.1))
        if isinstance(threshold, str):
            both = np.union1d(both, np.flatnonzero(score >= max(floor, 1e-6)))
    return both, Decision(both, forward.threshold, forward.precision, forward.rule)


def _rows(
    nodes: tuple[Nodes, Nodes], fused: Fused, pairs: Integers, validate: str
) -> tuple[Integers, Integers, Integers]:
    """All row pairs of the given node pairs, as far as `validate` can use them."""
    sides = [_rows_of_nodes(side) for side in nodes]
    a, b = fused.candidates.left[pairs], fused.candidates.right[pairs]
    n_a, n_b = sides[0][1][a + 1] - sides[0][1][a], sides[1][1][b + 1] - sides[1][1][b]
    if validate == "m:1":
        n_b = np.ones_like(n_b)
    elif validate == "1:m":
        n_a = np.ones_like(n_a)
    straight = (n_a * n_b > MOST_COPIES) if validate == "1:1" else np.zeros(len(pairs), dtype=bool)
    count = np.where(straight, np.minimum(n_a, n_b), n_a * n_b)
    which = np.repeat(np.arange(len(pairs)), count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    in_a = np.where(straight[which], place, place // n_b[which])
    in_b = np.where(straight[which], place, place % n_b[which])
    left = sides[0][0][sides[0][1][a[which]] + in_a]
    right = sides[1][0][sides[1][1][b[which]] + in_b]
    return left, right, pairs[which]


def _rows_of_nodes(nodes: Nodes) -> tuple[Integers, Integers]:
    """Rows in order of node, and where each node's rows start, (n_nodes + 1,)."""
    order = np.argsort(nodes.node_of_row, kind="stable")
    order = order[nodes.node_of_row[order] >= 0]
    return order, np.searchsorted(nodes.node_of_row[order], np.arange(len(nodes) + 1))


def _reasons(
    n_rows: int,
    nodes: tuple[Nodes, Nodes],
    side: int,
    fused: Fused,
    linked: Integers,
    threshold: Any,
    pairs: Integers,
) -> NDArray[np.int8]:
    node = nodes[side].node_of_row
    found = fused.candidates
    own = (found.left, found.right)[side]
    has = np.zeros(len(nodes[side]) + 1, dtype=bool)
    has[own] = True
    accepted = np.zeros(len(nodes[side]) + 1, dtype=bool)
    accepted[own[pairs]] = True
    shared = np.append(np.isin(nodes[side].block, nodes[1 - side].block), False)
    alone = 5 if isinstance(threshold, (int, float)) and not isinstance(threshold, bool) else 4
    if isinstance(threshold, dict):
        alone = 5
    reason = np.full(n_rows, alone, dtype=np.int8)
    best = np.full(len(nodes[side]) + 1, -np.inf, dtype=np.float32)
    np.maximum.at(best, own, fused.score)
    if isinstance(threshold, str):
        reason[best[node] < LEAST] = 5
    reason[accepted[node]] = 6
    reason[~has[node]] = 3
    reason[~shared[node]] = 2 if len(nodes[1 - side]) else 3
    reason[node < 0] = 1
    reason[linked] = 0
    return reason
