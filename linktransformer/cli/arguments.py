"""Types of the arguments of the command line, and the options that commands share."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from typing import Any, TypeAlias

from linktransformer.errors import InvalidArgumentError

__all__ = [
    "Commands",
    "add_bounded",
    "add_keys",
    "add_search",
    "block_columns",
    "check_bounded",
    "images",
    "names",
    "options_of",
    "reader",
    "size",
    "threshold",
]

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Add the options of a link of two tables."""
    add = parser.add_argument
    add("--on", type=names, metavar="COLUMNS", help="key columns of both tables, with commas between")
    add("--left-on", type=names, metavar="COLUMNS", help="key columns of the left table")
    add("--right-on", type=names, metavar="COLUMNS", help="key columns of the right table")
    add("--images", type=images, metavar="COLUMNS", help="column of picture files, or LEFT,RIGHT")
    add("--confidence", type=images, metavar="COLUMNS", help="OCR confidence, 0 to 1; or LEFT,RIGHT")
    add("--image-root", metavar="FOLDER", help="folder of relative picture paths (the current one)")
    add("--validate", choices=("1:1", "1:m", "m:1", "m:m"), help="how often a row may be used (m:1)")
    add("--threshold", type=threshold, default="auto", help="auto (default), a number, none, precision=0.95")


def add_search(parser: argparse.ArgumentParser) -> None:
    """Add the options of every search."""
    add = parser.add_argument
    add("--model", help='"lexical", a folder, org/name@revision or oci://...; left out: the default')
    text = "pairs in doubt that a cross-encoder reads: auto (default), all, none, or for so many seconds"
    add("--reader", type=reader, metavar="auto|all|none|SECONDS", help=text)
    text = "columns that must be equal, with commas between; left=right for other names in the right table"
    add("--block-on", type=block_columns, metavar="COLUMNS", help=text)
    add("--k", type=int, help="candidates of each row")
    add("--device", help="where a torch model runs: cpu, cuda")
    add("--batch-size", type=int, help="texts encoded at a time")
    text = "values that stand for a missing one in key columns, with commas between, such as unknown,n/a"
    add("--null-values", type=names, metavar="VALUES", help=text)
    text = "keep vectors in FOLDER, or in the user's cache folder, and use those that are there"
    add("--cache", nargs="?", const=True, metavar="FOLDER", help=text)
    add("--memory-limit", type=size, help="for the search, such as 500MB or 2GB")


def options_of(arguments: argparse.Namespace, options: Sequence[str]) -> dict[str, Any]:
    """The values of some options, and progress=False with --quiet."""
    values = {name: getattr(arguments, name) for name in options}
    return {**values, "progress": False if arguments.quiet else None}


def names(text: str) -> list[str]:
    """Column names with commas between; one that has a comma itself is in double quotes."""
    return [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [""])]


def images(text: str) -> str | tuple[str, ...]:
    """One column, or a left and a right one with a comma between."""
    columns = names(text)
    return columns[0] if len(columns) == 1 else tuple(columns)


def block_columns(text: str) -> list[str | tuple[str, str]]:
    """Columns of both tables, or left=right for two names, with commas between."""
    parts = [[part.strip() for part in name.split("=", 1)] for name in names(text)]
    return [part[0] if len(part) == 1 else (part[0], part[1]) for part in parts]


def threshold(text: str) -> str | float | dict[str, float] | None:
    """auto, none, a number or precision=0.95, as `merge` takes it."""
    if text in ("auto", "none"):
        return "auto" if text == "auto" else None
    kind, equals, value = text.partition("=")
    try:
        return {kind: float(value)} if equals else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, none, a number or precision=0.95") from None


def reader(text: str) -> str | bool | float:
    """auto, all, none or seconds, as `merge` takes it."""
    if text in ("auto", "all", "none"):
        return "auto" if text == "auto" else text == "all"
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, all, none or a number of seconds") from None


def size(text: str) -> int:
    """Bytes, such as 500MB."""
    number = text.upper().rstrip("BKMGT")
    try:
        return int(float(number) * UNITS[text.upper()[len(number) :]])
    except (KeyError, ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 500MB or 2GB") from None


def add_bounded(parser: argparse.ArgumentParser, text: str) -> None:
    """Add the options of files that are too large for memory."""
    add = parser.add_argument
    add("--bounded", action="store_true", help=text)
    text = "with --bounded: where pieces are worked on, local (default) or ray"
    add("--engine", choices=("local", "ray"), default=None, help=text)
    add("--address", default=None, metavar="HOST:PORT", help="with --engine ray: of a cluster that runs")
    text = "with --bounded: a folder for what is set aside; a run that was killed goes on from it"
    add("--workspace", default=None, metavar="FOLDER", help=text)


def check_bounded(arguments: argparse.Namespace) -> None:
    """Refuse options of large files without `--bounded`, and an address without Ray."""
    for name in () if arguments.bounded else ("engine", "address", "workspace"):
        if getattr(arguments, name) is not None:
            raise InvalidArgumentError(f"--{name} is for large files, linked piece by piece. Add --bounded.")
    if arguments.address is not None and arguments.engine != "ray":
        raise InvalidArgumentError("--address is that of a Ray cluster. Add --engine ray.")
