"""What both towers are made of: blocks along a sequence that never look at padding.

A sequence is (n, t, width) with a mask (n, t) of the places that count. What stands at the other places has
no influence on these: a sequence gives the same numbers alone and in any company.

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

    The block is that of ConvNeXt (Z. Liu et al., A ConvNet for the 2020s, 2022) in one dimension.

    Args:
        width: Number of channels.
        reach: Places that a convolution sees at once, an odd number.
    """

    def __init__(self, width: int, reach: int = 5) -> None:
        super().__init__()
        self.along = nn.Conv1d(width, width, reach, padding=reach // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.across = feed_forward(width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Mix neighbouring places.

        Args:
            x: (n, t, width).
            mask: (n, t) bool.

        Returns:
            (n, t, width).
        """
        # what lies beyond the end is nothing, as it is for the convolution at the border
        clean = (x * mask[:, :, None]).transpose(1, 2)  # (n, width, t)
        mixed: Tensor = x + self.across(self.norm(self.along(clean).transpose(1, 2)))
        return mixed


class Attention(nn.Module):
    """Every place looks at every place that counts; how far they are apart is turned into an angle.

    Rotary positions (J. Su et al., RoFormer, 2021) depend on distances only, so sequences longer than those
    of the training are not off the map.

    Args:
        width: Width of the sequence.
        heads: Number of heads; the width of each is even.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inward = nn.Linear(width, 3 * width)
        self.outward = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Let the places look at each other.

        Args:
            x: (n, t, width).
            mask: (n, t) bool, at least one True in each row.

        Returns:
            (n, t, width).
        """
        n, t, width = x.shape
        cut = self.inward(x).view(n, t, 3, self.heads, width // self.heads)
        query, key, value = cut.permute(2, 0, 3, 1, 4).unbind()  # each (n, heads, t, width of a head)
        query, key = rotate(query), rotate(key)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        found: Tensor = self.outward(seen.transpose(1, 2).reshape(n, t, width))
        return found


class Layer(nn.Module):
    """A layer of a transformer, normalised before each branch.

    Args:
        width: Width of the sequence.
        heads: Heads of the attention.
        dropout: Share of a branch's numbers that is dropped in training.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm = nn.LayerNorm(width)
        self.across = feed_forward(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """One layer.

        Args:
            x: (n, t, width).
            mask: (n, t) bool, at least one True in each row.

        Returns:
            (n, t, width).
        """
        x = x + self.dropout(self.attention(self.attention_norm(x), mask))
        made: Tensor = x + self.dropout(self.across(self.norm(x)))
        return made


class Pool(nn.Module):
    """One unit vector of a sequence: a weighted mean over its places, the weights learned, a set a head.

    Args:
        width: Width of the sequence.
        heads: Number of sets of weights; each pools its own part of the channels.
        dim: Length of the vector.
    """

    def __init__(self, width: int, heads: int, dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, heads)
        self.outward = nn.Linear(width, dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Pool a sequence.

        Args:
            x: (n, t, width).
            mask: (n, t) bool, at least one True in each row.

        Returns:
            (n, dim), rows of length one.
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
    """As a `Pool` does it, sequence by sequence and head by head, without masks.

    Args:
        pool: The weights.
        x: (n, t, width).
        mask: (n, t) bool.

    Returns:
        (n, dim).
    """
    rows = []
    for sequence, counts in zip(x, mask, strict=True):
        kept = pool.norm(sequence[counts])  # (places that count, width)
        score = pool.score(kept)
        parts = [
            sum(weight * place for weight, place in zip(score[:, head].softmax(0), part, strict=True))
            for head, part in enumerate(kept.chunk(pool.heads, dim=1))
        ]
        vector = pool.outward(torch.cat(parts))
        rows.append(vector / vector.square().sum().sqrt())
    return torch.stack(rows)


def rotate(x: Tensor) -> Tensor:
    """Turn each pair of numbers by an angle that grows with the place.

    Args:
        x: (n, heads, t, width of a head).

    Returns:
        The same shape; the product of two rows depends on the distance of their places.
    """
    half = x.shape[-1] // 2
    speed = torch.exp(torch.arange(half, device=x.device) * (-math.log(_SLOWEST) / half))
    angle = torch.arange(x.shape[2], device=x.device)[:, None] * speed[None, :]  # (t, half)
    cosine, sine = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


def feed_forward(width: int) -> nn.Sequential:
    """Two linear maps with a bend between them.

    Args:
        width: Width of what goes in and comes out.

    Returns:
        The module.
    """
    return nn.Sequential(nn.Linear(width, EXPANSION * width), nn.GELU(), nn.Linear(EXPANSION * width, width))


def at_least_one(mask: Tensor) -> Tensor:
    """The mask with its first place set where it would be empty: attention over nothing is no number.

    Args:
        mask: (n, t) bool.

    Returns:
        (n, t) bool.
    """
    first = torch.arange(mask.shape[1], device=mask.device) == 0
    return mask | (first[None, :] & ~mask.any(dim=1, keepdim=True))
