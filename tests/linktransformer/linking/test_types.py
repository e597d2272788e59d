"""The types of public functions: which of them give a table of the type that they take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import linktransformer as lt

SAME = [
    lt.merge,
    lt.cluster_rows,
    lt.merge_knn,
    lt.merge_range,
    lt.aggregate_rows,
    lt.evaluate_pairs,
    lt.merge_blocking,
]


@pytest.mark.parametrize("function", SAME, ids=lambda function: str(function.__name__))
def test_the_table_that_comes_back_has_the_type_of_the_one_that_goes_in(function: Callable[..., Any]) -> None:
    signature = inspect.signature(function)
    table = next(iter(signature.parameters.values())).annotation
    assert str(table).startswith("IntoDataFrameT") and signature.return_annotation == "IntoDataFrameT"


def test_dedup_rows_gives_two_tables_where_members_are_requested() -> None:
    text = inspect.getsource(inspect.getmodule(inspect.unwrap(lt.dedup_rows)))  # type: ignore[arg-type]
    by_flag = {
        "return_members: Literal[False] = False": "-> IntoDataFrameT: ...",
        "return_members: Literal[True]": "-> tuple[IntoDataFrameT, IntoDataFrameT]: ...",
    }
    overloads = text.split("@overload")[1:]
    for (flag, result), overload in zip(by_flag.items(), overloads, strict=True):
        assert flag in overload and result in overload
