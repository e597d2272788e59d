"""A CLIP model with the face of a `BiEncoder`, so that it is run and trained in the same way.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from clippings.records.clip_config import ClipConfig
from clippings.records.clip_libraries import build
from clippings.records.fusion import Fusion


class ClipModel(nn.Module):
    """Pictures on white paper and tokens to unit vectors of one space, and a way to make one vector of both.

    Args:
        config: What it is made of.
        clip: The library's own model; None builds one with random weights.

    Attributes:
        config: What it is made of.
        clip: The library's own model.
        fuse: What makes one vector of two.
        scale: Logarithm of the factor of cosines in the sigmoid loss; the model's own where it was trained
            with that loss (it then has a bias), else as SigLIP starts.
        bias: What is added to them.
    """

    def __init__(self, config: ClipConfig, clip: Any = None) -> None:
        super().__init__()
        self.config = config
        self.clip = build(config) if clip is None else clip
        self.fuse = Fusion(config.fusion, config.dim, config.image_weight)
        own = getattr(self.clip, "logit_bias", None)
        trained = own is not None
        start = float(self.clip.logit_scale.detach()) if trained else math.log(10.0)
        self.scale = nn.Parameter(torch.tensor(start))
        self.bias = nn.Parameter(torch.tensor(float(own.detach()) if own is not None else -10.0))

    def image(self, pixels: Tensor, mask: Tensor | None = None, vertical: bool = False) -> Tensor:
        """Make vectors of pictures.

        Args:
            pixels: (n, 3, height, width), normalised.
            mask: Not used: pictures are padded with paper.
            vertical: Not used.

        Returns:
            Unit rows, (n, dim) float32.
        """
        if self.config.library == "open_clip":
            return _unit(self.clip.encode_image(pixels))
        return _unit(self.clip.get_image_features(pixel_values=pixels))

    def text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Make vectors of texts.

        Args:
            ids: Tokens, (n, t) int64.
            mask: Which of them count, (n, t) bool.

        Returns:
            Unit rows, (n, dim) float32.
        """
        if self.config.library == "open_clip":
            return _unit(self.clip.encode_text(ids))
        return _unit(self.clip.get_text_features(input_ids=ids, attention_mask=mask.long()))

    def logits(self, one: Tensor, other: Tensor) -> Tensor:
        """Cosines as the sigmoid loss takes them.

        Args:
            one: Unit rows, (n, dim).
            other: Unit rows, (m, dim).

        Returns:
            (n, m).
        """
        found: Tensor = one @ other.T * self.scale.exp() + self.bias
        return found


def _unit(found: Any) -> Tensor:
    # newer versions of transformers give an object, older ones the tensor
    vectors: Tensor = found if isinstance(found, Tensor) else found.pooler_output
    return functional.normalize(vectors.float(), dim=1)
