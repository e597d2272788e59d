"""Warnings before rows are dropped or links are used: tables made for each, and tables beside them."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.results.report_warnings import of_links, precision_of_clusters

LEXICAL: dict[str, Any] = {"model": "lexical"}
WORDS = ["acme", "baxter", "steel", "dairy", "paper", "mills", "works", "corp", "ltd", "boston", "north"]


def different(n: int) -> list[str]:
    """Names that share next to nothing."""
    draw = np.random.default_rng(1)
    return ["".join(draw.choice(list("abcdefghijklmnopqrstuvwxyz"), 12)) for _ in range(n)]


def alike(n: int) -> pd.DataFrame:
    """Names of the same few words: hardly any two are one."""
    draw = np.random.default_rng(0)
    return pd.DataFrame({"name": [" ".join(draw.choice(WORDS, 3, replace=False)) for _ in range(n)]})


def test_a_table_that_would_lose_most_rows() -> None:
    table = pd.DataFrame({"name": different(10) * 3})
    report = lt.cluster(table, "name").report()  # drops nothing: Python does not warn, the report does
    assert report["warning_codes"] == ["most_rows_go"]
    with pytest.warns(lt.LinkWarning, match="20 of 30 rows") as said:
        assert len(lt.dedup_rows(table, "name")) == 10
    assert [str(one.message) for one in said] == report["warnings"]
    assert said[0].filename == __file__  # the caller's line, not ours
    assert "dedup_rows keeps 10; 20 have exactly the key of an earlier row" in report["warnings"][0]


def test_half_of_a_table_may_go() -> None:
    table = pd.DataFrame({"name": different(10) * 2})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(lt.dedup_rows(table, "name")) == 10
    assert lt.cluster(table, "name").report()["warnings"] == []


def test_one_cluster_that_swallows_rows() -> None:
    copies = ["acme steel works"] * 8
    table = pd.DataFrame({"name": different(60) + copies, "town": different(68)})
    table.loc[60:, "town"] = "boston"
    with pytest.warns(lt.LinkWarning, match=r"8 of 68 rows \(12%\), the next largest 1\. "):
        found = lt.cluster(table, ["name", "town"])
    assert "large_cluster" in found.report()["warning_codes"]
    assert found.sizes.max() == 8


@pytest.mark.parametrize(
    "names",
    [different(16) * 6, [*different(4), "acme steel", "acme steel"], different(100) + ["acme steel"] * 5],
    ids=["all clusters are large", "a small table", "a twentieth"],
)
def test_clusters_that_are_large_for_no_reason_to_worry(names: list[str]) -> None:
    assert "large_cluster" not in lt.cluster(pd.DataFrame({"name": names}), "name").report()["warning_codes"]


def test_a_stand_in_in_a_key_column_of_either_table() -> None:
    left = pd.DataFrame({"name": different(80), "phone": [*map(str, range(5_550_000, 5_550_080))]})
    left.loc[::4, "phone"] = "Not  Known"
    right = left.iloc[::2].assign(phone=[str(number) for number in range(40)]).reset_index(drop=True)
    with pytest.warns(lt.LinkWarning) as said:
        report = lt.link(left, right, ["name", "phone"], **LEXICAL).report()
    assert report["warning_codes"] == ["stand_in"]
    assert [str(one.message) for one in said] == report["warnings"]
    text = report["warnings"][0]
    assert "Key column 'phone' of the left table has 'Not Known' in 20 of 80 rows" in text
    assert "null_values={'phone': ['Not Known']}" in text
    report = lt.link(left, right, ["name", "phone"], null_values={"phone": ["not known"]}, **LEXICAL).report()
    assert (report["warning_codes"], report["null_values"]) == (
        [],
        {"left": {"phone": 20}, "right": {"phone": 0}},
    )


def test_clusters_that_are_probably_wrong() -> None:
    with pytest.warns(lt.LinkWarning, match="more of them are expected to be wrong than right"):
        report = lt.cluster(alike(80), "name", threshold=0.1, reader=False).report()
    assert report["warning_codes"] == ["low_precision"]
    assert report["estimated_precision"] < 0.5 <= report["estimated_precision_interval"][1]
    assert lt.cluster(alike(80), "name", reader=False).report()["warning_codes"] == []


def test_links_that_are_probably_wrong() -> None:
    left, right = alike(80).iloc[:40], alike(80).iloc[40:].reset_index(drop=True)
    with pytest.warns(lt.LinkWarning, match="of the 3. links is 0.[34]"):
        links = lt.link(left, right, "name", threshold=0.05, **LEXICAL)
    assert links.report()["warning_codes"] == ["low_precision"]
    assert links.above(0.5).report()["warnings"] == []  # they are other links now
    bare = {"warnings": [], "warning_codes": [], "decision": "learned from labels"}
    learned = of_links(replace(links, details={**links.details, **bare}))
    assert learned.report()["warnings"] == []  # held-out pairs found its threshold
    every = lt.link(left, right, "name", threshold=None, **LEXICAL).report()
    assert every["precision"] < 0.5 and every["warnings"] == []  # the best match of every row was asked for


def test_too_few_pairs_to_estimate_from() -> None:
    table = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy", "ACME STEEL CORP"]})
    report = lt.cluster(table, "name").report()
    assert (report["warning_codes"], report["estimated_precision"]) == (["few_pairs"], None)
    assert "in one cluster: 1. With fewer than 11" in report["warnings"][0]
    exact = lt.cluster(pd.DataFrame({"name": ["Acme Steel", "Acme Steel", "Zeller"]}), "name").report()
    assert (exact["warning_codes"], exact["rows_of_equal_key"]) == ([], 1)  # equal keys need no estimate
    links = lt.link(table.iloc[:2], table.iloc[2:], "name", **LEXICAL).report()
    assert links["warning_codes"] == ["few_pairs"]


def test_the_estimate_is_the_mean_probability_within_clusters() -> None:
    draw = np.random.default_rng(0)
    firms = [" ".join(draw.choice(WORDS, 4, replace=False)) + f" {number}" for number in range(40)]
    table = pd.DataFrame({"name": [*firms, *(name.replace("a", "e", 1) + " co" for name in firms)]})
    found = lt.cluster(table, "name")
    report, n = found.report(), int((found.sizes * (found.sizes - 1) // 2).sum())
    assert report["pairs_within_clusters"] == n >= len(found.score) > 11
    assert report["estimated_precision"] == pytest.approx(found.score.sum() / n, abs=1e-3)


def test_scores_that_are_no_probabilities_give_no_estimate() -> None:
    from linktransformer.decision.fused import Fused
    from linktransformer.search.candidate_search import Candidates

    left, right = np.triu_indices(6, 1)
    score = np.full(15, 0.9, dtype=np.float32)
    fused = Fused(Candidates(left, right, {"lexical": score}, 6, 6), score)
    said = precision_of_clusters(np.zeros(6, dtype=np.int64), fused)
    assert said == {
        "estimated_precision": None,
        "estimated_precision_interval": None,
        "pairs_within_clusters": 15,
    }


def test_the_notebook_shows_warnings() -> None:
    table = pd.DataFrame({"name": ["<b>"] * 3 + different(1)})
    found = lt.cluster(table, "name")
    assert "2 of 4 rows" not in found._repr_html_()
    html = lt.cluster(pd.DataFrame({"name": ["<b>x"] * 3}), "name")._repr_html_()
    assert "2 of 3 rows (67%) are in a cluster with an earlier row" in html
    links = lt.link(table.iloc[:1], table.iloc[1:2], "name", **LEXICAL)
    assert "With fewer than 11" in links._repr_html_()


def test_a_deduplicator_warns_as_cluster_does() -> None:
    with pytest.warns(lt.LinkWarning, match="wrong than right"):
        known = lt.Deduplicator(threshold=0.1, on="name").fit(alike(80))
    assert known.report()["warning_codes"] == ["low_precision"]
