"""What a user's tables hold in practice: each a clear error or a documented result, nothing lost."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from linktransformer import (
    ColumnNotFoundError,
    InvalidArgumentError,
    LinkTransformerError,
    TableTypeError,
    link,
    merge,
)

LEXICAL: dict[str, Any] = {"model": "lexical"}


@pytest.fixture
def firms() -> pd.DataFrame:
    return pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy", None], "founded": [1901, 1950, 1980]})


@pytest.fixture
def register() -> pd.DataFrame:
    return pd.DataFrame({"name": ["ACME STEEL", "Baxter Dairy Co", "Zeller"], "founded": [1901, 1950, 1999]})


def test_misspelt_column_names_the_nearest(firms: pd.DataFrame, register: pd.DataFrame) -> None:
    with pytest.raises(ColumnNotFoundError, match="'name'"):
        merge(firms, register, on="nmae", **LEXICAL)


def test_all_null_keys_link_nothing_and_keep_every_row(register: pd.DataFrame) -> None:
    empty = pd.DataFrame({"name": [None, np.nan, ""]})
    assert len(merge(empty, register, on="name", **LEXICAL)) == 3
    assert len(merge(empty, register, on="name", how="outer", **LEXICAL)) == 6
    assert len(link(empty, empty, on="name", **LEXICAL)) == 0


@pytest.mark.parametrize(
    "values",
    [
        [1901, 1950, 7777],
        [1.5, 2.25, 3.75],
        [datetime.date(1901, 5, 1), datetime.date(1950, 1, 2), datetime.date(1999, 9, 9)],
        pd.Categorical(["alpha", "beta", "gamma"]),
        pd.to_datetime(["1901-05-01", "1950-01-02", "1999-09-09"]),
    ],
    ids=["integers", "floats", "dates", "categories", "timestamps"],
)
def test_keys_of_every_kind(values: Any) -> None:
    table = pd.DataFrame({"key": values})
    other = table.iloc[::-1].reset_index(drop=True)
    links = link(table, other, on="key", **LEXICAL)
    assert list(zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True)) == [
        (0, 2),
        (1, 1),
        (2, 0),
    ]


def test_duplicate_column_names_are_refused(register: pd.DataFrame) -> None:
    twice = pd.DataFrame([["Acme", "x"]], columns=["name", "name"])
    with pytest.raises(LinkTransformerError, match="name"):
        merge(twice, register, on="name", **LEXICAL)


def test_k_larger_than_the_table(firms: pd.DataFrame, register: pd.DataFrame) -> None:
    assert len(merge(firms, register, on="name", k=1_000, **LEXICAL)) == 3


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "10"])
def test_k_must_be_a_whole_number(firms: pd.DataFrame, register: pd.DataFrame, k: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="k="):
        merge(firms, register, on="name", k=k, **LEXICAL)


def test_unequal_numbers_of_keys(firms: pd.DataFrame, register: pd.DataFrame) -> None:
    with_more = merge(firms, register, left_on="name", right_on=["name", "founded"], **LEXICAL)
    assert with_more["name_y"].tolist()[:2] == ["ACME STEEL", "Baxter Dairy Co"]


def test_tables_of_two_libraries(firms: pd.DataFrame) -> None:
    with pytest.raises(TableTypeError, match="polars"):
        merge(firms, pl.DataFrame({"name": ["Acme"]}), on="name", **LEXICAL)


def test_a_lazyframe_is_collected() -> None:
    lazy = pl.LazyFrame({"name": ["Acme Steel"]})
    assert len(merge(lazy, lazy, on="name", **LEXICAL)) == 1


def test_a_cell_of_100_000_characters(register: pd.DataFrame) -> None:
    page = "the acme steel works of pittsburgh " * 2_900
    left = pd.DataFrame({"name": [page, "Zeller"]})
    links = link(left, register, on="name", **LEXICAL)
    assert 1 in links.left_rows.tolist()


def test_lone_surrogates_and_control_characters_do_no_harm() -> None:
    left = pd.DataFrame(
        {"name": ["Acme \ud800 Steel", "Baxter\x00 Dairy", "Zeller\u200b Motors"]}, dtype=object
    )
    right = pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy", "Zeller Motors"]})
    merged = merge(left, right, on="name")
    assert merged["name_y"].tolist() == right["name"].tolist()
    assert merged["name_x"].tolist() == left["name"].tolist()


def test_one_row_against_one(register: pd.DataFrame) -> None:
    one = register.iloc[[0]]
    assert merge(one, one, on="name", **LEXICAL)["score"].tolist() == [pytest.approx(1.0)]


def test_a_users_own_score_column_stays(register: pd.DataFrame) -> None:
    left = register.assign(score=[1, 2, 3])
    merged = merge(left, register, on="name", **LEXICAL)
    assert merged["score"].tolist() == [1, 2, 3]
    assert merged["score_lt"].notna().all()


def test_equal_rows_on_both_sides_lose_nothing() -> None:
    same = pd.DataFrame({"name": ["Acme Steel"] * 3, "row": [0, 1, 2]})
    assert len(merge(same, same, on="name", **LEXICAL)) == 3
    assert len(merge(same, same, on="name", validate="1:1", **LEXICAL)) == 3
    assert len(merge(same, same, on="name", validate="m:m", **LEXICAL)) == 9
