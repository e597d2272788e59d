"""Which columns are block columns, which of their values are equal, and the warning where none are."""

from __future__ import annotations

import logging
import unicodedata

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.cli.arguments import block_columns
from linktransformer.errors import ColumnNotFoundError, InvalidArgumentError
from linktransformer.tables import block_keys, frames
from tests.conftest import make

NAMES = ["Elm Grove School", "Lakeside Academy", "Merrow High"]


def tables(left: list[str], right: list[str]) -> tuple[frames.Table, frames.Table]:
    return frames.wrap(pd.DataFrame(columns=left), "left"), frames.wrap(pd.DataFrame(columns=right), "right")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (None, []),
        ("year", [("year", "year")]),
        (["year", "kind"], [("year", "year"), ("kind", "kind")]),
        (("year", "kind"), [("year", "year"), ("kind", "kind")]),  # both are columns of both tables
        (("city", "town"), [("city", "town")]),
        (("year", "town"), [("year", "town")]),
        ((["city", "year"], ["town", "yr"]), [("city", "town"), ("year", "yr")]),
        (("city", ["town"]), [("city", "town")]),
        ([("city", "town"), ("year", "yr")], [("city", "town"), ("year", "yr")]),
        ((("city", "town"), ("year", "yr")), [("city", "town"), ("year", "yr")]),
        (["kind", ("city", "town")], [("kind", "kind"), ("city", "town")]),
        (pd.Index(["year", "kind"]), [("year", "year"), ("kind", "kind")]),
        (("year", "kind", "both"), [("year", "year"), ("kind", "kind"), ("both", "both")]),
    ],
)
def test_columns_are_names_lists_and_pairs(given: object, wanted: list[tuple[str, str]]) -> None:
    two = tables(["city", "year", "kind", "both"], ["town", "yr", "year", "kind", "both"])
    assert block_keys.column_pairs(two, given) == wanted


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("citty", ColumnNotFoundError, "Did you mean 'city'.*give a pair: block_on="),
        (["city", "town"], ColumnNotFoundError, "block_on='town': the left table has no such column"),
        (("city", "twon"), ColumnNotFoundError, "the right table has no such column. Did you mean 'town'"),
        ((["city", "year"], ["town"]), InvalidArgumentError, "2 left and 1 right columns"),
        ([["city", "year"], ["town", "yr"]], InvalidArgumentError, "neither a name nor a pair"),
        ([("city", "town"), ("city", "town")], InvalidArgumentError, "names a column twice"),
        (["city", 3], InvalidArgumentError, "3 is neither a name nor a pair"),
        (7, InvalidArgumentError, "neither a column name nor a list"),
        ([], InvalidArgumentError, "names no column"),
    ],
)
def test_what_is_no_columns_is_refused(given: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        block_keys.column_pairs(tables(["city", "year"], ["town", "yr"]), given)


@pytest.mark.parametrize("pair", [("city", "town"), (["city"], ["town"]), [("city", "town")]])
def test_rows_link_by_block_columns_of_two_names(library: str, pair: object) -> None:
    left = make(library, {"name": ["Elm Grove"] * 3, "city": ["Avon ", "BRISTOL", "Münster"]})
    towns = [unicodedata.normalize("NFD", "münster"), "avon", "Bristol"]
    right = make(library, {"name": ["Elm Grove"] * 3, "town": towns})
    links = lt.link(left, right, on="name", model="lexical", block_on=pair)
    assert links.right_rows.tolist() == [1, 2, 0]
    assert "no_shared_block" not in links.report()["warning_codes"]


def test_files_take_pairs_and_say_what_tables_say(tmp_path, caplog) -> None:  # type: ignore[no-untyped-def]
    left = pd.DataFrame({"name": NAMES, "st": ["CA", "NY", "MA"], "year": [1, 2, 3]})
    right = pd.DataFrame({"name": NAMES, "state": [" ca", "ny", "ma"], "yr": [1.0, 2.0, 4.0]})
    places = [tmp_path / name for name in ("left.parquet", "right.parquet")]
    for table, place in zip((left, right), places, strict=True):
        table.to_parquet(place)
    pairs = [("st", "state"), ("year", "yr")]
    links = lt.link_files(*places, None, "name", block_on=pairs)
    assert links.left_rows.tolist() == links.right_rows.tolist() == [0, 1]
    assert lt.link(left, right, "name", model="lexical", block_on=pairs).left_rows.tolist() == [0, 1]
    wrong = lt.link_files(*places, None, "name", block_on=("name", "state")).report()["warnings"]
    assert wrong == lt.link(left, right, "name", block_on=("name", "state")).report()["warnings"]
    assert "Elm Grove School" in wrong[0]


def test_numbers_are_numbers_and_text_is_not() -> None:
    left = pd.DataFrame({"name": NAMES, "year": [1, 2, None]})
    right = pd.DataFrame({"name": NAMES, "year": [1, 2, 3]})
    links = lt.link(left, right, on="name", model="lexical", block_on="year")
    assert links.left_rows.tolist() == [0, 1]
    with pytest.raises(InvalidArgumentError, match="never equal"):
        lt.link(left, right.astype({"year": str}), on="name", model="lexical", block_on="year")


def test_mixed_objects_are_folded_where_they_are_texts() -> None:
    left = pd.DataFrame({"name": NAMES, "key": pd.Series(["Süd ", 7, "\u200b"], dtype=object)})
    right = pd.DataFrame({"name": NAMES, "key": pd.Series(["süd", 7.0, None], dtype=object)})
    links = lt.link(left, right, on="name", model="lexical", block_on="key")
    assert links.left_rows.tolist() == [0, 1]


def test_a_column_without_a_common_value_is_said(library: str, caplog) -> None:  # type: ignore[no-untyped-def]
    left = make(library, {"name": NAMES, "state": ["California", "New York", None]})
    right = make(library, {"name": NAMES, "state": ["CA", "NY", "MA"]})
    with caplog.at_level(logging.WARNING, "linktransformer"):
        links = lt.link(left, right, on="name", model="lexical", block_on="state")
    (said,) = links.report()["warnings"]
    assert said in caplog.text and len(links) == 0
    for part in (
        "left column 'state' has 'California', 'New York'",
        "right column 'state' has 'CA', 'NY', 'MA'",
    ):
        assert part in said


def test_no_warning_where_nothing_could_be_shared(caplog) -> None:  # type: ignore[no-untyped-def]
    table = pd.DataFrame({"name": NAMES, "state": ["CA", "NY", "MA"]})
    with caplog.at_level(logging.WARNING, "linktransformer"):
        lt.link(table, table[:0], on="name", model="lexical", block_on="state")
        lt.cluster_rows(table, on="name", model="lexical", block_on="state", threshold=0.9)
    assert "block_on" not in caplog.text
    nothing = lt.link(table, table.assign(state=[None] * 3), on="name", model="lexical", block_on="state")
    assert "nothing but nulls" in nothing.report()["warnings"][0]


def test_one_table_takes_names_only(library: str) -> None:
    rows = {"name": ["Elm Grove"] * 4, "city": ["Avon", "AVON ", "avon", "Bath"], "year": [1, 1, 2, 1]}
    table = make(library, rows)
    for names in (["city", "year"], ("city", "year")):
        assert lt.cluster(table, on="name", model="lexical", block_on=names).label.tolist() == [0, 0, 1, 2]
    for wrong in ([("city", "year")], (["city"], ["year"])):
        with pytest.raises(InvalidArgumentError, match=r"block_on.*neither a column name nor a list"):
            lt.cluster(table, on="name", model="lexical", block_on=wrong)
        with pytest.raises(InvalidArgumentError, match=r"block_on.*neither a column name nor a list"):
            lt.Linker("lexical", on="name", block_on=wrong).fit(table)


def test_the_same_columns_under_the_old_name() -> None:
    left = pd.DataFrame({"name": NAMES, "st": ["CA", "NY", "MA"]})
    right = pd.DataFrame({"name": NAMES, "state": ["ca", "ny", "ma"]})
    merged = lt.merge_blocking(left, right, on="name", model="lexical", blocking_vars=("st", "state"))
    assert merged["name_y"].tolist() == NAMES
    with pytest.raises(ColumnNotFoundError, match="blocking_vars='st': the df2 table has no such column"):
        lt.merge_blocking(left, right, on="name", model="lexical", blocking_vars="st")


def test_the_command_line_writes_pairs_with_an_equals_sign() -> None:
    assert block_columns("year, city = town") == ["year", ("city", "town")]


CELLS = {
    "lists": [["a"], None],
    "dicts": [{"a": 1}, None],
    "arrays": [np.zeros(2), None],
    "in tuples": [("a", ["b"]), None],
}


@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS)
def test_nested_cells_are_no_block_keys_anywhere(cells: list[object]) -> None:
    plain = pd.DataFrame({"name": ["Acme", "Baxter"], "place": ["x", "y"]})
    odd = plain.assign(place=pd.Series(cells, dtype=object))
    calls = [
        lambda: lt.link(odd, odd, on="name", model="lexical", block_on="place"),
        lambda: lt.cluster(odd, on="name", model="lexical", block_on="place"),
        lambda: lt.Linker("lexical", on="name", block_on="place").fit(odd),
        lambda: lt.Linker("lexical", on="name", block_on="place").fit(plain).predict(odd),
        lambda: lt.Linker("lexical", on="name", block_on="place").fit(plain).add(odd.set_index([["p", "q"]])),
        lambda: lt.Deduplicator("lexical", on="name", block_on="place").fit(odd),
        lambda: lt.Deduplicator("lexical", on="name", block_on="place").fit(plain).predict(odd),
    ]
    for call in calls:
        with pytest.raises(InvalidArgumentError, match="'place' holds values that cannot be compared"):
            call()


def test_equal_numbers_are_one_record() -> None:
    mixed = pd.DataFrame({"name": pd.Series([7, 7.0, "7", 8], dtype=object)})
    links = lt.link(mixed, mixed, on="name", model="lexical", block_on="name", validate="m:m", threshold=0.0)
    pairs = set(zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True))
    assert pairs == {(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (3, 3)}
