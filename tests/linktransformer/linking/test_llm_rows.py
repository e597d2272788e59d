"""transform_rows by a language model."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import linktransformer as lt
from tests.conftest import make, to_pandas
from tests.llm_server import KEY, Server, Step, serving, text_of

QUICK: dict[str, Any] = {"ratelimit_sleep_time": 0.001, "timeout": 5.0, "cache": False}


def upper(_: Server, request: dict[str, Any]) -> Step:
    return Step(f" {text_of(request).upper()}\n")


def test_transform_rows_keeps_rows_index_and_nulls(library: str) -> None:
    frame = make(library, {"town": ["bostn", None, "yrok", "bostn"]})
    with serving(upper) as server:
        found = lt.transform_rows(frame, "town", KEY, "small", base_url=server.url, **QUICK)
    assert type(found) is type(frame)
    assert [None if pd.isna(v) else v for v in to_pandas(found)["transformed_town"]] == [
        "BOSTN",
        None,
        "YROK",
        "BOSTN",
    ]
    assert sorted(map(text_of, server.asked)) == ["bostn", "yrok"]


def test_transform_rows_keeps_the_index_and_says_what_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    def rule(_: Server, request: dict[str, Any]) -> Step:
        return Step("half a te", finish="length") if text_of(request) == "long" else Step("ok")

    frame = pd.DataFrame({"a": ["long", "short"]}, index=["x", "y"])
    with serving(rule) as server:
        found, usage = lt.transform_rows(
            frame, "a", model=f"openai:m@{server.url}", output_column="b", return_usage=True, **QUICK
        )
    assert found.index.tolist() == ["x", "y"]
    assert found["b"].isna().tolist() == [True, False]
    assert usage.calls == 2
    assert "1 of 2 texts have no answer" in caplog.text
