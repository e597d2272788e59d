"""The Excel file: text stays text and is never a formula; answers and labels come back as they were."""

from __future__ import annotations

import re

import openpyxl
import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.review_workbook import ANSWER, ReviewPair, read_workbook, write_workbook

CELLS = [
    "=1+1",
    "+49 30",
    "-5",
    "@SUM(A1)",
    "\t=1",
    "\n=2",
    "007",
    "1e5",
    "#N/A",
    "TRUE",
    "a\x07b",
    "x" * 40_000,
    "",
    "שלום",
    "2024-01-02",
]


def written(path, labels=((0, "a"), (1, "b"), (2, "007"))):
    pairs = [
        ReviewPair(0.9, "linked", pair, [(text, "plain") for text in CELLS]) for pair in labels
    ]  # fmt: skip
    write_workbook(path, [("=name", "name")] * len(CELLS), pairs, [("pairs", "=all")])
    return path


def answer(path, *answers: object) -> None:
    book = openpyxl.load_workbook(path)
    for row, value in enumerate(answers, start=2):
        book["pairs"].cell(row, 1).value = value
    book.save(path)


def test_cells_are_texts(tmp_path) -> None:
    sheet = openpyxl.load_workbook(written(tmp_path / "a.xlsx"))["pairs"]
    for cell in [cell for row in sheet.iter_rows() for cell in row]:
        assert cell.data_type != "f" and cell.data_type != "e" and cell.data_type != "b"
        if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@", "\t", "\n")):
            assert cell.quotePrefix
    values = [sheet.cell(2, 6 + 2 * place).value for place in range(len(CELLS))]
    shown = [text if len(text) < 32_000 else "x" * 31_999 + "…" for text in CELLS]
    assert values == [text.replace("\x07", "\ufffd") or None for text in shown]
    assert sheet.cell(2, 2).value == 0.9
    assert sheet.cell(1, 6).value == "=name (left)"
    assert [cell.value for cell in sheet["A"]] == [ANSWER, None, None, None]


def test_no_formula_is_in_the_file(tmp_path) -> None:
    import zipfile

    with zipfile.ZipFile(written(tmp_path / "a.xlsx")) as file:
        sheets = [
            file.read(name).decode() for name in file.namelist() if "sheet" in name and name.endswith(".xml")
        ]
    assert sheets and not any(re.search(r"<f[ >]", sheet) for sheet in sheets)
    assert "quotePrefix" in zipfile.ZipFile(tmp_path / "a.xlsx").read("xl/styles.xml").decode()


@pytest.mark.parametrize(
    ("given", "answers"),
    [
        (("yes", "NO ", None), [1, 0, None]),
        (("y", "n", ""), [1, 0, None]),
        ((1, 0.0, True), [1, 0, 1]),
        ((False, " Yes", "1"), [0, 1, 1]),
    ],
)
def test_answers_are_read(tmp_path, given, answers) -> None:
    path = written(tmp_path / "a.xlsx")
    answer(path, *given)
    labels = [(0, "a"), (1, "b"), (2, "007")]
    expected = [(*pair, value) for pair, value in zip(labels, answers, strict=True) if value is not None]
    assert read_workbook(path, "labels") == expected
    assert all(type(left) is int for left, _, _ in read_workbook(path, "labels"))


def test_columns_may_be_moved_and_added(tmp_path) -> None:
    path = written(tmp_path / "a.xlsx")
    answer(path, "yes")
    book = openpyxl.load_workbook(path)
    book["pairs"].insert_cols(1)
    book["pairs"].cell(1, 1).value = "remark"
    book.save(path)
    assert read_workbook(path, "labels") == [(0, "a", 1)]


def test_errors_say_where(tmp_path) -> None:
    path = written(tmp_path / "a.xlsx")
    answer(path, "yes", "maybe")
    with pytest.raises(InvalidArgumentError, match="labels: row 3 of the sheet has the answer 'maybe'"):
        read_workbook(path, "labels")
    with pytest.raises(InvalidArgumentError, match="cannot be read as an Excel file"):
        read_workbook(tmp_path / "none.xlsx", "labels")
    (tmp_path / "text.xlsx").write_text("left,right")
    with pytest.raises(InvalidArgumentError, match="cannot be read as an Excel file"):
        read_workbook(tmp_path / "text.xlsx", "labels")
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    with pytest.raises(InvalidArgumentError, match="has no column 'match"):
        read_workbook(tmp_path / "empty.xlsx", "labels")
    with pytest.raises(InvalidArgumentError, match=r"suffix '.csv'"):
        written(tmp_path / "a.csv")


@pytest.mark.parametrize("label", [("a", 1), 2**60, 1.5, "", "a\x07", True, "x" * 40_000])
def test_labels_that_would_come_back_changed_are_refused(tmp_path, label) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be read back"):
        written(tmp_path / "a.xlsx", ((label, "a"),))
