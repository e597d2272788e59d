"""Print a name with a font: a clean grey crop, in lines or in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clippings.errors import EncoderError, MissingPackageError

Grey = npt.NDArray[np.uint8]
PAPER = 255
LONGEST = 4096  # pixels along a name; what is longer is not a name
# what is turned by a quarter in a column: long vowel marks, dashes, dots, brackets
TURNED = frozenset("ー－―—–‐-〜～…‥:：()（）[]［］{}｛｝〈〉《》「」『』【】〔〕<>＜＞|｜_＿→")
MIRRORED = frozenset("ー〜～")  # and these are mirrored too
# what moves from the lower left to the upper right in a column
RAISED = frozenset("、。，．ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ")
_BLANK = "\U0010ffff"  # no font has this character: what is drawn for it is the sign for "missing"


@dataclass(frozen=True, slots=True)
class Font:
    """A font of a file, at a size.

    Args:
        path: A TrueType or OpenType file; "" is the small Latin font that comes with Pillow.
        index: Which font of a collection (.ttc).
        size: Pixels of an em.
        weight: Pixels that every stroke is made wider by, on each side.
        name: What to call it in the records; "" takes the family name from the file.
    """

    path: str = ""
    index: int = 0
    size: int = 44
    weight: float = 0.0
    name: str = ""

    @property
    def family(self) -> str:
        """The given name, else the one in the file."""
        return self.name or str(_load(self.path, self.index, self.size).getname()[0])


def as_font(font: Font | str | Path) -> Font:
    """A font from a `Font`, a path, or "path.ttc#2" for the third font of a collection.

    Example:
        >>> as_font("fonts/mincho.ttc#1")
        Font(path='fonts/mincho.ttc', index=1, size=44, weight=0.0, name='')
    """
    if isinstance(font, Font):
        return font
    path, mark, index = str(font).rpartition("#")
    if mark and index.isdigit():
        return Font(path, int(index))
    return Font(str(font))


def render(
    text: str,
    font: Font | str | Path = Font(),
    *,
    vertical: bool = False,
    margin: int | tuple[int, int, int, int] = 8,
) -> Grey:
    """Print a text with a font, as a grey crop, (h, w) uint8: 0 is ink, 255 is paper.

    Columns (`vertical`) are set by raqm where Pillow has it and the font rotates all glyphs that need it,
    else glyph by glyph. `margin` is in pixels, for each side or (left, top, right, bottom). Characters that
    the font lacks are not detected: see `covers`.

    Example:
        >>> crop = render("Hill & Co.", margin=0)
        >>> int(crop.min()), int(crop.max()), crop.shape[1] > 3 * crop.shape[0]
        (0, 255, True)
        >>> column = render("Hill", vertical=True, margin=0)
        >>> column.shape[0] > 2 * column.shape[1]
        True
    """
    font = as_font(font)
    if vertical:
        ink = column_by_raqm(text, font) if _turns_all(text, font) else column_by_glyph(text, font)
    else:
        ink = _mask(text, font)
    ink = _trim(ink)
    if not ink.size or max(ink.shape) > LONGEST:
        why = "is too long to be printed" if ink.size else "leaves no ink"
        raise EncoderError(
            f"A text {why}. Given: {text[:60]!r} with {font}. Give one line of visible characters."
        )
    left, top, right, bottom = (margin,) * 4 if isinstance(margin, int) else margin
    return np.pad(255 - ink, ((top, bottom), (left, right)), constant_values=PAPER)


def covers(font: Font | str | Path, text: str) -> bool:
    """Whether a font has a glyph for every character of a text, white space aside.

    A character is missing if it is drawn as nothing, or as the font's sign for a missing character.

    Example:
        >>> covers("", "Hill & Co."), covers("", "山田商店")
        (True, False)
    """
    font = as_font(font)
    return all(_has(font.path, font.index, char) for char in text if not char.isspace())


def draw_font(fonts: Sequence[Font], text: str, draw: np.random.Generator) -> Font | None:
    """Draw one of the fonts that have every character of a text, all equally likely; None without one.

    Example:
        >>> draw_font([Font(size=30)], "Hill", np.random.default_rng(0)).size
        30
    """
    # in a random order the first that covers it is a random one of those, and few are tested
    order = draw.permutation(len(fonts)).tolist()
    return next((fonts[place] for place in order if covers(fonts[place], text)), None)


def column_by_raqm(text: str, font: Font) -> Grey:
    """The ink of a column set by raqm and the font's own rules, 0 to 255, (h, w)."""
    return _mask(text, font, direction="ttb")


