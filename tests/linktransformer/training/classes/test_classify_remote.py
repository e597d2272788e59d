"""classify_rows by a language model."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import linktransformer as lt
from tests.llm_server import KEY, Server, Step, serving, text_of


def upper(_: Server, request: dict[str, Any]) -> Step:
    return Step(text_of(request).upper())


def test_classify_rows_by_a_topic_and_by_classes() -> None:
    answers = {"a": '{"label": "yes"}', "b": "No.", "c": "yes and no", "d": '{"label": "yes"'}
    frame = pd.DataFrame({"text": ["a", "b", None, "c", "d", "a"]}, index=range(6, 12))
    with serving(lambda _, request: Step(answers[text_of(request)])) as server:
        remote = lt.Remote(base_url=server.url, cache=False, ratelimit_sleep_time=0.001)
        found = lt.classify_rows(frame, "text", "small", openai_key=KEY, openai_topic="riots", llm=remote)
        named = lt.classify_rows(
            frame, "text", f"openai:m@{server.url}", label_map={0: "Yes", 1: "No"}, llm=lt.Remote(cache=False)
        )
    assert found["clf_preds_text"].fillna(-1).tolist() == [1, 0, -1, -1, -1, 1]
    assert found.index.tolist() == list(range(6, 12))
    assert [None if pd.isna(v) else v for v in named["clf_preds_text"]] == [
        "Yes",
        "No",
        None,
        None,
        None,
        "Yes",
    ]
    assert "riots" in server.asked[0]["messages"][0]["content"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"label_map": {"a": 0}},
        {"label_map": {"a": 0, "A ": 1}},
        {"openai_topic": "x", "probability": True},
    ],
)
def test_classify_rows_refuses_what_names_no_classes(wrong: dict[str, Any]) -> None:
    frame = pd.DataFrame({"text": ["a"]})
    with serving(upper) as server:
        with pytest.raises(lt.InvalidArgumentError):
            lt.classify_rows(frame, "text", f"openai:m@{server.url}", **wrong)
        assert server.asked == []
