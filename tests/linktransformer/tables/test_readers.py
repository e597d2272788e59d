"""Tables from files: values stay what the file holds."""

from __future__ import annotations

import datetime as dt
import gzip
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linktransformer.cli.main import main
from linktransformer.errors import InvalidArgumentError, MissingExtraError
from linktransformer.tables import readers
from linktransformer.tables.readers import Reading, read, read_table
from tests.conftest import rows_of


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t"), (".txt", "\t")])
def test_cells_of_text_are_texts_and_only_the_empty_ones_null(
    tmp_path: Path, suffix: str, separator: str
) -> None:
    path = tmp_path / f"t{suffix.upper()}"
    lines = [
        ["code", "a name", "zip"],
        ["007", "NA", "01"],
        ["1.50", "None", "02"],
        ["", '" x""y "', "03"],
        ["true", "nan", "04"],
        ["é🙂", "", "05"],
    ]
    path.write_text("\ufeff" + "\n".join(map(separator.join, lines)) + "\n", "utf-8")
    first = [("007", "NA"), ("1.50", "None"), (None, ' x"y '), ("true", "nan"), ("é🙂", None)]
    assert rows_of(read(path)) == [(*row, f"0{n}") for n, row in enumerate(first, start=1)]
    assert list(read(path)) == ["code", "a name", "zip"]


def test_compressed_text_and_texts_that_are_null(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\nNA,1\n-,\nNaN,NA\n"))
    table = read_table(path, Reading(na=("NA", "-")))
    assert rows_of(table.native) == [(None, "1"), (None, None), ("NaN", None)]
    path.write_bytes(b"a,b\n")
    with pytest.raises(InvalidArgumentError, match="cannot be read as gzip"):
        read(path)


def test_parquet_keeps_whole_numbers_decimals_and_dates(tmp_path: Path) -> None:
    columns: dict[str, pa.Array] = {
        "id": pa.array([9007199254740993, None, 5], pa.int64()),
        "small": pa.array([255, None, 0], pa.uint8()),
        "flag": pa.array([True, None, False]),
        "price": pa.array([Decimal("1.50"), None, Decimal("0.10")], pa.decimal128(20, 2)),
        "day": pa.array([dt.date(1850, 1, 1), None, dt.date(9999, 12, 31)]),
        "moment": pa.array([dt.datetime(2020, 1, 1, 5), None, dt.datetime(1066, 10, 14)], pa.timestamp("us")),
        "time": pa.array([dt.time(5), None, dt.time(6)]),
        "list": pa.array([[1, 2], None, []], pa.list_(pa.int64())),
        "kind": pa.array(["x", None, "x"]).dictionary_encode(),
        "text": pa.array(["007", None, ""]),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    again = pa.Table.from_pandas(read(tmp_path / "t.parquet"), preserve_index=False)
    for name, array in columns.items():
        assert again[name].to_pylist() == array.to_pylist(), name
    for name in ("id", "small", "flag", "price", "day", "moment", "time", "list"):
        assert again.schema.field(name).type == columns[name].type, name


def test_the_index_that_pandas_stored_in_parquet_is_a_column(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": ["a", "b"]}, index=pd.Index([7, 8], name="id"))
    table.to_parquet(tmp_path / "t.parquet")
    assert rows_of(read(tmp_path / "t.parquet")) == [("a", 7), ("b", 8)]


def test_stata_keeps_whole_numbers_labels_and_dates(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "id": pd.array([2147483620, None, 3], dtype="Int32"),
            "x": [0.5, None, 2.0],
            "kind": pd.Categorical(["old", "new", "old"]),
            "day": pd.to_datetime(["1850-01-01", None, "2020-02-29"]),
            "name": ["007", "", "Zürich"],
        }
    )
    table.to_stata(tmp_path / "t.dta", write_index=False, version=118, convert_dates={"day": "td"})
    native = read(tmp_path / "t.dta")
    assert str(native["id"].dtype) == "Int64"
    assert rows_of(native) == [
        (2147483620, 0.5, "old", pd.Timestamp("1850-01-01"), "007"),
        (None, None, "new", None, None),
        (3, 2.0, "old", pd.Timestamp("2020-02-29"), "Zürich"),
    ]


def test_spss_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    (tmp_path / "t.sav").write_bytes(b"$FL2")
    with pytest.raises(MissingExtraError, match=r"pip install .linktransformer\[spss\]"):
        read(tmp_path / "t.sav")


def test_spss_keeps_what_its_cells_are(tmp_path: Path) -> None:
    spss = pytest.importorskip("pyreadstat")
    table = pd.DataFrame(
        {
            "id": [1.0, np.nan, 2.0**53],
            "rate": [0.5, np.nan, 2.0],
            "group": [1.0, 2.0, np.nan],
            "day": pd.to_datetime(["1850-01-01", None, "2020-02-29"]),
            "code": ["007", "", "Zürich"],
        }
    )
    spss.write_sav(table, str(tmp_path / "t.sav"), variable_value_labels={"group": {1: "old", 2: "new"}})
    native = read(tmp_path / "t.sav")
    assert str(native["id"].dtype) == "Int64"
    assert rows_of(native) == [
        (1, 0.5, "old", pd.Timestamp("1850-01-01"), "007"),
        (None, None, "new", None, None),
        (2**53, 2.0, None, pd.Timestamp("2020-02-29"), "Zürich"),
    ]


def test_spss_through_the_command(tmp_path: Path) -> None:
    spss = pytest.importorskip("pyreadstat")
    firms = pd.DataFrame({"firm": ["Acme Steel", "Zeller Motors"], "id": [7.0, np.nan], "code": ["01", "x "]})
    spss.write_sav(firms, str(tmp_path / "left.sav"))
    (tmp_path / "right.csv").write_text("firm\nACME STEEL\n")
    files = [str(tmp_path / name) for name in ("left.sav", "right.csv", "out.csv")]
    assert main(["merge", *files[:2], "--on", "firm", "--model", "lexical", "--out", files[2]]) == 0
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.split(",")[:4] for line in lines[1:]] == [
        ["Acme Steel", "7", "01", "ACME STEEL"],
        ["Zeller Motors", "", "x", ""],
    ]


def test_a_folder_is_not_a_table(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="is a folder"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["t.doc", "t", "t.parquet.gz", "t.gz"])
def test_an_unknown_suffix_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a\n1\n")
    with pytest.raises(InvalidArgumentError, match=r"is not known\. Use one of \.csv"):
        read(tmp_path / name)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"none\.csv is not a file"):
        read(tmp_path / "none.csv")


