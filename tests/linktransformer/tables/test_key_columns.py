"""Which columns of two tables are compared with each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from linktransformer.tables import frames, key_columns


def test_columns_are_paired_by_name_or_by_place() -> None:
    assert key_columns.paired(["a", "b"], ["b", "a"]) == [("a", "a"), ("b", "b")]
    assert key_columns.paired(["a", "b"], ["c", "d"]) == [("a", "c"), ("b", "d")]
    assert key_columns.paired(["a", "b"], ["c"]) == []
    assert key_columns.paired(["a", "b"], ["b", "c", "d"]) == [("b", "b")]


@pytest.mark.parametrize("null", ["", " ", "\u3000", "\u200b", "\ufeff \u00ad"])
@pytest.mark.parametrize("others", [["a"], ["a", 1], [np.str_("a")], ["a", (1, 2)]])
def test_texts_without_a_visible_character_are_null(null: str, others: list[object]) -> None:
    """In columns of texts and of mixed objects alike, and for NumPy's own texts."""
    table = frames.wrap(pd.DataFrame({"c": pd.Series([*others, null, np.str_(null)], dtype=object)}), "t")
    of_rows, _ = key_columns.codes(table, table, ["c"], ["c"])
    assert (of_rows[: len(others)] >= 0).all()
    assert of_rows[len(others) :].tolist() == [-1, -1]
