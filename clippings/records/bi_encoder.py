"""The model of pictures and texts: two towers, one space, and a fusion of both vectors.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from clippings.records.bi_encoder_config import BiEncoderConfig
from clippings.records.character_tower import CharacterTower
from clippings.records.fusion import Fusion
from clippings.records.image_tower import ImageTower


class BiEncoder(nn.Module):
    """Strips and texts to unit vectors of one space.

    `model.image(strips, mask, vertical)`, `model.text(ids, mask)` and
    `model.fuse(image, text, has_image, has_text, hints)` give unit rows; see `ImageTower`, `CharacterTower`
    and `Fusion`.

    Attributes:
        config: The sizes.
        image: The tower of pictures.
        text: The tower of texts.
        fuse: What makes one vector of two.
        scale: Logarithm of the factor (the inverse temperature) of cosines in the sigmoid loss, learned.
        bias: What is added to them, learned. Both start as in SigLIP (X. Zhai et al., 2023,
            arXiv 2303.15343).

    Example:
        >>> model = BiEncoder(BiEncoderConfig.tiny()).eval()
        >>> strips, mask = torch.rand(2, 1, 32, 80), torch.ones(2, 80, dtype=torch.bool)
        >>> model.image(strips, mask, vertical=False).shape
        torch.Size([2, 32])
    """

    def __init__(self, config: BiEncoderConfig | None = None) -> None:
        super().__init__()
        self.config = config or BiEncoderConfig()
        self.image = ImageTower(self.config)
        self.text = CharacterTower(self.config)
        self.fuse = Fusion(self.config.fusion, self.config.dim, self.config.image_weight)
        self.scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.tensor(-10.0))
