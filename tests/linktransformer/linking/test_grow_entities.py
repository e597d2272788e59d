"""Records that are one entity are no rivals of each other: many spellings of one firm."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.results.clusters import Clusters

pytestmark = pytest.mark.filterwarnings("ignore:Cluster 0 has")  # most rows are one firm here

OTHERS = [
    f"{first} {second} {kind}"
    for first, (second, kind) in zip(
        (
            "Ashdown",
            "Bramley",
            "Corbett",
            "Denham",
            "Elstree",
            "Farnell",
            "Gorse",
            "Hexham",
            "Ilkley",
            "Jarrow",
        ),
        itertools.product(("Paper", "Glass", "Brick", "Wool", "Coal"), ("Mills", "Co")),
        strict=True,
    )
]


def spellings(n: int) -> list[str]:
    """Spellings of one firm, all different."""
    parts = (("Kestrel", "KESTREL", "Kestrell"), (" Marine", " Marin"), (" Works", ""), (" Ltd", " Limited"))
    return ["".join(of) for of in itertools.product(*parts)][:n]


def table_of(n: int = 24) -> pd.DataFrame:
    """The spellings among other firms."""
    return pd.DataFrame({"name": spellings(n) + OTHERS})


@pytest.fixture(scope="module")
def clusters() -> Clusters:
    """Of all spellings."""
    return lt.cluster(table_of(), on="name", progress=False)


def test_many_spellings_are_one_cluster_and_others_stay_apart(clusters: Clusters) -> None:
    of_spellings, of_others = clusters.label[:24], clusters.label[24:]
    assert len(set(of_spellings.tolist())) <= 2
    assert len(set(of_others.tolist())) == len(OTHERS)
    assert not set(of_spellings.tolist()) & set(of_others.tolist())
    read = clusters.report()["read"]
    assert read["groups_joined"] >= 5 and read["pairs_read_for_groups"] > 0


def test_without_the_reader_no_group_grows() -> None:
    without = lt.cluster(table_of(), on="name", reader=False, progress=False)
    assert "read" not in without.report()
    assert len(set(without.label[:24].tolist())) > 2


def test_the_order_of_rows_makes_no_difference(clusters: Clusters) -> None:
    order = np.random.default_rng(4).permutation(len(table_of()))
    moved = lt.cluster(table_of().iloc[order], on="name", progress=False)
    groups = [frozenset(np.flatnonzero(clusters.label == label).tolist()) for label in set(clusters.label)]
    again = [frozenset(order[moved.label == label].tolist()) for label in set(moved.label)]
    assert set(groups) == set(again)


def test_the_parts_of_an_explanation_add_up_within_a_group(clusters: Clusters) -> None:
    """With features and ranks among rivals outside of the group, as the pair was judged."""
    evidence = clusters.evidence
    assert evidence is not None and evidence.entity is not None
    inside = np.flatnonzero(evidence.entity[evidence.left] == evidence.entity[evidence.right])
    at = inside[:: max(1, len(inside) // 20)]
    bits = evidence.explain(at).total
    limited = np.clip(evidence.log_odds[at].astype(np.float64), -10, 10) / np.log(2)
    assert bits == pytest.approx(limited, abs=1e-3)
    names, values, _ = evidence.features()
    own = evidence.decision.pair.predict(values, names)
    alone = lt.cluster(table_of(), on="name", reader=False, progress=False).evidence
    assert alone is not None
    names, values, _ = alone.features()
    assert (own[inside] > alone.decision.pair.predict(values, names)[inside]).mean() > 0.9
