"""Files for the command line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from linktransformer.errors import InvalidArgumentError, MissingExtraError
from linktransformer.tables import files
from tests.conftest import make, rows_of

COLUMNS: dict[str, list[Any]] = {"name": ['Acme, "Ltd"', "NA", None, "两\nlines"], "n": [1, 2, None, 4]}


@pytest.fixture(params=["pandas", "polars", "pyarrow"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(files, "_installed", lambda: request.param)
    return str(request.param)


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t")])
def test_cells_of_csv_are_texts_and_only_the_empty_ones_null(
    reader: str, tmp_path: Path, suffix: str, separator: str
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
    native = files.read(path)
    assert type(native).__module__.partition(".")[0] == reader
    first = [("007", "NA"), ("1.50", "None"), (None, ' x"y '), ("true", "nan"), ("é🙂", None)]
    assert rows_of(native) == [(*row, f"0{n}") for n, row in enumerate(first, start=1)]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".xlsx"])
def test_what_is_written_is_read_again(library: str, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_text("old")
    files.write(make(library, COLUMNS), path)
    rows = rows_of(files.read(path))
    typed = suffix in (".parquet", ".xlsx")
    assert [row[0] for row in rows] == COLUMNS["name"]
    assert [None if n is None else float(n) for _, n in rows] == [1.0, 2.0, None, 4.0]
    assert isinstance(rows[0][1], str) is not typed
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_parquet_keeps_dates(reader: str, tmp_path: Path) -> None:
    files.write(pl.DataFrame({"d": [dt.datetime(2020, 1, 1, 5)]}), tmp_path / "t.parquet")
    assert rows_of(files.read(tmp_path / "t.parquet")) == [(dt.datetime(2020, 1, 1, 5),)]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")

    def fail(frame: Any, to: Path) -> None:
        to.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(files, "_write", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write(pd.DataFrame({"a": [1]}), path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("t.csv", "old")]


@pytest.mark.parametrize("name", ["t.doc", "t", "t.csv.gz"])
def test_an_unknown_suffix_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a\n1\n")
    for act in (files.read, files.check_path, lambda path: files.write(pd.DataFrame({"a": [1]}), path)):
        with pytest.raises(InvalidArgumentError, match=r"is not known\. Use one of \.csv"):
            act(tmp_path / name)


def test_a_missing_file_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"none\.csv is not a file"):
        files.read(tmp_path / "none.csv")
    with pytest.raises(InvalidArgumentError, match="there is no folder"):
        files.write(pd.DataFrame({"a": [1]}), tmp_path / "none" / "t.csv")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_a_broken_file_is_refused(reader: str, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"" if suffix == ".csv" else b"no such thing")
    with pytest.raises(InvalidArgumentError, match=f"cannot be read as {suffix[1:]}"):
        files.read(path)


def test_nothing_installed_names_the_pip_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str, extra: str) -> Any:
        raise MissingExtraError(f'{module}: pip install "linktransformer[{extra}]"')

    monkeypatch.setattr(files, "need", missing)
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(MissingExtraError, match=r"linktransformer\[cli\]"):
        files.read(tmp_path / "t.csv")


def test_the_example_tables_are_what_their_note_says(data_dir: Path) -> None:
    counts = {path.name: len(rows_of(files.read(path))) for path in sorted(data_dir.glob("*.csv"))}
    assert counts == {"left.csv": 2616, "matches.csv": 2224, "right.csv": 2294}
