"""How far views and probabilities agree with links and with the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Bools, Floats
from linktransformer.charts.chart import GREY, IN, SHADES, Chart, Spec, chart_of

__all__ = ["Bin", "bins_of", "reliability_chart", "view_chart"]

BINS = 40  # of similarities
PROBABILITY_BINS = 10
WIDTH = 380
Z = 1.645  # standard errors of an interval that holds nine times in ten


def view_chart(
    similarity: Mapping[str, Floats], first: Mapping[str, float], subtitle: Sequence[str]
) -> Chart:
    """The similarity of the linked pairs in each view, and how often a view alone would have linked them.

    `similarity` has a value for each link, NaN where the view does not know the pair; `first` is the share of
    the links that are the most similar candidate of their left row in the view, without an entry where that
    is not known.
    """
    values = []
    for name, scores in similarity.items():
        known = scores[np.isfinite(scores)]
        edges = np.linspace(
            min(0.0, float(known.min(initial=0))), max(1.0, float(known.max(initial=1))), BINS + 1
        )
        counts = np.histogram(known, edges)[0]
        values += [
            {"view": name, "from": round(edges[k], 4), "to": round(edges[k + 1], 4), "links": int(counts[k])}
            for k in np.flatnonzero(counts).tolist()
        ]
    names = list(similarity)
    panels = [_view_panel(name, names.index(name), values, first.get(name)) for name in names]
    spec: Spec = {"vconcat": panels, "spacing": 12, "data": {"values": values}}
    return chart_of(spec, "Similarity of the links by view", subtitle)


def _view_panel(name: str, place: int, values: Sequence[Mapping[str, object]], first: float | None) -> Spec:
    known = sum(int(str(value["links"])) for value in values if value["view"] == name)
    title = f"{name}: {known:,} links compared"
    if first is not None:
        title += f", {first:.1%} of them the most similar candidate".replace("%", " %")
    return {
        "width": WIDTH, "height": 70,
        "title": {"text": title, "fontSize": 11, "fontWeight": "normal", "offset": 4},
        "transform": [{"filter": {"field": "view", "equal": name}}],
        "mark": {"type": "rect", "color": SHADES[place % len(SHADES)], "stroke": "white", "strokeWidth": 0.5},
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "title": "similarity", "axis": {"grid": False}},
            "x2": {"field": "to"},
            "y": {"field": "links", "type": "quantitative", "title": "links", "scale": {"domainMin": 0},
                  "axis": {"tickCount": 3}},
            "y2": {"datum": 0},
            "tooltip": [{"field": field} for field in ("from", "to", "links")],
        },
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs of similar probability.

    Args:
        mean: Their mean probability.
        right: The share of them that are matches.
        low: The lower end of a 90 % interval of that share (Wilson).
        high: Its upper end.
        pairs: Their number.
    """

    mean: float
    right: float
    low: float
    high: float
    pairs: int


def bins_of(probability: Floats, match: Bools) -> list[Bin]:
    """Probabilities against the truth, in ten bins of equal width without empty ones.

    Example:
        >>> bins = bins_of(np.array([0.92, 0.98, 0.1]), np.array([True, False, False]))
        >>> [(round(one.mean, 2), one.right, one.pairs) for one in bins]
        [(0.1, 0.0, 1), (0.95, 0.5, 2)]
    """
    place = np.minimum(
        (probability.astype(np.float64) * PROBABILITY_BINS).astype(np.int64), PROBABILITY_BINS - 1
    )
    count = np.bincount(place, minlength=PROBABILITY_BINS)
    expected = np.bincount(place, probability, minlength=PROBABILITY_BINS)
    right = np.bincount(place, match, minlength=PROBABILITY_BINS)
    bins = []
    for n, total, found in zip(count.tolist(), expected.tolist(), right.tolist(), strict=True):
        if n:
            share = found / n
            middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
            half = Z / (1 + Z * Z / n) * float(np.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)))
            bins.append(Bin(total / n, share, max(0.0, middle - half), min(1.0, middle + half), n))
    return bins


def reliability_chart(bins: Sequence[Bin], subtitle: Sequence[str]) -> Chart:
    """The share of matches by match probability; calibrated probabilities lie on the diagonal."""
    values = [
        {"probability": round(b.mean, 4), "matches": round(b.right, 4), "low": round(b.low, 4),
         "high": round(b.high, 4), "pairs": b.pairs, "text": f"{b.pairs:,}"}
        for b in bins
    ]  # fmt: skip
    x = {"field": "probability", "type": "quantitative", "title": "match probability (mean of the bin)",
         "scale": {"domain": [0, 1]}}  # fmt: skip
    spec: Spec = {
        "data": {"values": values},
        "width": 340,
        "height": 340,
        "layer": [
            {"data": {"values": [{"p": 0}, {"p": 1}]},
             "mark": {"type": "line", "color": GREY, "strokeDash": [4, 3]},
             "encoding": {"x": {"field": "p", "type": "quantitative"},
                          "y": {"field": "p", "type": "quantitative"}}},
            {"mark": {"type": "rule", "color": IN, "strokeWidth": 2, "opacity": 0.5},
             "encoding": {"x": x, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}},
            {"mark": {"type": "line", "color": IN},
             "encoding": {"x": x, "y": {"field": "matches", "type": "quantitative",
                                        "title": "share that are matches (90 % interval)",
                                        "scale": {"domain": [0, 1]}}}},
            {"mark": {"type": "point", "color": IN, "filled": True, "size": 60, "opacity": 1},
             "encoding": {"x": x, "y": {"field": "matches", "type": "quantitative"},
                          "tooltip": [{"field": field} for field in values[0]] if values else None}},
            {"mark": {"type": "text", "align": "left", "dx": 7, "dy": -8, "fontSize": 10, "color": GREY},
             "encoding": {"x": x, "y": {"field": "matches", "type": "quantitative"},
                          "text": {"field": "text"}}},
        ],
    }  # fmt: skip
    return chart_of(spec, "Reliability of the match probability", subtitle)
