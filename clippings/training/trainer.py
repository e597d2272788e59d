"""Training of a text model on labelled pairs: the course that `loop` runs for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clippings.arrays import Integers
from clippings.errors import TrainingError
from clippings.training.batches import Batch, batches
from clippings.training.distributed import Ranks
from clippings.training.examples import Examples
from clippings.training.hard_negatives import Near, mine, nearest
from clippings.training.long_training import long_adamw, opened
from clippings.training.loop import Fit, adamw, run_course
from clippings.training.recipe import Recipe
from clippings.training.step import gradients
from clippings.training.trainable import Trainable

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
    course = _Texts(model, examples, recipe, validate, near)
    return run_course(course, recipe, out, score=score, resume=resume, tick=tick)


class _Texts:
    """A text model, its examples and its recipe."""

    def __init__(
        self, model: Trainable, examples: Examples, recipe: Recipe, validate: Validate, near: Sequence[Near]
    ) -> None:
        self.model, self.examples, self.recipe = model, examples, recipe
        self.measure, self.near = validate, near
        self.device = model.device
        self.mines = recipe.loss == "infonce" and recipe.hard_negatives > 0
        model.use(recipe.precision, recipe.max_tokens)
        self._long = opened(model)
        self._none = np.full((len(examples.positive), 0), -1, dtype=np.int64) if self.mines else None
        if not any(self.count(epoch) for epoch in range(recipe.epochs)):
            raise TrainingError(
                f"There is nothing to learn from. Given: {len(examples.label)} pairs of equal texts, "
                "or no entity with two texts. Give pairs whose texts differ."
            )

    def weights(self) -> Mapping[str, Any]:
        return self.model.weights()

    def load_weights(self, weights: Mapping[str, Any]) -> None:
        self.model.load_weights(weights)

    def optimizer(self, named: Mapping[str, Any]) -> Any:
        make = long_adamw if self._long else adamw
        return make(named, self.recipe.learning_rate, self.recipe.weight_decay)

    def train(self, on: bool) -> None:
        self.model.model.train(on)

    def validate(self) -> Mapping[str, float]:
        return self.measure(self.model)

    def count(self, epoch: int) -> int:
        return len(self.plan(epoch, self._none))

    def plan(self, epoch: int, mined: Integers | None) -> list[Batch]:
        recipe = self.recipe
        return batches(
            self.examples, recipe.loss, recipe.batch_size, seed=recipe.seed, epoch=epoch, negatives=mined
        )

    def gradients(self, batch: Batch, step: int, group: Ranks) -> float:
        return gradients(self.model, self.examples, batch, self.recipe, step, group)

    def mine(self, epoch: int, before: Integers | None, group: Ranks) -> Integers | None:
        """Negatives for this epoch: by the given searches, and from the second on by the model itself.

        Args:
            epoch: Number of the epoch, from 0.
            before: Not used.
            group: The processes that train together.

        Returns:
            Numbers of texts, (n_positive, wanted) int64, -1 where none was found; None where none are mined.
        """
        if not self.mines:
            return None

        def by_model(queries: Integers, items: Integers, k: int) -> Integers:
            texts = self.examples.texts
            of_queries, of_items = (
                self.model.encode([texts[number] for number in part.tolist()]) for part in (queries, items)
            )
            return nearest(of_queries, of_items, k)

        ways = [*self.near, by_model] if epoch else list(self.near)
        draw = np.random.default_rng([self.recipe.seed, epoch])
        found = mine(self.examples, ways, self.recipe.hard_negatives, draw)
        agreed: Integers = group.agree(found, self.model.device)
        return agreed

    def fingerprint(self) -> str:
        """What makes a run this one; what only says how it is watched is left out.

        Returns:
            A hash of the settings and the examples.
        """
        settings, examples = self.recipe.to_dict(), self.examples
        for name in ("log_steps", "save_steps", "mini_batch_size"):
            settings.pop(name)
        digest = hashlib.sha256(json.dumps([settings, self.model.dim], sort_keys=True).encode())
        for text in examples.texts:
            digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
        for part in (examples.entity, examples.left, examples.right, examples.label, examples.corpus):
            digest.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
        return digest.hexdigest()[:32]
