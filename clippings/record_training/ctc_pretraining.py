"""Teach an image tower to read: print of which the text is known, letter by letter, before anything else.

A tower that has learned to read knows letters apart, in any font that it has seen; what it read with is
thrown away afterwards. (A. Graves et al., Connectionist temporal classification, ICML 2006.)
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clippings.arrays import Integers
from clippings.errors import TrainingError
from clippings.record_training.batches import count, record_batches
from clippings.record_training.examples import Pixels, RecordExamples
from clippings.record_training.recipe import RecordRecipe
from clippings.record_training.trainable import ENCODE_SIZE, Augment, RecordTrainable
from clippings.third_party import need_torch
from clippings.training.distributed import Ranks
from clippings.training.loop import Fit, adamw, run_course

if TYPE_CHECKING:
    from torch import Tensor

CLASSES = "characters.json"  # beside the checkpoints: what the classes of the head stand for
BLANK = 0
_MOST_PARTS = 4096
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
    tick: Callable[[int], object] | None = None,
) -> Fit:
    """Teach the image tower of a model to read.

    Args:
        model: The model; the weights of its image tower are changed.
        printed: Records whose texts are what their strips say.
        held_out: Others, for measuring: "cer" is the number of wrong, missing and additional characters for
            each true one, "read" is 1 less that and what the best weights are chosen by.
        recipe: How; its loss is not used.
        out: The folder of the run; gets `characters.json` too.
        augment: What damages strips, on the device.
        resume: Continue the run that is in `out`, if there is one.
        tick: Called with the number of steps done since its last call.

    Returns:
        The history and the best validation.

    Raises:
        TrainingError: A record has no strip or no text, or `out` holds a run already.
    """
    for name, examples in (("printed", printed), ("held_out", held_out)):
        lacking = int((~(examples.has_image & examples.has_text)).sum())
        if lacking:
            raise TrainingError(
                f"Reading is learned from strips whose text is known. Given: {lacking} of {len(examples)} "
                f"records of `{name}` without one of the two. Leave them out."
            )
    course = _Reading(model, printed, held_out, recipe, augment)
    out.mkdir(parents=True, exist_ok=True)
    (out / CLASSES).write_text(json.dumps(course.characters, ensure_ascii=False) + "\n", encoding="utf-8")
    line = model.model.image.line
    kept, line.reader = line.reader, course.head
    try:
        return run_course(
            course, recipe, out, score="read", resume=resume, tick=tick, average=recipe.average,
            keep_last=recipe.keep == "last",
        )  # fmt: skip
    finally:
        line.reader = kept


class _Reading:
    """An image tower with a head that reads, and print."""

    def __init__(
        self,
        model: RecordTrainable,
        printed: RecordExamples,
        held_out: RecordExamples,
        recipe: RecordRecipe,
        augment: Augment | None,
    ) -> None:
        torch = need_torch("Training")
        self.model, self.printed, self.held_out, self.recipe = model, printed, held_out, recipe
        self.augment = augment if recipe.augment else None
        self.device = model.device
        self.texts = [unicodedata.normalize("NFKC", text) for text in printed.texts]
        self.characters = sorted(set("".join(self.texts)))
        self.number = {character: place for place, character in enumerate(self.characters, BLANK + 1)}
        width = int(model.model.config.width)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.head = torch.nn.Linear(width, 1 + len(self.characters)).to(self.device)
        model.use(recipe.precision)

    def weights(self) -> Mapping[str, Any]:
        return {
            f"image.{name}": value
            for name, value in self.model.model.image.named_parameters()
            if not name.startswith(_POOL) or name.startswith(_POOL_NORM)
        }

    def load_weights(self, weights: Mapping[str, Any]) -> None:
        own = self.weights()
        if {n: v.shape for n, v in own.items()} != {n: v.shape for n, v in weights.items()}:
            raise TrainingError(
                f"The checkpoint is of another model. Given: {len(weights)} tensors, and this model has "
                f"{len(own)} or other shapes. Resume with the model that the run began with."
            )
        with need_torch("Training").no_grad():
            for name, value in own.items():
                value.copy_(weights[name])

    def optimizer(self, named: Mapping[str, Any]) -> Any:
        return adamw(named, self.recipe.learning_rate, self.recipe.weight_decay, betas=(0.9, 0.98))

    def train(self, on: bool) -> None:
        self.model.model.train(on)

    def count(self, epoch: int) -> int:
        return self.recipe.passes * count(len(self.printed), self.recipe.batch_size)

    def mine(self, epoch: int, before: Integers | None, group: Ranks) -> Integers | None:
        return None

    def plan(self, epoch: int, mined: Integers | None) -> list[tuple[int, Integers]]:
        size, seed, passes = self.recipe.batch_size, self.recipe.seed, self.recipe.passes
        return [
            (number, batch)
            for number in range(epoch * passes, (epoch + 1) * passes)
            for batch in record_batches(self.printed, size, m_per_class=1, seed=seed, epoch=number)
        ]

    def gradients(self, batch: tuple[int, Integers], step: int, group: Ranks) -> Any:
        """Part by part: each letter of the batch weighs the same.

        Args:
            batch: Number of the epoch and the record numbers.
            step: Number of the step, which seeds what is random in it.
            group: The processes that train together; each takes some of the parts.

        Returns:
            The loss per letter, a scalar.
        """
        torch = need_torch("Training")
        epoch, numbers = batch
        strips = self.printed.pixels(numbers, epoch)
        texts = [self.texts[number] for number in numbers.tolist()]
        letters = sum(map(len, texts))
        total = torch.zeros((), device=self.device)
        for number, part in enumerate(self.model.parts(strips, self.recipe.mini_batch_size)):
            if number % group.world == group.rank:
                seed = (self.recipe.seed * 1_000_003 + step) * _MOST_PARTS + number
                torch.manual_seed(seed)
                generator = torch.Generator(device=self.device).manual_seed(seed)
                seen = [strip for strip in (strips[place] for place in part) if strip is not None]
                loss = self._loss(seen, [texts[place] for place in part], generator) / letters
                torch.autograd.backward(loss)
                total = total + loss.detach()
        if group.world > 1:
            every = list(self.weights().values())
            for value in every:
                value.grad = torch.zeros_like(value) if value.grad is None else value.grad
            group.add([*(value.grad for value in every), total])
        return total

    def _loss(self, strips: Sequence[Pixels], texts: Sequence[str], generator: Any) -> Tensor:
        torch = need_torch("Training")
        logits, lengths = self._logits(strips, self.augment, generator)
        wanted = [self.number[character] for text in texts for character in text]
        loss: Tensor = torch.nn.functional.ctc_loss(
            logits.log_softmax(dim=2).transpose(0, 1),
            torch.tensor(wanted, device=self.device),
            lengths,
            torch.tensor([len(text) for text in texts], device=self.device),
            blank=BLANK,
            reduction="sum",
            zero_infinity=True,  # a strip too short for its text teaches nothing
        )
        return loss

    def _logits(
        self, strips: Sequence[Pixels], augment: Augment | None = None, generator: Any = None
    ) -> tuple[Tensor, Tensor]:
        """What each place along the strips is read as, (n, t, classes), and how many places there are."""
        batch, mask, upright = self.model.pixels(strips, augment, generator)
        with self.model.autocast():
            logits, lengths = self.model.model.image.read(batch, mask, upright)
        return logits[: len(strips)].float(), lengths[: len(strips)]

    def read(self, strips: Sequence[Pixels]) -> list[str]:
        """Read strips: at each place the likeliest letter; repeats are one, blanks are none.

        Args:
            strips: Pixels of the strips.

        Returns:
            The text of each strip.
        """
        torch = need_torch("Training")
        found = [""] * len(strips)
        training = self.model.model.training
        self.model.model.eval()
        with torch.no_grad():
            for part in self.model.parts(strips, ENCODE_SIZE):
                logits, lengths = self._logits([strips[place] for place in part])
                best = logits.argmax(dim=2).cpu().numpy()
                for place, row, length in zip(part, best, lengths.tolist(), strict=True):
                    new = row[:length][np.append(True, np.diff(row[:length]) != 0)]
                    found[place] = "".join(self.characters[one - 1] for one in new.tolist() if one != BLANK)
        self.model.model.train(training)
        return found

    def validate(self) -> Mapping[str, float]:
        strips = self.held_out.pixels(np.arange(len(self.held_out)), 0)
        found = self.read([strip for strip in strips if strip is not None])
        true = [unicodedata.normalize("NFKC", text) for text in self.held_out.texts]
        cer = character_error_rate(found, true)
        return {"read": 1 - cer, "cer": cer}

    def fingerprint(self) -> str:
        settings = self.recipe.to_dict()
        for name in ("log_steps", "save_steps", "mini_batch_size"):
            settings.pop(name)
        told = [settings, self.model.model.config.to_dict(), self.printed.fingerprint(), self.characters]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def character_error_rate(found: Sequence[str], true: Sequence[str]) -> float:
    """Wrong, missing and additional characters for each true one.

    Args:
        found: What was read.
        true: What was printed.

    Returns:
        The rate; 0 is perfect.

    Example:
        >>> character_error_rate(["hallo", "we"], ["hello", "we"])
        0.14285714285714285
    """
    wrong = sum(_distance(one, other) for one, other in zip(found, true, strict=True))
    return wrong / max(1, sum(map(len, true)))


def _distance(one: str, other: str) -> int:
    """Edits that make one text of the other (V. Levenshtein, 1966)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]