def column_by_glyph(text: str, font: Font) -> Grey:
    """The ink of a column set glyph by glyph, 0 to 255, (h, w): rotated and raised by the rules of print.

    Needs only Pillow; `column_by_raqm` is compared with it.
    """
    em = font.size
    cells = [np.zeros((0, 2 * em), dtype=np.uint8)]
    for char in text:
        cell = np.zeros((em, 2 * em), dtype=np.uint8)
        glyph = _cell(char, font)
        if char in TURNED:
            glyph = np.rot90(glyph, -1)
            glyph = glyph[:, ::-1] if char in MIRRORED else glyph
        high, wide = min(glyph.shape[0], em), min(glyph.shape[1], 2 * em)
        top, left = (em - high) // 2, em - wide // 2
        if char in RAISED:
            ink = _trim(glyph)
            high, wide = min(ink.shape[0], em), min(ink.shape[1], em)
            glyph, top = ink, em // 8
            left = em + em // 2 - em // 16 - wide
        cell[top : top + high, left : left + wide] = glyph[:high, :wide]
        cells.append(cell)
    return np.concatenate(cells)


def _cell(char: str, font: Font) -> Grey:
    """One glyph in its square or half square, an em high."""
    face = _load(font.path, font.index, font.size)
    wide = max(1, round(face.getlength(char)))
    mask, (left, top) = _getmask(char, font)
    cell = np.zeros((font.size, wide), dtype=np.uint8)
    ascent, descent = face.getmetrics()
    top -= max(0, (ascent + descent - font.size) // 2)  # the em stands in the middle of the line
    top = int(np.clip(top, 0, max(0, font.size - mask.shape[0])))
    left = int(np.clip(left, 0, max(0, wide - mask.shape[1])))
    mask = mask[: font.size, :wide]
    cell[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return cell


def _turns_all(text: str, font: Font) -> bool:
    """Whether raqm with this font rotates every glyph that has to be rotated in a column."""
    return _has_raqm(font.path, font.index) and all(
        _turns(font.path, font.index, char) for char in sorted(frozenset(text) & TURNED)
    )


@lru_cache(maxsize=4096)
def _turns(path: str, index: int, char: str) -> bool:
    """Whether raqm rotates one glyph in a column."""
    font = Font(path, index, 48)
    line = _trim(_mask(char, font)).shape
    column = _trim(_mask(char, font, direction="ttb")).shape
    return bool((line[0] > line[1]) != (column[0] > column[1]))


@lru_cache(maxsize=2**18)
def _has(path: str, index: int, char: str) -> bool:
    ink = _mask(char, Font(path, index, 32))
    return bool(ink.any()) and not np.array_equal(ink, _missing(path, index))


@lru_cache(maxsize=256)
def _missing(path: str, index: int) -> Grey:
    """The font's sign for a missing character."""
    return _mask(_BLANK, Font(path, index, 32))


def _mask(text: str, font: Font, direction: str | None = None) -> Grey:
    return _getmask(text, font, direction)[0]


def _getmask(text: str, font: Font, direction: str | None = None) -> tuple[Grey, tuple[int, int]]:
    """The ink of a text, (h, w), and its place: right of the origin, below the ascender."""
    face = _load(font.path, font.index, font.size)
    mask, place = face.getmask2(text, mode="L", direction=direction, stroke_width=font.weight)
    from PIL import Image

    picture = Image.new("L", mask.size)
    if min(mask.size):
        # copied into a picture first: NumPy would read the mask pixel by pixel
        picture.im.paste(mask, (0, 0, *mask.size))
    return np.asarray(picture), (int(place[0]), int(place[1]))


def _trim(ink: Grey) -> Grey:
    """Remove empty rows and columns around the ink."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return ink[:0, :0]
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@lru_cache(maxsize=256)
def _load(path: str, index: int, size: int) -> Any:
    try:
        from PIL import ImageFont
    except ImportError:
        raise MissingPackageError("pillow", "Printing names", extra="images") from None
    try:
        return ImageFont.truetype(path, size, index=index) if path else ImageFont.load_default(size)
    except OSError as problem:
        raise EncoderError(
            f"A font cannot be opened ({problem}). Given: {path!r}, index {index}. Give the path of a "
            "TrueType or OpenType file."
        ) from None


@lru_cache(maxsize=256)
def _has_raqm(path: str, index: int) -> bool:
    """Whether raqm can set columns; the font inside Pillow is opened without it."""
    from PIL import ImageFont, features

    engine = _load(path, index, 48).layout_engine
    return bool(features.check("raqm")) and bool(engine == ImageFont.Layout.RAQM)
