"""Pictures and texts as the arrays of a model, in batches of similar lengths."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from clippings.arrays import Bools, Floats, Integers
from clippings.errors import EncoderError
from clippings.records.bi_encoder_config import HINTS, STRIDE, BiEncoderConfig
from clippings.records.characters import character_ids

if TYPE_CHECKING:
    from clippings.pictures.strips import Strip

Pixels = npt.NDArray[np.uint8]
SLACK = 0.8  # the shortest of a batch has at least this share of the longest's length
_GROWTH = 8  # a text may shrink in NFKC: so many times the longest are read before it is cut
# how pictures and texts become numbers; written beside the weights, and refused where it is another way
PREPROCESSING: Mapping[str, object] = {"pixels": "0 black to 1 white", "text": "NFKC", "hash": 1}


@dataclass(frozen=True, slots=True, eq=False)
class ImageBatch:
    """Pictures that a model takes at once.

    Attributes:
        rows: Where they stand among those that were given, (n,) int64.
        pixels: (n, channels, h, w) float32, 0 black to 1 white for strips; normalised for CLIP.
        mask: Which columns along the reading axis count, (n, length) bool.
        vertical: Whether the print runs from top to bottom.
    """

    rows: Integers
    pixels: Floats
    mask: Bools
    vertical: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class TextBatch:
    """Texts that a model takes at once.

    Attributes:
        rows: Where they stand among those that were given, (n,) int64.
        ids: Integers of characters (n, t, hashes), or of tokens (n, t), int64; or vectors of a text model,
            (n, d) float32.
        mask: Which of them count, (n, t) bool.
    """

    rows: Integers
    ids: Integers | Floats
    mask: Bools


class Picture(Protocol):
    """The pixels of a picture, as `clippings.pictures.read.Picture` has them."""

    @property
    def pixels(self) -> Pixels | None:
        """(h, w) grey or (h, w, 3) RGB, None where there is no picture."""


class Inputs(Protocol):
    """Turns pictures and texts into the arrays of one kind of model."""

    @property
    def photo_side(self) -> int:
        """Pictures are read in colour with a short side of so many pixels; 0: in grey, as lines of print."""

    def prepare(self, pictures: Sequence[Picture | None]) -> tuple[list[Pixels | None], Floats]:
        """Prepared pictures, None for none, and their contrast and sharpness, (n, 2), NaN for none."""

    def image_batches(self, prepared: Sequence[Pixels | None], size: int) -> Iterator[ImageBatch]:
        """Batches of the prepared pictures that are not None."""

    def text_batches(self, texts: Sequence[str], size: int) -> Iterator[TextBatch]:
        """Batches of texts."""


class StripInputs:
    """Strips and characters, as a `BiEncoder` takes them; `strip` replaces `pictures.strips.strip`."""

    def __init__(self, config: BiEncoderConfig, strip: Callable[..., Strip] | None = None) -> None:
        self.config, self._strip = config, strip
        self.photo_side = 0

    def prepare(self, pictures: Sequence[Picture | None]) -> tuple[list[Pixels | None], Floats]:
        """The strip of each picture, None for none, and its contrast and sharpness, (n, 2) float32."""
        cut = self._strip or import_module("clippings.pictures.strips").strip
        quality = np.full((len(pictures), len(HINTS) - 1), np.nan, np.float32)
        strips: list[Pixels | None] = []
        for row, picture in enumerate(pictures):
            pixels = None if picture is None else picture.pixels
            if pixels is None:
                strips.append(None)
                continue
            strip = cut(pixels, short=self.config.short, longest=self.config.longest)
            quality[row] = strip.quality
            strips.append(strip.pixels)
        return strips, quality

    def image_batches(self, prepared: Sequence[Pixels | None], size: int) -> Iterator[ImageBatch]:
        """Strips, (short, length) or (length, short) uint8, by direction and similar length."""
        short = self.config.short
        strips = {row: pixels for row, pixels in enumerate(prepared) if pixels is not None}
        for vertical in (False, True):
            rows = [row for row, pixels in strips.items() if is_vertical(pixels, short) == vertical]
            axis = 0 if vertical else 1
            lengths = [strips[row].shape[axis] for row in rows]
            for group in alike(lengths, size):
                chosen = [rows[place] for place in group]
                pixels, mask = padded([strips[row] for row in chosen], vertical)
                yield ImageBatch(np.array(chosen, np.int64), pixels, mask, vertical)

    def text_batches(self, texts: Sequence[str], size: int) -> Iterator[TextBatch]:
        """Texts, in NFKC, by similar length."""
        config = self.config
        clean = [normal(text, config.longest_text) for text in texts]
        for group in alike([1 + len(text) for text in clean], size):
            ids, mask = character_ids(
                [clean[row] for row in group],
                config.longest_text,
                rows=config.table_rows,
                hashes=config.hashes,
            )
            yield TextBatch(np.array(group, np.int64), ids, mask)


def normal(text: str, longest: int) -> str:
    """A text in NFKC, cut after `longest` characters.

    Example:
        >>> normal("㈱ＡＢＣ", 5)
        '(株)AB'
    """
    if not isinstance(text, str):
        raise EncoderError(
            f"A text was expected. Given: a {type(text).__name__}, {text!r:.60}. Convert it to str."
        )
    return unicodedata.normalize("NFKC", text[: longest * _GROWTH])[:longest]


def is_vertical(pixels: Pixels, short: int) -> bool:
    """Whether a strip, (h, w), runs from top to bottom: then its short side is its width."""
    if pixels.ndim != 2 or short not in pixels.shape:
        raise EncoderError(
            f"A strip has another short side than the model takes. Given: {pixels.shape}, short={short}. Cut "
            "it with that short side."
        )
    return bool(pixels.shape[0] != short)


def padded(strips: Sequence[Pixels], vertical: bool) -> tuple[Floats, Bools]:
    """Strips of one direction as one array, and the columns that belong to each strip, (n, length) bool.

    Pixels are (n, 1, short, length) float32, or (n, 1, length, short), white behind the end; the length is a
    multiple of 8.
    """
    axis = 0 if vertical else 1
    lengths = np.array([strip.shape[axis] for strip in strips])
    longest = -(-int(lengths.max()) // STRIDE) * STRIDE
    short = strips[0].shape[1 - axis]
    shape = (longest, short) if vertical else (short, longest)
    pixels = np.full((len(strips), 1, *shape), 255, np.uint8)
    for row, strip in enumerate(strips):
        pixels[row, 0, : strip.shape[0], : strip.shape[1]] = strip
    return pixels.astype(np.float32) / np.float32(255), np.arange(longest) < lengths[:, None]


def alike(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Places in groups of at most `size` of similar lengths (at least four fifths), the longest first.

    Example:
        >>> list(alike([10, 50, 9, 45, 10], 2))
        [[1, 3], [0, 4], [2]]
    """
    order = np.argsort(-np.asarray(lengths, np.int64), kind="stable").tolist()
    group: list[int] = []
    for place in order:
        if group and (len(group) == size or lengths[place] < SLACK * lengths[group[0]]):
            yield group
            group = []
        group.append(place)
    if group:
        yield group
