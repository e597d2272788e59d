"""Text with separators."""

from __future__ import annotations

import csv

import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.delimited import Dialect, parse


@pytest.mark.parametrize(("sign", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
def test_a_separator_that_the_header_shows_is_taken_and_told(sign: str, word: str) -> None:
    cells = parse(f"a{sign}b\n1,5{sign}2\n", Dialect(), "t.csv")
    assert (cells.names, cells.columns) == (["a", "b"], [("1,5",), ("2",)])
    assert f"separated by {word}" in cells.notes[0]
    assert parse(f"a{sign}b\n1{sign}2\n", Dialect(sign), "t.csv").notes == ()
    assert parse("a,b\n1,2\n", Dialect(usual="\t"), "t.txt").columns == [("1",), ("2",)]


def test_one_column_with_a_sign_in_its_name_stays_one() -> None:
    cells = parse("name; or firm\nAcme\nBaxter; Sons\nZeller\n", Dialect(), "t.csv")
    assert cells.names == ["name; or firm"] and cells.notes == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,b\n1,2,3\n4,5\n", 2),
        ("a,b\n1,2\n4\n", 3),
        ('a,b\n"two\nlines",2\n\n4\n', 5),
        ("title\na,b\n1,2\n4,5,6\n", 4),
    ],
)
def test_a_ragged_row_is_named_by_its_line(text: str, line: int) -> None:
    dialect = Dialect(header_row=2 if text.startswith("title") else 1)
    with pytest.raises(
        InvalidArgumentError, match=rf"t\.csv, line {line}: the row has \d cells and the header has 2"
    ):
        parse(text, dialect, "t.csv")


def test_empty_cells_beyond_the_header_and_blank_lines() -> None:
    cells = parse("\na,b\n1,2,,\n\n3,4\n\n\n", Dialect(), "t.csv")
    assert cells.columns == [("1", "3"), ("2", "4")]
    assert cells.notes == ("t.csv: 1 blank lines between rows are left out.",)
    assert parse("a\n1\n\n2\n", Dialect(), "t.csv").columns == [("1", "", "2")]
    assert parse("a,b\n", Dialect(), "t.csv").columns == [(), ()]


@pytest.mark.parametrize(("text", "line"), [('a,b\n1,2\n"3,4\n5,6\n', 3), ('a,b\n"x "y" z",2\n', 2)])
def test_a_wrong_quote_is_named_by_its_line(text: str, line: int) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"t\.csv, line {line}: .*--no-quotes"):
        parse(text, Dialect(), "t.csv")
    assert parse(text, Dialect(quotes=False), "t.csv").columns[1][-1] in ("6", "2")


def test_names() -> None:
    with pytest.raises(InvalidArgumentError, match=r"columns of the same name: \['a'\]"):
        parse("a,b,a\n", Dialect(), "t.csv")
    cells = parse(",a,\n1,2,3\n", Dialect(), "t.csv")
    assert cells.names == ["Unnamed: 0", "a", "Unnamed: 2"] and len(cells.notes) == 1
    for empty in ("", "\n\n"):
        with pytest.raises(InvalidArgumentError, match="has no header"):
            parse(empty, Dialect(), "t.csv")
    with pytest.raises(InvalidArgumentError, match="no line 5"):
        parse("a\n", Dialect(header_row=5), "t.csv")


def test_a_separator_that_the_first_line_declares() -> None:
    cells = parse("sep=|\r\na|b\r\n1|2\r\n", Dialect(), "t.csv")
    assert (cells.names, cells.columns, cells.notes) == (["a", "b"], [("1",), ("2",)], ())
    with pytest.raises(InvalidArgumentError, match=r"line 3: the row has 3 cells"):
        parse("sep=;\na;b\n1;2;3\n", Dialect(), "t.csv")


def test_long_cells_and_line_ends() -> None:
    limit = csv.field_size_limit()
    assert parse(f"a,b\r\n{'x' * 200_000},2\r\n", Dialect(), "t.csv").columns[0] == ("x" * 200_000,)
    assert csv.field_size_limit() == limit
    assert parse("a,b\r1,2\r3,4\r", Dialect(), "t.csv").columns == [("1", "3"), ("2", "4")]
    assert parse('a,b\n"x\r\ny",2\n', Dialect(), "t.csv").columns[0] == ("x\r\ny",)
