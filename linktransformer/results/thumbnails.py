"""Pictures small enough to stand in a page: as PNG inside the HTML, so that the page needs no other file."""

from __future__ import annotations

import base64
import io
from html import escape
from importlib import import_module
from typing import Any

__all__ = ["image_tag"]

TALL, WIDE = 96, 320  # the most that is shown of a picture, in pixels


def image_tag(picture: Any) -> str:
    """A picture as an HTML element.

    Args:
        picture: A `clippings.Picture`.

    Returns:
        An <img> with the picture inside; where it could not be read, the reason in words.

    Example:
        >>> from clippings.pictures.read import read_pictures
        >>> [image_tag(picture) for picture in read_pictures([None])]
        ['<span style="opacity:.6">picture missing</span>']
    """
    if picture.pixels is None:
        return f'<span style="opacity:.6">picture {escape(picture.problem)}</span>'
    image = import_module("PIL.Image").fromarray(picture.pixels)
    image.thumbnail((WIDE, TALL))
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return (
        f'<img alt="" width="{image.width}" height="{image.height}" style="vertical-align:middle" '
        f'src="data:image/png;base64,{data}"/>'
    )
