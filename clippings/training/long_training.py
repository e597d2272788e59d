"""Training of encoders of long records, step by step on records that are drawn as they are needed.

The losses of the stages in which a short encoder becomes a long one. *Transfer* is in `imitation`: layers
learn where full attention looks. *Distillation*: the whole model imitates the original. *Contrast*: long
records that belong together are brought together, with windows dropped at random, for else the linear
branch is never needed: in converted models it is known to collapse (arXiv 2510.05901, 2025).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from clippings.arrays import Integers
from clippings.errors import TrainingError
from clippings.training.distributed import Ranks
from clippings.training.trainable import Trainable

if TYPE_CHECKING:
    from torch import Tensor

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

FRESH = ("gate", ".near.", "feature_", "pool")  # weights that no pretraining has seen
OPENED = 0.1  # what a gate that was shut is trained from
DROPPED = 0.1  # share of the records whose windows are left out in training
TRIED = 3  # steps by which the pace is measured


@dataclass(frozen=True, slots=True)
class LongRecipe:
    """How fast and how long: what `loop.run_course` reads.

    Args:
        max_steps: Steps in all.
        epochs: Validations on the way, the last one at the end.
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


class StepCourse:
    """A course for `loop.run_course` whose batches are numbers, and each draws its own records.

    Args:
        model: What is trained.
        named: The weights that move.
        loss: Gives the loss of a step by its number, with gradients.
        measure: Validates.
        recipe: How.
        label: What makes the run this one, beside the recipe.
    """

    def __init__(
        self,
        model: Trainable,
        named: Mapping[str, Any],
        loss: Callable[[int], Tensor],
        measure: Callable[[], Mapping[str, float]],
        recipe: LongRecipe,
        label: str = "",
    ) -> None:
        self.model, self.named, self.loss = model, named, loss
        self.measure, self.recipe = measure, recipe
        self.device, self._label = model.device, label

    def weights(self) -> Mapping[str, Any]:
        """Every weight that moves, by name.

        Returns:
            Name -> tensor.
        """
        return self.named

    def load_weights(self, weights: Mapping[str, Any]) -> None:
        """Put other values into them.

        Args:
            weights: Name -> tensor, with the names and shapes of the trained weights.
        """
        torch = import_module("torch")
        if {n: v.shape for n, v in self.named.items()} != {n: v.shape for n, v in weights.items()}:
            raise TrainingError(
                f"The checkpoint is of another model. Given: {len(weights)} tensors, and {len(self.named)} "
                "or others are trained. Resume with the settings that the run began with."
            )
        with torch.no_grad():
            for name, value in self.named.items():
                value.copy_(weights[name])

    def fingerprint(self) -> str:
        """What makes the run this one.

        Returns:
            A hash of the recipe, the label and the names of the weights.
        """
        facts = {"recipe": asdict(self.recipe), "label": self._label, "weights": sorted(self.named)}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def optimizer(self, named: Mapping[str, Any]) -> Any:
        """AdamW; fresh weights learn faster, and only matrices decay.

        Args:
            named: The parameters by name.

        Returns:
            A torch optimizer.
        """
        recipe = self.recipe
        return long_adamw(named, recipe.learning_rate, recipe.weight_decay, recipe.fresh)

    def count(self, epoch: int) -> int:
        """How many steps there are from one validation to the next.

        Args:
            epoch: Number of the epoch, from 0.

        Returns:
            The number of steps.
        """
        return len(self.plan(epoch, None))

    def mine(self, epoch: int, before: Integers | None, group: Ranks) -> Integers | None:
        """Nothing is mined: hard records are drawn together.

        Args:
            epoch: Not used.
            before: Not used.
            group: Not used.

        Returns:
            None.
        """
        return None

    def plan(self, epoch: int, mined: Integers | None) -> Sequence[int]:
        """The numbers of the steps.

        Args:
            epoch: Number of the epoch, from 0.
            mined: Not used.

        Returns:
            A range of step numbers.
        """
        total, rounds = self.recipe.max_steps, self.recipe.epochs
        return range(total * epoch // rounds, total * (epoch + 1) // rounds)

    def gradients(self, batch: int, step: int, group: Ranks) -> Any:
        """Add the gradients of a step.

        Args:
            batch: Number of the step, which draws the batch.
            step: Not used.
            group: Not used.

        Returns:
            The loss, a scalar tensor without gradients.
        """
        loss = self.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        return loss.detach()

    def validate(self) -> Mapping[str, float]:
        """Measure the model as it is.

        Returns:
            Measure -> value.
        """
        self.model.model.eval()
        return self.measure()

    def train(self, on: bool) -> None:
        """Switch dropout on or off.

        Args:
            on: True for training, False for evaluation.
        """
        self.model.model.train(on)


def long_adamw(
    named: Mapping[str, Any], learning_rate: float, weight_decay: float, fresh: float = 10.0
) -> Any:
    """AdamW for an encoder of long records: what no pretraining has seen learns faster; only matrices decay.

    Args:
        named: Weights by name.
        learning_rate: The highest one of pretrained weights.
        weight_decay: Of matrices.
        fresh: Times that, for weights whose names hold a part of `FRESH`.

    Returns:
        The optimizer, whose groups say with "height" how their rate differs.
    """
    torch = import_module("torch")
    groups: dict[tuple[bool, bool], list[Any]] = {}
    for name, value in named.items():
        key = (any(part in name for part in FRESH), value.dim() > 1)
        groups.setdefault(key, []).append(value)
    return torch.optim.AdamW(
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


def opened(model: Trainable) -> bool:
    """Make an encoder of long records ready to be trained: a branch that is shut learns next to nothing.

    Args:
        model: Any text model; of an encoder of long records, gates that are shut are opened a little, and
            windows will be left out at random in training.

    Returns:
        Whether it is an encoder of long records.
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


def trained(model: Trainable, moves: Callable[[str], bool]) -> dict[str, Any]:
    """The weights that move; the others are held, and need no gradients.

    Args:
        model: The model; it is changed.
        moves: Whether the weight of a name does.

    Returns:
        Weights by name.
    """
    named = {}
    for name, weight in model.model.named_parameters():
        weight.requires_grad_(moves(name))
        if moves(name):
            named[name] = weight
    return named


def pace(loss: Callable[[int], Tensor], device: str, tried: int = TRIED) -> float:
    """How long a step takes.

    Args:
        loss: Of a step by its number; what it adds to gradients is for the caller to clear.
        device: Where it runs.
        tried: Steps that are timed, after one that is not.

    Returns:
        Seconds.
    """
    torch = import_module("torch")
    start = time.perf_counter()
    for step in range(tried + 1):
        loss(step).backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        if not step:
            start = time.perf_counter()
    return (time.perf_counter() - start) / tried


def contrast_loss(model: Trainable, tokens: Mapping[str, Any], temperature: float) -> Tensor:
    """InfoNCE in both directions (A. van den Oord et al., 2018), a step's other records as negatives.

    Args:
        model: The model.
        tokens: "input_ids" and "attention_mask" of the left records, then of the right ones in their order.
        temperature: Of the softmax.

    Returns:
        A number.
    """
    torch = import_module("torch")
    left, right = model.vectors_of(tokens).chunk(2)
    score = left @ right.T / temperature
    own = torch.arange(len(score), device=score.device)
    entropy = torch.nn.functional.cross_entropy
    found: Tensor = (entropy(score, own) + entropy(score.T, own)) / 2
    return found


def distil_loss(model: Trainable, ids: Tensor, lengths: Tensor) -> Tensor:
    """How far the long layers are from the short ones on short records: tokens, and the vector of the record.

    Args:
        model: A converted model with layers of its own for short records.
        ids: Tokens of short records, (n, t), padded at the end.
        lengths: Of each, (n,).

    Returns:
        A number.
    """
    torch = import_module("torch")
    body, places = _body(model, ids, lengths)
    with _precision(model):
        with torch.no_grad():
            wanted = body.run(ids, lengths, places.padded, True).float()
        found = body.run(ids, lengths, places.padded, False).float()
    mask = places.mask[:, :, None]
    means = [torch.where(mask, x, 0).sum(dim=1) for x in (found, wanted)]
    apart = 1 - torch.nn.functional.cosine_similarity(*means, dim=1).mean()
    made: Tensor = apart + _share(found, wanted, places.mask)
    return made


def _share(found: Any, wanted: Any, mask: Any) -> Any:
    """The squared distance at places that count, over the squares of what is wanted."""
    keep = mask[:, :, None]
    return ((found - wanted).square() * keep).sum() / (wanted.square() * keep).sum()


def _body(model: Trainable, ids: Tensor, lengths: Tensor) -> tuple[Any, Any]:
    from clippings.layers.window_attention import Places

    body = model.model[0].auto_model
    return body, Places(lengths, ids.shape[1], bool((lengths < ids.shape[1]).any()))


def _precision(model: Trainable) -> Any:
    torch = import_module("torch")
    kind = model.device.partition(":")[0]
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=model.half)
