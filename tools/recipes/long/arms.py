"""The arms of DeepKeyLink: encoders that begin with the same weights and differ in their layers."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tools.recipes.long.course import Course, padded
from tools.report import say

IMITATED = 2048  # tokens of a record at most where all pairs of places are formed


def original(base: str, device: str) -> Any:
    """The short encoder, which reads as much as it has places for."""
    from clippings.training.trainable import load_trainable

    if base == "tiny":
        from tests.tiny_model import make_base

        with tempfile.TemporaryDirectory() as folder:
            found = load_trainable(make_base(Path(folder)), device).model
    else:
        found = load_trainable(base, device).model
    found.max_seq_length = int(found[0].auto_model.config.max_position_embeddings)
    return found


def tokens_of(model: Any) -> Any:
    """What gives the tokens of single words."""

    def tokens(words: Sequence[str]) -> list[list[int]]:
        found: list[list[int]] = model.tokenizer(list(words), add_special_tokens=False, verbose=False)[
            "input_ids"
        ]
        return found

    return tokens


def built(arm: str, base: Any, options: argparse.Namespace, device: str) -> tuple[Any, Any]:
    """An arm before it is trained, and the taught encoder that it begins with, or None.

    Args:
        arm: Its name.
        base: The short encoder.
        options: Of the benchmark.
        device: Where it runs.

    Returns:
        Two of `clippings.training.trainable.Trainable`.
    """
    from clippings.long.convert import Plan, convert
    from clippings.text.sentence_models import load_sentence_transformer
    from clippings.training.attention_transfer import relayered
    from clippings.training.trainable import Trainable
    from model_hub import parse

    if options.taught:
        guide = Trainable(load_sentence_transformer(parse(options.taught), device), "taught")
        guide.use("auto", None)
        mixers = kinds(arm, len(guide.model[0].auto_model.layers), options)
        made = relayered(guide.model, mixers=mixers, window=options.window, features=options.features,
                         gate=options.gate, centred=options.centred)  # fmt: skip
    else:
        guide, mixers = None, kinds(arm, base[0].auto_model.config.num_hidden_layers, options)
        made = convert(base, Plan(mixers, options.window, options.features, options.gate, options.pooling,
                                  own_short=False, centred=options.centred))  # fmt: skip
    model = Trainable(made, arm)
    model.use("auto", None)
    return model, guide


def kinds(arm: str, layers: int, options: argparse.Namespace) -> list[str]:
    """The kinds of an arm's layers."""
    from clippings.long.convert import pattern

    if arm == "window+full" and options.full_layers is not None:
        return ["full" if place in options.full_layers else "window" for place in range(layers)]
    return pattern(arm, layers)


def description(model: Any, options: argparse.Namespace) -> str:
    """What tells a run apart from one of another model in the same folder."""
    shape = model.model[0].auto_model.config
    parts = [shape.mixers, shape.window, shape.features, shape.gate, shape.centred, shape.pooling]
    return f"{parts} {options.base} {options.taught} {options.noise} {options.window_dropout}"


def imitated(
    model: Any,
    guide: Any,
    named: Mapping[str, Any],
    course: Course,
    folder: Path,
    options: argparse.Namespace,
) -> None:
    """Teach the layers of an arm where a taught encoder's look, on short records."""
    import torch

    from clippings.training.attention_transfer import transfer_loss
    from clippings.training.long_training import LongRecipe, StepCourse
    from clippings.training.loop import run_course

    few = replace(course, tokens=options.tokens // 4, seed=course.seed + 1000)
    ends = ends_of(model.model)
    guide.model.eval()

    def loss(step: int) -> Any:
        length = course.lengths[0] if step % 4 else min(IMITATED, course.lengths[-1])
        given = padded(few.batch(step, length, 2).ids, ends)
        ids, mask = (given[name].to(model.device) for name in ("input_ids", "attention_mask"))
        return transfer_loss(model, ids, mask.sum(dim=1), guide)

    recipe = LongRecipe(options.imitate, epochs=1, learning_rate=2 * options.learning_rate, seed=options.seed)
    label = f"imitation {description(model, options)} {options.tokens} {list(course.lengths)}"
    run = StepCourse(model, named, loss, lambda: {"done": 1.0}, recipe, label)
    torch.manual_seed(options.seed)
    done = run_course(run, recipe, folder, score="done", resume=True, keep_last=True)
    losses = [float(line["loss"]) for line in done.history if "loss" in line]
    say(f"imitation: {' '.join(f'{np.mean(part):.2f}' for part in np.array_split(losses, 8) if len(part))}",
        note=True)  # fmt: skip


def ends_of(model: Any) -> tuple[int, int]:
    """The tokens that begin and end a text."""
    first, last = model.tokenizer("")["input_ids"]
    return int(first), int(last)


@contextmanager
def shut(model: Any) -> Iterator[None]:
    """The linear branches left out."""
    import torch

    mixers = [mixer for mixer in model.model[0].auto_model.mixers() if mixer.kind == "based"]
    before = [mixer.gate.detach().clone() for mixer in mixers]
    with torch.no_grad():
        for mixer in mixers:
            mixer.gate.zero_()
        try:
            yield
        finally:
            for mixer, gate in zip(mixers, before, strict=True):
                mixer.gate.copy_(gate)
