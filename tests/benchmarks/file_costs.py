"""CPU seconds and memory of link_files by size, and the cost model of `dry_run=True` fitted on them.

Generated firms; a process for each run, n-grams only. The error of a run is that of the model fitted on the
other runs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools import data
from tools.report import Report, Table, say

from .engine import make_files
from .jobs import peak_mb
from .measure import JobError, environment, run_job

SIZES = (10_000, 30_000, 100_000, 300_000)
JOBS: dict[str, dict[str, Any]] = {
    "name by city": {"on": "name", "block_on": "city"},
    "name": {"on": "name"},
    "name, city": {"on": ["name", "city"]},
}
MOST = {"name by city": 10**9, "name": 30_000, "name, city": 30_000}  # rows: above, it takes long


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--sizes", nargs="*", type=int, default=list(SIZES), help="rows of each file")
    parser.add_argument("--timeout", type=float, default=3_600, help="seconds that a run may take")


def run(options: argparse.Namespace) -> Report:
    """Link files of each size in each way, and fit the costs."""
    rows, skipped = [], []
    with tempfile.TemporaryDirectory() as place:
        for size in options.sizes:
            make_files(Path(place) / str(size), size)
            for job in JOBS:
                if size > MOST[job]:
                    continue
                command = [sys.executable, "-m", __spec__.name, str(Path(place) / str(size)), job]
                try:
                    done = run_job(command, environment(data.ROOT), options.timeout)
                except JobError as error:
                    skipped.append(f"{size:,} rows, {job}: {error}")
                    continue
                rows.append({"rows": size, "job": job, **done.result})
                say(f"{size:,} rows, {job}: {rows[-1]['CPU s']:.1f} CPU s", note=True)
    tables = [Table("file costs", with_errors(rows))] if len(rows) > len(COSTS) else []
    return Report("file_costs", tables, skipped, {"fitted": fitted(rows)} if tables else {})


COSTS = ("start", "characters", "pairs")


def fitted(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """CPU seconds of a start, a character and a pair: least squares of relative errors, none below 0."""
    import numpy as np
    from scipy.optimize import nnls

    cost = np.array([[1.0, row["characters"], row["pairs"]] for row in rows])
    seconds = np.array([row["CPU s"] for row in rows])
    scale = cost.max(axis=0)
    found, _ = nnls(cost / scale / seconds[:, None], np.ones(len(rows)))
    return dict(zip(COSTS, (found / scale).tolist(), strict=True))


def with_errors(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each run with what the costs fitted on the others say of it."""
    told = []
    for place, row in enumerate(rows):
        costs = fitted([*rows[:place], *rows[place + 1 :]])
        said = costs["start"] + costs["characters"] * row["characters"] + costs["pairs"] * row["pairs"]
        told.append({**row, "CPU s said": said, "error": said / row["CPU s"] - 1})
    return told


def measured(folder: Path, job: str) -> dict[str, Any]:
    """One link of two tables."""
    import linktransformer as lt

    left, right = folder / "l", folder / "r"
    said = lt.link_files(left, right, None, dry_run=True, **JOBS[job])
    cpu, start = time.process_time(), time.perf_counter()
    links = lt.link_files(left, right, folder / "out.parquet", progress=False, **JOBS[job])
    cpu, seconds = time.process_time() - cpu, time.perf_counter() - start
    return {
        "characters": said.characters,
        "pairs": said.pairs_compared,
        "CPU s": cpu,
        "seconds": seconds,
        "pieces": links.details["search"]["pieces"],
        "peak MB": peak_mb(),
        "MB said": said.memory_bytes / 1e6,
    }


def main() -> None:
    """One run, in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("job")
    parser.add_argument("--result", type=Path, required=True)
    given = parser.parse_args()
    given.result.write_text(json.dumps(measured(given.folder, given.job)), encoding="utf-8")


if __name__ == "__main__":
    main()
