"""The encoder of long records out of a short one: three stages within a budget of time, and what came of it.

Transfer and distillation on short records, then contrast on long ones: DeepKeyLink, and records made of rows
of public tables that share a few rows, read with errors of their own. A third of these pairs has one side
that is short: it goes through the original layers, which are never trained, so that long vectors come to lie
where short ones are. An interrupted run goes on when it is started again with the same options.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import data, deepkey, deepkey_data
from .deepkey_course import SUBJECTS, drawn, padded
from .deepkey_words import ROLES
from .report import Report, Table, say

SHARES = {"transfer": 0.15, "distil": 0.2, "contrast": 0.65}  # of the time
TABLES = ("abt_buy", "amazon_google", "dblp_acm", "affiliations", "musicbrainz_20k")  # free to train on
PRESETS: dict[str, dict[str, Any]] = {
    "full": {"lengths": (1024, 2048, 4096, 8192), "tokens": 2**17, "rows": 4000, "minutes": 25.0,
             "test": (2048, 8192), "groups": 7, "base": "bundled"},
    "tiny": {"lengths": (300,), "tokens": 2400, "rows": 50, "minutes": 0.2, "test": (400,), "groups": 1,
             "base": "tiny"},
}  # fmt: skip
NO_TEXT = ("id", "cluster_id", "SourceID", "source_record_id")
SHARED, SHORT = 3, 1 / 3  # rows that a pair shares; how often one side has only these


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this entry."""
    parser.add_argument("--to", type=Path, default=Path("models/based"), help="the folder of the run")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="full")
    parser.add_argument("--base", default=None, help="the short encoder: a folder, 'bundled' or 'tiny'")
    parser.add_argument("--minutes", type=float, default=None, help="of training, all stages")
    parser.add_argument("--steps", type=int, default=0, help="of each stage, in place of minutes")
    parser.add_argument("--mixers", default="based", help="a pattern of clippings.based_convert")
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--window-dropout", type=float, default=0.5, help="at the start; .1 at the end")
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--noise", type=float, default=0.03)
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> Report:
    """Convert, train, save, and measure."""
    import torch

    from clippings.based_convert import Plan, convert
    from clippings.trainable import Trainable

    preset = PRESETS[options.preset]
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    base = deepkey.original(options.base or preset["base"], device)
    torch.manual_seed(options.seed)
    plan = Plan(options.mixers, options.window, options.features)
    model = Trainable(convert(base, plan), "based")
    model.use("auto", None)
    world = deepkey_data.World(deepkey.tokens_of(base), options.noise, seed=options.seed)
    skipped: list[str] = []
    rows = passages(base, options, preset["rows"], skipped)
    places = int(base.max_seq_length)
    draws = Draws(world, rows, deepkey.ends_of(base), preset, options.seed, places)
    minutes = options.minutes or preset["minutes"]
    table = [stage(name, model, draws, options, 60 * minutes * share) for name, share in SHARES.items()]
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

    def short(self, step: int) -> tuple[Any, Any]:
        """Records that the original can read: tokens and lengths."""
        draw = np.random.default_rng([self.seed, 11, step])
        n = max(2, self.preset["tokens"] // self.places)
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
        """Long pairs: tokens of the left records, then of the right ones."""
        draw = np.random.default_rng([self.seed, 12, step])
        if not self.rows or step % 2:
            form = (length, int(draw.integers(1, 3)), len(ROLES))
            return padded(drawn(self.world, draw, form, self.preset["tokens"]).ids, self.ends)
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


def stage(name: str, model: Any, draws: Draws, options: argparse.Namespace, seconds: float) -> dict[str, Any]:
    """Run one stage."""
    from clippings.based_training import (
        FRESH,
        LongRecipe,
        StepCourse,
        contrast_loss,
        distil_loss,
        pace,
        trained,
    )
    from clippings.imitation import transfer_loss
    from clippings.loop import run_course

    body, lengths = model.model[0].auto_model, draws.preset["lengths"]
    fresh = name == "transfer"
    named = trained(
        model,
        lambda one: (
            (".layers." in one or ".pool." in one)
            and (not fresh or (any(part in one for part in FRESH) and ".pool." not in one))
        ),
    )

    def loss_at(length: int, step: int) -> Any:
        if name == "contrast":
            return contrast_loss(model, draws.pairs(step, length), 0.05)
        ids, own = (part.to(model.device) for part in draws.short(step))
        return (transfer_loss if fresh else distil_loss)(model, ids, own)

    def measured() -> int:
        model.model.train()
        some = lengths if name == "contrast" else lengths[:1]
        paces = [pace(lambda step, length=length: loss_at(length, step), model.device) for length in some]
        model.model.zero_grad(set_to_none=True)
        return max(4, int(seconds / float(np.mean(paces))))

    folder = options.to / name
    steps = options.steps or deepkey.planned(folder, measured)

    def loss(step: int) -> Any:
        past = step / steps
        # half of the windows are left out while the linear branch learns what to be there for
        body.window_dropout = 0.0 if fresh else options.window_dropout * (1 - past) + 0.1 * past
        return loss_at(int(np.random.default_rng([options.seed, 13, step]).choice(lengths)), step)

    recipe = LongRecipe(
        steps, epochs=1, learning_rate=options.learning_rate, seed=options.seed, save_steps=100
    )
    course = StepCourse(model, named, loss, lambda: {"done": 1.0}, recipe, name)
    start = time.perf_counter()
    done = run_course(course, recipe, folder, score="done", resume=True, keep_last=True)
    body.window_dropout = 0.0
    losses = [float(line["loss"]) for line in done.history if "loss" in line]
    row = {
        "stage": name,
        "steps": done.steps,
        "seconds": time.perf_counter() - start,
        "first loss": losses[0] if losses else None,
        "last loss": losses[-1] if losses else None,
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
