"""Which pair or row of links is explained: a link by its place, or rows by their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.decision.model import sigmoid
from linktransformer.results import explanation
from linktransformer.results.explanation import Pair
from linktransformer.tables.frames import Table
from linktransformer.tables.row_labels import rows_of_pairs

if TYPE_CHECKING:
    from linktransformer.results.links import Links

__all__ = ["of_labels", "of_link", "row_of"]

Columns = dict[str, NDArray[Any]]
NO_CANDIDATE = "not among the nearest candidates of either row"


def row_of(table: Table, label: Any, argument: str) -> int:
    """The row that has a label.

    Args:
        table: The table.
        label: An index label in pandas, a row number elsewhere.
        argument: In which argument it was given.

    Returns:
        The row.

    Raises:
        InvalidArgumentError: No row has it, or several have.
    """
    return int(rows_of_pairs(table, [(label, label)], argument)[0][0])


def of_link(links: Links, link: int) -> Columns:
    """Explain a link.

    Args:
        links: The links.
        link: The place of one of them.

    Returns:
        The columns.
    """
    row = int(links.runner_up[link])
    pair = Pair(
        (links.left, links.right),
        (links.details["left_on"], links.details["right_on"]),
        (int(links.left_rows[link]), int(links.right_rows[link])),
        float(links.score[link]),
        {name: float(seen[link]) for name, seen in links.views.items()},
        None,
        None if row < 0 else (row, float(links.runner_up_score[link])),
    )
    return explanation.of_pair(pair, links.evidence)


def of_labels(links: Links, left: Any, right: Any) -> Columns:
    """Explain a pair of rows, or a row.

    Args:
        links: The links.
        left: The label of a left row, None for none.
        right: The label of a right row, None for none.

    Returns:
        The columns.
    """
    rows = [
        None if label is None else row_of(table, label, name)
        for table, label, name in ((links.left, left, "left"), (links.right, right, "right"))
    ]
    those = np.ones(len(links), dtype=bool)
    for row, of in zip(rows, (links.left_rows, links.right_rows), strict=True):
        if row is not None:
            those &= of == row
    found = np.flatnonzero(those)
    if len(found):
        return of_link(links, int(found[np.argmax(links.score[found])]))
    if rows[0] is not None and rows[1] is not None:
        return _of_no_link(links, (rows[0], rows[1]))
    side = 0 if rows[1] is None else 1
    row = rows[side]
    if row is None:
        raise ValueError("no row")
    return explanation.of_unmatched(links, row, side, _why(links, row, side))


def _of_no_link(links: Links, rows: tuple[int, int]) -> Columns:
    """A pair that is no link: a candidate that was not taken, or no candidate at all."""
    evidence, score, views = links.evidence, None, {}
    reasons = [_why(links, row, side) for side, row in enumerate(rows)]
    state = f"no link: left row {reasons[0]}, right row {reasons[1]}"
    if evidence is not None:
        nodes = [np.array([evidence.nodes[side].node_of_row[row]]) for side, row in enumerate(rows)]
        at = int(evidence.find(nodes[0], nodes[1])[0]) if min(nodes)[0] >= 0 else -1
        if at >= 0:
            score = float(sigmoid(evidence.log_odds[[at]])[0])
            place = int(evidence.at[at])
            views = {name: float(of[place]) for name, of in evidence.searched.views.items()}
        elif min(nodes)[0] >= 0:
            blocks = [int(evidence.nodes[side].block[node[0]]) for side, node in enumerate(nodes)]
            state = "no link: their blocks differ" if blocks[0] != blocks[1] else f"no link: {NO_CANDIDATE}"
    tables, on = (links.left, links.right), (links.details["left_on"], links.details["right_on"])
    return explanation.of_pair(Pair(tables, on, rows, score, views, state), evidence)


def _why(links: Links, row: int, side: int) -> str:
    """Why a row has no link, or that it is linked to another one."""
    from linktransformer.results.links import REASONS, Reason

    code = int((links.left_reason, links.right_reason)[side][row])
    if code == Reason.LINKED:
        return "is linked to another row"
    lowest = links.details.get("threshold")
    return (
        f"{REASONS[code]} of {lowest:.3g}"
        if code == Reason.BELOW_THRESHOLD and lowest is not None
        else REASONS[code]
    )
