"""Train the model "photos" on printings of pictures, in stages, several seeds after another.

`python -m tools.recipes.photos.packing` writes the folder that it reads. Heads start from a linear
discriminant analysis; then pictures are learned with their own captions ("self"), then printings of one
picture with each other and hard negatives ("synthetic"). Valid chooses the weights of the second stage; the
test split is not in the folder. `--stages` without a name stops after the discriminant analysis, which needs
no GPU.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.recipes.photos.packing import BACKBONE, PHOTOS, planned, text_table
from tools.recipes.photos.sources import load
from tools.report import Report, Table, say

Squares = npt.NDArray[np.uint8]
SHARES = {"self": 0.15, "synthetic": 0.85}  # of a seed's time
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "self": {"loss": "clip", "learning_rate": 2e-4, "m_per_class": 1, "views": 1},
    "synthetic": {"learning_rate": 4e-4, "m_per_class": 4, "hard_negatives": 3, "equal_texts": True},
}
PRINTINGS_FOR_HEADS = 6  # a picture, of those that the discriminant analysis sees
SLACK = 0.75  # of a stage's time is planned, the rest goes into mining and validation
FEW = 12  # steps that are timed before a stage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this entry."""
    parser.add_argument("--inputs", type=Path, required=True, help="a folder that `packing` wrote")
    parser.add_argument("--to", type=Path, default=Path("models/photos"), help="the folder of the weights")
    parser.add_argument("--minutes", type=float, default=1.2, help="of training, for each seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--stages", nargs="*", default=list(SHARES), choices=list(SHARES))
    parser.add_argument("--times", type=int, default=0, help="printings a picture; 0: as planned")
    parser.add_argument("--limit", type=int, default=0, help="so many source pictures; 0: all")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--side", type=int, default=224, help="pixels of a square; 64 for a trial on a CPU")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that print")
    parser.add_argument(
        "--deadline", type=float, default=330, help="seconds; no seed begins that would end later"
    )
    parser.add_argument("--device", default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Printed:
    """Printings of a split, prepared: squares (n, side, side, 3), quality (n, 2), texts and sources."""

    squares: Squares
    quality: npt.NDArray[np.float32]
    texts: tuple[str, ...]
    source: npt.NDArray[np.int64]

    def examples(self, first: int = 0) -> Any:
        """The printings as records to train on; those of a picture are on both sides in turn.

        A picture stands for its number from `first` on: the squares themselves lie on the device.
        """
        from clippings.record_training.examples import RecordExamples

        n = len(self.texts)
        return RecordExamples(
            self.texts,
            lambda numbers, epoch: [np.array([number + first]) for number in numbers.tolist()],
            self.source,
            side=(np.arange(n) % 2).astype(np.int8),
            quality=self.quality,
            has_image=np.ones(n, np.bool_),
        )


def run(options: argparse.Namespace) -> Report:
    """Print, train and save every seed."""
    started = time.perf_counter()
    printings = {split: printed(options, split) for split in ("train", "valid")}
    counts = [len(one.texts) for one in printings.values()]
    say(f"printed {counts}, {time.perf_counter() - started:.0f} s", note=True)
    rows: list[dict[str, Any]] = []
    longest = 60 * options.minutes
    options.to.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        begun = time.perf_counter()
        if begun - started + longest > options.deadline:
            say(f"no time for seed {seed}", note=True)
            continue
        rows += learned(options, printings, seed)
        longest = max(longest, time.perf_counter() - begun)
        (options.to / "figures.json").write_text(json.dumps(rows, indent=1) + "\n")
    settings = {name: str(value) for name, value in vars(options).items()}
    return Report("photos", [Table("Valid split", rows)], settings=settings)


def printed(options: argparse.Namespace, split: str) -> Printed:
    """The printings of a split, by several processes."""
    sources, data = load(options.inputs / PHOTOS)
    plan = planned(sources, split, options.times or None)
    if options.limit:
        kept = sorted({one.source for one in plan})[: options.limit]
        plan = [one for one in plan if one.source <= kept[-1]]
    chunks = [plan[start : start + 64] for start in range(0, len(plan), 64)]
    _Work.data, _Work.side = data, options.side
    if options.workers > 1:
        with multiprocessing.get_context("fork").Pool(options.workers) as pool:
            parts = pool.map(_prints, chunks, chunksize=1)
    else:
        parts = [_prints(chunk) for chunk in chunks]
    return Printed(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        tuple(one.text for one in plan),
        np.array([one.source for one in plan], np.int64),
    )


class _Work:  # of the processes that print: a fork shares it
    data: Sequence[bytes] = ()
    side: int = 224


def _prints(plan: Sequence[Any]) -> tuple[Squares, npt.NDArray[np.float32]]:
    from clippings.pictures.photographs import photograph
    from clippings.synthetic.press import press

    shown = [
        photograph(press(_pixels(one.source), one.press, one.draw, other=_pixels(one.other)), _Work.side)
        for one in plan
    ]
    return np.stack([one.pixels for one in shown]), np.stack([one.quality for one in shown])


def _pixels(number: int) -> Squares:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(_Work.data[number])).convert("RGB"), np.uint8)


