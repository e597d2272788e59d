"""A model that reads the beginning of a row says so: in the report, and once in the log."""

from __future__ import annotations

import logging

import pandas as pd
import pytest

import linktransformer as lt

WORDS = ["the", "mill", "of", "the", "north", "river", "was", "sold", "to", "the", "union", "of"]


def tables(words: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [f"{word} {' '.join(WORDS * (words // len(WORDS) + 1))}" for word in ("acme", "baxter", "zeller")]
    left = pd.DataFrame({"text": [*rows, "short", "short"]})
    return left, left.iloc[::-1].reset_index(drop=True)


def test_rows_that_are_cut_are_reported_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    left, right = tables(400)
    with caplog.at_level(logging.WARNING):
        report = lt.link(left, right, on="text", model="linker-multilingual").report()
    found = report["rows_cut_by_model"]
    assert (found["rows"], found["of"]) == (6, 10)
    kept = len(" ".join((WORDS * 30)[:125]))  # 128 tokens with the two marks, and the first word
    length = len(left["text"][1])
    assert found["share_of_text_lost"] == pytest.approx(1 - kept / length, abs=0.02)
    assert found["share_of_all_text_lost"] < found["share_of_text_lost"]
    said = [
        record.getMessage() for record in caplog.records if "reads only the beginning" in record.getMessage()
    ]
    assert len(said) == 1 and "6 of 10 rows" in said[0]


def test_nothing_is_said_of_rows_that_are_read(caplog: pytest.LogCaptureFixture) -> None:
    left, right = tables(40)
    with caplog.at_level(logging.WARNING):
        for model in ("linker-multilingual", "lexical"):
            assert "rows_cut_by_model" not in lt.link(left, right, on="text", model=model).report()
    assert not [record for record in caplog.records if "reads only" in record.getMessage()]


def test_clusters_say_it_too() -> None:
    left, _ = tables(400)
    clusters = lt.cluster(left, "text", model="linker-multilingual")
    assert clusters.details["rows_cut_by_model"]["rows"] == 3


def test_rows_that_differ_deep_inside_stay_two_where_the_model_reads_so_far() -> None:
    """Rows are cut at 20,000 characters for a short model, and two that differ beyond are one text to it."""

    class Deep:
        def __init__(self) -> None:
            self.serializer = {"max_chars": 60_000}

        def encode(self, texts):
            return [[1.0, float("acme" in text[20_000:]), float("zeller" in text[20_000:])] for text in texts]

    body = " ".join(WORDS * 600)[:25_000]
    left = pd.DataFrame({"text": [f"{body} acme", f"{body} zeller"]})
    right = left.iloc[::-1].reset_index(drop=True)
    links = lt.link(left, right, on="text", model=Deep())
    assert sorted(zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True)) == [(0, 1), (1, 0)]
    assert links.report()["rows_cut"] == 0
