"""The `linktransformer` command: link files, find duplicates, train, publish and fetch models."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from linktransformer import __version__
from linktransformer.cli import cache, dedup, merge, models, review, train
from linktransformer.errors import LinkTransformerError

__all__ = ["main"]

EPILOG = """examples:
  linktransformer merge firms.csv register.csv --on name --out linked.csv
  linktransformer merge firms.csv register.csv --left-on name,city --right-on firm,town --how inner
  linktransformer merge a.parquet b.parquet --on name --block-on state --threshold precision=0.95
  linktransformer merge a.csv b.csv --on name --validate 1:1 --unlinked unlinked.csv --report report.json
  linktransformer merge a.csv b.csv --on name --dry-run
  linktransformer dedup firms.csv --on name,city --keep longest --out clean.csv
  linktransformer review firms.csv register.csv --on name --answers answers.sqlite
  linktransformer train pairs.csv --left name --right firm --label match --out runs/firms --set epochs=5
  linktransformer evaluate firms.csv register.csv truth.csv --on name --model runs/firms/model
  linktransformer publish ./my-model oci://registry.example.org/team/lt-firms-match-en:v1
  linktransformer pull oci://registry.example.org/team/lt-firms-match-en:v1 --to ./lt-firms-match-en

exit codes: 0 done; 2 bad usage or bad input (standard error says what); 1 anything unexpected
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
        arguments = _parser().parse_args(argv)
    except SystemExit as ending:  # --help, or bad usage, of which argparse has printed the reason
        return int(ending.code or 0)
    try:
        return int(arguments.run(arguments))
    except LinkTransformerError as error:
        print(f"linktransformer: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # such as a full disk
        print(f"linktransformer: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="linktransformer",
        description="Link the rows of two tables that name the same things differently.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"linktransformer {__version__}")
    commands = parser.add_subparsers(title="commands", required=True)
    for module in (merge, dedup, review, train, models, cache):
        module.add_to(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    return parser


def _version(arguments: argparse.Namespace) -> int:
    print(f"linktransformer {__version__}")
    return 0
