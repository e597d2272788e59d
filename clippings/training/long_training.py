"""Training of encoders of long records, step by step on records that are drawn as they are needed.

The losses of the stages in which a short encoder becomes a long one. *Transfer* is in `imitation`: layers
learn the shares of full attention. *Distillation*: the whole model imitates the original. *Contrast*: long
records of one entity are pulled together, with windows dropped at random: without that the linear branch of
a converted model is known to collapse (arXiv 2510.05901, 2025).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from clippings.arrays import Integers
from clippings.training.checkpoint import copy_weights
from clippings.training.distributed import Ranks
from clippings.training.loop import ModelCourse
from clippings.training.trainable import Trainable

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

__all__ = [
    "FRESH",
    "LongRecipe",
    "StepCourse",
    "contrast_loss",
    "distil_loss",
    "long_adamw",
    "opened",
    "pace",
    "trained",
]

FRESH = ("gate", ".near.", "feature_", "pool")  # parts of names of weights that were not pretrained
OPENED = 0.1  # starting value of a gate that was shut
DROPPED = 0.1  # share of the records whose windows are left out in training
TRIED = 3  # steps that are timed


@dataclass(frozen=True, slots=True)
class LongRecipe:
    """Settings of a run on long records, as `loop.run_course` reads them.

    Args:
        max_steps: Steps in all.
        epochs: Number of validations, the last one at the end.
        learning_rate: The highest one, of weights that were pretrained.
        fresh: Times that, for weights that were not.
        warmup: Share of the steps in which it rises.
        decay: "cosine" or "linear".
        weight_decay: Of matrices.
        max_grad_norm: Gradients are cut at this length.
        temperature: Of the contrast.
        patience: Validations without a better one; 0 waits for the end.
        log_steps: Steps from one line of the log to the next.
        save_steps: Steps from one checkpoint to the next; 0: one a validation.
        seed: Of all that is drawn.
    """

    max_steps: int
    epochs: int = 4
    learning_rate: float = 1e-4
    fresh: float = 10.0
    warmup: float = 0.1
    decay: str = "cosine"
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    temperature: float = 0.05
    patience: int = 0
    log_steps: int = 10
    save_steps: int = 0
    seed: int = 0


class StepCourse(ModelCourse):
    """A course for `loop.run_course` whose batches are step numbers; each step draws its own records."""

    def __init__(
        self,
        model: Trainable,
        named: Mapping[str, Tensor],
        loss: Callable[[int], Tensor],
        measure: Callable[[], Mapping[str, float]],
        recipe: LongRecipe,
        label: str = "",
    ) -> None:
        super().__init__(model)
        self.model, self.named, self.loss = model, named, loss
        self.measure, self.recipe, self._label = measure, recipe, label

    def weights(self) -> Mapping[str, Tensor]:  # noqa: D102 - as in Course
        return self.named

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:  # noqa: D102
        copy_weights(self.named, weights)

    def fingerprint(self) -> str:
        """A hash of the recipe, the label and the names of the weights."""
        facts = {"recipe": asdict(self.recipe), "label": self._label, "weights": sorted(self.named)}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def optimizer(self, named: Mapping[str, Tensor]) -> Optimizer:  # noqa: D102
        recipe = self.recipe
        return long_adamw(named, recipe.learning_rate, recipe.weight_decay, recipe.fresh)

    def count(self, epoch: int) -> int:  # noqa: D102
        return len(self.plan(epoch, None))

    def plan(self, epoch: int, mined: Integers | None) -> range:
        """The numbers of the steps from one validation to the next."""
        total, rounds = self.recipe.max_steps, self.recipe.epochs
        return range(total * epoch // rounds, total * (epoch + 1) // rounds)

    def gradients(self, batch: int, step: int, group: Ranks) -> Tensor:
        """Add the gradients of the step with the number `batch`; returns its loss."""
        loss = self.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        return loss.detach()

    def validate(self) -> Mapping[str, float]:  # noqa: D102
        self.model.model.eval()
        return self.measure()


def long_adamw(
    named: Mapping[str, Tensor], learning_rate: float, weight_decay: float, fresh: float = 10.0
) -> Optimizer:
    """AdamW for an encoder of long records: `FRESH` weights learn faster, only matrices decay."""
    torch = import_module("torch")
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, value in named.items():
        key = (any(part in name for part in FRESH), value.dim() > 1)
        groups.setdefault(key, []).append(value)
    optimizer: Optimizer = torch.optim.AdamW(
        [
            {
                "params": values,
                "weight_decay": weight_decay if matrix else 0.0,
                "height": fresh if new else 1.0,
            }
            for (new, matrix), values in groups.items()
        ],
        lr=learning_rate,
    )
    return optimizer


def opened(model: Trainable) -> bool:
    """Prepare an encoder of long records for training; returns whether the model is one.

    Gates that are shut are opened a little, as a branch that is shut hardly learns, and windows are left out
    at random in training.
    """
    torch = import_module("torch")
    try:
        body = model.model[0].auto_model
    except (AttributeError, IndexError, KeyError, TypeError):
        return False
    if getattr(body.config, "model_type", None) != "based_bert":
        return False
    with torch.no_grad():
        for mixer in body.mixers():
            if mixer.kind == "based" and not bool(mixer.gate.any()):
                mixer.gate.fill_(OPENED)
    body.window_dropout = DROPPED
    return True


def trained(model: Trainable, moves: Callable[[str], bool]) -> dict[str, Tensor]:
    """Freeze all weights but those whose name `moves`; returns these by name."""
    named = {}
    for name, weight in model.model.named_parameters():
        weight.requires_grad_(moves(name))
        if moves(name):
            named[name] = weight
    return named


def pace(loss: Callable[[int], Tensor], device: str, tried: int = TRIED) -> float:
    """Seconds a step takes, measured after a first one; the gradients are left to the caller."""
    torch = import_module("torch")
    start = time.perf_counter()
    for step in range(tried + 1):
        loss(step).backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        if not step:
            start = time.perf_counter()
    return (time.perf_counter() - start) / tried


def contrast_loss(model: Trainable, tokens: Mapping[str, Tensor], temperature: float) -> Tensor:
    """InfoNCE in both directions (A. van den Oord et al., 2018), the other records of the step as negatives.

    `tokens` are "input_ids" and "attention_mask" of the left records, then of the right ones in their order.
    """
    torch = import_module("torch")
    left, right = model.vectors_of(tokens).chunk(2)
    score = left @ right.T / temperature
    own = torch.arange(len(score), device=score.device)
    entropy = torch.nn.functional.cross_entropy
    loss: Tensor = (entropy(score, own) + entropy(score.T, own)) / 2
    return loss


def distil_loss(model: Trainable, ids: Tensor, lengths: Tensor) -> Tensor:
    """Distance of the long layers from the layers for short records: of tokens, and of the record's vector.

    `ids` are tokens of short records, (n, t), padded at the end; `lengths`, (n,), count them.
    """
    from clippings.layers.window_attention import Places

    torch = import_module("torch")
    body = model.model[0].auto_model
    places = Places(lengths, ids.shape[1], bool((lengths < ids.shape[1]).any()))
    kind = model.device.partition(":")[0]
    with torch.autocast(kind, dtype=torch.bfloat16, enabled=model.half):
        with torch.no_grad():
            target = body.run(ids, lengths, places.padded, True).float()
        output = body.run(ids, lengths, places.padded, False).float()
    mask = places.mask[:, :, None]
    means = [torch.where(mask, x, 0).sum(dim=1) for x in (output, target)]
    apart = 1 - torch.nn.functional.cosine_similarity(*means, dim=1).mean()
    loss: Tensor = apart + relative_distance(output, target, mask)
    return loss


def relative_distance(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Squared distance at the places of a mask, (n, t, 1), as a share of the squares of the target."""
    return ((output - target).square() * mask).sum() / (target.square() * mask).sum()
