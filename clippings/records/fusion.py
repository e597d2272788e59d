"""A record's picture and text as one vector, with one of them possibly missing.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from clippings.errors import EncoderError
from clippings.records.bi_encoder_config import HINTS

GATE_WIDTH = 64


class Fusion(nn.Module):
    """The vectors of a record's picture and text, fused to one.

    - "mean": w * picture + (1 - w) * text, as CLIPPINGS does (A. Arora et al., 2023, arXiv 2304.03464).
    - "centred": the same after each kind's mean over many records is subtracted. Vectors of pictures and of
      texts lie in two cones apart from each other; without the means, what is missing in a record weighs less
      in its neighbours (GR-CLIP, 2025, arXiv 2507.19054). Nothing is trained: see `calibrate`.
    - "gate": w is learned, record by record, from both vectors, where they agree, and hints such as the
      confidence of the OCR. It starts as the plain mean.

    Where one of the two is missing the other is the record's vector; where both are, it is zeros.
    """

    image_mean: Tensor
    text_mean: Tensor

    def __init__(self, kind: str, dim: int, image_weight: float = 0.5, hints: int = len(HINTS)) -> None:
        super().__init__()
        self.kind, self.image_weight, self.hints = kind, image_weight, hints
        if kind == "centred":
            self.register_buffer("image_mean", torch.zeros(dim))
            self.register_buffer("text_mean", torch.zeros(dim))
        if kind == "gate":
            last = nn.Linear(GATE_WIDTH, 1)
            nn.init.zeros_(last.weight)
            nn.init.constant_(last.bias, math.log(image_weight / (1 - image_weight)))
            # every hint comes with a flag that says whether it is known
            self.gate = nn.Sequential(nn.Linear(3 * dim + 2 * hints, GATE_WIDTH), nn.GELU(), last)

    def forward(
        self, image: Tensor, text: Tensor, has_image: Tensor, has_text: Tensor, hints: Tensor | None = None
    ) -> Tensor:
        """Unit rows of records, (n, dim) float32; zeros where both are missing.

        `image` and `text` are unit rows, (n, dim), those of missing ones are ignored; masks are (n,) bool;
        `hints`, (n, number of hints), are about 0 to 1, NaN or None if unknown.
        """
        # blanked before anything else: a missing vector may hold anything, and nan times 0 is nan
        image = torch.where(has_image[:, None], image.float(), image.new_zeros((), dtype=torch.float32))
        text = torch.where(has_text[:, None], text.float(), text.new_zeros((), dtype=torch.float32))
        if self.kind == "centred":
            image = functional.normalize(image - self.image_mean, dim=1) * has_image[:, None]
            text = functional.normalize(text - self.text_mean, dim=1) * has_text[:, None]
        weight = self.weight(image, text, hints)
        both = (has_image & has_text)[:, None]
        # what is alone has all the weight; the missing one is zeros
        mixed = torch.where(both, weight * image + (1 - weight) * text, image + text)
        return functional.normalize(mixed, dim=1)

    def weight(self, image: Tensor, text: Tensor, hints: Tensor | None = None) -> Tensor:
        """The picture's share in each record that has both, (n, 1) from 0 to 1; see `forward`."""
        if self.kind != "gate":
            return torch.full_like(image[:, :1], self.image_weight)
        if hints is None:
            hints = image.new_full((len(image), self.hints), float("nan"))
        is_known = ~torch.isnan(hints)
        values = torch.where(is_known, hints, hints.new_zeros(()))
        features = torch.cat(
            [image, text, image * text, values.to(image.dtype), is_known.to(image.dtype)], dim=1
        )
        share: Tensor = torch.sigmoid(self.gate(features))
        return share

    @torch.no_grad()
    def calibrate(self, image: Tensor, text: Tensor) -> None:
        """Set the means of "centred" from vectors of many pictures, (n, dim), and texts, (m, dim)."""
        if self.kind != "centred" or not len(image) or not len(text):
            raise EncoderError(
                "The means of the vectors cannot be taken. "
                f"Given: fusion={self.kind!r}, {len(image)} pictures, {len(text)} texts. "
                'Give some of both to a model with fusion="centred".'
            )
        self.image_mean.copy_(image.float().mean(dim=0))
        self.text_mean.copy_(text.float().mean(dim=0))
