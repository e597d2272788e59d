"""Output of the commands: files, standard output and standard error."""

from __future__ import annotations

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
    "check_outputs",
    "print_table",
    "print_warnings",
    "printed_warnings",
    "without_warnings",
    "write_report",
]


def check_outputs(tables: Sequence[str | None], report: str | None, options: str) -> None:
    """Raise InvalidArgumentError for files that cannot be written, or two options that name one file."""
    from linktransformer.tables import files

    paths = [files.check_path(path) for path in tables if path]
    if report:
        files.check_folder(Path(report))
        paths.append(Path(report))
    if len({path.resolve() for path in paths}) < len(paths):
        raise InvalidArgumentError(f"{options} name one file twice. Give each its own.")


def write_report(report: Mapping[str, Any], path: str | None) -> None:
    """Write a report as JSON, if there is a path."""
    if path:
        text = json.dumps(report, indent=2, default=str)
        Path(path).write_text(text + "\n", encoding="utf-8")


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
    """Write to standard output in UTF-8 with replacements; a reader that closes the pipe is no error."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", errors="replace"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