def learned(options: argparse.Namespace, printings: Mapping[str, Printed], seed: int) -> list[dict[str, Any]]:
    """The figures on valid after each stage of one seed; its weights are saved."""
    import torch
    from safetensors.torch import load_file, save_file

    from clippings.record_training.evaluation import RecordTask, task, validation
    from clippings.record_training.photo_trainable import PhotoTrainable
    from clippings.records.photo_config import PhotoConfig
    from clippings.records.photo_inputs import CENTRE, SPREAD
    from clippings.records.photo_model import PhotoModel
    from clippings.records.torch_encoder import best_device

    began = time.perf_counter()
    torch.manual_seed(seed)
    table = text_table(options.inputs)
    dim = len(next(iter(table.values())))
    nothing = np.zeros(dim, np.float32)

    def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.stack([table.get(text, nothing) for text in texts])

    weights = {name: value.float() if value.is_floating_point() else value
               for name, value in load_file(options.inputs / BACKBONE).items()}  # fmt: skip
    base = PhotoModel(PhotoConfig(side=options.side))
    base.backbone.load_pretrained(weights)
    device = options.device or best_device()
    store = [torch.from_numpy(one.squares).to(device) for one in printings.values()]
    squares = torch.cat(store)

    class OnDevice(PhotoTrainable):
        """Training on pictures that lie on the device already, given by number."""

        def placed(self, numbers: Sequence[Any]) -> Any:
            chosen = squares[torch.from_numpy(np.concatenate(numbers)).to(device)]
            pixels = chosen.permute(0, 3, 1, 2).float()
            return self._laid_out((pixels - float(CENTRE)) / float(SPREAD))

    model = OnDevice(base, embed, device)
    model.use("auto")
    start_heads(model, printings["train"], embed)
    of_valid = printings["valid"].examples(len(printings["train"].texts))
    linking: dict[str, RecordTask] = {"valid": task(of_valid)}
    validate = validation(linking)
    rows = [{"seed": seed, "stage": "heads", **rounded(validate(model))}]
    say(f"seed {seed}, heads: {time.perf_counter() - began:.0f} s {rows[-1]}", note=True)
    for stage in options.stages:
        begun = time.perf_counter()
        steps = trained(options, model, printings["train"], validate, stage, seed)
        rows.append({"seed": seed, "stage": stage, "steps": steps, **rounded(validate(model))})
        say(f"seed {seed}, {stage}: {time.perf_counter() - begun:.0f} s {rows[-1]}", note=True)
    options.to.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().cpu().contiguous() for name, value in base.state_dict().items()}
    half = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    save_file(half, options.to / f"photos-seed{seed}.safetensors")
    return rows


def start_heads(model: Any, train: Printed, embed: Any) -> None:
    """Set the heads by a discriminant analysis of some printings of each picture."""
    import torch

    first = np.searchsorted(train.source, train.source)
    rows = np.flatnonzero(np.arange(len(first)) - first < PRINTINGS_FOR_HEADS)
    parts = []
    model.photos.eval()
    with torch.no_grad():
        for start in range(0, len(rows), 256):
            batch = model.placed([rows[start : start + 256]])
            with model.autocast():
                parts.append(model.photos.features(batch).float().cpu())
    spoken = [row for row in range(len(train.texts)) if train.texts[row].strip()]
    model.photos.cpu().start_from(
        torch.cat(parts),
        torch.from_numpy(train.source[rows]),
        torch.from_numpy(embed([train.texts[row] for row in spoken])),
        torch.from_numpy(train.source[spoken]),
    )
    model.photos.to(model.device)


def trained(
    options: argparse.Namespace, model: Any, train: Printed, validate: Any, stage: str, seed: int
) -> int:
    """Train one stage within its share of the time; the number of steps."""
    import copy

    from clippings.record_training.photo_trainable import jitter
    from clippings.record_training.recipe import RecordRecipe
    from clippings.record_training.trainer import Stage, fit_records

    settings = {
        "batch_size": options.batch,
        "mini_batch_size": 2 * options.batch,
        "seed": seed,
        "character_noise": 0.0,
        "weight_decay": 0.02,
        "warmup": 0.1,
        **RECIPES[stage],
    }
    examples = train.examples()
    per_epoch = max(1, round(len(examples) / options.batch))
    seconds = options.minutes * 60 * SHARES[stage] / sum(SHARES[name] for name in options.stages)

    def recipe(steps: int, keep: str) -> RecordRecipe:
        epochs = max(1, -(-steps // per_epoch))
        passes = max(1, epochs // 4)  # validated and mined four or five times
        return RecordRecipe.for_stage(
            stage, **settings, max_steps=steps, epochs=-(-epochs // passes), passes=passes, keep=keep
        )

    before = copy.deepcopy(model.photos.state_dict())
    with tempfile.TemporaryDirectory() as folder:
        for trial in (FEW // 2, FEW):  # the first warms up
            begun = time.perf_counter()
            timed = Stage(examples, recipe(trial, "last"), augment=jitter)
            fit_records(model, timed, Path(folder) / f"{trial}", validate=lambda model: {"fused_top1": 0.0})
            step_seconds = (time.perf_counter() - begun) / trial
        model.photos.load_state_dict(before)
        steps = max(FEW, int(SLACK * seconds / step_seconds))
        say(f"{stage}: {step_seconds:.3f} s a step, {steps} steps", note=True)
        keep = "last" if stage == "self" else "best"
        fit_records(model, Stage(examples, recipe(steps, keep), augment=jitter), Path(folder) / "run",
                    validate=validate, score="fused_f1")  # fmt: skip
    return steps


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """The measures that the log shows."""
    kept = [f"{kind}_{name}" for kind in ("image", "text", "fused") for name in ("top1", "no_match", "f1")]
    return {name: round(values[name], 4) for name in kept}
