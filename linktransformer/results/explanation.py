"""What adds up to the match probability of a pair, and why a row has no link, as the columns of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.decision.job_evidence import LINES, JobEvidence
from linktransformer.decision.model import sigmoid
from linktransformer.search import lexical
from linktransformer.tables import frames, key_columns
from linktransformer.tables.frames import Table
from linktransformer.tables.normalize import normalize

if TYPE_CHECKING:
    from linktransformer.results.links import Links

__all__ = ["Line", "Pair", "array", "columns_of", "label_of", "of_pair", "of_unmatched"]

Rows = Sequence[tuple[int, int]]
DIGITS = 4  # of bits: the sum of a dozen is exact to less than a thousandth
NEAREST = 5  # candidates of an unmatched row
ALWAYS = 6  # lines that every pair has; the others are shown where they add something
TEXTS = ("item", "left", "right", "runner_up", "reason")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the explanation of a pair.

    Args:
        item: What it is about.
        left: The label or the cell of the left row.
        right: That of the right row.
        score: The match probability, or how similar the cells or the rows are, 0 to 1.
        match_weight: What such cells are worth in the job, in bits.
        contribution: What it adds to the log-odds of the match probability, in bits.
        runner_up: The label or the cell of the row that would have been taken next.
        runner_up_score: The match probability of that row, or how similar its cell or the row is, 0 to 1.
        runner_up_contribution: What the item adds to the log-odds of that row, in bits.
    """

    item: str
    left: str | None = None
    right: str | None = None
    score: float | None = None
    match_weight: float | None = None
    contribution: float | None = None
    runner_up: str | None = None
    runner_up_score: float | None = None
    runner_up_contribution: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A pair of rows that is to be explained.

    Args:
        tables: The left and the right table.
        on: Their key columns.
        rows: The left and the right row.
        score: The match probability, None for a pair that is no candidate.
        views: How similar they are in each view.
        state: Why they are no link, None for a link.
        runner_up: Another right row and its score, None for none.
    """

    tables: tuple[Table, Table]
    on: tuple[list[str], list[str]]
    rows: tuple[int, int]
    score: float | None
    views: Mapping[str, float]
    state: str | None = None
    runner_up: tuple[int, float] | None = None


def of_pair(pair: Pair, evidence: JobEvidence | None) -> dict[str, NDArray[Any]]:
    """Explain a pair.

    Args:
        pair: The pair.
        evidence: What was kept of its job, None for nothing: then nothing adds up.

    Returns:
        A column for each field of `Line`; without those of the runner-up where there is none.
    """
    rows = [pair.rows] if pair.runner_up is None else [pair.rows, (pair.rows[0], pair.runner_up[0])]
    labels = label_of(pair.tables[0], pair.rows[0]), label_of(pair.tables[1], pair.rows[1])
    lines = [Line("pair", labels[0], labels[1], pair.score)]
    if pair.runner_up is not None:
        row, score = pair.runner_up
        lines = [replace(lines[0], runner_up=label_of(pair.tables[1], row), runner_up_score=score)]
    if pair.state is not None:
        lines.append(Line(pair.state))
    left = np.array([one for one, _ in rows], dtype=np.int64)
    right = np.array([other for _, other in rows], dtype=np.int64)
    if evidence is None:
        cells = zip(*(_cells(pair, one) for one in rows), strict=True)
        lines += _columns(pair, rows, [[_cosine(*cell) for cell in of] for of in cells], None, None)
        return columns_of([*lines, *_views(pair)])
    a, b = evidence.nodes[0].node_of_row[left], evidence.nodes[1].node_of_row[right]
    if min(a[0], b[0]) < 0:
        return columns_of([*lines, *_columns(pair, rows, None, None, None)])
    seen = evidence.compare(a, b)
    at = evidence.find(a, b)
    parts = evidence.explain(at) if (at >= 0).all() else None
    columns = None if parts is None else parts.columns
    lines += _columns(pair, rows, seen.similarity.T.tolist(), seen.weights.bits.T, columns)
    lines += _views(pair)
    if parts is None:
        return columns_of(
            [*lines, Line("similarity of the n-grams", score=evidence.cosine(int(a[0]), int(b[0])))]
        )
    for place, name in enumerate(LINES):
        of = parts.lines[:, place]
        if place < ALWAYS or of.round(DIGITS).any():
            lines.append(
                Line(name, contribution=of[0], runner_up_contribution=of[1] if len(of) > 1 else None)
            )
    return columns_of(lines)


def of_unmatched(links: Links, row: int, side: int, reason: str) -> dict[str, NDArray[Any]]:
    """Say why a row has no link.

    Args:
        links: The links.
        row: The row.
        side: 0 for a left, 1 for a right row.
        reason: Why.

    Returns:
        Columns item, left, right, score and reason: the row, then its best candidates with their match
        probabilities and what became of them.
    """
    tables = (links.left, links.right)
    own = label_of(tables[side], row)
    lines = [("unmatched row", *((own, None) if side == 0 else (None, own)), None, reason)]
    evidence = links.evidence
    node = -1 if evidence is None else int(evidence.nodes[side].node_of_row[row])
    if evidence is not None and node >= 0:
        at = evidence.candidates_of(node, side)[:NEAREST]
        p = sigmoid(evidence.log_odds[at])
        others = ((evidence.right, evidence.left)[side])[at]
        for other, score in zip(others.tolist(), p.tolist(), strict=True):
            near = int(np.flatnonzero(evidence.nodes[1 - side].node_of_row == other)[0])
            label = label_of(tables[1 - side], near)
            pair = (own, label) if side == 0 else (label, own)
            lines.append(("candidate", *pair, score, _fate(links, near, 1 - side, score)))
    names = ("item", "left", "right", "score", "reason")
    return {name: array(name, [line[place] for line in lines]) for place, name in enumerate(names)}


def _fate(links: Links, row: int, side: int, score: float) -> str:
    """Why a candidate was not taken."""
    lowest = links.details.get("threshold")
    if lowest is not None and score < lowest - 1e-6:
        return f"below the threshold of {lowest:.3g}"
    mine, theirs = (links.left_rows, links.right_rows) if side == 0 else (links.right_rows, links.left_rows)
    taken = np.flatnonzero(mine == row)
    if not len(taken):
        return "not chosen"
    best = int(taken[np.argmax(links.score[taken])])
    other = label_of((links.right, links.left)[side], int(theirs[best]))
    return f"linked to {other}, with {float(links.score[best]):.3g}"


def _columns(pair: Pair, rows: Rows, similarity: Any, weights: Any, contributions: Any) -> list[Line]:
    """A line for each key column of both tables; of what is None nothing is known."""
    here = _cells(pair, rows[0])
    beside = _cells(pair, rows[1]) if len(rows) > 1 else None
    lines = []
    for place, (left, right) in enumerate(key_columns.paired(*pair.on)):
        bits = None if contributions is None else contributions[:, place].tolist()
        line = Line(
            left if left == right else f"{left} / {right}",
            *here[place],
            None if similarity is None else similarity[place][0],
            None if weights is None else float(weights[place][0]),
            None if bits is None else bits[0],
        )
        if beside is not None:
            line = replace(
                line,
                runner_up=beside[place][1],
                runner_up_score=None if similarity is None else similarity[place][1],
                runner_up_contribution=None if bits is None else bits[1],
            )
        lines.append(line)
    return lines


def _cells(pair: Pair, rows: tuple[int, int]) -> list[tuple[str, str]]:
    """The cells of two rows in each key column of both tables, "" for a null."""
    two = [
        frames.wrap(frames.take(table, np.array([row])), table.name)
        for table, row in zip(pair.tables, rows, strict=True)
    ]
    return [
        (
            str(frames.joined(two[0], [left], " ", False)[0]),
            str(frames.joined(two[1], [right], " ", False)[0]),
        )
        for left, right in key_columns.paired(*pair.on)
    ]


def _views(pair: Pair) -> list[Line]:
    return [Line(f"{name} view", score=score) for name, score in pair.views.items()]


def _cosine(left: str, right: str) -> float | None:
    """Of the n-grams of two texts, all n-grams weighing alike; None where one is missing."""
    left, right = normalize(left), normalize(right)
    if not left or not right:
        return None
    view = lexical.fit([left], [right])
    return float((view.left @ view.right.T).toarray()[0, 0])


def label_of(table: Table, row: int) -> str:
    """What a row is called, as text.

    Args:
        table: The table.
        row: The row.

    Returns:
        The index label in pandas, the row number elsewhere.
    """
    return str(frames.index_labels(table, np.array([row])).tolist()[0])


def columns_of(lines: Sequence[Line]) -> dict[str, NDArray[Any]]:
    """Turn lines into columns.

    Args:
        lines: The lines, at least one.

    Returns:
        A column for each field; without those of the runner-up where there is none.
    """
    names = [of.name for of in fields(Line)]
    values = list(zip(*map(astuple, lines), strict=True))
    found = {name: array(name, list(of)) for name, of in zip(names, values, strict=True)}
    if lines[0].runner_up is None:
        return {name: of for name, of in found.items() if not name.startswith("runner_up")}
    return found


def array(name: str, values: list[Any]) -> NDArray[Any]:
    """A column of an explanation.

    Args:
        name: Its name.
        values: Texts, or numbers; None for null.

    Returns:
        Texts as objects; numbers as float64, bits to four decimals.
    """
    if name in TEXTS:
        return np.fromiter([value or None for value in values], dtype=object, count=len(values))
    found = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return found.round(DIGITS) if "score" not in name else found
