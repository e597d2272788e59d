"""The command dedup, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from linktransformer.cli.main import main

FIRMS = (
    "name,city\nAcme Steel Corp.,Boston\n,Omaha\nBaxter Dairy,Tulsa\nACME STEEL CORP,\nZeller Motors,Dayton\n"
)


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "firms.csv"
    path.write_text(FIRMS)
    return str(path)


def test_dedup_keeps_one_row_of_each(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, report = tmp_path / "clean.csv", tmp_path / "report.json"
    arguments = ["dedup", table, "--on", "name", "--keep", "most complete", "--out", str(out)]
    assert main([*arguments, "--report", str(report)]) == 0
    clean = pd.read_csv(out, dtype=str)
    assert clean.city.tolist() == ["Boston", "Omaha", "Tulsa", "Dayton"]
    assert json.loads(report.read_text())["clusters"] == 4
    told = capsys.readouterr().err.splitlines()[-4:]
    assert told[0] == "rows      5 read, 4 written, 1 left out"
    assert told[1] == "clusters  4, 1 of several rows, the largest of 2"
    assert told[2].startswith("rule      average, threshold 0.")
    assert "--dry-run" in told[3]


def test_dedup_marks_all_rows(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dedup", table, "--on", "name", "--mark", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == "name,city,cluster,kept"
    assert [line.split(",")[2] for line in shown.out.splitlines()[1:]] == ["0", "1", "2", "0", "3"]
    assert shown.err == ""


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--on", "nmae"], "Did you mean 'name'"),
        (["--threshold", "none"], "neither auto nor a number"),
        (["--keep", "last"], "invalid choice"),
        (["--method", "ward"], "method='ward'"),
        (["--out", "clean.doc"], "clean.doc"),
        (["--out", "{table}"], "which is read"),
        (["--report", "{table}"], "which is read"),
        (["--sheet", "1"], "--sheet is for .xlsx files"),
    ],
)
def test_bad_input_to_dedup(
    table: str, capsys: pytest.CaptureFixture[str], extra: list[str], words: str
) -> None:
    assert main(["dedup", table, *(text.format(table=table) for text in extra)]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("given", "option"), [("all", True), ("none", None), ("2", 2.0)])
def test_reader_is_passed_on(tmp_path: Path, given: str, option: object) -> None:
    table, report = tmp_path / "table.csv", tmp_path / "report.json"
    table.write_text("name\nAcme Steel Corp.\nACME STEEL CORPORATION\nBaxter Dairy\n")
    arguments = ["dedup", str(table), "--on", "name", "--quiet", "--out", str(tmp_path / "clean.csv")]
    assert main([*arguments, "--reader", given, "--report", str(report)]) == 0
    told = json.loads(report.read_text())
    assert told["options"].get("reader") == option and ("read" in told) == (given != "none")
