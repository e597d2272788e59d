"""Train the model "names" of pictures and texts of firm names, from nothing, within a time budget.

Four stages: read print aloud, pictures with their own texts, print of known names, labelled records of the
scanned books (train only; valid chooses the weights of each stage, test is not looked at). One model for all
languages. `--prepare` writes names and fonts for a machine that has neither. A run that was stopped goes on
where it was when the command is given again.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tools import data
from tools.recipes.names import records
from tools.recipes.names.records import LANGUAGES, Printed
from tools.report import Report, Table, say

SHARES = {"read": 0.25, "self": 0.1, "synthetic": 0.4, "labelled": 0.25}  # of the time, when all are run
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "full": {"names": 20_000, "limit": 0, "batch": 1024, "config": {}},
    "tiny": {"names": 150, "limit": 160, "batch": 64,
             "config": {"dim": 32, "stages": (8, 12, 16), "depths": (1, 1, 1), "width": 32, "heads": 2,
                        "image_layers": 1, "text_layers": 1, "text_convolutions": 1, "table_rows": 1024,
                        "table_width": 16}},
}  # fmt: skip
HELD_OUT = 0.05  # share of the printed names that only measure reading
Train = Callable[[Any, Any, Path, Callable[[int], object]], Any]
TRIAL = 10  # steps that are timed before a stage
SLACK = 0.9  # of a stage's time is planned
AROUND = 0.25  # of it at most goes into validation and mining
LIGHT = 0.4  # strength of the damage that is drawn again on the device: strips are damaged already


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this entry."""
    parser.add_argument("--lang", nargs="+", default=list(LANGUAGES), choices=LANGUAGES)
    parser.add_argument("--to", type=Path, default=Path("models/names"), help="the folder of run and model")
    parser.add_argument("--minutes", type=float, default=20.0, help="for all, printing included")
    parser.add_argument("--preset", default="full", choices=sorted(PRESETS))
    parser.add_argument("--names", type=int, default=0, help="printed names a language; 0: as the preset")
    parser.add_argument("--crops", type=int, default=2, help="records of a printed name on either side")
    parser.add_argument("--mix", type=int, default=0, help="printed records that join the labelled ones")
    parser.add_argument("--batch", type=int, default=0, help="records in a batch; 0: as the preset")
    parser.add_argument("--stages", nargs="+", default=list(SHARES), choices=list(SHARES))
    parser.add_argument("--start", type=Path, default=None, metavar="DIR", help="a model to go on from")
    parser.add_argument("--set", nargs="*", default=[], metavar="STAGE.NAME=VALUE", help="settings, as JSON")
    parser.add_argument("--model", nargs="*", default=[], metavar="NAME=VALUE", help="sizes, as JSON")
    parser.add_argument("--inputs", type=Path, default=None, help="a folder that --prepare wrote")
    parser.add_argument("--prepare", type=Path, default=None, help="only write names and fonts here")
    parser.add_argument("--printed", type=Path, default=None, help="where print is kept; else in --to")
    parser.add_argument("--print-only", action="store_true", help="print, and train nothing")
    parser.add_argument("--workers", type=int, default=2, help="processes that print")
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)


@dataclass(frozen=True, slots=True, eq=False)
class Books:
    """All that is learned from, and what is measured with."""

    printed: Printed
    held_out: Printed
    train: Any
    unlabelled: Any
    tasks: Mapping[str, Any]


