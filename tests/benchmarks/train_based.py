"""The encoder of long records out of a short one: three stages within a budget of time, and what came of it.

*Teach*: copies of the layers, with full attention, learn on records a little longer than the original reads;
contrast alone teaches no linear branch to follow a mark. *Transfer*: linear branches learn where those copies
look. *Contrast*: they go on by themselves on long records. All stages take DeepKeyLink, and records made of
rows of public tables that share a few rows, read with errors of their own. A third of these pairs has one
side that is short: it goes through the original layers, which are never trained, so that long vectors come
to lie where short ones are; for the same end one step in eight is distillation on short records. An
interrupted run goes on when it is started again with the same options.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import data, deepkey, deepkey_data
from .ahead import Ahead
from .deepkey_arms import IMITATED
from .deepkey_course import SUBJECTS, Course, Records, drawn, padded
from .deepkey_words import ROLES
from .report import Report, Table, say

SHARES = {"teach": 0.35, "transfer": 0.1, "contrast": 0.55}  # of the time
LONGER = 128  # tokens that records have in teaching, beyond what the original reads
DISTIL = 8  # one step in so many imitates the original on short records
FEW = 4  # by which a step of transfer, where all pairs of places are formed, is smaller
TABLES = ("abt_buy", "amazon_google", "dblp_acm", "affiliations", "musicbrainz_20k")  # free to train on
PRESETS: dict[str, dict[str, Any]] = {
    "full": {"lengths": (1024, 2048, 4096, 8192), "tokens": 2**17, "rows": 4000, "minutes": 25.0,
             "test": (2048, 8192), "groups": 7, "base": "bundled"},
    "tiny": {"lengths": (300,), "tokens": 2400, "rows": 50, "minutes": 0.2, "test": (400,), "groups": 1,
             "base": "tiny"},
}  # fmt: skip
NO_TEXT = ("id", "cluster_id", "SourceID", "source_record_id")
TRIED = 8  # steps of a stage by which its pace is measured
SHARED, SHORT = 3, 1 / 3  # rows that a pair shares; how often one side has only these


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this entry."""
    parser.add_argument("--to", type=Path, default=Path("models/based"), help="the folder of the run")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="full")
    parser.add_argument("--base", default=None, help="the short encoder: a folder, 'bundled' or 'tiny'")
    parser.add_argument("--minutes", type=float, default=None, help="of training, all stages")
    parser.add_argument("--steps", type=int, default=0, help="of each stage, in place of minutes")
    parser.add_argument("--mixers", default="based", help="a pattern of clippings.based_convert")
    parser.add_argument("--gate", type=float, default=0.1, help="what linear branches begin with")
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--window-dropout", type=float, default=0.3, help="at the start; .1 at the end")
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--noise", type=float, default=0.03)
    parser.add_argument("--workers", type=int, default=0, help="processes that make records ahead")
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> Report:
    """Convert, train, save, and measure."""
    import torch

    from clippings.based_convert import Plan, convert, pattern
    from clippings.imitation import relayered
    from clippings.trainable import Trainable

    preset = PRESETS[options.preset]
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    base = deepkey.original(options.base or preset["base"], device)
    torch.manual_seed(options.seed)
    world = deepkey_data.World(deepkey.tokens_of(base), options.noise, seed=options.seed)
    skipped: list[str] = []
    rows = passages(base, options, preset["rows"], skipped)
    draws = Draws(world, rows, deepkey.ends_of(base), preset, options.seed, int(base.max_seq_length))
    minutes = options.minutes or preset["minutes"]
    seconds = {name: 60 * minutes * share for name, share in SHARES.items()}
    taught = Trainable(convert(base, Plan("full", options.window, options.features)), "taught")
    taught.use("auto", None)
    table = [stage("teach", taught, draws, options, seconds["teach"])]
    mixers = pattern(options.mixers, len(taught.model[0].auto_model.layers))
    made = relayered(taught.model, mixers=mixers, gate=options.gate)
    model = Trainable(made, "based")
    model.use("auto", None)
    if set(mixers) != {"full"}:
        table.append(stage("transfer", model, draws, options, seconds["transfer"], taught))
    del taught
    table.append(stage("contrast", model, draws, options, seconds["contrast"]))
    model.save(options.to / "model")
    options.test, options.groups, options.arms = preset["test"], preset["groups"], []
    hits = deepkey.tested("based", model, world, options)
    with deepkey.shut(model):
        hits += deepkey.tested("based, gate shut", model, world, options)
    facts = {"cosine to the original, short records (lowest)": likeness(base, model, draws)}
    tables = [Table("stages", table), Table("kept", [facts]), Table("hit@1 of 9", deepkey.by_length(hits))]
    return Report(
        "train_based", tables, skipped, {"minutes": minutes, "seed": options.seed, "device": device}
    )


