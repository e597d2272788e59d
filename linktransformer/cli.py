"""The `linktransformer` command: merge two files, say what it would cost, publish and fetch models."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from linktransformer import __version__
from linktransformer.errors import InvalidArgumentError, LinkTransformerError, ModelError

__all__ = ["main"]

EPILOG = """examples:
  linktransformer merge firms.csv register.csv --on name --out linked.csv
  linktransformer merge firms.csv register.csv --left-on name,city --right-on firm,town --how inner
  linktransformer merge a.parquet b.parquet --on name --block-on state --threshold precision=0.95
  linktransformer merge a.csv b.csv --on name --validate 1:1 --unlinked alone.csv --report report.json
  linktransformer merge a.csv b.csv --on name --dry-run
  linktransformer publish ./my-model oci://registry.example.org/team/lt-firms-match-en:v1
  linktransformer pull oci://registry.example.org/team/lt-firms-match-en:v1 --to ./lt-firms-match-en

exit codes: 0 done; 2 bad usage or bad input (standard error says what); 1 anything unexpected
"""
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments; None takes those of the process.

    Returns:
        The exit code.

    Example:
        >>> main(["version"])
        linktransformer 1.0.0.dev0
        0
    """
    try:
        given = _parser().parse_args(argv)
    except SystemExit as stopped:  # --help, or bad usage which argparse has told
        return int(stopped.code or 0)
    try:
        return int(given.run(given))
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
    _add_merge(commands)
    models = commands.add_parser("models", help="list the models that came with the package")
    models.set_defaults(run=_models)
    _add_hub(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    return parser


def _add_merge(commands: Any) -> None:
    merge = commands.add_parser(
        "merge",
        help="link two files and write the merged table",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    merge.set_defaults(run=_merge)
    add = merge.add_argument
    add("left", help="left table: .csv, .tsv, .parquet or .xlsx; csv cells are texts, empty ones are null")
    add("right", help="right table")
    add("--on", type=_names, metavar="COLUMNS", help="key columns of both tables, with commas between")
    add("--left-on", type=_names, metavar="COLUMNS", help="key columns of the left table")
    add("--right-on", type=_names, metavar="COLUMNS", help="key columns of the right table")
    add("--how", default="left", choices=("left", "inner", "right", "outer"), help="which rows are kept")
    add("--validate", choices=("1:1", "1:m", "m:1", "m:m"), help="how often a row may be used (m:1)")
    add("--suffixes", type=_names, default=["_x", "_y"], metavar="X,Y", help="for shared names (_x,_y)")
    add("--indicator", action="store_true", help="add a column _merge")
    add("--model", help='"lexical", a folder, org/name@revision or oci://...; left out: the hybrid')
    add("--block-on", type=_names, metavar="COLUMNS", help="columns that must be equal")
    add("--k", type=int, help="neighbours fetched for each row (10)")
    add("--threshold", type=_threshold, default="auto", help="auto (default), a number, none, precision=0.95")
    add("--score-column", default="score", help="name of the column with the score")
    add("--device", help="where a torch model runs: cpu, cuda")
    add("--batch-size", type=int, help="texts encoded at a time")
    add("--memory-limit", type=_bytes, help="for the search, such as 500MB or 2GB")
    add("--out", help="file to write; left out: csv on standard output")
    add(
        "--unlinked",
        help="file that says which rows stayed alone: side, row number from 0, reason, nearest row, score",
    )
    add("--report", help="json file that says how it was decided")
    add("--dry-run", action="store_true", help="only say pairs, memory and expected time")
    add("--quiet", action="store_true", help="no progress bar and no summary")


def _add_hub(commands: Any) -> None:
    publish = commands.add_parser("publish", help="give a sealed model folder to others")
    publish.add_argument("folder", help="the folder, with its manifest.json")
    publish.add_argument("ref", help="a new folder, oci://host/name:tag or hf://org/name@tag")
    publish.add_argument("--private", action="store_true", default=None, help="for a new hub repository")
    pull = commands.add_parser("pull", help="fetch a published model, and print where it lies")
    pull.add_argument("ref", help="oci://host/name:tag, hf://org/name@revision or a folder")
    pull.add_argument("--to", metavar="FOLDER", help="copy it into this new folder")
    pull.add_argument("--offline", action="store_true", help="use only what was fetched before")
    card = commands.add_parser("card", help="print the card of a model")
    card.add_argument("ref", help="as for pull, or the name of a bundled model")
    for parser, run in ((publish, _publish), (pull, _pull), (card, _card)):
        parser.set_defaults(run=run)
        # no option takes a key: other users of the machine can see a command's arguments
        insecure = "speak to a registry on another machine without encryption"
        parser.add_argument("--insecure", action="store_true", help=insecure)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _threshold(text: str) -> str | float | dict[str, float] | None:
    if text in ("auto", "none"):
        return "auto" if text == "auto" else None
    kind, equals, value = text.partition("=")
    try:
        return {kind: float(value)} if equals else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, none, a number or precision=0.95") from None


def _bytes(text: str) -> int:
    number = text.upper().rstrip("BKMGT")
    try:
        return int(float(number) * UNITS[text.upper()[len(number) :]])
    except (KeyError, ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 500MB or 2GB") from None


def _merge(given: argparse.Namespace) -> int:
    from linktransformer import files, frames, joining, linking
    from linktransformer.estimate import estimate

    outputs = [Path(path) for path in (given.out, given.unlinked) if path]
    for path in outputs:
        files.check_path(path)
    if given.report:
        files.check_folder(Path(given.report))
        outputs.append(Path(given.report))
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise InvalidArgumentError("--out, --unlinked and --report name one file twice. Give each its own.")
    left, right = files.read(given.left), files.read(given.right)
    names = ("left_on", "right_on", "validate", "model", "block_on", "k", "threshold", "device")
    options = {name: getattr(given, name) for name in (*names, "batch_size", "memory_limit")}
    options["progress"] = False if given.quiet else None
    if len(given.suffixes) != 2:
        raise InvalidArgumentError(f"--suffixes {','.join(given.suffixes)} are not two. Give such as _x,_y.")
    joining.check(
        frames.wrap(left, "left"),
        frames.wrap(right, "right"),
        given.how,
        (given.suffixes[0], given.suffixes[1]),
        given.indicator,
        given.score_column,
    )
    if given.dry_run:
        for name, value in estimate(left, right, given.on, **options).items():
            print(f"{name}: {value}")
        return 0
    links = linking.link(left, right, given.on, **options)
    merged = joining.joined(
        links,
        how=given.how,
        suffixes=(given.suffixes[0], given.suffixes[1]),
        indicator=given.indicator,
        score_column=given.score_column,
    )
    if given.out:
        files.write(merged, given.out)
    if given.unlinked:
        files.write(links.unlinked, given.unlinked)
    _report(links.report(), given)
    if not given.out:
        _print(files.as_csv(merged))
    return 0


def _print(text: str) -> None:
    """Write a table to standard output in UTF-8; a reader that has had enough is no error."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", errors="replace"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(report: dict[str, Any], given: argparse.Namespace) -> None:
    text = json.dumps(report, indent=2, default=str)
    if given.report:
        Path(given.report).write_text(text + "\n", encoding="utf-8")
    if not given.quiet:
        rows = {side: report[side] for side in ("left", "right")}
        print(f"{report['links']} links ({report['rule']}); {rows}", file=sys.stderr)


def _models(given: argparse.Namespace) -> int:
    import model_hub

    for name in model_hub.bundled_models():
        manifest = model_hub.bundled(name).manifest
        size = sum(file.size for file in manifest.files) / 1e6
        print(f"{name}  {manifest.dimension} dimensions  {manifest.licence}  {size:.0f} MB")
    return 0


def _publish(given: argparse.Namespace) -> int:
    import model_hub
    from linktransformer import progress

    options = {"private": given.private, "insecure": given.insecure}
    with _model_errors(), progress.bar(None, "publish (bytes)") as tick:
        found = model_hub.publish(given.folder, given.ref, progress=tick, **options)
    print(found)
    return 0


def _pull(given: argparse.Namespace) -> int:
    import model_hub
    from linktransformer import progress

    with _model_errors(), progress.bar(None, "fetch (bytes)") as tick:
        model = model_hub.load(given.ref, offline=given.offline, insecure=given.insecure, progress=tick)
        found = model_hub.publish(model, Path(given.to)) if given.to else model.path
    print(found)
    return 0


def _card(given: argparse.Namespace) -> int:
    import model_hub

    with _model_errors():
        model = model_hub.load(given.ref, insecure=given.insecure)
        path = model.path / "README.md"
        text = path.read_text("utf-8") if path.exists() else model_hub.model_card(model.manifest, given.ref)
        _print(text)
    return 0


@contextlib.contextmanager
def _model_errors() -> Iterator[None]:
    """A model's error is the user's to mend (exit code 2), except for a connection that broke (1)."""
    from model_hub import ModelHubError, TransferError

    try:
        yield
    except TransferError:
        raise
    except ModelHubError as error:
        raise ModelError(str(error)) from error


def _version(given: argparse.Namespace) -> int:
    print(f"linktransformer {__version__}")
    return 0
