"""Warnings before rows are dropped or links are used.

A warning says what happened, why it can be wrong and what to do. All warnings are in the report, in the
notebook and on the command line. Python warns of a large cluster, of a stand-in and of a low precision. That
most rows would be dropped is right for many tables, so Python warns of it only where they are, in
`dedup_rows`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Integers
from linktransformer.decision.model import sigmoid
from linktransformer.results.cluster_values import ClusterValues
from linktransformer.results.link_values import LinkValues
from linktransformer.results.report import Report
from linktransformer.results.stand_ins import StandIn, stand_ins

if TYPE_CHECKING:
    from linktransformer.decision.fused import Fused
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

MOST_ROWS = 0.5  # share of a table that is dropped
LARGE = 0.05  # share of a table in one cluster
# Where other clusters have many rows, a large one is to be expected: the probability that the largest of n
# clusters exceeds `_largest`.
RARE = 0.05
LOW = 0.5  # estimated precision below which more links or pairs are expected to be wrong than right
# With fewer pairs, half the width of the 90 % interval of a share is above a quarter:
# 1.645 * sqrt(.5 * .5 / 11) = .248. The estimates of links have the same interval.
FEWEST = 11
WIDTH = 1.645

MOST_ROWS_GO, LARGE_CLUSTER, STAND_IN = "most_rows_go", "large_cluster", "stand_in"
LOW_PRECISION, FEW_PAIRS, UNREADABLE = "low_precision", "few_pairs", "unreadable_pictures"

ClustersT = TypeVar("ClustersT", bound=ClusterValues)
LinksT = TypeVar("LinksT", bound=LinkValues)

LOUD = (LARGE_CLUSTER, STAND_IN, LOW_PRECISION, UNREADABLE)  # Python warns of these everywhere


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning: its code for programs, and its text."""

    code: str
    text: str