def run(options: argparse.Namespace) -> Report:
    """Train, measure, save."""
    began = time.perf_counter()
    gone = data.missing("ocr_firms")
    preset = {**PRESETS[options.preset], "names": options.names or PRESETS[options.preset]["names"]}
    if options.prepare:
        records.prepare(options.prepare, options.lang, preset["names"])
        return Report("names", skipped=[f"written: {options.prepare.name}; nothing was trained"])
    if gone:
        return Report("names", skipped=[gone])
    import torch

    from clippings.record_training.evaluation import validation
    from clippings.record_training.trainable import RecordTrainable
    from clippings.records.bi_encoder import BiEncoder
    from clippings.records.bi_encoder_config import BiEncoderConfig
    from clippings.records.torch_encoder import best_device, save

    books = gather(options, preset)
    if options.print_only:
        return Report("names", skipped=[f"printed {len(books.printed.examples)} records"])
    say(f"{len(books.printed.examples)} printed records after {seconds(began)} s", note=True)
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(options.seed)
    sizes = {**preset["config"], **pairs(options.model)}
    begun = started(options.start) if options.start else BiEncoder(BiEncoderConfig.from_dict(sizes))
    config = begun.config
    model = RecordTrainable(begun, options.device or best_device())
    validate = validation(books.tasks)
    left = 60 * options.minutes - (time.perf_counter() - began)
    whole, rows = sum(SHARES[name] for name in options.stages), []
    for number, name in enumerate(options.stages):
        start = time.perf_counter()
        budget = left * SHARES[name] / whole
        folder = options.to / f"{number}-{name}"
        found = learn(model, name, books, folder, budget, options, validate)
        rows.append({"stage": name, **found, "seconds": time.perf_counter() - start})
        say(json.dumps(rows[-1]), note=True)
        if name != "read":  # only pictures were learned from until then
            save(
                model.model, options.to / f"after-{name}", name=f"names-{name}", languages=list(options.lang)
            )
    final = {name: float(value) for name, value in validate(model).items()}
    if config.fusion == "centred":
        of_train = model.encode(books.train)
        model.model.fuse.calibrate(torch.from_numpy(of_train.image), torch.from_numpy(of_train.text))
    facts = {
        "name": "names",
        "languages": list(options.lang),
        "licence": "NOASSERTION",  # until the terms of every font and list are looked at together
        "metrics": final,
        "trained_on": {
            "printed": f"{len(books.printed.examples)} records of our own print",
            "scanned": "ocr_firms: train with labels, unlabelled without",
            "stages": list(options.stages),
        },
    }
    save(model.model, options.to / "model", **facts)
    settings = {name: value for name, value in vars(options).items() if isinstance(value, (int, float, list))}
    size = sum(value.numel() for value in model.model.parameters())
    settings |= {"parameters": size, "device": model.device, "minutes used": seconds(began) / 60}
    return Report("names", [Table("stages", rows), Table("valid", by_task(final))], [], settings)


def started(folder: Path) -> Any:
    """The model of a folder, to be trained further.

    Sizes given by --model are not looked at: the folder has its own.
    """
    import model_hub
    from clippings.records.torch_encoder import TorchRecordEncoder

    return TorchRecordEncoder.from_folder(model_hub.open_model(folder), device="cpu").model


def gather(options: argparse.Namespace, preset: Mapping[str, Any]) -> Books:
    """Print records, or take those of the run before, and read the scanned books."""
    from clippings.record_training.evaluation import task
    from clippings.record_training.examples import join, take

    parts: dict[str, list[Printed]] = {"train": [], "held_out": []}
    tasks, train, unlabelled = {}, [], []
    for language in options.lang:
        every = records.names(language, preset["names"], options.inputs)
        cut = max(8, round(HELD_OUT * len(every)))
        for name, of, n in (("held_out", every[:cut], 1), ("train", every[cut:], options.crops)):
            place = options.printed or options.to / "printed"
            place = place / f"{language}-{name}-{len(of)}-{n}-{options.seed}"
            found = records.load(place)
            if found is None:
                found = records.print_records(
                    language, of, options.inputs, crops=(n, n), seed=options.seed, workers=options.workers
                )
                records.save(found, place)
            parts[name].append(found)
        labelled = records.scanned(language, "train", labels=True, limit=preset["limit"])
        train.append(take(labelled, np.flatnonzero(~records.kept_back(labelled.entity))))
        unlabelled.append(records.scanned(language, "unlabelled", labels=False, limit=preset["limit"]))
        for column in ("ocr_noisy", "ocr_clean"):
            one = records.scanned(language, "valid", labels=True, column=column, limit=preset["limit"])
            tasks[f"{language}_{column[4:]}"] = task(one)
    whole = {
        name: Printed(join([one.examples for one in of]), tuple(text for one in of for text in one.printed))
        for name, of in parts.items()
    }
    return Books(whole["train"], whole["held_out"], join(train), join(unlabelled), tasks)


def joined(parts: Sequence[Any]) -> Any:
    """Sets of records as one."""
    from clippings.record_training.examples import join

    return join(parts)


