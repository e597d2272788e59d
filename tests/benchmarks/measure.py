"""A job in a fresh process: CPU seconds, wall seconds, peak memory, and what the job itself reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """What a finished process took (all its children included), and the values it wrote."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    result: dict[str, Any]


class JobError(RuntimeError):
    """A job failed or ran past its time; the message holds the end of its output."""


def environment(*paths: Path, threads: int | None = None) -> dict[str, str]:
    """The environment of a job: those folders are importable, nothing is fetched from a model hub."""
    dropped = (
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
    )  # an installed package is compiled once, not each time
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    kept |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    if paths:
        kept["PYTHONPATH"] = os.pathsep.join(str(path) for path in paths)
    if threads is not None:
        kept |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return kept


def run_job(command: Sequence[str], env: dict[str, str], timeout_s: float) -> Measured:
    """Run a command that takes `--result FILE` and writes its values there as JSON.

    The command runs in an empty folder of its own, so that nothing is imported from the current one.
    `os.wait4` gives the CPU seconds of exactly this process and its children.
    """
    with tempfile.TemporaryDirectory() as folder:
        result, log = Path(folder) / "result.json", Path(folder) / "log.txt"
        with log.open("wb") as out:
            start = time.perf_counter()
            process = subprocess.Popen(
                [*command, "--result", str(result)], stdout=out, stderr=subprocess.STDOUT, env=env, cwd=folder
            )
            status, usage = wait(process, start + timeout_s)
            wall = time.perf_counter() - start
        if status != 0 or not result.exists():
            tail = log.read_text(encoding="utf-8", errors="replace")[-1500:]
            raise JobError(f"{' '.join(command[:4])} ... ended with {status}\n{tail}")
        values: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    peak = values.pop("peak_mb", None)
    return Measured(wall, usage.ru_utime + usage.ru_stime, peak or megabytes(usage.ru_maxrss), values)


def wait(process: subprocess.Popen[bytes], deadline: float) -> tuple[int, Any]:
    """Exit status and resource usage of a process, which is killed at the deadline."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage
        if time.perf_counter() > deadline:
            process.kill()
            deadline = float("inf")
        time.sleep(0.02)


def megabytes(maxrss: int) -> float:
    """`ru_maxrss` in MB: kilobytes on Linux, bytes on macOS."""
    return maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
