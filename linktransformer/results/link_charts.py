"""The charts of links: their values, given to the charts that draw them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from linktransformer.arrays import Bools, Column, Integers
from linktransformer.charts import agreement, bars, probabilities
from linktransformer.charts.chart import Chart
from linktransformer.charts.probabilities import Scored
from linktransformer.errors import InvalidArgumentError
from linktransformer.results import link_explanation
from linktransformer.results.link_values import REASONS
from linktransformer.results.pair_explanation import check_number
from linktransformer.tables.pair_labels import Ids, read_labels
from linktransformer.tables.row_labels import Label

if TYPE_CHECKING:
    from linktransformer.results.link_values import LinkValues

__all__ = ["KINDS", "Asked", "best_unlinked", "estimates_text", "link_chart", "parts_of", "weights_known"]

KINDS = ("probability", "weights", "pair", "views", "unlinked", "reliability")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a chart is of: a pair, by position or labels, or the truth with its columns.

    `has_rows` is false for links of files, whose cells are not in memory.
    """

    link: int | None = None
    left: Label = None
    right: Label = None
    truth: object = None
    has_rows: bool = True
    ids: Ids = Ids()  # noqa: RUF009 - frozen


def link_chart(links: LinkValues, kind: str, asked: Asked) -> Chart:
    """One of `KINDS`; `Links.chart` has what they show.

    Raises:
        InvalidArgumentError: Another kind, or what it is of is missing.
    """
    charts: Mapping[str, Callable[[LinkValues, Asked], Chart]] = {
        "probability": _probability,
        "weights": _weights,
        "pair": _pair,
        "views": _views,
        "unlinked": _unlinked,
        "reliability": _reliability,
    }
    if kind not in charts:
        raise InvalidArgumentError(f"kind={kind!r} is not one of {', '.join(map(repr, KINDS))}.")
    return charts[kind](links, asked)


def best_unlinked(links: LinkValues) -> Integers:
    """The left rows without a link that have a candidate, (n,) int64."""
    return np.flatnonzero((links.left_reason > 0) & (links.left_nearest.row >= 0))


def are_probabilities(links: LinkValues) -> bool:
    """Whether the scores are match probabilities; only those have an estimated recall in the report."""
    return "recall" in links.details


def estimates_text(details: Mapping[str, object]) -> str:
    """Estimated precision and recall with their intervals, as a sentence; "" where there are none."""
    parts = []
    for name in ("precision", "recall"):
        value, interval = details.get(name), details.get(f"{name}_interval")
        if isinstance(value, float):
            low_high = tuple(cast("tuple[float, float]", interval)) if interval else None
            between = f" ({low_high[0]:.3f} to {low_high[1]:.3f})" if low_high else ""
            parts.append(f"{name} {value:.3f}{between}")
    return f"Estimated {', '.join(parts)}, with 90 % intervals." if parts else ""


def _probability(links: LinkValues, asked: Asked) -> Chart:
    threshold = links.details.get("threshold")
    scored = Scored(
        links.score,
        links.left_nearest.score[best_unlinked(links)],
        ("linked", "best candidate of an unlinked left row"),
        None if threshold is None or not np.isfinite(threshold) else float(threshold),
        "match probability" if are_probabilities(links) else "similarity",
        are_probabilities(links),
    )
    rule = f"{len(links):,} links by the rule: {links.details['rule']}."
    return probabilities.probability_chart(scored, [rule, *filter(None, [estimates_text(links.details)])])


def weights_known(details: Mapping[str, object]) -> bool:
    """Whether the report has match weights of columns."""
    return bool(details.get("match_weights"))


def _weights(links: LinkValues, asked: Asked) -> Chart:
    return weights_chart_of(links.details)


def weights_chart_of(details: Mapping[str, object]) -> Chart:
    """Match weights as a report has them."""
    if not weights_known(details):
        raise InvalidArgumentError(
            "These results have no match weights in their report: nothing was compared, scores are "
            "similarities, or a fitted Linker gave them. Use the result of `link` or `cluster`."
        )
    weights = cast("Mapping[str, list[float]]", details["match_weights"])
    return bars.weight_chart(weights, ["What cells of such similarity add to the log-odds by themselves."])


def _pair(links: LinkValues, asked: Asked) -> Chart:
    if (asked.link is None) == (asked.left is None or asked.right is None):
        raise InvalidArgumentError(
            f'chart("pair") needs a link or two labels. Given: link={asked.link!r}, left={asked.left!r}, '
            f'right={asked.right!r}. Give chart("pair", link=0) or chart("pair", left=label, right=label).'
        )
    if not asked.has_rows:
        raise InvalidArgumentError(
            "These links are of files, whose rows are not in memory. Read the two rows and `link` them."
        )
    if asked.link is not None:
        number = check_number(asked.link, len(links), f"link={asked.link!r} is not a link.")
        return pair_chart(link_explanation.of_link(links, number))
    return pair_chart(link_explanation.of_labels(links, asked.left, asked.right))


