"""Pairs of rows by labels, in every form."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames
from linktransformer.tables.row_labels import label_pairs, row_of, rows_of_pairs

INDEXED = pd.DataFrame({"name": ["a", "b", "c"]}, index=["x", "y", "z"])


@pytest.mark.parametrize(
    "pairs",
    [
        [("x", "z"), ("y", "x")],
        {("x", "z"): 1, ("y", "x"): 1},
        pd.DataFrame({"one": ["x", "y"], "two": ["z", "x"], "more": ["u", "v"]}),
        pl.DataFrame({"one": ["x", "y"], "two": ["z", "x"]}),
        iter([["x", "z"], ["y", "x"]]),
    ],
)
def test_pairs_are_rows_in_every_form(pairs: Any) -> None:
    rows = rows_of_pairs(frames.wrap(INDEXED, "df"), pairs, "must_link")
    assert rows.tolist() == [[0, 2], [1, 0]]


def test_without_an_index_labels_are_row_numbers() -> None:
    table = frames.wrap(pl.DataFrame({"name": ["a", "b", "c"]}), "df")
    assert rows_of_pairs(table, [(2, 0)], "must_link").tolist() == [[2, 0]]
    assert rows_of_pairs(table, [], "must_link").shape == (0, 2)
    assert row_of(table, "must_link") == {0: 0, 1: 1, 2: 2}


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (pd.DataFrame({"one": ["x"]}), r"needs two columns.*\['one'\]"),
        ([("x", "y", "z")], "not a pair"),
        (pd.DataFrame({"a": ["x"], "b": ["y"], "ok": ["no"]}), r"column 'ok' of answers.*\['a', 'b'\]"),
        (pd.DataFrame({"a": ["x"], "b": ["y"], "who": ["me"], "label": [0]}), "column 'label' of answers"),
        (7, "not a pair"),
        ([("x", "q")], "'q'.*label of no row"),
    ],
)
def test_what_names_no_pair_of_rows_is_refused(pairs: Any, said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"cannot_link.*{said}"):
        rows_of_pairs(frames.wrap(INDEXED, "df"), pairs, "cannot_link")


def test_labels_that_repeat_are_refused() -> None:
    twice = frames.wrap(pd.DataFrame({"name": ["a", "b"]}, index=[1, 1]), "df")
    with pytest.raises(InvalidArgumentError, match=r"cannot_link.*repeat.*reset_index"):
        rows_of_pairs(twice, [(1, 1)], "cannot_link")
    assert label_pairs([(1, 1)], "cannot_link") == [(1, 1)]
