"""What a model reads of rows with several columns: all of them, or the first one where that finds more."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

import linktransformer as lt
from linktransformer import encode
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


def test_the_model_reads_the_first_column_where_that_finds_more() -> None:
    left, right = tables()
    links = lt.link(left, right, left_on=["firm", "street"], right_on="name", model=First())
    said = links.report()["model_reads"]
    assert said["chosen"] == "the first column" and said["the first column"] > said["all columns"]
    assert len(links) > 0.8 * N and right_share(links) > 0.95
    alone = lt.link(left, right, left_on="firm", right_on="name", model=First())
    assert "model_reads" not in alone.report()


def test_and_all_of_them_where_these_find_more() -> None:
    left, right = tables()
    left = left.rename(columns={"firm": "street", "street": "firm"})[["firm", "street"]]
    links = lt.link(left, right, left_on=["firm", "street"], right_on="name", model=First(0.01))
    assert links.report()["model_reads"]["chosen"] == "all columns" and right_share(links) > 0.9


def test_a_model_that_was_trained_on_rows_reads_them_as_in_training() -> None:
    left, right = tables()
    model = First(serializer={"separator": " | "})
    links = lt.link(left, right, left_on=["firm", "street"], right_on="name", model=model)
    assert "model_reads" not in links.report()
    assert left["firm"][3] not in model.asked  # a name without its street


def test_nothing_is_tried_that_costs_money() -> None:
    assert encode.plan(First()).choosy
    assert not encode.plan("openai:small@http://127.0.0.1:9/v1").choosy


def test_rows_without_a_name_are_not_equal_by_having_none() -> None:
    draw = np.random.default_rng(2)
    notes = ["".join(draw.choice(list("abcdefghijklmnopqrstuvwxyz"), 30)) for _ in range(140)]
    names: list[str | None] = [f"firm {number}" for number in range(50)]
    left = pd.DataFrame({"name": [*names, *[None] * 20], "note": notes[:70]})
    right = pd.DataFrame({"name": [*names, *[None] * 20], "note": notes[70:]})
    links = lt.link(left, right, on=["name", "note"], model=First())
    assert links.report()["model_reads"]["chosen"] == "the first column"
    assert len(links) >= 50 and links.left_rows.max() < 50 and links.right_rows.max() < 50


def test_each_text_is_asked_for_once() -> None:
    left, right = tables()
    left = pd.concat([left, left.assign(street=left["street"] + " 2")], ignore_index=True)
    model = First()
    lt.link(left, right, left_on=["firm", "street"], right_on="name", model=model)
    assert len(model.asked) == len(left) + 2 * len(right) + left["firm"].nunique()


def test_a_first_column_that_names_no_row_is_not_tried() -> None:
    left, right = tables()
    left["kind"] = ["shop", "mill", "bank"] * (N // 3)
    model = First()
    links = lt.link(left, right, left_on=["kind", "firm"], right_on="name", model=model)
    assert "model_reads" not in links.report() and "shop" not in model.asked


def test_capitals_alone_part_no_rows_whatever_the_model_says() -> None:
    left, right = pd.DataFrame({"name": ["7 Acme Steel", "8 beta"]}), pd.DataFrame({"name": ["7 ACME STEEL"]})
    links = lt.link(left, right, on="name", model=First(5.0))
    assert links.left_rows.tolist() == [0] and 0.9999 < links.score[0] < 1
    doubtful = replace(links, details={**links.details, "weights": {"lexical": 0.7, "dense": 0.3}})
    shown = doubtful.explain(0).set_index("item")
    assert shown.loc["differs in capitals alone", "contribution"] > 0.01
    (equal,) = lt.link(left, left.iloc[:1], on="name", model=First(5.0)).score
    assert equal == 1


def test_either_way_merge_is_link() -> None:
    left, right = tables()
    given: dict[str, Any] = {"left_on": ["firm", "street"], "right_on": "name"}
    linked = lt.merge(left, right, model=First(), how="inner", **given)
    links = lt.link(left, right, model=First(), **given)
    assert rows_of(linked[["firm", "name"]]) == [
        (left["firm"][a], right["name"][b]) for a, b in zip(links.left_rows, links.right_rows, strict=True)
    ]
