"""What a notebook shows of links and of clusters: counts, scores, and pairs on either side of the line."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from linktransformer.arrays import Bools, Doubles, Floats, Integers
from linktransformer.results.thumbnails import image_tag
from linktransformer.tables import frames

if TYPE_CHECKING:
    from linktransformer.results.clusters import Clusters
    from linktransformer.results.links import Links

__all__ = ["of_clusters", "of_links"]

BINS = 40
SHOWN = 5  # pairs on either side
LONGEST = 80  # characters of a key
WIDTH, HEIGHT, FOOT = 560, 120, 18
IN, OUT = "#2a78b5", "#d9822b"  # told apart by the colour-blind, on light and on dark


def of_links(links: Links) -> str:
    """Links as HTML without scripts.

    Args:
        links: The links.

    Returns:
        Counts of rows, warnings, a histogram of the scores of links and of rows left alone, with the
        threshold if one was used, the weakest links, and the nearest rows that were not linked.
    """
    alone = np.flatnonzero((links.left_reason > 0) & (links.left_nearest.row >= 0))
    near = links.left_nearest.score[alone]
    weakest = np.argsort(links.score, kind="stable")[:SHOWN]
    strongest = np.argsort(-near, kind="stable")[:SHOWN]
    left_on, right_on = links.details["left_on"], links.details["right_on"]
    return _page(
        [
            ("links", len(links)),
            (f"{links.left.name} rows linked", _of(links.left_reason == 0)),
            (f"{links.right.name} rows linked", _of(links.right_reason == 0)),
            ("rule", links.details["rule"]),
            ("estimated precision", links.details["precision"]),
        ],
        links.details.get("warnings", ()),
        _histogram(
            [("links", IN, links.score), ("nearest of a left row left alone", OUT, near)],
            links.details["threshold"],
        ),
        [
            _pairs(
                "Weakest links",
                links.score[weakest],
                _keys(links.left, left_on, links.left_rows[weakest]),
                _keys(links.right, right_on, links.right_rows[weakest]),
                _crops(links.pictures, links.left_rows[weakest], links.right_rows[weakest]),
            ),
            _pairs(
                "Nearest that were not linked",
                near[strongest],
                _keys(links.left, left_on, alone[strongest]),
                _keys(links.right, right_on, links.left_nearest.row[alone[strongest]]),
                _crops(links.pictures, alone[strongest], links.left_nearest.row[alone[strongest]]),
            ),
        ],
    )


def of_clusters(clusters: Clusters) -> str:
    """Clusters as HTML without scripts.

    Args:
        clusters: The clusters.

    Returns:
        Counts of rows and clusters, warnings, a histogram of the scores within clusters and between each
        cluster and the next one, with the threshold, the weakest pairs within and the nearest clusters that
        were kept apart.
    """
    first = clusters.representatives()
    has = np.flatnonzero(clusters.next_cluster >= 0)
    has = has[~_twice(has, clusters.next_cluster)]
    weakest = np.argsort(clusters.score, kind="stable")[:SHOWN]
    nearest = has[np.argsort(-clusters.next_score[has], kind="stable")[:SHOWN]]
    on, sizes = clusters.details["on"], clusters.sizes
    crops = None if clusters.pictures is None else (clusters.pictures, clusters.pictures)
    return _page(
        [
            ("rows", clusters.table.n_rows),
            ("clusters", len(clusters)),
            ("of several rows", int((sizes > 1).sum())),
            ("rows of the largest", int(sizes.max(initial=0))),
            ("estimated precision", clusters.details.get("estimated_precision")),
        ],
        clusters.details.get("warnings", ()),
        _histogram(
            [
                ("pairs within clusters", IN, clusters.score),
                ("a cluster and the next one, on average", OUT, clusters.next_score[has]),
            ],
            clusters.details["threshold"],
        ),
        [
            _pairs(
                "Weakest pairs within clusters",
                clusters.score[weakest],
                _keys(clusters.table, on, clusters.left_rows[weakest]),
                _keys(clusters.table, on, clusters.right_rows[weakest]),
                _crops(crops, clusters.left_rows[weakest], clusters.right_rows[weakest]),
            ),
            _pairs(
                "Nearest clusters that were kept apart (first row of each)",
                clusters.next_score[nearest],
                _keys(clusters.table, on, first[nearest]),
                _keys(clusters.table, on, first[clusters.next_cluster[nearest]]),
                _crops(crops, first[nearest], first[clusters.next_cluster[nearest]]),
            ),
        ],
    )


def _twice(has: Integers, following: Integers) -> Bools:
    """Where a pair of clusters that are each other's next one was seen before."""
    twice: Bools = (following[following[has]] == has) & (following[has] < has)
    return twice


