"""Names of output columns."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.column_names import free_name, refuse_repeated, suffixed

NAMES = st.lists(st.sampled_from(["id", "name", "town", "year"]), unique=True, max_size=4)


@given(st.sets(st.sampled_from(["score", "score_lt", "score_lt2", "score_lt3", "name"])))
def test_a_free_name_is_the_first_that_nobody_has(taken: set[str]) -> None:
    row = ["score", "score_lt", "score_lt2", "score_lt3", "score_lt4"]
    assert free_name("score", taken) == next(name for name in row if name not in taken)


@given(NAMES, NAMES)
def test_suffixes_are_those_of_pandas(left: list[str], right: list[str]) -> None:
    frames = [pd.DataFrame([[0] * len(names)], columns=names) for names in (left, right)]
    merged = frames[0].merge(frames[1], how="cross", suffixes=("_l", "_r"))
    new_left, new_right = suffixed(left, right, ("_l", "_r"))
    assert [*new_left, *new_right] == merged.columns.tolist()


@pytest.mark.parametrize(
    ("suffixes", "said"),
    [
        ("_x", "not a pair"),
        (("_x",), "not a pair"),
        (("_x", 1), "not a pair"),
        ((None, ""), "both tables have with one name: .*name"),
    ],
)
def test_suffixes_that_cannot_work_are_refused(suffixes: Any, said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"suffixes=.*{said}"):
        suffixed(["name"], ["name"], suffixes)


def test_names_that_would_repeat_are_listed() -> None:
    with pytest.raises(InvalidArgumentError, match=r"one name: \['name_x'\]"):
        suffixed(["name", "name_x"], ["name"], ("_x", "_y"))
    assert suffixed(["name"], ["town"], (None, None)) == (["name"], ["town"])
    refuse_repeated(["a", "b"], "Names repeat", "Rename.")
    with pytest.raises(InvalidArgumentError, match=r"^Names repeat: \['b', 'c'\]. Rename.$"):
        refuse_repeated(["a", "b", "c", "b", "c", "c"], "Names repeat", "Rename.")
