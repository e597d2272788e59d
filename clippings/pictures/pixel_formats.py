"""Pixels of any depth and colour system as 8-bit grey or RGB."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from clippings.errors import MissingPackageError
from clippings.pictures.sources import UnusableError

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = npt.NDArray[np.uint8]
Note = Literal["first frame", "reduced", "stretched"]


def eight_bits(values: npt.NDArray[Any], *, deep: bool = False) -> tuple[Pixels, Note | None]:
    """Values of any dtype and shape as uint8: scaled, never clipped; "stretched" where the range is guessed.

    uint8 stays; False and True become 0 and 255; uint16 is divided by 257. Other integers are 8-bit where
    they are within 0..255 (unless `deep`), else 16-bit where they are within 0..65,535. Floats are within
    0..1, else within 0..255. Any other range is stretched. Raises `UnusableError` if a number is not
    finite.

    Example:
        >>> eight_bits(np.array([0, 32_768, 65_535], np.uint16))[0].tolist()
        [0, 128, 255]
    """
    if values.dtype == np.uint8:
        return values, None
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255), None
    if not np.isfinite(values).all():
        raise UnusableError("damaged")
    low, high = float(values.min()), float(values.max())
    whole = values.dtype.kind in "ui"
    if whole and values.dtype != np.uint16 and not deep and low >= 0 and high <= 255:
        return values.astype(np.uint8), None
    if whole and low >= 0 and high <= 65_535:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8), None
    number = values.astype(np.float64)
    if not whole and low >= -1e-6 and high <= 1 + 1e-6:
        return np.rint(number.clip(0, 1) * 255).astype(np.uint8), None
    if not whole and low >= 0 and high <= 255:
        return np.rint(number).astype(np.uint8), None
    return np.rint((number - low) * (255 / ((high - low) or 1.0))).astype(np.uint8), "stretched"


def need_pillow() -> ModuleType:
    """Pillow's module `PIL.Image`, or the error that says how to install it."""
    try:
        return import_module("PIL.Image")
    except ModuleNotFoundError as error:
        raise MissingPackageError("pillow", "Reading pictures", extra="images") from error


def flatten(image: Image, mode: Literal["L", "RGB"]) -> tuple[Image, Note | None]:
    """An image of any mode as 8-bit grey or RGB on white; "stretched" where the range is guessed."""
    if image.mode == "F" or image.mode.startswith("I"):
        values, note = eight_bits(np.asarray(image), deep=True)
        return need_pillow().fromarray(values).convert(mode), note
    if image.mode == "LAB":  # its first band is the lightness
        return image.getchannel(0).convert(mode), None
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = need_pillow().new("RGBA", image.size, "white")
        image = need_pillow().alpha_composite(paper, image)
    if image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")  # CMYK, YCbCr, HSV, and palettes, which may hold colours
    return image.convert(mode), None
