"""Photographs as a model sees them: a square of one size, RGB, with the same range of levels."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from clippings.arrays import Floats
from clippings.errors import EncoderError
from clippings.pictures.decoding import Picture
from clippings.pictures.pixel_formats import Pixels, need_pillow
from clippings.pictures.read import default_workers
from clippings.pictures.strips import quality_of

SIDE = 224
DARK, LIGHT = 0.01, 0.99  # shares of the pixels that become black and white
LEAST_RANGE = 32  # grey levels between the two; fewer are not stretched to the full range
FEW = 16  # fewer photographs than this are prepared in one thread


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """A photograph of one size.

    `pixels` is uint8, (side, side, 3). `quality` is (2,): contrast and sharpness, 0 to 1, as of a strip.
    """

    pixels: Pixels
    quality: Floats


def photograph(pixels: Pixels, side: int = SIDE) -> Photograph:
    """Resize a picture to a square, without its aspect, and stretch its levels; hue and saturation stay.

    Example:
        >>> pale = np.full((60, 90), 120, np.uint8)
        >>> pale[:, 45:] = 180
        >>> shown = photograph(pale, side=32).pixels
        >>> shown.shape, int(shown.min()), int(shown.max())
        ((32, 32, 3), 0, 255)
    """
    given: object = pixels
    good = isinstance(given, np.ndarray) and given.dtype == np.uint8 and given.size > 0
    if not good or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        shape, dtype = getattr(pixels, "shape", ""), getattr(pixels, "dtype", "")
        raise EncoderError(
            f"A picture is uint8, (h, w) or (h, w, 3). Given: {type(pixels).__name__} {shape} {dtype}. "
            "Read it with `read_pictures`."
        )
    module = need_pillow()
    image = module.fromarray(np.ascontiguousarray(pixels)).convert("RGB")
    image = image.resize((side, side), module.Resampling.BICUBIC, reducing_gap=3.0)
    grey = np.asarray(image.convert("L"), np.uint8)
    below = np.bincount(grey.ravel(), minlength=256).cumsum()
    dark, light = np.searchsorted(below, np.array([DARK, LIGHT]) * grey.size).tolist()
    spare = max(0, LEAST_RANGE - (light - dark)) / 2
    low, high = dark - spare, light + spare
    table = np.rint(np.clip((np.arange(256) - low) * (255 / (high - low)), 0, 255)).astype(np.uint8)
    return Photograph(table[np.asarray(image, np.uint8)], quality_of(grey, dark, light))


def photographs(
    pictures: Sequence[Picture | None], side: int = SIDE, workers: int | None = None
) -> list[Photograph | None]:
    """A photograph for each picture, prepared in threads; None for None and pictures with a problem."""

    def prepared(picture: Picture | None) -> Photograph | None:
        pixels = None if picture is None else picture.pixels
        return None if pixels is None else photograph(pixels, side)

    threads = workers or default_workers()
    if threads == 1 or len(pictures) < FEW:
        return [prepared(picture) for picture in pictures]
    with ThreadPoolExecutor(threads, thread_name_prefix="photographs") as pool:
        return list(pool.map(prepared, pictures, chunksize=8))
