"""The file of answers: what counts, undo, several processes, and a process that is killed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.review.answers import HELD, Answer, Answers

WRITER = """
import sys
from linktransformer.review.answers import Answer, Answers
answers = Answers(sys.argv[1])
for number in range(int(sys.argv[3])):
    answers.add(Answer(str(number), "0", "yes", sys.argv[2]))
    print(number, flush=True)
"""


def writer(path: Path, name: str, n: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(n)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True)


def test_the_last_answer_of_each_reviewer_counts(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "a.sqlite")
    answers.add(Answer("1", "1", "yes", "ann"))
    answers.add(Answer("1", "1", "no", "ann"))
    answers.add(Answer("2", "2", "yes", "ann"), Answer("3", "3", "unsure", "ann"))
    answers.add(Answer("2", "2", "no", "bob"))
    answers.add(Answer("3", "3", "yes", "bob"), Answer("4", "4", "unsure", "bob"))
    labels = answers.labels()
    assert (labels.left, labels.right, labels.match) == (("1", "3"), ("1", "3"), (False, True))
    assert (labels.unsure, labels.disputed) == (1, 1)
    assert answers.count() == {"yes": 2, "no": 2, "unsure": 2}


def test_undo_takes_back_a_whole_action_of_one_reviewer(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "a.sqlite")
    answers.add(Answer("1", "1", "yes", "ann"))
    answers.add(Answer("1", "1", "no", "ann"), Answer("2", "2", "no", "ann"))
    answers.add(Answer("3", "3", "yes", "bob"))
    assert answers.last("ann") == ("2", "2")
    assert answers.undo("ann") == 2
    assert answers.labels().match == (True, True) and answers.labels().left == ("1", "3")
    assert answers.undo("ann") == 1 and answers.undo("ann") == 0
    assert answers.labels().left == ("3",)
    with sqlite3.connect(answers) as connection:  # undone answers stay in the file
        assert connection.execute("SELECT count(*), sum(undone) FROM answers").fetchone() == (4, 3)
    connection.close()


def test_several_processes_write_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    running = [writer(path, name, 25) for name in ("ann", "bob", "cy")]
    assert [process.communicate(timeout=120)[0].count("\n") for process in running] == [25] * 3
    assert Answers(path).count()["yes"] == 75


def test_what_was_written_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with writer(path, "ann", 10_000) as process:
        written = [process.stdout.readline() for _ in range(20)]
        process.kill()
    assert len(written) == 20
    n = Answers(path).count()["yes"]
    assert n >= 20
    Answers(path).add(Answer("x", "y", "no"))
    assert Answers(path).count() == {"yes": n, "no": 1, "unsure": 0}


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    for name in ("answers.csv", "nowhere/answers.sqlite"):
        with pytest.raises(InvalidArgumentError, match="answers="):
            Answers(tmp_path / name)
    other = tmp_path / "text.sqlite"
    other.write_text("left,right\n1,2\n" * 100)
    with pytest.raises(InvalidArgumentError, match="cannot be used"):
        Answers(other).count()
    assert other.read_text().startswith("left")
    with pytest.raises(InvalidArgumentError, match="'perhaps'"):
        Answers(tmp_path / "a.sqlite").add(Answer("1", "2", "perhaps"))


def test_the_file_says_what_it_is_about(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "a.sqlite")
    assert answers.about(kind="links") == {"kind": "links"}
    assert answers.about(kind="clusters") == {"kind": "links"}


def test_a_pair_is_held_by_one_and_free_when_it_is_answered_or_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "answers.sqlite"
    pairs = [("0", "0"), ("1", "1"), ("2", "2")]
    one, two = Answers(path), Answers(path)  # as two processes have them
    assert [one.claim(pairs, "ann 1"), two.claim(pairs, "ann 2"), two.claim(pairs, "bob 2")] == [0, 1, 2]
    assert one.claim(pairs, "cid 1") is None
    assert two.claim(pairs, "ann 2") == 1  # what they held is free for themselves
    one.add(Answer("0", "0", "yes", "ann"))
    assert one.claim(pairs, "ann 1") is None
    one.undo("ann")
    assert two.claim(pairs, "cid 1") == 0
    later = time.time() + HELD + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert one.claim(pairs, "dan 1") == 0


def test_the_version_changes_with_each_answer_and_each_undo(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "answers.sqlite")
    seen = [answers.version()]
    for _ in range(2):
        answers.add(Answer("0", "0", "yes", "ann"))
        seen.append(answers.version())
        answers.undo("ann")
        seen.append(answers.version())
    assert len(set(seen)) == 5


def test_a_file_of_before_gets_the_table_of_held_pairs(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    answers = Answers(path)
    answers.add(Answer("0", "0", "yes", "ann"))
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE held")
    connection.close()
    assert answers.claim([("0", "0"), ("1", "1")], "bob") == 1
