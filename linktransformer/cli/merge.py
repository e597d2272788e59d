"""`linktransformer merge`: link two files."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, cast

from linktransformer.cli.arguments import Commands, add_keys, add_search, names, options_of
from linktransformer.cli.outputs import (
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
    parser = commands.add_parser("merge", help="link two files and write the merged table")
    parser.set_defaults(run=_run)
    add = parser.add_argument
    add("left", help="left table: .csv, .tsv, .parquet or .xlsx; csv cells are texts, empty ones are null")
    add("right", help="right table")
    add_keys(parser)
    add("--how", default="left", choices=("left", "inner", "right", "outer"), help="which rows are kept")
    add("--suffixes", type=names, default=["_x", "_y"], metavar="X,Y", help="for shared names (_x,_y)")
    add("--indicator", action="store_true", help="add a column _merge")
    add("--score-column", default="score", help="name of the column with the score")
    add_search(parser)
    add("--out", help="file to write; left out: csv on standard output")
    text = "file of the rows without a link: side, row number from 0, reason, nearest row, score"
    add("--unlinked", help=text)
    add("--report", help="json file with the report")
    text = "for two large .parquet files: piece by piece, with --memory-limit; --on names one column"
    add("--bounded", action="store_true", help=text)
    add("--dry-run", action="store_true", help="only print pairs, memory and expected time")
    add("--quiet", action="store_true", help="no progress and no summary; warnings stay")


def _run(arguments: argparse.Namespace) -> int:
    from linktransformer import progress
    from linktransformer.linking import joining, merge
    from linktransformer.linking.estimate import estimate
    from linktransformer.tables import files, frames

    tables = [arguments.out, arguments.unlinked]
    check_outputs(tables, arguments.report, "--out, --unlinked and --report")
    if len(arguments.suffixes) != 2:
        raise InvalidArgumentError(
            f"--suffixes {','.join(arguments.suffixes)} are not two. Give two, such as _x,_y."
        )
    if arguments.bounded:
        return _run_bounded(arguments)
    names = "left_on", "right_on", "validate", "model", "block_on", "images", "confidence", "k", "threshold"
    options = options_of(arguments, (*names, "null_values", "device", "batch_size", "memory_limit", "cache"))
    suffixes = arguments.suffixes[0], arguments.suffixes[1]
    with progress.display(options["progress"], "merge"):
        left, right = files.read(arguments.left), files.read(arguments.right)
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
            files.write(merged, arguments.out)
    _write(links, arguments)
    if not arguments.out:
        print_table(files.as_csv(merged))
    return 0


def _run_bounded(arguments: argparse.Namespace) -> int:
    from linktransformer.partitions.link_files import link_files

    if not arguments.out or arguments.dry_run or arguments.images or arguments.confidence:
        raise InvalidArgumentError(
            "--bounded writes a .parquet file: give --out. It takes no --images, --confidence or --dry-run."
        )
    names = "block_on", "how", "validate", "indicator", "k", "threshold", "score_column", "null_values"
    with without_warnings():  # they are printed at the end
        links = link_files(
            arguments.left,
            arguments.right,
            arguments.out,
            _single(arguments.on),
            left_on=_single(arguments.left_on),
            right_on=_single(arguments.right_on),
            model=arguments.model or "lexical",
            suffixes=(arguments.suffixes[0], arguments.suffixes[1]),
            **options_of(arguments, (*names, "device", "batch_size", "memory_limit", "cache")),
        )
    _write(links, arguments)
    return 0


def _single(names: list[str] | None) -> str | None:
    """A list of one name as the name; `link_files` refuses longer ones."""
    return names[0] if names is not None and len(names) == 1 else cast("str | None", names)


def _write(links: Links, arguments: argparse.Namespace) -> None:
    """Write unlinked rows, report, warnings and summary."""
    from linktransformer.tables import files

    if arguments.unlinked:
        files.write(links.unlinked, arguments.unlinked)
    report = links.report()
    write_report(report, arguments.report)
    print_warnings(report, quiet=arguments.quiet)
    if not arguments.quiet:
        rows = {side: report[side] for side in ("left", "right")}
        print(f"{report['links']} links ({report['rule']}); {rows}", file=sys.stderr)
