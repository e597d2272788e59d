"""A record's picture and text as one vector, with either of them missing at times.

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

    Args:
        kind: "mean", "centred" or "gate".
        dim: Length of the vectors.
        image_weight: The picture's share w; where the gate starts.
        hints: Number of hints a record.
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
        """Fuse.

        Args:
            image: Unit rows, (n, dim); rows of what is missing are not looked at.
            text: Unit rows, (n, dim).
            has_image: (n,) bool.
            has_text: (n,) bool.
            hints: (n, number of hints): confidence, contrast and sharpness, about 0 to 1; nan is unknown.
                None: all unknown.

        Returns:
            Unit rows, (n, dim) float32; zeros where both are missing.
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
        """The picture's share in each record that has both.

        Args:
            image: (n, dim).
            text: (n, dim).
            hints: (n, number of hints): confidence, contrast and sharpness, about 0 to 1; nan is unknown.
                None (the default): all unknown.

        Returns:
            (n, 1), from 0 to 1.
        """
        if self.kind != "gate":
            return torch.full_like(image[:, :1], self.image_weight)
        if hints is None:
            hints = image.new_full((len(image), self.hints), float("nan"))
        known = ~torch.isnan(hints)
        told = torch.where(known, hints, hints.new_zeros(()))
        seen = torch.cat([image, text, image * text, told.to(image.dtype), known.to(image.dtype)], dim=1)
        share: Tensor = torch.sigmoid(self.gate(seen))
        return share

    @torch.no_grad()
    def calibrate(self, image: Tensor, text: Tensor) -> None:
        """Take the means of "centred" from many records.

        Args:
            image: Vectors of pictures, (n, dim), of records that are like those to be linked.
            text: Vectors of texts, (m, dim).

        Raises:
            EncoderError: There are none, or the fusion has no means.
        """
        if self.kind != "centred" or not len(image) or not len(text):
            raise EncoderError(
                "The means of the vectors cannot be taken. "
                f"Given: fusion={self.kind!r}, {len(image)} pictures, {len(text)} texts. "
                'Give some of both to a model with fusion="centred".'
            )
        self.image_mean.copy_(image.float().mean(dim=0))
        self.text_mean.copy_(text.float().mean(dim=0))


def fuse_plain(
    fusion: Fusion, image: Tensor, text: Tensor, has_image: Tensor, has_text: Tensor, hints: Tensor
) -> Tensor:
    """As a `Fusion` does it, record by record.

    Args:
        fusion: Kind, means and gate.
        image: (n, dim).
        text: (n, dim).
        has_image: (n,) bool.
        has_text: (n,) bool.
        hints: (n, number of hints).

    Returns:
        (n, dim).
    """
    rows = []
    for row in range(len(image)):
        one, other = image[row], text[row]
        if fusion.kind == "centred":
            one, other = one - fusion.image_mean, other - fusion.text_mean
            one, other = one / one.norm(), other / other.norm()
        if has_image[row] and has_text[row]:
            share = torch.tensor(fusion.image_weight)
            if fusion.kind == "gate":
                told = [0.0 if math.isnan(hint) else hint for hint in hints[row].tolist()]
                flags = [0.0 if math.isnan(hint) else 1.0 for hint in hints[row].tolist()]
                seen = torch.cat([one, other, one * other, torch.tensor(told + flags)])
                share = 1 / (1 + (-fusion.gate(seen)[0]).exp())
            mixed = share * one + (1 - share) * other
            rows.append(mixed / mixed.norm())
        else:
            rows.append(one if has_image[row] else other if has_text[row] else torch.zeros_like(one))
    return torch.stack(rows)


def drop(
    has_image: Tensor, has_text: Tensor, share: float, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Hide the picture or the text of some records, so that a model in training learns to do without.

    Args:
        has_image: (n,) bool.
        has_text: (n,) bool.
        share: Of the records that have both, this share loses one, either with the same chance.
        generator: Where the draws come from, on the CPU.

    Returns:
        Both again; no record loses what it has alone, and none loses both.

    Example:
        >>> has_image, has_text = torch.tensor([True, True, False]), torch.tensor([True, True, True])
        >>> found = drop(has_image, has_text, 1.0, torch.Generator().manual_seed(0))
        >>> [(a, b) for a, b in zip(*(part.tolist() for part in found))]
        [(False, True), (False, True), (False, True)]
    """
    lose, side = torch.rand((2, len(has_image)), generator=generator).to(has_image.device)
    lost = has_image & has_text & (lose < share)
    return has_image & ~(lost & (side < 0.5)), has_text & ~(lost & (side >= 0.5))
