"""`linktransformer merge`: link two files."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from linktransformer.cli import summary
from linktransformer.cli.arguments import (
    Commands,
    add_bounded,
    add_keys,
    add_search,
    check_bounded,
    names,
    options_of,
)
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

if TYPE_CHECKING:
    from linktransformer.results.links import Links

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("merge", aliases=["link"], help="link two files and write the merged table")
    parser.set_defaults(run=_run)
    add = parser.add_argument
    add("left", help=f"left table: {TABLE}; cells of text files are texts, empty ones are null")
    add("right", help="right table")
    add_keys(parser)
    add("--how", default="left", choices=("left", "inner", "right", "outer"), help="which rows are kept")
    add("--suffixes", type=names, default=["_x", "_y"], metavar="X,Y", help="for shared names (_x,_y)")
    add("--indicator", action="store_true", help="add a column _merge")
    add("--score-column", default="score", help="name of the column with the score")
    add_search(parser)
    add_reading(parser, right=True)
    add_outputs(parser)
    text = "file of the rows without a link: side, row number from 0, reason, nearest row, score"
    add("--unlinked", help=text)
    add_bounded(parser, "for large .parquet files, folders or patterns: piece by piece")
    add("--dry-run", action="store_true", help="only print pairs, memory and expected time")
    add("--quiet", action="store_true", help="no progress and no summary; warnings stay")


def _run(arguments: argparse.Namespace) -> int:
    from linktransformer import progress
    from linktransformer.linking import joining, merge
    from linktransformer.linking.estimate import estimate
    from linktransformer.tables import frames, writers

    outputs = {"--out": arguments.out, "--unlinked": arguments.unlinked, "--report": arguments.report}
    check_outputs(outputs, [arguments.left, arguments.right], force=arguments.force)
    if len(arguments.suffixes) != 2:
        raise InvalidArgumentError(
            f"--suffixes {','.join(arguments.suffixes)} are not two. Give two, such as _x,_y."
        )
    check_bounded(arguments)
    if arguments.bounded:
        return _run_bounded(arguments)
    check_reading(arguments, [arguments.left, arguments.right])
    names = (
        "left_on",
        "right_on",
        "validate",
        "model",
        "reader",
        "block_on",
        "images",
        "confidence",
        "k",
        "threshold",
        "image_root",
    )
    options = options_of(arguments, (*names, "null_values", "device", "batch_size", "memory_limit", "cache"))
    suffixes = arguments.suffixes[0], arguments.suffixes[1]
    with progress.display(options["progress"], "merge"):
        left, right = read(arguments.left, arguments), read(arguments.right, arguments, right=True)
        join = joining.Join(arguments.how, suffixes, arguments.indicator, arguments.score_column)
        join.check(frames.wrap(left, "left"), frames.wrap(right, "right"))
        if arguments.dry_run:
            values = estimate(left, right, arguments.on, **options)
            progress.clear()
            for name, value in values.items():
                print(f"{name}: {value}")
            return 0
        with without_warnings():  # they are printed at the end
            links = merge.link(left, right, arguments.on, **options)
        merged = joining.joined(links, join)
        if arguments.out:
            print_notes(writers.write(merged, arguments.out))
    _write(links, arguments)
    if not arguments.out:
        print_table(writers.as_csv(merged))
    return 0


def _run_bounded(arguments: argparse.Namespace) -> int:
    from linktransformer.partitions.link_files import link_files

    refuse_reading(arguments, "--bounded")
    writes = arguments.out or arguments.dry_run
    if not writes or arguments.images or arguments.confidence or arguments.reader:
        raise InvalidArgumentError(
            "--bounded writes a .parquet file: give --out. It takes no --images, --confidence, --reader."
        )
    if arguments.dry_run:
        return _estimate_bounded(arguments)
    names = (
        "workspace",
        "block_on",
        "how",
        "validate",
        "indicator",
        "k",
        "threshold",
        "score_column",
        "null_values",
    )
    with without_warnings():  # they are printed at the end
        links = link_files(
            arguments.left,
            arguments.right,
            arguments.out,
            arguments.on,
            left_on=arguments.left_on,
            right_on=arguments.right_on,
            model=arguments.model or "lexical",
            suffixes=(arguments.suffixes[0], arguments.suffixes[1]),
            engine=arguments.address or arguments.engine,
            **options_of(arguments, (*names, "device", "batch_size", "memory_limit", "cache")),
        )
    _write(links, arguments)
    return 0


def _estimate_bounded(arguments: argparse.Namespace) -> int:
    """Print what `_run_bounded` would take."""
    from linktransformer.partitions.estimate_files import estimate_files

    values = estimate_files(
        arguments.left,
        arguments.right,
        arguments.on,
        left_on=arguments.left_on,
        right_on=arguments.right_on,
        block_on=arguments.block_on,
        memory_limit=arguments.memory_limit,
        model=arguments.model or "lexical",
    )
    print(values)
    return 0


def _write(links: Links, arguments: argparse.Namespace) -> None:
    """Write unlinked rows, report, warnings and summary."""
    from linktransformer.tables import writers

    if arguments.unlinked:
        print_notes(writers.write(links.unlinked, arguments.unlinked))
    report = links.report()
    write_report(report, arguments.report)
    print_warnings(report, quiet=arguments.quiet)
    if not arguments.quiet:
        wrote = bool(arguments.unlinked)
        print(summary.of_links(report, unlinked=wrote, threshold=arguments.threshold), file=sys.stderr)
