"""`linktransformer train` and `evaluate`: a model tuned on labelled rows, and how well a model links."""

from __future__ import annotations

import argparse
import ast
import json
from typing import Any

from linktransformer.cli.cli_arguments import (
    add_search,
    images,
    names,
    print_warnings,
    threshold,
    without_warnings,
)
from linktransformer.errors import InvalidArgumentError

__all__ = ["add_to"]


def add_to(commands: Any) -> None:
    """Add the commands.

    Args:
        commands: The subparsers.
    """
    train = commands.add_parser("train", help="tune a model on rows that are known to match")
    train.set_defaults(run=_train)
    add = train.add_argument
    add("data", help="labelled rows: .csv, .tsv, .parquet or .xlsx")
    add("--left", type=names, metavar="COLUMNS", help="columns of the left text of a pair")
    add("--right", type=names, metavar="COLUMNS", help="columns of the right text of a pair")
    add("--label", metavar="COLUMN", help="1 for a match and 0 for none; left out: every pair is a match")
    add("--cluster", metavar="COLUMN", help="where rows are no pairs: the cluster of a row")
    add("--on", type=names, metavar="COLUMNS", help="columns of a row's text, with --cluster")
    add("--val", metavar="FILE", help="rows to choose the best weights by; left out: cut by entity")
    add("--test", metavar="FILE", help="rows that are looked at once; left out: cut by entity")
    add(
        "--base",
        help="what to start from: a bundled model, a folder, org/name@revision (linker-multilingual)",
    )
    add("--out", metavar="FOLDER", help="folder of the run (models/trained-1 and so on)")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, such as epochs=5")
    add("--device", help="where it runs: cpu, cuda")
    add("--resume", action="store_true", help="continue the run in --out")
    add("--quiet", action="store_true", help="no progress")
    evaluate = commands.add_parser("evaluate", help="link two files and compare with the true pairs")
    evaluate.set_defaults(run=_evaluate)
    add = evaluate.add_argument
    add("left", help="left table")
    add("right", help="right table")
    add("truth", help="table whose first two columns hold the ids of true pairs")
    add("--ids", type=names, default=["id", "id"], metavar="LEFT,RIGHT", help="columns of the ids (id,id)")
    add("--on", type=names, metavar="COLUMNS", help="key columns of both tables, with commas between")
    add("--left-on", type=names, metavar="COLUMNS", help="key columns of the left table")
    add("--right-on", type=names, metavar="COLUMNS", help="key columns of the right table")
    add("--images", type=images, metavar="COLUMNS", help="column of picture files, or LEFT,RIGHT")
    add("--confidence", type=images, metavar="COLUMNS", help="how sure the OCR was, 0 to 1; or LEFT,RIGHT")
    add("--validate", choices=("1:1", "1:m", "m:1", "m:m"), help="how often a row may be used (m:1)")
    add("--threshold", type=threshold, default="auto", help="auto (default), a number, none, precision=0.95")
    add_search(add)
    add("--quiet", action="store_true", help="no progress")


def _train(given: argparse.Namespace) -> int:
    from linktransformer.training import train

    rows = "train_data" if given.val or given.test else "data"
    trained = train.train_model(
        **{rows: given.data},
        val_data=given.val,
        test_data=given.test,
        left_col_names=given.left,
        right_col_names=given.right,
        label_col_name=given.label,
        clus_id_col_name=given.cluster,
        clus_text_col_names=given.on,
        base=given.base,
        out=given.out,
        device=given.device,
        resume=given.resume,
        progress=False if given.quiet else None,
        training_args=dict(map(_setting, given.set)),
    )
    print(json.dumps({"folder": str(trained.folder), **trained.metrics}, indent=2))
    return 0


def _setting(text: str) -> tuple[str, Any]:
    """A name and what stands behind the equals sign: a number, true or false, a tuple, else a text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidArgumentError(f"--set {text} is no setting. Give such as --set epochs=5.")
    if value.lower() in ("true", "false"):
        return name, value.lower() == "true"
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _evaluate(given: argparse.Namespace) -> int:
    from linktransformer import progress
    from linktransformer.linking import merge
    from linktransformer.tables import files, frames

    with progress.display(False if given.quiet else None, "evaluate"):
        left, right, truth = (files.read(path) for path in (given.left, given.right, given.truth))
        tables = frames.wrap(left, "left"), frames.wrap(right, "right")
        if len(given.ids) != 2:
            raise InvalidArgumentError(f"--ids {','.join(given.ids)} are not two. Give such as id,id.")
        chosen = (
            "left_on",
            "right_on",
            "validate",
            "model",
            "block_on",
            "images",
            "confidence",
            "k",
            "threshold",
            "null_values",
            "device",
        )
        with without_warnings():
            links = merge.link(
                left,
                right,
                given.on or (None if given.left_on else _all_but(tables, given.ids)),
                **{name: getattr(given, name) for name in (*chosen, "batch_size", "memory_limit")},
                progress=False if given.quiet else None,
            )
    print_warnings(links.report(), quiet=given.quiet)
    scores = links.evaluate(truth, left_id=given.ids[0], right_id=given.ids[1])
    print(json.dumps(scores, indent=2))
    return 0


def _all_but(tables: Any, ids: list[str]) -> list[str]:
    """The columns that both tables have but for the ids."""
    return [name for name in tables[0].columns if name in tables[1].columns and name not in ids]
