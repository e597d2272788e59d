"""Links to Excel, answers by a reviewer, and a decision learned from them."""

from __future__ import annotations

import openpyxl
import pandas as pd
import polars as pl
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError
from tests.flows.test_explain import people

pytestmark = pytest.mark.filterwarnings("ignore::linktransformer.errors.LinkWarning")
ON = ["name", "town", "year"]


def reviewed(path, left: pd.DataFrame, right: pd.DataFrame) -> int:
    """Answer every pair: rows match where their names end in the same number."""
    book = openpyxl.load_workbook(path)
    sheet, matches = book["pairs"], 0
    head = [cell.value for cell in sheet[1]]
    for row in range(2, sheet.max_row + 1):
        labels = [sheet.cell(row, head.index(side) + 1).value for side in ("left", "right")]
        names = [table["name"][label] for table, label in zip((left, right), labels, strict=True)]
        same = names[0].rsplit(" ", 1)[1] == names[1].rsplit(" ", 1)[1]
        sheet.cell(row, 1).value = "yes" if same else "no"
        matches += same
    book.save(path)
    return matches


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_there_and_back(tmp_path, library: str) -> None:
    left, right = people()
    if library == "polars":
        left, right = left.reset_index(drop=True), right.reset_index(drop=True)
    tables = (left, right) if library == "pandas" else (pl.from_pandas(left), pl.from_pandas(right))
    links = lt.link(*tables, on=ON, model="lexical")
    path = tmp_path / "review.xlsx"
    links.to_excel(path)
    sheet = openpyxl.load_workbook(path)["pairs"]
    with_candidate = int(((links.left_reason > 0) & (links.left_nearest.row >= 0)).sum())
    assert sheet.max_row - 1 == len(links) + with_candidate
    assert {cell.value for cell in sheet["C"][1:]} >= {"linked"}
    matches = reviewed(path, left, right)
    fitted = lt.fit_decision(*tables, path, on=ON, model="lexical", out=tmp_path / "out")
    assert fitted.metrics["matches"] == matches
    assert fitted.metrics["matches"] + fitted.metrics["non_matches"] == sheet.max_row - 1
    assert len(lt.link(*tables, on=ON, model=fitted))


def test_nothing_is_answered(tmp_path) -> None:
    left, right = people()
    lt.link(left, right, on=ON, model="lexical").to_excel(tmp_path / "review.xlsx")
    with pytest.raises(InvalidArgumentError, match="names no pair to learn from"):
        lt.fit_decision(left, right, tmp_path / "review.xlsx", on=ON, model="lexical", out=tmp_path / "out")


def test_of_many_pairs_all_probabilities_are_there(tmp_path) -> None:
    left, right = people()
    links = lt.link(left, right, on=ON, model="lexical")
    links.to_excel(tmp_path / "review.xlsx", limit=8)
    book = openpyxl.load_workbook(tmp_path / "review.xlsx")
    shown = [cell.value for cell in book["pairs"]["B"][1:]]
    assert len(shown) == 8 and shown == sorted(shown, reverse=True)
    assert shown[0] > 0.9 and shown[-1] < 0.5
    assert book["about"]["B1"].value.startswith("8, spread over all probabilities, of ")
    for limit in (0, True, 1.5, 2**21):
        with pytest.raises(InvalidArgumentError, match="is not a number of pairs"):
            links.to_excel(tmp_path / "review.xlsx", limit=limit)
