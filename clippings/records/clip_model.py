"""A CLIP model with the interface of a `BiEncoder`, so that it runs and trains in the same way.

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
    """Pictures on white paper and tokens to unit vectors of one space, and a fusion of both.

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
        """Unit rows, (n, dim) float32, of normalised pixels, (n, 3, height, width)."""
        if self.config.library == "open_clip":
            return _unit(self.clip.encode_image(pixels))
        return _unit(self.clip.get_image_features(pixel_values=pixels))

    def text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unit rows, (n, dim) float32, of tokens, (n, t) int64, and their mask, (n, t) bool."""
        if self.config.library == "open_clip":
            return _unit(self.clip.encode_text(ids))
        # SigLIP was trained on padded texts, without a mask
        heeded = None if self.config.architecture.get("model_type") == "siglip" else mask.long()
        return _unit(self.clip.get_text_features(input_ids=ids, attention_mask=heeded))


def _unit(output: Any) -> Tensor:
    # newer versions of transformers give an object, older ones the tensor
    vectors: Tensor = output if isinstance(output, Tensor) else output.pooler_output
    return functional.normalize(vectors.float(), dim=1)
