"""One table that names one thing many times: nothing is lost, in any library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linktransformer as lt
from tests.conftest import make, to_pandas

# tables that are drawn may be of copies alone
pytestmark = pytest.mark.filterwarnings("ignore::linktransformer.errors.LinkWarning")

LEXICAL: dict[str, Any] = {"model": "lexical"}
FIRMS = {
    "name": [
        "Acme Steel Corp.",
        "Baxter Dairy",
        "ACME STEEL CORP",
        None,
        "Zeller Motors",
        "Baxter Dairy",
        "",
    ],
    "city": ["Boston", None, "Boston", "Omaha", "Tulsa", "Dayton", None],
}
NAME = st.lists(
    st.sampled_from(
        [
            "acme",
            "baxter",
            "steel",
            "dairy",
            "paper",
            "mills",
            "works",
            "corp",
            "ltd",
            "boston",
            "名古屋",
            "😀",
        ]
    ),
    min_size=1,
    max_size=4,
).map(" ".join)


def test_clusters_in_every_library(library: str) -> None:
    table = make(library, FIRMS)
    clustered = lt.cluster_rows(table, on="name")
    assert type(clustered) is type(table)
    assert to_pandas(clustered)["cluster"].tolist() == [0, 1, 0, 2, 3, 1, 4]
    kept = to_pandas(lt.dedup_rows(table, on="name"))
    assert len(kept) == 5
    assert kept["city"].tolist()[0] == "Boston"


def test_index_order_and_the_callers_table_stay() -> None:
    table = pd.DataFrame(FIRMS, index=list("gfedcba"))
    before = table.copy()
    clustered = lt.cluster_rows(table, on="name", **LEXICAL)
    assert clustered.index.tolist() == list("gfedcba")
    assert lt.dedup_rows(table, on="name", **LEXICAL).index.tolist() == ["g", "f", "d", "c", "a"]
    pd.testing.assert_frame_equal(table, before)
    again = lt.cluster_rows(clustered, on="name", **LEXICAL)
    assert again["cluster_lt"].tolist() == again["cluster"].tolist()


def test_the_kept_row_follows_the_rule() -> None:
    table = pd.DataFrame(FIRMS)
    assert lt.dedup_rows(table, on="name", keep="longest", **LEXICAL).index.tolist() == [0, 1, 3, 4, 6]
    complete = lt.dedup_rows(table, on="name", keep="most complete", **LEXICAL)
    assert complete.index.tolist() == [0, 3, 4, 5, 6]  # row 1 has no city, row 5 has one
    last = lt.dedup_rows(table, on="name", keep=lambda rows: len(rows) - 1, **LEXICAL)
    assert last.index.tolist() == [2, 3, 4, 5, 6]
    with pytest.raises(lt.InvalidArgumentError, match="keep returned"):
        lt.dedup_rows(table, on="name", keep=lambda rows: len(rows), **LEXICAL)
    with pytest.raises(lt.InvalidArgumentError, match="keep='best'"):
        lt.dedup_rows(table, on="name", keep="best")


def test_blocks_are_never_crossed() -> None:
    table = pd.DataFrame({"name": ["acme steel"] * 4, "state": ["a", "b", "a", None]})
    assert lt.cluster_rows(table, on="name", block_on="state", **LEXICAL)["cluster"].tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize("method", ["average", "complete", "single", "hdbscan"])
@pytest.mark.parametrize("threshold", ["auto", 0.5])
def test_a_row_without_a_partner_is_its_own_cluster(method: str, threshold: Any) -> None:
    different = [f"{a}{b}" for a in "bcdfg" for b in ("ooo", "eee")] + [None, None]
    table = pd.DataFrame({"name": different})
    found = lt.cluster_rows(table, on="name", method=method, threshold=threshold, **LEXICAL)
    assert found["cluster"].tolist()[-2:] == [found["cluster"].max() - 1, found["cluster"].max()]
    alike = pd.DataFrame({"name": ["acme steel"] * 5})
    assert set(lt.cluster_rows(alike, on="name", method=method, **LEXICAL)["cluster"]) == {0}
    for table in (pd.DataFrame({"name": ["acme"]}), pd.DataFrame({"name": pd.Series([], dtype=object)})):
        assert len(lt.cluster_rows(table, on="name", method=method, **LEXICAL)) == len(table)
        assert len(lt.dedup_rows(table, on="name", method=method, **LEXICAL)) == len(table)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.none(), NAME), max_size=14),
    st.randoms(use_true_random=False),
    st.sampled_from(["auto", 0.2, 0.4, 0.7]),
    st.sampled_from(["average", "complete", "single", "hdbscan"]),
)
def test_rows_in_another_order_are_in_the_same_clusters(names, random, threshold, method) -> None:  # type: ignore[no-untyped-def]
    order = list(range(len(names)))
    random.shuffle(order)
    table = pd.DataFrame({"name": pd.Series(names, dtype=object)})
    straight = lt.cluster(table, on="name", threshold=threshold, method=method, **LEXICAL)
    shuffled = lt.cluster(table.iloc[order], on="name", threshold=threshold, method=method, **LEXICAL)
    for found in (straight, shuffled):
        assert found.report()["rows_without_key"] == sum(name is None for name in names)
        assert pd.factorize(found.label)[0].tolist() == found.label.tolist()  # numbered by first row
    back = np.empty(len(names), dtype=np.int64)
    back[order] = shuffled.label
    np.testing.assert_array_equal(straight.label[:, None] == straight.label, back[:, None] == back)


@pytest.mark.parametrize("options", [{}, {"one_per": "year"}, {"block_on": "year"}], ids=repr)
def test_scores_do_not_depend_on_the_order_of_rows_where_many_tie(options: dict[str, Any]) -> None:
    draw = np.random.default_rng(0)
    words = ["acme", "baxter", "steel", "dairy", "mills", "corp", "boston"]
    table = pd.DataFrame(
        {
            "name": [" ".join(draw.choice(words, 3)) for _ in range(150)],
            "town": draw.choice(["boston", "omaha"], 150),
            "year": draw.integers(1, 4, 150),
        }
    ).drop_duplicates()
    same = {"on": ["name", "town"], "k": 5, "threshold": 0.3, **LEXICAL, **options}
    straight = lt.cluster(table, **same)
    for seed in range(3):
        shuffled = lt.cluster(table.sample(frac=1, random_state=seed), **same)
        label = pd.Series(shuffled.label, index=shuffled.table.index).loc[table.index]
        assert pd.factorize(label)[0].tolist() == straight.label.tolist()
        assert np.sort(shuffled.score).tolist() == np.sort(straight.score).tolist()


@settings(max_examples=30, deadline=None)
@given(st.lists(NAME, min_size=2, max_size=12), st.integers(0, 11))
def test_a_copy_of_a_row_changes_no_cluster(names: list[str], which: int) -> None:
    table = pd.DataFrame({"name": names})
    more = pd.DataFrame({"name": [*names, names[which % len(names)]]})
    once, twice = (lt.cluster(one, on="name", threshold=0.5, **LEXICAL).label for one in (table, more))
    np.testing.assert_array_equal(once, twice[:-1])
    assert twice[-1] == twice[which % len(names)]


def test_a_higher_threshold_only_splits() -> None:
    draw = np.random.default_rng(0)
    words = ["acme", "baxter", "steel", "dairy", "paper", "mills", "works", "corp", "ltd", "boston"]
    table = pd.DataFrame({"name": [" ".join(draw.choice(words, 3)) for _ in range(60)]})
    coarse, fine = (lt.cluster(table, threshold=t, **LEXICAL).label for t in (0.4, 0.6))
    assert len(set(zip(coarse.tolist(), fine.tolist(), strict=True))) == len(set(fine.tolist()))


def test_evidence_and_report() -> None:
    found = lt.cluster(pd.DataFrame(FIRMS, index=list("gfedcba")), on="name", **LEXICAL)
    assert repr(found).startswith("Clusters(7 rows in 5 clusters, 2 of several rows)\n")
    assert found.pairs[["cluster", "left", "right"]].to_numpy().tolist() == [[0, "g", "e"]]
    assert found.members(1).index.tolist() == ["f", "b"]
    report = found.report()
    assert (report["clusters"], report["clusters_of_one"], report["largest"]) == (5, 3, 2)
    assert found.evaluate([0, 1, 0, 2, 3, 1, 4])["cluster_f1"] == 1
    assert found.evaluate("city")["recall"] == 1
    with pytest.raises(lt.InvalidArgumentError, match="0 to 4"):
        found.members(5)


@pytest.mark.parametrize(
    "options",
    [{"on": "nmae"}, {"method": "ward"}, {"threshold": 0}, {"threshold": None}, {"k": 0}, {"block_on": "x"}],
    ids=repr,
)
def test_what_cannot_work_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(lt.LinkTransformerError, match=next(iter(options))):
        lt.cluster_rows(pd.DataFrame(FIRMS), **{"on": "name", **LEXICAL, **options})
    with pytest.raises(lt.InvalidArgumentError, match="no text column"):
        lt.cluster_rows(pd.DataFrame({"year": [1, 2]}))
    with pytest.raises(lt.InvalidArgumentError, match="cluster_column="):
        lt.cluster_rows(pd.DataFrame(FIRMS), on="name", cluster_column="")


def test_one_row_of_each_source_at_most() -> None:
    table = pd.DataFrame(
        {"name": ["acme steel", "acme steel", "acme steel co", "zeller", None], "source": [1, 1, 2, 1, 1]}
    )
    found = lt.cluster_rows(table, on="name", one_per="source", **LEXICAL)
    assert not found.duplicated(["cluster", "source"]).any()
    assert found["cluster"].tolist() == [0, 1, 0, 2, 3]
    free = table.assign(source=pd.Series([1, None, None, None, None], dtype="Int64"))
    assert lt.cluster_rows(free, on="name", one_per="source", **LEXICAL)["cluster"].tolist() == [
        0,
        0,
        0,
        1,
        2,
    ]
    with pytest.raises(lt.ColumnNotFoundError, match="Did you mean 'source'"):
        lt.cluster_rows(table, on="name", one_per="sauce")
    with pytest.raises(lt.InvalidArgumentError, match="different values"):
        many = pd.DataFrame({"name": "acme", "row": range(5_000)})
        lt.cluster_rows(many, on="name", one_per="row")


def test_rows_that_cannot_be_one() -> None:
    table = pd.DataFrame({"name": ["acme steel", "acme steel", "zeller"]}, index=["a", "b", "c"])
    for pairs in ([("a", "b")], pd.DataFrame({"one": ["b"], "other": ["a"]})):
        found = lt.cluster_rows(table, on="name", cannot_link=pairs, **LEXICAL)
        assert found["cluster"].tolist() == [0, 1, 2]
    assert lt.cluster_rows(table, on="name", cannot_link=[], **LEXICAL)["cluster"].tolist() == [0, 0, 1]
    with pytest.raises(lt.InvalidArgumentError, match="'d', which is the label of no row"):
        lt.cluster_rows(table, on="name", cannot_link=[("a", "d")])
    with pytest.raises(lt.InvalidArgumentError, match="hdbscan"):
        lt.cluster_rows(table, on="name", cannot_link=[("a", "b")], method="hdbscan")


def test_several_columns_weigh_their_evidence() -> None:
    draw = np.random.default_rng(0)
    n = 150
    given = [f"given{number}" for number in draw.integers(0, 40, n)]
    family = [f"family{number}" for number in draw.integers(0, 60, n)]
    born = [f"19{number:02d}-0{month}-1{day}" for number, month, day in draw.integers(1, 9, (n, 3))]
    first = pd.DataFrame({"given": given, "family": family, "born": born, "town": "Boston"})
    second = first.assign(town="Tulsa")
    table = pd.concat([first, second], ignore_index=True)
    found = lt.cluster(table, **LEXICAL)
    assert found.evaluate(pd.Series([*range(n), *range(n)]))["f1"] > 0.9
    shown = found.explain(0)
    assert len(shown) == len(found.pairs.query("cluster == 0")) > 0
    assert shown["weakest"].tolist() == [False] * (len(shown) - 1) + [True]
    assert shown["score"].between(0.5, 1, inclusive="neither").all()
    assert shown["cosine"].between(0, 1).all() and not (shown["cosine"] == shown["score"]).any()
    pair = found.explain(0, pair=0)
    assert pair["item"].tolist()[:5] == ["pair", *table.columns]
    assert pair["left"].tolist()[1:5] == table.loc[shown["left"].iloc[0]].tolist()
    assert pair["right"].tolist()[1:5] == table.loc[shown["right"].iloc[0]].tolist()
    assert pair["score"].tolist()[0] == pytest.approx(shown["score"].iloc[0])
    with pytest.raises(lt.InvalidArgumentError, match="not a pair of cluster 0"):
        found.explain(0, pair=len(shown))


def test_the_next_cluster_is_the_most_similar_one() -> None:
    names = ["acme steel works", None, "acme steel work", "acme iron works", "zeller"]
    found = lt.cluster(pd.DataFrame({"name": names}), threshold=0.7, **LEXICAL)
    assert found.label.tolist() == [0, 1, 0, 2, 3]
    other, score = found.next_to(0)
    assert other == 2 and 0 < score < 0.7


def test_the_members_come_with_the_kept_rows(library: str) -> None:
    kept, members = lt.dedup_rows(make(library, FIRMS), on="name", return_members=True, **LEXICAL)
    members = to_pandas(members)
    assert members["cluster"].tolist() == [0, 1, 0, 2, 3, 1, 4]
    assert members["kept"].tolist() == [True, True, False, True, True, False, True]
    assert to_pandas(kept)["city"].tolist()[:1] == ["Boston"]
    assert len(kept) == int(members["kept"].sum())


def test_a_table_without_duplicates_loses_next_to_nothing() -> None:
    draw = np.random.default_rng(0)
    names = [
        f"{name}{end}"
        for name in ("ander", "peter", "hans", "erik", "john")
        for end in ("s", "sen", "son", "z")
    ]
    table = pd.DataFrame(
        {
            "given": draw.choice(names, 400),
            "family": draw.choice(names, 400),
            "born": [
                f"19{y:02d}-{m:02d}-{d:02d}" for y, m, d in draw.integers((0, 1, 1), (99, 13, 29), (400, 3))
            ],
            "street": [f"{draw.choice(names)} street {number}" for number in draw.integers(1, 200, 400)],
        }
    )
    assert len(lt.dedup_rows(table, **LEXICAL)) >= 0.97 * len(table)


def test_rows_of_the_same_few_words_stay() -> None:
    words = ["steel", "dairy", "paper", "mills", "works", "north", "south", "west"]
    draw = np.random.default_rng(0)
    names = {" ".join(sorted(draw.choice(words, 3, replace=False))) for _ in range(150)}
    kept = lt.dedup_rows(pd.DataFrame({"name": sorted(names)}), **LEXICAL)
    assert len(kept) >= 0.9 * len(names)
