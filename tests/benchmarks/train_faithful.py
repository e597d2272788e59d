"""CLIPPINGS as published, from the start and the records of the model "names": its predictions as files.

Padded squares, the plain mean, InfoNCE on pictures with their own texts, then SupCon on print and on labelled
records, negatives mined once. `python -m tests.benchmarks clippings --predictions DIR` scores what it writes.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tools import data
from tools.recipes.names import records as names_data
from tools.recipes.names import train as train_names
from tools.recipes.names.records import LANGUAGES
from tools.report import Report, Table

SHARES = {"self": 0.3, "synthetic": 0.4, "labelled": 0.3}  # of the time
NAMES = ("fused", "image", "text")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this entry."""
    parser.add_argument("--lang", nargs="+", default=list(LANGUAGES), choices=LANGUAGES)
    parser.add_argument("--to", type=Path, default=Path("models/faithful"), help="the folder of the run")
    parser.add_argument(
        "--write", type=Path, default=None, metavar="DIR", help="for the predictions; else --to"
    )
    parser.add_argument("--minutes", type=float, default=20.0, help="for all, printing included")
    parser.add_argument("--preset", default="full", choices=sorted(train_names.PRESETS))
    parser.add_argument("--names", type=int, default=0, help="printed names a language; 0: as the preset")
    parser.add_argument("--crops", type=int, default=2, help="records of a printed name on either side")
    parser.add_argument("--printed", type=Path, default=None, help="where print is kept; else in --to")
    parser.add_argument("--side", type=int, default=224, help="of the squares, in pixels")
    parser.add_argument("--factor", type=float, default=100.0, help="times the published learning rates")
    parser.add_argument("--inputs", type=Path, default=None, help="a folder that train_names --prepare wrote")
    parser.add_argument("--workers", type=int, default=2, help="processes that print")
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> Report:
    """Train the three stages within the time, and predict valid and test."""
    began = time.perf_counter()
    gone = data.missing("ocr_firms")
    if gone:
        return Report("train_faithful", skipped=[gone])
    import torch

    from clippings.record_training.evaluation import validation
    from clippings.record_training.published_recipe import faithful_config, faithful_recipes
    from clippings.record_training.trainable import RecordTrainable
    from clippings.record_training.trainer import Stage, fit_records
    from clippings.records.bi_encoder import BiEncoder
    from clippings.records.torch_encoder import best_device

    preset = train_names.PRESETS[options.preset]
    books = train_names.gather(options, {**preset, "names": options.names or preset["names"]})
    hidden = replace(books.train, entity=np.full(len(books.train), -1))
    records = {
        "self": squared(train_names.joined([hidden, books.unlabelled]), options.side),
        "synthetic": squared(books.printed.examples, options.side),
        "labelled": squared(books.train, options.side),
    }
    tasks = {
        name: replace(one, examples=squared(one.examples, options.side)) for name, one in books.tasks.items()
    }
    torch.manual_seed(options.seed)
    sizes = {name: value for name, value in preset["config"].items() if name != "short"}
    model = RecordTrainable(
        BiEncoder(faithful_config(options.side, **sizes)), options.device or best_device()
    )
    left = 60 * options.minutes - (time.perf_counter() - began)
    rows = []
    for recipe in faithful_recipes(options.factor, seed=options.seed, log_steps=10):
        start = time.perf_counter()
        stage = Stage(records[recipe.stage], recipe)
        folder = options.to / recipe.stage

        def train(model: Any, how: Any, place: Path, tick: Any, stage: Stage = stage) -> Any:
            return fit_records(
                model, replace(stage, recipe=how), place, validate=validation(tasks), resume=True, tick=tick
            )

        planned = train_names.planned(
            train, model, recipe, SHARES[recipe.stage] * left, len(stage.examples), folder
        )
        found = train(model, replace(recipe, **planned), folder / "run", lambda n: None)
        best = {name: found.best[name] for name in ("image_top1", "text_top1", "fused_top1")}
        rows.append({"stage": recipe.stage, **planned, **best, "seconds": time.perf_counter() - start})
    write(model, options)
    settings = {"factor": options.factor, "side": options.side, "seed": options.seed, "device": model.device}
    return Report("train_faithful", [Table("stages", rows)], [], settings)


def squared(examples: Any, side: int) -> Any:
    """The same records as white squares."""
    from clippings.record_training.published_recipe import squares

    return replace(examples, strips=squares(list(examples.strips), side))


def write(model: Any, options: argparse.Namespace) -> None:
    """The best target of every source of valid and test, by each OCR and view."""
    place = options.write or options.to / "predictions"
    place.mkdir(parents=True, exist_ok=True)
    for language in options.lang:
        for split in ("valid", "test"):
            for ocr in ("ocr_noisy", "ocr_clean"):
                records = squared(names_data.scanned(language, split, labels=False, column=ocr), options.side)
                ids = names_data.ids(language, split)
                vectors = model.encode(records)
                sides = [np.flatnonzero(records.side == side) for side in (0, 1)]
                for view in NAMES:
                    rows = getattr(vectors, view)
                    score = rows[sides[0]] @ rows[sides[1]].T
                    best = score.argmax(axis=1)
                    name = f"{language}_{split}_faithful-seed{options.seed}-{view}_{ocr}.csv"
                    with (place / name).open("w", encoding="utf-8", newline="") as file:
                        out = csv.writer(file)
                        out.writerow(("source_id", "target_id", "score"))
                        for row, at in enumerate(best.tolist()):
                            out.writerow((ids[sides[0][row]], ids[sides[1][at]], score[row, at]))
