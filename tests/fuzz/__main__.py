"""Run many random jobs and count what breaks: python -m tests.fuzz --cases 20000 --seed 1 --workers 16."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from tests.fuzz.cases import LIBRARIES
from tests.fuzz.draw import Run, drawn

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


def main() -> int:
    """Run, print each kind of fault with its smallest case, and write the counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (default 0)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--libraries", default=",".join(LIBRARIES), help="such as polars (default all)")
    parser.add_argument("--json", type=Path, help="write counts to this file")
    args = parser.parse_args()
    begin = time.perf_counter()
    libraries = tuple(args.libraries.split(","))
    share = -(-args.cases // args.workers)
    jobs = [(share, args.seed * 1_000 + worker, args.seconds, libraries) for worker in range(args.workers)]
    whole = Run()
    for part in [drawn(*jobs[0])] if args.workers == 1 else _in_processes(jobs):
        whole.outcomes.update(part.outcomes)
        for kind, (number, size, shown) in part.faults.items():
            whole.with_fault(kind, number, size, shown)
        if args.json:
            _write(args.json, _figures(whole, args, time.perf_counter() - begin))
    seconds, n = time.perf_counter() - begin, sum(whole.outcomes.values())
    print(f"{n} cases, {seconds:.0f} s")
    for name, number in sorted(whole.outcomes.items()):
        print(f"{number:7d}  {name}")
    for kind, (number, _, smallest) in sorted(whole.faults.items()):
        print(f"{number} x {kind}\n    {smallest}")
    return 0


def _write(path: Path, figures: dict[str, object]) -> None:
    path.write_text(json.dumps(figures, indent=1, ensure_ascii=False), encoding="utf-8", errors="replace")


def _figures(whole: Run, args: argparse.Namespace, seconds: float) -> dict[str, object]:
    """The counts as docs/runs/fuzz.json has them."""
    by_verb: dict[str, Counter[str]] = {}
    for name, number in whole.outcomes.items():
        verb, _, outcome = name.partition(": ")
        by_verb.setdefault(verb, Counter())[outcome.partition(" ")[0]] += number
    return {
        "command": f"python -m tests.fuzz --cases {args.cases} --seed {args.seed} --workers {args.workers}",
        "cases": sum(whole.outcomes.values()),
        "seconds": round(seconds),
        "libraries": args.libraries.split(","),
        "without": sorted(
            {"pandas", "polars", "pyarrow"} - {name.partition("_")[0] for name in args.libraries.split(",")}
        ),
        "python": sys.version.split()[0],
        "faulty_cases": sum(number for number, _, _ in whole.faults.values()),
        "by_verb": {verb: dict(counts) for verb, counts in sorted(by_verb.items())},
        "faults": {kind: {"cases": n, "smallest": shown} for kind, (n, _, shown) in whole.faults.items()},
    }


def _in_processes(jobs: list[tuple[int, int, float, tuple[str, ...]]]) -> Iterator[Run]:
    """The runs of several processes of one thread each; one that dies is a fault."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    with ProcessPoolExecutor(len(jobs), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(drawn, *job) for job in jobs]
        for future in as_completed(futures):
            try:
                yield future.result()
            except Exception as error:
                dead = Run()
                dead.with_fault(f"a process died: {error!r}"[:110], 1, 0, repr(error))
                yield dead


if __name__ == "__main__":
    sys.exit(main())
