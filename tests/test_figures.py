"""Figures on the pages are those of docs/runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import fmean

import pytest

from tools.figure_tables import SENTENCES, TABLES
from tools.figures import Figures, Sentence, Source, differences, written, wrong_figures

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("figures", TABLES, ids=lambda figures: f"{figures.page}-{figures.head[2:20]}")
def test_a_table_has_the_figures_of_its_runs(figures: Figures) -> None:
    lines = (ROOT / "docs" / figures.page).read_text(encoding="utf-8").split("\n")
    assert list(differences(figures, lines)) == []


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.page)
def test_a_sentence_has_the_figures_of_its_runs(sentence: Sentence) -> None:
    page = (ROOT / "docs" / sentence.page).read_text(encoding="utf-8")
    assert len(sentence.values) > 0 and wrong_figures(sentence, page) == []


def test_another_figure_of_a_sentence_is_found() -> None:
    sentence = Sentence("dedup.md", r"a mean of (\.\d+)\.", [("dedup", "summary", "mean F1", {})])
    assert len(wrong_figures(sentence, "It has a mean\nof .123.")) == 1
    with pytest.raises(LookupError, match="no sentence"):
        wrong_figures(sentence, "It has none.")


def test_every_run_that_a_page_names_is_there() -> None:
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")]
    named = {name for page in pages for name in re.findall(r"\bruns/(\w+\.json)", page)}
    assert len(named) > 15
    assert named <= {path.name for path in (ROOT / "docs" / "runs").glob("*.json")}


def test_readme_has_the_means_of_the_lists_that_nothing_was_trained_on() -> None:
    rows = json.loads((ROOT / "docs/runs/unseen.json").read_text(encoding="utf-8"))["tables"]["two tables"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (found,) = re.findall(
        r"On \[(\d+) pairs of lists\].*?F1 is (\.\d+) in the mean, (\.\d+) by", readme, re.S
    )
    means = (fmean(row[name] for row in rows) for name in ("default", "TF-IDF mutual"))
    assert found == (str(len(rows)), *(f"{mean:.2f}".removeprefix("0") for mean in means))


PAGE = [
    "text",
    "| set | rows | F1 |",
    "|---|---|---|",
    "| a set (x) | 1,234 | .904, 3 |",
    "| mean | | .5 |",
    "",
]
SOURCE = Source(("dedup",), ("dedup",), ("f1",))


def test_another_figure_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"data set": "a set", "rows": 1234, "f1": 0.9041}, {"data set": "b", "rows": 9, "f1": 0.1}]
    monkeypatch.setattr("tools.figures._tables", lambda run: {"dedup": rows})
    columns = {1: Source(("dedup",), ("dedup",), ("rows",)), 2: SOURCE}
    figures = Figures("page.md", "| set |", columns)
    assert list(differences(figures, PAGE)) == []
    rows[0]["f1"] = 0.9052
    found = [(cell.line, cell.column, cell.shown, cell.right) for cell in differences(figures, PAGE)]
    assert found == [(3, 2, ".904, 3", ".905, 3")]
    rows[0]["data set"] = "another"
    with pytest.raises(LookupError, match="line 4"):
        list(differences(figures, PAGE))
    with pytest.raises(LookupError, match="no table that begins"):
        list(differences(Figures("page.md", "| other |", {}), PAGE))


@pytest.mark.parametrize(
    ("cell", "values", "expected"),
    [(".9", [1.0], "1.0"), ("1.000", [0.5], ".500"), ("0.6", [0.7], "0.7"), ("999", [1000.4], "1,000")],
)
def test_a_number_keeps_its_form(cell: str, values: list[float], expected: str) -> None:
    assert written(cell, values) == expected
