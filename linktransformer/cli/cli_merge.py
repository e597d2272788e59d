"""`linktransformer merge`: link two files."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from linktransformer.cli.cli_arguments import (
    add_search,
    images,
    names,
    print_table,
    print_warnings,
    threshold,
    without_warnings,
)
from linktransformer.errors import InvalidArgumentError

__all__ = ["add_to"]


def add_to(commands: Any) -> None:
    """Add the command.

    Args:
        commands: The subparsers.
    """
    merge = commands.add_parser(
        "merge",
        help="link two files and write the merged table",
    )
    merge.set_defaults(run=_run)
    add = merge.add_argument
    add("left", help="left table: .csv, .tsv, .parquet or .xlsx; csv cells are texts, empty ones are null")
    add("right", help="right table")
    add("--on", type=names, metavar="COLUMNS", help="key columns of both tables, with commas between")
    add("--left-on", type=names, metavar="COLUMNS", help="key columns of the left table")
    add("--right-on", type=names, metavar="COLUMNS", help="key columns of the right table")
    add("--images", type=images, metavar="COLUMNS", help="column of picture files, or LEFT,RIGHT")
    add("--confidence", type=images, metavar="COLUMNS", help="how sure the OCR was, 0 to 1; or LEFT,RIGHT")
    add("--how", default="left", choices=("left", "inner", "right", "outer"), help="which rows are kept")
    add("--validate", choices=("1:1", "1:m", "m:1", "m:m"), help="how often a row may be used (m:1)")
    add("--suffixes", type=names, default=["_x", "_y"], metavar="X,Y", help="for shared names (_x,_y)")
    add("--indicator", action="store_true", help="add a column _merge")
    add("--threshold", type=threshold, default="auto", help="auto (default), a number, none, precision=0.95")
    add("--score-column", default="score", help="name of the column with the score")
    add_search(add)
    add("--out", help="file to write; left out: csv on standard output")
    add(
        "--unlinked",
        help="file that says which rows stayed alone: side, row number from 0, reason, nearest row, score",
    )
    add("--report", help="json file that says how it was decided")
    told = "for two large .parquet files: piece by piece, with --memory-limit; --on names one column"
    add("--bounded", action="store_true", help=told)
    add("--dry-run", action="store_true", help="only say pairs, memory and expected time")
    add("--quiet", action="store_true", help="no progress and no summary; warnings stay")


def _run(given: argparse.Namespace) -> int:
    from linktransformer import progress
    from linktransformer.linking import joining, merge
    from linktransformer.linking.estimate import estimate
    from linktransformer.tables import files, frames

    outputs = [Path(path) for path in (given.out, given.unlinked) if path]
    for path in outputs:
        files.check_path(path)
    if given.report:
        files.check_folder(Path(given.report))
        outputs.append(Path(given.report))
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise InvalidArgumentError("--out, --unlinked and --report name one file twice. Give each its own.")
    if len(given.suffixes) != 2:
        raise InvalidArgumentError(f"--suffixes {','.join(given.suffixes)} are not two. Give such as _x,_y.")
    if given.bounded:
        return _run_bounded(given)
    with progress.display(False if given.quiet else None, "merge"):
        left, right = files.read(given.left), files.read(given.right)
        chosen = (
            "left_on",
            "right_on",
            "validate",
            "model",
            "block_on",
            "images",
            "confidence",
            "k",
            "threshold",
            "null_values",
            "device",
        )
        options = {name: getattr(given, name) for name in (*chosen, "batch_size", "memory_limit", "cache")}
        options["progress"] = False if given.quiet else None
        suffixes = (given.suffixes[0], given.suffixes[1])
        join = joining.Join(given.how, suffixes, given.indicator, given.score_column)
        join.check(frames.wrap(left, "left"), frames.wrap(right, "right"))
        if given.dry_run:
            values = estimate(left, right, given.on, **options)
            progress.clear()
            for name, value in values.items():
                print(f"{name}: {value}")
            return 0
        with without_warnings():  # they are printed at the end
            links = merge.link(left, right, given.on, **options)
        merged = joining.joined(links, join)
        if given.out:
            files.write(merged, given.out)
        if given.unlinked:
            files.write(links.unlinked, given.unlinked)
    _report(links.report(), given)
    if not given.out:
        print_table(files.as_csv(merged))
    return 0


def _run_bounded(given: argparse.Namespace) -> int:
    from linktransformer.partitions.link_files import link_files
    from linktransformer.tables import files

    if not given.out or given.dry_run or given.images or given.confidence:
        raise InvalidArgumentError(
            "--bounded writes a .parquet file: give --out. It takes no --images, --confidence or --dry-run."
        )
    chosen = ("block_on", "how", "validate", "indicator", "k", "threshold", "score_column", "null_values")
    options = {
        name: getattr(given, name) for name in (*chosen, "device", "batch_size", "memory_limit", "cache")
    }
    with without_warnings():  # they are printed at the end
        links = link_files(
            given.left,
            given.right,
            given.out,
            _one(given.on),
            left_on=_one(given.left_on),
            right_on=_one(given.right_on),
            model=given.model or "lexical",
            suffixes=(given.suffixes[0], given.suffixes[1]),
            progress=False if given.quiet else None,
            **options,
        )
    if given.unlinked:
        files.write(links.unlinked, given.unlinked)
    _report(links.report(), given)
    return 0


def _one(names: list[str] | None) -> Any:
    """A column alone as its name."""
    return names[0] if names is not None and len(names) == 1 else names


def _report(report: dict[str, Any], given: argparse.Namespace) -> None:
    text = json.dumps(report, indent=2, default=str)
    if given.report:
        Path(given.report).write_text(text + "\n", encoding="utf-8")
    print_warnings(report, quiet=given.quiet)
    if not given.quiet:
        rows = {side: report[side] for side in ("left", "right")}
        print(f"{report['links']} links ({report['rule']}); {rows}", file=sys.stderr)
