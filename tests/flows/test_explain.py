"""Links and clusters explained: parts that add up, by place and by label, and why rows have no link."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from tests.conftest import make, to_pandas

pytestmark = pytest.mark.filterwarnings("ignore::linktransformer.errors.LinkWarning")

WORDS = ["acme", "baxter", "quill", "zeller", "northern", "steel", "dairy", "paper", "motors", "rail", "mill"]


def people(n: int = 60, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables of which most rows match, some cells changed."""
    draw = np.random.default_rng(seed)
    names = [" ".join(draw.choice(WORDS, 3)) + f" {number}" for number in range(n)]
    town = draw.choice(["Boston", "Tulsa", "Reno"], n)
    year = draw.integers(1950, 1990, n)
    left = pd.DataFrame({"name": names, "town": town, "year": year})
    right = left.sample(frac=1, random_state=seed).iloc[: n - 10].copy()
    right.iloc[::3, 0] = [name.replace("e", "a") for name in right["name"].iloc[::3]]
    right.iloc[::5, 1] = None
    right.iloc[::7, 2] += 1
    return left.set_index(pd.Index([f"L{k}" for k in range(n)])), right.set_index(
        pd.Index([f"R{k}" for k in range(len(right))])
    )


def bits(score: float) -> float:
    return float(np.log2(float(score) / (1 - float(score))))


def check(shown: pd.DataFrame) -> None:
    """The parts of a pair, and of the one beside it, add up to the log-odds of the printed probability."""
    assert shown["item"].iloc[0] == "pair"
    assert shown["contribution"].sum() == pytest.approx(bits(shown["score"].iloc[0]), abs=1e-3)
    if "runner_up" in shown:
        assert shown["runner_up_contribution"].sum() == pytest.approx(
            bits(shown["runner_up_score"].iloc[0]), abs=1e-3
        )
    equal = shown["match_weight"].notna() & (shown["score"] == 1)
    assert (shown.loc[equal, "contribution"] >= -1e-6).all()


@pytest.mark.parametrize(
    "how",
    [{}, {"expected_overlap": 0.2}, {"validate": "1:1"}, {"threshold": None}, {"block_on": "town"}],
    ids=str,
)
def test_contributions_add_up_to_the_printed_probability(how: dict[str, Any]) -> None:
    left, right = people()
    links = lt.link(left, right, on=["name", "town", "year"], model="lexical", **how)
    assert len(links) > 30
    for place in range(0, len(links), 4):
        shown = links.explain(place)
        check(shown)
        assert shown["score"].iloc[0] == links.score[place]
        assert ("expected overlap" in set(shown["item"])) == ("expected_overlap" in how)


def test_equal_texts_have_no_part_that_counts_against_them() -> None:
    left = people()[0]
    links = lt.link(left, left.copy(), on=["name", "town", "year"], model="lexical")
    for place in range(0, len(links), 6):
        shown = links.explain(place).set_index("item")
        check(shown.reset_index())
        parts = shown.loc[["name", "town", "year", "similarity of the records"], "contribution"]
        assert (parts >= -1e-4).all()


def test_pairs_are_explained_in_every_library(library: str) -> None:
    sides = [side.astype(object).where(side.notna(), None) for side in people(20)]
    tables = [{name: side[name].tolist() for name in side} for side in sides]
    links = lt.link(*(make(library, table) for table in tables), on=["name", "town", "year"], model="lexical")
    check(to_pandas(links.explain(0)))
    row = int(links.left_rows[0])
    assert to_pandas(links.explain(left=row)).equals(to_pandas(links.explain(0)))
    assert "base line" in links.explain(0, as_text=True)


def test_a_row_says_why_it_has_no_link() -> None:
    left = pd.DataFrame(
        {
            "name": ["acme steel works", "acme steel wrks", None, "qqq", "baxter dairy of the north"],
            "town": ["Reno", "Reno", "Reno", "Bath", "Reno"],
        },
        index=list("abcde"),
    )
    right = pd.DataFrame(
        {"name": ["acme steel works", "baxter dairy", "zeller"], "town": ["Reno"] * 3}, index=list("xyz")
    )
    links = lt.link(left, right, on="name", block_on="town", model="lexical", validate="1:1", threshold=0.05)
    reasons = {label: links.explain(left=label)["reason"].iloc[0] for label in "cd"}
    assert reasons == {"c": "no key", "d": "no row in its block"}
    told = links.explain(left="b")
    assert told["item"].tolist()[:2] == ["unmatched row", "candidate"] and told["right"].iloc[1] == "x"
    assert "linked to a" in told["reason"].iloc[1]
    strict = lt.link(left, right, on="name", model="lexical", threshold=0.9999)
    told = strict.explain(right="z")
    assert told["right"].tolist()[0] == "z" and "below the threshold of 1" in told["reason"].iloc[0]
    assert (np.diff(told["score"].iloc[1:]) <= 0).all()
    pair = links.explain(left="b", right="x")
    check(pair)
    assert pair["item"].iloc[1].startswith("no link: left row its best match has a better one")
    assert "their blocks differ" in links.explain(left="d", right="x")["item"].iloc[1]
    assert "no key" in links.explain(left="c", right="x")["item"].iloc[1]


def test_a_pair_that_is_no_candidate_says_so() -> None:
    left, right = people(150)
    links = lt.link(left, right, on=["name", "town", "year"], model="lexical")
    kept = links.evidence
    assert kept is not None
    near = set(zip(kept.left.tolist(), kept.right.tolist(), strict=True))
    far = next(other for other in range(len(right)) if (0, other) not in near)
    shown = links.explain(left="L0", right=f"R{far}").set_index("item")
    assert "no link: not among the nearest candidates of either row" in shown.index
    assert "contribution" in shown and shown["contribution"].isna().all()
    assert 0 <= shown.loc["similarity of the n-grams", "score"] < 1
    assert shown.loc["name", "match_weight"] < 0


