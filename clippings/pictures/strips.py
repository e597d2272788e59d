"""Crops of a line of print as a model sees them: one height, dark on light, the same contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clippings.arrays import Floats
from clippings.errors import EncoderError
from clippings.pictures.decoding import Picture
from clippings.pictures.modes import Pixels, need_pillow

SHORT = 32
LONGEST = 512
UPRIGHT = 1.2  # a crop that is this many times as high as wide is written from top to bottom
INK, PAPER = (
    0.02,
    0.75,
)  # the shares of pixels that become black and white: three quarters of a crop are paper
LEAST_RANGE = 24  # grey levels between ink and paper; fewer are noise of an empty page and are not stretched
SIDE = 224


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A crop of one line, ready for a model.

    Attributes:
        pixels: uint8 (h, w), ink dark on white; the shorter side has the wanted length. Vertical writing is
            not turned: the glyphs stay upright.
        vertical: Whether the line runs from top to bottom.
        quality: float32 (2,): the contrast and the sharpness, see `quality_of`.
    """

    pixels: Pixels
    vertical: bool
    quality: Floats


def strip(pixels: Pixels, short: int = SHORT, longest: int = LONGEST) -> Strip:
    """Bring a crop to one height.

    It is resized by Pillow's bicubic filter, which averages where it makes smaller. Light print on a dark
    ground is inverted: the ground is what is at the border. Grey levels are stretched so that the ink is
    black and the paper white; an empty crop becomes white.

    Args:
        pixels: uint8, grey (h, w) or RGB (h, w, 3), of any size above 0.
        short: Length of the shorter side.
        longest: The longer side keeps the aspect up to this length, and is squeezed above.

    Returns:
        The strip.

    Raises:
        EncoderError: The pixels are no picture, or `longest` is below `short`.

    Example:
        >>> crop = np.full((50, 300), 40, np.uint8)   # light letters on a dark ground
        >>> crop[10:40, 20:280:9] = 200
        >>> found = strip(crop)
        >>> found.pixels.shape, found.vertical, int(found.pixels[0, 0])
        ((32, 192), False, 255)
    """
    if not 1 <= short <= longest:
        raise EncoderError(
            f"A strip's longer side cannot be shorter than the other. Given: short={short}, "
            f"longest={longest}. Take 1 <= short <= longest."
        )
    image = _image(pixels)
    if image.mode != "L":
        image = image.convert("L")
    width, height = image.size
    factor = short / min(width, height)
    size = [min(longest, round(side * factor)) for side in (width, height)]
    module = need_pillow()
    small = np.asarray(image.resize(size, module.Resampling.BICUBIC, reducing_gap=3.0), dtype=np.uint8)
    if _is_light_on_dark(small):
        small = np.uint8(255) - small
    ink, paper = _levels(small, INK, PAPER)
    stretched = _stretched(small, ink, paper)
    return Strip(stretched, height > UPRIGHT * width, quality_of(stretched, ink, paper))


def strips(
    pictures: Sequence[Picture | None], short: int = SHORT, longest: int = LONGEST
) -> list[Strip | None]:
    """Bring many pictures to one height.

    Args:
        pictures: From `read_pictures`; None and pictures with a problem give None.
        short: Length of the shorter side.
        longest: The longer side is squeezed above this length.

    Returns:
        A strip for each picture; a `Picture` that occurs twice has one `Strip`.

    Example:
        >>> [found and found.pixels.shape for found in strips([Picture(None, "missing"), None])]
        [None, None]
    """
    made: dict[int, Strip] = {}
    found: list[Strip | None] = []
    for picture in pictures:
        if picture is None or picture.pixels is None:
            found.append(None)
            continue
        if id(picture) not in made:
            made[id(picture)] = strip(picture.pixels, short, longest)
        found.append(made[id(picture)])
    return found


