"""Which decision model a benchmark runs with: the shipped one, a given file, or one for each fold."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "LINKTRANSFORMER_DECISION"
READER = "LINKTRANSFORMER_READER"
SHIPPED = "shipped model: it has seen these families"
FOLDS = "folds.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the decision model."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--model-file", type=Path, default=None, help="decide with this model on every set")
    which.add_argument(
        "--folds",
        type=Path,
        default=None,
        help="fold-K.npz, reader-K (a model folder) and folds.json: models by left-out fold",
    )


def described(options: argparse.Namespace) -> str:
    """What the report says about where the decision is from."""
    if options.folds is not None:
        return f"a model for each left-out fold, from {options.folds.name}"
    if options.model_file is not None:
        return f"{options.model_file.name} on every set"
    return SHIPPED


def file_of(name: str, options: argparse.Namespace) -> Path | None:
    """The model file for a set; None is the shipped one.

    With folds, a set or task that `folds.json` does not name is looked up by its group, as in
    "autofj/Song" and then "autofj". One that is not named at all is an error: it would be measured
    by a model that may have seen it.
    """
    if options.folds is None:
        return None if options.model_file is None else options.model_file.expanduser().resolve()
    folder = options.folds.expanduser().resolve()
    fold_of = json.loads((folder / FOLDS).read_text(encoding="utf-8"))
    for known in (name, name.split("/")[0]):
        if known in fold_of:
            return folder / f"fold-{fold_of[known]}.npz"
    raise SystemExit(f"{FOLDS} names no fold for {name}")


def reader_of(chosen: Path | None, options: argparse.Namespace) -> Path | None:
    """The folder of the reader that goes with a fold's model file; None is the shipped one.

    A fold without a reader is an error: the shipped one may have seen the set.
    """
    if options.folds is None or chosen is None:
        return None
    folder = chosen.with_name(f"reader-{chosen.stem.removeprefix('fold-')}")
    if not folder.is_dir():
        raise SystemExit(f"{folder} does not exist")
    return folder


def check(names: Iterable[str], options: argparse.Namespace) -> None:
    """Stop before anything is measured where the model of one of these sets is not there."""
    for name in names:
        chosen = file_of(name, options)
        if chosen is not None and not chosen.exists():
            raise SystemExit(f"{chosen} does not exist")


@contextmanager
def deciding(name: str, options: argparse.Namespace) -> Iterator[None]:
    """The package decides by the model of that set inside; afterwards as before."""
    check([name], options)
    chosen = file_of(name, options)
    wanted = {VARIABLE: chosen, READER: reader_of(chosen, options)}
    before = {variable: os.environ.get(variable) for variable in wanted}
    os.environ |= {variable: str(path) for variable, path in wanted.items() if path is not None}
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value
