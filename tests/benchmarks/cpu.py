"""CPU seconds, memory and accuracy beside linktransformer 0.1.18, every job in a fresh process.

`CPU s (call)` is the call with the model that it loads; the packages are imported before it, but for what
ours imports at its first call. With blocks both sides link 50 rows before the clock starts: that job is about
the work, not about the start; its encoder looks up vectors made beforehand.
`CPU s (process)` is everything, making the tables included; `outside the encoder` takes the encoder's off
the call where it ran. Links under a threshold are decisions, so top-1 is lower there. "texts encoded" counts
what the encoder was given, "records encoded" is what the report of the links says, where it says so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import data
from tools.report import Report, Table, say

from . import peer
from .measure import JobError, Measured, environment, run_job
from .ours import encoding_of

FIRMS = ("peers", "synthetic_firms.py")
SCRIPT = Path(__file__).with_name("jobs.py")
MINILM = "minilm"  # stands for the weights in the peer's environment
GROUPS = ("merge", "blocks", "large", "million")


@dataclass(frozen=True, slots=True)
class Job:
    """A call on synthetic firms; jobs of one group are compared with the peer's job of that group."""

    group: str
    side: str
    what: str
    kind: str = "merge"
    rows: int = 5_000
    blocks: int = 50
    model: str = "default"
    threshold: str = "default"


JOBS = (
    Job("merge", "theirs", "0.1.18, MiniLM", model=MINILM),
    Job("merge", "ours", "default"),
    Job("merge", "ours", "default, threshold=None", threshold="none"),
    Job("merge", "ours", "model=lexical, threshold=None", model="lexical", threshold="none"),
    Job("blocks", "theirs", "0.1.18, precomputed vectors", kind="blocks", blocks=1_000, model="hash"),
    Job("blocks", "ours", "precomputed vectors", kind="blocks", blocks=1_000, model="hash"),
    Job("blocks", "ours", "the same, threshold=None", "blocks", 5_000, 1_000, "hash", "none"),
    Job("large", "ours", "default", rows=100_000),
    Job("large", "ours", "model=lexical", rows=100_000, model="lexical"),
    Job("million", "ours", "model=lexical", rows=1_000_000, model="lexical"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument(
        "--jobs", nargs="*", choices=GROUPS, default=list(GROUPS[:3]), help="which groups of jobs"
    )
    parser.add_argument("--sides", nargs="*", choices=["ours", "theirs"], default=["ours", "theirs"])
    parser.add_argument("--rows", type=int, default=None, help="this many rows instead, for a trial")
    parser.add_argument(
        "--peer-venv", type=Path, default=None, help=f"the peer's environment (else {peer.VARIABLE})"
    )
    parser.add_argument("--threads", type=int, default=None, help="threads of BLAS and OpenMP, both sides")
    parser.add_argument("--repeat", type=int, default=1, help="runs of a job; the middle one is shown")
    parser.add_argument("--timeout", type=float, default=3_600, help="seconds that a job may take")


def run(options: argparse.Namespace) -> Report:
    """Run the chosen jobs one after another; the ratios are against the peer's job of the group."""
    gone = data.missing(*FIRMS)
    if gone:
        return Report("cpu", skipped=[gone])
    skipped: list[str] = []
    python, why = peer.find(options.peer_venv) if "theirs" in options.sides else (None, "")
    if why:
        skipped.append(why)
    sides = set(options.sides) - ({"theirs"} if python is None else set())
    rows: list[dict[str, Any]] = []
    for job in JOBS:
        if job.group not in options.jobs or job.side not in sides:
            continue
        try:
            runs = [run_one(job, python, options) for _ in range(options.repeat)]
            middle = sorted(runs, key=lambda run: float(run.result["call_cpu_s"]))[len(runs) // 2]
            rows.append(row_of(job, options, middle))
            say(f"{job.group}, {job.side} {job.what}: {rows[-1]['CPU s (call)']:.1f} CPU s", note=True)
        except JobError as error:
            skipped.append(f"{job.group}, {job.side} {job.what}: {error}")
    settings = {
        "threads": options.threads,
        "repeat": options.repeat,
        "timeout": options.timeout,
        "rows": options.rows,
    }
    tables = [Table("cpu", rows), Table("ratios (theirs / ours)", ratios(rows))]
    return Report("cpu", tables, skipped, settings)


def run_one(job: Job, python: Path | None, options: argparse.Namespace) -> Measured:
    """One job in a fresh process, by the interpreter of its side."""
    ours = job.side == "ours"
    runner = Path(sys.executable) if ours or python is None else python
    model = str(peer.minilm(runner)) if job.model == MINILM else job.model
    rows = options.rows or job.rows
    arguments = {
        "side": job.side,
        "rows": rows,
        "blocks": min(job.blocks, rows),
        "model": model,
        "threshold": job.threshold,
        "firms": data.shared().joinpath(*FIRMS),
    }
    flags = [text for name, value in arguments.items() for text in (f"--{name}", str(value))]
    env = environment(*([data.ROOT] if ours else []), threads=options.threads)
    return run_job([str(runner), str(SCRIPT), job.kind, *flags], env, options.timeout)


def row_of(job: Job, options: argparse.Namespace, measured: Measured) -> dict[str, Any]:
    """A line of the table."""
    values = measured.result
    encoder = values.get("encoder_cpu_s") if values.get("encoder_calls") else None
    return {
        "job": job.group,
        "side": job.side,
        "what": job.what,
        "n": options.rows or job.rows,
        "CPU s (call)": values["call_cpu_s"],
        "outside the encoder": None if encoder is None else values["call_cpu_s"] - encoder,
        "wall s (call)": values["call_s"],
        "CPU s (import)": values["import_cpu_s"],
        "CPU s (process)": measured.cpu_s,
        "peak MB": measured.peak_mb,
        "top-1": values["top1"],
        "precision": values["precision"],
        "links": values["links"],
        "rows out": values["rows_out"],
        **encoding_of(values),
    }


def ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Theirs over ours: above 1 we take less CPU or memory; top-1 as a difference, ours less theirs."""
    peers = {row["job"]: row for row in rows if row["side"] == "theirs"}
    found = []
    for row in rows:
        other = peers.get(row["job"])
        if other is None or row["side"] == "theirs":
            continue
        line: dict[str, Any] = {"job": row["job"], "ours": row["what"]}
        for name in ("CPU s (call)", "outside the encoder", "CPU s (process)", "peak MB"):
            line[name] = other[name] / row[name] if other[name] and row[name] else None
        found.append({**line, "top-1, ours - theirs": row["top-1"] - other["top-1"]})
    return found
