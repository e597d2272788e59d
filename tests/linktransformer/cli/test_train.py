"""The commands train and evaluate, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from linktransformer.cli.main import main
from linktransformer.tables.writers import write
from linktransformer.training import train
from tests.conftest import rows_of

FIRMS = (
    "name,city\nAcme Steel Corp.,Boston\n,Omaha\nBaxter Dairy,Tulsa\nACME STEEL CORP,\nZeller Motors,Dayton\n"
)


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "firms.csv"
    path.write_text(FIRMS)
    return str(path)


def test_evaluate_counts_true_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "left.csv").write_text("id,name\na,Acme Steel Corp.\nb,Baxter Dairy\nc,Quincy Glass\n")
    (tmp_path / "right.csv").write_text("id,name\nx,BAXTER DAIRY\ny,Acme Steel Corporation\nz,Zeller\n")
    (tmp_path / "truth.csv").write_text("l,r\na,y\nb,x\nc,z\n")
    files = [str(tmp_path / f"{name}.csv") for name in ("left", "right", "truth")]
    assert main(["evaluate", *files, "--model", "lexical", "--threshold", "0.4", "--quiet"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert (scores["precision"], round(scores["recall"], 3), scores["true_pairs"]) == (1, 0.667, 3)
    (tmp_path / "truth.csv").write_text("l,r\na,nobody\n")
    assert main(["evaluate", *files, "--model", "lexical"]) == 2
    assert "'nobody', the label of no row of the right table" in capsys.readouterr().err
    (tmp_path / "left.csv").write_text("id,name\na,Acme\na,Baxter\n")
    assert main(["evaluate", *files, "--model", "lexical"]) == 2
    assert "column 'id' repeats values" in capsys.readouterr().err


def test_evaluate_uses_the_answers_of_a_review(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "left.csv").write_text("id,name\na,Acme Steel Corp.\nb,Baxter Dairy\nc,Quincy Glass\n")
    (tmp_path / "right.csv").write_text("id,name\nx,BAXTER DAIRY\ny,Acme Steel Corporation\nz,Zeller\n")
    (tmp_path / "truth.csv").write_text("l,r,match\na,z,0\nb,y,0\nc,x,0\n")
    files = [str(tmp_path / f"{name}.csv") for name in ("left", "right", "truth")]
    assert main(["evaluate", *files, "--model", "lexical", "--quiet"]) == 2
    assert "3 labels and no match" in capsys.readouterr().err
    (tmp_path / "truth.csv").write_text("l,r,ok,who\na,y,yes,me\nb,x,yes,me\nb,x,no,you\nc,z,no,me\n")
    assert main(["evaluate", *files, "--model", "lexical", "--quiet"]) == 2
    assert "not clear which columns" in capsys.readouterr().err
    (tmp_path / "truth.csv").write_text("left,right,ok,who\na,y,yes,me\nb,x,yes,me\nb,x,no,you\nc,z,no,me\n")
    options = ["--model", "lexical", "--threshold", "0.4", "--quiet", "--label", "ok"]
    assert main(["evaluate", *files, *options]) == 0
    out, err = capsys.readouterr()
    scores = json.loads(out)
    assert (scores["true_pairs"], scores["links"], scores["precision"], scores["contradictions"]) == (
        1,
        1,
        1,
        1,
    )
    assert err.count("linktransformer: warning: truth contradicts itself") == 1 and "('b', 'x')" in err


def test_train_gives_its_arguments_on(
    table: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    seen = {}

    def instead(**arguments: object) -> object:
        seen.update(arguments)
        return type("Trained", (), {"folder": tmp_path, "metrics": {"f1": 0.5}})()

    monkeypatch.setattr(train, "train_model", instead)
    arguments = [
        "train",
        table,
        "--left",
        "name",
        "--right",
        "city",
        "--set",
        "epochs=5",
        "--set",
        "loss=supcon",
    ]
    assert main([*arguments, "--set", "labels=true", "--set", "shares=(0.5, 0.5, 0.0)", "--quiet"]) == 0
    assert (seen["left_col_names"], seen["right_col_names"]) == (["name"], ["city"])
    assert rows_of(seen["data"])[1] == (None, "Omaha")
    settings = {"epochs": 5, "loss": "supcon", "labels": True, "shares": (0.5, 0.5, 0.0)}
    assert seen["training_args"] == settings
    assert json.loads(capsys.readouterr().out) == {"folder": str(tmp_path), "f1": 0.5}
    assert main(["train", table, "--left", "name", "--right", "city", "--set", "epochs"]) == 2
    assert main(["train", table, "--left", "name", "--right", "city", "--val", table, "--quiet"]) == 0
    assert rows_of(seen["train_data"]) == rows_of(seen["val_data"])


def test_train_and_evaluate_read_as_they_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    seen: dict[str, object] = {}

    def instead(**arguments: object) -> object:
        seen.update(arguments)
        return type("Trained", (), {"folder": tmp_path, "metrics": {}})()

    monkeypatch.setattr(train, "train_model", instead)
    paths = [tmp_path / f"{name}.txt" for name in ("left", "right", "truth")]
    paths[0].write_text("title\nid;name\n01;Acme Steel\n02;Baxter Dairy\n")
    paths[1].write_text("id|name\n01|ACME STEEL\n02|BAXTER DAIRY\n")
    paths[2].write_text("l\tr\n01\t01\n02\t02\n")
    assert (
        main(["train", str(paths[0]), "--left", "id", "--right", "name", "--header-row", "2", "--na", "01"])
        == 0
    )
    assert rows_of(seen["data"]) == [(None, "Acme Steel"), ("02", "Baxter Dairy")]
    arguments = ["--header-row", "2", "--right-header-row", "1", "--model", "lexical", "--quiet"]
    capsys.readouterr()
    assert main(["evaluate", *map(str, paths), *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["recall"] == 1.0


def test_ids_of_a_workbook_and_of_text_are_the_same_ids(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write(pd.DataFrame({"id": [7, 8], "name": ["Acme Steel", "Baxter Dairy"]}), tmp_path / "left.xlsx")
    (tmp_path / "right.csv").write_text("id,name\n1,ACME STEEL\n2,BAXTER DAIRY\n")
    (tmp_path / "truth.csv").write_text("l,r\n7,1\n8,2\n")
    files = [str(tmp_path / name) for name in ("left.xlsx", "right.csv", "truth.csv")]
    assert main(["evaluate", *files, "--on", "name", "--model", "lexical", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["recall"] == 1.0
    write(pd.DataFrame({"l": [7, 8], "r": [1, 2]}), tmp_path / "truth.xlsx")
    assert (
        main(["evaluate", *files[:2], str(tmp_path / "truth.xlsx"), "--on", "name", "--model", "lexical"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["recall"] == 1.0


def test_train_says_what_is_wrong(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", table, "--left", "nmae", "--right", "city"]) == 2
    assert "Did you mean 'name'" in capsys.readouterr().err
    assert main(["train", table, "--left", "name", "--right", "city", "--set", "epoch=3"]) == 2
    assert "epochs" in capsys.readouterr().err
