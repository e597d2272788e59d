"""Blocks along a sequence that ignore padding; both towers are made of them.

A sequence is (n, t, width) with a mask (n, t) of the places that count. The other places have no influence:
a sequence gives the same numbers alone and in any batch.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

EXPANSION = 4
_SLOWEST = 10_000.0


class Convolution(nn.Module):
    """A residual block: each channel along the sequence, then all channels of each place.

    The block of ConvNeXt (Z. Liu et al., A ConvNet for the 2020s, 2022) in one dimension; `reach` is the
    odd kernel size.
    """

    def __init__(self, width: int, reach: int = 5) -> None:
        super().__init__()
        self.along = nn.Conv1d(width, width, reach, padding=reach // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.across = feed_forward(width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Mix neighbouring places; x (n, t, width), mask (n, t) bool."""
        # beyond the end there are zeros, as the convolution has them at the border
        clean = (x * mask[:, :, None]).transpose(1, 2)  # (n, width, t)
        mixed: Tensor = x + self.across(self.norm(self.along(clean).transpose(1, 2)))
        return mixed


class Attention(nn.Module):
    """Self-attention among the places that count, with rotary positions (J. Su et al., RoFormer, 2021).

    These depend on distances only, so sequences may be longer than those of the training. The width of a
    head is even.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inward = nn.Linear(width, 3 * width)
        self.outward = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """X (n, t, width), mask (n, t) bool with at least one True in each row; returns (n, t, width)."""
        n, t, width = x.shape
        projected = self.inward(x).view(n, t, 3, self.heads, width // self.heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4).unbind()  # each (n, heads, t, width of a head)
        query, key = rotate(query), rotate(key)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        out: Tensor = self.outward(mixed.transpose(1, 2).reshape(n, t, width))
        return out


class Layer(nn.Module):
    """A transformer layer, normalised before each branch."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm = nn.LayerNorm(width)
        self.across = feed_forward(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """X (n, t, width), mask (n, t) bool with at least one True in each row; returns (n, t, width)."""
        x = x + self.dropout(self.attention(self.attention_norm(x), mask))
        out: Tensor = x + self.dropout(self.across(self.norm(x)))
        return out


class Pool(nn.Module):
    """A unit vector of a sequence: a learned weighted mean over its places, with other weights in each head.

    Each head pools its own part of the channels; `dim` is the length of the vector.
    """

    def __init__(self, width: int, heads: int, dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, heads)
        self.outward = nn.Linear(width, dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """X (n, t, width), mask (n, t) bool with at least one True in each row.

        Returns (n, dim) unit rows.
        """
        n, t, width = x.shape
        x = self.norm(x)
        score = self.score(x).float().masked_fill(~mask[:, :, None], float("-inf"))
        share = score.softmax(dim=1).to(x.dtype)  # (n, t, heads)
        parts = x.reshape(n, t, self.heads, width // self.heads)
        pooled = (share[:, :, :, None] * parts).sum(dim=1).reshape(n, width)
        unit: Tensor = functional.normalize(self.outward(pooled).float(), dim=1)
        return unit


def pool_plain(pool: Pool, x: Tensor, mask: Tensor) -> Tensor:
    """Reference of `Pool`: sequence by sequence and head by head, without masks; returns (n, dim)."""
    rows = []
    for sequence, counts in zip(x, mask, strict=True):
        places = pool.norm(sequence[counts])  # (places that count, width)
        score = pool.score(places)
        parts = [
            sum(weight * place for weight, place in zip(score[:, head].softmax(0), part, strict=True))
            for head, part in enumerate(places.chunk(pool.heads, dim=1))
        ]
        vector = pool.outward(torch.cat(parts))
        rows.append(vector / vector.square().sum().sqrt())
    return torch.stack(rows)


def rotate(x: Tensor) -> Tensor:
    """Rotate each pair of numbers of (n, heads, t, width of a head) by an angle that grows with the place.

    The product of two rows then depends on the distance of their places.
    """
    half = x.shape[-1] // 2
    speed = torch.exp(torch.arange(half, device=x.device) * (-math.log(_SLOWEST) / half))
    angle = torch.arange(x.shape[2], device=x.device)[:, None] * speed[None, :]  # (t, half)
    cosine, sine = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


def feed_forward(width: int) -> nn.Sequential:
    """Two linear maps with GELU between them."""
    return nn.Sequential(nn.Linear(width, EXPANSION * width), nn.GELU(), nn.Linear(EXPANSION * width, width))


def at_least_one(mask: Tensor) -> Tensor:
    """The mask (n, t) with its first place set where it is empty: attention over nothing is NaN."""
    first = torch.arange(mask.shape[1], device=mask.device) == 0
    return mask | (first[None, :] & ~mask.any(dim=1, keepdim=True))
