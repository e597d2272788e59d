"""The `linktransformer` command: link files, find duplicates, train, publish and fetch models."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from linktransformer import __version__
from linktransformer.cli import cache, dedup, merge, models, review, train
from linktransformer.cli.outputs import close_output
from linktransformer.cli.parser import Parser
from linktransformer.errors import LinkTransformerError

__all__ = ["main"]

INTERRUPTED = 130  # what shells report of a command that Ctrl-C ended

EPILOG = """examples:
  linktransformer merge firms.csv register.csv --on name --out linked.csv
  linktransformer merge firms.csv register.csv --left-on name,city --right-on firm,town --how inner
  linktransformer merge a.parquet b.parquet --on name --block-on state --threshold precision=0.95
  linktransformer merge a.csv b.csv --on name --validate 1:1 --unlinked unlinked.csv --report report.json
  linktransformer merge a.csv b.xlsx --on name --sep semicolon --encoding cp1252 --right-sheet Register
  linktransformer merge a.csv b.csv --on name --dry-run
  linktransformer dedup firms.csv --on name,city --keep longest --out clean.csv
  linktransformer review firms.csv register.csv --on name --answers answers.sqlite
  linktransformer train pairs.csv --left name --right firm --label match --out runs/firms --set epochs=5
  linktransformer evaluate firms.csv register.csv truth.csv --on name --model runs/firms/model
  linktransformer publish ./my-model oci://registry.example.org/team/lt-firms-match-en:v1
  linktransformer pull oci://registry.example.org/team/lt-firms-match-en:v1 --to ./lt-firms-match-en

exit codes: 0 done; 2 bad usage or bad input, as standard error says; 130 interrupted; 1 anything unexpected
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments; None takes those of the process.

    Returns:
        The exit code.

    Example:
        >>> main(["version"])
        linktransformer 1.0.0rc1
        0
    """
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except LinkTransformerError as error:
        print(f"linktransformer: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of standard output has read enough
        close_output()
        return 0
    except KeyboardInterrupt:
        print("linktransformer: interrupted; no file is half-written", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:  # such as a full disk
        print(f"linktransformer: {error}", file=sys.stderr)
        return 1


def _run(argv: Sequence[str] | None) -> int:
    parser = _parser()
    try:
        arguments = parser.parsed(argv)
    except SystemExit as ending:  # --help, or bad usage, of which argparse has printed the reason
        return int(ending.code or 0)
    if not hasattr(arguments, "run"):
        parser.print_help()
        return 0
    return int(arguments.run(arguments))


def _parser() -> Parser:
    parser = Parser(
        prog="linktransformer",
        description="Link the rows of two tables that name the same things differently.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"linktransformer {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for module in (merge, dedup, review, train, models, cache):
        module.add_to(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    return parser


def _version(arguments: argparse.Namespace) -> int:
    print(f"linktransformer {__version__}")
    return 0
