"""What a model reads of rows with several columns: the key column, or all where it was trained on rows."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.encoding import model_plan
from tests.conftest import rows_of

N = 120


class First:
    """Knows the number of the first firm that a text names, disturbed by every letter after it."""

    def __init__(self, disturbed: float = 0.2, **more: Any) -> None:
        self.disturbed, self.asked = disturbed, []  # type: ignore[var-annotated]
        self.vectors = np.random.default_rng(0).standard_normal((N, 48)).astype(np.float32)
        vars(self).update(more)

    def encode(self, texts: list[str]) -> np.ndarray:
        self.asked += texts
        found = []
        for text in texts:
            number = re.search(r"[0-9]+", text)
            rest = text[number.end() :] if number else text
            draw = np.random.default_rng(zlib.crc32(rest.encode()))
            own = self.vectors[int(number.group())] if number else np.zeros(48)
            found.append(own + self.disturbed * len(rest) * draw.standard_normal(48))
        return np.array(found, dtype=np.float32)


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    draw = np.random.default_rng(1)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    words = [["".join(draw.choice(letters, 7)) for _ in range(6)] for _ in range(N)]
    left = pd.DataFrame({
        "firm": [f"{one[0]} {number}" for number, one in enumerate(words)],
        "street": [" ".join(one[1:]) for one in words],
    })  # fmt: skip
    right = pd.DataFrame({"name": [f"{number} {one[5][::-1]}q" for number, one in enumerate(words)]})
    return left, right


def right_share(links: Any) -> float:
    return float((links.left_rows == links.right_rows).mean()) if len(links) else 0.0


def with_streets() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with firms and streets; no street is near another."""
    left, right = tables()
    return left, right.rename(columns={"name": "firm"}).assign(street=left["street"].str[::-1])


@pytest.mark.parametrize("on", [["firm", "street"], ["street", "firm"]])
def test_the_model_reads_the_key_column(on: list[str]) -> None:
    left, right = with_streets()
    links = lt.link(left, right, on=on, model=First())
    report = links.report()
    assert (report["model_reads"], report["key_column"]) == ("the key column", "firm")
    assert len(links) > 0.8 * N and right_share(links) > 0.95


def test_one_column_is_all_columns() -> None:
    left, right = tables()
    links = lt.link(left, right, left_on="firm", right_on="name", model=First())
    report = links.report()
    assert (report["model_reads"], report["key_column"]) == ("all columns", "firm")
    assert len(links) > 0.8 * N and right_share(links) > 0.95
    assert (
        "model_reads" not in lt.link(left, right, left_on="firm", right_on="name", model="lexical").report()
    )


def test_the_model_reads_one_of_two_columns_against_one_column() -> None:
    left, right = tables()
    links = lt.link(left, right, left_on=["firm", "street"], right_on="name", model=First())
    assert len(links) > 0.8 * N and right_share(links) > 0.95


def test_a_model_that_was_trained_on_rows_reads_them_as_in_training() -> None:
    left, right = with_streets()
    model = First(serializer={"separator": " | "})
    links = lt.link(left, right, on=["street", "firm"], model=model)
    assert links.report()["model_reads"] == "all columns"
    assert left["firm"][3] not in model.asked  # a name without its street
    assert f"{left['street'][3]} | {left['firm'][3]}" in model.asked  # in the order that was given


def test_nothing_is_tried_that_costs_money() -> None:
    assert model_plan.plan(First()).reads_key_column
    assert not model_plan.plan("openai:small@http://127.0.0.1:9/v1").reads_key_column


def test_rows_without_a_name_are_not_equal_by_having_none() -> None:
    draw = np.random.default_rng(2)
    notes = ["".join(draw.choice(list("abcdefghijklmnopqrstuvwxyz"), 30)) for _ in range(140)]
    names: list[str | None] = [f"firm {number}" for number in range(50)]
    left = pd.DataFrame({"name": [*names, *[None] * 20], "note": notes[:70]})
    right = pd.DataFrame({"name": [*names, *[None] * 20], "note": notes[70:]})
    links = lt.link(left, right, on=["name", "note"], model=First())
    assert links.report()["model_reads"] == "the key column"
    assert len(links) >= 50 and links.left_rows.max() < 50 and links.right_rows.max() < 50


def test_each_text_is_asked_for_once() -> None:
    left, right = with_streets()
    left = pd.concat([left, left.assign(street=left["street"] + " 2")], ignore_index=True)
    model = First()
    lt.link(left, right, on=["firm", "street"], model=model)
    assert len(model.asked) == left["firm"].nunique() + right["firm"].nunique()
    assert len(set(model.asked)) == len(model.asked)


def test_a_column_that_names_no_row_is_not_the_key_column() -> None:
    left, right = with_streets()
    kinds = ["shop", "mill", "bank"] * (N // 3)
    model = First()
    links = lt.link(left.assign(kind=kinds), right.assign(kind=kinds), on=["kind", "firm"], model=model)
    assert links.report()["key_column"] == "firm" and not {"shop", "mill", "bank"} & set(model.asked)


def test_capitals_alone_part_no_rows_whatever_the_model_says() -> None:
    left, right = pd.DataFrame({"name": ["7 Acme Steel", "8 beta"]}), pd.DataFrame({"name": ["7 ACME STEEL"]})
    links = lt.link(left, right, on="name", model=First(5.0))
    assert links.left_rows.tolist() == [0] and 0.5 < links.score[0] < 1
    both = pd.DataFrame({"name": ["7 ACME STEEL", "7 Acme Steel", "7 Acme Steal"]})
    every = lt.link(left, both, on="name", model=First(5.0), validate="m:m", threshold=None)
    score = dict(zip(every.right_rows[every.left_rows == 0], every.score[every.left_rows == 0], strict=True))
    assert 1 > score[1] > score[0] > score.get(2, 0)


def test_either_way_merge_is_link() -> None:
    left, right = tables()
    given: dict[str, Any] = {"left_on": ["firm", "street"], "right_on": "name"}
    linked = lt.merge(left, right, model=First(), how="inner", **given)
    links = lt.link(left, right, model=First(), **given)
    assert rows_of(linked[["firm", "name"]]) == [
        (left["firm"][a], right["name"][b]) for a, b in zip(links.left_rows, links.right_rows, strict=True)
    ]
