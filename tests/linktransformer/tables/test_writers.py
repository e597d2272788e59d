"""Tables to files: whole or not at all."""

from __future__ import annotations

import datetime as dt
import gzip
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.errors import InvalidArgumentError, MissingExtraError
from linktransformer.tables import writers
from linktransformer.tables.delimited import Dialect, parse
from linktransformer.tables.readers import read
from tests.conftest import make, rows_of

ROOT = Path(__file__).parents[3]

COLUMNS: dict[str, list[Any]] = {"name": ['Acme, "Ltd"', "NA", None, "两\nlines\r"], "n": [1, 2, None, 4]}


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    script = "import os, sys; from pathlib import Path; from linktransformer.tables.writers import whole\n"
    script += "with whole(Path(sys.argv[1])) as new:\n    new.write_text('half'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "out.csv")], check=False, cwd=ROOT)
    assert len(list(tmp_path.iterdir())) == 2  # a folder and its lock
    writers.write(pd.DataFrame({"a": [1]}), tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_long_names_of_files(tmp_path: Path) -> None:
    path = tmp_path / ("名" * 80 + ".csv")
    writers.write(pd.DataFrame({"a": [1]}), path)
    assert [other.name for other in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".txt", ".parquet", ".xlsx"])
def test_what_is_written_is_read_again(library: str, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_text("old")
    columns = {**COLUMNS, "name": [*COLUMNS["name"][:3], "两\nlines"]} if suffix == ".xlsx" else COLUMNS
    assert writers.write(make(library, columns), path) == ()
    rows = rows_of(read(path))
    typed = suffix in (".parquet", ".xlsx")
    assert [row[0] for row in rows] == columns["name"]
    assert [None if n is None else float(n) for _, n in rows] == [1.0, 2.0, None, 4.0]
    assert isinstance(rows[0][1], str) is not typed
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_compressed_text_is_gzip(tmp_path: Path) -> None:
    writers.write(pd.DataFrame({"a": [1]}), tmp_path / "t.csv.gz")
    assert gzip.decompress((tmp_path / "t.csv.gz").read_bytes()) == b"a\n1\n"


@pytest.mark.parametrize("library", ["pandas_nullable", "pandas_arrow", "polars", "pyarrow"])
def test_whole_numbers_beside_null_stay_whole_in_every_library(library: str, tmp_path: Path) -> None:
    writers.write(make(library, {"n": [9007199254740993, None]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text().split("\n")[1] == "9007199254740993"


@given(
    st.lists(
        st.tuples(
            *[
                st.text(st.characters(codec="utf-8"), min_size=1)
                | st.sampled_from(["\r", '"', "a\n,;\t|b"])
                | st.none()
            ]
            * 2
        ),
        min_size=1,
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.integers(1, 2),
)
def test_any_text_is_read_as_it_was_written(rows: list[tuple[Any, Any]], sep: str, width: int) -> None:
    names = ["first", "second"][:width]
    table = pd.DataFrame([row[:width] for row in rows], columns=names, dtype=object)
    cells = parse(writers.as_csv(table, sep), Dialect(sep), "t")
    assert [[cell or None for cell in column] for column in cells.columns] == [
        [row[n] for row in rows] for n in range(width)
    ]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")

    def fail(native: Any, kind: str, temporary: Path, path: Path) -> None:
        temporary.write_text("half")
        raise error("disk full")

    monkeypatch.setattr(writers, "_write", fail)
    with pytest.raises(error, match="disk full"):
        writers.write(pd.DataFrame({"a": [1]}), path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("t.csv", "old")]


def test_a_link_stays_a_link_and_a_mode_a_mode(tmp_path: Path) -> None:
    target, link = tmp_path / "t.csv", tmp_path / "link.csv"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    writers.write(pd.DataFrame({"a": [1]}), link)
    assert link.is_symlink() and target.read_text() == "a\n1\n"
    assert target.stat().st_mode & 0o777 == 0o640


def test_columns_of_several_kinds_are_texts_in_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    notes = writers.write(pd.DataFrame({"mixed": ["x", 1, None], "n": [1, 2, 3]}), path)
    assert rows_of(read(path)) == [("x", 1), ("1", 2), (None, 3)]
    assert len(notes) == 1 and "'mixed'" in notes[0]


def test_decimals_and_dates_keep_their_digits_in_text(tmp_path: Path) -> None:
    table = pd.DataFrame({"p": [Decimal("1.50"), None], "d": [dt.date(1850, 1, 1), None]})
    writers.write(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "p,d\n1.50,1850-01-01\n,\n"


@pytest.mark.parametrize("name", ["t.doc", "t", "t.xlsx.gz", "t.dta"])
def test_what_cannot_be_written_is_refused_before(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"Use one of \.csv"):
        writers.check_path(tmp_path / name)
    with pytest.raises(InvalidArgumentError, match=r"Use one of \.csv"):
        writers.write(pd.DataFrame({"a": [1]}), tmp_path / name)


@pytest.mark.parametrize(("suffix", "module"), [("parquet", "pyarrow"), ("xlsx", "openpyxl")])
def test_a_missing_library_is_found_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"{module}.*linktransformer\[cli\]"):
        writers.check_path(tmp_path / f"t.{suffix}")


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="there is no folder"):
        writers.write(pd.DataFrame({"a": [1]}), tmp_path / "none" / "t.csv")


def test_parts_are_one_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    writers.write_parts(path, iter([pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})]))
    assert pq.read_table(path)["a"].to_pylist() == [1, 2]
