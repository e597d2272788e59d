"""The layers of a reader of pairs in torch: tokens of both records in, log-odds out.

This module needs torch; nothing imports it before a reader is tuned.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["PairLayers"]


class _Block(nn.Module):
    """A layer of BERT: attention and two products, each with a residual and a normalisation after it."""

    def __init__(self, width: int, inner: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.joined, self.inner, self.outer = (
            nn.Linear(width, width),
            nn.Linear(width, inner),
            nn.Linear(inner, width),
        )
        self.norms = nn.ModuleList([nn.LayerNorm(width, eps=1e-12) for _ in range(2)])
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """(n, length, width) -> the same."""
        shape = (hidden.shape[0], hidden.shape[1], self.heads, hidden.shape[2] // self.heads)
        query, key, value = (
            part(hidden).view(shape).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        weights = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(shape[3]), dim=3)
        seen = (self.dropout(weights) @ value).transpose(1, 2).reshape(hidden.shape)
        hidden = self.norms[0](hidden + self.dropout(self.joined(seen)))
        inner = self.outer(nn.functional.gelu(self.inner(hidden)))
        out: Tensor = self.norms[1](hidden + self.dropout(inner))
        return out


class PairLayers(nn.Module):
    """The reader after its table of tokens; all pairs of a call have equally many tokens.

    Args:
        layers: How many layers.
        width: Numbers of a token.
        inner: Numbers inside a layer.
        heads: Of the attention.
        positions: The most tokens of a pair.
        dropout: Share of numbers that is dropped in training.
    """

    def __init__(
        self, layers: int, width: int, inner: int, heads: int, positions: int, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(positions, width))
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList([_Block(width, inner, heads, dropout) for _ in range(layers)])
        self.head = nn.Sequential(
            nn.Linear(2 * width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, 2)
        )

    def forward(self, given: Tensor) -> Tensor:
        """Log-odds, (n,), of what is given for each token, (n, length, width)."""
        hidden = self.dropout(self.norm(given + self.position[: given.shape[1]]))
        for block in self.blocks:
            hidden = block(hidden)
        found: Tensor = self.head(torch.cat([hidden[:, 0], hidden.mean(dim=1)], dim=1))[:, 0]
        return found
