"""null_values: what means null in key columns, in any library, with the caller's cells left as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.tables import frames, null_values
from tests.conftest import make, to_pandas

LEXICAL: dict[str, Any] = {"model": "lexical"}
FIRMS = {
    "name": ["Acme Steel", "UNKNOWN ", "Baxter Dairy", "un\u00adknown", "Acme Steel"],
    "born": [1950, -1, 1960, 1970, -1],
}


def test_rows_with_a_stand_in_as_key_are_clusters_by_themselves(library: str) -> None:
    table = make(library, FIRMS)
    assert to_pandas(lt.cluster_rows(table, "name"))["cluster"].tolist() == [0, 1, 2, 1, 0]
    found = to_pandas(lt.cluster_rows(table, "name", null_values=["Unknown"]))
    assert found["cluster"].tolist() == [0, 1, 2, 3, 0]
    assert found["name"].tolist() == FIRMS["name"]
    assert len(lt.dedup_rows(table, "name", null_values="unknown")) == 4


def test_numbers_and_columns_by_name(library: str) -> None:
    table = frames.wrap(make(library, FIRMS), "table")
    texts = null_values.check({"born": [-1]}, ["name", "born"])
    emptied, counts = null_values.emptied(table, ["name", "born"], texts)
    assert counts == {"born": 2}
    assert frames.column(emptied, "born").tolist() == [1950, None, 1960, 1970, None]
    assert frames.column(emptied, "name").tolist() == FIRMS["name"]
    assert frames.column(table, "born").tolist() == FIRMS["born"]


def test_large_numbers_stay_exact() -> None:
    table = frames.wrap(pd.DataFrame({"id": [2**60 + 1, 0]}), "table")
    emptied, _ = null_values.emptied(table, ["id"], null_values.check([0], ["id"]))
    assert frames.column(emptied, "id").tolist() == [2**60 + 1, None]


def test_merge_and_link(library: str) -> None:
    left, right = (
        make(library, {"name": ["unknown", "Acme Steel"]}),
        make(library, {"name": ["Unknown", "acme steel"]}),
    )
    assert len(lt.link(left, right, "name", **LEXICAL)) == 2
    links = lt.link(left, right, "name", null_values=["unknown"], **LEXICAL)
    assert links.right_rows.tolist() == [1]
    assert links.report()["null_values"] == {"left": {"name": 1}, "right": {"name": 1}}
    assert to_pandas(links.unlinked)["reason"].tolist() == ["no key"] * 2
    merged = to_pandas(lt.merge(left, right, "name", null_values=["unknown"], how="outer", **LEXICAL))
    assert merged["name_x"].dropna().tolist() == ["unknown", "Acme Steel"]
    assert merged["name_y"].dropna().tolist() == ["acme steel", "Unknown"]


def test_columns_of_two_names() -> None:
    left, right = pd.DataFrame({"firm": ["n/a"]}), pd.DataFrame({"name": ["N/A"]})
    options: dict[str, Any] = {"left_on": "firm", "right_on": "name", **LEXICAL}
    assert len(lt.link(left, right, null_values={"firm": ["n/a"]}, **options)) == 0
    assert len(lt.link(left, right, null_values={"name": ["other"]}, **options)) == 1


def test_files_are_linked_as_tables_are(tmp_path: Path) -> None:
    places = [tmp_path / f"{side}.parquet" for side in ("left", "right")]
    for place in places:
        pd.DataFrame({"name": ["unknown", "Acme Steel", "Zeller Motors"]}).to_parquet(place)
    links = lt.link_files(*places, None, "name", null_values=["Unknown"])
    assert links.left_rows.tolist() == [1, 2]
    tables = [pd.read_parquet(place) for place in places]
    report = lt.link(*tables, "name", null_values=["Unknown"], **LEXICAL).report()
    assert (
        links.report()["null_values"] == report["null_values"] == {"left": {"name": 1}, "right": {"name": 1}}
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (5, "null_values=5"),
        ({"nmae": ["x"]}, "Did you mean 'name'"),
        ({"name": 5}, "null_values={'name': 5}"),
    ],
)
def test_what_cannot_work_is_refused(given: Any, words: str) -> None:
    with pytest.raises(lt.InvalidArgumentError, match=words):
        lt.cluster(pd.DataFrame(FIRMS), ["name", "born"], null_values=given)


def test_an_array_of_values_and_none() -> None:
    assert null_values.check(np.array(["a", "B"]), ["name"]) == {"name": frozenset({"a", "b"})}
    assert null_values.check(None, ["name"]) == {}
    assert null_values.check([" "], ["name"]) == {"name": frozenset()}
