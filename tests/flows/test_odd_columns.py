"""Columns of types that few tables have: linked and given back, or refused in our words."""

from __future__ import annotations

import datetime
import enum
import zoneinfo
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import linktransformer as lt

NAMES = ["Acme Steel Works", "Baxter Dairy Farm", "Zeller Motors"]
NOISY = ["ACME Steel Work", "Baxter Dairies Farm", "Zeler Motors"]
TOKYO = [datetime.datetime(2020, 1 + i, 3, 4, tzinfo=zoneinfo.ZoneInfo("Asia/Tokyo")) for i in range(3)]


class _Firm(enum.Enum):
    A, B, C = NAMES


class _Mute:
    def __str__(self) -> str:
        raise ValueError("no text")


def pairs(left: Any, right: Any, **options: Any) -> list[tuple[int, int]]:
    links = lt.link(left, right, **{"on": "name", "model": "lexical", **options})
    return sorted(zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True))


def view(names: list[str]) -> pa.Table:
    return pa.table({"name": pa.array(names, pa.string_view())})


def runs(names: list[str]) -> pa.Table:
    return pa.table({"name": pa.RunEndEncodedArray.from_arrays([1, 2, 3], names)})


def arrow_frame(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"name": pd.array(names, dtype=pd.ArrowDtype(pa.string_view()))})


@pytest.mark.parametrize("table", [view, runs, arrow_frame])
def test_arrow_columns_of_which_pyarrow_takes_no_rows(table: Any) -> None:
    left, right = table(NAMES), table(NOISY)
    assert pairs(left, right) == [(0, 0), (1, 1), (2, 2)]
    merged = lt.merge(left, right, on="name", how="outer", model="lexical")
    assert len(merged) == 3 and len(lt.dedup_rows(left, on="name", model="lexical")) == 3
    assert len(lt.Deduplicator(on="name", model="lexical").fit(left).labels_) == 3


def test_members_of_an_enum_are_their_values() -> None:
    assert pairs(pd.DataFrame({"name": list(_Firm)}), pd.DataFrame({"name": NOISY})) == [
        (0, 0),
        (1, 1),
        (2, 2),
    ]


def test_integers_of_128_bits() -> None:
    wide = pl.DataFrame({"name": pl.Series([2**100, None, 7**40], dtype=pl.Int128)})
    assert pairs(wide, wide) == [(0, 0), (2, 2)]
    assert len(lt.merge(wide, wide, on="name", block_on="name", model="lexical")) == 3


@pytest.mark.parametrize("cell", [_Mute(), 10**5_000], ids=["mute", "5,000 digits"])
def test_a_cell_that_has_no_text_names_its_column(cell: Any) -> None:
    table = pd.DataFrame({"name": pd.Series([cell, "Acme"], dtype=object)})
    with pytest.raises(lt.InvalidArgumentError, match="Column 'name' holds a value"):
        pairs(table, table)


def test_blocks_of_one_instant_in_two_zones_are_equal() -> None:
    left = pd.DataFrame({"name": NAMES, "at": TOKYO})
    right = pd.DataFrame({"name": NOISY, "at": pd.to_datetime(TOKYO).tz_convert("UTC")})
    assert pairs(left, right, block_on="at") == [(0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("left.csv", r"read_csv\(left\)"),
        ([{"name": "Acme"}], r"pandas.DataFrame\(left\)"),
        (pa.record_batch({"name": NAMES}), r"Table.from_batches\(\[left\]\)"),
        (pd.DataFrame(), "It has no columns"),
    ],
)
def test_what_is_no_table_says_how_to_make_one(table: Any, said: str) -> None:
    with pytest.raises(lt.LinkTransformerError, match=said):
        lt.merge(table, pd.DataFrame({"name": NAMES}), on="name")
