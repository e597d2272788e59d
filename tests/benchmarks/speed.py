"""CPU seconds and memory of linking by n-grams, beside TF-IDF and sparse_dot_topn in the same run.

Two jobs: rows of four columns, and many names. Each call is in a fresh process, the sides in turn; what
counts is the ratio of the medians. The seconds are those of the call alone, without imports and without
making the tables; the memory is the most that the process ever held.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tools import data
from tools.report import Report, Table, say

from . import decision_files, speed_tables
from .measure import JobError, environment, megabytes, run_job
from .score import score_pairs

BASELINE = "TF-IDF"
AUTO, ALL = "ours, auto", "ours, no threshold"
SIDES = (BASELINE, AUTO, ALL)
THRESHOLDS = {AUTO: "auto", ALL: None}
JOBS = {"records": 3_000, "names": 100_000}
TOP = 10
FEATURES = 200_000
LEAST = 1e-6  # cosine of a pair that has anything in common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--jobs", nargs="*", choices=list(JOBS), default=list(JOBS), help="what to link")
    parser.add_argument("--rows", type=int, default=None, help="rows a table; without it as each job has")
    parser.add_argument("--sides", nargs="*", choices=SIDES, default=list(SIDES), help="who links")
    parser.add_argument("--repeats", type=int, default=3, help="processes for each side and job")
    parser.add_argument("--threads", type=int, default=1, help="threads of the numeric libraries")
    parser.add_argument("--seed", type=int, default=speed_tables.SEED, help="of the tables")
    parser.add_argument("--timeout", type=float, default=1_800, help="seconds that one process may take")
    parser.add_argument("--model-file", type=Path, default=None, help="the decision model")


def run(options: argparse.Namespace) -> Report:
    """Every side of a job in turn, as often as wanted."""
    runs: list[dict[str, Any]] = []
    skipped: list[str] = []
    for job in options.jobs:
        rows = options.rows or JOBS[job]
        for repeat in range(options.repeats):
            for side in options.sides:
                try:
                    runs.append(once(job, rows, side, options))
                except JobError as error:
                    skipped.append(f"{job}, {side}, run {repeat + 1}: {error}")
                    continue
                say(f"{job}, {side}: {runs[-1]['CPU s']:.2f} CPU s, {runs[-1]['peak MB']:.0f} MB", note=True)
    middle = medians(runs)
    tables = [Table("runs", runs), Table("medians", middle), Table("ratios to TF-IDF", ratios(middle))]
    settings = {"threads": options.threads, "repeats": options.repeats, "seed": options.seed}
    return Report("speed", tables, skipped, settings)


def once(job: str, rows: int, side: str, options: argparse.Namespace) -> dict[str, Any]:
    """One call in a process of its own."""
    command = [sys.executable, "-m", f"{__package__}.speed", job, str(rows), side, str(options.seed)]
    env = environment(data.ROOT, threads=options.threads)
    if options.model_file is not None:
        env[decision_files.VARIABLE] = str(options.model_file.expanduser().resolve())
    measured = run_job(command, env, options.timeout)
    return {"job": job, "rows": rows, "side": side, **measured.result, "peak MB": measured.peak_mb}


def medians(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The median of each number, by job and side."""
    found = []
    for job, rows, side in dict.fromkeys((run["job"], run["rows"], run["side"]) for run in runs):
        of_side = [run for run in runs if (run["job"], run["side"]) == (job, side)]
        numbers = {
            name: float(median(run[name] for run in of_side))
            for name in ("CPU s", "seconds", "peak MB", "MB added", "F1")
        }
        found.append({"job": job, "rows": rows, "side": side, "runs": len(of_side), **numbers})
    return found


def ratios(middle: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What ours takes, in multiples of what the baseline takes."""
    base = {row["job"]: row for row in middle if row["side"] == BASELINE}
    numbers = ("CPU s", "seconds", "peak MB")
    return [
        {
            "job": row["job"],
            "rows": row["rows"],
            "side": row["side"],
            **{f"{name}, times": row[name] / base[row["job"]][name] for name in numbers},
            "F1 - baseline": row["F1"] - base[row["job"]]["F1"],
        }
        for row in middle
        if row["side"] != BASELINE and row["job"] in base
    ]


def cpu_seconds() -> float:
    """CPU seconds of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure(job: str, rows: int, side: str, seed: int) -> dict[str, Any]:
    """One call, after a small one that loads what is loaded once."""
    import pandas as pd

    make = speed_tables.records if job == "records" else speed_tables.names
    left, right, truth = (pd.DataFrame(part) for part in make(rows, seed))
    call = by_baseline if side == BASELINE else by_ours
    call(left.head(50), right.head(50), side)
    before = megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    wall, cpu = time.perf_counter(), cpu_seconds()
    pairs = call(left, right, side)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    peak = megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    score = score_pairs(pairs, zip(truth["left"], truth["right"], strict=True))
    return {
        "CPU s": cpu,
        "seconds": wall,
        "peak_mb": peak,
        "MB added": peak - before,
        "links": score.links,
        "F1": score.f1,
    }


def by_ours(left: Any, right: Any, side: str) -> list[tuple[Any, Any]]:
    """`lt.link` by n-grams."""
    lt: Any = importlib.import_module("linktransformer")
    links = lt.link(
        left, right, on=list(left.columns), model="lexical", threshold=THRESHOLDS[side], progress=False
    )
    return list(zip(links.pairs["left"].tolist(), links.pairs["right"].tolist(), strict=True))


def by_baseline(left: Any, right: Any, _: str = BASELINE) -> list[tuple[Any, Any]]:
    """Mutual best of the ten nearest by character trigrams, all columns as one text; pairs of row numbers."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sparse_dot_topn import sp_matmul_topn

    texts = [
        [
            " ".join(cell for cell in row if isinstance(cell, str) and cell)
            for row in table.to_numpy().tolist()
        ]
        for table in (left, right)
    ]
    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True, max_features=FEATURES, dtype=np.float32
    )
    vectorizer.fit(texts[0] + texts[1])
    one, two = (vectorizer.transform(side) for side in texts)
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    near = sp_matmul_topn(
        one, two.T.tocsr(), top_n=TOP, threshold=LEAST, sort=True, n_threads=threads
    ).tocoo()
    order = np.lexsort((near.col, -near.data, near.row))
    row, column, score = near.row[order], near.col[order], near.data[order]
    first = np.concatenate([[True], row[1:] != row[:-1]]) if len(row) else np.zeros(0, bool)
    best = np.full(len(right), -1.0, np.float32)
    np.maximum.at(best, column, score)
    mutual = first & (score >= best[column])
    return list(zip(row[mutual].tolist(), column[mutual].tolist(), strict=True))


if __name__ == "__main__":
    result = Path(sys.argv[sys.argv.index("--result") + 1])
    given = sys.argv[1 : sys.argv.index("--result")]
    found = measure(given[0], int(given[1]), given[2], int(given[3]))
    result.write_text(json.dumps(found), encoding="utf-8")
