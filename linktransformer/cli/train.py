"""`linktransformer train` and `evaluate`: a model tuned on labelled rows, and how well a model links."""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Sequence

from linktransformer.cli.arguments import Commands, add_keys, add_search, names, options_of
from linktransformer.cli.inputs import TABLE, add_reading, check_reading, read, read_plain
from linktransformer.cli.outputs import print_warnings, printed_warnings, without_warnings
from linktransformer.errors import InvalidArgumentError

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the commands."""
    train = commands.add_parser("train", help="tune a model on rows that are known to match")
    train.set_defaults(run=_train)
    add = train.add_argument
    add("data", help=f"labelled rows: {TABLE}")
    add("--left", type=names, metavar="COLUMNS", help="columns of the left text of a pair")
    add("--right", type=names, metavar="COLUMNS", help="columns of the right text of a pair")
    add("--label", metavar="COLUMN", help="1 for a match and 0 for none; left out: every pair is a match")
    add("--cluster", metavar="COLUMN", help="where rows are not pairs: the cluster of a row")
    add("--on", type=names, metavar="COLUMNS", help="columns of a row's text, with --cluster")
    add("--val", metavar="FILE", help="rows to select the best weights; left out: split by entity")
    add("--test", metavar="FILE", help="rows for the final scores; left out: split by entity")
    add("--base", help="base model: a bundled one, a folder, org/name@revision (linker-multilingual)")
    add("--out", metavar="FOLDER", help="folder of the run (models/trained-1 and so on)")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, such as epochs=5")
    add("--device", help="where it runs: cpu, cuda")
    add("--resume", action="store_true", help="continue the run in --out")
    add_reading(train)
    add("--quiet", action="store_true", help="no progress")
    evaluate = commands.add_parser("evaluate", help="link two files and compare with the true pairs")
    evaluate.set_defaults(run=_evaluate)
    add = evaluate.add_argument
    add("left", help="left table")
    add("right", help="right table")
    add("truth", help="table of two columns, the ids of pairs, and perhaps one of 1 (match) and 0")
    add("--ids", type=names, default=["id", "id"], metavar="LEFT,RIGHT", help="columns of the ids (id,id)")
    add("--label", metavar="COLUMN", help="column of 1 and 0 of the truth (label, match or the third one)")
    add_keys(evaluate)
    add_search(evaluate)
    add_reading(evaluate, right=True)
    add("--quiet", action="store_true", help="no progress")


def _train(arguments: argparse.Namespace) -> int:
    from linktransformer.training import train

    paths = {"data": arguments.data, "val_data": arguments.val, "test_data": arguments.test}
    if arguments.val or arguments.test:
        paths = {"train_data": paths.pop("data"), **paths}
    paths = {name: path for name, path in paths.items() if path}
    check_reading(arguments, paths.values())
    with printed_warnings():
        trained = train.train_model(
            **{name: read(path, arguments) for name, path in paths.items()},
            left_col_names=arguments.left,
            right_col_names=arguments.right,
            label_col_name=arguments.label,
            clus_id_col_name=arguments.cluster,
            clus_text_col_names=arguments.on,
            base=arguments.base,
            out=arguments.out,
            device=arguments.device,
            resume=arguments.resume,
            progress=False if arguments.quiet else None,
            training_args=dict(map(_setting, arguments.set)),
        )
    print(json.dumps({"folder": str(trained.folder), **trained.metrics}, indent=2))
    return 0


def _setting(text: str) -> tuple[str, object]:
    """NAME=VALUE; the value is a Python literal, true or false, else a string."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidArgumentError(f"--set {text} is not a setting. Give such as --set epochs=5.")
    if value.lower() in ("true", "false"):
        return name, value.lower() == "true"
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _evaluate(arguments: argparse.Namespace) -> int:
    from linktransformer import progress
    from linktransformer.linking import merge
    from linktransformer.tables import frames
    from linktransformer.tables.id_columns import in_texts

    names = (
        "left_on",
        "right_on",
        "validate",
        "model",
        "reader",
        "block_on",
        "images",
        "confidence",
        "k",
        "threshold",
        "image_root",
    )
    options = options_of(arguments, (*names, "null_values", "device", "batch_size", "memory_limit"))
    with progress.display(options["progress"], "evaluate"):
        if len(arguments.ids) != 2:
            raise InvalidArgumentError(
                f"--ids {','.join(arguments.ids)} are not two. Give two, such as id,id."
            )
        check_reading(arguments, [arguments.left, arguments.right])
        left = in_texts(read(arguments.left, arguments), arguments.ids[:1], "left")
        right = in_texts(read(arguments.right, arguments, right=True), arguments.ids[1:], "right")
        truth = in_texts(read_plain(arguments.truth, arguments.na), None, "truth")
        on = arguments.on
        if not on and not arguments.left_on:
            on = _shared(
                frames.wrap(left, "left").columns, frames.wrap(right, "right").columns, arguments.ids
            )
        with without_warnings():
            links = merge.link(left, right, on or None, **options)
    print_warnings(links.report(), quiet=arguments.quiet)
    with printed_warnings():
        scores = links.evaluate(
            truth, left_id=arguments.ids[0], right_id=arguments.ids[1], label=arguments.label
        )
    print(json.dumps(scores, indent=2))
    return 0


def _shared(left: Sequence[str], right: Sequence[str], ids: Sequence[str]) -> list[str]:
    """The columns that both tables have, without the ids."""
    return [name for name in left if name in right and name not in ids]
