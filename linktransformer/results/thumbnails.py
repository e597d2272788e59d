"""Thumbnails as PNG inside HTML, so that a page needs no other file."""

from __future__ import annotations

import base64
import io
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clippings.pictures.read import Picture

__all__ = ["image_tag"]

HEIGHT, WIDTH = 96, 320  # the largest thumbnail, in pixels


def image_tag(picture: Picture, alt: str = "") -> str:
    """A picture as an <img> element with its data; if it could not be read, the reason as text.

    `alt` is the text for those who do not see it, "" where the text beside it says all.

    Example:
        >>> from clippings.pictures.read import read_pictures
        >>> [image_tag(picture) for picture in read_pictures([None])]
        ['<span style="opacity:.6">picture missing</span>']
    """
    if picture.pixels is None:
        return f'<span style="opacity:.6">picture {escape(picture.problem or "")}</span>'
    image = import_module("PIL.Image").fromarray(picture.pixels)
    image.thumbnail((WIDTH, HEIGHT))
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return (
        f'<img alt="{escape(alt)}" width="{image.width}" height="{image.height}" '
        f'style="vertical-align:middle" src="data:image/png;base64,{data}"/>'
    )
