"""F1 on the published test pairs of six sets, beside the figures of models that were made for pairs.

The whole tables are linked without a label; a test pair is predicted a match if it is among the links. The
other figures are published ones: AnyMatch (1B) and GPT-4, both without labels of the set itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools import data
from tools.report import say

from . import decision_files, ours, splink_links
from .score import PairScore, mean, score_pairs

PUBLISHED = {  # set: AnyMatch 1B, GPT-4
    "dm_abt_buy": (0.893, 0.924),
    "dm_amazon_google": (0.693, 0.750),
    "dm_dblp_acm": (0.965, 0.960),
    "dm_beer": (0.953, 0.825),
    "dm_zomato_yelp": (0.982, 0.979),
    "dm_rotten_imdb": (0.959, 0.972),
}
MANY = "m:m, .5"
DEFAULT = "default"
PREFIX = "pairs/"  # of these sets among the figures of the rules


def names(wanted: list[str]) -> list[str]:
    """The sets that are there and wanted, in the order of the published figures."""
    present = data.names(wanted)
    return [name for name in PUBLISHED if name in present]


def measure(
    name: str,
    options: argparse.Namespace,
    given: Mapping[str, Any],
    rules: Mapping[str, float],
    python: Path | None,
) -> dict[str, Any]:
    """One set: links of any number a row at .5, and the default, on the pairs of the test split."""
    tables = data.load(data.shared() / "data" / name)
    labels = data.labelled_pairs(name)
    with decision_files.deciding(name, options), ours.encoding_once():
        found = {
            MANY: ours.link(tables, validate="m:m", threshold=0.5, **given).pairs,
            DEFAULT: ours.link(tables, validate="m:1", threshold="auto", **given).pairs,
        }
    scores = {way: score(pairs, labels) for way, pairs in found.items()}
    row: dict[str, Any] = {"data set": name, "test pairs": len(labels), "matches": sum(labels.values())}
    for way, counted in scores.items():
        row |= {f"F1 ({way})": counted.f1, f"precision ({way})": counted.precision}
        row[f"recall ({way})"] = counted.recall
    row |= {"rules": rules.get(PREFIX + name)}
    row |= dict(zip(("AnyMatch 1B", "GPT-4"), PUBLISHED[name], strict=True))
    if python is not None and splink_links.comparable(tables):
        pairs = splink_links.scored(python, tables, options.timeout)
        row["Splink"] = None if pairs is None else score(frozenset(pairs), labels).f1
    say(f"{name}, test pairs: F1 {row[f'F1 ({MANY})']:.3f}, {row[f'F1 ({DEFAULT})']:.3f}", note=True)
    return row


def score(links: frozenset[tuple[str, str]], labels: Mapping[tuple[str, str], bool]) -> PairScore:
    """Counts over the labelled pairs alone.

    Example:
        >>> score(frozenset({("a", "x"), ("b", "z")}), {("a", "x"): True, ("b", "y"): False}).f1
        1.0
    """
    matches = [pair for pair, match in labels.items() if match]
    return score_pairs((pair for pair in links if pair in labels), matches)


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means of every F1 over the sets that have it."""
    columns = [f"F1 ({MANY})", f"F1 ({DEFAULT})", "rules", "AnyMatch 1B", "GPT-4", "Splink"]
    means = {
        column: mean(values)
        for column in columns
        if (values := [row[column] for row in rows if row.get(column) is not None])
    }
    return {"data sets": len(rows), **means}
