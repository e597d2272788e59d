"""The encoder of long records out of a short one: three stages within a budget of time, and what came of it.

*Teach*: copies of the layers, with full attention, learn on records a little longer than the original reads;
contrast alone teaches no linear branch to follow a mark. Where they do not learn it either, which happens,
they are trained again from another seed: what they know is asked of fields of the training. *Transfer*:
linear branches learn where those copies look. *Contrast*: they go on by themselves on long records. What
steps are given is in `draws`. An interrupted run goes on when it is started again with the same options.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tools.recipes.ahead import Ahead
from tools.recipes.long import deepkey
from tools.recipes.long.arms import ends_of, original, shut, tokens_of
from tools.recipes.long.course import padded
from tools.recipes.long.draws import LONGER, Draws, Step, made_by, passages
from tools.recipes.long.hits import by_length, tested
from tools.recipes.long.train_arm import planned, statement_loss
from tools.report import Report, Table, say

SHARES = {"teach": 0.35, "transfer": 0.1, "contrast": 0.55}  # of the time
TEACHERS, KNOWS = 3, 0.4  # how many are taught at most, until one has so much hit@1 of nine on two hops
PRESETS: dict[str, dict[str, Any]] = {
    "full": {"lengths": (1024, 2048, 4096, 8192), "tokens": 2**17, "rows": 4000, "minutes": 25.0,
             "test": (2048, 8192), "groups": 7, "base": "bundled"},
    "tiny": {"lengths": (300,), "tokens": 2400, "rows": 50, "minutes": 0.2, "test": (400,), "groups": 1,
             "base": "tiny"},
}  # fmt: skip
KNOWN = "two hops, training fields"
TRIED = 8  # steps of a stage by which its pace is measured


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this entry."""
    parser.add_argument("--to", type=Path, default=Path("models/based"), help="the folder of the run")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="full")
    parser.add_argument("--base", default=None, help="the short encoder: a folder, 'bundled' or 'tiny'")
    parser.add_argument("--minutes", type=float, default=None, help="of training, all stages")
    parser.add_argument("--steps", type=int, default=0, help="of each stage, in place of minutes")
    parser.add_argument("--mixers", default="based", help="a pattern of clippings.long.convert")
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

    from clippings.long.convert import pattern
    from clippings.training.attention_transfer import relayered
    from clippings.training.trainable import Trainable

    preset = PRESETS[options.preset]
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    base = original(options.base or preset["base"], device)
    torch.manual_seed(options.seed)
    world = deepkey.World(tokens_of(base), options.noise, seed=options.seed)
    skipped: list[str] = []
    rows = passages(base, options, preset["rows"], skipped)
    draws = Draws(world, rows, ends_of(base), preset, options.seed, int(base.max_seq_length))
    minutes = options.minutes or preset["minutes"]
    seconds = {name: 60 * minutes * share for name, share in SHARES.items()}
    taught, chosen, table = teacher(base, draws, options, seconds["teach"])
    if max(row[KNOWN] for row in table) < KNOWS:
        skipped.append(f"none of {TEACHERS} teachers has {KNOWS} of two hops: the best of them goes on")
    seconds["contrast"] += seconds["teach"] * (1 - len(table) / TEACHERS)
    mixers = pattern(options.mixers, len(taught.model[0].auto_model.layers))
    made = relayered(taught.model, mixers=mixers, gate=options.gate)
    model = Trainable(made, "based")
    model.use("auto", None)
    if set(mixers) != {"full"}:
        folder = f"transfer-{chosen}"
        table.append(stage("transfer", model, draws, options, seconds["transfer"], taught, folder))
    del taught
    folder = f"contrast-{chosen}"
    table.append(stage("contrast", model, draws, options, seconds["contrast"], folder=folder))
    model.save(options.to / "model")
    options.test, options.groups, options.arms = preset["test"], preset["groups"], []
    hits = tested("based", model, world, options)
    with shut(model):
        hits += tested("based, gate shut", model, world, options)
    facts = {"cosine to the original, short records (lowest)": likeness(base, model, draws)}
    tables = [Table("stages", table), Table("kept", [facts]), Table("hit@1 of 9", by_length(hits))]
    return Report("long", tables, skipped, {"minutes": minutes, "seed": options.seed, "device": device})


def teacher(
    base: Any, draws: Draws, options: argparse.Namespace, seconds: float
) -> tuple[Any, int, list[dict[str, Any]]]:
    """A full encoder that knows two hops, or the one of several that knows most of them.

    What each knows is kept in its folder, so that a run that goes on goes on from the same one.

    Args:
        base: The short encoder.
        draws: What the steps are made of.
        options: Of the benchmark.
        seconds: For all that are taught.

    Returns:
        The encoder, its number from 1, and a row for each that was taught.
    """
    import torch

    from clippings.long.convert import Plan, convert
    from clippings.training.trainable import Trainable

    asked = argparse.Namespace(test=[draws.places + LONGER], groups=draws.preset["groups"])
    best, rows = (-1.0, 0, None), []
    for number in range(1, TEACHERS + 1):
        seed = options.seed + 1000 * (number - 1)
        torch.manual_seed(seed)
        model = Trainable(convert(base, Plan("full", options.window, options.features)), "taught")
        model.use("auto", None)
        own = draws.of_seed(seed)
        row = stage("teach", model, own, options, seconds / TEACHERS, folder=f"teach-{number}")
        kept = options.to / f"teach-{number}" / "two-hops.json"
        if not kept.exists():
            hits = by_length(tested("taught", model, draws.world, asked, "train"))
            hit = next(float(hit[f"{asked.test[0]:,}"]) for hit in hits if hit["hops"] == 2)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(hit), encoding="utf-8")
        known = float(json.loads(kept.read_text(encoding="utf-8")))
        rows.append({**row, KNOWN: known})
        say(f"taught {number}: two hops on fields of the training {known:.3f}", note=True)
        if known > best[0]:
            best = (known, number, model)
        if known >= KNOWS:
            break
    return best[2], best[1], rows


def stage(
    name: str,
    model: Any,
    draws: Draws,
    options: argparse.Namespace,
    seconds: float,
    taught: Any = None,
    folder: str | None = None,
) -> dict[str, Any]:
    """Run one stage, in a folder of its name or of another one."""
    import torch

    from clippings.training.attention_transfer import transfer_loss
    from clippings.training.long_training import (
        LongRecipe,
        StepCourse,
        contrast_loss,
        distil_loss,
        pace,
        trained,
    )
    from clippings.training.loop import run_course

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
        return found + statement_loss(last[0], given.records)

    def measured() -> int:
        model.model.train()
        tried = [draws.step(name, 1000, number) for number in range(901, 901 + TRIED)]
        mean = float(
            np.mean([pace(lambda _, given=given: loss_of(given), model.device, 1) for given in tried])
        )
        model.model.zero_grad(set_to_none=True)
        return max(4, int(seconds / mean))

    kept = options.to / (folder or name)
    steps = options.steps or planned(kept, measured)
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
        done = run_course(course, recipe, kept, score="done", resume=True, keep_last=True)
    finally:
        ahead.close()
        hook.remove()
    body.window_dropout = 0.0
    losses = [float(line["loss"]) for line in done.history if "loss" in line]
    row = {
        "stage": folder or name,
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
