"""One step: the gradients of a whole batch, with the activations of a few texts at a time.

A loss that compares all texts of a batch with each other needs only their vectors at once. So the vectors
are made without gradients first, the loss says how each vector should move, and then each part of the batch
is made again, with gradients, and moved so (L. Gao et al., Scaling deep contrastive learning batch size under
memory limited setup, 2021). The draws of dropout are repeated by seeding every part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clippings.third_party import need_torch
from clippings.training import losses
from clippings.training.batches import Batch, by_length
from clippings.training.distributed import Ranks
from clippings.training.examples import Examples
from clippings.training.recipe import Recipe
from clippings.training.trainable import Trainable

if TYPE_CHECKING:
    from torch import Tensor


def gradients(
    model: Trainable,
    examples: Examples,
    batch: Batch,
    recipe: Recipe,
    step: int,
    group: Ranks | None = None,
) -> float:
    """Add the gradients of a batch's loss to the parameters.

    Args:
        model: The model, in training mode.
        examples: The examples.
        batch: Texts and pairs.
        recipe: Loss, size of a part, seed.
        step: Number of the step, for the draws of dropout.
        group: The processes that share the work.

    Returns:
        The loss.
    """
    torch = need_torch("Training")
    group = group or Ranks()
    texts = [examples.texts[number] for number in batch.texts.tolist()]
    parts = list(by_length(texts, recipe.mini_batch_size))
    own = [(number, part) for number, part in enumerate(parts) if number % group.world == group.rank]

    def part_of(number: int, places: list[int]) -> Tensor:
        torch.manual_seed((recipe.seed * 1_000_003 + step) * 4096 + number)
        return model.vectors([texts[place] for place in places])

    if len(parts) == 1 and group.world == 1:
        order = torch.as_tensor(parts[0], device=model.device)
        loss = loss_of(part_of(0, parts[0])[torch.argsort(order)], examples, batch, recipe)
        torch.autograd.backward(loss)
        return float(loss.detach())
    vectors = torch.zeros(len(texts), model.dim, device=model.device)
    with torch.no_grad():
        for number, places in own:
            vectors[places] = part_of(number, places)
    group.add([vectors])
    vectors.requires_grad_(True)
    loss = loss_of(vectors, examples, batch, recipe)
    (wanted,) = torch.autograd.grad(loss, vectors)
    for number, places in own:
        torch.autograd.backward(part_of(number, places), wanted[places])
    if group.world > 1:
        every = list(model.weights().values())
        for value in every:
            value.grad = torch.zeros_like(value) if value.grad is None else value.grad
        group.add([value.grad for value in every])
    return float(loss.detach())


def loss_of(vectors: Tensor, examples: Examples, batch: Batch, recipe: Recipe) -> Tensor:
    """The loss of a batch whose vectors are known.

    Args:
        vectors: Unit rows of `batch.texts`, (n, d).
        examples: The examples.
        batch: Texts and pairs.
        recipe: Which loss, and its numbers.

    Returns:
        A scalar.
    """
    torch = need_torch("Training")

    def tensor(values: Any) -> Tensor:
        made: Tensor = torch.as_tensor(values, device=vectors.device)
        return made

    entity = tensor(examples.entity[batch.texts])
    if recipe.loss == "supcon":
        return losses.supcon(vectors, entity, recipe.temperature)
    left, right = tensor(batch.left), tensor(batch.right)
    if recipe.loss == "infonce":
        return losses.info_nce(vectors, entity, left, right, recipe.temperature)
    return losses.online_contrastive(vectors, left, right, tensor(batch.label), recipe.margin)
