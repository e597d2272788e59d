"""Links decided again after the answers of a review."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError
from linktransformer.review.answers import Answer, Answers
from linktransformer.review.links_after import links_after
from tests.linktransformer.review.test_refit import LEFT, RIGHT


@pytest.fixture
def links() -> lt.Links:
    return lt.link(LEFT, RIGHT, on="name", model="lexical")


def test_without_answers_the_links_are_the_same(links: lt.Links, tmp_path: Path) -> None:
    same = links_after(links, tmp_path / "none.sqlite")
    assert same.left_rows.tolist() == links.left_rows.tolist()
    assert same.right_rows.tolist() == links.right_rows.tolist()
    assert same.score == pytest.approx(links.score)
    assert (same.left_reason == links.left_reason).all()


def test_a_refused_link_is_gone_and_has_a_reason(links: lt.Links, tmp_path: Path) -> None:
    answers = Answers(tmp_path / "answers.sqlite")
    left, right = int(links.left_rows[0]), int(links.right_rows[0])
    answers.add(Answer(str(left), str(right), "no", "ann"))
    new = links_after(links, answers)
    assert right not in new.right_rows[new.left_rows == left]
    assert (new.left_reason[np.setdiff1d(np.arange(len(LEFT)), new.left_rows)] > 0).all()
    assert new.report()["decision"] == "learned from labels"


def test_links_without_evidence(links: lt.Links, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="kept no candidate"):
        links_after(replace(links, evidence=None), tmp_path / "answers.sqlite")
