"""Strips of print to unit vectors: convolutions over upright glyphs, a transformer along the reading axis.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from clippings.errors import EncoderError
from clippings.layers.attention import Layer, Pool, at_least_one, feed_forward
from clippings.records.bi_encoder_config import STRIDE, BiEncoderConfig

STRIDES = (2, 2, 1)  # of the stages; their product is STRIDE


class Entry(nn.Module):
    """A convolution into the next stage; with stride 2 it halves both sides of a picture."""

    def __init__(self, inward: int, outward: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inward, outward, 3, stride=stride, padding=1)
        self.norm = nn.LayerNorm(outward)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to (n, channels, h / stride, w / stride), rounded up."""
        normed: Tensor = self.norm(self.convolution(x).permute(0, 2, 3, 1))
        return normed.permute(0, 3, 1, 2)


class Block(nn.Module):
    """A residual block of ConvNeXt (Z. Liu et al., A ConvNet for the 2020s, 2022) with a window of 5 x 5."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.across = feed_forward(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to the same shape; 0 where there is nothing."""
        mixed: Tensor = self.across(self.norm(self.around(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        return x + mixed


class ImageTower(nn.Module):
    """Strips to unit vectors; the same weights read horizontal and vertical print.

    A strip keeps its glyphs upright, so the convolutions see the same shapes in both directions of writing.
    Only the short axis, the height of a line or the width of a column, is folded into one place by a map for
    each direction, whose offset also marks the direction for the transformer. Padded columns are zeroed
    before every convolution, so that a strip has the same vector in any batch. Zero is paper without ink:
    white.
    """

    def __init__(self, config: BiEncoderConfig) -> None:
        super().__init__()
        self.entries = nn.ModuleList(
            Entry(before, after, stride)
            for (before, after), stride in zip(pairwise((1, *config.stages)), STRIDES, strict=True)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(depth)))
            for width, depth in zip(config.stages, config.depths, strict=True)
        )
        self.line = Line(config)

    def forward(self, strips: Tensor, mask: Tensor, vertical: bool = False) -> Tensor:
        """Unit rows of strips of one direction, (n, dim) float32.

        `strips` are (n, 1, short, length), or (n, 1, length, short) if vertical, 0 for black and 1 for white;
        `mask`, (n, length) bool, marks the columns of pixels that belong to a strip. A strip without one has
        an arbitrary vector.
        """
        vectors: Tensor = self.line(*self._columns(strips, mask, vertical))
        return vectors

    def read(self, strips: Tensor, mask: Tensor, vertical: bool = False) -> tuple[Tensor, Tensor]:
        """Logits of the characters along strips, (n, t, characters), and the places of each, (n,) int64.

        For pretraining by connectionist temporal classification (A. Graves et al., 2006): `ctc_loss` takes
        them after `log_softmax` with the first two axes exchanged. Class 0 is the blank, t a quarter of the
        length; strips and mask are those of `forward`.
        """
        if self.line.reader is None:
            raise EncoderError(
                "The model has no head that reads. Given: characters=0. Make it with characters above 0."
            )
        columns, counts, direction = self._columns(strips, mask, vertical)
        x = self.line.pool.norm(self.line.seen(columns, at_least_one(counts), direction))
        return self.line.reader(x), counts.sum(dim=1)

    def glyphs(self, strips: Tensor, seen: Tensor) -> Tensor:
        """The convolutions on strips of any direction: (n, 1, h, w) to (n, channels, h / 4, w / 4).

        Sides are rounded up. `seen`, (n, 1, 1, w) or (n, 1, h, 1) float32, is 1 on the strip and 0 in the
        padding.
        """
        x = 1 - strips
        for entry, blocks, stride in zip(self.entries, self.stages, STRIDES, strict=True):
            x = entry(blank(x, seen))
            # a pooling, not a slice: it halves a side of 1 as well
            seen = functional.max_pool2d(seen, 1, stride=stride)
            for block in blocks.children():
                x = block(blank(x, seen))
        return x

    def _columns(self, strips: Tensor, mask: Tensor, vertical: bool) -> tuple[Tensor, Tensor, Tensor]:
        """The inputs of `Line`."""
        seen = mask[:, None, :, None] if vertical else mask[:, None, None, :]
        x = self.glyphs(strips, seen.to(strips.dtype))
        # (n, channels, rows, t) or (n, channels, t, rows) to (n, t, channels * rows)
        x = x.permute(0, 2, 1, 3) if vertical else x.permute(0, 3, 1, 2)
        return x.flatten(2), mask[:, ::STRIDE], torch.tensor(int(vertical), device=x.device)


class Line(nn.Module):
    """The reading axis: columns of glyphs to one unit vector."""

    def __init__(self, config: BiEncoderConfig) -> None:
        super().__init__()
        tall = config.stages[-1] * (config.short // STRIDE)
        # one fold for horizontal print, one for vertical
        self.fold = nn.Parameter(torch.empty(2, config.width, tall).uniform_(-1, 1) / math.sqrt(tall))
        self.fold_bias = nn.Parameter(torch.empty(2, config.width).uniform_(-1, 1) / math.sqrt(tall))
        self.layers = nn.ModuleList(
            Layer(config.width, config.heads, config.dropout) for _ in range(config.image_layers)
        )
        self.pool = Pool(config.width, config.heads, config.dim)
        self.reader = nn.Linear(config.width, config.characters) if config.characters else None

    def forward(self, columns: Tensor, mask: Tensor, direction: Tensor) -> Tensor:
        """Unit rows, (n, dim), of columns, (n, t, channels * rows), mask (n, t); direction 1 is vertical."""
        mask = at_least_one(mask)
        vectors: Tensor = self.pool(self.seen(columns, mask, direction), mask)
        return vectors

    def seen(self, columns: Tensor, mask: Tensor, direction: Tensor) -> Tensor:
        """The transformer over the columns, (n, t, width); see `forward`."""
        x = functional.linear(columns, self.fold[direction], self.fold_bias[direction])
        for layer in self.layers:
            x = layer(x, mask)
        return x


def blank(x: Tensor, seen: Tensor) -> Tensor:
    """Zero where `seen`, (n, 1, h or 1, w or 1), is 0."""
    return torch.where(seen > 0.5, x, x.new_zeros(()))
