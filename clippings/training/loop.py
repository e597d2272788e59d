"""The training loop: one schedule over all steps, fresh negatives every epoch, the best weights kept.

It is not the trainer of sentence-transformers, for three reasons. The batches of an epoch depend on negatives
that the model mines at its beginning, and the schedule runs over all epochs: that trainer takes one fixed
data set, and one trainer per epoch would restart the schedule. An interrupted run resumes in the middle of an
epoch with the same batches. No checkpoint is a pickle. What is trained, and on which data, is a `Course`:
texts (`trainer`), pictures and texts (`record_trainer`), reading (`recogniser`) and steps that draw their own
records (`based_training`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np

from clippings.arrays import Integers
from clippings.errors import TrainingError
from clippings.third_party import need_torch
from clippings.training import checkpoint, distributed, training_log
from clippings.training.checkpoint import BEST, FOLDER, LAST, Place
from clippings.training.lr_schedule import rate
from clippings.training.training_log import LogLine

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

logger = logging.getLogger(__name__)
B = TypeVar("B")
_NO_DECAY = ("bias", "LayerNorm", "layer_norm", "norm.weight")
WARM_AVERAGE = 10  # steps after which a moving average begins to look back far
Tick = Callable[[int], object]  # called with the number of steps done since its last call


@dataclass(frozen=True, slots=True)
class Fit:
    """The result of a run.

    Attributes:
        history: The lines of the log.
        best: The validation of the weights that were kept.
        best_step: Number of steps after which they were reached; 0 for the base model.
        steps: Steps done.
    """

    history: tuple[LogLine, ...]
    best: Mapping[str, float]
    best_step: int
    steps: int


class Pace(Protocol):
    """The settings of a recipe that the loop reads (`Recipe` documents each)."""

    @property
    def epochs(self) -> int: ...  # noqa: D102 - as in Recipe
    @property
    def max_steps(self) -> int: ...  # noqa: D102
    @property
    def learning_rate(self) -> float: ...  # noqa: D102
    @property
    def warmup(self) -> float: ...  # noqa: D102
    @property
    def decay(self) -> str: ...  # noqa: D102
    @property
    def max_grad_norm(self) -> float: ...  # noqa: D102
    @property
    def patience(self) -> int: ...  # noqa: D102
    @property
    def log_steps(self) -> int: ...  # noqa: D102
    @property
    def save_steps(self) -> int: ...  # noqa: D102


class Model(Protocol):
    """A model in training: `Trainable` or `RecordTrainable`."""

    @property
    def model(self) -> nn.Module:
        """The module."""

    @property
    def device(self) -> str:
        """The device of the module."""

    def weights(self) -> Mapping[str, Tensor]:
        """Every parameter by name."""

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Copy other values into the parameters."""


