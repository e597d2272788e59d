"""Kill jobs at random moments, start them again, and compare: python -m tests.fuzz.kill --moments 200."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.jobs import ANSWERS, JOBS, prepare, result
from tests.llm_server import Step, serving

ANSWER = '{"is_match": true, "confidence": 0.9}'


def main() -> int:
    """Kill each job at its share of the moments and print a table by job."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.kill", description=__doc__)
    parser.add_argument("--moments", type=int, default=200, help="how many in all (default 200)")
    parser.add_argument("--jobs", default=",".join(JOBS), help="which (default all)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default 0)")
    parser.add_argument("--json", type=Path, help="write the table to this file")
    args = parser.parse_args()
    names, rng, table = args.jobs.split(","), random.Random(args.seed), {}
    with TemporaryDirectory() as base:
        for name in names:
            table[name] = _of_job(name, Path(base), args.moments // len(names), rng)
            print(f"{name}: {table[name]}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(table, indent=1))
    return int(any(row["lost"] or row["half_written"] for row in table.values()))


def _of_job(name: str, base: Path, moments: int, rng: random.Random) -> dict[str, object]:
    counts: Counter[str] = Counter({"killed": 0, "finished_first": 0, "lost": 0, "half_written": 0})
    first, strays = base / f"{name}-first", set()
    with serving(lambda _server, _request: Step(ANSWER, hang=0.05)) as server:
        first.mkdir()
        prepare(first, server.url)
        seconds, _ = _timed(name, first)
        want, messages = result(name, first), []
        files = _files(first)
        for moment in range(moments):
            folder = base / f"{name}-{moment}"
            folder.mkdir()
            prepare(folder, server.url)
            asked = len(server.asked)
            process = _started(name, folder)
            try:
                process.wait(rng.uniform(0.2, 1) * seconds)
                counts["finished_first"] += 1
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                counts["killed"] += 1
            try:
                between = result(name, folder)
                counts["half_written"] += between is not None and between != want
            except Exception as error:
                counts["half_written"] += 1
                messages.append(f"after the kill: {error!r:.200}")
            _, output = _timed(name, folder)
            try:
                again = result(name, folder)
            except Exception as error:
                again = None
                messages.append(f"after the second run: {error!r:.200}")
            if again != want:
                counts["lost"] += 1
                messages.append(output[-300:])
            if name == "judge":
                counts["asked_again"] += max(0, len(server.asked) - asked - ANSWERS)
            strays |= _files(folder) - files
            shutil.rmtree(folder)
    return {
        "seconds": round(seconds, 1),
        **counts,
        "strays": len(strays),
        "messages": messages[:3],
        "stray": sorted(strays)[:3],
    }


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _started(name: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.jobs", name, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
    )


def _timed(name: str, folder: Path) -> tuple[float, str]:
    begin = time.perf_counter()
    output, _ = _started(name, folder).communicate()
    return time.perf_counter() - begin, output


if __name__ == "__main__":
    sys.exit(main())
