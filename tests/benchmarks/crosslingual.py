"""The text model alone on the three sets whose tables are in two languages: hit@1, beside character TF-IDF.

A query is a left row with a match, one text column, searched among all right rows (`--limit`: among the
matches of so many queries and as many other rows, for a quick look). Right is the right row of a match.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from tools import data
from tools.report import Report, Table, say

from .probes import called, dense, encoder

COLUMNS: Mapping[str, tuple[str, str]] = {
    "google_taxonomy_en_de": ("category", "category"),
    "edinet_ja_en_companies": ("name", "name"),
    "geonames_cities_altnames": ("name", "name"),
}
AT_ONCE = 2048  # queries


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument(
        "--models", nargs="+", default=["lexical", "linker-multilingual"], help="as in probes"
    )
    parser.add_argument("--names", nargs="*", default=list(COLUMNS), choices=list(COLUMNS))
    parser.add_argument("--limit", type=int, default=0, help="queries of a set, at random; 0 for all")
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> Report:
    """Measure every model on every set."""
    notes = [line for line in (data.missing("data", name) for name in options.names) if line]
    rows = []
    names = [name for name in options.names if not data.missing("data", name)]
    for model in options.models:
        row: dict[str, Any] = {"model": called(model)}
        began = time.perf_counter()
        for name in names:
            queries, items, truth = task(
                data.load(data.shared() / "data" / name), options.limit, options.seed
            )
            encode = encoder(model, [*queries, *items])
            row[name] = hit(encode(queries), encode(items), truth)
            say(f"{model} {name}: {row[name]:.3f} ({len(queries)} x {len(items)})", note=True)
        row["seconds"] = time.perf_counter() - began
        rows.append(row)
    settings = {"limit": options.limit, "seed": options.seed}
    return Report("crosslingual", [Table("crosslingual", rows)], notes, settings)


def task(
    tables: data.TwoTables, limit: int = 0, seed: int = 0
) -> tuple[list[str], list[str], list[set[int]]]:
    """Texts of the left rows with a match, those of right rows, and the right places of each query."""
    left, right = COLUMNS[tables.name]
    of: dict[str, set[str]] = {}
    for one, other in sorted(tables.truth):
        of.setdefault(one, set()).add(other)
    text = dict(zip(tables.left["id"], tables.left[left], strict=True))
    wanted, ids = sorted(of), tables.right["id"].tolist()
    if limit and limit < len(wanted):
        draw = np.random.default_rng(seed)
        wanted = [wanted[at] for at in sorted(draw.choice(len(wanted), limit, replace=False).tolist())]
        matched = set().union(*(of[one] for one in wanted))
        others = [other for other in sorted(ids) if other not in matched]
        spare = draw.choice(len(others), min(limit, len(others)), replace=False).tolist()
        ids = sorted(matched | {others[at] for at in spare})
    name = dict(zip(tables.right["id"], tables.right[right], strict=True))
    place = {one: at for at, one in enumerate(ids)}
    return (
        [text[one] for one in wanted],
        [name[one] for one in ids],
        [{place[x] for x in of[one]} for one in wanted],
    )


def hit(queries: Any, items: Any, truth: list[set[int]]) -> float:
    """The share of queries whose nearest item is right; ties go to the lower item. Rows may be sparse.

    Example:
        >>> hit(np.eye(2), np.eye(2), [{0}, {0}])
        0.5
    """
    best: list[int] = []
    for start in range(0, len(truth), AT_ONCE):
        best += dense(queries[start : start + AT_ONCE] @ items.T).argmax(axis=1).tolist()
    return float(np.mean([one in of for one, of in zip(best, truth, strict=True)]))
