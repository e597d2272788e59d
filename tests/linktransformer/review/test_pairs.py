"""The pairs that can be asked, which come next, and clusters as pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError
from linktransformer.review.cluster_answers import between, cluster_list, inside
from linktransformer.review.pairs import Pairs, pairs_of
from linktransformer.tables import frames
from tests.conftest import make

LEFT = ["Acme Steel Corp.", "Baxter Dairy", "Acme Steel Corp.", "Quincy Glass", None]
RIGHT = ["ACME STEEL CORPORATION", "Baxter Dairies", "Quincy Glas", "Quincy Glass Works"]


def link(library: str = "pandas", **options: object) -> lt.Links:
    given = {"model": "lexical", **options}
    return lt.link(make(library, {"name": LEFT}), make(library, {"name": RIGHT}), on="name", **given)


def test_each_pair_of_records_is_asked_once(library: str) -> None:
    links = link(library)
    pairs = pairs_of(links)
    keys = [(LEFT[a].casefold(), b) for a, b in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)]
    assert len(set(keys)) == len(keys) == len(pairs)
    rows = zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True)
    linked = dict(zip(rows, links.score.tolist(), strict=True))
    for pair in np.flatnonzero(pairs.linked).tolist():
        assert linked[int(pairs.left[pair]), int(pairs.right[pair])] == pairs.probability[pair]
    evidence = links.evidence
    for pair in range(len(pairs)):  # the plain reference: the explanation of the pair
        lines = pairs.explained(pair)
        bits = np.nansum(lines["contribution"])
        assert abs(1 / (1 + 2**-bits) - pairs.probability[pair]) < 1e-3
    assert evidence is not None and len(pairs) == len(evidence.at)
    ends = [of.node_of_row[rows] for of, rows in zip(evidence.nodes, (pairs.left, pairs.right), strict=True)]
    assert pairs.position.tolist() == evidence.find(*ends).tolist()  # the plain reference


def test_numbers_of_pairs_are_found_by_labels() -> None:
    pairs = pairs_of(link())
    names = [pairs.names(pair) for pair in range(len(pairs))]
    assert pairs.of_labels(names).tolist() == list(range(len(pairs)))
    assert pairs.of_labels([("4", "0"), ("x", "0"), ("0", "99")]).tolist() == [-1, -1, -1]
    assert pairs.of_labels([]).tolist() == []


def test_links_by_similarity_alone_can_be_asked() -> None:
    class Letters:
        def encode(self, texts: list[str], **_: object) -> np.ndarray:
            counts = np.array([[text.lower().count(letter) for letter in "abcdefghijklm"] for text in texts])
            return (counts / np.maximum(1e-9, np.linalg.norm(counts, axis=1, keepdims=True))).astype(
                "float32"
            )

    pairs = pairs_of(link(model=Letters()))
    assert len(pairs) >= 3 and pairs.explained(0)["item"][0] == "pair"


def made(probability: np.ndarray) -> Pairs:
    n = len(probability)
    table = lt.link(pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": ["x"]}), on="a", model="lexical").left
    names = tuple(map(str, range(n)))
    rows = np.arange(n)
    linked, nowhere = probability > 0.5, np.full(n, -1)
    values = rows, rows, probability, linked, (names, names), None, None, {}, nowhere
    return Pairs((table, table), (["a"], ["a"]), *values)


CLUSTERED = [
    "Acme Steel Corp.", "ACME STEEL CORPORATION", "Acme Steel Corp", "Baxter Dairy", "Baxter Dairies",
    "Quincy Glass", "Quincy Glass Works", "Zeller Motors", "acme steel corp.",
]  # fmt: skip


def test_clusters_become_pairs() -> None:
    clusters = lt.cluster(pd.DataFrame({"name": CLUSTERED}), on="name", model="lexical", threshold=0.05)
    pairs = pairs_of(clusters)
    assert (pairs.left < pairs.right).all()
    rows = np.flatnonzero(clusters.label == clusters.label[0])
    assert {0, 8} <= set(rows.tolist())
    all_inside = inside(pairs, rows)
    assert (all_inside[0] < all_inside[1]).all() and set(all_inside.ravel().tolist()) == set(rows.tolist())
    split = between(pairs, rows[:1], rows[1:])
    assert set(split[0].tolist()) == {int(rows[0])} and len(split[0]) >= 1
    apart = between(pairs, np.array([7]), np.array([3, 4]))
    assert 7 in apart.ravel() and len(set(map(tuple, apart.T.tolist()))) == apart.shape[1]
    listed = cluster_list(clusters)
    assert (listed.size > 1).all() and (np.diff(listed.weakest) >= 0).all()


def test_rows_without_candidates_are_in_the_answers_too() -> None:
    table = frames.wrap(pd.DataFrame({"a": list("abcdef")}), "table")
    labels = tuple("012345")
    rows, known = np.array([[0], [1]]), np.array([True])
    probability = np.array([0.5], dtype="float32")
    values = *rows, probability, known, (labels, labels), None, None, {}, np.array([-1])
    pairs = Pairs((table, table), (["a"], ["a"]), *values)
    assert inside(pairs, np.array([0, 1, 4, 5])).T.tolist() == [[0, 1], [1, 4], [4, 5]]
    assert between(pairs, np.array([4, 1]), np.array([0, 2])).T.tolist() == [[0, 1], [0, 4]]
    assert between(pairs, np.array([0]), np.array([1, 2])).T.tolist() == [[0, 1]]


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="given a list"):
        pairs_of([])
    left = pd.DataFrame({"name": LEFT[:2]}, index=["x", "x"])
    links = lt.link(left, pd.DataFrame({"name": RIGHT}), on="name", model="lexical")
    with pytest.raises(InvalidArgumentError, match="repeat"):
        pairs_of(links)