def passages(base: Any, options: argparse.Namespace, most: int, skipped: list[str]) -> list[list[Any]]:
    """Rows of public tables as tokens: each as it is, and in two readings with errors."""
    draw = np.random.default_rng([options.seed, 5])
    texts: list[str] = []
    for name in TABLES:
        folder = data.shared() / "data" / name
        if not folder.is_dir():
            skipped.append(f"contrast without rows of {name}: it is not in the data folder")
            continue
        found = data.baseline().read(folder, "left" if any(folder.glob("left.csv*")) else "table")
        keys = [key for key in found.columns if key not in NO_TEXT]
        own = [" ".join(filter(None, row)) for row in found[keys].to_numpy().tolist()]
        texts += [own[number][:600] for number in draw.permutation(len(own))[:most].tolist()]
    if not texts:
        return []
    read = [
        [" ".join(deepkey_data.misread(word, options.noise, draw) for word in text.split()) for text in texts]
        for _ in range(2)
    ]
    tokens = deepkey.tokens_of(base)
    return [list(some) for some in zip(tokens(texts), tokens(read[0]), tokens(read[1]), strict=True)]


class Draws:
    """What every step is trained on, by its number.

    Args:
        world: Of DeepKeyLink.
        rows: Of public tables, from `passages`.
        ends: The tokens that begin and end a text.
        preset: Lengths, and tokens of a step.
        seed: Of everything.
        places: Tokens that the original reads.
    """

    def __init__(
        self,
        world: deepkey_data.World,
        rows: list[list[Any]],
        ends: tuple[int, int],
        preset: dict[str, Any],
        seed: int,
        places: int,
    ) -> None:
        self.world, self.rows, self.ends, self.preset = world, rows, ends, preset
        self.seed, self.places = seed, places

    def step(self, name: str, steps: int, number: int) -> Step:
        """What a step of a stage is given.

        Args:
            name: Of the stage.
            steps: That it has.
            number: Of the step.
        """
        draw = np.random.default_rng([self.seed, 13, number])
        if name == "transfer":
            return Step(*as_arrays(self.looked_at(number)))
        if number % DISTIL == 0:
            return Step(*as_arrays(self.short(number)))
        near = self.places + LONGER
        length = near if name == "teach" else int(draw.choice(self.preset["lengths"]))
        if self.rows and number % 3 == 0:
            found = self.pairs(number, length)
            return Step(pairs=as_arrays((found["input_ids"], found["attention_mask"])))
        course = Course(
            self.world,
            [length],
            self.preset["tokens"],
            steps,
            0.3 if name == "teach" else 0.0,
            1.0,
            self.seed,
        )
        return Step(records=course.step(number))

    def looked_at(self, number: int) -> tuple[Any, Any]:
        """Records whose attention is imitated: of rows, of DeepKeyLink, and one time in four longer ones."""
        draw = np.random.default_rng([self.seed, 14, number])
        if self.rows and number % 2:
            tokens, lengths = self.short(number)
            some = max(2, len(tokens) // FEW)
            return tokens[:some], lengths[:some]
        length = min(IMITATED, max(self.preset["lengths"])) if number % 4 == 0 else self.places + LONGER
        found = drawn(self.world, draw, (length, 2, len(ROLES)), self.preset["tokens"] // FEW)
        tokens = padded(found.ids, self.ends)
        return tokens["input_ids"], tokens["attention_mask"].sum(dim=1)

    def short(self, step: int) -> tuple[Any, Any]:
        """Records that the original can read: tokens and lengths."""
        draw = np.random.default_rng([self.seed, 11, step])
        n = max(2, self.preset["tokens"] // self.places // FEW)
        if not self.rows or draw.random() < 0.25:
            group = deepkey_data.group(self.world, draw, 4 * self.places, 1, subjects=2)
            ids = [self.world.ids(one) for one in (*group.left, *group.right)] * (n // 4 + 1)
        else:
            ids = [self._rows(draw, self.places, 0) for _ in range(n)]
        starts = draw.random(n)
        cut = []
        for own, start in zip(ids[:n], starts, strict=True):
            some = own[int(start * max(0, len(own) - self.places)) :][: self.places - 2]
            cut.append(some[: max(1, int(len(some) * draw.uniform(0.3, 1)))])
        tokens = padded(cut, self.ends)
        return tokens["input_ids"], tokens["attention_mask"].sum(dim=1)

    def pairs(self, step: int, length: int) -> dict[str, Any]:
        """Long pairs of rows: tokens of the left records, then of the right ones."""
        draw = np.random.default_rng([self.seed, 12, step])
        n = max(SUBJECTS, self.preset["tokens"] // length // 2)
        left, right = [], []
        for _ in range(n):
            shared = draw.integers(0, len(self.rows), SHARED)
            only = draw.random() < SHORT
            left.append(self._rows(draw, 0 if only else length, 1, shared))
            right.append(self._rows(draw, length, 2, shared))
        return padded([*left, *right], self.ends)

    def _rows(self, draw: np.random.Generator, length: int, reading: int, shared: Sequence[int] = ()) -> Any:
        """Some rows one after the other, those that are shared among them at random places."""
        own = [self.rows[number][reading] for number in shared]
        total = sum(map(len, own)) + 2
        while total < length:
            row = self.rows[int(draw.integers(len(self.rows)))][reading]
            own.insert(int(draw.integers(len(own) + 1)), row)
            total += len(row)
        limit = max(length, self.places) - 2
        return np.concatenate([np.asarray(row, dtype=np.int64) for row in own])[:limit]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What a step is given: short records, long pairs, or records of DeepKeyLink.

    Arrays, no tensors: those would be sent from process to process by files in shared memory.

    Args:
        ids: Tokens of short records.
        lengths: Of each.
        pairs: Tokens of long pairs, and their mask.
        records: Of DeepKeyLink.
    """

    ids: Any = None
    lengths: Any = None
    pairs: Any = None
    records: Records | None = None


def as_arrays(tensors: Sequence[Any]) -> list[Any]:
    """Tensors as arrays."""
    return [one.numpy() for one in tensors]


def made_by(draws: Draws, name: str, steps: int) -> Callable[[int], Step]:
    """What makes the steps of a stage, for a process of its own."""
    return partial(draws.step, name, steps)


def stage(
    name: str, model: Any, draws: Draws, options: argparse.Namespace, seconds: float, taught: Any = None
) -> dict[str, Any]:
    """Run one stage."""
    import torch

    from clippings.based_training import LongRecipe, StepCourse, contrast_loss, distil_loss, pace, trained
    from clippings.imitation import transfer_loss
    from clippings.loop import run_course

    body = model.model[0].auto_model
    # words that training has not seen are to mean what they meant
    named = trained(model, lambda one: ".layers." in one or ".pool." in one)
    last: list[Any] = []
    hook = body.layers[-1].register_forward_hook(lambda layer, given, made: last.append(made))

    def loss_of(given: Step) -> Any:
        last.clear()
        if given.ids is not None:
            ids, lengths = (torch.from_numpy(one).to(model.device) for one in (given.ids, given.lengths))
            if name == "transfer":
                return transfer_loss(model, ids, lengths, taught)
            return distil_loss(model, ids, lengths)
        if given.records is None:
            names = ("input_ids", "attention_mask")
            tokens = {name: torch.from_numpy(one) for name, one in zip(names, given.pairs, strict=True)}
            return contrast_loss(model, tokens, 0.05)
        found = contrast_loss(model, padded(given.records.ids, draws.ends), 0.05)
        return found + deepkey.statement_loss(last[0], given.records)

    def measured() -> int:
        model.model.train()
        tried = [draws.step(name, 1000, number) for number in range(901, 901 + TRIED)]
        mean = float(
            np.mean([pace(lambda _, given=given: loss_of(given), model.device, 1) for given in tried])
        )
        model.model.zero_grad(set_to_none=True)
        return max(4, int(seconds / mean))

    folder = options.to / name
    steps = options.steps or deepkey.planned(folder, measured)
    ahead = Ahead(partial(made_by, draws, name, steps), options.workers)

    def loss(step: int) -> Any:
        past = step / steps
        # windows are left out while the linear branch learns what to be there for
        out = name == "contrast"
        body.window_dropout = (options.window_dropout * (1 - past) + 0.1 * past) if out else 0.0
        return loss_of(ahead.step(step))

    rate = options.learning_rate * (2 if name == "transfer" else 1)
    recipe = LongRecipe(steps, epochs=1, learning_rate=rate, seed=options.seed, save_steps=200)
    config = body.config
    shape = [config.mixers, config.window, config.features, config.gate, options.mixers, options.gate]
    label = f"{name} {shape} {options.base} {options.noise} {options.window_dropout} {draws.preset}"
    course = StepCourse(model, named, loss, lambda: {"done": 1.0}, recipe, label)
    start = time.perf_counter()
    try:
        done = run_course(course, recipe, folder, score="done", resume=True, keep_last=True)
    finally:
        ahead.close()
        hook.remove()
    body.window_dropout = 0.0
    losses = [float(line["loss"]) for line in done.history if "loss" in line]
    row = {
        "stage": name,
        "steps": done.steps,
        "seconds": time.perf_counter() - start,
        "losses": " ".join(f"{np.mean(part):.2f}" for part in np.array_split(losses, 8) if len(part)),
    }
    say(f"{row}", note=True)
    return row


def likeness(base: Any, model: Any, draws: Draws) -> float:
    """The lowest cosine between the vectors of the original and of the made model, of short records."""
    import torch

    found = []
    model.use("fp32", None)
    model.model.eval()
    for step in range(2):
        ids, lengths = draws.short(10_000_000 + step)
        mask = (torch.arange(ids.shape[1])[None] < lengths[:, None]).long()
        tokens = {"input_ids": ids.to(model.device), "attention_mask": mask.to(model.device)}
        with torch.no_grad():
            pair = [one(dict(tokens))["sentence_embedding"].float() for one in (base, model.model)]
        found.append(torch.nn.functional.cosine_similarity(*pair, dim=1).min().item())
    model.use("auto", None)
    return min(found)
