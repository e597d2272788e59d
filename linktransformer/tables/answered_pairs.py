"""Labels of pairs of rows from a file of answers, as `linktransformer.review` writes it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames
from linktransformer.tables.frames import Table
from linktransformer.tables.pair_labels import Ids
from linktransformer.tables.row_labels import Label

__all__ = ["STANDING", "SUFFIX", "AnsweredPairs", "Standing", "answered_pairs", "clear_answers", "path_of"]

SUFFIX = ".sqlite"
# of each pair the last answer of each reviewer that was not undone
STANDING = """
SELECT left_label, right_label, answer, reviewer FROM answers WHERE id IN (
    SELECT max(id) FROM answers WHERE undone = 0 GROUP BY left_label, right_label, reviewer
) ORDER BY id
"""
Standing = tuple[str, str, str, str]  # left label, right label, answer, reviewer


@dataclass(frozen=True, slots=True)
class AnsweredPairs:
    """The pairs whose answers can be learned from.

    Args:
        left: Labels of left rows.
        right: Labels of right rows.
        match: Whether they are one.
        unsure: How many pairs were left out because nobody was sure.
        disputed: How many were left out because one reviewer said yes and another one no.
    """

    left: tuple[Label, ...]
    right: tuple[Label, ...]
    match: tuple[bool, ...]
    unsure: int
    disputed: int

    @property
    def triples(self) -> list[tuple[Label, Label, int]]:
        """Left label, right label, and 1 or 0."""
        return list(zip(self.left, self.right, map(int, self.match), strict=True))


def path_of(labels: object) -> Path | None:
    """The path if labels are given as that of a file of answers, None otherwise."""
    path = Path(labels) if isinstance(labels, (str, os.PathLike)) else None
    return path if path is not None and path.suffix == SUFFIX else None


def clear_answers(standing: Iterable[Standing]) -> AnsweredPairs:
    """The pairs that somebody answered with yes or no, and on which no two reviewers disagree.

    Example:
        >>> lines = [("0", "3", "yes", "ann"), ("0", "3", "unsure", "bob"), ("1", "2", "unsure", "ann")]
        >>> clear_answers(lines).triples
        [('0', '3', 1)]
    """
    verdicts: dict[tuple[str, str], set[str]] = {}
    for left, right, answer, _ in standing:
        verdicts.setdefault((left, right), set()).add(answer)
    clear = {pair: answers - {"unsure"} for pair, answers in verdicts.items()}
    used = {pair: answers == {"yes"} for pair, answers in clear.items() if len(answers) == 1}
    return AnsweredPairs(
        tuple(left for left, _ in used),
        tuple(right for _, right in used),
        tuple(used.values()),
        sum(not answers for answers in clear.values()),
        sum(len(answers) > 1 for answers in clear.values()),
    )


def answered_pairs(path: Path, tables: tuple[Table, Table], argument: str, ids: Ids) -> AnsweredPairs:
    """The answers of a file with the labels of the tables, whose texts the file has.

    Args:
        path: The file.
        tables: The left and the right table; one table twice for pairs within it.
        argument: The caller's name of the file.
        ids: Columns that identify rows: none, since the file has index labels or row numbers.

    Raises:
        InvalidArgumentError: There is no such file, it is of another kind, `ids` names columns, or the file
            names rows that the tables do not have.
    """
    if ids != Ids():
        raise InvalidArgumentError(
            f"{argument}={str(path)!r} names rows by index label in pandas and by row number elsewhere. "
            "Leave out left_id, right_id and label."
        )
    about, standing = _read(path, argument)
    kind = "clusters" if tables[0] is tables[1] else "links"
    if about.get("kind", kind) != kind:
        raise InvalidArgumentError(
            f"{argument}={str(path)!r} holds answers about {about['kind']}. Give "
            f"{'one table' if kind == 'links' else 'both tables'} with it."
        )
    clear = clear_answers(standing)
    left, right = (
        _labels(table, texts, f"{argument}={str(path)!r}")
        for table, texts in zip(tables, (clear.left, clear.right), strict=True)
    )
    return replace(clear, left=left, right=right)


def _read(path: Path, argument: str) -> tuple[dict[str, str], list[Standing]]:
    """What a file says of its tables, and its standing answers."""
    if not path.is_file():
        raise InvalidArgumentError(
            f"{argument}={str(path)!r} is not there. Give the file of answers that `links.review` wrote, or "
            "labelled pairs."
        )
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            about = dict(connection.execute("SELECT name, value FROM about").fetchall())
            return about, connection.execute(STANDING).fetchall()
    except sqlite3.DatabaseError as error:
        raise InvalidArgumentError(
            f"{argument}={str(path)!r} is not a file of answers: {error}. Give one that `links.review` wrote."
        ) from error


def _labels(table: Table, texts: tuple[str, ...], argument: str) -> tuple[Label, ...]:
    """The labels with these texts."""
    labels = frames.index_labels(table, np.arange(table.n_rows)).tolist()
    of_text = dict(zip(map(str, labels), labels, strict=True))
    if len(of_text) < len(labels):
        raise InvalidArgumentError(
            f"{argument}: the index labels of {table.called} repeat: an answer does not say which row is "
            f"meant. Give {table.name}.reset_index(drop=True)."
        )
    unknown = [text for text in texts if text not in of_text]
    if unknown:
        raise InvalidArgumentError(
            f"{argument} names {unknown[0]!r}, the label of no row of {table.called}. Give the tables that "
            "were reviewed."
        )
    return tuple(of_text[text] for text in texts)
