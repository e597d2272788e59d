"""One step on records: both towers, the fused vectors, the loss, and the gradients of all.

As in `step`, a batch that does not fit is done in two passes: vectors without gradients first, then part by
part with them. The cut lies behind the towers; fusion and loss are cheap and are done once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clippings.record_training import losses as record_losses
from clippings.record_training.draws import Drawn
from clippings.record_training.recipe import RecordRecipe
from clippings.record_training.trainable import Augment, RecordTrainable
from clippings.third_party import need_torch
from clippings.training.distributed import Ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_MOST_PARTS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Records whose pictures or texts are on the device at once."""

    number: int
    is_text: bool
    places: list[int]


def record_gradients(
    model: RecordTrainable,
    drawn: Drawn,
    recipe: RecordRecipe,
    step: int,
    augment: Augment | None = None,
    group: Ranks | None = None,
) -> Tensor:
    """Add the gradients of a batch's loss to the parameters.

    Args:
        model: The model, in training mode.
        drawn: The records of the step.
        recipe: Loss, size of a part, seed.
        step: Number of the step, for the draws of dropout and damage.
        augment: What damages pictures, on the device.
        group: The processes that share the work.

    Returns:
        The loss, a scalar without gradient.
    """
    torch = need_torch("Training")
    group = group or Ranks()
    jobs = _jobs(model, drawn, recipe)

    def vectors(job: _Part) -> Tensor:
        seed = (recipe.seed * 1_000_003 + step) * _MOST_PARTS + job.number
        torch.manual_seed(seed)
        if job.is_text:
            return model.text_vectors([drawn.texts[place] for place in job.places])
        generator = torch.Generator(device=model.device).manual_seed(seed)
        strips = [strip for strip in (drawn.strips[place] for place in job.places) if strip is not None]
        return model.image_vectors(strips, augment if recipe.augment else None, generator)

    if group.world == 1 and len(drawn.record) <= recipe.mini_batch_size:
        image, text = _together(model, jobs, [vectors(job) for job in jobs], len(drawn.record))
        loss = loss_of(model, image, text, drawn, recipe)
        torch.autograd.backward(loss)
        return loss.detach()
    own = [job for job in jobs if job.number % group.world == group.rank]
    with torch.no_grad():
        image, text = _together(model, own, [vectors(job) for job in own], len(drawn.record))
    group.add([image, text])
    image.requires_grad_(True)
    text.requires_grad_(True)
    loss = loss_of(model, image, text, drawn, recipe)
    torch.autograd.backward(loss)
    every = list(model.weights().values())
    if not group.first:  # fusion and loss were the same everywhere: once is enough
        for value in every:
            value.grad = None
    for job in own:
        wanted = (text if job.is_text else image).grad
        if wanted is not None:
            torch.autograd.backward(vectors(job), wanted[job.places])
    if group.world > 1:
        for value in every:
            value.grad = torch.zeros_like(value) if value.grad is None else value.grad
        group.add([value.grad for value in every])
    return loss.detach()


def loss_of(
    model: RecordTrainable, image: Tensor, text: Tensor, drawn: Drawn, recipe: RecordRecipe
) -> Tensor:
    """The loss of records whose vectors are known.

    Args:
        model: Fusion, and the scale and bias of the loss.
        image: Unit rows, zeros where there is no picture, (n, d).
        text: Unit rows, zeros where there is no text, (n, d).
        drawn: The records.
        recipe: Which loss, and its numbers.

    Returns:
        A scalar.
    """
    entity, record, text_key, picture = (
        model.place(values) for values in (drawn.entity, drawn.record, drawn.text, drawn.picture)
    )
    known = record_losses.Known(entity, record, text_key, picture)
    scale = model.scale.clamp(max=MOST_SCALE).exp()
    if recipe.loss == "clip":
        return record_losses.clip_loss(image, text, known, scale[CROSS])
    used = [model.place(values) for values in (drawn.fused_image, drawn.fused_text, drawn.hints)]
    fused = model.model.fuse(image, text, *used).float()
    if recipe.loss == "supcon":
        return record_losses.fused_supcon(fused, known, recipe.temperature)
    return record_losses.sigmoid_loss((image, text, fused), known, scale, model.bias, recipe.pairs)


MOST_SCALE = float(np.log(100.0))  # as CLIP does: a sharper loss is unstable
CROSS = record_losses.PAIRS.index("image-text")


def _jobs(model: RecordTrainable, drawn: Drawn, recipe: RecordRecipe) -> list[_Part]:
    """The parts of a step, numbered."""
    most = recipe.mini_batch_size
    there = np.flatnonzero(drawn.text >= 0).tolist()
    of_texts = model.text_parts([drawn.texts[place] for place in there], most)
    texts = [[there[place] for place in part] for part in of_texts]
    found = [(False, part) for part in model.parts(drawn.strips, most)]
    found += [(True, part) for part in texts]
    return [_Part(number, is_text, places) for number, (is_text, places) in enumerate(found)]


def _together(
    model: RecordTrainable, jobs: Sequence[_Part], vectors: Sequence[Tensor], n: int
) -> tuple[Tensor, Tensor]:
    """The vectors of the parts by record, zeros where there is none: pictures and texts, (n, d) each."""
    torch: Any = need_torch("Training")
    made = []
    for is_text in (False, True):
        of_kind = [(job, found) for job, found in zip(jobs, vectors, strict=True) if job.is_text == is_text]
        rows = [found for _, found in of_kind]
        places = np.full(n, sum(map(len, rows)), np.int64)  # the last row is the one of zeros
        done = 0
        for job, found in of_kind:
            places[job.places] = np.arange(done, done + len(found))
            done += len(found)
        stack = torch.cat([*rows, torch.zeros(1, model.dim, device=model.device)])
        made.append(stack[model.place(places)])
    return made[0], made[1]
