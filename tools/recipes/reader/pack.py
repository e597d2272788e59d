"""Candidate pairs of tasks as tokens: what the reader learns from, in one file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clippings.text.pair_reader import COLUMNS, cut_lengths
from model_hub import bundled
from tools.report import say

__all__ = ["add_arguments", "near", "records", "run"]

MOST = 48  # tokens of a record that are kept
NEAREST = 5  # candidates of a record that are kept, and all matches
PAIRS = 60_000  # of a task
LETTERS = 600  # of a cell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("pairs", type=Path, help="folder that the step `pairs` wrote")
    parser.add_argument("out", type=Path, help="the file, .npz")


def run(options: argparse.Namespace) -> None:
    """Put all tasks into one file."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(bundled().file("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    parts: dict[str, list[np.ndarray]] = {
        name: [] for name in ("ids", "cols", "lens", "left", "right", "y", "own", "task")
    }
    tasks: list[dict[str, object]] = []
    base = 0
    for number, path in enumerate(sorted(options.pairs.glob("*.npz"))):
        with np.load(path) as file:
            about, cells = json.loads(str(file["about"])), json.loads(str(file["cells"]))
            left, right, y, own = (file[name] for name in ("left", "right", "y", "own"))
        starts = []
        for side in cells:
            made = records(side, tokenizer)
            for name, values in zip(("ids", "cols", "lens"), made, strict=True):
                parts[name].append(values)
            starts.append(base)
            base += len(side)
        at = np.flatnonzero(y | near(left, own) | near(right, own))
        if len(at) > PAIRS:
            at = np.sort(np.random.default_rng(number).choice(at, PAIRS, replace=False))
        of_task = {
            "left": (left[at] + starts[0]).astype(np.int32),
            "right": (right[at] + starts[-1]).astype(np.int32),
            "y": y[at],
            "own": own[at].astype(np.float16),
            "task": np.full(len(at), number, np.int16),
        }
        for name, values in of_task.items():
            parts[name].append(values)
        tasks.append({**about, "file": path.name, "kept": len(at)})
    if not tasks:
        raise SystemExit(f"{options.pairs} has no pairs")
    packed = {name: np.concatenate(values) for name, values in parts.items()}
    np.savez_compressed(options.out, **packed, tasks=np.array(json.dumps(tasks)))
    pairs, matches = len(packed["y"]), int(packed["y"].sum())
    say(f"{len(tasks)} tasks, {base} records, {pairs} pairs, {matches} matches, {len(packed['ids'])} tokens")


def near(records_of: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Whether a pair is among the nearest of its record, by the decision's own log-odds."""
    order = np.lexsort((-own, records_of))
    ordered = records_of[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    place = np.arange(len(order))
    rank = place - np.maximum.accumulate(np.where(first, place, 0))
    found = np.zeros(len(order), dtype=bool)
    found[order[rank < NEAREST]] = True
    return found


def records(cells: Sequence[Sequence[str]], tokenizer: Any, most: int = MOST) -> tuple[np.ndarray, ...]:
    """Records as tokens.

    Returns:
        Tokens of all records one after the other, uint16; the column of each, uint8; tokens of each record.
    """
    n, width = len(cells), len(cells[0])
    flat = [cell[:LETTERS] for row in cells for cell in row]
    encoded = [one.ids for one in tokenizer.encode_batch(flat, add_special_tokens=False)]
    kept = cut_lengths(np.fromiter(map(len, encoded), np.int64, len(encoded)).reshape(n, width), most)
    counts = kept.ravel()
    ids = np.fromiter(
        (number for one, count in zip(encoded, counts.tolist(), strict=True) for number in one[:count]),
        np.uint16, int(counts.sum()),
    )  # fmt: skip
    column = np.repeat(np.tile(np.minimum(np.arange(width), COLUMNS - 1), n), counts).astype(np.uint8)
    return ids, column, kept.sum(axis=1).astype(np.uint8)
