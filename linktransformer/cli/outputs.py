"""Output of the commands: files, standard output and standard error."""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from linktransformer.errors import InvalidArgumentError, LinkWarning

__all__ = [
    "add_outputs",
    "check_outputs",
    "close_output",
    "print_table",
    "print_warnings",
    "printed_warnings",
    "without_warnings",
    "write_report",
]


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the options of what is written."""
    text = "file to write: .csv, .tsv, .txt (also .gz), .parquet or .xlsx; left out: csv on standard output"
    parser.add_argument("--out", help=text)
    parser.add_argument("--report", help="json file with the report")
    parser.add_argument("--force", action="store_true", help="write over a file that is read")


def check_outputs(outputs: Mapping[str, str | None], inputs: Sequence[str], *, force: bool) -> None:
    """Check the files of options such as "--out" before the work; "--report" is the one that holds no table.

    Raises:
        InvalidArgumentError: A file cannot be written, two options name one file, or one names a file that
            is read and `force` is False.
    """
    from linktransformer.tables import writers

    paths = {option: Path(path) for option, path in outputs.items() if path}
    for option, path in paths.items():
        if option == "--report":
            writers.check_folder(path)
        else:
            writers.check_path(path)
    if len({path.resolve() for path in paths.values()}) < len(paths):
        raise InvalidArgumentError(f"{', '.join(outputs)} name one file twice. Give each its own.")
    for option, path in paths.items():
        for read in map(Path, inputs):
            if not force and path.exists() and read.exists() and path.samefile(read):
                raise InvalidArgumentError(
                    f"{option} {path} is {read}, which is read. Give another file, or --force."
                )


def write_report(report: Mapping[str, Any], path: str | None) -> None:
    """Write a report as JSON, if there is a path."""
    if path:
        from linktransformer.tables.writers import whole

        text = json.dumps(report, indent=2, default=str)
        with whole(Path(path)) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")


def print_warnings(report: Mapping[str, Any], *, quiet: bool = False) -> None:
    """Write the warnings of a report to standard error; `quiet` leaves out "few_pairs"."""
    from linktransformer.results.report_warnings import FEW_PAIRS
    from linktransformer.tables.block_keys import NO_SHARED_BLOCK

    # a block column without a shared value is logged as a warning, and so is on standard error already
    left_out = {NO_SHARED_BLOCK} | ({FEW_PAIRS} if quiet else set())
    for code, text in zip(report["warning_codes"], report["warnings"], strict=True):
        if code not in left_out:
            print(f"linktransformer: warning: {text}", file=sys.stderr)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Ignore `LinkWarning`, for warnings that `print_warnings` writes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinkWarning)
        yield


@contextmanager
def printed_warnings() -> Iterator[None]:
    """Write each `LinkWarning` of a block to standard error as a line of its own, without a line of code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", LinkWarning)
        before = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, LinkWarning):
                print(f"linktransformer: warning: {message}", file=sys.stderr)
            else:
                before(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


def print_table(text: str) -> None:
    """Write to standard output in UTF-8 with replacements; a reader that closes the pipe is not an error."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", errors="replace"))
        sys.stdout.flush()
    except BrokenPipeError:
        close_output()


def close_output() -> None:
    """Drop what is still to be written to standard output, whose reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
