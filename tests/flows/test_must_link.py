"""Rows that are always in one cluster."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linktransformer as lt

pytestmark = pytest.mark.filterwarnings("ignore::linktransformer.errors.LinkWarning")

LEXICAL: dict[str, Any] = {"on": "name", "model": "lexical"}
NAMES = ["acme steel", "zeller motors", "baxter dairy", None, "acme steel", None]
FIRMS = pd.DataFrame({"name": NAMES, "year": [1, 2, 3, 4, 5, 6]}, index=list("abcdef"))


def labels(**options: Any) -> list[int]:
    return lt.cluster(FIRMS, **LEXICAL, **options).label.tolist()


@pytest.mark.parametrize("method", ["average", "complete", "single"])
def test_rows_that_must_be_together_are(method: str) -> None:
    assert labels(method=method) == [0, 1, 2, 3, 0, 4]
    assert labels(method=method, must_link=[("a", "b")]) == [0, 0, 1, 2, 0, 3]
    table = pd.DataFrame({"one": ["a", "b"], "other": ["b", "c"]})
    assert labels(method=method, must_link=table) == [0, 0, 0, 1, 0, 2]
    assert labels(method=method, must_link=[]) == [0, 1, 2, 3, 0, 4]


def test_rows_without_a_key_are_together_with_others_too() -> None:
    assert labels(must_link=[("d", "f")]) == [0, 1, 2, 3, 0, 3]
    assert labels(must_link=[("d", "b")]) == [0, 1, 2, 1, 0, 3]
    through = labels(must_link=[("b", "d"), ("d", "c")])
    assert through == [0, 1, 1, 1, 0, 2]
    # what must be apart from the row without a key must be apart from the rows that it is with
    assert labels(must_link=[("d", "a")], cannot_link=[("d", "e")]) == [0, 1, 2, 0, 3, 4]
    taken = FIRMS.assign(year=[1, 1, 1, 2, 2, 3])  # "d" takes the year of "e"
    found = lt.cluster(taken, one_per="year", must_link=[("a", "d")], **LEXICAL)
    assert found.label.tolist() == [0, 1, 2, 0, 3, 4]


def test_a_cluster_to_begin_with_counts_as_a_whole() -> None:
    table = pd.DataFrame({"name": ["acme steel", "zeller motors", "baxter dairy", "acme steel wks"]})
    near = lt.cluster(table, threshold=0.2, **LEXICAL)
    assert near.label.tolist() == [0, 1, 2, 0]
    score = float(near.score[0])
    whole = lt.cluster(table, threshold=0.6 * score, must_link=[(0, 1)], **LEXICAL)
    assert whole.label.tolist() == [0, 0, 1, 2]  # the mean of one pair and a missing one is half
    single = lt.cluster(table, threshold=0.6 * score, must_link=[(0, 1)], method="single", **LEXICAL)
    assert single.label.tolist() == [0, 0, 1, 0]


def test_blocks_and_sources_give_way_or_are_refused() -> None:
    assert labels(block_on="year", must_link=[("a", "b")]) == [0, 0, 1, 2, 3, 4]
    assert labels(one_per="year", must_link=[("a", "b")]) == [0, 0, 1, 2, 0, 3]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"cannot_link": [("a", "c"), ("c", "b"), ("a", "d")]},
            r"cannot_link for the rows 'a' and 'c'.*: 2\)",
        ),
        ({"one_per": "decade"}, r"one_per='decade' for the rows 'a' and 'b'.*: 1\)"),
        ({"one_per": "decade", "cannot_link": [("c", "a")]}, r"cannot_link for the rows 'c' and 'a'.*: 2\)"),
        ({"method": "hdbscan"}, "takes no must_link="),
        ({"must_link": [("a", "g")]}, "must_link names 'g'"),
        ({"must_link": [("a",)]}, "must_link holds something that is not a pair"),
    ],
    ids=repr,
)
def test_contradictions_are_refused(options: dict[str, Any], says: str) -> None:
    table = FIRMS.assign(decade=[1, 1, None, 4, 5, 6])
    with pytest.raises(lt.InvalidArgumentError, match=says):
        lt.cluster(table, **{"must_link": [("a", "b"), ("b", "c")], **LEXICAL, **options})


@settings(max_examples=25)
@given(
    st.lists(
        st.sampled_from(["acme steel", "acme steels", "zeller", "baxter dairy", None]), min_size=2, max_size=9
    ),
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=4),
    st.randoms(use_true_random=False),
)
def test_the_closure_holds_and_the_order_of_rows_makes_no_difference(names, pairs, random) -> None:  # type: ignore[no-untyped-def]
    n = len(names)
    pairs = [(a % n, b % n) for a, b in pairs]
    table = pd.DataFrame({"name": pd.Series(names, dtype=object)})
    order = list(range(n))
    random.shuffle(order)
    straight = lt.cluster_rows(table, must_link=pairs, **LEXICAL)["cluster"]
    shuffled = lt.cluster_rows(table.iloc[order], must_link=pairs[::-1], **LEXICAL)["cluster"]
    assert all(straight[a] == straight[b] for a, b in pairs)
    assert pd.factorize(shuffled.sort_index())[0].tolist() == straight.tolist()


def test_one_row_of_a_forced_cluster_is_kept() -> None:
    kept = lt.dedup_rows(FIRMS, must_link=[("a", "b"), ("d", "c")], **LEXICAL)
    assert kept.index.tolist() == ["a", "c", "f"]


def test_a_deduplicator_keeps_forced_rows_together(tmp_path: Any) -> None:
    rows = FIRMS.dropna()
    known = lt.Deduplicator("lexical", on="name", must_link=[("a", "b")]).fit(rows)
    assert (
        known.labels_.tolist()
        == lt.cluster(rows, must_link=[("a", "b")], **LEXICAL).label.tolist()
        == [0, 0, 1, 0]
    )
    assert known.predict({"name": "zeller motors"})["cluster"].tolist() == [0]
    known.save(tmp_path / "known")
    again = lt.Deduplicator.load(tmp_path / "known")
    assert again.must_link is None
    assert again.labels_.tolist() == [0, 0, 1, 0]
    again.add(pd.DataFrame({"name": ["zeller motors"], "year": [7]}, index=["z"]))
    assert again.labels_.tolist() == [0, 0, 1, 0, 0]
