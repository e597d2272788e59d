"""`linktransformer dedup`: one row of each thing, or the number of its cluster in every row."""

from __future__ import annotations

import argparse
import sys

from linktransformer.cli import summary
from linktransformer.cli.arguments import Commands, add_bounded, add_search, check_bounded, names, options_of
from linktransformer.cli.inputs import TABLE, add_reading, check_reading, print_notes, read, refuse_reading
from linktransformer.cli.outputs import (
    add_outputs,
    check_outputs,
    print_table,
    print_warnings,
    without_warnings,
    write_report,
)
from linktransformer.errors import InvalidArgumentError

__all__ = ["add_to"]

KEEP_OF_MEMORY = "--keep 'most complete'"


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("dedup", help="find the rows of one file that name one thing, and keep one")
    parser.set_defaults(run=_run)
    add = parser.add_argument
    add("table", help=f"the table: {TABLE}; cells of text files are texts, empty ones are null")
    add("--on", type=names, metavar="COLUMNS", help="key columns, with commas between (all with text)")
    add("--images", metavar="COLUMN", help="column of picture files")
    add("--confidence", metavar="COLUMN", help="column of the OCR confidence, 0 to 1")
    add("--image-root", metavar="FOLDER", help="folder of relative picture paths (the current one)")
    add("--keep", default="first", choices=("first", "longest", "most complete"), help="the row that is kept")
    add("--mark", action="store_true", help="keep all rows, with the columns cluster and kept")
    add("--method", default="average", help="average (default), complete, single or hdbscan")
    add("--threshold", type=_threshold, default="auto", help="auto (default) or a number")
    add("--one-per", metavar="COLUMN", help="a cluster has one row at most of each of its values")
    add_search(parser)
    add_reading(parser)
    add_outputs(parser)
    text = "for large .parquet files, folders or patterns: piece by piece"
    add_bounded(parser, text)
    text = "write nothing: print how many rows would go, the largest and the least certain clusters, warnings"
    add("--dry-run", action="store_true", help=text)
    add("--quiet", action="store_true", help="no progress and no summary; warnings stay")


def _threshold(text: str) -> str | float:
    try:
        return text if text == "auto" else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto nor a number") from None


def _run(arguments: argparse.Namespace) -> int:
    from linktransformer import progress
    from linktransformer.cli import preview
    from linktransformer.dedup.cluster import cluster
    from linktransformer.results import clusters as result
    from linktransformer.tables import frames, writers

    outputs = {"--out": arguments.out, "--report": arguments.report}
    check_outputs(outputs, [arguments.table], force=arguments.force)
    check_bounded(arguments)
    if arguments.bounded:
        return _run_bounded(arguments)
    check_reading(arguments, [arguments.table])
    result.check_keep(arguments.keep)
    names = (
        "method",
        "threshold",
        "model",
        "reader",
        "block_on",
        "images",
        "confidence",
        "image_root",
        "one_per",
        "null_values",
        "k",
    )
    options = options_of(arguments, (*names, "device", "batch_size", "memory_limit", "cache"))
    with progress.display(options["progress"], "dedup"):
        native = read(arguments.table, arguments)
        with without_warnings():  # they are printed below
            clusters = cluster(native, arguments.on, **options)
        table = result.kept_rows(clusters, arguments.keep)[1 if arguments.mark else 0]
        if arguments.out and not arguments.dry_run:
            print_notes(writers.write(table, arguments.out))
    report = clusters.report()
    if arguments.dry_run:
        print_table(preview.preview(clusters))
        print_warnings(report)
        return 0
    write_report(report, arguments.report)
    print_warnings(report, quiet=arguments.quiet)
    if not arguments.quiet:
        rows = frames.wrap(table, "table").n_rows
        print(summary.of_clusters(report, rows, mark=arguments.mark), file=sys.stderr)
    if not arguments.out:
        print_table(writers.as_csv(table))
    return 0


def _run_bounded(arguments: argparse.Namespace) -> int:
    """Cluster files piece by piece."""
    from linktransformer.partitions.cluster_files import cluster_files

    refuse_reading(arguments, "--bounded")
    refused = ("images", "confidence", "image_root", "reader", "one_per", "dry_run")
    given = [f"--{name.replace('_', '-')}" for name in refused if getattr(arguments, name)]
    if given or not arguments.out or arguments.keep == "most complete":
        raise InvalidArgumentError(
            f"--bounded writes a .parquet file: give --out. It takes no {', '.join(given) or KEEP_OF_MEMORY}."
        )
    names = ("method", "threshold", "block_on", "null_values", "k", "workspace")
    with without_warnings():  # they are printed below
        clusters = cluster_files(
            arguments.table,
            arguments.out,
            arguments.on,
            keep=None if arguments.mark else arguments.keep,
            model=arguments.model or "lexical",
            engine=arguments.address or arguments.engine,
            **options_of(arguments, (*names, "device", "batch_size", "memory_limit", "cache")),
        )
    report = clusters.report()
    write_report(report, arguments.report)
    print_warnings(report, quiet=arguments.quiet)
    if not arguments.quiet:
        written = report["rows"] if arguments.mark else report["clusters"]
        print(summary.of_clusters(report, written, mark=arguments.mark), file=sys.stderr)
    return 0
