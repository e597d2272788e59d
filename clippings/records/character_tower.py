"""Texts to unit vectors, character by character: a misread letter changes no token.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from clippings.layers.attention import Convolution, Layer, Pool, at_least_one
from clippings.records.bi_encoder_config import BiEncoderConfig


class CharacterTower(nn.Module):
    """Hashed characters to unit vectors: convolutions over neighbours, a transformer over all."""

    def __init__(self, config: BiEncoderConfig) -> None:
        super().__init__()
        self.rows, self.hashes = config.table_rows, config.hashes
        # all tables in one, one below the other
        self.tables = nn.Embedding(config.table_rows * config.hashes, config.table_width)
        nn.init.normal_(self.tables.weight, std=config.hashes**-0.5)
        self.widen = nn.Linear(config.table_width, config.width)
        self.norm = nn.LayerNorm(config.width)
        self.convolutions = nn.ModuleList(Convolution(config.width) for _ in range(config.text_convolutions))
        self.layers = nn.ModuleList(
            Layer(config.width, config.heads, config.dropout) for _ in range(config.text_layers)
        )
        self.pool = Pool(config.width, config.heads, config.dim)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unit rows of texts, (n, dim) float32, from character ids, (n, t, hashes) int64, and a mask, (n, t).

        A text without a character has an arbitrary vector.
        """
        first = torch.arange(self.hashes, device=ids.device) * self.rows
        x = self.norm(self.widen(self.tables(ids + first).sum(dim=2)))  # (n, t, width)
        mask = at_least_one(mask)
        for convolution in self.convolutions:
            x = convolution(x, mask)
        for layer in self.layers:
            x = layer(x, mask)
        vectors: Tensor = self.pool(x, mask)
        return vectors
