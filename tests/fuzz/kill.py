"""Kill jobs at random moments, start them again, and compare: python -m tests.fuzz.kill --moments 200.

The processes are forked from one that has imported the package, and get SIGKILL with their children.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.fuzz.jobs import ANSWERS, JOBS, prepare, result, run
from tests.llm_server import Step, serving

ANSWER = '{"is_match": true, "confidence": 0.9}'
IMPORTED = [
    *("tests.fuzz.jobs", "pandas", "pyarrow.parquet", "onnxruntime", "tokenizers", "sentence_transformers"),
    *("linktransformer.cli.main", "linktransformer.linking.merge", "linktransformer.linking.compare_tables"),
    *("linktransformer.partitions.link_files", "linktransformer.training.train", "model_hub.publishing"),
    *("linktransformer.linking.llm_judge", "linktransformer.review.answers", "clippings.training.trainer"),
]
LIMIT = 300.0  # seconds that a job may take


@dataclass(frozen=True)
class Job:
    """A job whose folder is prepared, and what it leaves when nobody kills it."""

    name: str
    context: ForkServerContext
    prepared: Path
    seconds: float
    want: Any
    files: frozenset[str]


def main() -> int:
    """Kill each job at its share of the moments and print a table by job."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.kill", description=__doc__)
    parser.add_argument("--moments", type=int, default=204, help="how many in all (default 204)")
    parser.add_argument("--jobs", default=",".join(JOBS), help="which (default all)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default 0)")
    parser.add_argument("--workers", type=int, default=1, help="moments at a time (default 1)")
    parser.add_argument("--json", type=Path, help="write the table to this file")
    args = parser.parse_args()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    os.environ |= {"LINKTRANSFORMER_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
    names, table = args.jobs.split(","), {}
    context = get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    with TemporaryDirectory() as base, serving(lambda _s, _r: Step(ANSWER, hang=0.05)) as server:
        prepared = Path(base) / "prepared"
        prepared.mkdir()
        prepare(prepared, server.url)
        for name in names:
            asked = len(server.asked)
            table[name] = _of_job(name, prepared, args.moments // len(names), args, context)
            if name == "judge":
                again = len(server.asked) - asked - ANSWERS * (args.moments // len(names) + 2)
                table[name]["asked_again"] = max(0, again)
            print(f"{name}: {table[name]}", flush=True)
            if args.json:
                args.json.write_text(json.dumps(table, indent=1))
    return int(any(row["lost"] or row["half_written"] for row in table.values()))


def _of_job(
    name: str, prepared: Path, moments: int, args: argparse.Namespace, context: ForkServerContext
) -> dict[str, Any]:
    first = prepared.parent / f"{name}-first"
    shutil.copytree(prepared, first)
    _joined(_started(context, name, first), LIMIT)  # the first one starts the server of processes
    shutil.rmtree(first)
    shutil.copytree(prepared, first)
    begin = time.perf_counter()
    _joined(_started(context, name, first), LIMIT)
    seconds, want = time.perf_counter() - begin, result(name, first)
    if want is None:
        raise SystemExit(f"{name} leaves nothing: {Path(f'{first}.output').read_text()[-2000:]}")
    job = Job(name, context, prepared, seconds, want, _files(first))
    rng = random.Random(f"{args.seed} {name}")
    shares = [rng.uniform(0.02, 1) for _ in range(moments)]
    with ThreadPoolExecutor(args.workers) as pool:
        counts = sum(pool.map(lambda at: _moment(job, *at), enumerate(shares)), Counter())
    messages = [key for key in counts if " " in key]
    names = ("killed", "finished_first", "lost", "half_written", "left_over_files")
    return {"seconds": round(seconds, 1), **{key: counts[key] for key in names}, "messages": messages[:3]}


def _moment(job: Job, number: int, share: float) -> Counter[str]:
    """Kill a job after this share of its time, look at what is there, and run it again."""
    counts: Counter[str] = Counter()
    folder = job.prepared.parent / f"{job.name}-{number}"
    shutil.copytree(job.prepared, folder)
    process = _started(job.context, job.name, folder)
    counts["finished_first" if _joined(process, share * job.seconds) else "killed"] += 1
    try:
        between = result(job.name, folder)
        counts["half_written"] += between is not None and between != job.want
    except Exception as error:
        counts["half_written"] += 1
        counts[f"after the kill: {error!r:.200}"] += 1
    _joined(_started(job.context, job.name, folder), LIMIT)
    try:
        again = result(job.name, folder)
    except Exception as error:
        again = None
        counts[f"after the second run: {error!r:.200}"] += 1
    if again != job.want:
        counts["lost"] += 1
        counts[f"output: {Path(f'{folder}.output').read_text()[-300:]}"] += 1
    left_over = _files(folder) - job.files
    counts["left_over_files"] += bool(left_over)
    if left_over:
        counts[f"left over: {sorted(left_over)[:3]}"] += 1
    shutil.rmtree(folder)
    return counts


def _files(folder: Path) -> frozenset[str]:
    """The files of a folder; those of a cache have random names."""
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return frozenset(str(path) for path in names if path.parts[0] not in ("cache", "answers"))


def _started(context: ForkServerContext, name: str, folder: Path) -> ForkServerProcess:
    process = context.Process(target=run, args=(name, str(folder)))
    process.start()
    return process


def _joined(process: ForkServerProcess, seconds: float) -> bool:
    """Whether a process ended by itself in this time; else it and its children are killed."""
    process.join(seconds)
    if process.exitcode is not None:
        return True
    for kill in (os.killpg, os.kill):  # the group is there as soon as the process has begun
        try:
            kill(process.pid or 0, signal.SIGKILL)
        except ProcessLookupError:
            continue
        break
    process.join()
    return False


if __name__ == "__main__":
    sys.exit(main())
