"""`linktransformer dedup`: one row of each thing, or the number of its cluster in every row."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from linktransformer.cli.cli_arguments import add_search, names, print_table, print_warnings, without_warnings
from linktransformer.errors import InvalidArgumentError

__all__ = ["add_to"]


def add_to(commands: Any) -> None:
    """Add the command.

    Args:
        commands: The subparsers.
    """
    dedup = commands.add_parser("dedup", help="find the rows of one file that name one thing, and keep one")
    dedup.set_defaults(run=_run)
    add = dedup.add_argument
    add("table", help="the table: .csv, .tsv, .parquet or .xlsx; csv cells are texts, empty ones are null")
    add("--on", type=names, metavar="COLUMNS", help="key columns, with commas between (all with text)")
    add("--images", metavar="COLUMN", help="column of picture files")
    add("--confidence", metavar="COLUMN", help="column that says how sure the OCR was, 0 to 1")
    add("--keep", default="first", choices=("first", "longest", "most complete"), help="which row stays")
    add("--mark", action="store_true", help="keep all rows, with the columns cluster and kept")
    add("--method", default="average", help="average (default), complete, single or hdbscan")
    add("--threshold", type=_threshold, default="auto", help="auto (default) or a number")
    add("--one-per", metavar="COLUMN", help="a cluster has one row at most of each of its values")
    add_search(add)
    add("--out", help="file to write; left out: csv on standard output")
    add("--report", help="json file that says how it was decided")
    told = "write nothing: print how many rows would go, the largest and the least certain clusters, warnings"
    add("--dry-run", action="store_true", help=told)
    add("--quiet", action="store_true", help="no progress and no summary; warnings stay")


def _threshold(text: str) -> str | float:
    try:
        return text if text == "auto" else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto nor a number") from None


def _run(given: argparse.Namespace) -> int:
    from linktransformer import progress
    from linktransformer.cli import cli_preview
    from linktransformer.dedup import dedup
    from linktransformer.results import clusters
    from linktransformer.tables import files, frames

    outputs = [files.check_path(given.out)] if given.out else []
    if given.report:
        files.check_folder(Path(given.report))
        outputs.append(Path(given.report))
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise InvalidArgumentError("--out and --report name one file. Give each its own.")
    clusters.check_keep(given.keep)
    chosen = (
        "method",
        "threshold",
        "model",
        "block_on",
        "images",
        "confidence",
        "one_per",
        "null_values",
        "k",
        "device",
        "batch_size",
        "memory_limit",
        "cache",
    )
    with progress.display(False if given.quiet else None, "dedup"):
        with without_warnings():  # they are printed below
            found = dedup.cluster(
                files.read(given.table),
                given.on,
                **{name: getattr(given, name) for name in chosen},
                progress=False if given.quiet else None,
            )
        table = clusters.kept(found, given.keep)[1 if given.mark else 0]
        if given.out and not given.dry_run:
            files.write(table, given.out)
    if given.dry_run:
        print_table(cli_preview.preview(found))
        print_warnings(found.report())
        return 0
    report = found.report()
    if given.report:
        text = json.dumps(report, indent=2, default=str)
        Path(given.report).write_text(text + "\n", encoding="utf-8")
    print_warnings(report, quiet=given.quiet)
    if not given.quiet:
        rows, n = frames.wrap(table, "table").n_rows, report["clusters"]
        print(f"{n} clusters of {report['rows']} rows, {rows} rows written", file=sys.stderr)
    if not given.out:
        print_table(files.as_csv(table))
    return 0