def learn(
    model: Any,
    name: str,
    books: Books,
    folder: Path,
    budget: float,
    options: argparse.Namespace,
    validate: Callable[[Any], Mapping[str, float]],
) -> dict[str, Any]:
    """One stage, planned to fit its time."""
    from clippings.record_training.recipe import RecordRecipe

    batch = options.batch or PRESETS[options.preset]["batch"]
    changes = {"batch_size": batch, "mini_batch_size": 4 * batch, "seed": options.seed, "average": 0.999}
    if name == "self":
        changes["keep"] = "last"  # what it learns shows after the stages that follow
    of_stage = [item.split(".", 1)[1] for item in options.set if item.split(".", 1)[0] in (name, "all")]
    recipe = RecordRecipe.for_stage(name, **{**changes, "patience": 0, **pairs(of_stage)})
    train, n_records = stage_of(name, books, recipe, validate, options.mix)
    plan = planned(train, model, recipe, budget, n_records, folder)
    recipe = replace(recipe, save_steps=200, **plan)
    found = train(model, recipe, folder / "run", lambda n: None)
    best = {name: value for name, value in found.best.items() if name in ("cer", "fused_top1", "image_top1")}
    return {**plan, "steps": found.steps, "best step": found.best_step, **best}


def planned(
    train: Train, model: Any, recipe: Any, budget: float, n_records: int, folder: Path
) -> dict[str, int]:
    """How many epochs and steps a stage has; a run that goes on keeps its plan."""
    from clippings.record_training.trainable import RecordTrainable

    plan = folder / "plan.json"
    if not plan.exists():  # the schedule is a part of what a run is
        made = fitted(train, RecordTrainable(copy.deepcopy(model.model)), recipe, budget, n_records)
        folder.mkdir(parents=True, exist_ok=True)
        plan.write_text(json.dumps(made) + "\n", encoding="utf-8")
    return dict(json.loads(plan.read_text("utf-8")))


def stage_of(name: str, books: Books, recipe: Any, validate: Any, mix: int = 0) -> tuple[Train, int]:
    """A function that runs a stage on a model, with a recipe, in a folder; and how many records it has."""
    from clippings.record_training.ctc_pretraining import fit_reader
    from clippings.record_training.examples import join
    from clippings.record_training.trainer import Stage, fit_records

    if name == "read":
        aloud, held_out = books.printed.aloud, books.held_out.aloud

        def read(model: Any, how: Any, folder: Path, tick: Any) -> Any:
            return fit_reader(model, aloud, held_out, how, folder, augment=damaged, resume=True, tick=tick)

        return read, len(aloud)
    hidden = replace(books.train, entity=np.full(len(books.train), -1))
    examples = {
        "self": lambda: join([hidden, books.unlabelled]),
        "synthetic": lambda: books.printed.examples,
        "labelled": lambda: join([books.train, books.unlabelled, *some_of(books.printed.examples, mix)]),
    }[name]()
    near: tuple[Any, ...] = ()
    if name in ("labelled", "synthetic") and recipe.hard_negatives:
        if find_spec("sparse_dot_topn"):
            near = (by_ngrams(examples.texts) if name == "labelled" else by_names(books.printed),)
        else:
            say("sparse_dot_topn is not installed: negatives by the model itself only", note=True)
    stage = Stage(examples, recipe, near, damaged)

    def link(model: Any, how: Any, folder: Path, tick: Any) -> Any:
        return fit_records(
            model, replace(stage, recipe=how), folder, validate=validate, resume=True, tick=tick
        )

    return link, len(examples)


def some_of(printed: Any, n: int) -> list[Any]:
    """About n of the printed records, those of whole names; an empty list for none."""
    from clippings.record_training.examples import take

    if not n:
        return []
    number = np.unique(printed.entity, return_inverse=True)[1]  # spread over all names, in both languages
    step = max(1, round(len(printed) / n))
    return [take(printed, np.flatnonzero(number % step == 0))]