def pair_chart(columns: Mapping[str, Column]) -> Chart:
    """The waterfall of an explained pair.

    Raises:
        InvalidArgumentError: It has no contributions.
    """
    parts = parts_of(columns)
    if not parts:
        raise InvalidArgumentError(
            "This pair has no contributions: it is not among the nearest candidates, scores are "
            "similarities, or a fitted Linker gave it. Choose a pair of `links.pairs` of a result of `link`."
        )
    labels = f"Left row {columns['left'][0]}, right row {columns['right'][0]}."
    return bars.waterfall_chart(parts, [labels])


def parts_of(columns: Mapping[str, Column]) -> list[tuple[str, float]]:
    """The contributions of an explained pair in bits, the base line first and cells with their column."""
    if "contribution" not in columns:
        return []
    parts = []
    for place, bits in enumerate(columns["contribution"].tolist()):
        if np.isfinite(bits):
            cells = [columns[side][place] for side in ("left", "right")]
            item = str(columns["item"][place])
            parts.append((item if cells == [None, None] else f"column {item}", float(bits)))
    return sorted(parts, key=lambda part: part[0] != "base line")


def _views(links: LinkValues, asked: Asked) -> Chart:
    if not links.views:
        raise InvalidArgumentError("These links have no views: no similarity of theirs was kept.")
    first = _first_in_view(links)
    known = "" if first else " Candidates were not kept, so that their order in a view is not known."
    return agreement.view_chart(
        links.views, first, [f"{len(links):,} links; a view may know some of them only.{known}"]
    )


def _first_in_view(links: LinkValues) -> dict[str, float]:
    """By view, the share of the links that it knows whose pair is the best candidate of its left record."""
    evidence = links.evidence
    if evidence is None or not len(links):
        return {}
    left, right = evidence.searched.left, evidence.searched.right
    of_links = [
        evidence.nodes[side].node_of_row[rows]
        for side, rows in enumerate((links.left_rows, links.right_rows))
    ]
    shares = {}
    for name, similarity in evidence.searched.views.items():
        known = np.isfinite(similarity)
        best = np.full(len(evidence.nodes[0]) + 1, -np.inf)
        np.maximum.at(best, left[known], similarity[known])
        top = known & (similarity >= best[left])
        width = len(evidence.nodes[1]) + 1
        codes = np.sort(left[top].astype(np.int64) * width + right[top])
        seen = np.isfinite(links.views[name]) if name in links.views else np.zeros(len(links), dtype=bool)
        if seen.any():
            is_first: Bools = np.isin(of_links[0][seen] * width + of_links[1][seen], codes)
            shares[name] = float(is_first.mean())
    return shares


def _unlinked(links: LinkValues, asked: Asked) -> Chart:
    sides = ((links.left, links.left_reason), (links.right, links.right_reason))
    counts = [
        (table.name, REASONS[code], int((codes == code).sum()))
        for table, codes in sides
        for code in sorted(set(codes.tolist()))
    ]
    total = " and ".join(
        f"{int((codes > 0).sum()):,} of {len(codes):,} {table.name} rows" for table, codes in sides
    )
    return bars.reason_chart(counts, [f"Without a link: {total}."])


def _reliability(links: LinkValues, asked: Asked) -> Chart:
    if asked.truth is None:
        raise InvalidArgumentError(
            'chart("reliability") needs the true pairs. Give them as `evaluate` takes them: '
            'chart("reliability", truth=pairs).'
        )
    if not are_probabilities(links):
        raise InvalidArgumentError("The scores of these links are similarities, which have no reliability.")
    if (asked.ids.left is not None or asked.ids.right is not None) and not asked.has_rows:
        raise InvalidArgumentError(
            "left_id= and right_id= name columns, and the rows of these links are in files. Give truth by "
            "row number, from 0."
        )
    labels = read_labels((links.left, links.right), asked.truth, "truth", asked.ids)
    width = max(1, links.right.n_rows)
    rows = best_unlinked(links)
    true_pairs = labels.left[labels.match] * width + labels.right[labels.match]
    pairs = np.append(links.left_rows, rows) * width + np.append(
        links.right_rows, links.left_nearest.row[rows]
    )
    score = np.append(links.score, links.left_nearest.score[rows])
    match = np.isin(pairs, true_pairs)
    counts = f"{len(links):,} links and the best candidates of {len(rows):,} unlinked left rows"
    return agreement.reliability_chart(
        agreement.bins_of(score, match),
        [f"{counts};", f"{int(match.sum()):,} of these pairs are in the truth."],
    )
