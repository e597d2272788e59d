"""Summaries in aligned lines."""

from __future__ import annotations

from linktransformer.cli.summary import of_clusters, of_links

REPORT = {
    "left": {"rows": 2616, "linked": 2215},
    "right": {"rows": 94, "linked": 93},
    "links": 2215,
    "rule": "the best expected F1",
    "threshold": 0.53,
    "precision": 0.97,
    "precision_interval": [0.95, 0.99],
}


def test_lines_of_links_are_aligned() -> None:
    assert of_links(REPORT, unlinked=False, threshold="auto").splitlines() == [
        "left   2,616 rows   2,215 linked   401 unlinked",
        "right     94 rows      93 linked     1 unlinked",
        "links  2,215        estimated precision 0.97 (0.95 to 0.99); the best expected F1, threshold 0.53",
        "next   --unlinked FILE writes the rows without a link, with the reason and the nearest row",
    ]


def test_the_hint_is_of_what_was_not_done() -> None:
    unsure = {**REPORT, "precision": 0.6}
    assert "--threshold precision=0.95" in of_links(unsure, unlinked=False, threshold="auto")
    assert "--threshold" not in of_links(unsure, unlinked=True, threshold=0.5).splitlines()[-1]
    none = {**REPORT, "precision": None, "precision_interval": None, "threshold": None}
    assert "precision not estimated" in of_links(none, unlinked=True, threshold=None)


def test_lines_of_clusters() -> None:
    report = {"rows": 5000, "clusters": 4800, "clusters_of_one": 4700, "largest": 9, "method": "average"}
    report |= {"threshold": 0.5, "estimated_precision": 0.9, "estimated_precision_interval": None}
    lines = of_clusters(report, 4800, mark=False).splitlines()
    assert lines[:3] == [
        "rows      5,000 read, 4,800 written, 200 left out",
        "clusters  4,800, 100 of several rows, the largest of 9",
        "rule      average, threshold 0.50; estimated precision 0.90",
    ]
    assert "none left out" in of_clusters(report, 5000, mark=True)
