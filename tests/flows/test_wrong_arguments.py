"""Each argument of each verb given what it is not: an error of ours that names it, or an answer."""

from __future__ import annotations

import decimal
import inspect
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt

LEFT = pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy", None], "city": ["Bonn", "Rom", "Oslo"]})
RIGHT = pd.DataFrame({"name": ["ACME STEEL", "Baxter Dairies"], "city": ["Bonn", "Rom"]})
TWICE = LEFT.assign(other=LEFT["name"])


class _Odd:
    """An object whose repr fails, as those of lazy objects may."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def wrong() -> list[Any]:
    """Values that most arguments do not take; new ones at each call, since iterators are consumed."""
    return [
        *(None, 0, -1, 2.5, float("nan"), float("inf"), 10**40, True, "", " ", "nope", "x" * 20_000, "a\0b"),
        *(b"name", [], (), {}, set(), ["nope"], [None], [1], [["name"]], {"name"}, {"precision": 2}, {1: 2}),
        *(["name"] * 3, _Odd(), _Odd, len, iter([]), (name for name in ["name"]), range(2), ..., 1j),
        *(np.array(0.5), np.array([0.5]), np.array(["name"]), np.float64("nan"), np.datetime64("NaT")),
        *(pd.NA, pd.NaT, pd.Series(["name"]), pd.Index(["name"]), LEFT, Path("x"), decimal.Decimal("0.5")),
        *(date(2020, 1, 1), lt.compare.number(within=1), {"city": "exact"}),
    ]


def _linker(**options: Any) -> Any:
    return lt.Linker(**options).fit(RIGHT).predict(LEFT)


def _deduplicator(**options: Any) -> Any:
    return lt.Deduplicator(**options).fit(LEFT).predict(LEFT)


VERBS: dict[str, tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]] = {
    "merge": (lt.merge, lt.merge, {"left": LEFT, "right": RIGHT, "on": "name"}),
    "link": (lt.link, lt.link, {"left": LEFT, "right": RIGHT, "on": "name"}),
    "cluster": (lt.cluster, lt.cluster, {"table": LEFT, "on": "name"}),
    "cluster_rows": (lt.cluster_rows, lt.cluster_rows, {"table": LEFT, "on": "name"}),
    "dedup_rows": (lt.dedup_rows, lt.dedup_rows, {"table": LEFT, "on": "name"}),
    "Linker": (_linker, lt.Linker, {"on": "name"}),
    "Deduplicator": (_deduplicator, lt.Deduplicator, {"on": "name"}),
    "merge_knn": (lt.merge_knn, lt.merge_knn, {"df1": LEFT, "df2": RIGHT, "on": "name"}),
    "merge_range": (lt.merge_range, lt.merge_range, {"df1": LEFT, "df2": RIGHT, "on": "name"}),
    "merge_blocking": (
        lt.merge_blocking,
        lt.merge_blocking,
        {"df1": LEFT, "df2": RIGHT, "on": "name", "blocking_vars": ["city"]},
    ),
    "aggregate_rows": (
        lt.aggregate_rows,
        lt.aggregate_rows,
        {"df": LEFT, "ref_df": RIGHT, "left_on": "name", "right_on": "name"},
    ),
    "evaluate_pairs": (
        lt.evaluate_pairs,
        lt.evaluate_pairs,
        {"df": TWICE, "left_on": "name", "right_on": "other"},
    ),
    "all_pair_combos_evaluate": (
        lt.all_pair_combos_evaluate,
        lt.all_pair_combos_evaluate,
        {"df": TWICE, "left_on": "name", "right_on": "other"},
    ),
}
ARGUMENTS = [
    (verb, name)
    for verb, (_, signed, _) in VERBS.items()
    for name, parameter in inspect.signature(signed).parameters.items()
    if parameter.kind is not parameter.VAR_KEYWORD and name != "progress"
]


@pytest.mark.parametrize(("verb", "argument"), ARGUMENTS, ids=str)
def test_errors_are_ours_and_name_the_argument(
    verb: str, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some values name a folder
    monkeypatch.setenv("LINKTRANSFORMER_OFFLINE", "1")
    call, _, usual = VERBS[verb]
    for value in wrong():
        arguments = {"model": "lexical", **usual, argument: value}
        if argument in ("left_on", "right_on"):
            arguments.pop("on", None)
            arguments = {"left_on": "name", "right_on": "name"} | arguments
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                call(**arguments)
            except lt.LinkTransformerError as error:
                assert argument in str(error), str(error)
                assert len(str(error)) < 5_000
