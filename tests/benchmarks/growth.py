"""Time and memory of `dedup_rows` as the table grows: a row should cost about the same in any of them."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools import data
from tools.report import Report, Table, say

from .jobs import peak_mb
from .measure import JobError, environment, run_job

FIRMS = ("peers", "synthetic_firms.py")
ROWS = (10_000, 30_000, 100_000, 300_000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--rows", nargs="*", type=int, default=list(ROWS), help="rows of the tables")
    parser.add_argument("--on", nargs="*", default=["name"], help="key columns, of name and city")
    parser.add_argument("--model", default="lexical", help="the model argument of dedup_rows")
    parser.add_argument("--timeout", type=float, default=3_600, help="seconds that a table may take")


def run(options: argparse.Namespace) -> Report:
    """Every table in a fresh process, for its memory."""
    gone = data.missing(*FIRMS)
    if gone:
        return Report("growth", skipped=[gone])
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    for n_rows in options.rows:
        command = [sys.executable, "-m", f"{__package__}.growth", str(n_rows), options.model, *options.on]
        try:
            measured = run_job(command, environment(data.ROOT), options.timeout)
        except JobError as error:
            skipped.append(f"{n_rows}: {error}")
            continue
        rows.append(row_of(n_rows, {**measured.result, "peak MB": measured.peak_mb}))
        say(f"{n_rows}: {rows[-1]['seconds']:.1f} s, {rows[-1]['peak MB']:.0f} MB", note=True)
    tables = [Table("growth", rows), Table("summary", [summary(rows)])] if rows else []
    return Report("growth", tables, skipped, {"on": options.on, "model": options.model})


def row_of(n_rows: int, measured: dict[str, Any]) -> dict[str, Any]:
    """A line of the table, with what a row costs."""
    return {
        "rows": n_rows,
        **measured,
        "ms a row": 1_000 * measured["seconds"] / n_rows,
        "KB a row": 1_024 * measured["peak MB"] / n_rows,
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many times what a row costs in the first table it costs in the last one."""
    first, last = rows[0], rows[-1]
    return {
        "from": first["rows"],
        "to": last["rows"],
        "time a row, times": last["ms a row"] / first["ms a row"],
        "memory a row, times": last["KB a row"] / first["KB a row"],
        "peak MB": last["peak MB"],
        "rows lost": sum(row["rows lost"] for row in rows),
    }


def measure(n_rows: int, model: str, on: list[str]) -> dict[str, Any]:
    """One call, and whether each row is in the result or in the cluster of one that is."""
    lt: Any = importlib.import_module("linktransformer")
    table = data.module(*FIRMS).dirty_table(n_rows)
    given = table[on]
    wall, cpu = time.perf_counter(), time.process_time()
    kept, members = lt.dedup_rows(given, on, model=model, return_members=True, progress=False)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = peak_mb()
    scores = lt.metrics.score_clusters(members["cluster"], table["gid"])
    stand_for = members.loc[members["kept"], "cluster"]
    found = members["cluster"].isin(stand_for) & members.index.isin(given.index)
    return {
        "seconds": wall,
        "CPU s": cpu,
        "rows kept": len(kept),
        "clusters": int(members["cluster"].nunique()),
        "rows lost": n_rows - int(found.sum()),
        "f1": scores.f1,
        "b_cubed_f1": scores.b_cubed_f1,
        "peak_mb": peak,
    }


if __name__ == "__main__":
    result = Path(sys.argv[sys.argv.index("--result") + 1])
    given = sys.argv[1 : sys.argv.index("--result")]
    result.write_text(json.dumps(measure(int(given[0]), given[1], given[2:])), encoding="utf-8")
