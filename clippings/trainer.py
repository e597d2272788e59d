"""The training loop: one schedule over all steps, fresh negatives every epoch, the best weights kept.

It is a loop of our own and not the trainer of sentence-transformers, for three reasons. The batches of an
epoch depend on negatives that the model mined at its beginning, and the schedule runs over all epochs:
that trainer wants one fixed data set, and a trainer an epoch would begin the schedule anew. A run that was
killed goes on in the middle of an epoch with the same batches. And no checkpoint is a pickle. What is left
is short, and needs torch and safetensors only.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clippings import checkpoint, logbook, ranks
from clippings.batches import batches
from clippings.checkpoint import BEST, FOLDER, LAST, Place
from clippings.errors import TrainingError
from clippings.examples import Examples
from clippings.hard_negatives import Integers, Near, mine, nearest
from clippings.recipe import Recipe
from clippings.schedule import rate
from clippings.step import gradients
from clippings.trainable import Trainable, need_torch

logger = logging.getLogger(__name__)
Validate = Callable[[Trainable], Mapping[str, float]]
_NO_DECAY = ("bias", "LayerNorm", "layer_norm", "norm.weight")


@dataclass(frozen=True, slots=True)
class Fit:
    """What came of a run.

    Attributes:
        history: The lines of the log.
        best: The validation of the weights that were kept.
        best_step: After how many steps they were reached; 0: the base model was never bettered.
        steps: Steps done.
    """

    history: tuple[Mapping[str, Any], ...]
    best: Mapping[str, float]
    best_step: int
    steps: int


def fit(
    model: Trainable,
    examples: Examples,
    recipe: Recipe,
    out: Path,
    *,
    validate: Validate,
    score: str = "f1",
    near: Sequence[Near] = (),
    resume: bool = False,
    tick: Callable[[int], object] | None = None,
) -> Fit:
    """Train a model; it has its best weights afterwards.

    Args:
        model: The model; its weights are changed.
        examples: What it learns from.
        recipe: How.
        out: The folder of the run: gets `log.jsonl`, `curves.svg` and `checkpoints`.
        validate: Measures the model before the first epoch and after each.
        score: Which of the measures is to be high.
        near: Searches for negatives that are used from the first epoch on; the model's own is used from the
            second on.
        resume: Continue the run that is in `out`, if there is one.
        tick: Called with the number of steps done since its last call.

    Returns:
        The history and the best validation.

    Raises:
        TrainingError: `out` holds a run and `resume` is False, or it holds another run.
    """
    torch = need_torch("Training")
    run = _Run(model, examples, recipe, out, ranks.join(), validate, score, near, tick or (lambda n: None))
    devices = [model.device] if model.device.startswith("cuda") else []
    # what is drawn in training changes no random state of the caller's
    with torch.random.fork_rng(devices=devices):
        return run.all(resume)


class _Run:
    """The state of one run: what `fit` was given, the optimizer, and the place in the plan."""

    def __init__(
        self,
        model: Trainable,
        examples: Examples,
        recipe: Recipe,
        out: Path,
        group: ranks.Ranks,
        validate: Validate,
        score: str,
        near: Sequence[Near],
        tick: Callable[[int], object],
    ) -> None:
        self.model, self.examples, self.recipe, self.out = model, examples, recipe, out
        self.group, self.validate, self.score, self.near, self.tick = group, validate, score, near, tick
        model.use(recipe.precision, recipe.max_tokens)
        self.named = model.weights()
        self.optimizer = _optimizer(self.named, recipe)
        self.mines = recipe.loss == "infonce" and recipe.hard_negatives > 0
        self.steps = self._count()
        self.place = Place(run=_fingerprint(examples, recipe, model))
        self.history: list[Mapping[str, Any]] = []

    def all(self, resume: bool) -> Fit:
        """From the beginning or the last checkpoint to the end."""
        mined = self._begin(resume)
        while not self.place.done:
            self._epoch(mined)
            mined = None
        if self.group.first:
            logbook.draw(self.out, self.history, self.score)
        self.group.wait()
        folder = self.out / FOLDER / BEST
        self.model.load_weights(checkpoint.weights(folder))
        self.model.model.eval()
        best = next(
            line["validation"]
            for line in self.history
            if "validation" in line and line["step"] == self.place.best_step
        )
        return Fit(tuple(self.history), best, self.place.best_step, self.place.step)

    def _begin(self, resume: bool) -> Any:
        """The place to start from: the last checkpoint, or the base model, which is measured first."""
        folder = self.out / FOLDER / LAST
        found = checkpoint.read(folder)
        if found is None:
            self.group.wait()
            if self.group.first:
                self.out.mkdir(parents=True, exist_ok=True)
                logbook.cut(self.out, -1)
            self._measure(epoch=0)
            return None
        if not resume or found.run != self.place.run:
            raise TrainingError(
                "The folder holds a run already. "
                f"Given: out={self.out.name!r}, resume={resume}, and the run there is "
                f"{'the same' if found.run == self.place.run else 'one with other settings or data'}. "
                "Give resume=True and the same settings and data to go on, or another folder."
            )
        self.model.load_weights(checkpoint.weights(folder))
        mined = checkpoint.restore(folder, self.optimizer, self.named)
        self.place = found
        self.group.wait()
        self.history = list(
            logbook.cut(self.out, found.step)
            if self.group.first
            else (line for line in logbook.read(self.out) if line["step"] <= found.step)
        )
        logger.info("continuing after step %d of %d", found.step, self.steps)
        self.tick(found.step)
        return mined

    def _epoch(self, mined: Integers | None) -> None:
        """One pass, or what is left of it."""
        epoch, recipe = self.place.epoch, self.recipe
        if mined is None and self.mines:
            mined = self._mine(epoch)
        plan = batches(
            self.examples, recipe.loss, recipe.batch_size, seed=recipe.seed, epoch=epoch, negatives=mined
        )
        self.model.model.train()
        for batch in plan[self.place.batch :]:
            if self.place.step >= self.steps:
                break
            share = rate(self.place.step, self.steps, warmup=recipe.warmup, decay=recipe.decay)
            for group in self.optimizer.param_groups:
                group["lr"] = recipe.learning_rate * share
            loss = gradients(self.model, self.examples, batch, recipe, self.place.step, self.group)
            need_torch("Training").nn.utils.clip_grad_norm_(list(self.named.values()), recipe.max_grad_norm)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.place = replace(self.place, step=self.place.step + 1, batch=self.place.batch + 1)
            self.tick(1)
            if self.place.step % recipe.log_steps == 0 or self.place.step == 1:
                self._log(epoch=epoch, loss=float(loss), learning_rate=recipe.learning_rate * share)
            if recipe.save_steps and self.place.step % recipe.save_steps == 0:
                self._save(mined)
        self.place = replace(self.place, epoch=epoch + 1, batch=0)
        self._measure(epoch=epoch + 1)

    def _mine(self, epoch: int) -> Integers:
        """Negatives for this epoch: by the given searches, and from the second on by the model itself."""

        def by_model(queries: Integers, items: Integers, k: int) -> Integers:
            texts = self.examples.texts
            of_queries, of_items = (
                self.model.encode([texts[number] for number in part.tolist()]) for part in (queries, items)
            )
            return nearest(of_queries, of_items, k)

        ways = [*self.near, by_model] if epoch else list(self.near)
        draw = np.random.default_rng([self.recipe.seed, epoch])
        found = mine(self.examples, ways, self.recipe.hard_negatives, draw)
        agreed: Integers = self.group.agree(found, self.model.device)
        return agreed

    def _measure(self, epoch: int) -> None:
        """Validate, keep the weights if they are the best, and leave a checkpoint."""
        measured = {name: float(value) for name, value in self.validate(self.model).items()}
        value = float(self.group.agree(np.array([measured[self.score]]), self.model.device)[0])
        self._log(epoch=epoch, validation=measured)
        better = value > self.place.best
        stale = 0 if better else self.place.stale + 1
        over = bool(self.recipe.patience) and stale >= self.recipe.patience
        done = over or epoch >= self.recipe.epochs or self.place.step >= self.steps
        self.place = replace(self.place, stale=stale, done=done)
        if better:
            self.place = replace(self.place, best=value, best_step=self.place.step)
            if self.group.first:
                checkpoint.save(self.out / FOLDER / BEST, self.place, self.named)
        logger.info("epoch %d: %s %.4f%s", epoch, self.score, value, ", the best so far" if better else "")
        self._save(None)

    def _save(self, mined: Integers | None) -> None:
        if self.group.first:
            checkpoint.save(self.out / FOLDER / LAST, self.place, self.named, self.optimizer, mined)
        self.group.wait()

    def _log(self, **values: Any) -> None:
        line = {"step": self.place.step, **values}
        self.history.append(line)
        if self.group.first:
            logbook.append(self.out, line)

    def _count(self) -> int:
        """The true number of steps: the batches of every epoch, up to the limit."""
        recipe = self.recipe
        none = np.full((len(self.examples.positive), 0), -1, dtype=np.int64) if self.mines else None
        found = 0
        for epoch in range(recipe.epochs):
            plan = batches(
                self.examples, recipe.loss, recipe.batch_size, seed=recipe.seed, epoch=epoch, negatives=none
            )
            found += len(plan)
            if recipe.max_steps and found >= recipe.max_steps:
                return recipe.max_steps
        if not found:
            raise TrainingError(
                f"There is nothing to learn from. Given: {len(self.examples.label)} pairs of equal texts, "
                "or no entity with two texts. Give pairs whose texts differ."
            )
        return found


def _optimizer(named: Mapping[str, Any], recipe: Recipe) -> Any:
    torch = need_torch("Training")
    free = [value for name, value in named.items() if any(part in name for part in _NO_DECAY)]
    rest = [value for name, value in named.items() if not any(part in name for part in _NO_DECAY)]
    groups = [
        {"params": rest, "weight_decay": max(0.0, recipe.weight_decay)},
        {"params": free, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def _fingerprint(examples: Examples, recipe: Recipe, model: Trainable) -> str:
    """What makes a run this one; what only says how it is watched is left out."""
    settings = recipe.to_dict()
    for name in ("log_steps", "save_steps", "mini_batch_size"):
        settings.pop(name)
    digest = hashlib.sha256(json.dumps([settings, model.dim], sort_keys=True).encode())
    for text in examples.texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    for part in (examples.entity, examples.left, examples.right, examples.label, examples.corpus):
        digest.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
    return digest.hexdigest()[:32]
