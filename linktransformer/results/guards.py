"""What a caller should know before rows are dropped or links are used: warnings with numbers.

A warning says what happened, why it can be wrong and what to do. All are in the report, in the notebook and
on the command line. Python warns of a large cluster, of a stand-in and of a low precision; that most rows
would go is right for many tables, so that Python warns of it where they do go, in `dedup_rows`.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Integers
from linktransformer.decision.model import sigmoid
from linktransformer.errors import LinkWarning
from linktransformer.results.report import Report
from linktransformer.results.stand_ins import StandIn, stand_ins

if TYPE_CHECKING:
    from linktransformer.decision.fused import Fused
    from linktransformer.results.clusters import Clusters
    from linktransformer.results.links import Links
    from linktransformer.tables.frames import Table

__all__ = [
    "FEW_PAIRS",
    "MOST_ROWS_GO",
    "Notice",
    "of_clusters",
    "of_links",
    "precision_of_clusters",
    "warn",
    "without_precision",
]

logger = logging.getLogger(__name__)

MOST_ROWS = 0.5  # of a table: more would go
LARGE = 0.05  # of a table: more is in one cluster
# Where the other clusters have many rows each, a large one is to be expected. With the same chance of one
# more row after each row, the largest of n clusters is beyond `_largest` in one of twenty tables.
RARE = 0.05
LOW = 0.5  # estimated precision: below, links or pairs are expected to be wrong more often than right
# With fewer pairs, the share of right ones is off by more than a quarter by chance alone, nine times in ten:
# 1.645 * sqrt(.5 * .5 / 11) = .248. The interval of nine in ten is that of the estimates of links.
FEWEST = 11
WIDTH = 1.645

MOST_ROWS_GO, LARGE_CLUSTER, STAND_IN = "most_rows_go", "large_cluster", "stand_in"
LOW_PRECISION, FEW_PAIRS = "low_precision", "few_pairs"

LOUD = (LARGE_CLUSTER, STAND_IN, LOW_PRECISION)  # of which Python warns wherever they come up
PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a caller should know.

    Args:
        code: What it is, for programs.
        text: What happened, why it can be wrong, what to do.
    """

    code: str
    text: str


