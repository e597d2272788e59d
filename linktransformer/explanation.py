"""What speaks for a link or for a cluster, as the columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import frames, keys, lexical
from linktransformer.normalize import normalize

if TYPE_CHECKING:
    from linktransformer.clusters import Clusters
    from linktransformer.links import Links

__all__ = ["of_cluster", "of_link", "of_pair", "pairs_of_cluster"]


def of_link(links: Links, link: int) -> dict[str, NDArray[Any]]:
    """The evidence of one link.

    Args:
        links: The links.
        link: The place of one of them.

    Returns:
        Columns as `Links.explain` says, of one length.
    """
    score = float(links.score[link])
    sides = (links.left, int(links.left_rows[link])), (links.right, int(links.right_rows[link]))
    lines = [_line("pair", _label(*sides[0]), _label(*sides[1]), score)]
    for left, right in keys.paired(links.details["left_on"], links.details["right_on"]):
        one, other = (
            str(frames.joined(table, [name], " ", False)[row])
            for (table, row), name in zip(sides, (left, right), strict=True)
        )
        lines.append(_line(left if left == right else f"{left} / {right}", one, other, _cosine(one, other)))
    lines += _of_views(links, link)
    row = int(links.runner_up[link])
    if row >= 0:
        next_score = float(links.runner_up_score[link])
        lines.append(_line("runner-up", None, _label(links.right, row), next_score, None, score - next_score))
    names = ("item", "left", "right", "score", "weight", "contribution")
    return {name: _array(name, [line[place] for line in lines]) for place, name in enumerate(names)}


def _of_views(links: Links, link: int) -> list[tuple[Any, ...]]:
    """The similarity in each view, and what it adds to a score that is a weighted sum."""
    weights = links.details.get("weights", {})
    lines = []
    if not weights:  # a probability is no sum over views
        lines = [_line(f"{name} view", None, None, float(seen[link])) for name, seen in links.views.items()]
    for name, weight in weights.items():
        seen = float(links.views[name][link])
        lines.append(_line(f"{name} view", None, None, seen, weight, weight * seen))
    return lines


def pairs_of_cluster(clusters: Clusters, cluster: int) -> NDArray[np.int64]:
    """The pairs of rows of a cluster that were compared.

    Args:
        clusters: The clusters.
        cluster: The number of one.

    Returns:
        Their places among all pairs, the highest score first, (n,) int64.
    """
    some = np.flatnonzero(clusters.label[clusters.left_rows] == cluster)
    return some[np.argsort(-clusters.score[some], kind="stable")]


def of_cluster(clusters: Clusters, some: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """The evidence of one cluster: a line for each pair of its rows that was compared.

    Args:
        clusters: The clusters.
        some: As `pairs_of_cluster` gives them.

    Returns:
        Columns as `Clusters.explain` says, of one length.
    """
    return {
        "left": frames.index_labels(clusters.table, clusters.left_rows[some]),
        "right": frames.index_labels(clusters.table, clusters.right_rows[some]),
        "score": clusters.score[some],
        "cosine": clusters.cosine[some],
    }


def of_pair(clusters: Clusters, place: int) -> dict[str, NDArray[Any]]:
    """The evidence of one pair of rows.

    Args:
        clusters: The clusters.
        place: The place of the pair among all pairs.

    Returns:
        Columns as `Clusters.explain` says, of one length.
    """
    rows = np.array([clusters.left_rows[place], clusters.right_rows[place]])
    two = frames.wrap(frames.take(clusters.table, rows), clusters.table.name)
    values = {name: frames.joined(two, [name], " ", False).tolist() for name in clusters.details["on"]}
    lines: list[tuple[Any, ...]] = [(name, *values[name], None) for name in values]
    lines.append(("cosine", None, None, float(clusters.cosine[place])))
    lines.append(("score", None, None, float(clusters.score[place])))
    names = ("item", "left", "right", "score")
    return {
        name: _array(name, [line[at] or None if at in (1, 2) else line[at] for line in lines])
        for at, name in enumerate(names)
    }


def _cosine(left: str, right: str) -> float | None:
    """Of the n-grams of two texts, all n-grams weighing alike; None where one is missing."""
    left, right = normalize(left), normalize(right)
    if not left or not right:
        return None
    view = lexical.fit([left], [right])
    return float((view.left @ view.right.T).toarray()[0, 0])


def _label(table: frames.Table, row: int) -> str:
    return str(frames.index_labels(table, np.array([row])).tolist()[0])


def _line(
    item: str,
    left: str | None,
    right: str | None,
    score: float | None,
    weight: float | None = None,
    contribution: float | None = None,
) -> tuple[Any, ...]:
    return item, left or None, right or None, score, weight, contribution


def _array(name: str, values: list[Any]) -> NDArray[Any]:
    if name in ("item", "left", "right"):
        return np.fromiter(values, dtype=object, count=len(values))
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