def fitted(train: Train, model: Any, recipe: Any, budget: float, n_records: int) -> dict[str, int]:
    """How many epochs and steps fit into the time, by a trial that is thrown away.

    It runs twice: a GPU's libraries plan what they do for every new shape, which takes longer than the rest
    of a trial and comes once.
    """
    from clippings.record_training.batches import count

    # mined at once, so that the time for it is seen too
    short = replace(recipe, max_steps=TRIAL, log_steps=1, mining="once")
    began = time.perf_counter()
    ticks: list[float] = []
    for _ in range(2):
        ticks.clear()
        warm = time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            train(model, short, Path(place), lambda n: ticks.append(time.perf_counter()))
    ended = time.perf_counter()
    step = float(np.median(np.diff(ticks)))
    around = (ended - warm) - (ticks[-1] - ticks[0])  # two validations, mining, and what is done once
    steps = max(TRIAL, int((SLACK * (budget - (ended - began)) - 2 * around) / step))
    # every epoch ends with a validation and begins with mining: a quarter of the time is kept for these
    a_pass = count(n_records, recipe.batch_size)
    epochs = max(1, min(int(AROUND * budget / max(around, 1e-3)), steps // a_pass))
    steps = max(TRIAL, int(steps - epochs * around / step))
    passes = -(-steps // (epochs * a_pass))
    say(f"{recipe.stage}: {step:.3f} s a step, {around:.1f} s around, {steps} steps", note=True)
    return {"epochs": epochs, "passes": passes, "max_steps": steps}


def damaged(batch: Any, mask: Any, generator: Any) -> Any:
    """Light damage, drawn each time."""
    from clippings.record_training.strip_augment import Augmentation, augment

    settings = Augmentation(strength=LIGHT)
    return augment(batch, generator, settings, mask=mask, vertical=batch.shape[2] > batch.shape[3])


def by_ngrams(texts: Sequence[str]) -> Any:
    """A search by character n-grams among the texts."""
    from linktransformer.search import lexical

    view = lexical.fit(list(texts), [])

    def near(queries: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
        query, item, _ = lexical.sparse_top_k(view.left[queries], view.left[items], k)
        found = np.full((len(queries), k), -1, dtype=np.int64)
        found[query, np.arange(len(query)) - np.searchsorted(query, query)] = item
        return found

    return near


def by_names(printed: Printed, most: int = 16) -> Any:
    """A search for records of names that are like a record's own, by character n-grams of what is printed.

    The names are compared once; which record of such a name is taken depends on the record that asks. All
    records have to be searched.
    """
    from linktransformer.search import lexical

    name = printed.examples.groups()
    order = np.argsort(name, kind="stable")
    first, counts = np.unique(name[order], return_index=True, return_counts=True)[1:]
    view = lexical.fit([printed.printed[row] for row in order[first].tolist()], [])
    one, other, _ = lexical.sparse_top_k(view.left, view.left, most + 1)
    one, other = (side[one != other] for side in (one, other))
    found = np.full((len(first), most + 1), -1, dtype=np.int64)
    found[one, np.arange(len(one)) - np.searchsorted(one, one)] = other

    def near(queries: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
        names = np.full((len(queries), k), -1, dtype=np.int64)
        names[:, : found.shape[1]] = found[name[queries]][:, :k]
        rows = order[first[names] + queries[:, None] % counts[names]]
        return np.where(names >= 0, rows, -1)

    return near


def pairs(given: Sequence[str]) -> dict[str, Any]:
    """Settings as they are written on the command line.

    Example:
        >>> pairs(["epochs=3", 'loss="clip"'])
        {'epochs': 3, 'loss': 'clip'}
    """
    return {name: json.loads(value) for name, _, value in (item.partition("=") for item in given)}


def by_task(found: Mapping[str, float]) -> list[dict[str, Any]]:
    """The measures of a validation, a row a task."""
    kinds = [f"{kind}_{name}" for kind in ("image", "text", "fused") for name in ("top1", "no_match")]
    whole = [name for name in found if name.endswith("_fused_top1")]
    tasks = [name.removesuffix("_fused_top1") for name in whole]
    rows = [{"task": of, **{kind: found[f"{of}_{kind}"] for kind in kinds}} for of in tasks]
    return [*rows, {"task": "mean", **{kind: found[kind] for kind in kinds}}]


def seconds(since: float) -> int:
    """Whole seconds since then."""
    return round(time.perf_counter() - since)
