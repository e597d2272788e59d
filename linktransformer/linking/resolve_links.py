"""From nodes to rows: who is linked, who takes whom where rows are used once, and why a row is alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.assign import one_to_one
from linktransformer.decision.choose import Choice, choose
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import SUREST, Probabilities, sigmoid
from linktransformer.decision.ranking import Ranking, rank
from linktransformer.progress import stage
from linktransformer.results.links import Links, Nearest
from linktransformer.search.blocking import Nodes
from linktransformer.tables.frames import Table

__all__ = ["decided"]

MOST_COPIES = (
    4096  # row pairs of one node pair that an assignment looks at; beyond, copies are paired in order
)


@stage("links")
def decided(
    tables: tuple[Table, Table],
    nodes: tuple[Nodes, Nodes],
    fused: Fused,
    validate: str,
    threshold: Any,
    details: dict[str, Any],
) -> Links:
    """Decide on nodes, and say it of rows.

    Args:
        tables: The two tables.
        nodes: Their nodes.
        fused: The candidates and their score.
        validate: "1:1", "1:m", "m:1" or "m:m".
        threshold: "auto", a match probability, {"precision": p} or None for every best match; see
            docs/decision.md.
        details: For the report; gets the rule, the threshold and the estimated precision.

    Returns:
        The links.
    """
    pairs, sure, value, choice, estimates = _pairs(fused, validate, threshold)
    left, right, pair = _rows(nodes, fused, pairs, validate)
    score = fused.score[pair]
    if validate == "1:1":
        chosen, details["components_assigned_greedily"] = _once(left, right, value[pair], sure[pair])
        left, right, pair, score = left[chosen], right[chosen], pair[chosen], score[chosen]
    order = np.lexsort((right, -score, left))
    left, right, pair, score = left[order], right[order], pair[order], score[order]
    needed = choice.threshold
    if isinstance(threshold, Mapping) and needed is None:
        needed = np.inf
    found = fused.candidates
    rankings = rank(found.left, found.right, fused.score), rank(found.right, found.left, fused.score)
    return Links(
        tables[0],
        tables[1],
        left,
        right,
        score,
        {name: values[pair] for name, values in fused.candidates.views.items()},
        *_runner_up(nodes, fused, pair, rankings[0]),
        _reasons(tables[0].n_rows, nodes, 0, fused, left, pairs, rankings[0], needed),
        _reasons(tables[1].n_rows, nodes, 1, fused, right, pairs, rankings[1], needed),
        _nearest(nodes, 0, fused, rankings[0]),
        _nearest(nodes, 1, fused, rankings[1]),
        details | {"rule": choice.rule, "threshold": choice.threshold} | estimates,
        evidence=fused.evidence,
    )


def _pairs(
    fused: Fused, validate: str, threshold: Any
) -> tuple[Integers, Bools, Floats, Choice, dict[str, Any]]:
    """The pairs that may be links, which are sure, what each is worth, and what the report says."""
    found, decided, p = fused.candidates, fused.decided, fused.score
    sure = np.zeros(len(p), dtype=bool)
    if decided is None:  # a mean of similarities, against a number or nothing
        choice = choose(found.left, found.right, p, p, validate, threshold)
        return choice.pairs, sure, p, choice, {"precision": None}
    log_odds = decided.log_odds
    if isinstance(threshold, Mapping):
        log_odds = log_odds - np.float32(decided.caution)
        p = sigmoid(log_odds)
    similarity = np.fmax.reduce(list(found.views.values())) if len(p) else p
    choice = choose(found.left, found.right, p, similarity, validate, threshold)
    pairs, floor = choice.pairs, choice.threshold
    value = np.ones(len(p), dtype=np.float32)
    if validate == "1:1" and (len(pairs) or not isinstance(threshold, Mapping)):
        base = -SUREST if floor is None else float(np.log(max(floor, 1e-6) / max(1 - floor, 1e-6)))
        value = log_odds - np.float32(base)
        pairs = np.flatnonzero(value >= -1e-4)
    if decided.equal is not None:  # an equal text is given up for no better total
        sure = decided.equal
    return pairs, sure, value, choice, _estimates(fused, decided, choice.pairs)


def _estimates(fused: Fused, decided: Probabilities, pairs: Integers) -> dict[str, Any]:
    """Estimated precision and recall with intervals for nine times in ten; None where there is no link."""
    found = fused.candidates
    order = np.lexsort((-decided.log_odds, found.left))
    best = order[np.flatnonzero(np.diff(found.left[order], prepend=-1))]
    names = ("precision", "recall", "precision_interval", "recall_interval")
    if not len(pairs):
        return dict.fromkeys(names)
    width = 1.645 * decided.uncertainty
    at = [
        [float(sigmoid(decided.log_odds[some] + np.float32(off)).sum()) for some in (pairs, best)]
        for off in (-width, 0.0, width)
    ]
    precision = [round(linked / len(pairs), 4) for linked, _ in at]
    recall = [round(min(1.0, linked / max(every, 1e-9)), 4) for linked, every in at]
    values = precision[1], recall[1], [precision[0], precision[2]], sorted([recall[0], recall[2]])
    return dict(zip(names, values, strict=True))


def _once(left: Integers, right: Integers, value: Floats, sure: Bools) -> tuple[Integers, int]:
    """Choose row pairs so that no row is used twice: the sure ones first, then the best total of the rest.

    The value of a pair is what it scores above the threshold, so that two links at the threshold do not
    outweigh one far above it.
    """
    value = np.maximum(value, 0) + np.float32(1e-6)  # a pair at the threshold is still worth a link
    first = np.flatnonzero(sure)
    chosen, large = one_to_one(left[first], right[first], value[first])
    chosen = first[chosen]
    free = np.flatnonzero(~np.isin(left, left[chosen]) & ~np.isin(right, right[chosen]))
    more, larger = one_to_one(left[free], right[free], value[free])
    return np.sort(np.concatenate([chosen, free[more]])), large + larger


def _runner_up(
    nodes: tuple[Nodes, Nodes], fused: Fused, pair: Integers, ranking: Ranking
) -> tuple[Integers, Floats]:
    """The row that the left row of each link would have taken next, and its score."""
    found = fused.candidates
    place = np.searchsorted(ranking.nodes, found.left[pair])
    following = np.where(ranking.best[place] == pair, ranking.second[place], ranking.best[place])
    order, starts = _rows_of_nodes(nodes[1])
    row = np.full(len(pair), -1, dtype=np.int64)
    score = np.full(len(pair), np.nan, dtype=np.float32)
    has = following >= 0
    row[has] = order[starts[found.right[following[has]]]]
    score[has] = fused.score[following[has]]
    return row, score


def _nearest(nodes: tuple[Nodes, Nodes], side: int, fused: Fused, ranking: Ranking) -> Nearest:
    """The row of the other table that each row of one side is most similar to."""
    other = (fused.candidates.right, fused.candidates.left)[side]
    order, starts = _rows_of_nodes(nodes[1 - side])
    row = np.full(len(nodes[side]) + 1, -1, dtype=np.int64)
    score = np.full(len(nodes[side]) + 1, np.nan, dtype=np.float32)
    row[ranking.nodes] = order[starts[other[ranking.best]]]
    score[ranking.nodes] = fused.score[ranking.best]
    node = nodes[side].node_of_row  # -1, without a key, takes the last
    return Nearest(row[node], score[node])


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
    pairs: Integers,
    ranking: Ranking,
    needed: float | None,
) -> NDArray[np.int8]:
    """Why each row has no link; its best pair needs such a score, None for any."""
    node = nodes[side].node_of_row
    found = fused.candidates
    own = (found.left, found.right)[side]
    has = np.zeros(len(nodes[side]) + 1, dtype=bool)
    has[own] = True
    accepted = np.zeros(len(nodes[side]) + 1, dtype=bool)
    accepted[own[pairs]] = True
    shared = np.append(np.isin(nodes[side].block, nodes[1 - side].block), False)
    best = np.full(len(nodes[side]) + 1, -np.inf, dtype=np.float32)
    best[ranking.nodes] = fused.score[ranking.best]
    reason = np.full(n_rows, 4, dtype=np.int8)
    if needed is not None:
        reason[best[node] < np.float32(needed)] = 5
    reason[accepted[node]] = 6
    reason[~has[node]] = 3
    reason[~shared[node]] = 2 if len(nodes[1 - side]) else 3
    reason[node < 0] = 1
    reason[linked] = 0
    return reason
