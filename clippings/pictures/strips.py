"""Crops of a line of print as a model sees them: one height, dark on light, the same contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clippings.arrays import Floats
from clippings.errors import EncoderError
from clippings.pictures.decoding import Picture
from clippings.pictures.pixel_formats import Pixels, need_pillow

if TYPE_CHECKING:
    from PIL.Image import Image

SHORT = 32
LONGEST = 512
UPRIGHT = 1.2  # a crop that is this many times as high as wide is written from top to bottom
# shares of the pixels that become black and white: three quarters of a crop are paper
INK, PAPER = 0.02, 0.75
LEAST_RANGE = 24  # grey levels between ink and paper; fewer are noise of an empty page and are not stretched
SIDE = 224


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A line image of one height.

    `pixels` is uint8 (h, w), dark ink on white, the shorter side of the requested length. Vertical writing
    (`vertical`) is not turned: the glyphs stay upright. `quality` is (2,), see `quality_of`.
    """

    pixels: Pixels
    vertical: bool
    quality: Floats


def strip(pixels: Pixels, short: int = SHORT, longest: int = LONGEST) -> Strip:
    """Bring a crop to one height: resized (bicubic), dark ink on white, stretched to full contrast.

    The ground is the grey level of the border; light print on a dark ground is inverted. An empty crop
    becomes white. `pixels` is uint8, (h, w) or RGB (h, w, 3); `short` is the length of the shorter side;
    the longer side keeps the aspect up to `longest`.

    Example:
        >>> crop = np.full((50, 300), 40, np.uint8)   # light letters on a dark ground
        >>> crop[10:40, 20:280:9] = 200
        >>> line = strip(crop)
        >>> line.pixels.shape, line.vertical, int(line.pixels[0, 0])
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
    """A strip for each picture; None for None and pictures with a problem. Equal objects share one strip."""
    strip_of: dict[int, Strip] = {}
    for picture in pictures:
        if picture is not None and picture.pixels is not None and id(picture) not in strip_of:
            strip_of[id(picture)] = strip(picture.pixels, short, longest)
    return [strip_of.get(id(picture)) for picture in pictures]


def quality_of(pixels: Pixels, ink: int, paper: int) -> Floats:
    """Contrast and sharpness of a strip, float32 (2,), both in 0..1.

    Contrast is the distance of the grey levels `ink` and `paper` before the stretch. Sharpness is the
    standard deviation of the Laplacian over that of the pixels, divided by its maximum 8: near 0 in a
    blurred or enlarged crop, about .2 in crisp print, more in noise.
    """
    values = pixels.astype(np.float32)
    padded = np.pad(values, 1, mode="edge")  # the border of a crop is not the border of a letter
    laplacian = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * values
    spread = float(values.std())
    sharpness = float(laplacian.std()) / (8 * spread) if spread > 0 else 0.0
    return np.array([(paper - ink) / 255, min(1.0, sharpness)], dtype=np.float32)


def square(pixels: Pixels, side: int = SIDE) -> Pixels:
    """Centre a crop on a white square (side, side[, 3]), as CLIPPINGS does (Arora and others 2023).

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


def _image(pixels: object) -> Image:
    """The pixels as an image of PIL."""
    if (
        isinstance(pixels, np.ndarray)
        and pixels.dtype == np.uint8
        and pixels.size > 0
        and (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3))
    ):
        image: Image = need_pillow().fromarray(np.ascontiguousarray(pixels))
        return image
    shape, dtype = getattr(pixels, "shape", ""), getattr(pixels, "dtype", "")
    raise EncoderError(
        f"A picture is uint8, (h, w) or (h, w, 3). Given: {type(pixels).__name__} {shape} {dtype}. "
        "Read it with `read_pictures`."
    )


def _is_light_on_dark(pixels: Pixels) -> bool:
    """Whether the median of the border is nearer to the darkest level than to the lightest.

    Both ends are cut alike, since it is not yet known which of them is the ink.
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
    stretched: Pixels = np.rint(table.clip(0, 255)).astype(np.uint8)[pixels]
    return stretched
