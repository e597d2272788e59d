"""Print batches of photographs on their device: the kinds of damage of `clippings.press`, for tensors.

Thousands of fresh printings a second, so that no two batches show the same print. Draws have the ranges of
`clippings.synthetic.press_damage`; bleed, scratches and curl are left out: the benchmark measures damage that
no training has seen. All printings of a call have one severity and one size, whatever else differs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from clippings.pictures.photographs import DARK, LEAST_RANGE, LIGHT

if TYPE_CHECKING:
    from torch import Generator, Tensor

LUMA = (0.299, 0.587, 0.114)
ANGLES = (15.0, 75.0, 45.0)  # of the screens of cyan, magenta and black ink, in degrees
SHORT = 224  # pixels of the short side of a picture before it is printed, which dots and blur are measured by
BLURS = 4  # parts of a batch, each with a blur of its own
STEP = 16  # sizes of prints are multiples: blocks of JPEG whose colours have half the pixels
LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17,
    22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78,
    87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip


class Printer:
    """Prints batches, with the draws of one generator.

    Args:
        generator: Where the draws come from, on the device of the pictures.
        side: Pixels of the squares that come out.

    Example:
        >>> import torch
        >>> printer = Printer(torch.Generator().manual_seed(0), side=64)
        >>> pixels, hints = printer(torch.rand(8, 3, 64, 64), torch.ones(8), severity=0.8)
        >>> pixels.shape, hints.shape
        (torch.Size([8, 3, 64, 64]), torch.Size([8, 2]))
    """

    def __init__(self, generator: Generator, side: int = 224) -> None:
        self.generator, self.side = generator, side
        # what decides about sizes is drawn beside the device, which would have to be waited for
        self._sizes = np.random.default_rng(generator.initial_seed())

    def __call__(self, pictures: Tensor, aspect: Tensor, severity: float) -> tuple[Tensor, Tensor]:
        """Print each picture once.

        Args:
            pictures: Squares without their aspect, (n, 3, s, s) from 0 to 1.
            aspect: Width over height of each, (n,).
            severity: As of `clippings.Press`.

        Returns:
            Levels from 0 to 255, stretched as `clippings.pictures.photographs` does, (n, 3, side, side), and
            contrast and sharpness, (n, 2).
        """
        s, n = severity, len(pictures)
        shrunk = self._sizes.uniform(1 - 0.55 * min(s, 1.4), 1.0)
        kept = 1 - 0.5 * min(0.6, 0.35 * s)
        pixels = max(STEP * 2, STEP * round(1.12 * SHORT * kept * shrunk / STEP))
        x = self._cut(pictures, aspect, s, pixels)
        x = self._toned(x, s)
        x = self._screened(x, aspect, s)
        x = self._on_paper(x, s)
        x = self._photographed(x, s)
        x = self._blurred(x, s)
        noise = self._normal(n, 1, pixels, pixels) * self._uniform(0.01, 0.04, n, 1, 1, 1) * s
        return self._prepared(self._stored((x + noise).clamp(0, 1), s))

    def _uniform(self, low: float, high: float, *shape: int) -> Tensor:
        import torch

        return low + (high - low) * torch.rand(shape, device=self.generator.device, generator=self.generator)

    def _normal(self, *shape: int) -> Tensor:
        import torch

        return torch.randn(shape, device=self.generator.device, generator=self.generator)

    def _line(self, pixels: int) -> Tensor:
        import torch

        return torch.linspace(-1, 1, pixels, device=self.generator.device)

    def _cut(self, pictures: Tensor, aspect: Tensor, s: float, pixels: int) -> Tensor:
        """Crop, mirror, and keep a part of the picture beside or below; (n, 3, pixels, pixels)."""
        import torch

        n, device = len(pictures), pictures.device
        finer = 2 if 2 * pixels <= 1.3 * pictures.shape[-1] else 1
        steps = (torch.arange(pixels * finer, device=device) + 0.5) / (pixels * finer)
        places = steps[None, None].expand(n, 2, -1).clone()  # of each pixel in the joined picture: x, y
        high = self._uniform(0.15, 0.45, n)
        joined = self._uniform(0, 1, n) < min(0.6, 0.25 * s)
        axis = (self._uniform(0, 1, n) < 0.5).long()
        first = self._uniform(0, 1, n) < 0.5
        gutter = self._uniform(0, 0.03, n)
        along = places[torch.arange(n, device=device), axis] * (1 + high + gutter)[:, None]
        own = torch.where(first[:, None], along, along - (high + gutter)[:, None])
        beside = torch.where(first[:, None], along - (1 + gutter)[:, None], along + 1 - high[:, None])
        is_other = torch.where(first[:, None], beside >= 0, along < high[:, None]) & joined[:, None]
        is_gutter = ((own < 0) | (own > 1)) & ~is_other & joined[:, None]
        own = torch.where(joined[:, None], own, places[torch.arange(n, device=device), axis])
        others = places.clone()
        places[torch.arange(n, device=device), axis] = own
        others[torch.arange(n, device=device), axis] = beside
        mirrored = self._uniform(0, 1, n, 1) < min(0.5, 0.15 * s)
        places[:, 0] = torch.where(mirrored, 1 - places[:, 0], places[:, 0])
        keep = 1 - self._uniform(0, min(0.6, 0.35 * s), n, 2)
        places = self._uniform(0, 1, n, 2, 1) * (1 - keep)[:, :, None] + places * keep[:, :, None]
        x = _sampled(pictures, places)
        y = _sampled(pictures.roll(1, 0), others)

        def mask(flags: Tensor) -> Tensor:
            wide = flags[:, None, None, :].expand(n, 1, pixels * finer, -1)
            return torch.where((axis == 0)[:, None, None, None], wide, wide.transpose(2, 3))

        x = torch.where(mask(is_other), y, torch.where(mask(is_gutter), torch.ones_like(x), x))
        return torch.nn.functional.avg_pool2d(x, 2) if finer == 2 else x

    def _toned(self, x: Tensor, s: float) -> Tensor:
        """Gamma, contrast and brightness; black ink or shifted colours; dots that run."""
        import torch

        n = len(x)
        gamma = 2.0 ** self._uniform(-0.7 * s, 0.7 * s, n, 1, 1, 1)
        factor = 1 + self._uniform(-0.45, 0.25, n, 1, 1, 1) * min(s, 1.8)
        shift = self._uniform(-0.12, 0.12, n, 1, 1, 1) * s
        x = ((x.clamp(1e-4, 1) ** gamma - 0.5) * factor + 0.5 + shift).clamp(0, 1)
        grey = self._uniform(0, 1, n, 1, 1, 1) < 0.6
        x = torch.where(grey, _luma(x), (x * (1 + self._uniform(-0.15, 0.15, n, 3, 1, 1) * s)).clamp(0, 1))
        return x - self._uniform(0, 0.5, n, 1, 1, 1) * min(s, 1.8) * x * (1 - x)

    def _screened(self, x: Tensor, aspect: Tensor, s: float) -> Tensor:
        """A screen of dots in 70 % of the prints; pictures in grey have one screen, in colour three."""
        import torch

        n, pixels = len(x), x.shape[-1]
        step = 2 * math.pi / self._uniform(2.2, 2.5 + 2.5 * min(s, 1.6), n, 1, 1, 1)
        turn = self._uniform(-5, 5, n, 1, 1, 1)
        stretch = aspect.sqrt()[:, None, None, None]
        across = torch.arange(pixels, device=x.device)
        columns, rows = across[None, None, None, :] * stretch, across[None, None, :, None] / stretch
        grey = ((x[:, 0] - x[:, 1]).abs().amax(dim=(1, 2)) < 1e-4)[:, None, None, None]
        angles = torch.where(grey, x.new_tensor([ANGLES[2]] * 3)[None, :, None, None],
                             x.new_tensor(ANGLES)[None, :, None, None])  # fmt: skip
        angle = torch.deg2rad(angles + turn)
        u = torch.cos(step * (columns * torch.cos(angle) + rows * torch.sin(angle)))
        v = torch.cos(step * (rows * torch.cos(angle) - columns * torch.sin(angle)))
        dots = torch.sigmoid(6.0 * (x - (0.5 + (u + v) / 4)))
        share = torch.where(self._uniform(0, 1, n, 1, 1, 1) < 0.7, min(1.0, 0.4 + 0.5 * s), 0.0)
        return x + share * (dots - x)

    def _on_paper(self, x: Tensor, s: float) -> Tensor:
        """Yellow paper and pale ink, unevenly lit."""
        n = len(x)
        yellow = x.new_tensor([0.6, 0.8, 1.2])[None, :, None, None] * self._uniform(0.6, 1.2, n, 3, 1, 1)
        paper = (1 - self._uniform(0.02, 0.22, n, 1, 1, 1) * s * yellow).clamp(0.4, 1)
        black = self._uniform(0, 0.2, n, 1, 1, 1) * s
        slope = self._line(x.shape[-1]) * self._uniform(-0.06, 0.06, n, 1, 1, 1) * s
        return ((black + x * (paper - black)) * (1 + slope)).clamp(0, 1)

    def _photographed(self, x: Tensor, s: float) -> Tensor:
        """A photograph of the print at an angle, unevenly lit, on a table."""
        import torch

        n, pixels = len(x), x.shape[-1]
        corners = x.new_tensor([(-1, -1), (-1, 1), (1, 1), (1, -1)])[None]
        moved = corners + 2 * self._uniform(-0.07, 0.07, n, 4, 2) * min(s, 2)
        angle = torch.deg2rad(self._uniform(-5, 5, n) * s)
        turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).reshape(n, 2, 2)
        quad = moved @ turn.transpose(1, 2)
        line = self._line(pixels)
        u, v = (line[None, None, :, None] + 1) / 2, (line[None, :, None, None] + 1) / 2
        top = quad[:, 0][:, None, None] * (1 - u) + quad[:, 3][:, None, None] * u
        bottom = quad[:, 1][:, None, None] * (1 - u) + quad[:, 2][:, None, None] * u
        grid = top * (1 - v) + bottom * v
        table = self._uniform(0.08, 0.92, n, 1, 1, 1)
        shot = (
            torch.nn.functional.grid_sample(x - table, grid, padding_mode="zeros", align_corners=True) + table
        )
        centre = self._uniform(-0.6, 0.6, n, 2, 1, 1)
        away = (line[None, :, None] - centre[:, 0]) ** 2 + (line[None, None, :] - centre[:, 1]) ** 2
        light = 1 - self._uniform(0.05, 0.3, n, 1, 1, 1) * min(s, 1.5) * away[:, None] / 2
        return (shot * light).clamp(0, 1)

    def _blurred(self, x: Tensor, s: float) -> Tensor:
        import torch

        parts = []
        for part in x.chunk(BLURS):
            sigma = max(0.05, self._sizes.uniform(0.1, 1.2) * s)
            reach = max(1, math.ceil(2.5 * sigma))
            away = torch.arange(-reach, reach + 1, device=x.device)
            kernel = torch.exp(-((away / sigma) ** 2) / 2)
            kernel = (kernel / kernel.sum()).to(x.dtype)
            flat = part.reshape(-1, 1, *x.shape[-2:])
            flat = torch.nn.functional.pad(flat, [reach] * 4, mode="replicate")
            flat = torch.nn.functional.conv2d(flat, kernel[None, None, :, None])
            flat = torch.nn.functional.conv2d(flat, kernel[None, None, None, :])
            parts.append(flat.reshape(part.shape))
        return torch.cat(parts)

    def _stored(self, x: Tensor, s: float) -> Tensor:
        """Stored as a JPEG: cosines of blocks, rounded, with half the pixels of the colours."""
        import torch

        n = len(x)
        quality = self._uniform(max(15, 70 - 35 * s), 91, n)
        scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)[:, None, None, None, None, None]
        luma = _luma(x)[:, :1]
        blue, red = (x[:, 2:] - luma) * 0.564, (x[:, :1] - luma) * 0.713
        colours = torch.nn.functional.avg_pool2d(torch.cat([blue, red], dim=1), 2)
        table = x.new_tensor(LUMINANCE).reshape(8, 8)
        paler = torch.full_like(table, 99.0)
        paler[:4, :4] = x.new_tensor([[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]])
        luma = _rounded(luma - 0.5, table, scale) + 0.5
        colours = _rounded(colours, paler, scale).repeat_interleave(2, 2).repeat_interleave(2, 3)
        blue, red = colours[:, :1], colours[:, 1:]
        green = luma - (0.299 * (red / 0.713) + 0.114 * (blue / 0.564)) / 0.587
        return torch.cat([luma + red / 0.713, green, luma + blue / 0.564], dim=1).clamp(0, 1)

    def _prepared(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Squares of one size with stretched levels, and their contrast and sharpness."""
        import torch

        x = torch.nn.functional.interpolate(
            x, size=(self.side, self.side), mode="bicubic", antialias=True, align_corners=False
        ).clamp(0, 1)
        levels = (x * 255).round()
        grey = (_luma(x)[:, 0] * 255).round()
        cuts = torch.quantile(grey[:, ::3, ::3].flatten(1), x.new_tensor([DARK, LIGHT]), dim=1)
        dark, light = cuts[0], cuts[1]
        spare = (LEAST_RANGE - (light - dark)).clamp(min=0) / 2
        low, high = (dark - spare)[:, None, None, None], (light + spare)[:, None, None, None]
        padded = torch.nn.functional.pad(grey[:, None], [1] * 4, mode="replicate")
        kernel = x.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
        edges = torch.nn.functional.conv2d(padded, kernel).flatten(1).std(dim=1)
        sharpness = (edges / (8 * grey.flatten(1).std(dim=1).clamp(min=1e-3))).clamp(max=1)
        hints = torch.stack([(light - dark) / 255, sharpness], dim=1)
        return ((levels - low) * (255 / (high - low))).clamp(0, 255).round(), hints