def _of(which: Bools) -> str:
    return f"{int(which.sum()):,} of {len(which):,}"


def _keys(table: frames.Table, on: Sequence[str], rows: Integers) -> list[str]:
    """The keys of some rows, after their labels."""
    some = frames.wrap(frames.take(table, rows), table.name)
    labels = frames.index_labels(table, rows).tolist()
    keys = frames.joined(some, on, " · ", False).tolist() if on else [""] * len(rows)
    return [
        f"{label}: {key if len(key) <= LONGEST else key[: LONGEST - 1] + '…'}"
        for label, key in zip(labels, keys, strict=True)
    ]


def _crops(
    pictures: tuple[Sequence[Any], Sequence[Any]] | None, left: Integers, right: Integers
) -> list[tuple[str, str]] | None:
    """The pictures of these pairs of rows as HTML; None where rows have none."""
    if pictures is None:
        return None
    return [
        (image_tag(pictures[0][one]), image_tag(pictures[1][other]))
        for one, other in zip(left.tolist(), right.tolist(), strict=True)
    ]


def _page(
    counts: Sequence[tuple[str, Any]], warnings: Sequence[str], picture: str, tables: Sequence[str]
) -> str:
    named = "".join(
        f'<span style="margin-right:1.5em"><span style="opacity:.7">{escape(name)}</span> '
        f"<b>{escape(_number(value))}</b></span>"
        for name, value in counts
        if value is not None
    )
    said = "".join(
        f'<div style="border-left:3px solid {OUT};padding-left:.6em;margin-top:.4em">{escape(text)}</div>'
        for text in warnings
    )
    return f'<div style="font-size:13px"><div>{named}</div>{said}{picture}{"".join(tables)}</div>'


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _histogram(series: Sequence[tuple[str, str, Floats]], threshold: float | None) -> str:
    """Stacked bars by score, as an SVG picture; the threshold is a dashed line."""
    every = np.concatenate([scores for *_, scores in series])
    every = every[np.isfinite(every)]
    if not len(every):
        return ""
    low, high = min(0.0, float(every.min())), max(1.0, float(every.max()))
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
    """One bar for each series on top of the other; the least of them can still be seen."""
    counts = [np.histogram(scores[np.isfinite(scores)], edges)[0] for *_, scores in series]
    most = int(np.sum(counts, axis=0).max())
    wide = WIDTH / BINS
    bars, base = [], np.zeros(BINS)
    for (name, colour, _), count in zip(series, counts, strict=True):
        tall = np.where(count > 0, np.maximum(1, (HEIGHT - 2) * count / most), 0)
        for place in np.flatnonzero(count).tolist():
            says = f"{edges[place]:.3f} to {edges[place + 1]:.3f}: {count[place]:,} {escape(name)}"
            bars.append(
                f'<rect x="{place * wide + 0.5:.1f}" y="{HEIGHT - base[place] - tall[place]:.1f}" '
                f'width="{wide - 1:.1f}" height="{tall[place]:.1f}" fill="{colour}">'
                f"<title>{says}</title></rect>"
            )
        base += tall
    return "".join(bars)


def _pairs(
    title: str,
    scores: Floats,
    left: Sequence[str],
    right: Sequence[str],
    crops: Sequence[tuple[str, str]] | None = None,
) -> str:
    """A table of pairs, with their pictures beside the keys where there are any."""
    if not len(scores):
        return ""
    cell = '<td style="text-align:left">{}</td>'
    lines = ""
    for place, (score, *keys) in enumerate(zip(scores.tolist(), left, right, strict=True)):
        cells = [escape(key) for key in keys]
        if crops is not None:
            cells = [part for pair in zip(crops[place], cells, strict=True) for part in pair]
        lines += f'<tr><td style="text-align:right">{score:.3f}</td>{"".join(map(cell.format, cells))}</tr>'
    return (
        f'<div style="margin-top:.8em"><b>{escape(title)}</b></div>'
        f'<table style="font-size:12px"><tbody>{lines}</tbody></table>'
    )
