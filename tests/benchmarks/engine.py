"""Seconds by stage, memory and F1 of link_files on engines, a process each; generated firms by city.

"local" is this process, "ray N" a cluster of N processes on this machine, "memory" `link` of the tables read
whole. `peak MB of a piece` is that of the process in which pieces are worked on. "splink" and "goldenmatch"
link the same files by the Python of `--peer-venv` (`file_peers.py`).
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tools import data
from tools.report import Report, Table, say

from . import file_peers
from .jobs import peak_mb
from .measure import JobError, environment, run_job

SIZES = (100_000,)
PEERS = ("splink", "goldenmatch")
ENGINES = ("memory", "local", "ray 2")
ROWS_A_CITY = 330
MATCHED = 0.7  # of the left firms
TAILS = ("Inc", "Ltd", "Corp", "GmbH", "Company", "Steel", "Foods", "Motors", "Bank", "Group")
SYLLABLES = [a + b for a in "bcdfglmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "on")]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--sizes", nargs="*", type=int, default=list(SIZES), help="rows of each file")
    parser.add_argument(
        "--engines", nargs="*", default=list(ENGINES), help="memory, local, 'ray N', splink, goldenmatch"
    )
    parser.add_argument(
        "--peer-venv", type=Path, default=None, help="the environment of Splink and goldenmatch"
    )
    parser.add_argument("--memory-limit", type=int, default=2**28, help="bytes, as for link_files")
    parser.add_argument("--timeout", type=float, default=3_600, help="seconds that a run may take")


def run(options: argparse.Namespace) -> Report:
    """Link files of each size on each engine."""
    rows, skipped = [], []
    with tempfile.TemporaryDirectory() as place:
        for size in options.sizes:
            folder = Path(place) / str(size)
            make_files(folder, size)
            for engine in options.engines:
                command = [
                    sys.executable,
                    "-m",
                    __spec__.name,
                    str(folder),
                    engine,
                    str(options.memory_limit),
                ]
                if engine in PEERS:
                    if options.peer_venv is None:
                        skipped.append(f"{engine}: give its environment by --peer-venv")
                        continue
                    python = options.peer_venv / "bin" / "python"
                    command = [str(python), file_peers.__file__, engine, str(folder)]
                try:
                    done = run_job(command, environment(data.ROOT), options.timeout)
                except JobError as error:
                    skipped.append(f"{size:,} rows, {engine}: {error}")
                    continue
                rows.append({"rows": size, "engine": engine, **done.result})
                say(f"{size:,} rows, {engine}: {rows[-1]['seconds']:.0f} s", note=True)
    settings = {"memory limit": options.memory_limit, "model": "lexical"}
    return Report("engine", [Table("engine", rows)] if rows else [], skipped, settings)


def make_files(folder: Path, size: int) -> None:
    """Write both tables, as two files each; "truth" of a left row is the row of its match, -1 for none."""
    import pandas as pd

    draw = random.Random(size)

    def word(n: int) -> str:
        return "".join(draw.choice(SYLLABLES) for _ in range(n)).title()

    words = [word(draw.randrange(2, 4)) for _ in range(min(30_000, 1_000 + size))]
    cities = [f"{word(3)} {number}" for number in range(max(1, size // ROWS_A_CITY))]

    def firm() -> str:
        return f"{draw.choice(words)} {draw.choice(words)} {draw.choice(TAILS)}"

    def noisy(name: str) -> str:
        for _ in range(draw.choice([0, 1, 1, 2])):
            at = draw.randrange(len(name))
            name = name[:at] + draw.choice(["", "x", "a"]) + name[at + draw.choice([0, 1]) :]
        return name

    right = [(firm(), draw.choice(cities), -1) for _ in range(size)]
    left = [
        (noisy(name), city, row) if draw.random() < MATCHED else (firm(), draw.choice(cities), -1)
        for row, (name, city, _) in enumerate(right)
    ]
    draw.shuffle(left)
    for side, rows in (("l", left), ("r", right)):
        (folder / side).mkdir(parents=True)
        for number, part in enumerate((rows[: size // 2], rows[size // 2 :])):
            table = pd.DataFrame(part, columns=["name", "city", "truth"])
            table.to_parquet(folder / side / f"{number}.parquet", index=False)


class Timed:
    """An engine that measures the seconds of each stage, and the memory of the processes of its pieces."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.seconds: dict[str, float] = {}
        self.peak = 0.0

    def map(self, function: Callable[[Any, Any], Any], context: Any, pieces: Sequence[Any]) -> Iterator[Any]:
        """As `Engine.map`."""
        start, name = time.perf_counter(), function.__name__
        for peak, result in self._inner.map(with_peak, (function, context), pieces):
            self.peak = max(self.peak, peak)
            yield result
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - start


def with_peak(context: tuple[Callable[[Any, Any], Any], Any], piece: Any) -> tuple[float, Any]:
    """A piece's result, and the most memory of its process so far in MB."""
    result = context[0](context[1], piece)
    return peak_mb(), result


def measured(folder: Path, engine: str, memory_limit: int) -> dict[str, Any]:
    """One link of two tables."""
    import pandas as pd

    import linktransformer as lt

    truth = pd.read_parquet(folder / "l")["truth"].to_numpy()
    options: dict[str, Any] = {"on": "name", "block_on": "city", "model": "lexical", "progress": False}
    timed = Timed(connected(engine))
    cpu, start = time.process_time(), time.perf_counter()
    if engine == "memory":
        links = lt.link(pd.read_parquet(folder / "l"), pd.read_parquet(folder / "r"), **options)
    else:
        options |= {"engine": timed, "memory_limit": memory_limit, "workspace": folder}
        links = lt.link_files(folder / "l", folder / "r", folder / "out.parquet", **options)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    right = int((truth[links.left_rows] == links.right_rows).sum())
    stages = {f"s {name}": value for name, value in timed.seconds.items()}
    return {
        "seconds": seconds,
        **stages,
        "s rest": seconds - sum(stages.values()),
        "CPU s of the caller": cpu,
        "pieces": links.details["search"].get("pieces", 1),
        "peak MB": peak_mb(),
        "peak MB of a piece": timed.peak,
        "F1": 2 * right / max(1, len(links) + int((truth >= 0).sum())),
    }


def connected(engine: str) -> Any:
    """The engine of a name; the start of a cluster is not measured."""
    from linktransformer.engines.local_engine import LocalEngine

    if not engine.startswith("ray"):
        return LocalEngine()
    import ray

    from linktransformer.engines.ray_engine import RayEngine

    ray.init(
        address="local",
        num_cpus=int(engine.split()[1]),
        include_dashboard=False,
        object_store_memory=500 * 2**20,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    return RayEngine()


def main() -> None:
    """One run, in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("engine")
    parser.add_argument("memory_limit", type=int)
    parser.add_argument("--result", type=Path, required=True)
    given = parser.parse_args()
    found = measured(given.folder, given.engine, given.memory_limit)
    given.result.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
