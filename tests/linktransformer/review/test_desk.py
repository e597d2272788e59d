"""What comes next for each reviewer."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from linktransformer.review.advice import AHEAD
from linktransformer.review.answers import Answer, Answers
from linktransformer.review.desk import Desk
from linktransformer.review.questions import next_pairs
from linktransformer.review.refit import Answers as Known
from linktransformer.review.refit import pool_of
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


def test_the_advice_follows_the_answers(desk: Desk) -> None:
    assert desk.advice.outlook is not None and (desk.advice.added, desk.advice.removed) == (0, 0)
    desk.answer("ann", 3, "no", "table")
    advice = desk.settle()
    assert advice.probability[3] < 0.9 and advice.removed == 1
    desk.answer("ann", 2, "yes", "table")
    desk.answer("ann", 2, "no", "table")
    assert desk.settle().probability[2] < 0.5  # the last answer of a reviewer counts
    assert desk.undo("ann") == 2 and desk.settle().added >= 1


def test_the_page_and_the_benchmark_ask_by_one_rule(tmp_path: Path) -> None:
    probability = np.random.default_rng(0).random(400).astype("float32")
    desk = Desk(made(probability), Answers(tmp_path / "answers.sqlite"), seed=5)
    none = Known(np.empty(0, dtype=np.int64), np.empty(0, dtype=bool))
    assert desk.advice.at.tolist() == next_pairs(pool_of(desk.pairs), none, AHEAD, 5).at.tolist()
    assert desk.next("ann") == desk.advice.at[0]


def test_the_random_questions_give_an_estimate_of_their_own(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    probability = draw.random(400).astype("float32")
    match = draw.random(400) < probability
    desk = Desk(made(probability), Answers(tmp_path / "answers.sqlite"))
    assert desk.advice.estimate is None
    for _ in range(60):
        pair = desk.next("ann")
        desk.answer("ann", pair, "yes" if match[pair] else "no", "question")
        desk.settle()
    found = desk.advice.estimate
    assert found is not None and found.reviewed >= 5
    true = match[desk.pairs.linked].mean()
    assert found.precision_interval[0] <= true <= found.precision_interval[1]


def test_100_000_pairs_are_asked_without_waiting(tmp_path: Path) -> None:
    probability = np.random.default_rng(1).random(100_000).astype("float32")
    desk = Desk(made(probability), Answers(tmp_path / "answers.sqlite"))
    spent = []
    for _ in range(10):
        began = time.thread_time()
        pair = desk.next("ann")
        desk.answer("ann", pair, "yes", "question")
        desk.progress()
        spent.append(time.thread_time() - began)
    assert np.median(spent) < 0.2
