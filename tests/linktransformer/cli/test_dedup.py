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
    assert "4 clusters of 5 rows, 4 rows written" in capsys.readouterr().err


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
    ],
)
def test_bad_input_to_dedup(
    table: str, capsys: pytest.CaptureFixture[str], extra: list[str], words: str
) -> None:
    assert main(["dedup", table, *extra]) == 2
    assert words in capsys.readouterr().err
