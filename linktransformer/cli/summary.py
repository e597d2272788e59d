"""What a command has done, in aligned lines for standard error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["of_clusters", "of_links"]

SURE = 0.9  # estimated precision below which the hint is how to get fewer and surer links


def of_links(report: Mapping[str, Any], *, unlinked: bool, threshold: object) -> str:
    """Rows linked on both sides, links with their rule and estimated precision, and what to do next.

    `unlinked` is whether the unlinked rows are written, `threshold` what was given.
    """
    rows = []
    for side in ("left", "right"):
        n, linked = report[side]["rows"], report[side]["linked"]
        rows.append((side, f"{n:,}", f"{linked:,}", f"{n - linked:,}"))
    wide = [max(len(row[column]) for row in rows) for column in (1, 2, 3)]
    lines = [
        f"{side:<7}{n:>{wide[0]}} rows   {linked:>{wide[1]}} linked   {rest:>{wide[2]}} unlinked"
        for side, n, linked, rest in rows
    ]
    precision = _precision(report, "precision", "links")
    rule = f"{report['rule']}{_threshold(report)}"
    lines.append(f"{'links':<7}{report['links']:>{wide[0]},}        {precision}; {rule}")
    return "\n".join([*lines, f"next   {_next_of_links(report, unlinked, threshold)}"])


def of_clusters(report: Mapping[str, Any], written: int, *, mark: bool) -> str:
    """Rows read and written, clusters with their rule and estimated precision, and what to do next."""
    rows, clusters = report["rows"], report["clusters"]
    several = clusters - report["clusters_of_one"]
    precision = _precision(report, "estimated_precision", "pairs")
    left_out = f"{rows - written:,} left out" if rows != written else "none left out"
    return "\n".join(
        [
            f"rows      {rows:,} read, {written:,} written, {left_out}",
            f"clusters  {clusters:,}, {several:,} of several rows, the largest of {report['largest']:,}",
            f"rule      {report['method']}{_threshold(report)}; {precision}",
            "next      "
            + (
                "compare the rows that have kept = False with the one of their cluster that is kept"
                if mark
                else "--dry-run shows the largest and the least certain clusters, --mark keeps all rows"
            ),
        ]
    )


def _threshold(report: Mapping[str, Any]) -> str:
    value = report.get("threshold")
    return f", threshold {value:.2f}" if isinstance(value, float) else ""


def _precision(report: Mapping[str, Any], key: str, what: str) -> str:
    """The estimated precision with its interval, or that there is none."""
    from linktransformer.results.report_warnings import FEW_PAIRS

    value, interval = report.get(key), report.get(f"{key}_interval")
    if FEW_PAIRS in report.get("warning_codes", ()):
        return f"too few {what} to estimate the precision"
    if value is None:
        return "precision not estimated"
    between = f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    return f"estimated precision {value:.2f}{between}"


def _next_of_links(report: Mapping[str, Any], unlinked: bool, threshold: object) -> str:
    precision = report.get("precision")
    if threshold == "auto" and precision is not None and precision < SURE and report["links"]:
        return "--threshold precision=0.95 gives fewer and surer links"
    if not unlinked:
        return "--unlinked FILE writes the rows without a link, with the reason and the nearest row"
    return "look at the links with the lowest score"
