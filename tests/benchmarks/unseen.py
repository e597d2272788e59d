"""Links and clusters of lists that nothing was trained on: firms, funds, airports, places, languages.

The default beside n-grams alone, the default without the reader, and character n-gram TF-IDF: each row's best
match, mutual best, and mutual best at the threshold that is best for the truth ("oracle").
"""

from __future__ import annotations

import argparse
import importlib
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tools.data import TwoTables, baseline
from tools.report import Report, Table, say

from . import ours
from .score import score_pairs
from .unseen_data import one_table, two_tables

MODES: dict[str, dict[str, Any]] = {
    "n-grams": {"model": "lexical"},
    "without reader": {"reader": False},
    "default": {},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--data", type=Path, required=True, help="what `unseen_data` downloaded")
    parser.add_argument("--only", default="", help="only sets with this in their name")


def run(options: argparse.Namespace) -> Report:
    """Link and cluster every set."""
    folder = options.data.expanduser()
    links = [of_links(tables) for tables in two_tables(folder) if options.only in tables.name]
    clusters = [
        of_clusters(name, table, codes)
        for name, (table, codes) in one_table(folder).items()
        if options.only in name
    ]
    return Report("unseen", [Table("two tables", links), Table("one table", clusters)])


def of_links(tables: TwoTables) -> dict[str, Any]:
    """F1 of one set by every mode, with precision, recall and the estimated precision of the default."""
    row: dict[str, Any] = {
        "set": tables.name, "rows": f"{len(tables.left)} x {len(tables.right)}", "matches": len(tables.truth)
    }  # fmt: skip
    for name, pairs in by_tfidf(tables):
        row[f"TF-IDF {name}"] = score_pairs(pairs, tables.truth).f1
    for name, arguments in MODES.items():
        outcome = ours.link(tables, **arguments)
        score = score_pairs(outcome.pairs, tables.truth)
        row |= {name: score.f1}
        if name == "default":
            row |= {
                "precision": score.precision,
                "estimated": outcome.precision,
                "recall": score.recall,
                "CPU s": outcome.cpu_seconds,
            }
    say(", ".join(f"{name} {value}" for name, value in row.items()), note=True)
    return row


def of_clusters(name: str, table: Any, codes: list[str]) -> dict[str, Any]:
    """F1 of pairs of one table by every mode."""
    lt: Any = importlib.import_module("linktransformer")
    row: dict[str, Any] = {"set": name, "rows": len(table), "things": len(set(codes))}
    for mode, arguments in MODES.items():
        began = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", lt.LinkWarning)
            clusters = lt.cluster(table, list(table.columns), progress=False, **arguments)
        scores = clusters.evaluate(codes)
        row[mode] = scores["f1"]
        if mode == "default":
            row |= {
                "precision": scores["precision"],
                "recall": scores["recall"],
                "CPU s": time.process_time() - began,
            }
    say(", ".join(f"{key} {value}" for key, value in row.items()), note=True)
    return row


def by_tfidf(tables: TwoTables) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The links of TF-IDF, in the three ways of the module's text."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    floor = baseline()
    texts = [floor.texts(side.astype(str)) for side in (tables.left, tables.right)]
    maker = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, dtype=np.float32)
    vectors = maker.fit_transform(texts[0] + texts[1])
    n = len(tables.left)
    best, score, back = floor.best_both_ways(vectors[:n], vectors[n:])
    yield "best", [(str(row), str(other)) for row, other in enumerate(best)]
    mutual = [row for row in range(n) if back[best[row]] == row and score[row] > 0]
    yield "mutual", [(str(row), str(best[row])) for row in mutual]
    ranked = [(str(row), str(best[row])) for row in sorted(mutual, key=lambda row: -score[row])]
    right = np.cumsum([pair in tables.truth for pair in ranked])
    f1 = 2 * right / (np.arange(1, len(ranked) + 1) + len(tables.truth))
    yield "oracle", ranked[: int(f1.argmax()) + 1] if len(ranked) else []
