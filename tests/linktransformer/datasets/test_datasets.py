"""The example tables: what the generators make, in each library, with a truth that is of their rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import pytest

import linktransformer as lt
from linktransformer.datasets import DedupData, LinkData
from tools.recipes.datasets.__main__ import FOLDER, MAKERS, write

TWO_TABLES = ["census", "firms", "goods", "products"]
ONE_TABLE = ["articles", "contacts"]
LIBRARIES = ["pandas", "polars", "pyarrow"]


def loaded(name: str, library: str = "pandas") -> Any:
    return getattr(lt.datasets, f"load_{name}")(library)


def rows(native: Any) -> list[dict[str, Any]]:
    """Rows as Python values, None for null."""
    frame = nw.from_native(native, eager_only=True)
    return [{k: None if v != v else v for k, v in row.items()} for row in frame.iter_rows(named=True)]


def test_the_files_are_what_the_generators_make(tmp_path: Path) -> None:
    write(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    assert sum(map(len, made.values())) < 300_000


def test_each_generator_has_a_function() -> None:
    assert sorted(MAKERS) == sorted(TWO_TABLES + ONE_TABLE)
    functions = [name.removeprefix("load_") for name in lt.datasets.__all__ if name.startswith("load_")]
    assert sorted(functions) == sorted(MAKERS)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", TWO_TABLES)
def test_the_matches_are_of_rows(name: str, library: str) -> None:
    data = loaded(name, library)
    assert isinstance(data, LinkData) and tuple(data) == (data.left, data.right, data.truth)
    left, right, truth = map(rows, data)
    for table in (left, right):
        assert len({row["id"] for row in table}) == len(table) >= 50
    assert {row["left_id"] for row in truth} < {row["id"] for row in left}
    assert {row["right_id"] for row in truth} <= {row["id"] for row in right}
    assert len({tuple(row.values()) for row in truth}) == len(truth)
    assert repr(data).endswith(f"{len(truth)} matches)")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", ONE_TABLE)
def test_every_row_has_an_entity(name: str, library: str) -> None:
    data = loaded(name, library)
    assert isinstance(data, DedupData) and tuple(data) == (data.table, data.truth)
    table, truth = map(rows, data)
    assert [row["id"] for row in table] == [row["id"] for row in truth]
    entities = {row["cluster"] for row in truth}
    assert 1 < len(entities) < len(table)
    assert repr(data).endswith(f"{len(entities)} entities)")


@pytest.mark.parametrize("name", TWO_TABLES + ONE_TABLE)
def test_the_libraries_hold_the_same_values(name: str) -> None:
    first, *others = ([rows(table) for table in loaded(name, library)] for library in LIBRARIES)
    assert others == [first, first]


def test_numbers_are_numbers_and_missing_cells_null() -> None:
    census, products, contacts = loaded("census"), loaded("products"), loaded("contacts")
    assert census.left["born"].dtype.kind == "i" and products.left["price"].dtype.kind == "f"
    assert 0 < contacts.table["email"].isna().sum() < len(contacts.table)
    assert not (contacts.table == "").any().any()


@pytest.mark.parametrize("library", ["duckdb", None, ["pandas"]])
def test_another_library_is_refused(library: object) -> None:
    with pytest.raises(lt.InvalidArgumentError, match="is not one of 'pandas', 'polars', 'pyarrow'"):
        lt.datasets.load_firms(library)  # type: ignore[arg-type]


def test_links_can_be_evaluated() -> None:
    firms = loaded("firms")
    links = lt.link(firms.left, firms.right, on=["name", "city"], model="lexical")
    assert links.evaluate(firms.truth, left_id="id", right_id="id")["f1"] > 0.85
