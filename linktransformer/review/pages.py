"""The pages of the review as HTML; every cell is escaped by the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from linktransformer.arrays import Column, Integers
from linktransformer.results.cluster_values import ClusterValues
from linktransformer.review import cells, pictures
from linktransformer.review.cluster_answers import ClusterList
from linktransformer.review.desk import Desk

__all__ = [
    "MEMBERS",
    "ROWS",
    "Filter",
    "Shown",
    "cluster_page",
    "clusters_page",
    "pair_page",
    "render",
    "table_page",
]

FOLDER = Path(__file__).parent
ROWS = 50  # of a page of the table
MEMBERS = 200  # rows of a cluster that are shown, and that an answer is about
NUMBERS = ("score", "match_weight", "contribution")
STATES = {"open": "without an answer", "answered": "with an answer", "all": "all"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What every page needs.

    Args:
        desk: The review.
        columns: The columns with pictures.
        reviewer: Whose page it is.
    """

    desk: Desk
    columns: tuple[tuple[str, str], ...]
    reviewer: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which pairs the table shows.

    Args:
        low: The lowest probability.
        high: The highest.
        state: A key of `STATES`.
        page: From 0.
    """

    low: float = 0.0
    high: float = 1.0
    state: str = "open"
    page: int = 0

    @staticmethod
    def of(values: Mapping[str, str]) -> Filter:
        """The filter of a query; what cannot be read is left at its default."""
        low, high = _number(values.get("low"), 0.0), _number(values.get("high"), 1.0)
        state = values.get("state", "open")
        page = _number(values.get("page"), 0.0)
        return Filter(low, high, state if state in STATES else "open", int(min(max(page, 0), 10**9)))

    def at(self, page: int) -> str:
        """The address of a page."""
        query = {"low": f"{self.low:g}", "high": f"{self.high:g}", "state": self.state, "page": page}
        return f"/table?{urlencode(query)}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    loader = FileSystemLoader(FOLDER / "templates", encoding="utf-8")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["bits"] = lambda value: "" if value is None else f"{value:+.2f}"
    environment.filters["share"] = lambda value: "" if value is None else f"{value:.3f}"
    return environment


def render(name: str, shown: Shown, **values: object) -> str:
    """A page from its template."""
    return (
        _environment()
        .get_template(name)
        .render(
            progress=shown.desk.progress(),
            reviewer=shown.reviewer,
            has_clusters=shown.desk.pairs.clusters is not None,
            **values,
        )
    )


def pair_page(shown: Shown, pair: int, message: str = "") -> str:
    """One pair, with the cells of both rows, pictures and the explanation."""
    pairs = shown.desk.pairs
    rows = int(pairs.left[pair]), int(pairs.right[pair])
    (given,) = shown.desk.given(shown.reviewer, [pair])
    return render(
        "pair.html",
        shown,
        pair=pair,
        labels=pairs.names(pair),
        tables=_table_names(shown),
        probability=float(pairs.probability[pair]),
        after=float(shown.desk.advice.probability[pair]),
        linked=bool(pairs.linked[pair]),
        given=given,
        message=message,
        columns=cells.compared(pairs.tables, pairs.on, rows, _picture_names(shown)),
        pictures=_picture_lines(shown, rows),
        lines=_lines(pairs.explained(pair)),
    )


def table_page(shown: Shown, wanted: Filter) -> str:
    """Fifty pairs, the most probable first."""
    pairs = shown.desk.pairs
    use = (pairs.probability >= wanted.low) & (pairs.probability <= wanted.high)
    if wanted.state != "all":
        use &= shown.desk.judged().answered == (wanted.state == "answered")
    found = np.flatnonzero(use)
    found = found[np.argsort(-pairs.probability[found], kind="stable")]
    last = max(0, (len(found) - 1) // ROWS)
    page = min(wanted.page, last)
    some = found[page * ROWS : (page + 1) * ROWS]
    columns = [(one, other) for one, other, is_key in cells.columns_beside(pairs.tables, pairs.on) if is_key]
    lines = [
        {"pair": pair, "labels": pairs.names(pair), "probability": probability, "given": given, "cells": line}
        for pair, probability, given, line in zip(
            some.tolist(),
            pairs.probability[some].tolist(),
            shown.desk.given(shown.reviewer, some.tolist()),
            _key_cells(shown, columns, some),
            strict=True,
        )
    ]
    return render(
        "table.html",
        shown,
        lines=lines,
        columns=columns,
        tables=_table_names(shown),
        wanted=wanted,
        states=STATES,
        here=wanted.at(page),
        before=wanted.at(page - 1) if page else None,
        after=wanted.at(page + 1) if page < last else None,
        found=len(found),
        first=page * ROWS,
    )


def clusters_page(shown: Shown, clusters: ClusterValues, listed: ClusterList, page: int) -> str:
    """Fifty clusters, the least certain first."""
    last = max(0, (len(listed.number) - 1) // ROWS)
    page = min(max(page, 0), last)
    part = slice(page * ROWS, (page + 1) * ROWS)
    first = np.unique(clusters.label, return_index=True)[1][listed.number[part]]
    texts = _members(shown, first)
    lines = zip(
        listed.number[part].tolist(),
        listed.size[part].tolist(),
        [None if weak != weak else weak for weak in listed.weakest[part].tolist()],
        texts,
        strict=True,
    )
    return render(
        "clusters.html",
        shown,
        lines=list(lines),
        names=shown.desk.pairs.on[0],
        found=len(listed.number),
        before=f"/clusters?page={page - 1}" if page else None,
        after=f"/clusters?page={page + 1}" if page < last else None,
    )


def cluster_page(shown: Shown, clusters: ClusterValues, number: int, message: str = "") -> str:
    """The rows of a cluster, and those of the most similar other one."""
    groups = []
    near, score = int(clusters.next_cluster[number]), float(clusters.next_score[number])
    for cluster in (number, near):
        rows = np.flatnonzero(clusters.label == cluster) if cluster >= 0 else np.empty(0, dtype=np.int64)
        some = rows[:MEMBERS]
        labels = [shown.desk.pairs.labels[0][row] for row in some.tolist()]
        images = [_picture_places(shown, 0, row) for row in some.tolist()]
        lines = zip(some.tolist(), labels, _members(shown, some), images, strict=True)
        groups.append({"cluster": cluster, "lines": list(lines), "rows": len(rows)})
    return render(
        "cluster.html",
        shown,
        number=number,
        own=groups[0],
        near=groups[1],
        score=score,
        has_pictures=bool(shown.columns),
        names=shown.desk.pairs.on[0],
        message=message,
    )


def _picture_names(shown: Shown) -> tuple[set[str], set[str]]:
    """The columns of each table that are shown as pictures, and not as text."""
    return {left for left, _ in shown.columns}, {right for _, right in shown.columns}


def _members(shown: Shown, rows: Integers) -> list[list[str]]:
    """The key cells of rows of one table."""
    pairs = shown.desk.pairs
    columns = [map(cells.short, cells.texts(pairs.tables[0], name, rows)) for name in pairs.on[0]]
    return [list(line) for line in zip(*columns, strict=True)] if columns else [[] for _ in rows]


def _key_cells(
    shown: Shown, columns: Sequence[tuple[str | None, str | None]], some: Integers
) -> list[list[tuple[str, str]]]:
    """The key cells of pairs: for each pair the left and the right cell of each column."""
    pairs = shown.desk.pairs
    sides = [
        [
            map(cells.short, cells.texts(pairs.tables[0], one, pairs.left[some])),
            map(cells.short, cells.texts(pairs.tables[1], other, pairs.right[some])),
        ]
        for one, other in columns
    ]
    lines = [list(zip(*side, strict=True)) for side in sides]
    return [list(line) for line in zip(*lines, strict=True)] if lines else [[] for _ in some]


def _table_names(shown: Shown) -> tuple[str, str]:
    """How the sides are called."""
    if shown.desk.pairs.clusters is not None:
        return "first row", "second row"
    left, right = shown.desk.pairs.tables
    return left.name, right.name


def _picture_places(shown: Shown, side: int, row: int) -> list[str]:
    """The addresses of the pictures of a row."""
    return [
        f"/picture/{side}/{row}/{place}"
        for place in range(len(shown.columns))
        if pictures.has_picture(shown.desk.pairs, shown.columns, side, row, place)
    ]


def _picture_lines(shown: Shown, rows: tuple[int, int]) -> list[tuple[str, list[str | None]]]:
    """For each column with pictures its name, and the addresses of the left and of the right one."""
    lines = []
    for place, names in enumerate(shown.columns):
        addresses = [
            f"/picture/{side}/{row}/{place}"
            if pictures.has_picture(shown.desk.pairs, shown.columns, side, row, place)
            else None
            for side, row in enumerate(rows)
        ]
        if any(addresses):
            lines.append((names[0] if names[0] == names[1] else " / ".join(names), addresses))
    return lines


def _lines(columns: Mapping[str, Column]) -> list[tuple[str, list[float | None]]]:
    """The explanation without its first line, which has the labels: each item with its three numbers."""
    n = len(columns["item"])
    numbers = [columns[name].tolist() if name in columns else [None] * n for name in NUMBERS]
    known = [
        [None if value is None or value != value else float(value) for value in side] for side in numbers
    ]
    return list(zip(map(str, columns["item"].tolist()), map(list, zip(*known, strict=True)), strict=True))[1:]


def _number(text: str | None, default: float) -> float:
    try:
        value = float(text) if text else default
    except ValueError:
        return default
    return value if value == value else default