class Course(Protocol[B]):
    """A model, its data, and how a batch changes the model."""

    @property
    def device(self) -> str:
        """The device of the model."""

    def weights(self) -> Mapping[str, Tensor]:
        """Every trained parameter by name."""

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Copy other values into the parameters."""

    def train(self, on: bool) -> None:
        """Switch dropout on or off."""

    def fingerprint(self) -> str:
        """A hash of settings and examples: only an equal run is resumed."""

    def optimizer(self, named: Mapping[str, Tensor]) -> Optimizer:
        """A fresh optimizer; a group may hold "height", a factor of its learning rate."""

    def count(self, epoch: int) -> int:
        """The number of batches of an epoch, whatever is mined."""

    def mine(self, epoch: int, before: Integers | None, group: distributed.Ranks) -> Integers | None:
        """The negatives of an epoch, equal in every process; `before` are those of the last epoch."""

    def plan(self, epoch: int, mined: Integers | None) -> Sequence[B]:
        """The batches of an epoch, in their order."""

    def gradients(self, batch: B, step: int, group: distributed.Ranks) -> Tensor:
        """Add the gradients of a batch; returns the loss, a scalar without gradient."""

    def validate(self) -> Mapping[str, float]:
        """Measures of the model as it is."""


class ModelCourse:
    """The parts of a `Course` that are the same for every model; nothing is mined unless overridden."""

    def __init__(self, model: Model) -> None:
        self._trained, self.device = model, model.device

    def weights(self) -> Mapping[str, Tensor]:  # noqa: D102 - as in Course
        return self._trained.weights()

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:  # noqa: D102
        self._trained.load_weights(weights)

    def train(self, on: bool) -> None:  # noqa: D102
        self._trained.model.train(on)

    def mine(  # noqa: D102
        self, epoch: int, before: Integers | None, group: distributed.Ranks
    ) -> Integers | None:
        return None


def run_course(
    course: Course[B],
    pace: Pace,
    out: Path,
    *,
    score: str,
    resume: bool = False,
    tick: Tick | None = None,
    average: float = 0.0,
    keep_last: bool = False,
) -> Fit:
    """Train; the model has its best weights afterwards (its last ones with `keep_last`).

    `out` gets `log.jsonl`, `curves.svg` and `checkpoints`; a run in it is continued with `resume`, and
    refused otherwise. The best weights are those with the highest `score` of `course.validate`. With
    `average` above 0 a moving average of the weights, with this share of the past, is measured and kept
    (B. Polyak, A. Juditsky, 1992).
    """
    torch = need_torch("Training")
    run = _Run(course, pace, out, score, tick or (lambda n: None), average, keep_last)
    devices = [course.device] if course.device.startswith("cuda") else []
    # the draws of training leave the caller's random state as it was
    with torch.random.fork_rng(devices=devices):
        return run.all(resume)


class _Run(Generic[B]):
    """The state of one run: the optimizer, the place in the plan and the log."""

    def __init__(
        self,
        course: Course[B],
        pace: Pace,
        out: Path,
        score: str,
        tick: Tick,
        average: float,
        keep_last: bool,
    ) -> None:
        self.course, self.pace, self.out, self.score, self.tick = course, pace, out, score, tick
        self.group = distributed.join()
        self.named = course.weights()
        self.optimizer = course.optimizer(self.named)
        self.share, self.keep_last = average, keep_last
        self.average = {name: value.detach().clone() for name, value in self.named.items()} if average else {}
        self.steps = self._count()
        self.place = Place(run=course.fingerprint())
        self.mined: Integers | None = None
        self.history: list[LogLine] = []

    def all(self, resume: bool) -> Fit:
        """From the base model or the last checkpoint to the end."""
        self._begin(resume)
        while not self.place.done:
            self._epoch()
        if self.group.first:
            training_log.draw(self.out, self.history, self.score)
        self.group.wait()
        self.course.load_weights(checkpoint.weights(self.out / FOLDER / BEST))
        self.course.train(False)
        best = next(
            line["validation"]
            for line in self.history
            if "validation" in line and line["step"] == self.place.best_step
        )
        return Fit(tuple(self.history), best, self.place.best_step, self.place.step)

    def _begin(self, resume: bool) -> None:
        """Load the last checkpoint, or measure the base model where there is none."""
        folder = self.out / FOLDER / LAST
        place = checkpoint.read(folder)
        if place is None:
            self.group.wait()
            if self.group.first:
                self.out.mkdir(parents=True, exist_ok=True)
                training_log.truncate(self.out, -1)
            self._measure(epoch=0)
            return
        if not resume or place.run != self.place.run:
            raise TrainingError(
                "The folder holds a run already. "
                f"Given: out={self.out.name!r}, resume={resume}, and the run there is "
                f"{'the same' if place.run == self.place.run else 'one with other settings or data'}. "
                "Give resume=True and the same settings and data to continue it, or another folder."
            )
        self.course.load_weights(checkpoint.weights(folder))
        if self.average:
            for name, value in checkpoint.average(folder).items():
                self.average[name].copy_(value)
        self.mined = checkpoint.restore(folder, self.optimizer, self.named)
        self.place = place
        self.group.wait()
        self.history = (
            training_log.truncate(self.out, place.step)
            if self.group.first
            else [line for line in training_log.read(self.out) if line["step"] <= place.step]
        )
        logger.info("continuing after step %d of %d", place.step, self.steps)
        self.tick(place.step)

    def _epoch(self) -> None:
        """One epoch, or the rest of it."""
        epoch = self.place.epoch
        if not self.place.batch:  # else the epoch was interrupted, and its negatives are in the checkpoint
            self.mined = self.course.mine(epoch, self.mined, self.group)
        plan = self.course.plan(epoch, self.mined)
        self.course.train(True)
        for batch in plan[self.place.batch :]:
            if self.place.step >= self.steps:
                break
            self._step(batch, epoch)
            if self.pace.save_steps and self.place.step % self.pace.save_steps == 0:
                self._save()
        self.place = replace(self.place, epoch=epoch + 1, batch=0)
        self._measure(epoch=epoch + 1)

    def _step(self, batch: B, epoch: int) -> None:
        pace = self.pace
        share = rate(self.place.step, self.steps, warmup=pace.warmup, decay=pace.decay)
        for group in self.optimizer.param_groups:
            group["lr"] = pace.learning_rate * share * group.get("height", 1.0)
        loss = self.course.gradients(batch, self.place.step, self.group)
        need_torch("Training").nn.utils.clip_grad_norm_(list(self.named.values()), pace.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.place = replace(self.place, step=self.place.step + 1, batch=self.place.batch + 1)
        if self.average:
            self._update_average()
        self.tick(1)
        if self.place.step % pace.log_steps == 0 or self.place.step == 1:
            # reading the number waits for the device: only where it is logged
            self._log({"epoch": epoch, "loss": float(loss), "learning_rate": pace.learning_rate * share})

    def _update_average(self) -> None:
        """Move the average towards the weights, fast in the first steps."""
        torch = need_torch("Training")
        share = min(self.share, (1 + self.place.step) / (WARM_AVERAGE + self.place.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self.named.values()), 1 - share)

    def _measure(self, epoch: int) -> None:
        """Validate, keep the weights if they are the best, and write a checkpoint."""
        current: dict[str, Tensor] = {}
        if self.average:
            current = {name: value.detach().clone() for name, value in self.named.items()}
            self.course.load_weights(self.average)
        measures = {name: float(value) for name, value in self.course.validate().items()}
        value = float(self.group.agree(np.array([measures[self.score]]), self.course.device)[0])
        self._log({"epoch": epoch, "validation": measures})
        better = value > self.place.best
        stale = 0 if better else self.place.stale + 1
        over = bool(self.pace.patience) and stale >= self.pace.patience
        done = over or epoch >= self.pace.epochs or self.place.step >= self.steps
        self.place = replace(self.place, stale=stale, done=done)
        if better or self.keep_last:
            best = max(value, self.place.best)
            self.place = replace(self.place, best=best, best_step=self.place.step)
            if self.group.first:
                checkpoint.save(self.out / FOLDER / BEST, self.place, self.named)
        if current:
            self.course.load_weights(current)
        logger.info("epoch %d: %s %.4f%s", epoch, self.score, value, ", the best so far" if better else "")
        self._save()

    def _save(self) -> None:
        if self.group.first:
            folder = self.out / FOLDER / LAST
            checkpoint.save(folder, self.place, self.named, self.optimizer, self.mined, self.average)
        self.group.wait()

    def _log(self, values: LogLine) -> None:
        line: LogLine = {"step": self.place.step, **values}
        self.history.append(line)
        if self.group.first:
            training_log.append(self.out, line)

    def _count(self) -> int:
        """The number of steps: the batches of every epoch, up to the limit."""
        steps = 0
        for epoch in range(self.pace.epochs):
            steps += self.course.count(epoch)
            if self.pace.max_steps and steps >= self.pace.max_steps:
                return self.pace.max_steps
        if not steps:
            raise TrainingError(
                "There is nothing to learn from. Given: epochs without a batch. Give examples."
            )
        return steps


def adamw(
    named: Mapping[str, Tensor],
    learning_rate: float,
    weight_decay: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> Optimizer:
    """AdamW without weight decay of biases and norms."""
    torch = need_torch("Training")
    free = [value for name, value in named.items() if any(part in name for part in _NO_DECAY)]
    rest = [value for name, value in named.items() if not any(part in name for part in _NO_DECAY)]
    groups = [
        {"params": rest, "weight_decay": max(0.0, weight_decay)},
        {"params": free, "weight_decay": 0.0},
    ]
    optimizer: Optimizer = torch.optim.AdamW(groups, lr=learning_rate, betas=betas, eps=eps)
    return optimizer
