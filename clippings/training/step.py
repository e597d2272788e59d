"""The gradients of a whole batch, with the activations of a few texts or pictures at a time.

A loss that compares all rows of a batch with each other needs only their vectors at once. So vectors are
computed without gradients first, then the gradient of the loss for each vector, and then each part of the
batch is encoded again, with gradients (L. Gao et al., Scaling deep contrastive learning batch size under
memory limited setup, 2021). The draws of dropout are repeated by seeding every part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clippings.arrays import Integers
from clippings.third_party import need_torch
from clippings.training import losses
from clippings.training.batches import Batch, by_length
from clippings.training.distributed import Ranks
from clippings.training.examples import Examples
from clippings.training.recipe import Recipe
from clippings.training.trainable import Trainable, to_device

if TYPE_CHECKING:
    from torch import Tensor

_MOST_PARTS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows of a batch that are encoded at once: `kind` is the number of the matrix of their vectors."""

    number: int
    rows: list[int]
    kind: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """The parts of a batch, and how they are encoded.

    Attributes:
        parts: All parts.
        size: Rows of each matrix of vectors, (size, d); rows of no part are zeros.
        kinds: Number of these matrices.
        encode: Unit rows of a part, with gradients.
        once: Whether one pass with all activations fits into the memory.
    """

    parts: Sequence[Part]
    size: int
    kinds: int
    encode: Callable[[Part], Tensor]
    once: bool


def add_gradients(
    encoding: Encoding,
    loss_of: Callable[..., Tensor],
    weights: Mapping[str, Tensor],
    empty: Tensor,
    group: Ranks,
) -> Tensor:
    """Add the gradients of `loss_of(*matrices)` to the parameters; returns the loss without gradient.

    `empty` is one row of zeros, (1, d), on the device of the model.
    """
    torch = need_torch("Training")
    if encoding.once and group.world == 1:
        loss = loss_of(*_matrices(encoding, encoding.parts, empty))
        torch.autograd.backward(loss)
        return loss.detach()
    own = [part for part in encoding.parts if part.number % group.world == group.rank]
    with torch.no_grad():
        matrices = _matrices(encoding, own, empty)
    group.add(matrices)
    for matrix in matrices:
        matrix.requires_grad_(True)
    loss = loss_of(*matrices)
    torch.autograd.backward(loss)
    if not group.first:  # what follows the vectors, such as fusion, is equal in every process: count it once
        for value in weights.values():
            value.grad = None
    for part in own:
        gradient = matrices[part.kind].grad
        if gradient is not None:
            torch.autograd.backward(encoding.encode(part), gradient[part.rows])
    group.add_gradients(weights)
    return loss.detach()


def _matrices(encoding: Encoding, parts: Sequence[Part], empty: Tensor) -> list[Tensor]:
    """The vectors of some parts in one matrix a kind, (size, d) each, zeros where there is none."""
    torch = need_torch("Training")
    vectors = [encoding.encode(part) for part in parts]
    matrices = []
    for kind in range(encoding.kinds):
        blocks = [block for part, block in zip(parts, vectors, strict=True) if part.kind == kind]
        rows = [row for part in parts if part.kind == kind for row in part.rows]
        places = np.full(encoding.size, len(rows), np.int64)  # the last row is `empty`
        places[rows] = np.arange(len(rows))
        stack = torch.cat([*blocks, empty])
        matrices.append(stack[to_device(places, str(empty.device))])
    return matrices


def part_seed(seed: int, step: int, part: int) -> int:
    """The seed of the draws of one part of a step."""
    return (seed * 1_000_003 + step) * _MOST_PARTS + part


def gradients(
    model: Trainable,
    examples: Examples,
    batch: Batch,
    recipe: Recipe,
    step: int,
    group: Ranks | None = None,
) -> Tensor:
    """Add the gradients of a batch's loss to the parameters of a model in training mode; returns the loss."""
    torch = need_torch("Training")
    texts = [examples.texts[number] for number in batch.texts.tolist()]
    parts = [Part(*part) for part in enumerate(by_length(texts, recipe.mini_batch_size))]

    def encode(part: Part) -> Tensor:
        torch.manual_seed(part_seed(recipe.seed, step, part.number))
        return model.vectors([texts[row] for row in part.rows])

    return add_gradients(
        Encoding(parts, len(texts), 1, encode, len(parts) == 1),
        lambda vectors: loss_of(vectors, examples, batch, recipe),
        model.weights(),
        torch.zeros(1, model.dim, device=model.device),
        group or Ranks(),
    )


def loss_of(vectors: Tensor, examples: Examples, batch: Batch, recipe: Recipe) -> Tensor:
    """The loss of a batch from the unit vectors of `batch.texts`, (n, d); a scalar."""
    torch = need_torch("Training")

    def tensor(values: Integers) -> Tensor:
        return torch.as_tensor(values, device=vectors.device)  # type: ignore[no-any-return]

    entity = tensor(examples.entity[batch.texts])
    if recipe.loss == "supcon":
        return losses.supcon(vectors, entity, recipe.temperature)
    left, right = tensor(batch.left), tensor(batch.right)
    if recipe.loss == "infonce":
        return losses.info_nce(vectors, entity, left, right, recipe.temperature)
    return losses.online_contrastive(vectors, left, right, tensor(batch.label), recipe.margin)
