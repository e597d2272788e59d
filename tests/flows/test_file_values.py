"""Files through the command line: a cell that nothing matched comes out as it went in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linktransformer.cli.main import main
from linktransformer.tables.readers import read
from linktransformer.tables.workbooks import write_sheet
from tests.conftest import rows_of

NAMES = ["Acme Steel", "Baxter Dairy Zürich", "Quincy Glass", "Zeller Motors"]
OTHERS = ["Hull Shipping", "Verona Silk", "Tallinn Timber"]
TEXTS: dict[str, list[Any]] = {
    "name": NAMES,
    "zip": ["01067", None, "TRUE", "1.50"],
    "account": ["12345678901234567890", "9007199254740993", None, "NA"],
    "day": ["2020-02-29", "29.02.2020", None, "1850-01-01"],
    "price": ["1,50", "0.10", "1e5", None],
    "quoted": ['a "b"', "two\nlines", "semi;colon", "ta\tb, and comma"],
}
TYPED: dict[str, list[Any]] = {
    **{name: TEXTS[name] for name in ("name", "zip", "account")},
    "n": [9007199254740, None, 0, -5],
    "day": [dt.date(2020, 2, 29), None, dt.date(1999, 12, 31), dt.date(9999, 12, 31)],
    "moment": [dt.datetime(2020, 1, 1, 5), None, dt.datetime(2020, 1, 1), dt.datetime(1999, 1, 1, 0, 0, 1)],
    "flag": [True, None, False, True],
}


def write_text(path: Path, columns: dict[str, list[Any]], sep: str, encoding: str) -> None:
    pd.DataFrame(columns).to_csv(path, sep=sep, index=False, encoding=encoding, lineterminator="\n")


def write_csv(path: Path, columns: dict[str, list[Any]]) -> None:
    write_text(path, columns, ",", "utf-8")


def write_cp1252(path: Path, columns: dict[str, list[Any]]) -> None:
    write_text(path, columns, ";", "cp1252")


def write_utf16(path: Path, columns: dict[str, list[Any]]) -> None:
    write_text(path, columns, "\t", "utf-16")


def write_xlsx(path: Path, columns: dict[str, list[Any]]) -> None:
    write_sheet(list(columns), list(columns.values()), path)


def write_parquet(path: Path, columns: dict[str, list[Any]]) -> None:
    price = [None if n is None else Decimal(n) / 100 for n in columns.get("n", [])]
    large = [None if n is None else 2**62 + n for n in columns.get("n", [])]
    more = {"price": price, "large": large} if price else {}
    pq.write_table(pa.table({**columns, **more}), path)


def write_dta(path: Path, columns: dict[str, list[Any]]) -> None:
    table = pd.DataFrame(
        {name: columns[name] for name in columns if name not in ("day", "moment", "flag", "n")}
    )
    if "n" in columns:
        table = table.assign(
            n=pd.array([7, None, 0, -5], dtype="Int32"), day=pd.to_datetime(columns["moment"])
        )
    table.fillna({name: "" for name in table if name not in ("n", "day")}).to_stata(
        path, write_index=False, version=118
    )


CASES: list[tuple[str, Callable[[Path, dict[str, list[Any]]], None], dict[str, list[Any]], str]] = [
    ("a.csv", write_csv, TEXTS, "out.csv"),
    ("a.csv", write_cp1252, TEXTS, "out.csv"),
    ("a.txt", write_utf16, TEXTS, "out.tsv"),
    ("a.csv", write_csv, TEXTS, "out.csv.gz"),
    ("a.csv", write_csv, TEXTS, "out.xlsx"),
    ("a.csv", write_csv, TEXTS, "out.parquet"),
    ("a.xlsx", write_xlsx, TYPED, "out.xlsx"),
    ("a.xlsx", write_xlsx, TYPED, "out.parquet"),
    ("a.parquet", write_parquet, TYPED, "out.parquet"),
    ("a.dta", write_dta, TYPED, "out.parquet"),
]
each_case = pytest.mark.parametrize(
    ("name", "write", "columns", "out"), CASES, ids=lambda value: str(value)[:20]
)


@each_case
def test_merge_and_dedup_leave_cells_as_they_are(
    tmp_path: Path,
    name: str,
    write: Callable[[Path, dict[str, list[Any]]], None],
    columns: dict[str, list[Any]],
    out: str,
) -> None:
    left, right = tmp_path / name, tmp_path / f"b{name}"
    write(left, columns)
    others = {key: cells[: len(OTHERS)] for key, cells in TEXTS.items() if key not in ("price", "day")}
    write(right, {**others, "name": OTHERS})
    before, other = read(left), read(right)
    assert before["name"].tolist() == NAMES
    written = tmp_path / out
    arguments = [
        "--on",
        "name",
        "--model",
        "lexical",
        "--threshold",
        "0.99",
        "--quiet",
        "--out",
        str(written),
    ]
    assert main(["merge", str(left), str(right), "--how", "outer", *arguments]) == 0
    merged = read(written)
    names = [f"{key}_x" if key in set(other) else key for key in before]
    assert rows_of(merged[names].head(4)) == rows_of(before)
    names = [f"{key}_y" if key in set(before) else key for key in other]
    assert rows_of(merged[names].tail(3)) == rows_of(other)
    assert main(["dedup", str(left), *arguments]) == 0
    assert rows_of(read(written)) == rows_of(before)
    if name.endswith("parquet"):
        schema, kept = pq.read_schema(left), pq.read_schema(written)
        changed = [key for key in schema.names if schema.field(key).type != kept.field(key).type]
        assert [key for key in changed if not pa.types.is_large_string(kept.field(key).type)] == []


def test_the_values_themselves(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx", TYPED)
    assert rows_of(read(tmp_path / "a.xlsx")[["zip", "account", "n", "flag"]])[0] == (
        "01067",
        "12345678901234567890",
        9007199254740,
        True,
    )
    write_parquet(tmp_path / "a.parquet", TYPED)
    assert read(tmp_path / "a.parquet")["large"].tolist()[3] == 2**62 - 5


@pytest.mark.parametrize("whole", [9007199254740993, 9007199254740991])
def test_whole_numbers_beside_null_are_compared_digit_by_digit(tmp_path: Path, whole: int) -> None:
    pq.write_table(pa.table({"id": pa.array([whole, None], pa.int64())}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"id": pa.array([9007199254740992, 5], pa.int64())}), tmp_path / "b.parquet")
    files = [str(tmp_path / name) for name in ("a.parquet", "b.parquet")]
    out = tmp_path / "out.csv"
    arguments = ["--on", "id", "--model", "lexical", "--threshold", "none", "--quiet", "--out", str(out)]
    assert main(["merge", *files, *arguments]) == 0
    merged = pd.read_csv(out, dtype=str)
    assert merged["id_x"].tolist()[0] == str(whole) and float(merged["score"][0]) < 1


def test_unlinked_rows_keep_the_index_of_their_row(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", TYPED)
    write_csv(tmp_path / "b.csv", {"name": OTHERS})
    alone = tmp_path / "alone.xlsx"
    arguments = [
        "--on",
        "name",
        "--model",
        "lexical",
        "--threshold",
        "0.99",
        "--quiet",
        "--unlinked",
        str(alone),
    ]
    assert main(["merge", str(tmp_path / "a.parquet"), str(tmp_path / "b.csv"), *arguments]) == 0
    assert [row[:2] for row in rows_of(read(alone))] == [
        *(("left", number) for number in range(4)),
        *(("right", number) for number in range(3)),
    ]
