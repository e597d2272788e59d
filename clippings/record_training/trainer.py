"""Training on pictures and texts: the course that `loop` runs for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clippings.arrays import Integers
from clippings.record_training.batches import count, epoch_batches
from clippings.record_training.examples import RecordExamples
from clippings.record_training.mining import by_vectors, taken_for
from clippings.record_training.recipe import RecordRecipe, record_run
from clippings.record_training.record_augment import draw, keys
from clippings.record_training.step import record_gradients
from clippings.record_training.trainable import Augment, RecordTrainable
from clippings.training.distributed import Ranks
from clippings.training.hard_negatives import Near
from clippings.training.loop import Fit, ModelCourse, Tick, adamw, run_course

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

Validate = Callable[[RecordTrainable], Mapping[str, float]]
SCORE = "fused_top1"
BETAS = (0.9, 0.98)  # as CLIP: the second moment of a contrastive loss moves fast


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Records, and how the model is trained on them.

    Attributes:
        examples: The records.
        recipe: The settings.
        near: Searches for records that are mistaken for others, used from the first epoch on; the model's own
            is used from the second on, or from the first on where negatives are mined only once.
        augment: Damages pictures, on the device; None for nothing.
    """

    examples: RecordExamples
    recipe: RecordRecipe
    near: tuple[Near, ...] = ()
    augment: Augment | None = None


def fit_records(
    model: RecordTrainable,
    stage: Stage,
    out: Path,
    *,
    validate: Validate,
    score: str = SCORE,
    resume: bool = False,
    tick: Tick | None = None,
) -> Fit:
    """Train a model on records (see `run_course`); it has its best weights afterwards.

    CLIPPINGS trains in stages, each from the best weights of the one before: pictures with their own texts,
    prints of known names, labelled records (A. Arora et al., arXiv 2304.03464). Call this once a stage.
    """
    recipe = stage.recipe
    return run_course(
        _RecordCourse(model, stage, validate), recipe, out, score=score, resume=resume, tick=tick,
        average=recipe.average, keep_last=recipe.keep == "last",
    )  # fmt: skip


class _RecordCourse(ModelCourse):
    """A model of pictures and texts, its records and its recipe."""

    def __init__(self, model: RecordTrainable, stage: Stage, validate: Validate) -> None:
        super().__init__(model)
        self.model, self.examples, self.recipe = model, stage.examples, stage.recipe
        self.near, self.augment, self._measure = stage.near, stage.augment, validate
        self.keys = keys(stage.examples)
        self.groups = stage.examples.groups()
        model.use(stage.recipe.precision)

    def optimizer(self, named: Mapping[str, Tensor]) -> Optimizer:
        """AdamW, with the parameters of the loss in a group of their own."""
        recipe = self.recipe
        loss = [value for name, value in named.items() if name.startswith("loss.")]
        own = {name: value for name, value in named.items() if not name.startswith("loss.")}
        optimizer = adamw(own, recipe.learning_rate, recipe.weight_decay, betas=BETAS, eps=1e-6)
        optimizer.add_param_group({"params": loss, "weight_decay": 0.0, "height": recipe.loss_height})
        return optimizer

    def validate(self) -> Mapping[str, float]:
        return self._measure(self.model)

    def count(self, epoch: int) -> int:
        return self.recipe.passes * count(len(self.examples), self.recipe.batch_size)

    def mine(self, epoch: int, before: Integers | None, group: Ranks) -> Integers | None:
        """Records of other entities, (n, hard_negatives) int64, -1 for none; None without mining."""
        recipe = self.recipe
        once = recipe.mining == "once"
        if once and epoch:
            return before
        if not recipe.hard_negatives or not (epoch or once or self.near):
            return None
        searches = list(self.near)
        if epoch or once:
            searches.append(by_vectors(self.model.encode(self.examples).fused, self.device))
        negatives = taken_for(
            self.groups,
            self.keys.text,
            searches,
            recipe.hard_negatives,
            equal_texts=recipe.equal_texts,
            has_entity=self.examples.entity >= 0,
        )
        return group.agree(negatives, self.device)

    def plan(self, epoch: int, mined: Integers | None) -> list[tuple[int, Integers]]:
        """The batches of an epoch: (number of the pass, record numbers) each."""
        recipe = self.recipe
        return epoch_batches(self.examples, recipe, epoch, m_per_class=recipe.m_per_class, near=mined)

    def gradients(self, batch: tuple[int, Integers], step: int, group: Ranks) -> Tensor:
        number, records = batch
        drawn = draw(self.examples, self.keys, records, self.recipe, number, step)
        return record_gradients(self.model, drawn, self.recipe, step, self.augment, group)

    def fingerprint(self) -> str:
        """A hash of the settings that change the outcome, the model's sizes and the examples."""
        return record_run(self.recipe, self.model.model.config, self.examples.fingerprint(), len(self.near))
