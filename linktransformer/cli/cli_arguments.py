"""How arguments of the command line are read, and how tables are printed."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from linktransformer.errors import LinkWarning

__all__ = [
    "add_search",
    "block_columns",
    "images",
    "names",
    "print_table",
    "print_warnings",
    "size",
    "threshold",
    "without_warnings",
]

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def add_search(add: Any) -> None:
    """The options of every search.

    Args:
        add: `add_argument` of a parser.
    """
    add("--model", help='"lexical", a folder, org/name@revision or oci://...; left out: the default')
    told = "columns that must be equal, with commas between; left=right for other names in the right table"
    add("--block-on", type=block_columns, metavar="COLUMNS", help=told)
    add("--k", type=int, help="neighbours fetched for each row")
    add("--device", help="where a torch model runs: cpu, cuda")
    add("--batch-size", type=int, help="texts encoded at a time")
    told = "values that stand for a missing one in key columns, with commas between, such as unknown,n/a"
    add("--null-values", type=names, metavar="VALUES", help=told)
    told = "keep vectors in FOLDER, or in the user's cache folder, and use those that are there"
    add("--cache", nargs="?", const=True, metavar="FOLDER", help=told)
    add("--memory-limit", type=size, help="for the search, such as 500MB or 2GB")


def images(text: str) -> str | tuple[str, ...]:
    """A column of pictures, or a left and a right one with a comma between.

    Args:
        text: The value of the option.

    Returns:
        The column, or the left and the right one.
    """
    found = names(text)
    return found[0] if len(found) == 1 else tuple(found)


def block_columns(text: str) -> list[str | tuple[str, str]]:
    """Columns of both tables, or left=right for a column of either, with commas between.

    Args:
        text: The value of the option.

    Returns:
        A name for a column of both tables, a pair (left, right) for columns of different names.
    """
    split = [[part.strip() for part in name.split("=", 1)] for name in names(text)]
    return [part[0] if len(part) == 1 else (part[0], part[1]) for part in split]


def names(text: str) -> list[str]:
    """Column names with commas between.

    Args:
        text: The value of the option.

    Returns:
        The names without white space around them.
    """
    return [name.strip() for name in text.split(",")]


def threshold(text: str) -> str | float | dict[str, float] | None:
    """auto, none, a number or precision=0.95.

    Args:
        text: The value of the option.

    Returns:
        The threshold as `merge` takes it: "auto", None, a number or {"precision": 0.95}.
    """
    if text in ("auto", "none"):
        return "auto" if text == "auto" else None
    kind, equals, value = text.partition("=")
    try:
        return {kind: float(value)} if equals else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, none, a number or precision=0.95") from None


def size(text: str) -> int:
    """A number of bytes, such as 500MB.

    Args:
        text: The value of the option: a number, with a unit such as KB, MB or GB.

    Returns:
        The number of bytes.
    """
    number = text.upper().rstrip("BKMGT")
    try:
        return int(float(number) * UNITS[text.upper()[len(number) :]])
    except (KeyError, ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 500MB or 2GB") from None


def print_warnings(report: Mapping[str, Any], *, quiet: bool = False) -> None:
    """Write the warnings of a report to standard error.

    Args:
        report: Of clusters or links.
        quiet: Leave out that there are too few pairs to estimate the precision from.
    """
    from linktransformer.results.guards import FEW_PAIRS
    from linktransformer.tables.block_keys import NO_SHARED_BLOCK

    # a block column without a common value is logged as a warning, and so is on standard error already
    left_out = {NO_SHARED_BLOCK} | ({FEW_PAIRS} if quiet else set())
    for code, text in zip(report["warning_codes"], report["warnings"], strict=True):
        if code not in left_out:
            print(f"linktransformer: warning: {text}", file=sys.stderr)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Leave out Python's own print of the warnings that `print_warnings` writes.

    Yields:
        Nothing; `LinkWarning` is ignored within the context.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinkWarning)
        yield


def print_table(text: str) -> None:
    """Write a table to standard output in UTF-8; a reader that has had enough is no error.

    Args:
        text: The table as text; characters that UTF-8 cannot hold are replaced.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", errors="replace"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
