"""Links and clusters as tables of each library, as iterables and as text."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import linktransformer as lt

LEFT = {"name": ["Acme Steel Corp.", "Baxter Dairy Co", "Quincy Glass Works"], "city": ["Troy", "Ely", None]}
RIGHT = {"name": ["ACME STEEL CORPORATION", "Zeller Motors", "Quincy Glas Works Ltd"]}
MAKE = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
NAMES = {"name": ["Acme Steel Corp.", "Baxter Dairy Co", "ACME STEEL CORP", "Zeller Motors"]}


def links(library: str = "pandas", **options: Any) -> lt.Links:
    left, right = MAKE[library](LEFT), MAKE[library](RIGHT)
    return lt.link(left, right, on="name", model="lexical", **options)


def clusters(table: Any) -> lt.Clusters:
    return lt.cluster(table, on="name", model="lexical")


@pytest.mark.parametrize("library", MAKE)
def test_links_in_every_library_hold_the_pairs(library: str) -> None:
    found = links(library)
    pairs = [(0, 0), (2, 2)]
    assert [(pair.left, pair.right) for pair in found] == pairs
    assert [pair.score for pair in found] == found.score.tolist()
    frame, arrow = found.to_pandas(), found.to_arrow()
    assert list(zip(frame["left"], frame["right"], strict=True)) == pairs
    assert isinstance(arrow, pa.Table) and arrow.to_pandas().equals(frame)
    polars = found.to_polars()
    assert isinstance(polars, pl.DataFrame) and polars.equals(pl.from_pandas(frame))
    assert list(frame.columns)[:3] == ["left", "right", "score"] and list(frame.columns)[-1] == "rank"


@pytest.mark.parametrize("library", MAKE)
def test_head_has_the_keys_of_both_rows(library: str) -> None:
    found = links(library).head(1)
    assert isinstance(found, type(MAKE[library](LEFT)))
    row = (found if library == "pandas" else found.to_pandas()).to_dict("records")[0]
    assert (row["name_x"], row["name_y"]) == ("Acme Steel Corp.", "ACME STEEL CORPORATION")
    assert list(row) == ["name_x", "name_y", "score"]
    assert len(links(library).head()) == 2 and len(links(library).head(0)) == 0


def test_labels_that_arrow_cannot_hold_become_text_or_numbers() -> None:
    several = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])
    mixed = pd.DataFrame(LEFT, index=[1, "two", "three"])
    found = lt.link(mixed, pd.DataFrame(RIGHT, index=several), on="name", model="lexical")
    assert found.to_pandas()[["left", "right"]].values.tolist() == [[1, ("a", 1)], ["three", ("b", 1)]]
    for table in (found.to_polars(), found.to_arrow()):
        rows = table.to_pandas()[["left", "right"]]
        assert rows.values.tolist() == [["1", 0], ["three", 2]]


def test_links_as_text() -> None:
    text = repr(links())
    assert text.startswith("Links(2 links; 1 of 3 left and 1 of 3 right rows unlinked)\n")
    assert "Acme Steel Corp.    =  ACME STEEL CORPORATION" in text
    long = pd.DataFrame({"name": [f"Acme {'steel ' * 20}{n}" for n in range(9)]})
    text = repr(lt.link(long, long, on="name", model="lexical"))
    assert text.count("…  =  ") == 5 and text.endswith("... and 4 more")
    assert repr(lt.link(long[:0], long, on="name", model="lexical")).startswith("Links(0 links; 0 of 0 left")


@pytest.mark.parametrize("library", MAKE)
def test_clusters_in_every_library_hold_the_rows(library: str) -> None:
    found = clusters(MAKE[library](NAMES))
    assert list(found) == [[0, 2], [1], [3]]
    expected = {"row": [0, 1, 2, 3], "cluster": [0, 1, 0, 2]}
    assert found.to_pandas().to_dict("list") == expected
    assert found.to_polars().to_dict(as_series=False) == found.to_arrow().to_pydict() == expected
    head = found.head()
    assert (head if library == "pandas" else head.to_pandas()).to_dict("list") == {
        "cluster": [0, 0],
        "name": ["Acme Steel Corp.", "ACME STEEL CORP"],
    }


def test_clusters_as_text_and_without_rows() -> None:
    found = clusters(pd.DataFrame(NAMES, index=list("abcd")))
    assert list(found) == [["a", "c"], ["b"], ["d"]]
    assert "     0  Acme Steel Corp.  =  ACME STEEL CORP" in repr(found)
    empty = clusters(pd.DataFrame(NAMES)[:0])
    assert list(empty) == [] and len(empty.head()) == 0 and repr(empty).startswith("Clusters(0 rows")


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(lt.MissingExtraError, match="pip install polars"):
        links().to_polars()
