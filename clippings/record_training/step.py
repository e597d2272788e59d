"""One training step on records: both towers, the fused vectors, the loss, and the gradients of all.

As in `step`, a batch that does not fit is done in two passes. The cut lies behind the towers; fusion and loss
are cheap and are computed once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clippings.record_training import losses as record_losses
from clippings.record_training.recipe import RecordRecipe
from clippings.record_training.record_augment import Drawn
from clippings.record_training.trainable import Augment, RecordTrainable
from clippings.third_party import need_torch
from clippings.training.distributed import Ranks
from clippings.training.step import Encoding, Part, add_gradients, part_seed

if TYPE_CHECKING:
    from torch import Tensor

MOST_SCALE = float(np.log(100.0))  # as CLIP does: a sharper loss is unstable
CROSS = record_losses.PAIRS.index("image-text")
IMAGE, TEXT = 0, 1  # kinds of parts


def record_gradients(
    model: RecordTrainable,
    drawn: Drawn,
    recipe: RecordRecipe,
    step: int,
    augment: Augment | None = None,
    group: Ranks | None = None,
) -> Tensor:
    """Add the gradients of a batch's loss to the parameters of a model in training mode; returns the loss."""
    torch = need_torch("Training")

    def encode(part: Part) -> Tensor:
        seed = part_seed(recipe.seed, step, part.number)
        torch.manual_seed(seed)
        if part.kind == TEXT:
            return model.text_vectors([drawn.texts[row] for row in part.rows])
        generator = torch.Generator(device=model.device).manual_seed(seed)
        strips = [strip for strip in (drawn.strips[row] for row in part.rows) if strip is not None]
        return model.image_vectors(strips, augment if recipe.augment else None, generator)

    n = len(drawn.record)
    return add_gradients(
        Encoding(_parts(model, drawn, recipe), n, 2, encode, n <= recipe.mini_batch_size),
        lambda image, text: loss_of(model, image, text, drawn, recipe),
        model.weights(),
        torch.zeros(1, model.dim, device=model.device),
        group or Ranks(),
    )


def loss_of(
    model: RecordTrainable, image: Tensor, text: Tensor, drawn: Drawn, recipe: RecordRecipe
) -> Tensor:
    """The loss of records from their unit vectors, (n, d), zeros where one is missing; a scalar."""
    entity, record, text_key, picture = (
        model.place(values) for values in (drawn.entity, drawn.record, drawn.text, drawn.picture)
    )
    keys = record_losses.RecordLabels(entity, record, text_key, picture)
    scale = model.scale.clamp(max=MOST_SCALE).exp()
    if recipe.loss == "clip":
        return record_losses.clip_loss(image, text, keys, scale[CROSS])
    inputs = [model.place(values) for values in (drawn.fused_image, drawn.fused_text, drawn.hints)]
    fused = model.model.fuse(image, text, *inputs).float()
    if recipe.loss == "supcon":
        return record_losses.fused_supcon(fused, keys, recipe.temperature)
    return record_losses.sigmoid_loss((image, text, fused), keys, scale, model.bias, recipe.pairs)


def _parts(model: RecordTrainable, drawn: Drawn, recipe: RecordRecipe) -> list[Part]:
    """The parts of a step, numbered: pictures, then texts."""
    most = recipe.mini_batch_size
    with_text = np.flatnonzero(drawn.text >= 0).tolist()
    texts = model.text_parts([drawn.texts[row] for row in with_text], most)
    parts = [(rows, IMAGE) for rows in model.parts(drawn.strips, most)]
    parts += [([with_text[place] for place in part], TEXT) for part in texts]
    return [Part(number, rows, kind) for number, (rows, kind) in enumerate(parts)]
