"""Workbooks: each cell keeps its kind."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.readers import Reading, read, read_table
from linktransformer.tables.workbooks import write_sheet
from linktransformer.tables.writers import write
from tests.conftest import rows_of


def book(path: Path, *rows: list[object], sheets: tuple[str, ...] = ()) -> Path:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    for title in sheets:
        made.create_sheet(title).append(["other"])
        made[title].append([title])
    made.save(path)
    return path


ROWS: list[list[object]] = [
    ["zip", "account", "flag", "n", "x", "day", "moment", "mixed"],
    [
        "01067",
        "12345678901234567890",
        "TRUE",
        1,
        1.5,
        dt.date(2020, 2, 29),
        dt.datetime(2020, 1, 1, 5),
        "A12",
    ],
    [None, None, None, None, None, None, None, 13],
    ["=1+1", "#N/A!", "NA", 3, 2.25, dt.date(1999, 12, 31), dt.datetime(2020, 1, 1), True],
]


def test_cells_keep_their_kinds_there_and_back(tmp_path: Path) -> None:
    names, *rows = ROWS
    write_sheet(list(map(str, names)), list(zip(*rows, strict=True)), tmp_path / "a.xlsx")
    native = read(tmp_path / "a.xlsx")
    assert [str(dtype) for dtype in native.dtypes][3:] == [
        "Int64",
        "float64",
        "object",
        "datetime64[us]",
        "object",
    ]
    assert rows_of(native) == [tuple(row) for row in rows]
    assert write(native, tmp_path / "b.xlsx") == ()
    assert rows_of(read(tmp_path / "b.xlsx")) == [tuple(row) for row in rows]
    cell = openpyxl.load_workbook(tmp_path / "b.xlsx").active["A4"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_whole_numbers_beside_others_stay_whole_in_text(tmp_path: Path) -> None:
    native = read(book(tmp_path / "a.xlsx", ["n", "b"], [1, True], [2.5, False], [None, None], [3, True]))
    write(native, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "n,b\n1,True\n2.5,False\n,\n3,True\n"


def test_what_a_sheet_cannot_hold_becomes_text_and_is_told(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": [9007199254740993, 1], "born": [dt.date(1850, 1, 1), dt.date(1950, 1, 1)]})
    notes = write(table, tmp_path / "a.xlsx")
    assert ["'id'" in notes[0], "'born'" in notes[1]] == [True, True]
    assert rows_of(read(tmp_path / "a.xlsx")) == [
        ("9007199254740993", "1850-01-01"),
        (1, dt.date(1950, 1, 1)),
    ]
    assert "carriage return" in write(pd.DataFrame({"t": ["x\ry"]}), tmp_path / "a.xlsx")[0]
    with pytest.raises(InvalidArgumentError, match="'t' has a text of 40,000 characters"):
        write(pd.DataFrame({"t": ["x" * 40_000]}), tmp_path / "a.xlsx")


def test_sheets_and_header_rows(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["A title"], [], ["name", None], ["Acme", 1], sheets=("Second",))
    table = read_table(path, Reading(header_row=3))
    assert rows_of(table.native) == [("Acme", 1)] and list(table.native) == ["name", "Unnamed: 1"]
    assert "sheet 'Sheet' of 2" in table.notes[0] and "Unnamed: 1" in table.notes[1]
    for sheet in ("Second", "2"):
        assert rows_of(read_table(path, Reading(sheet=sheet)).native) == [("Second",)]
    with pytest.raises(InvalidArgumentError, match=r"no sheet 'Third'\. Its sheets are 'Sheet', 'Second'"):
        read_table(path, Reading(sheet="Third"))
    with pytest.raises(InvalidArgumentError, match="no header in row 9"):
        read_table(path, Reading(header_row=9))


def test_errors_are_null_and_repeated_names_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["name", "n"], ["#N/A", 1])
    table = read_table(path)
    assert rows_of(table.native) == [(None, 1)]
    assert "1 cells with an error such as #N/A are null" in table.notes[0]
    with pytest.raises(InvalidArgumentError, match="columns of the same name: \\['a'\\]"):
        read(book(tmp_path / "b.xlsx", ["a", "a"], [1, 2]))
