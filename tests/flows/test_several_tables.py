"""Several tables of one population, clustered at once, with or without duplicates inside each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from tests.conftest import make, to_pandas

LEXICAL: dict[str, Any] = {"on": "name", "model": "lexical"}
SURVEY = {"name": ["Acme Steel Corp.", "Baxter Dairy", "ACME STEEL CORP"], "staff": [10, 20, 10]}
REGISTER = {"name": ["Acme Steel Corp", "Zeller Motors", "Baxter Dairy"], "town": ["Boston", None, "Omaha"]}
LEDGER: dict[str, list[Any]] = {"name": ["zeller motors", None, "Zeller Motors"], "staff": [7, 8, None]}
TRUE = [0, 1, 0, 0, 2, 1, 2, 3, 2]


def three(library: str = "pandas") -> dict[str, Any]:
    named = {"1850": SURVEY, "register": REGISTER, "1860": LEDGER}
    return {name: make(library, columns) for name, columns in named.items()}


def test_tables_of_every_library_are_clustered_at_once(library: str) -> None:
    tables = three(library)
    found = lt.cluster_rows(tables, **LEXICAL)
    assert type(found) is type(tables["1850"])
    rows = to_pandas(found)
    assert rows["cluster"].tolist() == TRUE
    assert rows["source"].tolist() == ["1850"] * 3 + ["register"] * 3 + ["1860"] * 3
    assert rows.columns.tolist() == ["name", "staff", "town", "source", "cluster"]
    assert rows["staff"].isna().tolist() == [False] * 3 + [True] * 3 + [False, False, True]
    assert rows["staff"].dropna().tolist() == [10, 20, 10, 7, 8]
    assert rows["town"].isna().tolist() == [True] * 3 + [False, True, False] + [True] * 3


def test_a_list_is_numbered_and_labels_are_kept() -> None:
    one, other = pd.DataFrame(SURVEY, index=list("xyz")), pd.DataFrame(REGISTER, index=[7, 8, 9])
    before = one.copy()
    found = lt.cluster_rows((one, other), **LEXICAL)
    assert found.index.tolist() == [(0, "x"), (0, "y"), (0, "z"), (1, 7), (1, 8), (1, 9)]
    assert found["source"].tolist() == [0, 0, 0, 1, 1, 1]
    assert found.loc[1, "cluster"].to_dict() == {7: 0, 8: 2, 9: 1}
    assert found["staff"].dtype == "Int64"
    pd.testing.assert_frame_equal(one, before)
    clusters = lt.cluster([one, other], **LEXICAL)
    assert set(clusters.pairs["left"]) | set(clusters.pairs["right"]) <= set(found.index)
    assert clusters.report()["sources"] == {"0": 3, "1": 3}
    assert lt.dedup_rows([one, other], **LEXICAL).index.tolist() == [(0, "x"), (0, "y"), (1, 8)]


def test_levels_of_an_index_are_kept() -> None:
    levels = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["part", "row"])
    one = pd.DataFrame(SURVEY, index=levels)
    found = lt.cluster_rows({"s": one, "t": one}, **LEXICAL)
    assert found.index.tolist() == [(name, *label) for name in "st" for label in levels]
    assert found.index.names == [None, "part", "row"]
    apart = [(("s", ("a", 1)), ("t", "a", 1))]
    label = lt.cluster_rows({"s": one, "t": one}, cannot_link=apart, **LEXICAL)["cluster"]
    assert label["s", "a", 1] != label["t", "a", 1]
    assert label["s", "a", 2] == label["t", "a", 2]
    with pytest.raises(lt.InvalidArgumentError, match=r"reset_index\(drop=True\)"):
        lt.cluster_rows([one, pd.DataFrame(SURVEY)], **LEXICAL)


def test_a_column_named_source_stays() -> None:
    one = pd.DataFrame({"name": ["acme steel"], "source": ["book"]})
    found = lt.cluster_rows({"a": one, "b": one}, **LEXICAL)
    assert found["source"].tolist() == ["book", "book"]
    assert found["source_lt"].tolist() == ["a", "b"]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_a_key_may_be_a_number_in_one_table_and_a_text_in_another(kind: str) -> None:
    numbers = {"name": ["acme steel", "zeller motors"], "postcode": [2138, 90210], "share": [1, 2]}
    texts = {"name": ["acme steel", "zeller motors"], "postcode": ["2138", "10001"], "share": [0.5, None]}
    found = lt.cluster(
        [make(kind, numbers), make(kind, texts)], ["name", "postcode"], block_on="postcode", model="lexical"
    )
    assert found.label.tolist() == [0, 1, 0, 2]
    table = to_pandas(found.table.frame.to_native())
    assert table["postcode"].astype(str).tolist() == ["2138", "90210", "2138", "10001"]
    assert table["share"].tolist()[:3] == [1, 2, 0.5]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_dates_beside_texts_are_texts_where_a_column_has_one_dtype(kind: str) -> None:
    dates = make(kind, {"name": ["acme steel"], "born": [pd.Timestamp("1850-03-01").to_pydatetime()]})
    texts = make(kind, {"name": ["zeller"], "born": ["about 1850"]})
    found = to_pandas(lt.cluster_rows([dates, texts], **LEXICAL))
    assert str(found["born"].iloc[0]).startswith("1850-03-01")
    assert found["born"].iloc[1] == "about 1850"


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_tables_without_rows_decide_nothing(kind: str) -> None:
    table = make(kind, SURVEY)
    empty = to_pandas(table).iloc[:0].astype(object).assign(town=[])
    empty = make(kind, {name: [] for name in empty})
    found = to_pandas(lt.cluster_rows({"none": empty, "all": table}, **LEXICAL))
    assert found["cluster"].tolist() == [0, 1, 0]
    assert found["staff"].tolist() == [10, 20, 10]
    assert found["source"].tolist() == ["all"] * 3
    assert "town" in found
    nothing = lt.cluster_rows([empty, empty], **LEXICAL)
    assert len(nothing) == 0 and "cluster" in to_pandas(nothing)


def test_one_table_in_a_list_is_clustered_as_it_is() -> None:
    table = pd.DataFrame(SURVEY)
    alone = lt.cluster_rows([table], **LEXICAL)
    assert alone["cluster"].tolist() == lt.cluster_rows(table, **LEXICAL)["cluster"].tolist()
    assert alone["source"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("on", [[["name"], ["firm"]], ["name", ["firm"]], {"a": "name", "b": ["firm"]}])
def test_key_columns_may_have_names_of_their_own(on: Any) -> None:
    one, other = pd.DataFrame(SURVEY), pd.DataFrame(REGISTER).rename(columns={"name": "firm"})
    tables = {"a": one, "b": other} if isinstance(on, dict) else [one, other]
    found = lt.cluster_rows(tables, on, model="lexical")
    assert found["cluster"].tolist() == [0, 1, 0, 0, 2, 1]
    assert found.columns.tolist() == ["name", "staff", "town", "source", "cluster"]
    with pytest.raises(lt.InvalidArgumentError, match="another column 'name'"):
        lt.cluster_rows([one, other.assign(name="x")], [["name"], ["firm"]])


def test_without_on_the_columns_of_text_of_all_tables_are_the_key() -> None:
    one = pd.DataFrame({"name": ["acme"], "town": ["boston"], "staff": [1]})
    other = pd.DataFrame({"town": ["omaha"], "name": ["acme"], "staff": ["2"]})
    assert lt.cluster([one, other], model="lexical").report()["on"] == ["name", "town"]
    with pytest.raises(lt.InvalidArgumentError, match="no column of text"):
        lt.cluster([one[["name"]], other[["town"]]])


@pytest.mark.parametrize(
    ("duplicates", "wanted"),
    [
        (True, [0, 0, 0, 0]),
        (False, [0, 1, 0, 1]),
        ({"a"}, [0, 0, 0, 1]),
        ("b", [0, 1, 0, 0]),
        ({"a": False, "b": True}, [0, 1, 0, 0]),
    ],
)
def test_a_table_without_duplicates_has_one_row_in_a_cluster(duplicates: Any, wanted: list[int]) -> None:
    tables = {name: pd.DataFrame({"name": ["acme steel", "acme steel"]}) for name in "ab"}
    assert lt.cluster(tables, duplicates=duplicates, **LEXICAL).label.tolist() == wanted


def test_duplicates_and_one_per_hold_together() -> None:
    one = pd.DataFrame({"name": ["acme steel"] * 3, "year": [1850, 1850, 1860]})
    other = pd.DataFrame({"name": ["acme steel"] * 2, "year": [1870, 1880]})
    found = lt.cluster_rows([one, other], one_per="year", duplicates={0}, **LEXICAL)
    assert not found.duplicated(["cluster", "year"]).any()
    assert not found[found["source"] == 1].duplicated("cluster").any()
    assert found["cluster"].nunique() == 2


def test_pairs_of_several_tables_name_the_table(library: str) -> None:
    tables = three(library)
    found = lt.cluster(
        tables,
        cannot_link=[(("1850", 0), ("register", 0))],
        must_link=[(("register", 2), ("1860", 1))],
        **LEXICAL,
    )
    assert found.label[0] != found.label[3]
    assert found.label[5] == found.label[7] == found.label[1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"on": "nmae"}, r"table\['1850'\] has no such column. Did you mean 'name'"),
        ({"on": "town"}, r"on='town': table\['1850'\]"),
        ({"block_on": "staff"}, r"block_on='staff': table\['register'\]"),
        ({"on": {"1850": "name"}}, "for each of"),
        ({"on": [["name"], ["name"]]}, "2 lists of columns for 3 tables"),
        ({"on": [["name"], ["name", "town"], ["name"]]}, r"\[1, 2, 1\]"),
        ({"duplicates": {"1870"}}, "'1870', which is not a table"),
        ({"duplicates": {"1850": True}}, "True or False for every table"),
        ({"duplicates": False, "method": "hdbscan"}, "takes no duplicates="),
        ({"must_link": [(0, ("1850", 1))]}, r"\('1850', 0\)"),
        ({"must_link": [(("1870", 0), ("1850", 1))]}, "the table '1870'"),
        ({"cannot_link": [(("1850", 9), ("1850", 1))]}, "label of no row"),
    ],
    ids=repr,
)
def test_what_cannot_work_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(lt.LinkTransformerError, match=says):
        lt.cluster(three(), **{**LEXICAL, **options})


def test_what_are_no_tables_of_one_library_is_refused() -> None:
    table = pd.DataFrame(SURVEY)
    pytest.importorskip("polars")
    for tables, says in (
        ([], "no tables"),
        ([table, make("polars", SURVEY)], r"table\[1\].to_pandas\(\)"),
        ([table, "b"], r"table\[1\] is a str"),
        ({"a": table, 1: table}, "has the names"),
    ):
        with pytest.raises(lt.LinkTransformerError, match=says):
            lt.cluster(tables, **LEXICAL)
    with pytest.raises(lt.InvalidArgumentError, match="duplicates=False is about several tables"):
        lt.cluster(table, duplicates=False, **LEXICAL)
    with pytest.raises(lt.InvalidArgumentError, match=r"table\[1\].reset_index"):
        repeated = table.set_axis([0, 0, 1])
        lt.cluster([table, repeated], must_link=[((0, 0), (1, 1))], **LEXICAL)


def test_the_order_of_the_rows_of_each_table_makes_no_difference() -> None:
    draw = np.random.default_rng(0)
    words = ["acme", "baxter", "steel", "dairy", "mills", "corp", "boston"]
    names = [sorted({" ".join(draw.choice(words, 3)) for _ in range(40)}) for _ in range(3)]
    tables = [pd.DataFrame({"name": of}) for of in names]
    straight = lt.cluster_rows(tables, duplicates={0}, threshold=0.3, **LEXICAL)["cluster"]
    shuffled = lt.cluster_rows(
        [table.sample(frac=1, random_state=1) for table in tables], duplicates={0}, threshold=0.3, **LEXICAL
    )["cluster"].loc[straight.index]
    assert pd.factorize(shuffled)[0].tolist() == straight.tolist()
