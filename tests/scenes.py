"""Made-up photographs for tests: coloured shapes, drawn by number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

THINGS = ("harbour", "cathedral", "parade", "bridge", "market", "storm", "orchestra", "regatta", "factory")


def scene(number: int, size: tuple[int, int] = (160, 120)) -> npt.NDArray[np.uint8]:
    """An RGB picture of nine shapes."""
    from PIL import Image, ImageDraw

    draw = np.random.default_rng(number)
    image = Image.new("RGB", size, tuple(draw.integers(90, 255, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(9):
        left, top, right, low = (draw.uniform(0, 0.8, 4) * (*size, *size)).tolist()
        box = [left, top, left + 10 + right / 2, top + 10 + low / 2]
        (pen.ellipse if draw.random() < 0.5 else pen.rectangle)(
            box, fill=tuple(draw.integers(0, 255, 3).tolist())
        )
    return np.asarray(image, np.uint8)


def captions(n: int) -> list[dict[str, str]]:
    """A caption each, in English and in German."""
    return [
        {
            "en": f"The {THINGS[row]} of {row} towns in {1900 + row}",
            "de": f"{row} Orte, {THINGS[row]} von {1900 + row}",
        }
        for row in range(n)
    ]
