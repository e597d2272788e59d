"""Clusters as one HTML file to hand on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.charts import page
from linktransformer.results import notebook, page_parts
from linktransformer.results.cluster_charts import cluster_chart, nearest_apart
from linktransformer.results.page_parts import Side

if TYPE_CHECKING:
    from linktransformer.results.cluster_values import ClusterValues

__all__ = ["cluster_page"]

LARGEST = 5  # clusters of which rows are shown
MOST_COLUMNS = 20  # of which match weights are drawn


def cluster_page(clusters: ClusterValues, title: str) -> str:
    """The page."""
    side = Side(clusters.table, list(clusters.details["on"]), clusters.pictures)
    kinds = _kinds(clusters)
    drawn = page_parts.charts([partial(cluster_chart, clusters, kind, None, None) for kind in kinds])
    charts = page.section("Charts", drawn or [page.paragraph(page.NO_CHARTS), _histogram(clusters)])
    fixed = [_summary(clusters)]
    fixed += [page.paragraph(text, is_warning=True) for text in clusters.details.get("warnings", ())]
    if len(side.on) > page_parts.COLUMNS:
        fixed.append(
            page.paragraph(
                f"Cells of the first {page_parts.COLUMNS} of {len(side.on)} key columns are shown."
            )
        )
    tail = page.section("Options and versions", page_parts.options(clusters.details))

    def make(shown: int) -> str:
        cells = [
            _bands(clusters, side, shown),
            _largest(clusters, side, shown),
            _apart(clusters, side, shown),
        ]
        return page.page(title, [*fixed, charts, *cells, tail])

    return page_parts.fitting(make)


def _summary(clusters: ClusterValues) -> str:
    details, sizes = clusters.details, clusters.sizes
    precision, interval = details.get("estimated_precision"), details.get("estimated_precision_interval")
    numbers = [
        ("rows", f"{clusters.table.n_rows:,}"),
        ("clusters", f"{len(clusters):,}"),
        ("of several rows", f"{int((sizes > 1).sum()):,}"),
        ("rows of the largest", f"{int(sizes.max(initial=0)):,}"),
    ]
    words = "The precision cannot be estimated: there are too few pairs, or scores are similarities."
    if precision is not None:
        numbers.append(("estimated precision", f"{precision:.3f}"))
        between = f" (90 % interval {interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
        words = f"Estimated precision of the pairs within clusters: {precision:.3f}{between}."
    without = details.get("rows_without_key", 0)
    return (
        page.summary(numbers)
        + page.paragraph(
            f"Clustered on {', '.join(details['on'])}, method {details['method']}, "
            f"from {details['threshold']:.3f} on. {without:,} rows have no key and are clusters of their own."
        )
        + page.paragraph(words)
    )


def _kinds(clusters: ClusterValues) -> list[str]:
    """The charts that these clusters have."""
    kinds = ["sizes"]
    if len(clusters.score):
        kinds += ["probability", "loosest", "largest"]
    if 0 < len(clusters.details.get("match_weights") or {}) <= MOST_COLUMNS:
        kinds.append("weights")
    return kinds


def _histogram(clusters: ClusterValues) -> str:
    apart = nearest_apart(clusters.next_cluster)
    series = [
        ("pairs within clusters", notebook.IN, clusters.score),
        ("a cluster and the next one, on average", notebook.OUT, clusters.next_score[apart]),
    ]
    return notebook.histogram(series, clusters.details["threshold"])


def _bands(clusters: ClusterValues, side: Side, shown: int) -> str:
    """Compared pairs within clusters, by probability."""
    tables = []
    for band, positions in page_parts.bands(clusters.score):
        some = positions[page_parts.spread(len(positions), shown)]
        left, right = clusters.left_rows[some], clusters.right_rows[some]
        remarks = [str(number) for number in clusters.label[left].tolist()]
        pairs = page_parts.pair_rows(side, side, (left, right), clusters.score[some], remarks)
        all_of = "all" if len(some) == len(positions) else f"{len(some)}, evenly spaced by probability, of"
        caption = f"Probability {band}: {all_of} {len(positions):,} compared pairs within clusters"
        names = side.on[: page_parts.COLUMNS]
        tables.append(page.pair_table(names, ("first", "second"), pairs, caption, "cluster"))
    return page.section("Pairs within clusters by probability", tables)


def _largest(clusters: ClusterValues, side: Side, shown: int) -> str:
    """Rows of the largest clusters."""
    sizes, tables = clusters.sizes, []
    order = np.argsort(-sizes, kind="stable")[:LARGEST]
    for number in order[sizes[order] > 1].tolist():
        members = np.flatnonzero(clusters.label == number)
        rows = members[:shown]
        cells = [[str(text) or None for text in column] for column in side.cells(rows)]
        all_of = "all" if len(rows) == len(members) else f"the first {len(rows)} of"
        caption = f"Cluster {number}: {all_of} {len(members):,} rows"
        lines = list(zip(side.labels(rows), *cells, strict=True))
        tables.append(page.plain_table(("row", *side.on[: page_parts.COLUMNS]), lines, caption))
    return page.section("The largest clusters", tables)


def _apart(clusters: ClusterValues, side: Side, shown: int) -> str:
    """The nearest clusters that were kept apart, by their first rows."""
    apart = nearest_apart(clusters.next_cluster)
    apart = apart[np.argsort(-clusters.next_score[apart], kind="stable")]
    some, first = apart[:shown], np.unique(clusters.label, return_index=True)[1]
    rows = first[some], first[clusters.next_cluster[some]]
    pairs = page_parts.pair_rows(side, side, rows, clusters.next_score[some])
    caption = f"The nearest {len(some)} of {len(apart):,}: the first row of each, and their mean probability"
    names = side.on[: page_parts.COLUMNS]
    return page.section(
        "Clusters that were kept apart", [page.pair_table(names, ("first", "second"), pairs, caption)]
    )
