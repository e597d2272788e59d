"""Train one kind of layers on DeepKeyLink within a budget of time or steps."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tools.recipes.ahead import Ahead
from tools.recipes.long import deepkey
from tools.recipes.long.arms import built, description, ends_of, imitated
from tools.recipes.long.course import Course, Records, padded, started
from tools.recipes.long.hits import by_length, tested
from tools.report import say

TEMPERATURE = 0.05  # of the contrast


def train(
    arm: str, base: Any, world: deepkey.World, options: argparse.Namespace, device: str
) -> tuple[Any, dict[str, Any]]:
    """Convert the short encoder to an arm and train it within the time."""
    import torch

    from clippings.training.long_training import LongRecipe, StepCourse, contrast_loss, pace, trained
    from clippings.training.loop import run_course

    model, guide = built(arm, base, options, device)
    # words that training has not seen are to mean what they meant
    named = trained(model, lambda name: ".tokens." not in name)
    body, ends = model.model[0].auto_model, ends_of(model.model)
    folder = (
        options.to or Path("models/deepkey")
    ) / f"{arm}-seed{options.seed}{'-centred' * options.centred}".replace("+", "-")

    course = course_of(world, options)
    if guide is not None and options.imitate and arm != "full":
        imitated(model, guide, named, course, folder / "imitate", options)
        short = argparse.Namespace(**{**vars(options), "test": options.test[:1]})
        hit = {row["hops"]: row for row in by_length(tested(arm, model, world, short))}
        say(f"{arm}, imitation alone, one hop and two: {hit}", note=True)

    def measured() -> int:
        model.model.train()
        seconds = {}
        for length in course.lengths:
            some = padded(course.batch(0, length, 2).ids, ends)
            seconds[length] = pace(lambda step, some=some: contrast_loss(model, some, TEMPERATURE), device)
        model.model.zero_grad(set_to_none=True)
        say(f"{arm}: seconds a step by length {seconds}", note=True)
        mean = sum(share * seconds[length] for length, share in course.shares().items())
        return max(4, int(60 * options.minutes / mean))

    course = replace(course, steps=options.steps or planned(folder, measured))
    torch.manual_seed(options.seed)
    ahead = Ahead(partial(started, course), options.workers)

    last: list[Any] = []
    hook = body.layers[-1].register_forward_hook(lambda layer, given, made: last.append(made))

    def loss(step: int) -> Any:
        body.window_dropout = options.window_dropout * (1 - step / course.steps)
        records = ahead.step(step)
        last.clear()
        found = contrast_loss(model, padded(records.ids, ends), TEMPERATURE)
        if options.statements:
            found = found + options.statements * statement_loss(last[0], records)
        return found

    recipe = LongRecipe(
        course.steps,
        epochs=2,
        learning_rate=options.learning_rate,
        seed=options.seed,
        save_steps=max(50, course.steps // 16),
    )
    # nothing is chosen by a validation: the last weights are kept
    label = f"{arm} {options.train} {options.crowd} {options.ease} {options.tokens} {options.statements}"
    label += f" {description(model, options)} {options.imitate}"
    run = StepCourse(model, named, loss, lambda: {"done": 1.0}, recipe, label)
    start = time.perf_counter()
    try:
        done = run_course(run, recipe, folder, score="done", resume=True, keep_last=True)
    finally:
        ahead.close()
        hook.remove()
    losses = [float(line["loss"]) for line in done.history if "loss" in line]
    facts = {
        "steps": done.steps,
        "seconds": time.perf_counter() - start,
        "losses": " ".join(f"{np.mean(part):.2f}" for part in np.array_split(losses, 12) if len(part)),
    }
    if device.startswith("cuda"):
        facts["peak GB"] = torch.cuda.max_memory_allocated() / 2**30
    gates = [
        float(torch.tanh(mixer.gate.detach()).abs().mean())
        for mixer in body.mixers()
        if mixer.kind == "based"
    ]
    facts["mean gate"] = float(np.mean(gates)) if gates else None
    if options.save:
        model.save(folder / "model")
    return model, facts


def statement_loss(x: Any, records: Records) -> Any:
    """Statements of one entity's role are brought together across the sides, those of others apart.

    A record's vector says who its subject is, which is one word to learn from; what the place of each role
    knows of its entity is nine.

    Args:
        x: What the last layer gives, (n, t, width), left records and then the right ones.
        records: Their statements.

    Returns:
        A number: in both directions, minus the logarithm of the share of the right ones.
    """
    import torch

    row, place, entity = (
        torch.from_numpy(value).to(x.device) for value in (records.row, records.place, records.entity)
    )
    state = torch.nn.functional.normalize(x[row, place + 1].float(), dim=1)  # one token begins the text
    left = row < len(x) // 2
    score = state[left] @ state[~left].T / TEMPERATURE
    same = entity[left][:, None] == entity[~left][None]
    own = score.masked_fill(~same, -torch.inf)
    parts = []
    for side in (0, 1):
        known = same.any(dim=1 - side)
        parts.append((score.logsumexp(1 - side) - own.logsumexp(1 - side))[known].mean())
    return (parts[0] + parts[1]) / 2


def course_of(world: deepkey.World, options: argparse.Namespace) -> Course:
    """What the steps are made of, whatever the arm."""
    return Course(world, sorted(options.train), options.tokens, 1, options.crowd, options.ease, options.seed)


def planned(folder: Path, measured: Any) -> int:
    """The number of steps, measured once for a run, so that one that goes on has as many as it began with."""
    kept = folder / "steps.json"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(measured()), encoding="utf-8")
    return int(json.loads(kept.read_text(encoding="utf-8")))
