"""Training of a text model on labelled pairs: the course that `loop` runs for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clippings.arrays import Integers
from clippings.errors import TrainingError
from clippings.training.batches import Batch, batches
from clippings.training.distributed import Ranks
from clippings.training.examples import Examples
from clippings.training.hard_negatives import Near, mine, nearest
from clippings.training.long_training import long_adamw, opened
from clippings.training.loop import Fit, ModelCourse, Tick, adamw, run_course
from clippings.training.recipe import Recipe
from clippings.training.step import gradients
from clippings.training.trainable import Trainable

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

__all__ = ["Fit", "Validate", "fit"]
Validate = Callable[[Trainable], Mapping[str, float]]


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
    tick: Tick | None = None,
) -> Fit:
    """Train a model on examples (see `run_course`); it has its best weights afterwards.

    `near` are searches for negatives that are used from the first epoch on; the model's own search is used
    from the second on.
    """
    course = _TextCourse(model, examples, recipe, validate, near)
    return run_course(course, recipe, out, score=score, resume=resume, tick=tick)


class _TextCourse(ModelCourse):
    """A text model, its examples and its recipe."""

    def __init__(
        self, model: Trainable, examples: Examples, recipe: Recipe, validate: Validate, near: Sequence[Near]
    ) -> None:
        super().__init__(model)
        self.model, self.examples, self.recipe = model, examples, recipe
        self._measure, self.near = validate, near
        self.mines = recipe.loss == "infonce" and recipe.hard_negatives > 0
        model.use(recipe.precision, recipe.max_tokens)
        self._long = opened(model)
        self._none = np.full((len(examples.positive), 0), -1, dtype=np.int64) if self.mines else None
        if not any(self.count(epoch) for epoch in range(recipe.epochs)):
            raise TrainingError(
                f"There is nothing to learn from. Given: {len(examples.label)} pairs of equal texts, "
                "or no entity with two texts. Give pairs whose texts differ."
            )

    def optimizer(self, named: Mapping[str, Tensor]) -> Optimizer:
        make = long_adamw if self._long else adamw
        return make(named, self.recipe.learning_rate, self.recipe.weight_decay)

    def validate(self) -> Mapping[str, float]:
        return self._measure(self.model)

    def count(self, epoch: int) -> int:
        return len(self.plan(epoch, self._none))

    def plan(self, epoch: int, mined: Integers | None) -> list[Batch]:
        recipe = self.recipe
        return batches(
            self.examples, recipe.loss, recipe.batch_size, seed=recipe.seed, epoch=epoch, negatives=mined
        )

    def gradients(self, batch: Batch, step: int, group: Ranks) -> Tensor:
        return gradients(self.model, self.examples, batch, self.recipe, step, group)

    def mine(self, epoch: int, before: Integers | None, group: Ranks) -> Integers | None:
        """Texts of other entities, (n_positive, hard_negatives) int64, -1 for none; None without mining."""
        if not self.mines:
            return None

        def by_model(queries: Integers, items: Integers, k: int) -> Integers:
            texts = self.examples.texts
            query, item = (
                self.model.encode([texts[number] for number in part.tolist()]) for part in (queries, items)
            )
            return nearest(query, item, k)

        searches = [*self.near, by_model] if epoch else list(self.near)
        draw = np.random.default_rng([self.recipe.seed, epoch])
        negatives = mine(self.examples, searches, self.recipe.hard_negatives, draw)
        return group.agree(negatives, self.device)

    def fingerprint(self) -> str:
        """A hash of the settings that change the outcome, and of the examples."""
        examples = self.examples
        digest = hashlib.sha256(json.dumps([self.recipe.outcome(), self.model.dim], sort_keys=True).encode())
        for text in examples.texts:
            digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
        for part in (examples.entity, examples.left, examples.right, examples.label, examples.corpus):
            digest.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
        return digest.hexdigest()[:32]
