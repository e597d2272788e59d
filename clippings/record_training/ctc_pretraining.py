"""Pretrain an image tower by CTC: it reads print whose text is known, letter by letter.

Afterwards the tower separates letters in any font that it has seen; the head that reads is dropped.
(A. Graves et al., Connectionist temporal classification, ICML 2006.)
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rapidfuzz.distance import Levenshtein

from clippings.arrays import Integers
from clippings.errors import TrainingError
from clippings.record_training.batches import count, epoch_batches
from clippings.record_training.examples import Pixels, RecordExamples
from clippings.record_training.recipe import RecordRecipe, record_run
from clippings.record_training.trainable import ENCODE_SIZE, Augment, RecordTrainable
from clippings.third_party import need_torch
from clippings.training.checkpoint import copy_weights
from clippings.training.distributed import Ranks
from clippings.training.loop import Fit, ModelCourse, Tick, adamw, run_course
from clippings.training.step import part_seed
from clippings.training.trainable import evaluating

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch.optim import Optimizer

CLASSES = "characters.json"  # beside the checkpoints: what the classes of the head stand for
BLANK = 0
_POOL, _POOL_NORM = "line.pool.", "line.pool.norm."  # of the pool, reading uses the norm only


def fit_reader(
    model: RecordTrainable,
    printed: RecordExamples,
    held_out: RecordExamples,
    recipe: RecordRecipe,
    out: Path,
    *,
    augment: Augment | None = None,
    resume: bool = False,
    tick: Tick | None = None,
) -> Fit:
    """Train the image tower of a model to read; the other weights stay as they are.

    `printed` are records whose texts are what their strips show; `held_out` are others, for measuring: "cer"
    is the number of wrong, missing and additional characters for each true one, and "read" is 1 minus that.
    The loss of the recipe is not used. `out` gets `characters.json` too.
    """
    for name, examples in (("printed", printed), ("held_out", held_out)):
        lacking = int((~(examples.has_image & examples.has_text)).sum())
        if lacking:
            raise TrainingError(
                f"Reading is learned from strips with their text. Given: {lacking} of {len(examples)} "
                f"records of `{name}` without one of the two. Leave them out."
            )
    course = _ReadingCourse(model, printed, held_out, recipe, augment)
    out.mkdir(parents=True, exist_ok=True)
    (out / CLASSES).write_text(json.dumps(course.characters, ensure_ascii=False) + "\n", encoding="utf-8")
    line = model.model.image.line
    reader, line.reader = line.reader, course.head
    try:
        return run_course(
            course, recipe, out, score="read", resume=resume, tick=tick, average=recipe.average,
            keep_last=recipe.keep == "last",
        )  # fmt: skip
    finally:
        line.reader = reader


class _ReadingCourse(ModelCourse):
    """An image tower with a head that reads, and print."""

    def __init__(
        self,
        model: RecordTrainable,
        printed: RecordExamples,
        held_out: RecordExamples,
        recipe: RecordRecipe,
        augment: Augment | None,
    ) -> None:
        super().__init__(model)
        torch = need_torch("Training")
        self.model, self.printed, self.held_out, self.recipe = model, printed, held_out, recipe
        self.augment = augment if recipe.augment else None
        self.texts = [unicodedata.normalize("NFKC", text) for text in printed.texts]
        self.characters = sorted(set("".join(self.texts)))
        self.number = {character: place for place, character in enumerate(self.characters, BLANK + 1)}
        width = int(model.model.config.width)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.head = torch.nn.Linear(width, 1 + len(self.characters)).to(self.device)
        model.use(recipe.precision)

    def weights(self) -> Mapping[str, Tensor]:
        return {
            f"image.{name}": value
            for name, value in self.model.model.image.named_parameters()
            if not name.startswith(_POOL) or name.startswith(_POOL_NORM)
        }

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        copy_weights(self.weights(), weights)

    def optimizer(self, named: Mapping[str, Tensor]) -> Optimizer:
        return adamw(named, self.recipe.learning_rate, self.recipe.weight_decay, betas=(0.9, 0.98))

    def count(self, epoch: int) -> int:
        return self.recipe.passes * count(len(self.printed), self.recipe.batch_size)

    def plan(self, epoch: int, mined: Integers | None) -> list[tuple[int, Integers]]:
        return epoch_batches(self.printed, self.recipe, epoch, m_per_class=1, near=None)

    def gradients(self, batch: tuple[int, Integers], step: int, group: Ranks) -> Tensor:
        """Part by part: each letter of the batch weighs the same."""
        torch = need_torch("Training")
        epoch, numbers = batch
        strips = self.printed.pixels(numbers, epoch)
        texts = [self.texts[number] for number in numbers.tolist()]
        letters = sum(map(len, texts))
        total = torch.zeros((), device=self.device)
        for number, part in enumerate(self.model.parts(strips, self.recipe.mini_batch_size)):
            if number % group.world == group.rank:
                seed = part_seed(self.recipe.seed, step, number)
                torch.manual_seed(seed)
                generator = torch.Generator(device=self.device).manual_seed(seed)
                pictures = [strip for strip in (strips[place] for place in part) if strip is not None]
                loss = self._loss(pictures, [texts[place] for place in part], generator) / letters
                torch.autograd.backward(loss)
                total = total + loss.detach()
        group.add_gradients(self.weights())
        group.add([total])
        loss_per_letter: Tensor = total
        return loss_per_letter

    def _loss(self, strips: Sequence[Pixels], texts: Sequence[str], generator: Generator) -> Tensor:
        torch = need_torch("Training")
        logits, lengths = self._logits(strips, self.augment, generator)
        classes = [self.number[character] for text in texts for character in text]
        loss: Tensor = torch.nn.functional.ctc_loss(
            logits.log_softmax(dim=2).transpose(0, 1),
            torch.tensor(classes, device=self.device),
            lengths,
            torch.tensor([len(text) for text in texts], device=self.device),
            blank=BLANK,
            reduction="sum",
            zero_infinity=True,  # of a strip too short for its text
        )
        return loss

    def _logits(
        self, strips: Sequence[Pixels], augment: Augment | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Logits of the classes along the strips, (n, t, classes), and the number of places of each, (n,)."""
        batch, mask, upright = self.model.pixels(strips, augment, generator)
        with self.model.autocast():
            logits, lengths = self.model.model.image.read(batch, mask, upright)
        return logits[: len(strips)].float(), lengths[: len(strips)]

    def read(self, strips: Sequence[Pixels]) -> list[str]:
        """Greedy CTC decoding: the best class of each place, without repeats and blanks."""
        texts = [""] * len(strips)
        with evaluating(self.model.model):
            for part in self.model.parts(strips, ENCODE_SIZE):
                logits, lengths = self._logits([strips[place] for place in part])
                best = logits.argmax(dim=2).cpu().numpy()
                for place, row, length in zip(part, best, lengths.tolist(), strict=True):
                    new = row[:length][np.append(True, np.diff(row[:length]) != 0)]
                    texts[place] = "".join(self.characters[one - 1] for one in new.tolist() if one != BLANK)
        return texts

    def validate(self) -> Mapping[str, float]:
        strips = self.held_out.pixels(np.arange(len(self.held_out)), 0)
        texts = self.read([strip for strip in strips if strip is not None])
        true = [unicodedata.normalize("NFKC", text) for text in self.held_out.texts]
        cer = sum(map(Levenshtein.distance, texts, true)) / max(1, sum(map(len, true)))
        return {"read": 1 - cer, "cer": cer}

    def fingerprint(self) -> str:
        return record_run(self.recipe, self.model.model.config, self.printed.fingerprint(), self.characters)
