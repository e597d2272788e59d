"""Match probabilities: a histogram, and what another threshold would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Doubles, Floats
from linktransformer.charts.chart import BAND, GREY, IN, OUT, Chart, Spec, chart_of

__all__ = ["Scored", "curves", "probability_chart"]

BINS = 50
STEPS = 100  # thresholds of the curves, from 0 to 1
WIDTH = 520


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Pairs with their scores.

    Args:
        linked: The scores of the pairs that are linked, (n,) float32.
        others: The scores of the best pairs that are not, (m,) float32; NaN for none.
        names: What the two are.
        threshold: The score from which pairs are linked, None for none.
        measure: What scores are, such as "match probability".
        has_estimates: Whether the pairs are all that may be links, with their match probabilities: then
            precision and recall can be estimated from them.
    """

    linked: Floats
    others: Floats
    names: tuple[str, str]
    threshold: float | None
    measure: str
    has_estimates: bool


def probability_chart(scored: Scored, subtitle: Sequence[str]) -> Chart:
    """A histogram of scores, and below it estimates by threshold with a rule that moves with a slider."""
    others = scored.others[np.isfinite(scored.others)]
    low, high = _range(np.concatenate([scored.linked, others]))
    start = 0.5 if scored.threshold is None else float(np.clip(scored.threshold, low, high))
    slider = {
        "name": "threshold",
        "value": round(start, 4),
        "bind": {"input": "range", "min": low, "max": high, "step": round((high - low) / STEPS, 6)},
    }
    title = scored.measure
    panels = [_histogram(scored, others, (low, high), title)]
    if scored.has_estimates:
        panels += _curves(scored, others, title)
    spec: Spec = {"params": [slider], "vconcat": panels, "resolve": {"scale": {"color": "independent"}}}
    return chart_of(spec, f"{title.capitalize()} of the pairs", subtitle)


def curves(linked: Floats, others: Floats) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Estimated precision and recall, and the number of pairs, of all pairs from each threshold on.

    The estimated precision is the mean probability of the pairs, the recall the share of the sum of all
    probabilities that is theirs; precision is NaN where there is no pair, recall where no match is expected.

    Returns:
        Thresholds, precision, recall and numbers of pairs, (STEPS + 1,) each.

    Example:
        >>> threshold, precision, recall, count = curves(np.array([0.9, 0.7], "f4"), np.array([0.4], "f4"))
        >>> [round(float(values[50]), 2) for values in (threshold, precision, recall, count)]
        [0.5, 0.8, 0.8, 2.0]
    """
    rising = np.sort(np.concatenate([linked, others]).astype(np.float64))
    thresholds = np.linspace(0, 1, STEPS + 1)
    # float32 scores at a threshold belong above it
    first = np.searchsorted(rising, thresholds - 1e-6)
    count = (len(rising) - first).astype(np.float64)
    above = np.append(np.cumsum(rising[::-1])[::-1], 0.0)[first]
    expected = rising.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(count > 0, above / count, np.nan)
        recall = above / expected if expected > 0 else np.full(len(count), np.nan)
    return thresholds, precision, recall, count


def _range(scores: Floats) -> tuple[float, float]:
    """From 0 to 1, or as far as scores go."""
    return min(0.0, float(scores.min(initial=0))), max(1.0, float(scores.max(initial=1)))


def _histogram(scored: Scored, others: Floats, limits: tuple[float, float], title: str) -> Spec:
    edges = np.linspace(*limits, BINS + 1)
    bars = [
        {"from": round(edges[k], 4), "to": round(edges[k + 1], 4), "pairs": int(count[k]), "kind": name}
        for name, scores in zip(scored.names, (scored.linked, others), strict=True)
        for count in (np.histogram(scores, edges)[0],)
        for k in np.flatnonzero(count).tolist()
    ]
    colour = {
        "field": "kind",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(scored.names), "range": [IN, OUT]},
        "legend": {"orient": "top", "labelLimit": 400},
    }
    marks = {
        "mark": {"type": "rect", "stroke": "white", "strokeWidth": 0.5},
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "title": title, "scale": {"domain": list(limits)},
                  "axis": {"grid": False}},
            "x2": {"field": "to"},
            # few pairs must be seen beside many, and bars begin at 0, where a logarithm has no value
            "y": {"field": "pairs", "type": "quantitative", "title": "pairs (square-root scale)",
                  "scale": {"type": "sqrt", "domainMin": 0}, "axis": {"tickCount": 5}},
            "y2": {"datum": 0},
            "color": colour,
            "opacity": {"value": 0.85},
            "tooltip": [{"field": name} for name in ("kind", "from", "to", "pairs")],
        },
    }  # fmt: skip
    return {"width": WIDTH, "height": 170, "data": {"values": bars}, "layer": [marks, _rule()]}


def _curves(scored: Scored, others: Floats, title: str) -> list[Spec]:
    """The curves, and above them a line of text that says their values at the threshold."""
    thresholds, precision, recall, count = curves(scored.linked, others)
    most = max(1.0, float(count.max(initial=0)))
    names = ("estimated precision", "estimated recall", "share of pairs linked")
    values = [
        {"threshold": round(float(threshold), 4), "value": round(float(value), 4), "curve": name}
        for name, line in zip(names, (precision, recall, count / most), strict=True)
        for threshold, value in zip(thresholds, line, strict=True)
        if np.isfinite(value)
    ]
    lines = {
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {
            "x": {"field": "threshold", "type": "quantitative", "title": f"threshold ({title})",
                  "scale": {"domain": [0, 1]}},
            "y": {"field": "value", "type": "quantitative", "title": None, "scale": {"domain": [0, 1]},
                  "axis": {"format": "%"}},
            "color": {"field": "curve", "type": "nominal", "title": None,
                      "scale": {"domain": list(names), "range": [BAND, IN, GREY]},
                      "legend": {"orient": "top", "labelLimit": 400}},
            "strokeDash": {"field": "curve", "type": "nominal", "legend": None,
                           "scale": {"domain": list(names), "range": [[1, 0], [6, 3], [2, 2]]}},
            "tooltip": [{"field": name} for name in ("curve", "threshold", "value")],
        },
    }  # fmt: skip
    table = [
        {"threshold": float(t), "text": _sentence(float(t), float(p), float(r), int(n))}
        for t, p, r, n in zip(thresholds, precision, recall, count, strict=True)
    ]
    words = {
        "data": {"values": table},
        "transform": [{"filter": f"abs(datum.threshold - threshold) <= {0.5 / STEPS}"},
                      {"window": [{"op": "row_number", "as": "number"}]}, {"filter": "datum.number == 1"}],
        "mark": {"type": "text", "align": "left", "baseline": "middle", "x": 0, "fontSize": 12},
        "encoding": {"text": {"field": "text"}},
        "width": WIDTH,
        "height": 14,
    }  # fmt: skip
    return [words, {"width": WIDTH, "height": 150, "data": {"values": values}, "layer": [lines, _rule()]}]


def _sentence(threshold: float, precision: float, recall: float, count: int) -> str:
    if not count:
        return f"from {threshold:.2f} on: no pair"
    of_matches = f", recall {recall:.3f}" if np.isfinite(recall) else ""
    return f"from {threshold:.2f} on: {count:,} pairs, precision {precision:.3f}{of_matches}"


def _rule() -> Spec:
    """A dashed line at the threshold."""
    return {
        "data": {"values": [{}]},
        "mark": {"type": "rule", "strokeDash": [4, 3], "color": "#111827"},
        "encoding": {"x": {"datum": {"expr": "threshold"}, "type": "quantitative"}},
    }
