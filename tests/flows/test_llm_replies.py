"""Every way in which a server misbehaves, with each function that asks it: no wrong cell, no lost answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

import linktransformer as lt
from tests.llm_server import ANSWERED, REFUSED, Server, Step, failed, serving, text_of

TOWNS = ("Leith", "Hull", "Ayr")
QUICK: dict[str, Any] = {"max_retries": 2, "ratelimit_sleep_time": 0.001, "timeout": 5.0}
Rule = Callable[[Server, dict[str, Any]], Step]


@dataclass(frozen=True)
class Verb:
    """A function that asks a chat model: the right answer to a text, a wrong draft, and the cells."""

    right: Callable[[str], str]
    draft: str
    cell: Callable[[str], object]
    run: Callable[[Server, Any], pd.Series]


def judge(server: Server, cache: Any) -> pd.Series:
    left = pd.DataFrame({"name": TOWNS})
    right = pd.DataFrame({"name": [f"{town} harbour" for town in TOWNS]})
    model = f"openai:m@{server.url}"
    out = lt.merge_k_judge(
        left, right, on="name", k=1, model="lexical", judge_llm_model=model, cache=cache, **QUICK
    )
    assert len(out) == 3
    assert (out.llm_is_match.isna() == out.llm_error.notna()).all()
    return out.llm_is_match


def transform(server: Server, cache: Any) -> pd.Series:
    frame = pd.DataFrame({"t": TOWNS})
    return lt.transform_rows(frame, "t", model=f"openai:m@{server.url}", cache=cache, **QUICK)[
        "transformed_t"
    ]


def classify(server: Server, cache: Any) -> pd.Series:
    frame = pd.DataFrame({"t": TOWNS})
    llm = lt.Remote(cache=cache, **QUICK)
    out = lt.classify_rows(frame, "t", f"openai:m@{server.url}", openai_topic="a town", llm=llm)
    return out["clf_preds_t"]


VERBS = {
    "judge": Verb(lambda _: '{"is_match": false}', 'First {"is_match": true}.', lambda _: 0, judge),
    "transform": Verb(lambda text: f"{text} Town", "Wrong Town", lambda text: f"{text} Town", transform),
    "classify": Verb(lambda _: '{"label": "yes"}', 'First {"label": "no"}.', lambda _: 1, classify),
}
verbs = pytest.mark.parametrize("verb", list(VERBS.values()), ids=list(VERBS))


@verbs
@pytest.mark.parametrize("way", list(ANSWERED.values()), ids=list(ANSWERED))
def test_an_answer_in_any_form_is_read_and_paid_for_once(verb: Verb, way: Any, tmp_path: Any) -> None:
    with serving(lambda _, request: way(verb.right(text_of(request)), verb.draft)) as server:
        for _ in range(2):
            assert verb.run(server, tmp_path).tolist() == [verb.cell(town) for town in TOWNS]
        assert len(server.asked) == 3
    assert all(request["stream"] is False for request in server.asked)


@verbs
@pytest.mark.parametrize(("way", "error"), list(REFUSED.values()), ids=list(REFUSED))
def test_what_is_no_whole_answer_is_null_and_says_why(
    verb: Verb, way: Any, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    def rule(server: Server, request: dict[str, Any]) -> Step:
        right = verb.right(text_of(request))
        return Step(right) if "Hull" in text_of(request) else way(right, verb.draft)

    with serving(rule) as server:
        cells = verb.run(server, False)
    assert cells.isna().tolist() == [True, False, True]
    assert cells[1] == verb.cell("Hull")
    if verb.run is not judge:  # the judge has a column for it
        assert "2 of 3 texts" in caplog.text
        [line] = [r.getMessage() for r in caplog.records if "such as: " in r.getMessage()]
        assert re.search(error, line.partition("such as: ")[2])


@pytest.mark.parametrize(("way", "error"), list(REFUSED.values()), ids=list(REFUSED))
def test_the_error_of_a_row_of_the_judge(way: Any, error: str) -> None:
    tables = pd.DataFrame({"name": ["Leith"]}), pd.DataFrame({"name": ["Leith harbour"]})
    with serving(lambda *_: way('{"is_match": true}', "")) as server:
        out = lt.merge_k_judge(
            *tables, on="name", model="lexical", judge_llm_model=f"m@{server.url}", cache=False, **QUICK
        )
    assert re.search(error, out.llm_error[0])


PASSING = [name for name, (_, error) in REFUSED.items() if "times" in error]


@verbs
@pytest.mark.parametrize("name", [*PASSING, "error in 200, text", "error in a choice"])
def test_what_may_pass_is_asked_again(verb: Verb, name: str) -> None:
    def rule(server: Server, request: dict[str, Any]) -> Step:
        right = verb.right(text_of(request))
        return Step(right) if server.times(text_of(request)) > 1 else REFUSED[name][0](right, verb.draft)

    with serving(rule) as server:
        assert verb.run(server, False).tolist() == [verb.cell(town) for town in TOWNS]
    assert len(server.asked) == 6


@verbs
@pytest.mark.parametrize("status", [400, 403])
def test_one_refused_text_is_the_error_of_its_row(verb: Verb, status: int) -> None:
    def rule(_: Server, request: dict[str, Any]) -> Step:
        flagged = "Leith" in text_of(request)
        return failed("flagged", status) if flagged else Step(verb.right(text_of(request)))

    with serving(rule) as server:
        assert verb.run(server, False).isna().tolist() == [True, False, False]


@verbs
@pytest.mark.parametrize("status", [400, 403])
def test_a_refused_text_does_not_end_the_next_call_either(verb: Verb, status: int, tmp_path: Any) -> None:
    flagged = {"Leith"}

    def rule(_: Server, request: dict[str, Any]) -> Step:
        bad = any(town in text_of(request) for town in flagged)
        return failed("flagged", status) if bad else Step(verb.right(text_of(request)))

    with serving(rule) as server:
        for n_asked in (3, 4):  # what was answered comes from the store
            assert verb.run(server, tmp_path).isna().tolist() == [True, False, False]
            assert len(server.asked) == n_asked


@verbs
@pytest.mark.parametrize("status", [401, 402, 403, 404, 405])
def test_a_refusal_of_all_ends_the_call(verb: Verb, status: int) -> None:
    refusing = serving(lambda *_: failed("not you", status))
    with refusing as server, pytest.raises(lt.ModelError, match=f"{status}.: not you"):
        verb.run(server, False)


@verbs
@pytest.mark.parametrize("status", [400, 422])
def test_parameters_that_a_server_refuses_are_left_out_or_renamed(verb: Verb, status: int) -> None:
    def rule(_: Server, request: dict[str, Any]) -> Step:
        if "max_tokens" in request:
            return failed("'max_tokens' is not supported. Use 'max_completion_tokens' instead.", status)
        if "temperature" in request:
            return failed("Unsupported value", status, param="temperature")
        return Step(verb.right(text_of(request)))

    with serving(rule) as server:
        assert verb.run(server, False).tolist() == [verb.cell(town) for town in TOWNS]
    last = server.asked[-1]
    assert last["max_completion_tokens"] == 512
    assert not {"max_tokens", "temperature"} & set(last)


@verbs
def test_a_row_with_a_tag_of_its_own_is_never_cut_at_it(verb: Verb) -> None:
    def rule(_: Server, request: dict[str, Any]) -> Step:
        return Step(f"{verb.draft} </think> {verb.right(text_of(request))}")

    with serving(rule) as server, pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "TOWNS", ("Le</think>ith", "Hu</think>ll", "A</think>yr"))
        assert verb.run(server, False).isna().all()