@pytest.mark.parametrize("suffix", [".parquet", ".xlsx", ".dta"])
def test_a_broken_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"no such thing")
    with pytest.raises(InvalidArgumentError, match=f"cannot be read as {suffix[1:]}"):
        read(path)


def test_what_was_assumed_is_told_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("name;city\nMüller;Köln\n".encode("cp1252"))
    table = read_table(path)
    assert rows_of(table.native) == [("Müller", "Köln")]
    assert "line 2" in table.notes[0] and "cp1252" in table.notes[0] and "semicolons" in table.notes[1]
    read(path)
    assert [record.message for record in caplog.records] == list(table.notes)
    assert read_table(path, Reading(sep=";", encoding="latin-1")).notes == ()


def test_nothing_installed_names_the_pip_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str, extra: str) -> Any:
        raise MissingExtraError(f'{module}: pip install "linktransformer[{extra}]"')

    monkeypatch.setattr(readers, "need", missing)
    (tmp_path / "t.parquet").write_text("")
    with pytest.raises(MissingExtraError, match=r"linktransformer\[cli\]"):
        read(tmp_path / "t.parquet")


def test_the_example_tables_are_what_their_note_says(data_dir: Path) -> None:
    counts = {path.name: len(rows_of(read(path))) for path in sorted(data_dir.glob("*.csv"))}
    assert counts == {"left.csv": 2616, "matches.csv": 2224, "right.csv": 2294}
