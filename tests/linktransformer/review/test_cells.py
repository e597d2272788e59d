"""Cells as they are shown: differences marked, long texts folded, nothing lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.review.cells import compared, short
from linktransformer.tables import frames


def lines(left: dict, right: dict, on: tuple = (["name"], ["name"])):
    tables = frames.wrap(pd.DataFrame(left), "left"), frames.wrap(pd.DataFrame(right), "right")
    return {line.name: line for line in compared(tables, on, (0, 0))}


def marked(cell) -> list[str]:
    return [text for text, is_marked in cell.parts if is_marked]


def test_what_the_other_cell_lacks_is_marked() -> None:
    line = lines({"name": ["Acme Steel Corp., Ohio"]}, {"name": ["ACME steel Inc., Ohio"]})["name"]
    assert [marked(cell) for cell in line.cells] == [["Corp"], ["Inc"]]
    assert not line.equal and line.is_key


def test_case_and_unicode_form_are_no_difference() -> None:
    line = lines({"name": ["CAFÉ  Noir"]}, {"name": ["café noir"]})["name"]
    assert line.equal and not marked(line.cells[0])


def test_texts_without_spaces_are_compared_by_character() -> None:
    line = lines({"name": ["東京製鋼株式会社"]}, {"name": ["東京製鉄株式会社"]})["name"]
    assert [marked(cell) for cell in line.cells] == [["鋼"], ["鉄"]]


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_is_lost(left: str, right: str) -> None:
    line = lines({"name": [left]}, {"name": [right]})["name"]
    for text, cell in zip((left, right), line.cells, strict=True):
        assert "".join(part for part, _ in cell.parts) == text


def test_long_texts_are_folded_and_whole() -> None:
    text = "word " * 1000
    cell = lines({"name": [text]}, {"name": ["word"]})["name"].cells[0]
    assert "".join(part for part, _ in cell.parts) == text
    assert 100 < sum(len(part) for part, _ in cell.folded) < 280


def test_further_columns_follow_and_bytes_are_counted() -> None:
    left = {"name": ["a"], "year": [1950], "scan": [b"1234"], "empty": [None]}
    right = {"firm": ["a"], "year": [1951], "list": [np.zeros(3)]}
    shown = lines(left, right, (["name"], ["firm"]))
    assert list(shown) == ["name / firm", "year", "scan", "list"]
    assert shown["scan"].cells[0].parts == (("(4 bytes)", False),)
    assert shown["list"].cells[1].parts == (("(ndarray)", False),)
    assert marked(shown["year"].cells[0]) and not shown["year"].is_key


def test_columns_shown_as_pictures_are_left_out() -> None:
    tables = tuple(frames.wrap(pd.DataFrame({"name": ["a"], "crop": ["a.png"]}), side) for side in ("l", "r"))
    shown = compared(tables, (["name"], ["name"]), (0, 0), ({"crop"}, {"crop"}))
    assert [line.name for line in shown] == ["name"]


def test_a_text_in_one_line() -> None:
    assert short("a\n b") == "a b" and len(short("x" * 500)) == 100
