"""Completeness and rarity of columns against counting all pairs, in each library; advice in words."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

import linktransformer as lt
from linktransformer.charts.columns import ColumnFacts, advice_of, facts_of
from linktransformer.errors import ColumnNotFoundError, TableTypeError
from linktransformer.tables import frames

LEFT = {"town": ["Rome", "rome ", "Oslo", None, "Bern"], "id": ["1", "2", "3", "4", "5"]}
RIGHT = {"town": ["ROME", "Rome", "Kyiv", "Oslo"], "id": ["a", "b", "c", ""]}


def share_equal(left: list, right: list) -> float:
    pairs = [(a, b) for a in left if a for b in right if b]
    return sum(a.strip().lower() == b.strip().lower() for a, b in pairs) / len(pairs)


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_two_tables(library) -> None:
    tables = [frames.wrap(library(LEFT), "left"), frames.wrap(library(RIGHT), "right")]
    facts = facts_of(tables, ("town", "town"))
    assert facts.filled == (0.8, 1.0) and facts.distinct == 4 and facts.others == 4
    assert facts.chance == pytest.approx(share_equal(LEFT["town"], RIGHT["town"]))
    assert facts.shared == 3 / 4
    other = facts_of(tables, ("id", "id"))
    assert other.chance == 0 and other.bits == float("inf") and other.filled == (1.0, 0.75)


def test_one_table_counts_no_row_with_itself() -> None:
    facts = facts_of([frames.wrap(pd.DataFrame(LEFT), "table")], ("town", "town"))
    assert facts.chance == pytest.approx(2 / 12) and facts.shared == 0.5 and facts.others == 3


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (ColumnFacts("x", (0.5, 1.0), 9, 0.5, 10, 0.4), "50 % of the left rows are empty; a row agrees"),
        (ColumnFacts("x", (1.0, 1.0), 9, 0.01, 10, 0.4), "say much, and 40 % of the rows have one"),
        (ColumnFacts("x", (1.0, 1.0), 1, 1.0, 10, 1.0), "all rows have one value"),
        (ColumnFacts("x", (1.0, 1.0), 9, 0.0, 10, 0.0), "the tables share no value"),
        (ColumnFacts("x", (0.0, 1.0), 9, float("nan"), 10, float("nan")), "no pair of rows has values"),
    ],
)  # fmt: skip
def test_advice(facts: ColumnFacts, words: str) -> None:
    assert words in advice_of(facts, ("left", "right"))


def test_the_chart_is_drawn_where_nothing_agrees_or_nothing_is_there() -> None:
    empty = pd.DataFrame({"town": pd.Series([None, None], dtype=object), "id": ["1", "2"]})
    for chart in (
        lt.column_chart(empty, on=["town", "id"]),
        lt.column_chart(empty, pd.DataFrame(RIGHT), on="town"),
    ):
        assert chart.to_svg().startswith("<svg") and chart.advice


def test_errors_name_the_argument() -> None:
    with pytest.raises(ColumnNotFoundError, match="twon"):
        lt.column_chart(pd.DataFrame(LEFT), pd.DataFrame(RIGHT), on="twon")
    with pytest.raises(TableTypeError):
        lt.column_chart(pd.DataFrame(LEFT), pl.DataFrame(RIGHT), on="town")
