"""A model of photographs and captions in training: squares of pixels, and vectors of a text model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

import numpy as np

from clippings.arrays import Floats
from clippings.record_training.examples import Pixels
from clippings.record_training.trainable import Augment, RecordTrainable
from clippings.records.photo_inputs import CENTRE, SPREAD

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from clippings.records.bi_encoder import BiEncoder
    from clippings.records.photo_model import PhotoModel

Embed = Callable[[Sequence[str]], Floats]


class PhotoTrainable(RecordTrainable):
    """A `PhotoModel` in training; `embed` gives the vectors of the text model, which is not trained.

    Pictures are squares, (side, side, 3) uint8, as `clippings.pictures.photographs` makes them.
    """

    def __init__(self, model: PhotoModel, embed: Embed, device: str | None = None) -> None:
        super().__init__(cast("BiEncoder", model), device)
        self.photos, self._embed = model, embed

    def image_vectors(
        self, strips: Sequence[Pixels], augment: Augment | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Squares as float32 unit rows with gradients, (n, d)."""
        batch = self.placed(strips)
        if augment is not None:
            batch = self._laid_out(augment(batch, None, generator))
        with self.autocast():
            vectors: Tensor = self.photos.image(batch)
        return vectors.float()

    def placed(self, squares: Sequence[Pixels]) -> Tensor:
        """Normalised pixels, (n, 3, side, side), on the device."""
        pixels = self.place(np.stack(squares)).permute(0, 3, 1, 2).float()
        return self._laid_out((pixels - float(CENTRE)) / float(SPREAD))

    def _laid_out(self, batch: Tensor) -> Tensor:
        torch = import_module("torch")
        # a GPU is faster with channels last, a CPU much slower
        return batch.contiguous(
            memory_format=torch.channels_last if self.few_shapes else torch.contiguous_format
        )

    def text_vectors(self, texts: Sequence[str]) -> Tensor:
        """Texts as float32 unit rows with gradients, (n, d)."""
        return self.photos.text(self.place(self._embed(texts)))

    def parts(self, strips: Sequence[Pixels | None], most: int) -> list[list[int]]:
        """Places of pictures that are encoded at once."""
        there = [place for place, square in enumerate(strips) if square is not None]
        return [there[start : start + most] for start in range(0, len(there), most)]

    def text_parts(self, texts: Sequence[str], most: int) -> list[list[int]]:
        """Places of texts that are encoded at once."""
        return [list(range(start, min(start + most, len(texts)))) for start in range(0, len(texts), most)]


def jitter(batch: Tensor, mask: Tensor | None = None, generator: Generator | None = None) -> Tensor:
    """Normalised pictures, (n, 3, h, w), cropped, flipped and shaded a little, on their device.

    A cheap augmentation beside the damage of `clippings.press`, which is drawn before training.
    """
    torch = import_module("torch")
    n = len(batch)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        drawn: Tensor = torch.rand(*shape, device=batch.device, generator=generator)
        return low + (high - low) * drawn

    scale = uniform(0.75, 1.05, n)
    flip = torch.where(uniform(0, 1, n) < 0.15, -1.0, 1.0)
    turn, shift = uniform(-0.08, 0.08, n), uniform(-0.15, 0.15, n, 2)
    zero = torch.zeros_like(scale)
    rows = torch.stack([scale * flip, turn, shift[:, 0], -turn, scale + zero, shift[:, 1]], dim=1)
    grid = torch.nn.functional.affine_grid(rows.reshape(n, 2, 3), list(batch.shape), align_corners=False)
    moved = torch.nn.functional.grid_sample(
        batch, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    grey = moved.mean(dim=1, keepdim=True)
    colour = uniform(0, 1, n, 1, 1, 1)
    pale: Tensor = moved + (grey - moved) * torch.where(colour < 0.2, 1.0, 0.0)
    return pale * uniform(0.8, 1.2, n, 1, 1, 1) + uniform(-0.15, 0.15, n, 1, 1, 1)
