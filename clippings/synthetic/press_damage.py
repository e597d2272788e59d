"""What printing, ageing and copying do to a photograph: each kind is a function of picture and generator.

A picture is float32, (h, w, 3), from 0 (black) to 1 (white). Severity 0 changes nothing or next to nothing, 1
is a poor newspaper scan.
"""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType

import numpy as np

from clippings.arrays import Floats
from clippings.pictures.pixel_formats import Pixels, need_pillow

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
ANGLES = (15.0, 75.0, 45.0)  # of the screens of cyan, magenta and black ink, in degrees
LEAST = 24  # pixels of the short side that cropping and shrinking leave
STRIPS = 12  # vertical strips of which a curled page is put together


def crop(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """Cut away up to 35 % of each side at severity 1, at most 60 %."""
    return x[_window(x.shape[0], draw, s), _window(x.shape[1], draw, s)]


def mirror(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """Flip left and right in 15 % of the pictures at severity 1, at most in half of them."""
    return x[:, ::-1] if draw.random() < min(0.5, 0.15 * s) else x


def neighbour(x: Floats, draw: np.random.Generator, s: float, other: Floats) -> Floats:
    """Keep a part of the picture that is printed beside or below, in 25 % of the pictures at severity 1."""
    if draw.random() >= min(0.6, 0.25 * s):
        return x
    below = draw.random() < 0.5
    a, b = (x, other) if below else (x.transpose(1, 0, 2), other.transpose(1, 0, 2))
    high = max(LEAST, round(len(a) * draw.uniform(0.15, 0.45)))
    b = _resized(b, (a.shape[1], max(high, round(b.shape[0] * a.shape[1] / b.shape[1]))))
    gutter = np.ones((int(draw.integers(0, 7)), *a.shape[1:]), np.float32)
    joined = np.concatenate([a, gutter, b[:high]] if draw.random() < 0.5 else [b[-high:], gutter, a])
    return joined if below else joined.transpose(1, 0, 2)


def contrast(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """Change gamma, contrast and brightness."""
    gamma = 2.0 ** draw.uniform(-0.7 * s, 0.7 * s)
    factor, shift = 1 + draw.uniform(-0.45, 0.25) * min(s, 1.8), draw.uniform(-0.12, 0.12) * s
    return np.asarray(np.clip((x**gamma - 0.5) * factor + 0.5 + shift, 0, 1), np.float32)


def grey(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """Print in black ink alone, in 60 % of the pictures; shift the colours of the others."""
    if draw.random() < 0.6:
        return np.repeat((x @ LUMA)[:, :, None], 3, axis=2)
    return np.clip(x * (1 + draw.uniform(-0.15, 0.15, 3) * s), 0, 1).astype(np.float32)


def shrink(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """Print small: scale to between 45 and 100 % of the size at severity 1."""
    factor = max(draw.uniform(1 - 0.55 * min(s, 1.4), 1), LEAST / min(x.shape[:2]))
    return _resized(x, (round(x.shape[1] * factor), round(x.shape[0] * factor))) if factor < 1 else x


def gain(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """Let the dots of ink run: the tones between black and white darken."""
    return np.asarray(x - np.float32(draw.uniform(0, 0.5) * min(s, 1.8)) * x * (1 - x))


def halftone(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """Print with a screen of dots, 2 to 5 pixels apart, in 70 % of them; of colours, three screens."""
    if draw.random() >= 0.7 or s <= 0:
        return x
    pitch, hard = draw.uniform(2.2, 2.5 + 2.5 * min(s, 1.6)), 6.0
    turn = draw.uniform(-5, 5)
    is_grey = bool((x[:, :, 0] == x[:, :, 1]).all())
    screens = [_screen(x.shape[:2], pitch, angle + turn) for angle in (ANGLES[2:] if is_grey else ANGLES)]
    threshold = np.stack(screens, axis=2)
    dots = 1 / (1 + np.exp(-hard * (x[:, :, : threshold.shape[2]] - threshold)))
    share = np.float32(min(1.0, 0.4 + 0.5 * s))
    return np.asarray(x + share * (dots.astype(np.float32) - x), np.float32)


def bleed(x: Floats, draw: np.random.Generator, s: float, other: Floats) -> Floats:
    """Let the other side of the page shine through, mirrored and blurred, in half of the pictures."""
    if draw.random() >= 0.5:
        return x
    behind = blurred(_resized(other[:, ::-1], (x.shape[1], x.shape[0])), 1.5) @ LUMA
    return np.asarray(x * (1 - np.float32(draw.uniform(0.08, 0.3) * min(s, 2)) * (1 - behind[:, :, None])))


def tone(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """Yellow paper and pale ink, unevenly lit."""
    paper = 1 - draw.uniform(0.02, 0.22) * s * np.array([0.6, 0.8, 1.2]) * draw.uniform(0.6, 1.2, 3)
    black = draw.uniform(0, 0.2) * s
    slope = np.linspace(-1, 1, x.shape[1]) * draw.uniform(-0.06, 0.06) * s
    lit = (black + x * (np.clip(paper, 0.4, 1) - black)) * (1 + slope[None, :, None])
    return np.clip(lit, 0, 1).astype(np.float32)


def scratches(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """White and black lines, and specks."""
    image = _image(x)
    pen = _module("ImageDraw").Draw(image)
    h, w = x.shape[:2]
    for _ in range(int(draw.poisson(3 * s))):
        start, angle = draw.uniform(0, 1, 2) * (w, h), draw.uniform(0, np.pi)
        end = start + draw.uniform(0.1, 0.8) * max(h, w) * np.array([np.cos(angle), np.sin(angle)])
        ink = int(draw.choice([20, 245]))
        pen.line([*start.tolist(), *end.tolist()], fill=(ink, ink, ink), width=int(draw.integers(1, 3)))
    scratched = _floats(image)
    dust = draw.random(x.shape[:2])[:, :, None]
    share = 0.003 * s
    return np.where(dust < share, 0.1, np.where(dust > 1 - share, 0.97, scratched)).astype(np.float32)


def curl(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """Bend the page towards its spine: columns are shifted and squeezed, and one edge lies in shadow."""
    h, w = x.shape[:2]
    deep, lean = draw.uniform(0.02, 0.09) * min(s, 2), draw.uniform(-0.06, 0.06) * min(s, 2)
    edges = np.linspace(0, 1, STRIPS + 1)
    bent = edges**2 if draw.random() < 0.5 else 1 - (1 - edges) ** 2
    across = (edges + deep * 2 * (bent - edges)) * w
    down = (deep * bent + lean * edges) * h
    columns = np.round(edges * w).astype(int).tolist()
    mesh = [
        ((columns[i], 0, columns[j], h),
         (across[i], down[i], across[i], h + down[i], across[j], h + down[j], across[j], down[j]))
        for i, j in pairwise(range(STRIPS + 1)) if columns[j] > columns[i]
    ]  # fmt: skip
    pillow = need_pillow()
    turned = _image(x).transform((w, h), pillow.Transform.MESH, mesh, pillow.Resampling.BILINEAR)
    shadow = 1 - draw.uniform(0.1, 0.35) * min(s, 1.5) * np.linspace(1, 0, w) ** 3
    shadow = shadow if draw.random() < 0.5 else shadow[::-1]
    return (_floats(turned) * shadow[None, :, None]).astype(np.float32)


def rephotograph(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """A photograph of the print, taken at an angle and lit unevenly, on a table."""
    h, w = x.shape[:2]
    corners = np.array([(0, 0), (0, h), (w, h), (w, 0)], np.float64)
    moved = corners + draw.uniform(-0.07, 0.07, (4, 2)) * min(s, 2) * (w, h)
    angle = np.deg2rad(draw.uniform(-5, 5) * s)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    quad = (moved - (w / 2, h / 2)) @ turn.T + (w / 2, h / 2)
    pillow = need_pillow()
    table = int(draw.integers(20, 236))
    shot = _image(x).transform(
        (w, h), pillow.Transform.QUAD, quad.ravel().tolist(), pillow.Resampling.BILINEAR,
        fillcolor=(table, table, table),
    )  # fmt: skip
    rows, columns = np.linspace(-1, 1, h)[:, None], np.linspace(-1, 1, w)[None, :]
    centre = draw.uniform(-0.6, 0.6, 2)
    away = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2
    light = 1 - draw.uniform(0.05, 0.3) * min(s, 1.5) * away / 2
    return np.asarray(np.clip(_floats(shot) * light[:, :, None], 0, 1), np.float32)


def blur(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """Blur by up to 1.2 pixels at severity 1."""
    return blurred(x, draw.uniform(0.1, 1.2) * s)


def grain(x: Floats, draw: np.random.Generator, s: float) -> Floats:
    """Add noise to every pixel."""
    noise = draw.standard_normal(x.shape[:2], dtype=np.float32)[:, :, None]
    return np.clip(x + noise * np.float32(draw.uniform(0.01, 0.04) * s), 0, 1).astype(np.float32)


def blurred(x: Floats, sigma: float) -> Floats:
    """The picture under a Gaussian of so many pixels."""
    return _floats(_image(x).filter(_module("ImageFilter").GaussianBlur(sigma))) if sigma > 0 else x


def to_floats(pixels: Pixels) -> Floats:
    """Grey (h, w) or RGB (h, w, 3) uint8 as RGB from 0 to 1."""
    rgb = np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels
    return rgb.astype(np.float32) / np.float32(255)


def to_pixels(x: Floats) -> Pixels:
    """RGB from 0 to 1 as uint8."""
    return np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)


def _window(side: int, draw: np.random.Generator, s: float) -> slice:
    kept = max(min(side, LEAST), round(side * (1 - draw.uniform(0, min(0.6, 0.35 * s)))))
    start = int(draw.integers(0, side - kept + 1))
    return slice(start, start + kept)


def _screen(shape: tuple[int, int], pitch: float, angle: float) -> Floats:
    """Thresholds of a screen of round dots, (h, w) from 0 to 1."""
    turn = np.deg2rad(angle)
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    step = 2 * np.pi / pitch
    u = np.cos(step * (columns * np.cos(turn) + rows * np.sin(turn)))
    v = np.cos(step * (rows * np.cos(turn) - columns * np.sin(turn)))
    return np.asarray(0.5 + (u + v) / 4, dtype=np.float32)


def _resized(x: Floats, size: tuple[int, int]) -> Floats:
    return _floats(_image(x).resize((max(1, size[0]), max(1, size[1])), need_pillow().Resampling.BILINEAR,
                                    reducing_gap=3.0))  # fmt: skip


def _image(x: Floats):  # type: ignore[no-untyped-def] # an image of Pillow
    return need_pillow().fromarray(np.ascontiguousarray(to_pixels(x)))


def _floats(image: object) -> Floats:
    return np.asarray(image, np.float32) / np.float32(255)


def _module(name: str) -> ModuleType:
    from importlib import import_module

    need_pillow()
    return import_module(f"PIL.{name}")