def precision_of_clusters(label: Integers, fused: Fused) -> dict[str, Any]:
    """Estimate which share of the pairs within clusters is right.

    It is the mean match probability of the pairs of different keys in one cluster. A pair that was not
    compared, because neither is among the neighbours of the other one, counts as 0, as it does for the
    linkage. Pairs of equal keys are not counted.

    Args:
        label: The cluster of each node, (n_nodes,) int64.
        fused: Pairs of nodes with their probabilities.

    Returns:
        For the report: "estimated_precision", None where there are too few pairs or the scores are no
        probabilities; its "estimated_precision_interval", meant to hold nine times in ten; and
        "pairs_within_clusters".
    """
    found = fused.candidates
    inside = label[found.left] == label[found.right]
    size = np.bincount(label)
    n = int((size * (size - 1) // 2).sum())
    estimate, interval = None, None
    if fused.decided is not None and n >= FEWEST:
        log_odds, off = fused.decided.log_odds[inside], WIDTH * fused.decided.uncertainty
        low, estimate, high = (
            round(float(sigmoid(log_odds + np.float32(by)).sum(dtype=np.float64)) / n, 4)
            for by in (-off, 0.0, off)
        )
        interval = [low, high]
    return {
        "estimated_precision": estimate,
        "estimated_precision_interval": interval,
        "pairs_within_clusters": n,
    }


@progress.stage("report")
def of_clusters(clusters: Clusters, compared: Table) -> Clusters:
    """Put into the report of clusters what a caller should know before rows are dropped.

    Args:
        clusters: The clusters.
        compared: The table as it was compared.

    Returns:
        The same clusters; the report has "warnings", the texts, and "warning_codes", one for each.
    """
    found = [
        *_most_rows(clusters),
        *_large_cluster(clusters),
        *_stand_ins(compared, clusters.details["on"]),
        *_cluster_precision(clusters.details),
    ]
    return replace(clusters, details=_listed(clusters.details, found))


@progress.stage("report")
def of_links(links: Links, compared: tuple[Table, Table] | None = None, *, every_row: bool = False) -> Links:
    """Put into the report of links what a caller should know before they are used.

    Args:
        links: The links.
        compared: The tables as they were compared; None where their rows are not in memory.
        every_row: The best match of every row was asked for, however bad: a low precision is no surprise.

    Returns:
        The same links; the report has "warnings", the texts, and "warning_codes", one for each.
    """
    details, found = links.details, _link_precision(links, every_row)
    if compared is not None:
        for table, side in zip(compared, ("left_on", "right_on"), strict=True):
            found += _stand_ins(table, details[side])
    return replace(links, details=_listed(details, found))


def warn(details: Mapping[str, Any], codes: Sequence[str] = LOUD) -> None:
    """Warn in Python of what is in a report.

    Args:
        details: Of clusters or links, from `of_clusters` or `of_links`.
        codes: Of which notices.
    """
    progress.clear()
    for code, text in zip(details["warning_codes"], details["warnings"], strict=True):
        if code in codes:
            warnings.warn(text, LinkWarning, stacklevel=_stack_level())


def without_precision(details: Mapping[str, Any]) -> dict[str, Any]:
    """A report without what it says of the precision, for links that have become fewer.

    Args:
        details: Of links.

    Returns:
        A new report.
    """
    codes, texts = details.get("warning_codes", ()), details.get("warnings", ())
    kept = [pair for pair in zip(codes, texts, strict=True) if pair[0] not in (LOW_PRECISION, FEW_PAIRS)]
    found = {"warnings": [text for _, text in kept], "warning_codes": [code for code, _ in kept]}
    return {**details, **(found if "warnings" in details else {}), "precision": None}


def _listed(details: Mapping[str, Any], notices: Sequence[Notice]) -> Mapping[str, Any]:
    """A report with notices behind those that it has."""
    for notice in notices:
        logger.info("%s: %s", notice.code, notice.text)
    entries: dict[str, Any] = {
        "warnings": [*details.get("warnings", ()), *(notice.text for notice in notices)],
        "warning_codes": [*details.get("warning_codes", ()), *(notice.code for notice in notices)],
    }
    return replace(details, **entries) if isinstance(details, Report) else {**details, **entries}


def _most_rows(clusters: Clusters) -> list[Notice]:
    rows, kept = clusters.table.n_rows, len(clusters)
    gone = rows - kept
    if gone <= MOST_ROWS * rows:
        return []
    equal = int(clusters.details["rows_of_equal_key"])
    exactly = f"; {equal:,} have exactly the key of an earlier row" if equal else ""
    return [
        Notice(
            MOST_ROWS_GO,
            f"{gone:,} of {rows:,} rows ({gone / rows:.0%}) are in a cluster with an earlier row, and "
            f"dedup_rows keeps {kept:,}{exactly}. That is right where each thing has {rows / kept:.1f} rows "
            "on average, and wrong where the key columns do not tell things apart. Look at the largest "
            "clusters and at those with the lowest mean probability, which `linktransformer dedup --dry-run` "
            "prints. If they are wrong, name more key columns by on=, or give a higher threshold=.",
        )
    ]


def _large_cluster(clusters: Clusters) -> list[Notice]:
    rows, sizes = clusters.table.n_rows, clusters.sizes
    if len(sizes) == 0:
        return []
    largest = int(sizes.argmax())
    size, others = int(sizes[largest]), np.delete(sizes, largest)
    if size <= LARGE * rows or size <= _largest(others):
        return []
    after = f", the next largest {others.max():,}" if len(others) else ""
    return [
        Notice(
            LARGE_CLUSTER,
            f"Cluster {largest} has {size:,} of {rows:,} rows ({size / rows:.0%}){after}. Clusters so large "
            "are often held together by a value that many rows share, or by a chain of rows. Look at its "
            f"rows by members({largest}) and explain({largest}) of lt.cluster(...). If it is wrong, give "
            "values that stand for a missing one by null_values=, name more key columns by on=, or give a "
            "higher threshold=.",
        )
    ]


def _largest(others: Integers) -> float:
    """Rows that the largest cluster hardly exceeds, if it is like the other ones.

    Sizes are geometric: after each row there is one more with the same chance. The chance is estimated from
    the other clusters by the rule of succession, so that it is one half where there is none.
    """
    more = (int(others.sum()) - len(others) + 1) / (int(others.sum()) + 2)
    return float(1 + np.log((len(others) + 1) / RARE) / -np.log(more))


def _stand_ins(table: Table, on: Sequence[str]) -> list[Notice]:
    by_column: dict[str, list[StandIn]] = {}
    for one in stand_ins(table, on):
        by_column.setdefault(one.column, []).append(one)
    of = "" if table.name == "table" else f" of {table.called}"
    return [
        Notice(
            STAND_IN,
            f"Key column {name!r}{of} has {_counts(some)} of {table.n_rows:,} rows; the most frequent other "
            f"value is in {some[0].usual:,}. A value so frequent often stands for a missing one, and rows "
            "that share it are then taken to agree where nothing is known of them. If it does, give "
            f"null_values={ {name: [one.value for one in some]} }.",
        )
        for name, some in by_column.items()
    ]


def _counts(some: Sequence[StandIn]) -> str:
    return ", ".join(f"{one.value!r} in {one.count:,}" for one in some)


def _cluster_precision(details: Mapping[str, Any]) -> list[Notice]:
    n, estimate = int(details["pairs_within_clusters"]), details["estimated_precision"]
    if estimate is not None:
        return _low(f"{n:,} pairs of rows within clusters", estimate, details["estimated_precision_interval"])
    return _few("Pairs of rows with different keys in one cluster", n) if 0 < n < FEWEST else []


def _link_precision(links: Links, every_row: bool) -> list[Notice]:
    estimate = links.details["precision"]
    if estimate is None:
        return []
    if len(links) < FEWEST:
        return _few("Links", len(links))
    # a threshold that was learned with the decision was found by held-out pairs, not by these probabilities
    learned = links.details.get("decision") == "learned from labels"
    return (
        []
        if every_row or learned
        else _low(f"{len(links):,} links", estimate, links.details["precision_interval"])
    )


def _low(what: str, estimate: float, interval: Sequence[float]) -> list[Notice]:
    if estimate >= LOW:
        return []
    return [
        Notice(
            LOW_PRECISION,
            f"The estimated precision of the {what} is {estimate:.2f} (interval {interval[0]:.2f} to "
            f"{interval[1]:.2f}): more of them are expected to be wrong than right. The estimate comes from "
            "the match probabilities, and can be off where the tables are unlike those that the decision was "
            "learned from. Look at those with the lowest score, give a higher threshold=, or name more key "
            "columns.",
        )
    ]


def _few(what: str, n: int) -> list[Notice]:
    return [
        Notice(
            FEW_PAIRS,
            f"{what}: {n}. With fewer than {FEWEST} the precision cannot be estimated. Look at all.",
        )
    ]


def _stack_level() -> int:
    """How far up the first caller outside this package is, for `warnings.warn` in the function that asks."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).split(".")[0] == PACKAGE:
        level, frame = level + 1, frame.f_back
    return level
