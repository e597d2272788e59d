"""Parts of the pages of links and of clusters: pairs by probability, thumbnails, options, versions."""

from __future__ import annotations

import itertools
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.charts import page
from linktransformer.charts.chart import Chart
from linktransformer.charts.page import PairRow
from linktransformer.errors import MissingExtraError
from linktransformer.optional import need
from linktransformer.results.thumbnails import image_tag
from linktransformer.tables import frames
from linktransformer.tables.frames import Table

if TYPE_CHECKING:
    from clippings.pictures.read import Picture

__all__ = ["BANDS", "Side", "bands", "charts", "fitting", "options", "over_bands", "pair_rows", "spread"]

BANDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1.0)  # of probability
SHOWN = (20, 10, 5, 2, 1)  # pairs of a band, until the page is small enough
PICTURES = 600_000  # characters of all thumbnails of a table of pairs
COLUMNS = 12  # key columns that a page shows the cells of
LIBRARIES = (
    "numpy",
    "scikit-learn",
    "scipy",
    "rapidfuzz",
    "narwhals",
    "onnxruntime",
    "tokenizers",
)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A table, its key columns in order of the pairs of columns, and its pictures."""

    table: Table
    on: Sequence[str]
    pictures: Sequence[Picture] | None

    def labels(self, rows: Integers) -> list[str]:
        """The labels of rows as text."""
        return [str(label) for label in frames.index_labels(self.table, rows).tolist()]

    def cells(self, rows: Integers) -> list[list[str]]:
        """The cells of rows, (n_columns) lists of (n_rows)."""
        some = self.table.rows(rows)
        return [frames.joined(some, [name], " ", False).tolist() for name in self.on[:COLUMNS]]

    def images(self, rows: Integers, budget: int) -> list[str]:
        """HTML of the pictures of rows; a remark where they would need more than `budget` characters."""
        tags: list[str] = []
        if self.pictures is None:
            return tags
        for row, label in zip(rows.tolist(), self.labels(rows), strict=True):
            tag = image_tag(self.pictures[row], f"picture of {self.table.name} row {label}")
            budget -= len(tag)
            tags.append(tag if budget >= 0 else "left out: the page would be too large")
        return tags


def pair_rows(
    left: Side,
    right: Side,
    rows: tuple[Integers, Integers],
    score: Floats,
    remarks: Sequence[str] | None = None,
) -> list[PairRow]:
    """Pairs of rows for a table of them."""
    cells = left.cells(rows[0]), right.cells(rows[1])
    labels = left.labels(rows[0]), right.labels(rows[1])
    with_pictures = left.pictures is not None or right.pictures is not None
    budget = PICTURES // (2 * len(BANDS))
    images = left.images(rows[0], budget), right.images(rows[1], budget)
    return [
        PairRow(
            float(score[k]),
            (labels[0][k], labels[1][k]),
            [(str(a[k]), str(b[k])) for a, b in zip(*cells, strict=True)],
            (images[0][k] if images[0] else "", images[1][k] if images[1] else "") if with_pictures else None,
            remarks[k] if remarks else "",
        )
        for k in range(len(score))
    ]


def spread(n: int, shown: int) -> Integers:
    """Positions of at most `shown` of n values, evenly spaced from the first to the last.

    Example:
        >>> spread(9, 3).tolist(), spread(2, 3).tolist()
        ([0, 4, 8], [0, 1])
    """
    if n <= shown:
        return np.arange(n)
    return np.linspace(0, n - 1, shown).round().astype(np.int64)


def over_bands(score: Floats, limit: int) -> Integers:
    """Positions of at most `limit` scores, as many of each band of probability as can be, rising.

    Example:
        >>> over_bands(np.array([0.1, 0.95, 0.96, 0.97, 0.98], "f4"), 3).tolist()
        [0, 1, 4]
    """
    parts = [positions for _, positions in bands(score)]
    chosen, left = [], limit
    for place, part in enumerate(sorted(parts, key=len)):  # what a small band leaves goes to larger ones
        share = left // (len(parts) - place)
        some = part[spread(len(part), share)] if share else part[:0]
        chosen.append(some)
        left -= len(some)
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)


def bands(score: Floats) -> list[tuple[str, Integers]]:
    """Names of the bands of probability, the lowest first, and the positions of their scores, rising."""
    order = np.argsort(score, kind="stable")
    at = np.searchsorted(score[order].astype(np.float64), BANDS[1:-1])
    parts = np.split(order, at)
    names = [f"{low:g} to {high:g}" for low, high in itertools.pairwise(BANDS)]
    return [(name, part) for name, part in zip(names, parts, strict=True) if len(part)]


def charts(makers: Sequence[Callable[[], Chart]]) -> list[str]:
    """Charts as inline SVG, made one by one; [] where the extra is missing."""
    try:
        need("vl_convert", extra="charts")
    except MissingExtraError:
        return []
    figures = "".join(page.figure(make(), place) for place, make in enumerate(makers))
    return [f'<div class="charts">{figures}</div>']


def fitting(make: Callable[[int], str]) -> str:
    """The page with the most pairs in each band that is below the limit; `make` takes their number.

    The last and smallest one if none is.
    """
    text = ""
    for shown in SHOWN:
        text = make(shown)
        if len(text.encode("utf-8")) < page.LIMIT:
            break
    return text


def options(report: Mapping[str, object]) -> list[str]:
    """The whole report and the versions of the libraries, as tables."""
    from linktransformer import __version__

    entries = [
        (name, value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False))
        for name, value in report.items()
        if name not in ("warnings", "warning_codes")
    ]
    installed = [("linktransformer", __version__), ("Python", platform.python_version())]
    for name in LIBRARIES:
        try:
            installed.append((name, version(name)))
        except PackageNotFoundError:  # not needed for this
            continue
    return [
        page.entry_table(entries, "The report: every option and count"),
        page.entry_table(installed, "Versions"),
    ]
