"""Which decision and reader a benchmark runs with: the shipped ones, a given file, or those of each fold."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "LINKTRANSFORMER_DECISION"
SHIPPED = "shipped model: it has seen these families"
READER = "LINKTRANSFORMER_READER"
FOLDS = "folds.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the decision model."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--model-file", type=Path, default=None, help="decide with this model on every set")
    which.add_argument(
        "--folds", type=Path, default=None, help="fold-K.npz, reader-K/, folds.json: models by left-out fold"
    )


def described(options: argparse.Namespace) -> str:
    """What the report says about where the decision is from."""
    if options.folds is not None:
        readers = any(options.folds.expanduser().glob("reader-*"))
        reader = "" if readers else "; the reader is the shipped one, which has seen these families"
        return f"a model for each left-out fold, from {options.folds.name}{reader}"
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


def check(names: Iterable[str], options: argparse.Namespace) -> None:
    """Stop before anything is measured where the model of one of these sets is not there."""
    for name in names:
        for chosen in (file_of(name, options), reader_of(name, options)):
            if chosen is not None and not chosen.exists():
                raise SystemExit(f"{chosen} does not exist")


def reader_of(name: str, options: argparse.Namespace) -> Path | None:
    """The folder with the reader for a set; None is the shipped one.

    A folder of folds has readers of all folds or none.
    """
    chosen = file_of(name, options)
    if options.folds is None or chosen is None or not any(chosen.parent.glob("reader-*")):
        return None
    return chosen.with_name(chosen.stem.replace("fold-", "reader-"))


@contextmanager
def deciding(name: str, options: argparse.Namespace) -> Iterator[None]:
    """The package decides and reads by the models of that set inside; afterwards as before."""
    check([name], options)
    chosen = {VARIABLE: file_of(name, options), READER: reader_of(name, options)}
    before = {variable: os.environ.get(variable) for variable in chosen}
    os.environ.update({variable: str(path) for variable, path in chosen.items() if path is not None})
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value
