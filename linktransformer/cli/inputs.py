"""Tables that a command reads: the options that say how, and what was assumed, on standard error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from linktransformer.cli.arguments import names
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.file_kinds import TEXT, kind_to_read

if TYPE_CHECKING:
    from linktransformer.tables.columns import Native

__all__ = [
    "TABLE",
    "add_reading",
    "check_reading",
    "print_notes",
    "read",
    "read_plain",
    "refuse_reading",
    "separator",
]

TABLE = ".csv, .tsv, .txt (also .gz), .parquet, .xlsx, .dta or .sav"
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "space": " "}
OWN = ("sep", "encoding", "sheet", "header_row")  # what the right table may have otherwise


def add_reading(parser: argparse.ArgumentParser, *, right: bool = False) -> None:
    """Add the options of reading; `right` adds those of a right table that is read in another way."""
    group = parser.add_argument_group("files", "Each option is for the files that it can be said of.")
    _add_own(group, "--", "")
    group.add_argument(
        "--na", type=names, default=[], metavar="TEXTS", help="texts that are null, such as NA,-"
    )
    text = "quotes in text files are letters like others"
    group.add_argument("--no-quotes", dest="quotes", action="store_false", help=text)
    if right:
        _add_own(group, "--right-", " of the right table, if it has another one")


def _add_own(group: argparse._ArgumentGroup, prefix: str, whose: str) -> None:
    default = "" if whose else " (seen from suffix and header)"
    text = f"separator of text files{whose}: comma, semicolon, tab, pipe or one character{default}"
    group.add_argument(f"{prefix}sep", type=separator, metavar="SIGN", help=text)
    default = "" if whose else " (byte order mark, UTF-8, else cp1252)"
    group.add_argument(f"{prefix}encoding", metavar="NAME", help=f"encoding of text files{whose}{default}")
    default = "" if whose else " (the first)"
    group.add_argument(
        f"{prefix}sheet", metavar="NAME", help=f"sheet of .xlsx{whose}: name or number{default}"
    )
    default = "" if whose else " (1)"
    text = f"line or row of the column names{whose}{default}; those above it are left out"
    group.add_argument(f"{prefix}header-row", type=_row, metavar="N", help=text)


def separator(text: str) -> str:
    """One character, by itself or by its name."""
    sign = SEPARATORS.get(text.lower(), text)
    if len(sign) != 1 or sign in '"\r\n':
        raise argparse.ArgumentTypeError(f"{text!r} is not comma, semicolon, tab, pipe or one character")
    return sign


def _row(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of a row, from 1")
    return int(text)


def read(path: str, arguments: argparse.Namespace, *, right: bool = False) -> Native:
    """Read a table as the options say; what was assumed is printed."""
    from linktransformer.tables.readers import Reading, read_table

    values = {name: getattr(arguments, name) for name in OWN}
    if right:
        values |= {name: value for name in OWN if (value := getattr(arguments, f"right_{name}")) is not None}
    values["header_row"] = values["header_row"] or 1
    table = read_table(path, Reading(**values, na=tuple(arguments.na), quotes=arguments.quotes))
    print_notes(table.notes)
    return table.native


def read_plain(path: str, na: Iterable[str]) -> Native:
    """Read a table of which the options say nothing but the texts that are null, such as true pairs."""
    from linktransformer.tables.readers import Reading, read_table

    table = read_table(path, Reading(na=tuple(na)))
    print_notes(table.notes)
    return table.native


def print_notes(notes: Iterable[str]) -> None:
    """Write sentences to standard error, below no bar of progress."""
    from linktransformer import progress

    for note in notes:
        progress.clear()
        print(f"linktransformer: {note}", file=sys.stderr)


def check_reading(arguments: argparse.Namespace, paths: Iterable[str]) -> None:
    """Raise InvalidArgumentError for an option that no file can have; the right one is second."""
    kinds = [kind_to_read(Path(path)) for path in paths]
    for own, needed in (("sep", TEXT), ("encoding", TEXT), ("sheet", (".xlsx",))):
        for option, of in ((own, kinds), (f"right_{own}", kinds[1:2])):
            if getattr(arguments, option, None) is not None and not {*of} & {*needed}:
                name = option.replace("_", "-")
                raise InvalidArgumentError(f"--{name} is for {', '.join(needed)} files. Leave it out.")


def refuse_reading(arguments: argparse.Namespace, command: str) -> None:
    """Raise InvalidArgumentError if there is an option of reading."""
    given = [
        name for own in OWN for name in (own, f"right_{own}") if getattr(arguments, name, None) is not None
    ]
    given += ["na"] * bool(arguments.na) + ["no_quotes"] * (not arguments.quotes)
    if given:
        option = given[0].replace("_", "-")
        raise InvalidArgumentError(f"{command} reads .parquet files, which have no --{option}. Leave it out.")
