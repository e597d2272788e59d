"""Labels out of a file of answers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.review.answers import Answer, Answers
from linktransformer.tables import frames
from linktransformer.tables.answered_pairs import answered_pairs, path_of
from linktransformer.tables.pair_labels import Ids
from tests.conftest import make


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    made = Answers(tmp_path / "answers.sqlite")
    made.about(kind="links")
    made.add(Answer("0", "1", "yes", "ann"))
    made.add(Answer("1", "0", "no", "ann"))
    made.add(Answer("1", "1", "unsure", "ann"))
    made.add(Answer("0", "0", "yes", "ann"))
    made.add(Answer("0", "0", "no", "bob"))
    return made


def test_labels_are_those_of_the_table(library: str, answers: Answers) -> None:
    tables = tuple(frames.wrap(make(library, {"name": ["a", "b"]}), side) for side in ("left", "right"))
    read = answered_pairs(answers.path, tables, "labels", Ids())
    assert read.triples == [(0, 1, 1), (1, 0, 0)]
    assert (read.unsure, read.disputed) == (1, 1)


def test_index_labels_of_any_kind_are_found_by_their_text(answers: Answers) -> None:
    index = pd.Index([pd.Timestamp("2020-01-01"), ("a", 1)], dtype=object)
    table = frames.wrap(pd.DataFrame({"name": ["a", "b"]}, index=index), "left")
    other = frames.wrap(pd.DataFrame({"name": ["a"]}), "right")
    store = Answers(answers.path.with_name("other.sqlite"))
    store.add(Answer(str(index[0]), "0", "yes"))
    assert answered_pairs(store.path, (table, other), "labels", Ids()).left == (index[0],)


def test_what_does_not_fit_is_refused(answers: Answers, tmp_path: Path) -> None:
    one = frames.wrap(pd.DataFrame({"name": ["a", "b"]}), "left")
    two = frames.wrap(pd.DataFrame({"name": ["a", "b"]}), "right")
    short = frames.wrap(pd.DataFrame({"name": ["a"]}), "right")
    repeated = frames.wrap(pd.DataFrame({"name": ["a", "b"]}, index=["0", 0]), "left")
    not_answers = tmp_path / "text.sqlite"
    not_answers.write_text("left,right\n" * 100)
    for path, tables, ids, words in (
        (answers.path, (one, two), Ids(left="name"), "left_id"),
        (answers.path, (one, one), Ids(), "both tables"),
        (answers.path, (one, short), Ids(), "names '1'"),
        (answers.path, (repeated, two), Ids(), "repeat"),
        (tmp_path / "none.sqlite", (one, two), Ids(), "not there"),
        (not_answers, (one, two), Ids(), "not a file of answers"),
    ):
        with pytest.raises(InvalidArgumentError, match=words):
            answered_pairs(path, tables, "labels", ids)
    assert not (tmp_path / "none.sqlite").exists()


def test_only_sqlite_files_are_files_of_answers(answers: Answers) -> None:
    assert path_of(answers) == path_of(str(answers.path)) == answers.path
    assert path_of("labels.csv") is path_of([(0, 1)]) is path_of(None) is None
