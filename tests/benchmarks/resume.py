"""A merge that is killed and run again: the same result, and what was encoded before is not encoded again."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.data import ROOT
from tools.report import Report, Table, say

POINTS = (0.04, 0.5, 0.95)  # shares of the vectors that are on disk when the process is killed
ROW_BYTES = 4 * 384 + 16  # a vector of the bundled model and its key
JOB = """
import json, sys, time
import pandas as pd
import linktransformer as lt
from model_hub import bundled
from tests.benchmarks.query import firms
rows, cache, out = int(sys.argv[1]), sys.argv[2] or None, sys.argv[3]
names, others = firms(rows)
left, right = pd.DataFrame({"name": others}), pd.DataFrame({"name": names})
began = time.perf_counter()
links = lt.link(left, right, on="name", model=bundled().path, cache=cache, progress=False)
took = time.perf_counter() - began
links.pairs[["left", "right", "score"]].to_parquet(out)
said = {"seconds": round(took, 1), "links": len(links), **links.report().get("cache", {})}
open(out + ".json", "w").write(json.dumps(said))
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--rows", type=int, default=50_000, help="rows of either table")
    parser.add_argument("--shared", type=int, default=5_000, help="rows where two processes share a cache")
    parser.add_argument("--folder", type=Path, default=None, help="where to work; None is a temporary folder")


def run(options: argparse.Namespace) -> Report:
    """Merge without a cache, then with one that is killed three times, shared, and damaged."""
    with tempfile.TemporaryDirectory() as place:
        folder = place if options.folder is None else options.folder
        return measured(Path(folder), options.rows, options.shared)


def measured(folder: Path, rows: int, shared: int) -> Report:
    """All steps.

    Args:
        folder: Where to work.
        rows: Rows of either table.
        shared: Rows of either table where two processes share a cache.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = finished(start(rows, None, folder / "plain"), folder / "plain")
    same = wanted.pop("pairs")
    steps: list[dict[str, Any]] = [{"step": "without a cache", **wanted}]
    say(json.dumps(steps[-1]), note=True)
    cache = folder / "vectors"
    different = texts_of(rows)
    for share in POINTS:
        found = killed_at(start(rows, cache, folder / "killed"), cache, int(share * different))
        steps.append({"step": f"killed at {share:.0%}", "vectors on disk": found})
        say(json.dumps(steps[-1]), note=True)
    again = finished(start(rows, cache, folder / "again"), folder / "again")
    steps.append(compared("run again", again, same))
    say(json.dumps(steps[-1]), note=True)
    for name, damage in (("a file cut short", cut), ("a byte altered", altered)):
        lost = damage(sorted(cache.rglob("*.vectors"))[0])
        found = finished(start(rows, cache, folder / "damaged"), folder / "damaged")
        steps.append({**compared(name, found, same), "vectors in that file": lost})
        say(json.dumps(steps[-1]), note=True)
    alone = finished(start(shared, None, folder / "small"), folder / "small")
    both = folder / "both"
    jobs = [(start(shared, both, folder / name), folder / name) for name in ("one", "two")]
    for number, (job, out) in enumerate(jobs, 1):
        found = finished(job, out)
        steps.append(compared(f"{shared:,} rows, process {number} of two at once", found, alone["pairs"]))
    third = finished(start(shared, both, folder / "third"), folder / "third")
    steps.append(compared(f"{shared:,} rows, a third one after them", third, alone["pairs"]))
    settings = {"rows": rows, "different texts": different, "machine": platform.machine()}
    return Report("resume", [Table("a merge that is killed and run again", steps)], settings=settings)


def start(rows: int, cache: Path | None, out: Path) -> subprocess.Popen[bytes]:
    """Begin a merge in a process of its own."""
    out.with_suffix(".parquet").unlink(missing_ok=True)
    target = str(out.with_suffix(".parquet"))
    given = [sys.executable, "-c", JOB, str(rows), "" if cache is None else str(cache), target]
    return subprocess.Popen(given, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})


def finished(job: subprocess.Popen[bytes], out: Path) -> dict[str, Any]:
    """Wait for a merge; what it says, and its pairs."""
    if job.wait():
        raise SystemExit(f"the merge ended with status {job.returncode}")
    target = out.with_suffix(".parquet")
    said: dict[str, Any] = json.loads(Path(f"{target}.json").read_text())
    pd: Any = importlib.import_module("pandas")
    return {**said, "pairs": pd.read_parquet(target)}


def compared(step: str, found: dict[str, Any], wanted: Any) -> dict[str, Any]:
    """What a run says, and whether its pairs and scores are those wanted, to the last bit."""
    pairs = found.pop("pairs")
    return {"step": step, **found, "the same": bool(pairs.equals(wanted))}


def killed_at(job: subprocess.Popen[bytes], cache: Path, vectors: int) -> int:
    """Kill a merge as soon as so many vectors are on disk.

    Args:
        job: The process.
        cache: Its cache.
        vectors: How many.

    Returns:
        How many there are then.
    """
    while job.poll() is None:
        if on_disk(cache) >= vectors:
            job.send_signal(signal.SIGKILL)
            job.wait()
            return on_disk(cache)
        time.sleep(0.05)
    raise SystemExit(f"the merge was over with {on_disk(cache)} vectors on disk, before it could be killed")


def on_disk(cache: Path) -> int:
    """How many vectors whole files hold, by their sizes."""
    return sum(size_of(path) for path in cache.rglob("*.vectors")) if cache.exists() else 0


def size_of(path: Path) -> int:
    """How many vectors a file holds, by its size."""
    try:
        return path.stat().st_size // ROW_BYTES
    except OSError:  # a file of the cache may be removed at any time
        return 0


def texts_of(rows: int) -> int:
    """How many different texts the two tables have."""
    from .query import firms

    parts: Sequence[Sequence[str]] = firms(rows)
    return len({text for part in parts for text in part})


def cut(path: Path) -> int:
    """Cut a file short; how many vectors it had."""
    had = size_of(path)
    os.truncate(path, path.stat().st_size // 2)
    return had


def altered(path: Path) -> int:
    """Alter one byte in the middle of the vectors of a file; how many it had."""
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 1
    path.write_bytes(bytes(content))
    return size_of(path)
