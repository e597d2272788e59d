"""The additive parts of the match probability of a pair of rows, as the columns of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import TypeAlias

import numpy as np

from linktransformer.arrays import Column, Doubles, Floats
from linktransformer.decision.job_evidence import LINES, JobEvidence
from linktransformer.errors import InvalidArgumentError
from linktransformer.search import lexical
from linktransformer.tables import frames, key_columns
from linktransformer.tables.frames import Table
from linktransformer.tables.normalize import normalize

__all__ = [
    "Columns",
    "Line",
    "Pair",
    "check_number",
    "columns_of",
    "label_of",
    "of_pair",
    "table_of",
    "views_at",
]

Columns: TypeAlias = dict[str, Column]
Lines: TypeAlias = Sequence[tuple[str | float | None, ...]]
DIGITS = 4  # of bits: the sum of a dozen is exact to less than a thousandth
ALWAYS = 6  # lines that every pair has; the others are shown where they add something
TEXTS = ("item", "left", "right", "runner_up", "reason")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the explanation of a pair.

    Args:
        item: A part of the explanation, such as a key column.
        left: The label or the cell of the left row.
        right: That of the right row.
        score: The match probability, or the similarity of the cells or rows, 0 to 1.
        match_weight: Match weight of such cells in the job, in bits.
        contribution: The part of the item in the log-odds of the match probability, in bits.
        runner_up: The label or the cell of the right row that would have been linked next.
        runner_up_score: `score` of that row.
        runner_up_contribution: `contribution` of that row.
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
    """A pair of rows to be explained.

    Args:
        tables: The left and the right table.
        on: Their key columns.
        rows: The left and the right row.
        score: The match probability, None for a pair that is not a candidate.
        views: The similarity in each view.
        state: Why they are not linked, None for a link.
        runner_up: Another right row and its score, None for none.
    """

    tables: tuple[Table, Table]
    on: tuple[list[str], list[str]]
    rows: tuple[int, int]
    score: float | None
    views: Mapping[str, float]
    state: str | None = None
    runner_up: tuple[int, float] | None = None

    @property
    def compared(self) -> list[tuple[int, int]]:
        """The pair, and that with the runner-up."""
        return [self.rows] + ([] if self.runner_up is None else [(self.rows[0], self.runner_up[0])])


@dataclass(frozen=True, slots=True, eq=False)
class _ColumnParts:
    """Parts of each key column, (n_columns, n_pairs) each; None where the part is not known."""

    similarity: Sequence[Sequence[float | None]] | None = None
    weights: Floats | None = None
    contributions: Doubles | None = None


def of_pair(pair: Pair, evidence: JobEvidence | None) -> Columns:
    """Explain a pair: a column for each field of `Line`, without those of the runner-up if there is none.

    Without evidence (None) there are similarities and no contributions.
    """
    lines = [_first_line(pair), *([] if pair.state is None else [Line(pair.state)])]
    views = [Line(f"{name} view", score=score) for name, score in pair.views.items()]
    if evidence is None:
        cells = zip(*(_cells(pair, rows) for rows in pair.compared), strict=True)
        cosines = [[_cosine(*cell) for cell in column] for column in cells]
        return columns_of([*lines, *_column_lines(pair, _ColumnParts(cosines)), *views])
    left, right = np.array(pair.compared, dtype=np.int64).T
    a, b = evidence.nodes[0].node_of_row[left], evidence.nodes[1].node_of_row[right]
    if min(a[0], b[0]) < 0:
        return columns_of([*lines, *_column_lines(pair, _ColumnParts())])
    compared = evidence.compare(a, b)
    at = evidence.find(a, b)
    parts = evidence.explain(at) if (at >= 0).all() else None
    contributions = None if parts is None else parts.columns.T
    of_columns = _ColumnParts(compared.similarity.T.tolist(), compared.weights.bits.T, contributions)
    lines += [*_column_lines(pair, of_columns), *views]
    if parts is None:
        cosine = evidence.cosine(int(a[0]), int(b[0]))
        return columns_of([*lines, Line("similarity of the n-grams", score=cosine)])
    for place, name in enumerate(LINES):
        bits = parts.lines[:, place]
        if place < ALWAYS or bits.round(DIGITS).any():
            runner_up = bits[1] if len(bits) > 1 else None
            lines.append(Line(name, contribution=bits[0], runner_up_contribution=runner_up))
    return columns_of(lines)


def _first_line(pair: Pair) -> Line:
    labels = [label_of(table, row) for table, row in zip(pair.tables, pair.rows, strict=True)]
    line = Line("pair", labels[0], labels[1], pair.score)
    if pair.runner_up is None:
        return line
    row, score = pair.runner_up
    return replace(line, runner_up=label_of(pair.tables[1], row), runner_up_score=score)


def _column_lines(pair: Pair, parts: _ColumnParts) -> list[Line]:
    """A line for each key column of both tables."""
    cells, *runner_up_cells = [_cells(pair, rows) for rows in pair.compared]
    lines = []
    for place, (left, right) in enumerate(key_columns.paired(*pair.on)):
        similarity = [None, None] if parts.similarity is None else parts.similarity[place]
        bits = [None, None] if parts.contributions is None else parts.contributions[place].tolist()
        weight = None if parts.weights is None else float(parts.weights[place][0])
        item = left if left == right else f"{left} / {right}"
        line = Line(item, *cells[place], similarity[0], weight, bits[0])
        if runner_up_cells:
            line = replace(
                line,
                runner_up=runner_up_cells[0][place][1],
                runner_up_score=similarity[1],
                runner_up_contribution=bits[1],
            )
        lines.append(line)
    return lines


def _cells(pair: Pair, rows: tuple[int, int]) -> list[tuple[str, str]]:
    """The cells of two rows in each key column of both tables, "" for a null."""
    left, right = (table.rows(np.array([row])) for table, row in zip(pair.tables, rows, strict=True))
    return [
        (str(frames.joined(left, [name], " ", False)[0]), str(frames.joined(right, [other], " ", False)[0]))
        for name, other in key_columns.paired(*pair.on)
    ]


def _cosine(left: str, right: str) -> float | None:
    """Cosine of the n-grams of two texts with equal weights; None where one is empty."""
    left, right = normalize(left), normalize(right)
    if not left or not right:
        return None
    view = lexical.fit([left], [right])
    return float((view.left @ view.right.T).toarray()[0, 0])


def views_at(evidence: JobEvidence, position: int) -> dict[str, float]:
    """The similarity in each view of a described candidate."""
    at = int(evidence.at[position])
    return {name: float(similarity[at]) for name, similarity in evidence.searched.views.items()}


def label_of(table: Table, row: int) -> str:
    """The label of a row as text: the index label in pandas, the row number elsewhere."""
    return str(frames.index_labels(table, np.array([row])).tolist()[0])


def check_number(value: int, n: int, message: str) -> int:
    """Raise InvalidArgumentError(message) unless 0 <= value < n; the value otherwise."""
    if isinstance(value, bool) or value not in range(n):
        raise InvalidArgumentError(f"{message} {f'There are 0 to {n - 1}.' if n else 'There are none.'}")
    return int(value)


def columns_of(lines: Sequence[Line]) -> Columns:
    """The fields of lines as columns; without those of the runner-up if there is none."""
    names = [field.name for field in fields(Line)]
    columns = table_of(names, [astuple(line) for line in lines])
    if lines[0].runner_up is None:
        return {name: column for name, column in columns.items() if not name.startswith("runner_up")}
    return columns


def table_of(names: Sequence[str], lines: Lines) -> Columns:
    """Lines as columns: texts as objects, numbers as float64, bits to four decimals; None for null."""
    return {name: _column(name, [line[place] for line in lines]) for place, name in enumerate(names)}


def _column(name: str, values: Sequence[str | float | None]) -> Column:
    if name in TEXTS:
        return np.fromiter([value or None for value in values], dtype=object, count=len(values))
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return numbers.round(DIGITS) if "score" not in name else numbers
