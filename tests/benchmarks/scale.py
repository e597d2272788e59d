"""Seconds and memory of a merge from 10,000 to 1,000,000 rows a table, with a plot; a process for each size.

On a GPU with `--base FOLDER` by n-grams and the model that is there, as the benchmark `gpu` does; without, by
n-grams alone.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools import data
from tools.report import Report, Table, say

from .cpu import FIRMS
from .measure import environment, run_job

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
WIDTH, HEIGHT, EDGE = 560, 380, 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--sizes", nargs="*", type=int, default=list(SIZES), help="rows of each table")
    parser.add_argument(
        "--base", type=Path, default=None, help="a folder of sentence-transformers, for a GPU"
    )
    parser.add_argument("--plot", type=Path, default=None, help="draw seconds against rows in this SVG file")
    parser.add_argument("--timeout", type=float, default=3_600, help="seconds that a size may take")


def run(options: argparse.Namespace) -> Report:
    """Merge tables of each size."""
    if gone := data.missing(*FIRMS):
        return Report("scale", skipped=[gone])
    rows = []
    for size in options.sizes:
        command = [sys.executable, "-m", __spec__.name, str(size)]
        if options.base is not None:
            command += ["--base", str(options.base.resolve())]
        done = run_job(command, environment(data.ROOT), options.timeout).result
        rows.append({"rows": size, **done, "ms a row": 1e3 * done["seconds"] / size})
        say(f"{size:,} rows: {done['seconds']:.1f} s", note=True)
    if options.plot is not None:
        options.plot.write_text(plot([(row["rows"], row["seconds"]) for row in rows]), encoding="utf-8")
    return Report("scale", [Table("scale", rows)], settings={"base": str(options.base)})


def measured(size: int, base: Path | None) -> dict[str, Any]:
    """One merge, after one of 1,000 rows that loads and compiles."""
    import linktransformer as lt

    left, right = data.module(*FIRMS).two_tables(size, size)
    model: Any = "lexical"
    if base is not None:
        from .gpu import loaded

        model = loaded(base)
    lt.merge(left[:1000], right[:1000], on="name", model=model)
    start = time.perf_counter()
    linked = lt.merge(left, right, on="name", model=model, how="inner", suffixes=("_l", "_r"))
    seconds = time.perf_counter() - start
    right_ones = int((linked["gid_l"] == linked["gid_r"]).sum())
    found = {
        "seconds": seconds,
        "links": len(linked),
        "top-1": right_ones / size,
        "precision": right_ones / max(1, len(linked)),
        "peak host MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if base is not None:
        import torch

        found["peak card MB"] = torch.cuda.max_memory_allocated() / 2**20
    return found


def plot(points: Sequence[tuple[int, float]]) -> str:
    """Seconds against rows as SVG, both on logarithmic scales, with the line of equal cost a row."""
    x = [math.log10(rows) for rows, _ in points]
    y = [math.log10(seconds) for _, seconds in points]
    low, high = math.floor(min(y)), math.ceil(max(y))

    def at(rows: float, seconds: float) -> tuple[float, float]:
        across = (rows - x[0]) / max(1e-9, x[-1] - x[0])
        up = (seconds - low) / max(1, high - low)
        return EDGE + across * (WIDTH - 2 * EDGE), HEIGHT - EDGE - up * (HEIGHT - 2 * EDGE)

    parts = []
    for power in range(low, high + 1):
        _, height = at(x[0], power)
        parts.append(f'<line x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{height}" y2="{height}" stroke="#ddd"/>')
        parts.append(f'<text x="{EDGE - 8}" y="{height + 4}" text-anchor="end">{10.0**power:g} s</text>')
    for rows, place in zip((rows for rows, _ in points), x, strict=True):
        across, _ = at(place, low)
        parts.append(f'<text x="{across}" y="{HEIGHT - EDGE + 20}" text-anchor="middle">{rows:,}</text>')
    even = [at(place, y[-1] - (x[-1] - place)) for place in x]
    seen = [at(*point) for point in zip(x, y, strict=True)]
    for line, colour, dash in ((even, "#999", ' stroke-dasharray="4"'), (seen, "#06c", "")):
        inside = " ".join(f"{a:.1f},{b:.1f}" for a, b in line if b <= HEIGHT - EDGE + 1)
        parts.append(f'<polyline points="{inside}" fill="none" stroke="{colour}"{dash}/>')
    parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="#06c"/>' for a, b in seen]
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">rows of each table</text>')
    parts.append(f'<text x="{EDGE}" y="24">merge, seconds (dashed: the same cost for every row)</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>{"".join(parts)}</svg>\n'
    )


def main() -> None:
    """One size, in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("size", type=int)
    parser.add_argument("--base", type=Path, default=None)
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    options.result.write_text(json.dumps(measured(options.size, options.base)))


if __name__ == "__main__":
    main()
