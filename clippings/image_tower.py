"""Strips of print to unit vectors: convolutions over upright glyphs, a transformer along the reading axis.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from clippings.attention import Layer, Pool, at_least_one, feed_forward
from clippings.bi_encoder_config import HALVINGS, BiEncoderConfig
from clippings.errors import EncoderError


class Halving(nn.Module):
    """A convolution that halves both sides of a picture.

    Args:
        inward: Channels of the picture.
        outward: Channels of the half.
    """

    def __init__(self, inward: int, outward: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inward, outward, 3, stride=2, padding=1)
        self.norm = nn.LayerNorm(outward)

    def forward(self, x: Tensor) -> Tensor:
        """Halve.

        Args:
            x: (n, channels, h, w), zero where there is nothing.

        Returns:
            (n, channels, (h + 1) // 2, (w + 1) // 2).
        """
        normed: Tensor = self.norm(self.convolution(x).permute(0, 2, 3, 1))
        return normed.permute(0, 3, 1, 2)


class Block(nn.Module):
    """A residual block of ConvNeXt (Z. Liu et al., A ConvNet for the 2020s, 2022) with a window of 5 x 5.

    Args:
        channels: Channels of the picture.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.across = feed_forward(channels)

    def forward(self, x: Tensor) -> Tensor:
        """One block.

        Args:
            x: (n, channels, h, w), zero where there is nothing.

        Returns:
            The same shape.
        """
        mixed: Tensor = self.across(self.norm(self.around(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        return x + mixed


class ImageTower(nn.Module):
    """Strips to unit vectors; the same weights read horizontal and vertical print.

    A strip keeps its glyphs upright. The convolutions therefore see the same shapes in both directions of
    writing; only the short axis, the height of a line or the width of a column, is folded into one place by
    a map of each direction's own. Padded columns are set to nothing before every convolution, so that a strip
    has the same vector alone and beside longer ones. Nothing is ink-less paper: white.

    Args:
        config: Sizes.
    """

    def __init__(self, config: BiEncoderConfig) -> None:
        super().__init__()
        self.short = config.short
        channels = (1, *config.stages)
        self.halvings = nn.ModuleList(Halving(before, after) for before, after in pairwise(channels))
        self.stages = nn.ModuleList(
            nn.ModuleList(Block(width) for _ in range(depth))
            for width, depth in zip(config.stages, config.depths, strict=True)
        )
        rows = config.short >> HALVINGS
        # one fold for horizontal print, one for vertical
        self.fold = nn.ModuleList(nn.Linear(config.stages[-1] * rows, config.width) for _ in range(2))
        self.direction = nn.Embedding(2, config.width)
        self.layers = nn.ModuleList(
            Layer(config.width, config.heads, config.dropout) for _ in range(config.image_layers)
        )
        self.pool = Pool(config.width, config.heads, config.dim)
        self.reader = nn.Linear(config.width, config.characters) if config.characters else None

    def forward(self, strips: Tensor, mask: Tensor, vertical: bool = False) -> Tensor:
        """Make vectors of strips of one direction.

        Args:
            strips: (n, 1, short, length), or (n, 1, length, short) if vertical; 0 is black and 1 is white.
            mask: Which columns of pixels (rows, if vertical) are part of the strip, (n, length) bool.
            vertical: Whether the print runs from top to bottom.

        Returns:
            Unit rows, (n, dim) float32. A strip without a column has some vector that means nothing.
        """
        vectors: Tensor = self.pool(*self.columns(strips, mask, vertical))
        return vectors

    def columns(self, strips: Tensor, mask: Tensor, vertical: bool = False) -> tuple[Tensor, Tensor]:
        """What the tower sees along the reading axis, an eighth of the strip's length.

        Args:
            strips: As for `forward`.
            mask: As for `forward`.
            vertical: As for `forward`.

        Returns:
            (n, (length + 7) // 8, width), and which of these places count, bool.
        """
        ink = 1 - strips
        for halving, blocks in zip(self.halvings, self.stages, strict=True):
            ink = halving(_blank(ink, mask, vertical))
            mask = half(mask)
            for block in _each(blocks):
                ink = block(_blank(ink, mask, vertical))
        # (n, channels, rows, t) or (n, channels, t, rows) to (n, t, channels * rows)
        x = ink.permute(0, 2, 1, 3) if vertical else ink.permute(0, 3, 1, 2)
        direction = 1 if vertical else 0
        x = self.fold[direction](x.flatten(2)) + self.direction.weight[direction]
        mask = at_least_one(mask)
        for layer in self.layers:
            x = layer(x, mask)
        return x, mask

    def read(self, strips: Tensor, mask: Tensor, vertical: bool = False) -> tuple[Tensor, Tensor]:
        """Read strips aloud, for pretraining on print of which the text is known.

        The logits are made for connectionist temporal classification (A. Graves et al., 2006), as
        `torch.nn.functional.ctc_loss` takes them after `log_softmax` and with the first two axes exchanged.

        Args:
            strips: As for `forward`.
            mask: As for `forward`.
            vertical: As for `forward`.

        Returns:
            Logits (n, t, characters), class 0 the blank, and the number of places of each strip, (n,) int64.

        Raises:
            EncoderError: The model was made without this head (`characters=0`).
        """
        if self.reader is None:
            raise EncoderError(
                "The model has no head that reads. Given: characters=0. Make it with characters above 0."
            )
        x, mask = self.columns(strips, mask, vertical)
        return self.reader(self.pool.norm(x)), mask.sum(dim=1)


def half(mask: Tensor) -> Tensor:
    """The mask of a picture that was halved: a place counts if the first of its two columns does.

    Args:
        mask: (n, length) bool.

    Returns:
        (n, (length + 1) // 2) bool.
    """
    # a pooling, not mask[:, ::2]: its length is then the same expression as that of a convolution
    return functional.max_pool1d(mask.float()[:, None], 1, stride=2)[:, 0] > 0.5


def _blank(x: Tensor, mask: Tensor, vertical: bool) -> Tensor:
    """Nothing where the mask is False."""
    seen = mask[:, None, :, None] if vertical else mask[:, None, None, :]
    return torch.where(seen, x, x.new_zeros(()))


def _each(blocks: nn.Module) -> Iterable[nn.Module]:
    return blocks.children()