def quality_of(pixels: Pixels, ink: int, paper: int) -> Floats:
    """How well a crop can be read.

    Args:
        pixels: A strip after its stretch, uint8 (h, w).
        ink: The grey level of its ink before the stretch.
        paper: That of its paper.

    Returns:
        float32 (2,), both in 0..1. The contrast is the distance of paper and ink, 1 is black on white. The
        sharpness is the standard deviation of the Laplacian over that of the pixels, over 8, its largest
        value: near 0 in a blurred crop or an enlarged one, about .2 in crisp print, more in noise.

    Example:
        >>> chess = np.indices((8, 8)).sum(axis=0).astype(np.uint8) % 2 * 255
        >>> bool(quality_of(chess, 0, 255)[1] > 0.8)
        True
    """
    values = pixels.astype(np.float32)
    padded = np.pad(values, 1, mode="edge")  # as if the crop went on: its edge is no edge of a letter
    laplacian = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * values
    spread = float(values.std())
    sharpness = float(laplacian.std()) / (8 * spread) if spread > 0 else 0.0
    return np.array([(paper - ink) / 255, min(1.0, sharpness)], dtype=np.float32)


def square(pixels: Pixels, side: int = SIDE) -> Pixels:
    """Put a crop in the middle of a white square, as CLIPPINGS does (Arora and others 2023).

    Args:
        pixels: uint8, grey (h, w) or RGB (h, w, 3).
        side: Length of the square's sides; the longer side of the crop fills it.

    Returns:
        uint8 (side, side), or (side, side, 3).

    Raises:
        EncoderError: The pixels are no picture, or `side` is below 1.

    Example:
        >>> square(np.zeros((10, 40), np.uint8), side=8)[:, 0].tolist()
        [255, 255, 255, 0, 0, 255, 255, 255]
    """
    if side < 1:
        raise EncoderError(f"A square has a side of 1 pixel or more. Given: {side}. 224 is usual.")
    image = _image(pixels)
    module = need_pillow()
    factor = side / max(image.size)
    size = [max(1, round(length * factor)) for length in image.size]
    paper = module.new(image.mode, (side, side), "white")
    corner = [(side - length) // 2 for length in size]
    paper.paste(image.resize(size, module.Resampling.BICUBIC, reducing_gap=3.0), corner)
    return np.asarray(paper, dtype=np.uint8)


def _image(pixels: Any) -> Any:
    """The pixels as an image of PIL."""
    good = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.size > 0
    if not good or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        shape = getattr(pixels, "shape", "")
        raise EncoderError(
            f"A picture is uint8, (h, w) or (h, w, 3). Given: {type(pixels).__name__} {shape} "
            f"{getattr(pixels, 'dtype', '')}. Read it with `read_pictures`."
        )
    return need_pillow().fromarray(np.ascontiguousarray(pixels))


def _is_light_on_dark(pixels: Pixels) -> bool:
    """Whether the ground, which most of the border shows, is nearer to the darkest than to the lightest.

    Both ends are cut alike here: it is not yet known which of them is the ink.
    """
    dark, light = _levels(pixels, INK, 1 - INK)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    (ground,) = _levels(border, 0.5)
    return light - dark >= LEAST_RANGE and 2 * ground < dark + light


def _levels(pixels: Pixels, *shares: float) -> tuple[int, ...]:
    """The grey levels that these shares of the pixels do not exceed, from the counts of the 256 levels."""
    below = np.bincount(pixels.ravel(), minlength=256).cumsum()
    return tuple(np.searchsorted(below, np.array(shares) * pixels.size).tolist())


def _stretched(pixels: Pixels, ink: int, paper: int) -> Pixels:
    """Grey levels so that paper is white, and ink black unless the two are nearly the same."""
    level = np.arange(256, dtype=np.float32)
    table = 255 - (paper - level) * (255 / max(paper - ink, LEAST_RANGE))
    found: Pixels = np.rint(table.clip(0, 255)).astype(np.uint8)[pixels]
    return found