def precision_of_clusters(label: Integers, fused: Fused) -> dict[str, Any]:
    """Estimate the precision of the pairs within clusters, for the report.

    It is the mean match probability of the pairs of different keys in one cluster. A pair that was not
    compared counts as 0, as it does for the linkage. Pairs of equal keys are not counted.
    "estimated_precision" is None for too few pairs and where scores are not probabilities; its interval
    covers the precision with probability .9. `label` is the cluster of each node, (n_nodes,) int64.
    """
    pairs = fused.candidates
    inside = label[pairs.left] == label[pairs.right]
    size = np.bincount(label)
    n = int((size * (size - 1) // 2).sum())
    estimate, interval = None, None
    if fused.decided is not None and n >= FEWEST:
        log_odds, margin = fused.decided.log_odds[inside], WIDTH * fused.decided.uncertainty
        low, estimate, high = (
            round(float(sigmoid(log_odds + np.float32(shift)).sum(dtype=np.float64)) / n, 4)
            for shift in (-margin, 0.0, margin)
        )
        interval = [low, high]
    return {
        "estimated_precision": estimate,
        "estimated_precision_interval": interval,
        "pairs_within_clusters": n,
    }


@progress.stage("report")
def of_clusters(clusters: ClustersT, compared: Table, unreadable: Sequence[str] = ()) -> ClustersT:
    """The clusters with "warnings" and "warning_codes" in the report; `compared` is the table as compared.

    `unreadable` are warnings of pictures.
    """
    notices = [
        *(Notice(UNREADABLE, text) for text in unreadable),
        *_most_rows(clusters),
        *_large_cluster(clusters),
        *_stand_ins(compared, clusters.details["on"]),
        *_cluster_precision(clusters.details),
    ]
    return replace(clusters, details=_listed(clusters.details, notices))


@progress.stage("report")
def of_links(
    links: LinksT,
    compared: tuple[Table, Table] | None = None,
    *,
    every_row: bool = False,
    unreadable: Sequence[str] = (),
) -> LinksT:
    """The links with "warnings" and "warning_codes" in the report.

    `compared` are the tables as they were compared; None where their rows are not in memory. `every_row` says
    that the best match of every row was requested, however bad: no warning of a low precision.
    `unreadable` are warnings of pictures.
    """
    details = links.details
    notices = [*(Notice(UNREADABLE, text) for text in unreadable), *_link_precision(links, every_row)]
    if compared is not None:
        for table, side in zip(compared, ("left_on", "right_on"), strict=True):
            notices += _stand_ins(table, details[side])
    return replace(links, details=_listed(details, notices))


def warn(details: Mapping[str, Any], codes: Sequence[str] = LOUD) -> None:
    """Emit the warnings of a report that have one of the codes."""
    for code, text in zip(details["warning_codes"], details["warnings"], strict=True):
        if code in codes:
            progress.warn(text)


def without_precision(details: Mapping[str, Any]) -> dict[str, Any]:
    """A report without precision and its warnings, for a subset of the links."""
    codes, texts = details.get("warning_codes", ()), details.get("warnings", ())
    other = [pair for pair in zip(codes, texts, strict=True) if pair[0] not in (LOW_PRECISION, FEW_PAIRS)]
    warnings = {"warnings": [text for _, text in other], "warning_codes": [code for code, _ in other]}
    return {**details, **(warnings if "warnings" in details else {}), "precision": None}


def _listed(details: Mapping[str, Any], notices: Sequence[Notice]) -> Mapping[str, Any]:
    """A report with notices behind those that it has."""
    for notice in notices:
        logger.info("%s: %s", notice.code, notice.text)
    entries: dict[str, Any] = {
        "warnings": [*details.get("warnings", ()), *(notice.text for notice in notices)],
        "warning_codes": [*details.get("warning_codes", ()), *(notice.code for notice in notices)],
    }
    return replace(details, **entries) if isinstance(details, Report) else {**details, **entries}


def _most_rows(clusters: ClusterValues) -> list[Notice]:
    rows, n_clusters = clusters.table.n_rows, len(clusters)
    dropped = rows - n_clusters
    if dropped <= MOST_ROWS * rows:
        return []
    n_equal = int(clusters.details["rows_of_equal_key"])
    of_equal_key = f"; {n_equal:,} have exactly the key of an earlier row" if n_equal else ""
    return [
        Notice(
            MOST_ROWS_GO,
            f"{dropped:,} of {rows:,} rows ({dropped / rows:.0%}) are in a cluster with an earlier row, and "
            f"dedup_rows keeps {n_clusters:,}{of_equal_key}. That is right where each thing has "
            f"{rows / n_clusters:.1f} rows on average, and wrong where the key columns do not distinguish "
            "things. Look at the largest clusters and at those with the lowest mean probability, which "
            "`linktransformer dedup --dry-run` prints. If they are wrong, name more key columns by on=, or "
            "give a higher threshold=.",
        )
    ]


def _large_cluster(clusters: ClusterValues) -> list[Notice]:
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
    """Rows that the largest cluster exceeds with probability RARE, if it is like the other ones.

    Sizes are geometric: after each row there is one more with the same probability. It is estimated from the
    other clusters by the rule of succession, so that it is one half without any.
    """
    more = (int(others.sum()) - len(others) + 1) / (int(others.sum()) + 2)
    return float(1 + np.log((len(others) + 1) / RARE) / -np.log(more))


def _stand_ins(table: Table, on: Sequence[str]) -> list[Notice]:
    by_column: dict[str, list[StandIn]] = {}
    for value in stand_ins(table, on):
        by_column.setdefault(value.column, []).append(value)
    of_table = "" if table.name == "table" else f" of {table.called}"
    return [
        Notice(
            STAND_IN,
            f"Key column {name!r}{of_table} has {_counts(values)} of {table.n_rows:,} rows; the most "
            f"frequent other value is in {values[0].usual:,}. A value so frequent often stands for a missing "
            "one, and rows that share it then seem to agree. If it does, give "
            f"null_values={ {name: [value.value for value in values]} }.",
        )
        for name, values in by_column.items()
    ]


def _counts(values: Sequence[StandIn]) -> str:
    return ", ".join(f"{value.value!r} in {value.count:,}" for value in values)


def _cluster_precision(details: Mapping[str, Any]) -> list[Notice]:
    n, estimate = int(details["pairs_within_clusters"]), details["estimated_precision"]
    if estimate is not None:
        return _low(f"{n:,} pairs of rows within clusters", estimate, details["estimated_precision_interval"])
    return _few("Pairs of rows with different keys in one cluster", n) if 0 < n < FEWEST else []


def _link_precision(links: LinkValues, every_row: bool) -> list[Notice]:
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


def _low(pairs: str, estimate: float, interval: Sequence[float]) -> list[Notice]:
    if estimate >= LOW:
        return []
    return [
        Notice(
            LOW_PRECISION,
            f"The estimated precision of the {pairs} is {estimate:.2f} (interval {interval[0]:.2f} to "
            f"{interval[1]:.2f}): more of them are expected to be wrong than right. The estimate comes from "
            "the match probabilities, and can be off where the tables are unlike those that the decision was "
            "learned from. Look at those with the lowest score, give a higher threshold=, or name more key "
            "columns.",
        )
    ]


def _few(pairs: str, n: int) -> list[Notice]:
    return [
        Notice(
            FEW_PAIRS,
            f"{pairs}: {n}. With fewer than {FEWEST} the precision cannot be estimated. Look at all.",
        )
    ]
