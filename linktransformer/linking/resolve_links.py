"""From scored pairs of nodes to links of rows, and why a row has none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.assign import one_to_one
from linktransformer.decision.choose_links import Choice, choose
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import SUREST, Probabilities, sigmoid
from linktransformer.decision.ranking import Ranking, rank
from linktransformer.linking.options import Threshold
from linktransformer.progress import stage
from linktransformer.results.link_values import Nearest, Reason
from linktransformer.results.links import Links
from linktransformer.results.report import ABSENT, Absent, ChoiceReport
from linktransformer.search.blocking import Nodes
from linktransformer.search.groups import stable_order, starts_of
from linktransformer.tables.frames import Table

__all__ = ["decided"]

# row pairs of one node pair that an assignment looks at; with more, copies are paired in order
MOST_COPIES = 4096
WIDTH = 1.645  # standard errors of an interval that holds nine times in ten


@stage("links")
def decided(
    tables: tuple[Table, Table],
    nodes: tuple[Nodes, Nodes],
    fused: Fused,
    validate: str,
    threshold: Threshold,
    details: Mapping[str, object] | None = None,
) -> Links:
    """Choose links among pairs of nodes, and write them as pairs of rows.

    The links' report is a `ChoiceReport`; with `details`, these entries and those of the choice.
    """
    pairs, value, choice = _linkable(fused, validate, threshold)
    left, right, pair = _rows(nodes, fused, pairs, validate)
    greedy: int | Absent = ABSENT
    if validate == "1:1":
        equal = None if fused.decided is None else fused.decided.equal
        sure = np.zeros(len(pair), dtype=bool) if equal is None else equal[pair]
        places = _place(nodes[0])[left], _place(nodes[1])[right]
        chosen, greedy = _each_row_once(*places, value[pair], sure)
        left, right, pair = left[chosen], right[chosen], pair[chosen]
    score = fused.score[pair]
    order = np.lexsort((right, -score, left))
    left, right, pair, score = left[order], right[order], pair[order], score[order]
    candidates = fused.candidates
    rankings = (
        rank(candidates.left, candidates.right, fused.score),
        rank(candidates.right, candidates.left, fused.score),
    )
    lowest = choice.threshold
    if isinstance(threshold, Mapping) and lowest is None:
        lowest = np.inf
    reasons = [
        _reasons(nodes, side, fused, (rows, pairs), rankings[side], lowest)
        for side, rows in enumerate((left, right))
    ]
    report = _report(fused, choice, greedy)
    return Links(
        tables[0],
        tables[1],
        left,
        right,
        score,
        {name: values[pair] for name, values in candidates.views.items()},
        *_runner_up(nodes, fused, pair, rankings[0]),
        reasons[0],
        reasons[1],
        _nearest(nodes, 0, fused, rankings[0]),
        _nearest(nodes, 1, fused, rankings[1]),
        report if details is None else {**details, **report},
        evidence=fused.evidence,
    )


def _linkable(fused: Fused, validate: str, threshold: Threshold) -> tuple[Integers, Floats, Choice]:
    """The pairs that may be links, what each pair is worth in an assignment, and the choice among them."""
    candidates, decided, p = fused.candidates, fused.decided, fused.score
    if decided is None:  # a mean of similarities, against a number or nothing
        choice = choose(candidates.left, candidates.right, p, p, validate, threshold)
        return choice.pairs, p, choice
    log_odds = decided.log_odds
    if isinstance(threshold, Mapping):
        log_odds = log_odds - np.float32(decided.caution)
        p = sigmoid(log_odds)
    similarity = np.fmax.reduce(list(candidates.views.values())) if len(p) else p
    choice = choose(candidates.left, candidates.right, p, similarity, validate, threshold)
    pairs, lowest = choice.pairs, choice.threshold
    if validate != "1:1" or (isinstance(threshold, Mapping) and not len(pairs)):
        return pairs, np.ones(len(p), dtype=np.float32), choice
    base = -SUREST if lowest is None else float(np.log(max(lowest, 1e-6) / max(1 - lowest, 1e-6)))
    value = log_odds - np.float32(base)
    return np.flatnonzero(value >= -1e-4), value, choice


def _report(fused: Fused, choice: Choice, greedy: int | Absent) -> ChoiceReport:
    """How links were chosen, with estimated precision and recall."""
    rule, lowest = choice.rule, choice.threshold
    if fused.decided is None:
        return ChoiceReport(components_assigned_greedily=greedy, rule=rule, threshold=lowest, precision=None)
    precision, recall = _estimates(fused, fused.decided, choice.pairs)
    return ChoiceReport(
        components_assigned_greedily=greedy,
        rule=rule,
        threshold=lowest,
        precision=precision[1] if precision else None,
        recall=recall[1] if recall else None,
        precision_interval=[precision[0], precision[2]] if precision else None,
        recall_interval=sorted([recall[0], recall[2]]) if recall else None,
    )


def _estimates(fused: Fused, decided: Probabilities, pairs: Integers) -> tuple[list[float], list[float]]:
    """Estimated precision and recall, each low, middle and high; nothing where there is no link."""
    if not len(pairs):
        return [], []
    candidates = fused.candidates
    left, log_odds = candidates.left, decided.log_odds
    if (left[1:] < left[:-1]).any():
        order = stable_order(left)
        left, log_odds = left[order], log_odds[order]
    best = np.maximum.reduceat(log_odds, starts_of(left))
    width = WIDTH * decided.uncertainty
    sums = [
        [float(sigmoid(some + np.float32(off)).sum()) for some in (decided.log_odds[pairs], best)]
        for off in (-width, 0.0, width)
    ]
    precision = [round(of_pairs / len(pairs), 4) for of_pairs, _ in sums]
    recall = [round(min(1.0, of_pairs / max(of_best, 1e-9)), 4) for of_pairs, of_best in sums]
    return precision, recall


def _place(nodes: Nodes) -> Integers:
    """Rows numbered by their node, which is by text, then by position, (n_rows,); -1 without a node.

    Which of several best assignments is taken hangs on these numbers, and so on the texts.
    """
    order, _ = _rows_of_nodes(nodes)
    place = np.full(len(nodes.node_of_row), -1, dtype=np.int64)
    place[order] = np.arange(len(order))
    return place


def _each_row_once(left: Integers, right: Integers, value: Floats, sure: Bools) -> tuple[Integers, int]:
    """Choose row pairs so that no row is used twice: equal texts first, then the best total of the rest.

    The value of a pair is what it scores above the threshold, so that two links at the threshold do not
    outweigh one far above it. An equal text is given up for no better total.
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
    """The row that the left row of each link would have taken next, -1 for none, and its score."""
    candidates = fused.candidates
    place = np.searchsorted(ranking.nodes, candidates.left[pair])
    following = np.where(ranking.best[place] == pair, ranking.second[place], ranking.best[place])
    order, starts = _rows_of_nodes(nodes[1])
    row = np.full(len(pair), -1, dtype=np.int64)
    score = np.full(len(pair), np.nan, dtype=np.float32)
    has = following >= 0
    row[has] = order[starts[candidates.right[following[has]]]]
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
    """All row pairs of the given node pairs, as far as `validate` can use them, and the pair of each."""
    (order_a, starts_a), (order_b, starts_b) = (_rows_of_nodes(side) for side in nodes)
    a, b = fused.candidates.left[pairs], fused.candidates.right[pairs]
    n_a, n_b = starts_a[a + 1] - starts_a[a], starts_b[b + 1] - starts_b[b]
    if validate == "m:1":
        n_b = np.ones_like(n_b)
    elif validate == "1:m":
        n_a = np.ones_like(n_a)
    straight = (n_a * n_b > MOST_COPIES) if validate == "1:1" else np.zeros(len(pairs), dtype=bool)
    count = np.where(straight, np.minimum(n_a, n_b), n_a * n_b)
    at = np.repeat(np.arange(len(pairs)), count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    in_a = np.where(straight[at], place, place // n_b[at])
    in_b = np.where(straight[at], place, place % n_b[at])
    return order_a[starts_a[a[at]] + in_a], order_b[starts_b[b[at]] + in_b], pairs[at]


def _rows_of_nodes(nodes: Nodes) -> tuple[Integers, Integers]:
    """Rows in order of node, and where each node's rows start, (n_nodes + 1,)."""
    order = np.argsort(nodes.node_of_row, kind="stable")
    order = order[nodes.node_of_row[order] >= 0]
    return order, np.searchsorted(nodes.node_of_row[order], np.arange(len(nodes) + 1))


def _reasons(
    nodes: tuple[Nodes, Nodes],
    side: int,
    fused: Fused,
    linked: tuple[Integers, Integers],
    ranking: Ranking,
    lowest: float | None,
) -> NDArray[np.int8]:
    """The `Reason` of each row of one side, (n_rows,): `linked` are rows and pairs."""
    own, n = nodes[side], len(nodes[side])
    node, (rows, pairs) = own.node_of_row, linked
    of_pair = (fused.candidates.left, fused.candidates.right)[side]
    has_candidate, has_link = np.zeros(n + 1, dtype=bool), np.zeros(n + 1, dtype=bool)
    has_candidate[of_pair] = True
    has_link[of_pair[pairs]] = True
    shares_block = np.append(np.isin(own.block, nodes[1 - side].block), False)
    best = np.full(n + 1, -np.inf, dtype=np.float32)
    best[ranking.nodes] = fused.score[ranking.best]
    reason = np.full(len(node), Reason.ANOTHER_NEARER, dtype=np.int8)
    if lowest is not None:
        reason[best[node] < np.float32(lowest)] = Reason.BELOW_THRESHOLD
    reason[has_link[node]] = Reason.MATCH_HAS_BETTER
    reason[~has_candidate[node]] = Reason.NO_CANDIDATE
    reason[~shares_block[node]] = Reason.NO_ROW_IN_BLOCK if len(nodes[1 - side]) else Reason.NO_CANDIDATE
    reason[node < 0] = Reason.NO_KEY
    reason[rows] = Reason.LINKED
    return reason
