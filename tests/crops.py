"""Crops made for tests, and a picture read with nothing said."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Any

import numpy as np
from PIL import Image

from clippings.pictures.decoding import NOTES, Picture
from clippings.pictures.read import read_pictures
from clippings.pictures.sources import PROBLEMS


def noise(height: int = 24, width: int = 60, channels: int = 0, seed: int = 0) -> np.ndarray:
    """Smooth grey values, so that JPEG keeps them nearly."""
    draw = np.random.default_rng(seed)
    small = draw.integers(0, 256, (6, 10, channels) if channels else (6, 10), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


PNG = encoded(Image.fromarray(noise()))
JPEG = encoded(Image.fromarray(noise(200, 500)), "JPEG")


def one(source: Any, **options: Any) -> Picture:
    """The picture of one source; nothing may be warned of while it is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (picture,) = read_pictures([source], **options)
    assert (picture.pixels is None) == (picture.problem is not None)
    assert picture.problem is None or picture.problem in PROBLEMS
    assert not picture.note or set(picture.note.split(", ")) <= set(NOTES)
    return picture


def pixels(source: Any, **options: Any) -> np.ndarray:
    picture = one(source, **options)
    assert picture.problem is None and picture.pixels is not None and picture.key
    assert picture.pixels.dtype == np.uint8 and not picture.pixels.flags.writeable
    return picture.pixels


def png(width: int, height: int, *, depth: int = 8, colour: int = 0, data: bytes = b"") -> bytes:
    """A PNG of any header, with those rows (each begins with a zero byte)."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
