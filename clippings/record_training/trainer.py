"""Training on pictures and texts: the course that `loop` runs for it, and stages one after another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clippings.arrays import Integers
from clippings.record_training.batches import count, record_batches
from clippings.record_training.draws import draw, keys
from clippings.record_training.examples import RecordExamples
from clippings.record_training.mining import by_vectors, taken_for
from clippings.record_training.recipe import RecordRecipe
from clippings.record_training.step import record_gradients
from clippings.record_training.trainable import Augment, RecordTrainable
from clippings.training.distributed import Ranks
from clippings.training.hard_negatives import Near
from clippings.training.loop import Fit, adamw, run_course

Validate = Callable[[RecordTrainable], Mapping[str, float]]
SCORE = "fused_top1"
BETAS = (0.9, 0.98)  # as CLIP: the second moment of a contrastive loss moves fast


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Records, and how they are learned.

    Attributes:
        examples: The records.
        recipe: How.
        near: Searches for records that are taken for others, used from the first epoch on; the model's own is
            used from the second on, or from the first on where negatives are mined only once.
        augment: What damages pictures, on the device; None for nothing.
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
    tick: Callable[[int], object] | None = None,
) -> Fit:
    """Train a model on records; it has its best weights afterwards.

    Args:
        model: The model; its weights are changed.
        stage: Records and recipe.
        out: The folder of the run: gets `log.jsonl`, `curves.svg` and `checkpoints`.
        validate: Measures the model before the first epoch and after each.
        score: Which of the measures is to be high.
        resume: Continue the run that is in `out`, if there is one.
        tick: Called with the number of steps done since its last call.

    Returns:
        The history and the best validation.

    Raises:
        TrainingError: `out` holds a run and `resume` is False, or it holds another run.
    """
    course = _Records(model, stage, validate)
    recipe = stage.recipe
    last = recipe.keep == "last"
    return run_course(
        course, recipe, out, score=score, resume=resume, tick=tick, average=recipe.average, keep_last=last
    )


def fit_stages(
    model: RecordTrainable,
    stages: Sequence[Stage],
    out: Path,
    *,
    validate: Validate,
    score: str = SCORE,
    resume: bool = False,
    tick: Callable[[int], object] | None = None,
) -> list[Fit]:
    """Train stage after stage, each from the best weights of the one before, as CLIPPINGS does.

    (A. Arora et al., Linking representations with multimodal contrastive learning, arXiv 2304.03464: pictures
    with their own texts, then prints of known names, then labelled records.)

    Args:
        model: The model; its weights are changed.
        stages: Records and recipe of each.
        out: Gets a folder for each stage: `1-self`, `2-synthetic` and so on.
        validate: Measures the model, in every stage alike.
        score: Which of the measures is to be high.
        resume: Go on where a run in `out` was left; stages that are done are not done again.
        tick: Called with the number of steps done since its last call.

    Returns:
        What came of each stage.

    Raises:
        TrainingError: `out` holds a run and `resume` is False, or it holds another run.
    """
    return [
        fit_records(
            model,
            stage,
            out / f"{number}-{stage.recipe.stage}",
            validate=validate,
            score=score,
            resume=resume,
            tick=tick,
        )
        for number, stage in enumerate(stages, 1)
    ]


class _Records:
    """A model of pictures and texts, its records and its recipe."""

    def __init__(self, model: RecordTrainable, stage: Stage, validate: Validate) -> None:
        self.model, self.examples, self.recipe = model, stage.examples, stage.recipe
        self.near, self.augment, self.measure = stage.near, stage.augment, validate
        self.device = model.device
        self.keys = keys(stage.examples)
        self.groups = stage.examples.groups()
        model.use(stage.recipe.precision)

    def weights(self) -> Mapping[str, Any]:
        return self.model.weights()

    def load_weights(self, weights: Mapping[str, Any]) -> None:
        self.model.load_weights(weights)

    def optimizer(self, named: Mapping[str, Any]) -> Any:
        """AdamW, with what the loss learns in a group of its own.

        Args:
            named: The parameters by name.

        Returns:
            A torch optimizer.
        """
        recipe = self.recipe
        loss = [value for name, value in named.items() if name.startswith("loss.")]
        own = {name: value for name, value in named.items() if not name.startswith("loss.")}
        made = adamw(own, recipe.learning_rate, recipe.weight_decay, betas=BETAS, eps=1e-6)
        made.add_param_group({"params": loss, "weight_decay": 0.0, "height": recipe.loss_height})
        return made

    def train(self, on: bool) -> None:
        self.model.model.train(on)

    def validate(self) -> Mapping[str, float]:
        return self.measure(self.model)

    def count(self, epoch: int) -> int:
        return self.recipe.passes * count(len(self.examples), self.recipe.batch_size)

    def mine(self, epoch: int, before: Integers | None, group: Ranks) -> Integers | None:
        """Records that are taken for others: by the given searches, and by the model itself.

        Args:
            epoch: Number of the epoch, from 0.
            before: What was mined for the last epoch.
            group: The processes that train together.

        Returns:
            Numbers of records, each of another entity, (n, wanted) int64, -1 for none; None where none are
            mined.
        """
        recipe = self.recipe
        once = recipe.mining == "once"
        if once and epoch:
            return before
        if not recipe.hard_negatives or not (epoch or once or self.near):
            return None
        ways = list(self.near)
        if epoch or once:
            ways.append(by_vectors(self.model.encode(self.examples).fused, self.device))
        found = taken_for(
            self.groups,
            self.keys.text,
            ways,
            recipe.hard_negatives,
            equal_texts=recipe.equal_texts,
            known=self.examples.entity >= 0,
        )
        agreed: Integers = group.agree(found, self.device)
        return agreed

    def plan(self, epoch: int, mined: Integers | None) -> list[tuple[int, Integers]]:
        """The batches of an epoch, each with the number of its pass.

        Args:
            epoch: Number of the epoch, from 0.
            mined: The mined records, None for none.

        Returns:
            (number of the pass, record numbers) of each batch.
        """
        recipe = self.recipe
        return [
            (number, batch)
            for number in range(epoch * recipe.passes, (epoch + 1) * recipe.passes)
            for batch in record_batches(
                self.examples,
                recipe.batch_size,
                m_per_class=recipe.m_per_class,
                seed=recipe.seed,
                epoch=number,
                near=mined,
            )
        ]

    def gradients(self, batch: tuple[int, Integers], step: int, group: Ranks) -> Any:
        epoch, numbers = batch
        drawn = draw(self.examples, self.keys, numbers, self.recipe, epoch, step)
        return record_gradients(self.model, drawn, self.recipe, step, self.augment, group)

    def fingerprint(self) -> str:
        """What makes a run this one; what only says how it is watched is left out.

        Returns:
            A hash of the settings and the examples.
        """
        settings = self.recipe.to_dict()
        for name in ("log_steps", "save_steps", "mini_batch_size"):
            settings.pop(name)
        told = [settings, self.model.model.config.to_dict(), self.examples.fingerprint(), len(self.near)]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]
