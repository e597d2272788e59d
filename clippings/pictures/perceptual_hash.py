"""Perceptual hashes: 64 bits of a picture's coarse structure, as an encoder of pictures without a model."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from clippings.pictures.pixel_formats import Pixels, need_pillow

SIDE, LOW = 32, 8  # pixels of the reduced picture, and frequencies kept of each side
BITS = LOW * LOW


def perceptual_hash(pixels: Pixels) -> npt.NDArray[np.bool_]:
    """The 64 bits of a picture: which of its low frequencies are above their median (pHash, C. Zauner 2010).

    Args:
        pixels: uint8, grey (h, w) or RGB (h, w, 3).

    Returns:
        (64,) bool. Prints of one photograph differ in few bits, unrelated pictures in about 32.

    Raises:
        MissingPackageError: Pillow is not installed.

    Example:
        >>> ramp = np.tile(np.arange(100, dtype=np.uint8), (50, 1))
        >>> int((perceptual_hash(ramp) != perceptual_hash(ramp[::2, ::2])).sum())
        0
    """
    module = need_pillow()
    image = module.fromarray(np.ascontiguousarray(pixels)).convert("L")
    small = np.asarray(image.resize((SIDE, SIDE), module.Resampling.LANCZOS), np.float64)
    low = (_cosines() @ small @ _cosines().T)[:LOW, :LOW].ravel()
    bits: npt.NDArray[np.bool_] = np.round(low, 6) > np.round(np.median(low[1:]), 6)
    return bits


@lru_cache(maxsize=1)
def _cosines() -> npt.NDArray[np.float64]:
    """The discrete cosine transform, (SIDE, SIDE)."""
    place = np.arange(SIDE)
    return np.asarray(np.cos(np.pi * place[:, None] * (2 * place[None, :] + 1) / (2 * SIDE)))
