"""Explanation of a link, of a pair that is not a link, or of an unlinked row."""

from __future__ import annotations

import numpy as np

from linktransformer.decision.model import sigmoid
from linktransformer.results import pair_explanation
from linktransformer.results.link_values import REASONS, LinkValues, Reason
from linktransformer.results.pair_explanation import Columns, Pair, label_of
from linktransformer.tables.row_labels import Label, rows_of_pairs

__all__ = ["of_labels", "of_link"]

NEAREST = 5  # candidates of an unlinked row
NO_CANDIDATE = "not among the nearest candidates of either row"


def of_link(links: LinkValues, link: int) -> Columns:
    """Explain a link by its position."""
    row = int(links.runner_up[link])
    pair = Pair(
        (links.left, links.right),
        (links.details["left_on"], links.details["right_on"]),
        (int(links.left_rows[link]), int(links.right_rows[link])),
        float(links.score[link]),
        {name: float(similarity[link]) for name, similarity in links.views.items()},
        None,
        None if row < 0 else (row, float(links.runner_up_score[link])),
    )
    return pair_explanation.of_pair(pair, links.evidence)


def of_labels(links: LinkValues, left: Label, right: Label) -> Columns:
    """Explain a pair of rows, or one row, by their labels; None for no row of that side."""
    rows = [
        None if label is None else int(rows_of_pairs(table, [(label, label)], name)[0][0])
        for table, label, name in ((links.left, left, "left"), (links.right, right, "right"))
    ]
    matches = np.ones(len(links), dtype=bool)
    for row, link_rows in zip(rows, (links.left_rows, links.right_rows), strict=True):
        if row is not None:
            matches &= link_rows == row
    positions = np.flatnonzero(matches)
    if len(positions):
        return of_link(links, int(positions[np.argmax(links.score[positions])]))
    if rows[0] is not None and rows[1] is not None:
        return _of_no_link(links, (rows[0], rows[1]))
    side = 0 if rows[1] is None else 1
    row = rows[side]
    if row is None:
        raise ValueError("no row")
    return _of_unlinked(links, row, side)


def _of_no_link(links: LinkValues, rows: tuple[int, int]) -> Columns:
    """A pair that is not a link: a candidate that was not chosen, or no candidate."""
    evidence, score, views = links.evidence, None, {}
    reasons = [_reason(links, row, side) for side, row in enumerate(rows)]
    state = f"no link: left row {reasons[0]}, right row {reasons[1]}"
    if evidence is not None:
        left, right = (np.array([evidence.nodes[side].node_of_row[row]]) for side, row in enumerate(rows))
        has_keys = min(left[0], right[0]) >= 0
        position = int(evidence.find(left, right)[0]) if has_keys else -1
        if position >= 0:
            score = float(sigmoid(evidence.log_odds[[position]])[0])
            views = pair_explanation.views_at(evidence, position)
        elif has_keys:
            same_block = evidence.nodes[0].block[left[0]] == evidence.nodes[1].block[right[0]]
            state = f"no link: {NO_CANDIDATE}" if same_block else "no link: their blocks differ"
    tables, on = (links.left, links.right), (links.details["left_on"], links.details["right_on"])
    return pair_explanation.of_pair(Pair(tables, on, rows, score, views, state), evidence)


def _reason(links: LinkValues, row: int, side: int) -> str:
    """Why a row has no link, or that it is linked to another one."""
    code = int((links.left_reason, links.right_reason)[side][row])
    if code == Reason.LINKED:
        return "is linked to another row"
    threshold = links.details.get("threshold")
    if code == Reason.BELOW_THRESHOLD and threshold is not None:
        return f"{REASONS[code]} of {threshold:.3g}"
    return REASONS[code]


def _of_unlinked(links: LinkValues, row: int, side: int) -> Columns:
    """An unlinked row with its reason, then its best candidates with theirs."""
    tables = (links.left, links.right)
    label = label_of(tables[side], row)
    lines: list[tuple[str | float | None, ...]] = [
        ("unmatched row", *_in_order(label, None, side), None, _reason(links, row, side))
    ]
    evidence = links.evidence
    node = -1 if evidence is None else int(evidence.nodes[side].node_of_row[row])
    if evidence is not None and node >= 0:
        positions = evidence.candidates_of(node, side)[:NEAREST]
        scores = sigmoid(evidence.log_odds[positions]).tolist()
        others = (evidence.right, evidence.left)[side][positions]
        for other, score in zip(others.tolist(), scores, strict=True):
            candidate = int(np.flatnonzero(evidence.nodes[1 - side].node_of_row == other)[0])
            labels = _in_order(label, label_of(tables[1 - side], candidate), side)
            lines.append(("candidate", *labels, score, _candidate_reason(links, candidate, 1 - side, score)))
    return pair_explanation.table_of(("item", "left", "right", "score", "reason"), lines)


def _in_order(label: str, other: str | None, side: int) -> tuple[str | None, str | None]:
    """Left, right: a label of a row of `side` and one of the other side."""
    return (label, other) if side == 0 else (other, label)


def _candidate_reason(links: LinkValues, row: int, side: int, score: float) -> str:
    """Why a candidate was not linked."""
    threshold = links.details.get("threshold")
    if threshold is not None and score < threshold - 1e-6:
        return f"below the threshold of {threshold:.3g}"
    rows, other_rows = (links.left_rows, links.right_rows)[:: 1 if side == 0 else -1]
    own_links = np.flatnonzero(rows == row)
    if not len(own_links):
        return "not chosen"
    best = int(own_links[np.argmax(links.score[own_links])])
    other = label_of((links.right, links.left)[side], int(other_rows[best]))
    return f"linked to {other}, with {float(links.score[best]):.3g}"
