"""Warnings, null values and the dry run of the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from linktransformer.cli.main import main


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "firms.csv"
    names = ["Acme Steel Corp.", "ACME STEEL CORP", "Acme Steel Corp", *["Baxter Dairy"] * 4]
    names += ["Zeller Motors", "Quincy Glass", "unknown", "unknown"]
    pd.DataFrame({"name": names}).to_csv(path, index=False)
    return str(path)


def test_a_dry_run_prints_and_writes_nothing(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "out.csv", tmp_path / "report.json"
    arguments = ["dedup", table, "--on", "name", "--dry-run", "--quiet"]
    assert main([*arguments, "--out", str(out), "--report", str(report)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["firms.csv"]
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[:3] == ["rows: 11", "clusters: 5", "rows that would go: 6"]
    largest, uncertain = lines.index("largest clusters:"), lines.index("least certain clusters:")
    assert lines[largest + 1 : largest + 6] == [
        "  cluster 1: 4 rows, rows of equal keys",
        *(f"    row {row}: Baxter Dairy" for row in range(3, 7)),
    ]
    assert lines[largest + 6].startswith("  cluster 0: 3 rows, mean probability 0.")
    assert lines[largest + 7 : largest + 10] == [
        "    row 0: Acme Steel Corp.",
        "    row 1: ACME STEEL CORP",
        "    row 2: Acme Steel Corp",
    ]
    assert [line for line in lines[uncertain:] if "cluster " in line] == [lines[largest + 6]]
    assert shown.err.startswith("linktransformer: warning: 6 of 11 rows (55%)")
    assert "LinkWarning" not in shown.err


def test_the_rows_of_a_large_cluster_are_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "firms.csv"
    pd.DataFrame({"name": ["Acme Steel" + " very" * 30] * 9 + ["Zeller"] * 9}).to_csv(path, index=False)
    assert main(["dedup", str(path), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("    and 5 more") == 2
    assert max(map(len, shown.splitlines())) < 120


def test_warnings_are_printed_without_a_dry_run(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    assert main(["dedup", table, "--on", "name", "--report", str(report)]) == 0
    told = capsys.readouterr().err
    assert "linktransformer: warning: 6 of 11 rows" in told and "With fewer than 11" in told
    assert json.loads(report.read_text())["warning_codes"] == ["most_rows_go", "few_pairs"]


def test_null_values(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dedup", table, "--on", "name", "--null-values", "Unknown,n/a", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines().count("unknown") == 2 and shown.err == ""
    out = tmp_path / "merged.csv"
    arguments = ["merge", table, table, "--on", "name", "--model", "lexical", "--null-values", "unknown"]
    assert main([*arguments, "--how", "inner", "--out", str(out), "--quiet"]) == 0
    assert len(pd.read_csv(out)) == 9
    assert main([*arguments, "--dry-run"]) == 0
    assert "texts: 12" in capsys.readouterr().out  # six different ones on either side


def test_python_does_not_warn_beside_what_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "firms.csv"
    pd.DataFrame({"name": [*(f"firm {3**n}" for n in range(60)), *["-"] * 20]}).to_csv(path, index=False)
    assert main(["dedup", str(path), "--on", "name", "--quiet"]) == 0
    told = capsys.readouterr().err
    assert "linktransformer: warning: Key column 'name' has '-' in 20 of 80 rows" in told
    assert main(["merge", str(path), str(path), "--on", "name", "--model", "lexical", "--quiet"]) == 0
    assert "Key column 'name' of the right table has '-'" in capsys.readouterr().err
    assert not recwarn
