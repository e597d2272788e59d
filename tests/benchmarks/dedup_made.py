"""Clusters of made tables: all kinds, sizes and shares of duplicates; nothing is tuned or trained on them."""

from __future__ import annotations

import argparse
import importlib
import time
import warnings
from typing import Any

from tools.report import Report, Table, say

from .made_tables import KINDS, Made, make, spellings

SHARES = (0.0, 0.02, 0.1, 0.5)
FIRMS = (100, 1_000, 3_000)
SEED = 20261


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--rows", type=int, nargs="*", default=[200, 1_000, 5_000], help="rows of a table")
    parser.add_argument("--kinds", nargs="*", default=[], help="only these kinds")
    parser.add_argument("--seed", type=int, default=SEED)


def run(options: argparse.Namespace) -> Report:
    """Every table by `cluster` with its defaults."""
    rows = []
    for kind in options.kinds or KINDS:
        for n in options.rows:
            for share in SHARES:
                rows.append(
                    {"kind": kind, "duplicates": share, **measure(make(kind, n, share, options.seed))}
                )
                say(f"{kind}, {n}, {share}: F1 {rows[-1]['f1']:.3f}, lost {rows[-1]['lost']:.3f}", note=True)
    if not options.kinds:
        rows += [
            {
                "kind": "28 spellings of a firm",
                "duplicates": 27 / (n + 28),
                **measure(spellings(n, options.seed)),
            }
            for n in FIRMS
        ]
    return Report("dedup_made", [Table("made tables", rows)])


def measure(made: Made) -> dict[str, Any]:
    """Scores of one table; "lost" is the share of things of which no row is kept."""
    lt: Any = importlib.import_module("linktransformer")
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lt.LinkWarning)
        clusters = lt.cluster(made.table, list(made.table.columns), progress=False)
    seconds = time.perf_counter() - began
    scores = clusters.evaluate(made.truth)
    kept = {made.truth[row] for row in clusters.representatives("first").tolist()}
    things = len(set(made.truth))
    return {
        "rows": len(made.truth),
        "f1": scores["f1"],
        "precision": scores["precision"],
        "recall": scores["recall"],
        "lost": 1 - len(kept) / things,
        "seconds": seconds,
    }
