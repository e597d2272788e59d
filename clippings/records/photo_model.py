"""The model of photographs and captions: a convolutional network and a projection of a text model's vectors.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from clippings.layers.efficientnet import WIDTH, EfficientNetLite
from clippings.records.fusion import Fusion
from clippings.records.photo_config import PhotoConfig

POWER, LEAST = 3.0, 1e-4


class PhotoModel(nn.Module):
    """Photographs and vectors of captions to unit vectors of one space, and a fusion of both.

    Attributes:
        config: What it is made of.
        backbone: The convolutional network; its batch statistics stay as they are in training.
        image_head: Its pooled features to vectors.
        text_head: Vectors of the text model to vectors.
        fuse: What makes one vector of two.
        scale: Logarithm of the factor of cosines in the sigmoid loss.
        bias: What is added to them.

    Example:
        >>> model = PhotoModel(PhotoConfig(side=64, dim=16)).eval()
        >>> model.image(torch.zeros(2, 3, 64, 64)).shape, model.text(torch.ones(1, 384)).shape
        (torch.Size([2, 16]), torch.Size([1, 16]))
    """

    def __init__(self, config: PhotoConfig | None = None) -> None:
        super().__init__()
        self.config = config or PhotoConfig()
        self.backbone = EfficientNetLite(self.config.depth)
        self.image_head = nn.Linear(WIDTH, self.config.dim)
        self.text_head = nn.Linear(self.config.text_dim, self.config.dim)
        self.fuse = Fusion(self.config.fusion, self.config.dim, self.config.image_weight)
        self.scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.tensor(-10.0))

    def features(self, pixels: Tensor) -> Tensor:
        """Pooled features, (n, 1280), of normalised pixels, (n, 3, side, side).

        The pooling is a power mean (F. Radenovic et al., 2018, arXiv 1711.02512): it gives strong responses
        more weight than the mean, so that what surrounds an object matters less.
        """
        return self.pooled(self.backbone(pixels))

    def pooled(self, maps: Tensor) -> Tensor:
        """The power mean of feature maps, (n, 1280, h, w)."""
        maps = maps.float().clamp(min=LEAST)
        return maps.pow(POWER).mean(dim=(2, 3)).pow(1 / POWER)

    def image(self, pixels: Tensor, mask: Tensor | None = None, vertical: bool = False) -> Tensor:
        """Unit rows, (n, dim) float32, of normalised pixels, (n, 3, side, side)."""
        return functional.normalize(self.image_head(self.features(pixels)).float(), dim=1)

    def text(self, vectors: Tensor, mask: Tensor | None = None) -> Tensor:
        """Unit rows, (n, dim) float32, of the text model's vectors, (n, text_dim)."""
        return functional.normalize(self.text_head(vectors).float(), dim=1)

    def train(self, mode: bool = True) -> PhotoModel:
        """Set the mode; statistics of batches are those of ImageNet in both."""
        super().train(mode)
        self.backbone.eval()
        return self

    @torch.no_grad()
    def start_from(
        self, features: Tensor, picture: Tensor, texts: Tensor, caption: Tensor, shrinkage: float = 0.1
    ) -> None:
        """Set both heads by linear discriminant analysis, which needs no gradients.

        `features` are pooled, (n, 1280), `picture` says which source picture each shows, (n,) int64; `texts`
        are vectors of the text model, (m, text_dim), `caption` says which caption each is a form of, (m,).
        Directions in which printings of one picture differ are shrunk, the leading ones of the rest are kept.
        """
        for head, rows, group in (
            (self.image_head, features, picture), (self.text_head, texts, caption)
        ):  # fmt: skip
            weight, centre = _discriminant(rows.double(), group, self.config.dim, shrinkage)
            head.weight.zero_()
            head.weight[: len(weight)] = weight.to(head.weight.dtype)
            head.bias.copy_(-(head.weight @ centre.to(head.weight.dtype)))


def _discriminant(rows: Tensor, group: Tensor, dim: int, shrinkage: float) -> tuple[Tensor, Tensor]:
    """A projection, (at most dim, d), that whitens differences within groups, and the mean of the rows."""
    centre = rows.mean(dim=0)
    _, number, size = group.unique(return_inverse=True, return_counts=True)  # type: ignore[no-untyped-call]
    means = torch.zeros(len(size), rows.shape[1], dtype=rows.dtype, device=rows.device)
    means.index_add_(0, number, rows)
    means /= size[:, None]
    inner = rows - means[number]
    within = inner.T @ inner / len(rows)
    level = within.diagonal().mean().clamp(min=1e-12)
    within = (1 - shrinkage) * within
    within.diagonal().add_(shrinkage * level)
    values, vectors = torch.linalg.eigh(within)
    whiten = vectors * values.clamp(min=1e-12).rsqrt()
    basis = torch.linalg.svd((means - centre) @ whiten, full_matrices=False)[2][:dim]
    weight = basis @ whiten.T
    return weight / weight.norm(dim=1).mean(), centre
