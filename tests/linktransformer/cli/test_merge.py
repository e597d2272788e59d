"""The command merge, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from linktransformer.cli.main import main

LEFT = "name,city\nAcme Steel Corp.,Boston\n,Omaha\nBaxter Dairy,Tulsa\n"
RIGHT = "name,code\nACME STEEL CORPORATION,007\nZeller Motors,008\n"


@pytest.fixture
def tables(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "left.csv", tmp_path / "right.csv"]
    paths[0].write_text(LEFT)
    paths[1].write_text(RIGHT)
    return [str(path) for path in paths]


def test_merge_writes_what_it_was_asked_for(tables: list[str], tmp_path: Path) -> None:
    out, alone, report = (tmp_path / name for name in ("linked.csv", "alone.csv", "report.json"))
    arguments = ["merge", *tables, "--on", "name", "--model", "lexical", "--out", str(out), "--quiet"]
    assert main([*arguments, "--unlinked", str(alone), "--report", str(report)]) == 0
    linked = pd.read_csv(out, dtype=str)
    assert linked.name_x.tolist()[0] == "Acme Steel Corp."
    assert linked.code.tolist()[0] == "007"
    assert linked.code.isna().tolist() == [False, True, True]
    assert pd.read_csv(alone).reason.tolist()[0] == "no key"
    assert json.loads(report.read_text())["links"] == 1


def test_without_out_the_table_goes_to_standard_output(
    tables: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["merge", *tables, "--on", "name", "--model", "lexical", "--how", "inner"]
    assert main([*arguments, "--threshold", "0.5"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == "name_x,city,name_y,code,score"
    assert len(shown.out.splitlines()) == 2
    assert [line.split() for line in shown.err.splitlines()[-4:-2]] == [
        ["left", "3", "rows", "1", "linked", "2", "unlinked"],
        ["right", "2", "rows", "1", "linked", "1", "unlinked"],
    ]
    assert shown.err.splitlines()[-2].startswith("links  1        too few links to")
    assert shown.err.splitlines()[-2].endswith("; probability at or above the threshold, threshold 0.50")
    assert "next   --unlinked FILE" in shown.err


def test_dry_run_links_nothing(tables: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge", *tables, "--on", "name", "--dry-run"]) == 0
    shown = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    assert (shown["left_rows"], shown["right_rows"], shown["pairs"]) == ("3", "2", "4")


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--on", "nmae"], "Did you mean 'name'"),
        (["--on", "name", "--model", "./nowhere"], "nowhere"),
        (["--on", "name", "--threshold", "recall=0.5"], "not understood"),
        (["--on", "name", "--out", "linked.doc"], "linked.doc"),
        (["--on", "name", "--report", "nowhere/report.json"], "no folder nowhere"),
        (["--on", "name", "--report", "."], "it is a folder"),
        (["--on", "name", "--out", "a.csv", "--unlinked", "a.csv"], "one file twice"),
        (["--on", "name", "--dry-run", "--k", "0"], "k=0"),
        (["--on", "name", "--dry-run", "--threshold", "precision=7"], "threshold="),
        (["--on", "name", "--dry-run", "--model", "./nowhere"], "nowhere"),
        (["--on", "name", "--dry-run", "--suffixes", "_a"], "are not two"),
        (["--on", "name", "--memory-limit", "infGB"], "not a size"),
        (["--on", "name", "--memory-limit", "much"], "not a size"),
        (["--on", "name", "--sep", "none"], "one character"),
        (["--on", "name", "--header-row", "0"], "not a number of a row"),
        (["--on", "name", "--sheet", "A"], "--sheet is for .xlsx files"),
        (["--on", "name", "--right-sheet", "A"], "--right-sheet is for .xlsx files"),
        (["--on", "name", "--encoding", "utf-9"], "--encoding utf-9 is not known"),
        (["--on", "name", "--bounded", "--out", "a.parquet", "--na", "NA"], "have no --na"),
        (["--on", "name", "--bounded", "--out", "a.parquet", "--right-sep", "tab"], "have no --right-sep"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    tables: list[str], capsys: pytest.CaptureFixture[str], extra: list[str], words: str
) -> None:
    assert main(["merge", *tables, *extra]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert "Traceback" not in shown


def test_a_row_longer_than_the_header_is_refused(
    tables: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(tables[0]).write_text("name,year\nAcme,1,\nZeller,2,\n")  # nothing is in the last cell
    assert main(["merge", *tables, "--on", "name", "--model", "lexical"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("Acme,1,")
    for text in ("name,year\nAcme,1,x\nZeller,2,y\n", "name,year\nAcme,1\nZeller,2,3\n"):
        Path(tables[0]).write_text(text)
        assert main(["merge", *tables, "--on", "name", "--model", "lexical"]) == 2
        assert tables[0] in capsys.readouterr().err


def test_a_reader_that_stops_early_is_no_error(tables: list[str], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    program = "import sys; from linktransformer.cli.main import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["merge", *tables, "--on", "name", "--model", "lexical", "--report", str(report)]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, shown = process.communicate()
    assert (process.returncode, b"Traceback" in shown) == (0, False)
    assert report.exists()


def test_link_is_merge(tables: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["link", *tables, "--on", "name", "--model", "lexical", "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "name_x,city,name_y,code,score"


@pytest.mark.parametrize("option", ["--out", "--unlinked", "--report"])
@pytest.mark.parametrize("spelling", ["same", "dotted", "symbolic", "hard"])
def test_a_file_that_is_read_is_not_written_without_force(
    tables: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, spelling: str
) -> None:
    read = Path(tables[1])
    other = tmp_path / "other.csv"
    if spelling == "symbolic":
        other.symlink_to(read)
    elif spelling == "hard":
        other.hardlink_to(read)
    paths = {"same": str(read), "dotted": f"{tmp_path}/../{tmp_path.name}/right.csv"}
    path = paths.get(spelling, str(other))
    arguments = ["merge", *tables, "--on", "name", "--model", "lexical", "--quiet", option, path]
    assert main(arguments) == 2
    assert "Give another file, or --force" in capsys.readouterr().err
    assert read.read_text() == RIGHT
    if spelling == "same":
        assert main([*arguments, "--force"]) == 0
        assert read.read_text() != RIGHT


def test_each_table_has_its_own_way_of_being_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left, right = tmp_path / "left.csv", tmp_path / "right.csv"
    left.write_bytes("A list of firms\nname~city\nŁódź Steel~NA\n".encode("cp1250"))
    right.write_text("name,city\nŁódź Steel,NA\n", "utf-8")
    arguments = ["merge", str(left), str(right), "--on", "name", "--model", "lexical", "--threshold", "none"]
    arguments += ["--sep", "~", "--encoding", "cp1250", "--header-row", "2", "--quiet"]
    arguments += [
        "--right-sep",
        "comma",
        "--right-encoding",
        "utf-8",
        "--right-header-row",
        "1",
        "--na",
        "NA",
    ]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1].startswith("Łódź Steel,,Łódź Steel,,0.9")


def test_what_was_assumed_is_on_standard_error(tables: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path(tables[0]).write_bytes("name;city\nMüller;Köln\n".encode("cp1252"))
    assert main(["merge", *tables, "--on", "name", "--model", "lexical", "--quiet"]) == 0
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2 and "read as cp1252" in told[0] and "separated by semicolons" in told[1]


def test_a_column_with_a_comma_in_its_name(tables: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for path in tables:
        Path(path).write_text(Path(path).read_text().replace("name", '"name, full"', 1))
    assert main(["merge", *tables, "--on", '"name, full"', "--model", "lexical", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith('"name, full_x",')


def test_tables_without_a_link_are_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left, right, empty = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv"
    left.write_text("name\nAcme Steel\n")
    right.write_text("name\nQuite Other Words\n")
    empty.write_text("name\n")
    for table, n in ((left, 1), (empty, 0)):
        assert main(["merge", str(table), str(right), "--on", "name", "--model", "lexical"]) == 0
        lines = [line.split() for line in capsys.readouterr().err.splitlines()]
        assert ["left", str(n), "rows", "0", "linked", str(n), "unlinked"] in lines


@pytest.mark.parametrize(("given", "option"), [("auto", None), ("all", True), ("none", None), ("2", 2.0)])
def test_reader_is_passed_on(tables: list[str], tmp_path: Path, given: str, option: object) -> None:
    report = tmp_path / "report.json"
    arguments = ["merge", *tables, "--on", "name", "--quiet", "--out", str(tmp_path / "linked.csv")]
    assert main([*arguments, "--reader", given, "--report", str(report)]) == 0
    told = json.loads(report.read_text())
    assert told["options"].get("reader") == option
    assert ("read" in told) == (given != "none")


def test_a_reader_that_is_not_understood_is_refused(
    tables: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["merge", *tables, "--on", "name", "--reader", "fast"]) == 2
    assert "'fast' is not auto, all, none or a number of seconds" in capsys.readouterr().err
    assert main(["merge", *tables, "--on", "name", "--reader", "-1"]) == 2
    assert "reader=-1.0 is not understood" in capsys.readouterr().err
    assert main(["merge", *tables, "--on", "name", "--bounded", "--reader", "all", "--out", "x.parquet"]) == 2
    assert "It takes no --images, --confidence, --reader" in capsys.readouterr().err
