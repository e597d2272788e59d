"""The training loop: one schedule over all steps, fresh negatives every epoch, the best weights kept.

It is a loop of our own and not the trainer of sentence-transformers, for three reasons. The batches of an
epoch depend on negatives that the model mined at its beginning, and the schedule runs over all epochs:
that trainer wants one fixed data set, and a trainer an epoch would begin the schedule anew. A run that was
killed goes on in the middle of an epoch with the same batches. And no checkpoint is a pickle. What is left
is short, and needs torch and safetensors only. What is trained, and on what, is a `Course`: texts
(`trainer`), pictures and texts (`record_trainer`) and reading (`recogniser`) have one each.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from clippings.arrays import Integers
from clippings.errors import TrainingError
from clippings.third_party import need_torch
from clippings.training import checkpoint, distributed, logbook
from clippings.training.checkpoint import BEST, FOLDER, LAST, Place
from clippings.training.lr_schedule import rate

logger = logging.getLogger(__name__)
_NO_DECAY = ("bias", "LayerNorm", "layer_norm", "norm.weight")
WARM_AVERAGE = 10  # steps after which a moving average begins to look back far


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


class Pace(Protocol):
    """How fast and how long: what the loop reads of a recipe (see `Recipe` for the meaning of each)."""

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


class Course(Protocol):
    """What is trained, on what, and how its batches move it."""

    device: str

    def weights(self) -> Mapping[str, Any]:
        """Every parameter by name.

        Returns:
            Name -> tensor.
        """

    def load_weights(self, weights: Mapping[str, Any]) -> None:
        """Put other values into the parameters.

        Args:
            weights: Name -> tensor.
        """

    def fingerprint(self) -> str:
        """What makes a run this one: a hash of settings and examples.

        Returns:
            The hash as text.
        """

    def optimizer(self, named: Mapping[str, Any]) -> Any:
        """A fresh optimizer; a group of it may say with "height" how its learning rate differs.

        Args:
            named: The parameters by name.

        Returns:
            A torch optimizer.
        """

    def count(self, epoch: int) -> int:
        """How many batches an epoch has, whatever will be mined.

        Args:
            epoch: Number of the epoch, from 0.

        Returns:
            The number of batches.
        """

    def mine(self, epoch: int, before: Integers | None, group: distributed.Ranks) -> Integers | None:
        """The negatives of an epoch, the same in every process; `before` are those of the last epoch.

        Args:
            epoch: Number of the epoch, from 0.
            before: The negatives of the last epoch, None for none.
            group: The processes that train together.

        Returns:
            The negatives; None for none.
        """

    def plan(self, epoch: int, mined: Integers | None) -> Sequence[Any]:
        """The batches of an epoch.

        Args:
            epoch: Number of the epoch, from 0.
            mined: The mined negatives, None for none.

        Returns:
            The batches in their order.
        """

    def gradients(self, batch: Any, step: int, group: distributed.Ranks) -> Any:
        """Add the gradients of a batch; the loss, a number or a scalar tensor.

        Args:
            batch: One batch of the plan.
            step: Number of the step.
            group: The processes that train together.

        Returns:
            The loss.
        """

    def validate(self) -> Mapping[str, float]:
        """Measure the model as it is.

        Returns:
            Measure -> value.
        """

    def train(self, on: bool) -> None:
        """Switch dropout and the like on or off.

        Args:
            on: True for training, False for evaluation.
        """


def run_course(
    course: Course,
    pace: Pace,
    out: Path,
    *,
    score: str,
    resume: bool = False,
    tick: Callable[[int], object] | None = None,
    average: float = 0.0,
    keep_last: bool = False,
) -> Fit:
    """Train; the model has its best weights afterwards.

    Args:
        course: What is trained, and on what.
        pace: How fast and how long.
        out: The folder of the run: gets `log.jsonl`, `curves.svg` and `checkpoints`.
        score: Which of the measures of `course.validate` is to be high.
        resume: Continue the run that is in `out`, if there is one.
        tick: Called with the number of steps done since its last call.
        average: Where above 0, a moving average of the weights with this share of the past is what is
            measured and kept (B. Polyak, A. Juditsky, 1992).
        keep_last: Whether the last weights are kept instead of the best.

    Returns:
        The history and the best validation.

    Raises:
        TrainingError: `out` holds a run and `resume` is False, or it holds another run.
    """
    torch = need_torch("Training")
    run = _Run(course, pace, out, score, tick or (lambda n: None), average, keep_last)
    devices = [course.device] if course.device.startswith("cuda") else []
    # what is drawn in training changes no random state of the caller's
    with torch.random.fork_rng(devices=devices):
        return run.all(resume)


class _Run:
    """The state of one run: what `run_course` was given, the optimizer, and the place in the plan."""

    def __init__(
        self,
        course: Course,
        pace: Pace,
        out: Path,
        score: str,
        tick: Callable[[int], object],
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
        self.history: list[Mapping[str, Any]] = []

    def all(self, resume: bool) -> Fit:
        """From the beginning or the last checkpoint to the end.

        Args:
            resume: Whether to go on from the last checkpoint.

        Returns:
            The history, the best validation and the numbers of steps.
        """
        self._begin(resume)
        while not self.place.done:
            self._epoch()
        if self.group.first:
            logbook.draw(self.out, self.history, self.score)
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
        """The place to start from: the last checkpoint, or the base model, which is measured first."""
        folder = self.out / FOLDER / LAST
        found = checkpoint.read(folder)
        if found is None:
            self.group.wait()
            if self.group.first:
                self.out.mkdir(parents=True, exist_ok=True)
                logbook.cut(self.out, -1)
            self._measure(epoch=0)
            return
        if not resume or found.run != self.place.run:
            raise TrainingError(
                "The folder holds a run already. "
                f"Given: out={self.out.name!r}, resume={resume}, and the run there is "
                f"{'the same' if found.run == self.place.run else 'one with other settings or data'}. "
                "Give resume=True and the same settings and data to go on, or another folder."
            )
        self.course.load_weights(checkpoint.weights(folder))
        if self.average:
            for name, value in checkpoint.average(folder).items():
                self.average[name].copy_(value)
        self.mined = checkpoint.restore(folder, self.optimizer, self.named)
        self.place = found
        self.group.wait()
        self.history = list(
            logbook.cut(self.out, found.step)
            if self.group.first
            else (line for line in logbook.read(self.out) if line["step"] <= found.step)
        )
        logger.info("continuing after step %d of %d", found.step, self.steps)
        self.tick(found.step)

    def _epoch(self) -> None:
        """One pass, or what is left of it."""
        epoch = self.place.epoch
        if not self.place.batch:  # else the epoch was under way, and what was mined for it is known
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

    def _step(self, batch: Any, epoch: int) -> None:
        """One batch."""
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
            self._follow()
        self.tick(1)
        if self.place.step % pace.log_steps == 0 or self.place.step == 1:
            # asking for the number waits for the device: only where it is written down
            self._log(epoch=epoch, loss=float(loss), learning_rate=pace.learning_rate * share)

    def _follow(self) -> None:
        """The average goes after the weights, fast at first."""
        torch = need_torch("Training")
        share = min(self.share, (1 + self.place.step) / (WARM_AVERAGE + self.place.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self.named.values()), 1 - share)

    def _measure(self, epoch: int) -> None:
        """Validate, keep the weights if they are the best, and leave a checkpoint."""
        now = {name: value.detach().clone() for name, value in self.named.items()} if self.average else {}
        if self.average:
            self.course.load_weights(self.average)
        measured = {name: float(value) for name, value in self.course.validate().items()}
        value = float(self.group.agree(np.array([measured[self.score]]), self.course.device)[0])
        self._log(epoch=epoch, validation=measured)
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
        if now:
            self.course.load_weights(now)
        logger.info("epoch %d: %s %.4f%s", epoch, self.score, value, ", the best so far" if better else "")
        self._save()

    def _save(self) -> None:
        if self.group.first:
            folder = self.out / FOLDER / LAST
            checkpoint.save(folder, self.place, self.named, self.optimizer, self.mined, self.average)
        self.group.wait()

    def _log(self, **values: Any) -> None:
        line = {"step": self.place.step, **values}
        self.history.append(line)
        if self.group.first:
            logbook.append(self.out, line)

    def _count(self) -> int:
        """The true number of steps: the batches of every epoch, up to the limit."""
        found = 0
        for epoch in range(self.pace.epochs):
            found += self.course.count(epoch)
            if self.pace.max_steps and found >= self.pace.max_steps:
                return self.pace.max_steps
        if not found:
            raise TrainingError(
                "There is nothing to learn from. Given: epochs without a batch. Give examples."
            )
        return found


def adamw(named: Mapping[str, Any], learning_rate: float, weight_decay: float, **settings: Any) -> Any:
    """AdamW that leaves biases and norms undecayed.

    Args:
        named: Parameters by name.
        learning_rate: The highest one.
        weight_decay: Of the others.
        settings: Further ones of `torch.optim.AdamW`.

    Returns:
        The optimizer.
    """
    torch = need_torch("Training")
    free = [value for name, value in named.items() if any(part in name for part in _NO_DECAY)]
    rest = [value for name, value in named.items() if not any(part in name for part in _NO_DECAY)]
    groups = [
        {"params": rest, "weight_decay": max(0.0, weight_decay)},
        {"params": free, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, **settings)