def _luma(x: Tensor) -> Tensor:
    """Grey of RGB, (n, 3, h, w) with three equal channels."""
    grey = (x * x.new_tensor(LUMA)[None, :, None, None]).sum(dim=1, keepdim=True)
    return grey.expand(-1, 3, -1, -1)


def _sampled(pictures: Tensor, places: Tensor) -> Tensor:
    """Pictures at places from 0 to 1, (n, 2, pixels): of columns and of rows."""
    import torch

    n, _, pixels = places.shape
    columns = places[:, 0, None, :].expand(n, pixels, pixels)
    rows = places[:, 1, :, None].expand(n, pixels, pixels)
    grid = torch.stack([columns, rows], dim=3) * 2 - 1
    return torch.nn.functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def _rounded(x: Tensor, table: Tensor, scale: Tensor) -> Tensor:
    """Blocks of 8 x 8 as the nearest multiples of a table's cosines; (n, c, h, w)."""
    import torch

    n, channels, height, width = x.shape
    order = torch.arange(8, device=x.device, dtype=x.dtype)
    cosines = torch.cos((2 * order[None] + 1) * order[:, None] * math.pi / 16) / 2
    cosines[0] /= math.sqrt(2)
    blocks = x.reshape(n, channels, height // 8, 8, width // 8, 8).permute(0, 1, 2, 4, 3, 5)
    step = (table * scale / 255).clamp(min=1 / 255)
    found = cosines.T @ (torch.round(cosines @ blocks @ cosines.T / step) * step) @ cosines
    return found.permute(0, 1, 2, 4, 3, 5).reshape(x.shape)
