"""Links and clusters as HTML for a notebook: counts, a histogram of scores, pairs near the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Bools, Doubles, Floats, Integers
from linktransformer.results.cluster_charts import nearest_apart
from linktransformer.results.cluster_values import ClusterValues
from linktransformer.results.link_values import LinkValues
from linktransformer.results.thumbnails import image_tag
from linktransformer.tables import frames

if TYPE_CHECKING:
    from clippings.pictures.read import Picture

__all__ = ["IN", "OUT", "histogram", "of_clusters", "of_links"]

BINS = 40
SHOWN = 5  # pairs on either side of the threshold
LONGEST = 80  # characters of a key
WIDTH, HEIGHT, FOOT = 560, 120, 18
IN, OUT = "#2a78b5", "#d9822b"  # distinguishable with colour blindness, on light and on dark


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """A table, its key columns, and the picture of each row or None."""

    table: frames.Table
    on: Sequence[str]
    pictures: Sequence[Picture] | None

    def cells(self, rows: Integers) -> list[list[str]]:
        """HTML of the pictures, if any, and of the label and key of each row."""
        some = self.table.rows(rows)
        labels = frames.index_labels(self.table, rows).tolist()
        keys = frames.joined(some, self.on, " · ", False).tolist() if self.on else [""] * len(rows)
        short = [key if len(key) <= LONGEST else key[: LONGEST - 1] + "…" for key in keys]
        texts = [escape(f"{label}: {key}") for label, key in zip(labels, short, strict=True)]
        if self.pictures is None:
            return [[text] for text in texts]
        images = [image_tag(self.pictures[row]) for row in rows.tolist()]
        return [list(cells) for cells in zip(images, texts, strict=True)]


def of_links(links: LinkValues) -> str:
    """Links as HTML without scripts.

    It has counts of rows, warnings, a histogram of the scores of links and of unlinked rows with the
    threshold, the links with the lowest scores, and the unlinked rows with the highest.
    """
    unlinked = np.flatnonzero((links.left_reason > 0) & (links.left_nearest.row >= 0))
    nearest = links.left_nearest.score[unlinked]
    weakest = np.argsort(links.score, kind="stable")[:SHOWN]
    strongest = np.argsort(-nearest, kind="stable")[:SHOWN]
    left_pictures, right_pictures = links.pictures or (None, None)
    left = _Side(links.left, links.details["left_on"], left_pictures)
    right = _Side(links.right, links.details["right_on"], right_pictures)
    rows = unlinked[strongest]
    return _page(
        [
            ("links", len(links)),
            (f"{links.left.name} rows linked", _share(links.left_reason == 0)),
            (f"{links.right.name} rows linked", _share(links.right_reason == 0)),
            ("rule", links.details["rule"]),
            ("estimated precision", links.details["precision"]),
        ],
        links.details.get("warnings", ()),
        histogram(
            [("links", IN, links.score), ("nearest of an unlinked left row", OUT, nearest)],
            links.details["threshold"],
        ),
        _pairs(
            "Weakest links",
            links.score[weakest],
            left.cells(links.left_rows[weakest]),
            right.cells(links.right_rows[weakest]),
        )
        + _pairs(
            "Nearest that were not linked",
            nearest[strongest],
            left.cells(rows),
            right.cells(links.left_nearest.row[rows]),
        ),
    )


def of_clusters(clusters: ClusterValues) -> str:
    """Clusters as HTML without scripts.

    It has counts of rows and clusters, warnings, a histogram of the scores within clusters and between each
    cluster and the next one with the threshold, the pairs within clusters with the lowest scores, and the
    nearest clusters that were kept apart.
    """
    first = np.unique(clusters.label, return_index=True)[1]  # the first row of each
    nearest = nearest_apart(clusters.next_cluster)
    weakest = np.argsort(clusters.score, kind="stable")[:SHOWN]
    strongest = nearest[np.argsort(-clusters.next_score[nearest], kind="stable")[:SHOWN]]
    side = _Side(clusters.table, clusters.details["on"], clusters.pictures)
    return _page(
        [
            ("rows", clusters.table.n_rows),
            ("clusters", len(clusters)),
            ("of several rows", int((clusters.sizes > 1).sum())),
            ("rows of the largest", int(clusters.sizes.max(initial=0))),
            ("estimated precision", clusters.details.get("estimated_precision")),
        ],
        clusters.details.get("warnings", ()),
        histogram(
            [
                ("pairs within clusters", IN, clusters.score),
                ("a cluster and the next one, on average", OUT, clusters.next_score[nearest]),
            ],
            clusters.details["threshold"],
        ),
        _pairs(
            "Weakest pairs within clusters",
            clusters.score[weakest],
            side.cells(clusters.left_rows[weakest]),
            side.cells(clusters.right_rows[weakest]),
        )
        + _pairs(
            "Nearest clusters that were kept apart (first row of each)",
            clusters.next_score[strongest],
            side.cells(first[strongest]),
            side.cells(first[clusters.next_cluster[strongest]]),
        ),
    )


def _share(mask: Bools) -> str:
    return f"{int(mask.sum()):,} of {len(mask):,}"


def _page(
    counts: Sequence[tuple[str, str | float | None]], warnings: Sequence[str], histogram: str, pairs: str
) -> str:
    numbers = "".join(
        f'<span style="margin-right:1.5em"><span style="opacity:.7">{escape(name)}</span> '
        f"<b>{escape(_number(value))}</b></span>"
        for name, value in counts
        if value is not None
    )
    notices = "".join(
        f'<div style="border-left:3px solid {OUT};padding-left:.6em;margin-top:.4em">{escape(text)}</div>'
        for text in warnings
    )
    return f'<div style="font-size:13px"><div>{numbers}</div>{notices}{histogram}{pairs}</div>'


def _number(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def histogram(series: Sequence[tuple[str, str, Floats]], threshold: float | None) -> str:
    """Stacked bars by score as SVG, the threshold as a dashed line; a series is (name, colour, scores)."""
    scores = np.concatenate([scores for *_, scores in series])
    scores = scores[np.isfinite(scores)]
    if not len(scores):
        return ""
    low, high = min(0.0, float(scores.min())), max(1.0, float(scores.max()))
    edges = np.linspace(low, high, BINS + 1)
    marks = [
        f'<text x="{WIDTH * part}" y="{HEIGHT + 13}" text-anchor="{anchor}" fill="currentColor" '
        f'font-size="11">{low + (high - low) * part:.2g}</text>'
        for part, anchor in ((0, "start"), (0.25, "middle"), (0.5, "middle"), (0.75, "middle"), (1, "end"))
    ]
    if threshold is not None and low <= threshold <= high:
        at = WIDTH * (threshold - low) / (high - low)
        marks.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{HEIGHT}" stroke="currentColor" '
            f'stroke-dasharray="4 3"><title>threshold {threshold:.3g}</title></line>'
        )
    legend = "".join(
        f'<span style="margin-right:1.5em"><span style="color:{colour}">■</span> {escape(name)}</span>'
        for name, colour, _ in series
    )
    legend += "" if threshold is None else f"<span>┆ threshold {threshold:.3g}</span>"
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT + FOOT}" viewBox="0 0 {WIDTH} {HEIGHT + FOOT}" role="img" '
        f'aria-label="Histogram of scores" style="display:block;margin:.6em 0 .2em">'
        f'<line x1="0" x2="{WIDTH}" y1="{HEIGHT}" y2="{HEIGHT}" stroke="currentColor" opacity=".4"/>'
        f"{_bars(series, edges)}{''.join(marks)}</svg><div>{legend}</div>"
    )


def _bars(series: Sequence[tuple[str, str, Floats]], edges: Doubles) -> str:
    """The bars of each series on top of those of the last, each at least one pixel high."""
    counts = [np.histogram(scores[np.isfinite(scores)], edges)[0] for *_, scores in series]
    highest = int(np.sum(counts, axis=0).max())
    width = WIDTH / BINS
    bars, base = [], np.zeros(BINS)
    for (name, colour, _), count in zip(series, counts, strict=True):
        heights = np.where(count > 0, np.maximum(1, (HEIGHT - 2) * count / highest), 0)
        for place in np.flatnonzero(count).tolist():
            title = f"{edges[place]:.3f} to {edges[place + 1]:.3f}: {count[place]:,} {escape(name)}"
            bars.append(
                f'<rect x="{place * width + 0.5:.1f}" y="{HEIGHT - base[place] - heights[place]:.1f}" '
                f'width="{width - 1:.1f}" height="{heights[place]:.1f}" fill="{colour}">'
                f"<title>{title}</title></rect>"
            )
        base += heights
    return "".join(bars)


def _pairs(title: str, scores: Floats, left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> str:
    """A table of pairs: scores and HTML cells of both rows."""
    if not len(scores):
        return ""
    rows = ""
    for score, *sides in zip(scores.tolist(), left, right, strict=True):
        cells = "".join(f'<td style="text-align:left">{cell}</td>' for side in sides for cell in side)
        rows += f'<tr><td style="text-align:right">{score:.3f}</td>{cells}</tr>'
    return (
        f'<div style="margin-top:.8em"><b>{escape(title)}</b></div>'
        f'<table style="font-size:12px"><tbody>{rows}</tbody></table>'
    )
