"""Records made here, a tiny model of them, and a plain stand-in for what cuts strips of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

N = 30
TEXTS = ["Deutsche Bank", "", None, "東京銀行", "  ", "a" * 300, "\ud800"]


@dataclass(frozen=True)
class Shot:
    """A decoded picture, or none."""

    pixels: Any


@dataclass(frozen=True)
class Cut:
    """A strip."""

    pixels: Any
    quality: Any


def cut(pixels: Any, short: int, longest: int) -> Cut:
    """A strip by nearest neighbours; its contrast and a made-up sharpness."""
    if pixels.ndim == 3:
        pixels = pixels[:, :, 0]
    shape = np.array(pixels.shape)
    size = np.clip(np.round(shape * short / shape.min()).astype(int), short, longest)
    places = [np.arange(n) * old // n for n, old in zip(size, shape, strict=True)]
    found = pixels[places[0]][:, places[1]]
    return Cut(found, np.array([np.ptp(found) / 255, found.std() / 255], np.float32))


def square(pixels: Any, side: int) -> Any:
    """A picture in the middle of a white square, by nearest neighbours."""
    shape = np.array(pixels.shape[:2])
    size = np.maximum(1, np.round(shape * side / shape.max()).astype(int))
    places = [np.arange(n) * old // n for n, old in zip(size, shape, strict=True)]
    paper = np.full((side, side, *pixels.shape[2:]), 255, np.uint8)
    top, left = (side - size) // 2
    paper[top : top + size[0], left : left + size[1]] = pixels[places[0]][:, places[1]]
    return paper


def strip(pixels: Any, short: int, longest: int) -> Cut:
    """`cut`, by the name it has beside `square`."""
    return cut(pixels, short, longest)


def shots(n: int, seed: int = 0) -> list[Shot | None]:
    """Pictures of all lengths in both directions, some in colour, some missing."""
    draw = np.random.default_rng(seed)
    made: list[Shot | None] = []
    for number in range(n):
        short, long = int(draw.integers(20, 50)), int(draw.integers(50, 260))
        shape = (long, short) if number % 3 == 0 else (short, long)
        if number % 4 == 1:
            shape = (*shape, 3)
        made.append(Shot(draw.integers(0, 256, shape).astype(np.uint8)))
    for number in range(5, n, 11):
        made[number] = None if number % 2 else Shot(None)
    return made


def records() -> tuple[list[Any], list[Any], Any]:
    """Texts, pictures and confidences; some of each are missing."""
    confidence = np.linspace(0, 1, N)
    confidence[::4] = np.nan
    return [TEXTS[row % len(TEXTS)] for row in range(N)], list(shots(N)), confidence


def small(fusion: str = "gate", seed: int = 0) -> Any:
    """A tiny model that has learned something of no use."""
    import torch

    from clippings.records.bi_encoder import BiEncoder
    from clippings.records.bi_encoder_config import BiEncoderConfig

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BiEncoder(BiEncoderConfig.tiny(fusion=fusion, dropout=0.3)).eval()
        with torch.no_grad():
            for value in model.fuse.parameters():
                value.add_(0.3 * torch.randn(value.shape))
        if fusion == "centred":
            model.fuse.calibrate(torch.rand(9, 32), torch.rand(9, 32))
    return model


def of(model: Any, **more: Any) -> Any:
    """The encoder of a model, with the stand-in."""
    from clippings.records.inputs import StripInputs
    from clippings.records.torch_encoder import TorchRecordEncoder

    return TorchRecordEncoder(model, device="cpu", inputs=StripInputs(model.config, cut), **more)
