"""Every public name of linktransformer 0.1.18 as old scripts call it, and what went wrong there."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from tests.conftest import make, rows_of
from tests.letters import Letters, cosine


@pytest.fixture
def left() -> pd.DataFrame:
    names = ["Acme Steel Corp", "Baxter Dairy", None, "Acme Steel Corp", "Zeller Motors"]
    return pd.DataFrame(
        {"name": names, "state": ["OH", "NY", "OH", None, "TX"], "n": [1, 2, 3, 4, 5]},
        index=[10, 11, 12, 13, 14],
    )


@pytest.fixture
def right() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": ["Baxter Dairies", "Acme Steel Corporation", "Zeller Motor Co", "Quimby Paper"],
            "state": ["NY", "OH", "CA", "OH"],
        }
    )


def nearest(left: list[Any], right: list[str]) -> list[tuple[int, list[tuple[float, int]]]]:
    """The plain reference: every pair, sorted by falling score and then right row."""
    return [
        (a, sorted((-np.float32(cosine(x, y)), b) for b, y in enumerate(right)))
        for a, x in enumerate(left)
        if x is not None
    ]


# the calls of its README, with their argument names -------------------------------------------------------


def test_merge_with_its_old_names(left: pd.DataFrame, right: pd.DataFrame) -> None:
    ours = lt.merge(left, right, on="name", validate="1:1", model=Letters())
    for old in (
        lt.merge(left, right, on="name", model=Letters(), merge_type="1:1"),
        lt.merge(df1=left, df2=right, on="name", model=Letters(), merge_type="1:1"),
        lt.merge(left, right, "1:1", "name", Letters()),
        lt.merge(left, right, "1:1", left_on=["name"], right_on=["name"], model=Letters(), openai_key=None),
        lt.merge(
            left, right, merge_type="1:1", on="name", model=Letters(), suffixes=("_x", "_y"), batch_size=9
        ),
    ):
        pd.testing.assert_frame_equal(old, ours)
    assert ours["name_y"].tolist()[1] == "Baxter Dairies"
    # the original gives its one right row to both; here 1:1 is kept
    assert ours["name_y"].dropna().is_unique


def test_merge_without_a_type_is_ours(left: pd.DataFrame, right: pd.DataFrame) -> None:
    ours = lt.merge(left, right, on="name", model=Letters())
    pd.testing.assert_frame_equal(lt.merge(left, right, "name", model=Letters()), ours)
    pd.testing.assert_frame_equal(lt.merge(left, right, None, "name", Letters()), ours)
    pd.testing.assert_frame_equal(lt.merge(df1=left, df2=right, on="name", model=Letters()), ours)


def test_old_calls_are_logged(
    left: pd.DataFrame, right: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "linktransformer.compat.old_arguments")
    lt.merge(left, right, on="name", model="lexical")
    assert caplog.messages == []
    lt.merge(left, right, on="name", model="lexical", merge_type="m:1")
    assert "enforced" in caplog.messages[0]
    assert "old-scripts" in caplog.messages[1]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"merge_typ": "1:1"}, "merge has no argument merge_typ="),
        ({"blok_on": "state"}, "Did you mean block_on="),
        ({"merge_type": "1-1"}, "is not one of '1:1'"),
        ({"merge_type": "1:1", "validate": "m:1"}, "merge_type= is the old name"),
        ({"openai_key": "sk-secret"}, "openai_key= would send the texts to openai"),
    ],
)
def test_merge_refuses_with_a_hint(
    left: pd.DataFrame, right: pd.DataFrame, arguments: Any, hint: str
) -> None:
    with pytest.raises(lt.InvalidArgumentError) as caught:
        lt.merge(left, right, on="name", model="lexical", **arguments)
    assert hint in str(caught.value)
    assert "sk-secret" not in str(caught.value)


def test_an_unknown_name_is_a_type_error_too(left: pd.DataFrame) -> None:
    with pytest.raises(TypeError, match=r"no argument thresold=. Did you mean threshold="):
        lt.cluster_rows(left, on="name", thresold=0.5)
    with pytest.raises(lt.UnknownArgumentError, match="on= is given by place and by name"):
        lt.merge(left, left, "1:1", "name", on="name")


def test_merge_knn(left: pd.DataFrame, right: pd.DataFrame) -> None:
    found = lt.merge_knn(left, right, on="name", model=Letters(), k=2)
    expected = []
    for row, pairs in nearest(
        left["name"].astype(object).where(left["name"].notna(), None), list(right["name"])
    ):
        expected += [(int(left["n"].iloc[row]), right["name"][b], -s) for s, b in pairs[:2]]
    expected.insert(4, (3, None, None))  # a row without a key is kept, and matched with nothing (W10)
    rows = [(n, name, score) for _, _, n, name, _, score in rows_of(found)]
    assert [row[:2] for row in rows] == [row[:2] for row in expected]
    assert [row[2] for row in rows] == pytest.approx([row[2] for row in expected], abs=1e-6)
    assert list(found.columns) == ["name_x", "state_x", "n", "name_y", "state_y", "score"]
    assert found["n"].dtype == left["n"].dtype


def test_merge_knn_drops_below_a_score(left: pd.DataFrame, right: pd.DataFrame) -> None:
    at = np.float32(cosine("Acme Steel Corp", "Acme Steel Corporation"))
    found = lt.merge_knn(left, right, on="name", model=Letters(), k=3, drop_sim_threshold=float(at) - 1e-6)
    assert (found["score"] >= at - 1e-6).all()
    assert found["name_y"][found["name_x"] == "Acme Steel Corp"].tolist() == ["Acme Steel Corporation"] * 2
    kept = lt.merge_knn(left, right, on="name", model=Letters(), k=3, drop_sim_threshold=0.999, how="left")
    assert kept["n"].tolist() == [1, 2, 3, 4, 5]


def test_k_above_the_right_table_gives_as_many_as_there_are(left: pd.DataFrame, right: pd.DataFrame) -> None:
    """W3: the last right row was repeated with a score of -3.4e38."""
    found = lt.merge_knn(left[:1], right, on="name", model=Letters(), k=50)
    assert sorted(found["name_y"]) == sorted(right["name"])
    assert found["score"].between(-1, 1).all()
    assert found["score"].is_monotonic_decreasing


def test_every_right_row_counts_and_ties_go_to_the_lower_one() -> None:
    a = pd.DataFrame({"name": ["Acme"]})
    b = pd.DataFrame({"name": ["Zeller", "Acme", "acme", "Acme"], "row": [0, 1, 2, 3]})
    found = lt.merge_knn(a, b, on="name", model=Letters(), k=3)
    assert found["row"].tolist() == [1, 3, 2]
    assert found["score"].tolist() == [1.0, 1.0, pytest.approx(1.0)]
    assert found["score"][2] < 1  # equal texts come first


def test_merge_range(left: pd.DataFrame, right: pd.DataFrame) -> None:
    found = lt.merge_range(left, right, on="name", model=Letters(), sim_threshold=0.3)
    expected = []
    for row, name in enumerate(left["name"]):
        pairs = [] if pd.isna(name) else [(-cosine(name, other), other) for other in right["name"]]
        near = [other for score, other in sorted(pairs) if -score >= 0.3]
        expected += [(row + 1, other) for other in near] or [(row + 1, None)]
    assert [(row[2], row[3]) for row in rows_of(found)] == expected
    assert (
        lt.merge_range(left, right, on="name", model=Letters(), sim_threshold=0.3, how="inner")["name_y"]
        .notna()
        .all()
    )


def test_merge_blocking(left: pd.DataFrame, right: pd.DataFrame) -> None:
    model = Letters()
    found = lt.merge_blocking(left, right, on="name", model=model, blocking_vars=["state"], merge_type="m:1")
    # W4, W6: every left row, in the left order, one whose block is null too
    assert found["n"].tolist() == [1, 2, 3, 4, 5]
    assert found["name_y"].isna().tolist() == [False, False, True, True, True]
    assert found["name_y"][0] == "Acme Steel Corporation"
    # W5: no third column, no float, no raw rows
    assert list(found.columns) == ["name_x", "state_x", "n", "name_y", "state_y", "score"]
    assert found["n"].dtype == left["n"].dtype
    assert len(model.texts) == len(set(model.texts))  # no block encodes anything again
    pd.testing.assert_frame_equal(
        lt.merge_blocking(left, right, on="name", model=Letters(), blocking_vars="state"), found
    )
    both = lt.merge_blocking(left, right, on="name", model=Letters(), blocking_vars="state", how="outer")
    assert set(both["name_y"].dropna()) == set(right["name"])


def test_aggregate_rows() -> None:
    fine = pd.DataFrame({"Fine": ["steel bars", "milk powder", None], "Coarse Category ID": [1, 2, 2]})
    coarse = pd.DataFrame({"Coarse": ["milk", "steel"], "Coarse Category ID": [2, 1]})
    found = lt.aggregate_rows(fine, coarse, model=Letters(), left_on="Fine", right_on="Coarse")
    assert [row[3] for row in rows_of(found)] == [1, 2, None]
    assert list(found.columns) == ["Fine", "Coarse Category ID_x", "Coarse", "Coarse Category ID_y", "score"]
    strict = lt.aggregate_rows(fine, coarse, Letters(), ["Fine"], ["Coarse"], threshold=0.99)
    assert strict["Coarse"].isna().all()


def test_evaluate_pairs_in_every_library(library: str) -> None:
    table = make(
        library, {"a": ["Acme", None, "Baxter"], "b": ["Acme Co", "x", "Baxter"], "score": [7, 8, 9]}
    )
    found = lt.evaluate_pairs(table, model=Letters(), left_on=["a"], right_on="b")
    assert type(found) is type(table)
    assert [row[2] for row in rows_of(found)] == [7, 8, 9]  # W8: the user's column stays
    scores = [row[3] for row in rows_of(found)]
    assert scores == [pytest.approx(cosine("Acme", "Acme Co"), abs=1e-6), None, 1.0]
    assert nw.from_native(found, eager_only=True).columns[-1] == "score_lt"


def test_evaluate_pairs_keeps_the_index(left: pd.DataFrame) -> None:
    before = left.copy()
    found = lt.evaluate_pairs(left, model="lexical", left_on="name", right_on="state")
    assert found.index.tolist() == [10, 11, 12, 13, 14]
    pd.testing.assert_frame_equal(left, before)


def test_all_pair_combos(left: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = lt.all_pair_combos_evaluate(left, model=Letters(), left_on="name", right_on="state")
    assert len(found) == 25
    for row in found.itertuples():
        a, b = left["name"][row.left], left["state"][row.right]
        if pd.isna(a) or pd.isna(b):
            assert np.isnan(row.score)
        else:
            assert (row.left_on, row.right_on) == (a, b)
            assert row.score == pytest.approx(cosine(a, b), abs=1e-6)
    assert found["left"].tolist() == np.repeat(left.index, 5).tolist()
    monkeypatch.setattr("linktransformer.linking.score_pairs.BATCH", 7)
    parts = lt.all_pair_combos_evaluate(left, Letters(), "name", "state", stream=True)
    assert iter(parts) is parts
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), found)
    path = lt.all_pair_combos_evaluate(left, Letters(), "name", "state", out=tmp_path / "p.parquet")
    assert rows_of(pd.read_parquet(path)) == rows_of(found)
    assert [file.name for file in tmp_path.iterdir()] == ["p.parquet"]


def test_too_many_pairs_are_refused_before_the_work() -> None:
    table, model = pd.DataFrame({"a": list("abcd")}), Letters()
    with pytest.raises(lt.InvalidArgumentError, match=r"16 pairs.*15 at most.*stream=True"):
        lt.all_pair_combos_evaluate(table, model, "a", "a", max_pairs=15)
    assert model.texts == []
    assert len(lt.all_pair_combos_evaluate(table, model, "a", "a", max_pairs=16)) == 16


# what else went wrong --------------------------------------------------------------------------------------


def test_columns_without_keys_go_in_the_left_order(left: pd.DataFrame, right: pd.DataFrame) -> None:
    """W7: `on=None` was a set."""
    model = Letters()
    lt.merge_knn(left, right[["state", "name"]], model=model)
    assert "Acme Steel Corp OH" in model.texts


def test_the_output_can_go_in_again(left: pd.DataFrame, right: pd.DataFrame) -> None:
    """W8, W9: `score` was overwritten, and `id_lt` kept a second merge from working."""
    once = lt.merge_knn(left.assign(id_lt=1), right, on="name", model=Letters())
    again = lt.merge_knn(once, right, left_on="name_x", right_on="name", model=Letters())
    pd.testing.assert_series_equal(again["score"], once["score"])
    pd.testing.assert_series_equal(again["score_lt"], once["score"], check_names=False)


@pytest.mark.parametrize(("a", "b"), [("name", ["name"]), (["name"], "name"), ("n", "n")])
def test_text_and_list_and_number_keys(left: pd.DataFrame, right: pd.DataFrame, a: Any, b: Any) -> None:
    other = right.assign(n=[4, 1, 5, 9])
    found = lt.merge_knn(left, other, left_on=a, right_on=b, model=Letters())
    assert found["n_x"].tolist() == [1, 2, 3, 4, 5]


def test_empty_tables(left: pd.DataFrame, right: pd.DataFrame) -> None:
    assert lt.merge_knn(left[:0], right, on="name", model=Letters()).shape == (0, 6)
    assert lt.merge_range(left, right[:0], on="name", model=Letters())["score"].isna().all()
    assert len(lt.evaluate_pairs(left[:0], Letters(), "name", "state")) == 0
    assert len(lt.all_pair_combos_evaluate(left[:0], Letters(), "name", "state")) == 0
    parameters = {"threshold": 0.5}
    assert len(lt.dedup_rows(left[:0], on="name", model=Letters(), cluster_params=parameters)) == 0


def test_a_wrong_model_says_so(left: pd.DataFrame) -> None:
    with pytest.raises(lt.ModelError, match="no-such-model"):
        lt.merge_knn(left, left, on="name", model="no-such-model")


@pytest.mark.parametrize(
    "bad",
    [
        {"k": 0},
        {"drop_sim_threshold": "high"},
        {"drop_sim_threshold": 80},
        {"how": "outer"},
        {"gemini_key": "x"},
    ],
)
def test_wrong_arguments_of_merge_knn(left: pd.DataFrame, bad: dict[str, Any]) -> None:
    with pytest.raises(lt.InvalidArgumentError, match=next(iter(bad))):
        lt.merge_knn(left, left, on="name", model="lexical", **bad)


def test_a_small_memory_limit_changes_nothing(left: pd.DataFrame, right: pd.DataFrame) -> None:
    for model in (Letters(), "lexical", None):
        one, other = (
            lt.merge_knn(left, right, on="name", model=model, k=2, memory_limit=limit) for limit in (1, None)
        )
        pd.testing.assert_frame_equal(one, other)


def test_names_of_old_scripts() -> None:
    pass


def test_blocking_speaks_of_the_argument_that_was_given() -> None:
    table = pd.DataFrame({"name": ["a"], "state": ["x"]})
    with pytest.raises(lt.ColumnNotFoundError, match=r"blocking_vars='stat'.*df1 table.*'state'"):
        lt.merge_blocking(table, table, on="name", model="lexical", blocking_vars="stat")
    with pytest.raises(lt.InvalidArgumentError, match=r"Give model='openai:NAME'"):
        lt.merge_knn(table, table, on="name", openai_key="secret")