def test_what_cannot_be_explained() -> None:
    left, right = people(12)
    links = lt.link(left, right, on="name", model="lexical")
    with pytest.raises(lt.InvalidArgumentError, match="is not a link"):
        links.explain(len(links))
    with pytest.raises(lt.InvalidArgumentError, match="explain needs the number of a link"):
        links.explain()
    with pytest.raises(lt.InvalidArgumentError, match="explain needs the number of a link"):
        links.explain(0, left="L0")
    with pytest.raises(lt.InvalidArgumentError, match="left names 'nobody'"):
        links.explain(left="nobody")
    clusters = lt.cluster(left, on="name", model="lexical")
    for given in ({}, {"left": "L0"}, {"cluster": 0, "left": "L0", "right": "L1"}):
        with pytest.raises(lt.InvalidArgumentError, match="explain needs the number of a cluster"):
            clusters.explain(**given)


def chain() -> pd.DataFrame:
    names = [
        "acme steel works",
        "acme steel work",
        "acme steel wrk",
        "acme stel wrk",
        "zeller",
        None,
        "zeler",
    ]
    return pd.DataFrame({"name": names, "source": [1, 2, 3, 4, 1, 1, 1]}, index=list("abcdefg"))


def test_rows_of_one_cluster_are_joined_by_a_path() -> None:
    table = chain()
    found = lt.cluster(table, on="name", model="lexical", threshold=0.05)
    assert found.label[0] == found.label[3]
    shown = found.explain(left="a", right="d")
    assert shown["item"].tolist()[:2] == ["pair", "threshold"]
    path = shown[shown["item"] == "path"]
    assert path["left"].iloc[0] == "a" and path["right"].iloc[-1] == "d"
    assert path["left"].tolist()[1:] == path["right"].tolist()[:-1]
    pairs = found.explain(int(found.label[0]))
    scores = {frozenset(x): s for *x, s in pairs[["left", "right", "score"]].itertuples(index=False)}
    for one, other, score in path[["left", "right", "score"]].itertuples(index=False):
        assert scores[frozenset((one, other))] == pytest.approx(score)
    direct = scores.get(frozenset("ad"), 0.0)
    assert path["score"].min() >= direct - 1e-6
    joined = shown[shown["item"] == "mean between the parts joined"].iloc[0]
    assert found.details["threshold"] <= joined["score"] <= 1
    check(found.explain(int(found.label[0]), pair=0))


def test_rows_of_two_clusters_are_kept_apart_by_what_is_named() -> None:
    table = chain()
    found = lt.cluster(table, on="name", model="lexical", threshold=0.05, cannot_link=[("a", "b")])
    shown = found.explain(left="a", right="b")
    assert "cannot_link" in set(shown["item"])
    mean = shown.loc[shown["item"] == "mean between the clusters", "score"].iloc[0]
    assert 0 <= mean <= 1
    one = lt.cluster(table, on="name", model="lexical", threshold=0.05, one_per="source")
    assert "one_per: a value is in both" in set(one.explain(left="e", right="g")["item"])
    assert "no key: the row is a cluster by itself" in set(one.explain(left="a", right="f")["item"])
    far = found.explain(left="a", right="e")
    assert far.loc[far["item"] == "mean between the clusters", "score"].iloc[0] < 0.05
    assert "equal keys" in set(
        lt.cluster(pd.concat([table, table], ignore_index=True), on="name", model="lexical").explain(
            left=0, right=7
        )["item"]
    )


def test_where_nothing_was_kept_nothing_adds_up() -> None:
    left, right = people(12)
    links = replace(lt.link(left, right, on=["name", "year"], model="lexical"), evidence=None)
    shown = links.explain(0)
    assert shown["item"].tolist() == ["pair", "name", "year", "lexical view", "key column view"]
    assert shown["contribution"].isna().all() and 0 < shown["score"].iloc[1] <= 1
    assert links.explain(left=str(left.index[-1])) is not None
    clusters = replace(lt.cluster(chain(), on="name", model="lexical"), evidence=None)
    with pytest.raises(lt.InvalidArgumentError, match="were not kept"):
        clusters.explain(left="a", right="b")


def test_the_clusters_of_a_fitted_deduplicator_are_explained() -> None:
    fitted = lt.Deduplicator(on="name", model="lexical").fit(chain()).clusters_
    check(fitted.explain(int(fitted.label[0]), pair=0))
    assert "mean between the clusters" in fitted.explain(left="a", right="e", as_text=True)


def test_the_text_has_a_line_each_and_the_sum() -> None:
    left, right = people(30)
    links = lt.link(left, right, on=["name", "town", "year"], model="lexical")
    shown, text = links.explain(0), links.explain(0, as_text=True)
    lines = text.splitlines()
    assert len(lines) == len(shown) + 2 and lines[-1].startswith("sum ") and "nan" not in text.lower()
    assert f"{shown['contribution'].sum():+.2f}" in lines[-1]
    assert max(map(len, lines)) < 200


def test_where_there_is_no_link_and_no_cluster_the_message_says_so() -> None:
    nothing = make("pandas", {"name": ["Acme", "Baxter"]})[:0]
    with pytest.raises(lt.InvalidArgumentError, match=r"link=0 is not a link\. There are none"):
        lt.link(nothing, nothing, on="name", model="lexical").explain(0)
    with pytest.raises(lt.InvalidArgumentError, match=r"cluster=0 is not a cluster\. There are none"):
        lt.cluster(nothing, on="name").explain(0)
