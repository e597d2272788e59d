"""Texts to unit vectors, character by character: nothing a misread letter could break into strange tokens.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from clippings.layers.attention import Convolution, Layer, Pool, at_least_one
from clippings.records.bi_encoder_config import BiEncoderConfig


class CharacterTower(nn.Module):
    """Hashed characters to unit vectors: convolutions over neighbours, a transformer over all.

    Args:
        config: Sizes.
    """

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
        """Make vectors of texts.

        Args:
            ids: What `characters.character_ids` gives, (n, t, hashes) int64.
            mask: Which characters count, (n, t) bool.

        Returns:
            Unit rows, (n, dim) float32. A text without a character has some vector that means nothing.
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
