"""Seconds and memory of linking Parquet files by blocks, piece by piece and in memory; a process each.

Synthetic firms in blocks of about 250 rows. "memory" is `merge` of the files read whole. With `--model hash`
a vector of 64 numbers stands beside the n-grams, made of letters and no model.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tools import data
from tools.report import Report, Table, say

from .cpu import FIRMS
from .jobs import peak_mb
from .measure import JobError, environment, run_job

SIZES = (100_000, 500_000, 2_000_000)
BLOCK = 250
ROW_GROUP = 100_000
WIDTH = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--sizes", nargs="*", type=int, default=list(SIZES), help="rows of each file")
    parser.add_argument("--in-memory", nargs="*", type=int, default=[], help="sizes that merge does too")
    parser.add_argument("--model", choices=["lexical", "hash"], default="lexical")
    parser.add_argument("--memory-limit", type=int, default=2**30, help="bytes, as for link_files")
    parser.add_argument("--files", type=Path, default=None, help="keep the files here, and use those there")
    parser.add_argument("--timeout", type=float, default=3_600, help="seconds that a size may take")


def run(options: argparse.Namespace) -> Report:
    """Link files of each size."""
    if gone := data.missing(*FIRMS):
        return Report("bounded", skipped=[gone])
    rows, skipped = [], []
    with tempfile.TemporaryDirectory() as place:
        folder = (options.files or Path(place)).resolve()
        for size in options.sizes:
            make_files(folder, size)
            for how in ("files", "memory") if size in options.in_memory else ("files",):
                command = [sys.executable, "-m", __spec__.name, str(folder), str(size), how, options.model]
                try:
                    done = run_job(
                        [*command, str(options.memory_limit)], environment(data.ROOT), options.timeout
                    )
                except JobError as error:
                    skipped.append(f"{size:,} rows, {how}: {error}")
                    continue
                rows.append({"rows": size, "how": how, **done.result, "CPU s": done.cpu_s})
                say(f"{size:,} rows, {how}: {rows[-1]['peak MB']:.0f} MB", note=True)
    settings = {"model": options.model, "memory limit": options.memory_limit}
    return Report("bounded", [Table("bounded", rows)] if rows else [], skipped, settings)


def make_files(folder: Path, size: int) -> None:
    """Write both tables of a size, where they are not there."""
    paths = [folder / f"{side}{size}.parquet" for side in "lr"]
    if all(path.exists() for path in paths):
        return
    folder.mkdir(parents=True, exist_ok=True)
    tables = data.module(*FIRMS).two_tables(size, size, blocks=max(1, size // BLOCK))
    for path, table in zip(paths, tables, strict=True):
        table.to_parquet(path, index=False, row_group_size=ROW_GROUP)


class Hashed:
    """An encoder of letters, which costs next to nothing."""

    name = "hash"

    def encode(self, texts: list[str]) -> Any:
        """float32 (n, 64), unit rows."""
        from sklearn.feature_extraction.text import HashingVectorizer

        made = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 3), n_features=WIDTH, norm="l2")
        return made.transform(texts).toarray().astype("float32")


def measured(folder: Path, size: int, how: str, model: str, memory_limit: int) -> dict[str, Any]:
    """One link of two files."""
    import linktransformer as lt

    left, right, out = (folder / f"{name}.parquet" for name in (f"l{size}", f"r{size}", f"out-{how}"))
    used: Any = Hashed() if model == "hash" else model
    start = time.perf_counter()
    if how == "files":
        found = lt.link_files(
            left, right, out, "name", block_on="state", model=used, memory_limit=memory_limit, progress=False
        )
        links, pieces = len(found), found.details["search"]["pieces"]
    else:
        from linktransformer.tables import readers, writers

        merged = lt.merge(readers.read(left), readers.read(right), "name", block_on="state", model=used)
        writers.write(merged, out)
        links, pieces = int(merged["score"].notna().sum()), 1
    seconds = time.perf_counter() - start
    out.unlink()
    return {"seconds": seconds, "links": links, "pieces": pieces, "peak MB": peak_mb()}


def main() -> None:
    """One size, in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("size", type=int)
    parser.add_argument("how")
    parser.add_argument("model")
    parser.add_argument("memory_limit", type=int)
    parser.add_argument("--result", type=Path, required=True)
    given = parser.parse_args()
    found = measured(given.folder, given.size, given.how, given.model, given.memory_limit)
    given.result.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
