"""`linktransformer review`: people answer whether two rows are one, on web pages of this machine."""

from __future__ import annotations

import argparse
import sys

from linktransformer.cli.arguments import Commands, add_keys, add_search, images, options_of
from linktransformer.cli.inputs import TABLE, add_reading, check_reading, read
from linktransformer.cli.outputs import print_warnings, without_warnings
from linktransformer.errors import InvalidArgumentError

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("review", help="answer whether two rows are one, on a page of this machine")
    parser.set_defaults(run=_run)
    add = parser.add_argument
    add("left", help=f"left table: {TABLE}; cells of text files are texts, empty ones are null")
    add("right", nargs="?", help="right table; left out: the clusters of the one table")
    add_keys(parser)
    add_search(parser)
    add_reading(parser, right=True)
    add("--answers", default="answers.sqlite", help="file of answers (answers.sqlite), continued if there")
    add("--reviewer", help="name to be written with each answer; left out: that of the user")
    add("--pictures", type=images, metavar="COLUMNS", help="column of pictures to show, or LEFT,RIGHT")
    add("--port", type=int, default=0, help="port at 127.0.0.1 (any free one)")
    add("--no-browser", dest="browser", action="store_false", help="only print the address")
    add("--quiet", action="store_true", help="no progress and no summary; warnings stay")


def _run(arguments: argparse.Namespace) -> int:
    from linktransformer.dedup.cluster import cluster
    from linktransformer.linking import merge
    from linktransformer.results.clusters import Clusters
    from linktransformer.results.links import Links
    from linktransformer.review.serve import check_installed, review

    check_installed()
    check_reading(arguments, [path for path in (arguments.left, arguments.right) if path])
    common = (
        *("model", "reader", "block_on", "images", "confidence", "image_root", "threshold", "null_values"),
        *("k", "device", "batch_size", "memory_limit", "cache"),
    )
    result: Links | Clusters
    with without_warnings():  # they are printed below
        if arguments.right is None:
            _refuse(arguments)
            options = options_of(arguments, common)
            result = cluster(read(arguments.left, arguments), arguments.on, **options)
        else:
            options = options_of(arguments, (*common, "left_on", "right_on", "validate"))
            tables = read(arguments.left, arguments), read(arguments.right, arguments, right=True)
            result = merge.link(*tables, arguments.on, **options)
    print_warnings(result.report(), quiet=arguments.quiet)
    given = {name: getattr(arguments, name) for name in ("reviewer", "pictures", "port", "browser")}
    answers = review(result, arguments.answers, **given)
    if not arguments.quiet:
        print(repr(answers), file=sys.stderr)
    return 0


def _refuse(arguments: argparse.Namespace) -> None:
    """Raise InvalidArgumentError for options of two tables where one is given."""
    for name in ("left_on", "right_on", "validate"):
        if getattr(arguments, name) is not None:
            option = "--" + name.replace("_", "-")
            raise InvalidArgumentError(f"{option} is for two tables. Give the second one, or use --on.")
