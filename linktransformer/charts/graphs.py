"""Clusters as graphs: rows as points, compared pairs as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.charts.chart import Chart, Spec, chart_of

__all__ = ["ClusterGraph", "graph_chart", "layout"]

SIDE = 210  # of one graph
ROUNDS = 120
LONGEST = 26  # characters of a label
LABELLED = 12  # rows of a graph whose points have labels; the others show theirs under the mouse


@dataclass(frozen=True, slots=True, eq=False)
class ClusterGraph:
    """A cluster to be drawn.

    Args:
        title: What it is.
        texts: The text of each row, (n,).
        left: One end of each compared pair, a place in `texts`, (n_pairs,) int64.
        right: The other end.
        score: Its score, (n_pairs,) float32.
    """

    title: str
    texts: Sequence[str]
    left: Integers
    right: Integers
    score: Floats


def graph_chart(graphs: Sequence[ClusterGraph], title: str, subtitle: Sequence[str]) -> Chart:
    """Clusters beside each other; the darker and wider a line, the more probable the pair."""
    spec: Spec = {
        "concat": [_graph(graph) for graph in graphs],
        "columns": 3,
        "spacing": 24,
        "resolve": {"scale": {"color": "shared", "strokeWidth": "shared"}},
    }
    return chart_of(spec, title, subtitle)


def layout(n: int, left: Integers, right: Integers, score: Floats) -> Doubles:
    """Places of n points in the unit square, (n, 2): pairs attract each other by their score.

    T. Fruchterman and E. Reingold, Graph drawing by force-directed placement, 1991; from points on a circle,
    so that the same graph gives the same picture.

    Example:
        >>> places = layout(3, np.array([0]), np.array([1]), np.array([0.9], "f4"))
        >>> near, far = np.linalg.norm(places[0] - places[1]), np.linalg.norm(places[0] - places[2])
        >>> bool(near < far)
        True
    """
    if n < 2:
        return np.full((n, 2), 0.5)
    angle = np.arange(n) * 2 * np.pi / n
    # a little out of round: points on a line or a circle would stay on it
    place = np.column_stack([np.cos(angle), np.sin(angle)]) * (1 + 0.1 * np.sin(3 * angle + 1))[:, None]
    near = 1 / np.sqrt(n)
    for cooling in np.linspace(0.2, 0.005, ROUNDS):
        apart = place[:, None] - place[None]
        square = (apart**2).sum(axis=2) + 1e-9
        force = (apart * (near**2 / square)[:, :, None]).sum(axis=1) - place * near
        pull = (place[right] - place[left]) * (
            score.astype(np.float64) * np.sqrt(((place[right] - place[left]) ** 2).sum(axis=1)) / near
        )[:, None]
        np.add.at(force, left, pull)
        np.add.at(force, right, -pull)
        size = np.sqrt((force**2).sum(axis=1, keepdims=True)) + 1e-9
        place = place + force / size * np.minimum(size, cooling)
    low, high = place.min(axis=0), place.max(axis=0)
    scale = float((high - low).max())
    return np.asarray(0.5 + (place - (low + high) / 2) / max(scale, 1e-9))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _graph(graph: ClusterGraph) -> Spec:
    place = layout(len(graph.texts), graph.left, graph.right, graph.score).round(4)
    lines = [
        {"x": place[a, 0], "y": place[a, 1], "x2": place[b, 0], "y2": place[b, 1],
         "probability": round(score, 3), "pair": f"{graph.texts[a]} – {graph.texts[b]}"}
        for a, b, score in zip(graph.left.tolist(), graph.right.tolist(), graph.score.tolist(), strict=True)
    ]  # fmt: skip
    points = [
        {"x": x, "y": y, "row": text, "text": _short(text) if len(place) <= LABELLED else ""}
        for (x, y), text in zip(place.tolist(), graph.texts, strict=True)
    ]
    at = [
        {"field": name, "type": "quantitative", "axis": None, "scale": {"domain": [-0.12, 1.12]}}
        for name in ("x", "y")
    ]
    of_score = {"field": "probability", "type": "quantitative"}
    return {
        "title": {"text": graph.title, "fontSize": 11, "fontWeight": "normal", "offset": 2},
        "width": SIDE,
        "height": SIDE,
        "layer": [
            {"data": {"values": lines}, "mark": {"type": "rule"},
             "encoding": {"x": at[0], "y": at[1], "x2": {"field": "x2"}, "y2": {"field": "y2"},
                          "color": of_score | {"scale": {"domain": [0, 1], "range": ["#f0d9c4", "#16507f"]},
                                               "legend": {"title": "probability of a pair"}},
                          "strokeWidth": of_score | {"scale": {"domain": [0, 1], "range": [0.5, 3]},
                                                     "legend": None},
                          "tooltip": [{"field": "pair"}, {"field": "probability"}]}},
            {"data": {"values": points}, "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1,
                                                  "color": "#1f2937"},
             "encoding": {"x": at[0], "y": at[1], "tooltip": [{"field": "row"}]}},
            {"data": {"values": points}, "mark": {"type": "text", "dy": -9, "fontSize": 9},
             "encoding": {"x": at[0], "y": at[1], "text": {"field": "text"}}},
        ],
    }  # fmt: skip
