"""Bars: match weights of columns, contributions of one pair, unmatched rows by reason, sizes of clusters."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.charts.chart import GREY, IN, OUT, Chart, Spec, chart_of

__all__ = ["level_names", "reason_chart", "size_chart", "waterfall_chart", "weight_chart"]

WIDTH = 480
ROW = 22  # height of a bar with its gap
SMALL = 0.005  # bits: parts below it are shown together
ROOM = 1.25  # of the longest bar: the number stands behind it
LONGEST = 44  # characters of a label
EXACT = 10  # sizes of clusters with a bar of their own; larger ones are grouped by doubling


def level_names(n: int) -> list[str]:
    """The names of n levels of similarity: steps of equal width, then equality.

    Example:
        >>> level_names(4)
        ['below .33', '.33 to .67', '.67 to 1', 'equal']
    """
    bounds = [f"{step / (n - 1):.2f}".lstrip("0") if step < n - 1 else "1" for step in range(n)]
    return [f"below {bounds[1]}", *(f"{bounds[k]} to {bounds[k + 1]}" for k in range(1, n - 1)), "equal"]


def weight_chart(weights: Mapping[str, Sequence[float]], subtitle: Sequence[str]) -> Chart:
    """The match weight in bits of each level of similarity, column by column, from different to equal."""
    names = level_names(max(map(len, weights.values())))
    values = [
        {"column": column, "level": name, "bits": round(float(bits), 3)}
        for column, of_levels in weights.items()
        for name, bits in zip(names, of_levels, strict=True)
    ]
    spec: Spec = {
        "data": {"values": values},
        "facet": {"row": {"field": "column", "type": "nominal", "title": None, "sort": list(weights),
                          "header": {"labelAngle": 0, "labelAlign": "left", "labelLimit": 140}}},
        "spec": {
            "width": WIDTH - 60,
            "height": 16 * len(names),
            "layer": [
                {"mark": {"type": "bar", "height": {"band": 0.8}},
                 "encoding": {
                     "y": {"field": "level", "type": "nominal", "sort": names, "title": None},
                     "x": {"field": "bits", "type": "quantitative", "title": "match weight (bits)"},
                     "color": {"condition": {"test": "datum.bits < 0", "value": OUT}, "value": IN},
                     "tooltip": [{"field": name} for name in ("column", "level", "bits")]}},
                {"mark": {"type": "rule", "color": GREY}, "encoding": {"x": {"datum": 0}}},
            ],
        },
        "spacing": 10,
    }  # fmt: skip
    return chart_of(spec, "Match weights by column and similarity", subtitle)


def waterfall_chart(parts: Sequence[tuple[str, float]], subtitle: Sequence[str]) -> Chart:
    """Parts in bits that add up to the log-odds of a match probability, each from where the last one ended.

    Parts below `SMALL` are one bar, so that the sum stays exact.
    """
    shown = [part for part in parts if abs(part[1]) >= SMALL]
    rest = sum(bits for _, bits in parts) - sum(bits for _, bits in shown)
    if len(shown) < len(parts):
        shown.append(("smaller parts", rest))
    ends = np.cumsum([bits for _, bits in shown])
    total = float(ends[-1]) if len(ends) else 0.0
    starts = np.append(0.0, ends)
    names = _distinct([name for name, _ in shown] + ["match probability"])
    bars = [
        {"item": name, "from": float(start), "to": float(end), "bits": float(end - start), "kind": kind,
         "text": text}
        for name, start, end, kind, text in [
            *(
                (name, start, end, "raises" if bits >= 0 else "lowers", f"{bits:+.2f}")
                for name, (_, bits), start, end in zip(names[:-1], shown, starts[:-1], ends, strict=True)
            ),
            (names[-1], 0.0, total, "sum", f"{total:+.2f} bits = {1 / (1 + 2.0**-total):.3f}"),
        ]
    ]  # fmt: skip
    row = {"field": "item", "type": "nominal", "sort": names, "title": None, "axis": {"labelLimit": 260}}
    spec: Spec = {
        "data": {"values": bars},
        "width": WIDTH,
        "height": ROW * len(bars),
        "encoding": {"y": row},
        "layer": [
            {"mark": {"type": "rule", "color": GREY, "strokeDash": [2, 2]}, "encoding": {"x": {"datum": 0}}},
            {"mark": {"type": "bar", "height": {"band": 0.75}},
             "encoding": {
                 "x": {"field": "from", "type": "quantitative", "title": "log-odds of a match (bits)",
                       "scale": {"padding": 60}},
                 "x2": {"field": "to"},
                 "color": {"field": "kind", "type": "nominal", "title": None, "legend": {"orient": "top"},
                           "scale": {"domain": ["raises", "lowers", "sum"], "range": [IN, OUT, GREY]}},
                 "tooltip": [{"field": "item"}, {"field": "bits", "format": "+.3f"}]}},
            {"transform": [{"calculate": "max(datum.from, datum.to)", "as": "end"}],
             "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11},
             "encoding": {"x": {"field": "end", "type": "quantitative"}, "text": {"field": "text"}}},
        ],
    }  # fmt: skip
    return chart_of(spec, "What adds up to the match probability", subtitle)


def reason_chart(counts: Sequence[tuple[str, str, int]], subtitle: Sequence[str]) -> Chart:
    """Rows by side and reason; a count is (side, reason, rows)."""
    sides = list(dict.fromkeys(side for side, _, _ in counts))
    totals = {side: max(1, sum(rows for own, _, rows in counts if own == side)) for side in sides}
    values = [
        {"side": side, "reason": reason, "rows": rows, "text": f"{rows:,} ({rows / totals[side]:.1%})"}
        for side, reason, rows in counts
    ]
    reasons = list(dict.fromkeys(reason for _, reason, _ in counts))
    most = max((rows for _, _, rows in counts), default=1)
    spec: Spec = {
        "data": {"values": values},
        "facet": {"row": {"field": "side", "type": "nominal", "title": None, "sort": sides,
                          "header": {"labelAngle": 0, "labelAlign": "left"}}},
        "spec": {
            "width": WIDTH,
            "height": ROW * max(1, len(reasons)),
            "encoding": {"y": {"field": "reason", "type": "nominal", "sort": reasons, "title": None,
                               "axis": {"labelLimit": 260}},
                         "x": {"field": "rows", "type": "quantitative", "title": "rows",
                               "scale": {"domain": [0, most * ROOM]}, "axis": {"tickCount": 5}}},
            "layer": [
                {"mark": {"type": "bar", "height": {"band": 0.75}},
                 "encoding": {"color": {"condition": {"test": "datum.reason === 'linked'", "value": IN},
                                        "value": OUT}}},
                {"mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11},
                 "encoding": {"text": {"field": "text"}}},
            ],
        },
    }  # fmt: skip
    return chart_of(spec, "Rows by what became of them", subtitle)


def size_chart(sizes: Integers, subtitle: Sequence[str]) -> Chart:
    """How many clusters have how many rows; sizes above `EXACT` are grouped by doubling."""
    names, counts = _size_groups(sizes)
    values = [{"size": name, "clusters": count} for name, count in zip(names, counts, strict=True)]
    spec: Spec = {
        "data": {"values": values},
        "width": WIDTH,
        "height": 200,
        "encoding": {
            "x": {"field": "size", "type": "nominal", "sort": names, "title": "rows of a cluster",
                  "axis": {"labelAngle": 0}},
            "y": {"field": "clusters", "type": "quantitative", "title": "clusters (square-root scale)",
                  "scale": {"type": "sqrt"}, "axis": {"tickCount": 5}},
        },
        "layer": [
            {"mark": {"type": "bar", "color": IN}},
            {"mark": {"type": "text", "dy": -7, "fontSize": 11},
             "encoding": {"text": {"field": "clusters", "format": ","}}},
        ],
    }  # fmt: skip
    return chart_of(spec, "Sizes of the clusters", subtitle)


def _size_groups(sizes: Integers) -> tuple[list[str], list[int]]:
    """Names of the groups of sizes that occur, rising, and how many clusters are in each."""
    edges = list(range(1, EXACT + 2))
    while edges[-1] <= int(sizes.max(initial=0)):
        edges.append(edges[-1] * 2 - 1)
    counts = np.histogram(sizes, np.array(edges) - 0.5)[0].tolist()
    names = [
        f"{low}" if high - low == 1 else f"{low} to {high - 1}" for low, high in itertools.pairwise(edges)
    ]
    last = max((place for place, count in enumerate(counts) if count), default=0) + 1
    return names[:last], counts[:last]


def _distinct(names: Sequence[str]) -> list[str]:
    """Names without repetition and not too long: a bar for each."""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        short = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
        seen[short] = seen.get(short, 0) + 1
        distinct.append(short if seen[short] == 1 else f"{short} ({seen[short]})")
    return distinct
