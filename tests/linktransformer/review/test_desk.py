"""What comes next for each reviewer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from linktransformer.review.answers import Answer, Answers
from linktransformer.review.desk import Desk
from tests.linktransformer.review.test_pairs import made


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    probability = np.array([0.5, 0.6, 0.2, 0.99], dtype="float32")
    return Desk(made(probability), Answers(tmp_path / "answers.sqlite"), seed=1)


def test_a_question_stays_until_it_is_answered(desk: Desk) -> None:
    first = desk.next("ann")
    assert desk.next("ann") == first
    desk.answer("ann", first, "yes", "question")
    assert desk.next("ann") not in (first, None)
    assert desk.progress().answered == 1 and desk.progress().given == 1


def test_every_pair_is_asked_and_then_none(desk: Desk) -> None:
    seen = []
    while (pair := desk.next("ann")) is not None:
        seen.append(pair)
        desk.answer("ann", pair, "unsure", "question")
    assert sorted(seen) == [0, 1, 2, 3]


def test_skipped_pairs_come_again_when_nothing_else_is_left(desk: Desk) -> None:
    seen = []
    for _ in range(4):
        seen.append(desk.next("ann"))
        desk.skip("ann", seen[-1])
    assert sorted(seen) == [0, 1, 2, 3]
    again = desk.next("ann")
    desk.skip("ann", again)
    assert desk.next("ann") not in (again, None)


def test_others_are_given_the_last_pair_rather_than_none(desk: Desk) -> None:
    for pair in (0, 1, 2):
        desk.answer("ann", pair, "no", "table")
    assert desk.next("ann") == desk.next("bob") == 3


def test_answers_of_other_processes_count(desk: Desk) -> None:
    first = desk.next("ann")
    Answers(desk.answers.path).add(Answer(*desk.pairs.names(first), "yes", "bob"))
    assert desk.next("ann") != first
    assert desk.given("ann", [first]) == [None] and desk.given("bob", [first]) == ["yes"]


def test_why_and_the_probability_are_written(desk: Desk) -> None:
    import sqlite3

    desk.answer("ann", 1, "yes", "question")
    desk.answer_rows("ann", np.array([[0, 2], [0, 3]]), "no", "cluster: split")
    connection = sqlite3.connect(desk.answers)
    lines = connection.execute("SELECT left_label, right_label, probability, why FROM answers").fetchall()
    connection.close()
    assert lines == [
        ("1", "1", 0.6, "question"),
        ("0", "0", 0.5, "cluster: split"),
        ("2", "3", None, "cluster: split"),
    ]
    assert desk.undo("ann") is None  # its last pair is not a candidate
    assert desk.answers.count() == {"yes": 1, "no": 0, "unsure": 0}
