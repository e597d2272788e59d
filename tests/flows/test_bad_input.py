"""What a user's tables hold in practice: each a clear error or a documented result, nothing lost."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from linktransformer import (
    ColumnNotFoundError,
    Deduplicator,
    InvalidArgumentError,
    LinkTransformerError,
    TableTypeError,
    cluster_rows,
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
    merged = merge(one, one, on="name", **LEXICAL)
    assert merged["name_y"].tolist() == one["name"].tolist() and 0.5 < merged["score"][0] < 1


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


def links_of(left: list[str], right: list[str], **options: Any) -> set[tuple[int, int]]:
    tables = (pd.DataFrame({"name": names}) for names in (left, right))
    links = link(*tables, on="name", **{**LEXICAL, **options})
    return set(zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True))


def test_the_same_text_goes_before_a_better_total() -> None:
    firm = "international acme steel works"
    assert links_of([firm, firm + " co"], [firm, firm + " gb"], validate="1:1", threshold=0.8) == {(0, 0)}
    left = ["iota pi", "iota pi sa", "beta eta", "mu nu co", "tau xi", "zeta rho co", "kappa nu sa"]
    right = ["iota pi", "iota pi inc", "beta eta", "mu nu ltd", "tau xi", "zeta rho corp", "kappa nu corp"]
    for threshold in ("auto", 0.5):
        assert (0, 0) in links_of(left, right, validate="1:1", threshold=threshold)


def test_the_same_text_goes_before_a_better_total_of_all_candidates() -> None:
    left = ["iota pi", "iota pi sa", "beta eta", "mu nu co", "tau xi", "zeta rho co", "kappa nu sa"]
    right = ["iota pi", "iota pi inc", "beta eta", "mu nu ltd", "tau xi", "zeta rho corp", "kappa nu corp"]
    assert (0, 0) in links_of(left, right, validate="1:1", threshold=None)


@pytest.mark.parametrize("model", ["lexical", None])
@pytest.mark.parametrize("validate", ["1:1", "1:m", "m:1", "m:m"])
def test_the_same_text_goes_before_its_variants(validate: str, model: Any) -> None:
    found = links_of(
        ["Acme Steel", "acme steel", "zeta"],
        ["acme steel", "Acme Steel", "zeta"],
        validate=validate,
        model=model,
    )
    assert {(0, 1), (1, 0), (2, 2)} <= found
    assert links_of(["Acme Steel", "ACME STEEL"], ["ACME STEEL"], model=model) == {(0, 0), (1, 0)}


def test_the_same_text_scores_highest_and_no_pair_scores_one() -> None:
    names = [f"firm {number} of acme street {number % 7}" for number in range(40)]
    loud = [name.upper() for name in names]
    everyone = {(row, row) for row in range(40)}
    assert links_of(names, names, threshold=1.0) == set()
    assert links_of(names, names, threshold=0.9) == links_of(names, loud, threshold=0.9) == everyone
    tables = pd.DataFrame({"name": names}), pd.DataFrame({"name": [*names, *loud]})
    every = link(*tables, on="name", validate="m:m", threshold=None, **LEXICAL)
    grade = np.select([every.right_rows == every.left_rows, every.right_rows == every.left_rows + 40], [2, 1])
    for row in range(40):
        own = every.left_rows == row
        same, other = every.score[own & (grade == 2)], every.score[own & (grade == 1)]
        assert 1 > same[0] > other[0] > every.score[own & (grade == 0)].max(initial=0)


def test_dates_as_index_labels_are_found_again(firms: pd.DataFrame) -> None:
    days = pd.date_range("2020-01-01", periods=3).as_unit("ns")
    table = firms.set_index(days)
    links = link(table, table, on="name", **LEXICAL)
    assert links.unlinked["row"].tolist() == [days[2], days[2]]
    assert links.evaluate(links.pairs)["f1"] == 1.0


def test_labels_of_two_kinds_are_kept() -> None:
    left, right = pd.DataFrame({"name": ["acme", "xyz"]}), pd.DataFrame({"name": ["acme"]}, index=["a"])
    right.loc["b"] = "qqq"
    assert link(left, right, on="name", **LEXICAL).unlinked["row"].tolist() == [1, "b"]


def test_repeated_index_labels_cannot_be_evaluated(firms: pd.DataFrame) -> None:
    twice = firms.set_index(pd.Index([0, 0, 1]))
    with pytest.raises(InvalidArgumentError, match="reset_index"):
        link(twice, firms, on="name", **LEXICAL).evaluate([(0, 0)])


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_blocks_of_dates_held_in_different_ways(unit: str) -> None:
    days = pd.Series(pd.date_range("2020-01-01", periods=2)).astype(f"datetime64[{unit}]")
    left = pd.DataFrame({"name": ["acme", "zeta"], "day": days})
    for other in (days.dt.date, days.astype(object), days.astype("datetime64[s]")):
        right = pd.DataFrame({"name": ["acme", "zeta"], "day": other})
        assert len(link(left, right, on="name", block_on="day", **LEXICAL)) == 2
    with pytest.raises(InvalidArgumentError, match="never equal"):
        link(left.assign(day=days.dt.date), left.assign(day=["x", "y"]), on="name", block_on="day", **LEXICAL)


def test_reasons_tell_near_rows_from_low_scores() -> None:
    left, right = (
        pd.DataFrame({"name": ["acme steel"]}),
        pd.DataFrame({"name": ["acme steel", "acme steel co"]}),
    )
    assert link(left, right, on="name", threshold=0.3, **LEXICAL).unlinked["reason"].tolist() == [
        "another row is nearer"
    ]
    right.loc[1, "name"] = "steel paper mills of tulsa"
    assert link(left, right, on="name", threshold=0.9, **LEXICAL).unlinked["reason"].tolist() == [
        "below the threshold"
    ]


@pytest.mark.parametrize(("threshold", "hint"), [(80, "such as 0.8"), (1.5, "up to 1"), (math.nan, "Give")])
def test_a_threshold_that_no_score_reaches_is_refused(
    firms: pd.DataFrame, register: pd.DataFrame, threshold: float, hint: str
) -> None:
    for call in (
        lambda: link(firms, register, on="name", threshold=threshold, **LEXICAL),
        lambda: cluster_rows(firms, on="name", threshold=threshold, **LEXICAL),
        lambda: Deduplicator(on="name", threshold=threshold, **LEXICAL).fit(firms),
    ):
        with pytest.raises(InvalidArgumentError, match=hint):
            call()


def test_the_report_has_the_threshold_that_was_given(firms: pd.DataFrame, register: pd.DataFrame) -> None:
    import json

    links = link(firms, register, on="name", threshold=0.3, k=np.int64(3), **LEXICAL)
    report = json.loads(json.dumps(links.report()))
    assert report["threshold"] == 0.3
    assert report["lowest_score"] == pytest.approx(float(links.score.min()))


def test_numpys_numbers_are_numbers(firms: pd.DataFrame, register: pd.DataFrame) -> None:
    links = link(firms, register, on="name", **LEXICAL)
    lowest = links.pairs["score"].min()
    assert len(link(firms, register, on="name", threshold=lowest, **LEXICAL)) == len(links)
    wanted = {"precision": np.float32(0.8)}
    assert link(firms, register, on="name", threshold=wanted, **LEXICAL).report()["rule"].endswith("0.8")


@pytest.mark.parametrize(
    "options",
    [
        {"on": {"name"}},  # a set: of one, for its repr is the test's name in every worker
        {"on": {"name": "name"}},
        {"on": ["name", "name"]},
        {"on": 0},
        {"on": []},
        {"on": "name", "validate": ""},
        {"on": "name", "validate": False},
        {"on": "name", "score_column": None},
        {"on": "name", "score_column": ["a"]},
        {"on": "name", "indicator": 3},
        {"on": "name", "memory_limit": "1GB"},
        {"on": "name", "memory_limit": float("nan")},
        {"on": "name", "memory_limit": True},
        {"on": "name", "batch_size": 1.5},
        {"on": "name", "threshold": pd.NA},
        {"on": "name", "threshold": np.array([0.1, 0.2])},
        {"on": "name", "threshold": 10**400},
        {"on": "name", "model": 123},
        {"on": "name", "suffixes": None},
        {"on": "name", "suffixes": ("", "")},
    ],
    ids=repr,
)
def test_arguments_that_cannot_work_are_refused_before_a_model_runs(
    firms: pd.DataFrame, register: pd.DataFrame, options: dict[str, Any]
) -> None:
    class Never:
        def encode(self, texts: list[str]) -> Any:
            raise AssertionError("the model ran first")

    with pytest.raises(LinkTransformerError, match=next(reversed(options))):
        merge(firms, register, **{"model": Never(), **options})


@pytest.mark.parametrize(
    "on", [pd.Index(["name"]), np.array(["name", "founded"]), ("name",), pd.Series(["name"])]
)
def test_columns_may_come_in_any_list(firms: pd.DataFrame, register: pd.DataFrame, on: Any) -> None:
    assert len(merge(firms, register, on=on, how="inner", **LEXICAL)) >= 2


def test_the_indicator_may_have_a_name(firms: pd.DataFrame, register: pd.DataFrame) -> None:
    merged = merge(firms, register, on="name", indicator="source", **LEXICAL)
    assert merged["source"].tolist() == ["both", "both", "left_only"]


@pytest.mark.parametrize("threshold", ["auto", None, "0.5", float("nan")])
def test_above_wants_a_number(firms: pd.DataFrame, register: pd.DataFrame, threshold: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="threshold="):
        link(firms, register, on="name", **LEXICAL).above(threshold)


@pytest.mark.parametrize("truth", [None, 5, [0, 1], [(0, 1, 2)]])
def test_truth_is_pairs(firms: pd.DataFrame, register: pd.DataFrame, truth: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="truth"):
        link(firms, register, on="name", **LEXICAL).evaluate(truth)
