"""The answers of reviewers in an SQLite file: several processes may write, and a crash loses none."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.answered_pairs import STANDING, SUFFIX, AnsweredPairs, Standing, clear_answers

__all__ = ["ANSWERS", "Answer", "Answers"]

ANSWERS = ("yes", "no", "unsure")
WAIT = 30.0  # seconds that a writer waits for another one
HELD = 180.0  # seconds for which a pair that one reviewer sees is not given to another one
_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    action TEXT NOT NULL,
    left_label TEXT NOT NULL,
    right_label TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (answer IN ('yes', 'no', 'unsure')),
    reviewer TEXT NOT NULL,
    time TEXT NOT NULL,
    probability REAL,
    why TEXT NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS held (
    left_label TEXT NOT NULL,
    right_label TEXT NOT NULL,
    holder TEXT NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (left_label, right_label)
);
CREATE INDEX IF NOT EXISTS answers_of_pair ON answers (left_label, right_label, undone);
CREATE INDEX IF NOT EXISTS answers_of_reviewer ON answers (reviewer, undone, id);
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a reviewer for a pair of rows.

    Args:
        left: The label of the left row as text: the index label in pandas, the row number elsewhere.
        right: That of the right row.
        answer: "yes", "no" or "unsure".
        reviewer: Who answered.
        probability: The match probability when it was asked, None where it was not known.
        why: Why it was asked.
    """

    left: str
    right: str
    answer: str
    reviewer: str = ""
    probability: float | None = None
    why: str = ""


class Answers:
    """A file of answers.

    Args:
        path: The file, made with the first answer.

    Raises:
        InvalidArgumentError: The path ends otherwise than .sqlite, is that of another kind of file, or its
            folder is not there.

    Example:
        >>> import tempfile
        >>> answers = Answers(Path(tempfile.mkdtemp()) / "answers.sqlite")
        >>> answers.add(Answer("0", "3", "yes", "ann"))
        >>> answers.add(Answer("1", "2", "no", "ann"))
        >>> answers.undo("ann")
        1
        >>> answers.labels().left, answers.count()
        (('0',), {'yes': 1, 'no': 0, 'unsure': 0})
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.suffix != SUFFIX:
            raise InvalidArgumentError(
                f"answers={str(path)!r} is not a .sqlite file. Give such as answers.sqlite."
            )
        if not self.path.parent.is_dir():
            raise InvalidArgumentError(
                f"answers={str(path)!r}: there is no folder {str(self.path.parent)!r}."
            )

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {answer}" for answer, n in self.count().items())
        return f"Answers({str(self.path)!r}: {counts})"

    def add(self, *answers: Answer) -> None:
        """Write answers that were given by one action, all or none; `undo` takes them back together.

        Args:
            *answers: They are on disk when this returns.

        Raises:
            InvalidArgumentError: An answer is not "yes", "no" or "unsure".
        """
        wrong = [one.answer for one in answers if one.answer not in ANSWERS]
        if wrong:
            raise InvalidArgumentError(f"answer={wrong[0]!r} is not one of {', '.join(map(repr, ANSWERS))}.")
        action, now = uuid.uuid4().hex, datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        lines = [(action, a.left, a.right, a.answer, a.reviewer, now, a.probability, a.why) for a in answers]
        with self._open() as connection:
            connection.executemany(
                "INSERT INTO answers (action, left_label, right_label, answer, reviewer, time, probability, "
                "why) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                lines,
            )

    def undo(self, reviewer: str = "") -> int:
        """Mark the answers of a reviewer's last action as undone.

        Args:
            reviewer: Whose.

        Returns:
            How many answers, 0 where none is left.
        """
        with self._open() as connection:
            return connection.execute(
                "UPDATE answers SET undone = 1 WHERE undone = 0 AND action = (SELECT action FROM answers "
                "WHERE reviewer = ? AND undone = 0 ORDER BY id DESC LIMIT 1)",
                (reviewer,),
            ).rowcount

    def last(self, reviewer: str = "") -> tuple[str, str] | None:
        """Find the pair that a reviewer answered last.

        Args:
            reviewer: The name that is written with the answers.

        Returns:
            Its left and right label, None where there is no answer.
        """
        with self._open() as connection:
            found = connection.execute(
                "SELECT left_label, right_label FROM answers WHERE reviewer = ? AND undone = 0 "
                "ORDER BY id DESC LIMIT 1",
                (reviewer,),
            ).fetchone()
        return None if found is None else (found[0], found[1])

    def claim(self, pairs: Sequence[tuple[str, str]], holder: str) -> int | None:
        """Hold the first of some pairs that nobody answered and nobody else holds, for three minutes.

        Args:
            pairs: Left and right label of each.
            holder: Who holds it, alike for no two reviewers of any process; what they held before is free.

        Returns:
            The position of the pair, None where there is none.
        """
        now = time.time()
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")  # other processes wait until it is written
            connection.execute("DELETE FROM held WHERE until < ? OR holder = ?", (now, holder))
            for place, pair in enumerate(pairs):  # few
                taken = connection.execute(
                    "SELECT 1 FROM held WHERE left_label = ? AND right_label = ? UNION ALL SELECT 1 "
                    "FROM answers WHERE left_label = ? AND right_label = ? AND undone = 0 LIMIT 1",
                    (*pair, *pair),
                ).fetchone()
                if taken is None:
                    connection.execute("INSERT INTO held VALUES (?, ?, ?, ?)", (*pair, holder, now + HELD))
                    return place
        return None

    def version(self) -> tuple[int, int]:
        """A value that changes with every answer and every undo."""
        with self._open() as connection:
            found = connection.execute("SELECT count(*), total(undone) FROM answers").fetchone()
        return int(found[0]), int(found[1])

    def standing(self) -> list[Standing]:
        """List the last answer of each reviewer for each pair.

        Returns:
            Left label, right label, answer and reviewer of each.
        """
        with self._open() as connection:
            return connection.execute(STANDING).fetchall()

    def labels(self) -> AnsweredPairs:
        """The pairs whose answers can be learned from, in the order of their answers.

        Returns:
            The pairs that somebody answered with yes or no, and about which no two reviewers disagree; and
            counts of the others.
        """
        return clear_answers(self.standing())

    def count(self) -> dict[str, int]:
        """Count the answers, each reviewer's last one for a pair.

        Returns:
            By answer, such as "yes", how many.
        """
        given = [answer for _, _, answer, _ in self.standing()]
        return {answer: given.count(answer) for answer in ANSWERS}

    def about(self, **values: str) -> Mapping[str, str]:
        """Read the notes on the tables that the file holds, and add those that it lacks.

        Args:
            **values: Notes by name; one that the file has already is not changed.

        Returns:
            All notes of the file.
        """
        with self._open() as connection:
            connection.executemany("INSERT OR IGNORE INTO about VALUES (?, ?)", values.items())
            return dict(connection.execute("SELECT name, value FROM about").fetchall())

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection within a transaction; closing the last one leaves a single file."""
        try:
            with closing(sqlite3.connect(self.path, timeout=WAIT)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                if not self._has_tables(connection):
                    connection.executescript(_TABLES)
                with connection:
                    yield connection
        except sqlite3.DatabaseError as error:
            raise InvalidArgumentError(
                f"answers={str(self.path)!r} cannot be used: {error}. Give a file of answers, or a new name."
            ) from error

    @staticmethod
    def _has_tables(connection: sqlite3.Connection) -> bool:
        names: Sequence[tuple[str]] = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('about', 'answers', 'held')"
        ).fetchall()
        return len(names) == 3
