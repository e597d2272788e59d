"""Pictures and texts as the arrays that a model takes, those of like lengths side by side."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from clippings.arrays import Bools, Floats, Integers
from clippings.errors import EncoderError
from clippings.records.bi_encoder_config import HINTS, STRIDE, BiEncoderConfig
from clippings.records.characters import character_ids

Numbers = Integers
SLACK = 0.8  # the shortest of a batch has at least this share of the longest's length
_GROWTH = 8  # a text may shrink in NFKC: so many times the longest are read before it is cut
# how pictures and texts become numbers; written beside the weights, and refused where it is another way
PREPROCESSING: Mapping[str, Any] = {"pixels": "0 black to 1 white", "text": "NFKC", "hash": 1}


@dataclass(frozen=True, slots=True, eq=False)
class ImageBatch:
    """Pictures that a model takes at once.

    Attributes:
        rows: Where they stand among those that were given, (n,) int64.
        pixels: (n, channels, h, w) float32, 0 black to 1 white for strips; normalised for CLIP.
        mask: Which columns along the reading axis count, (n, length) bool.
        vertical: Whether the print runs from top to bottom.
    """

    rows: Numbers
    pixels: Floats
    mask: Bools
    vertical: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class TextBatch:
    """Texts that a model takes at once.

    Attributes:
        rows: Where they stand among those that were given, (n,) int64.
        ids: Numbers of characters (n, t, hashes), or of tokens (n, t), int64.
        mask: Which of them count, (n, t) bool.
    """

    rows: Numbers
    ids: Numbers
    mask: Bools


class Picture(Protocol):
    """What is needed of a picture: `clippings.pictures.read.Picture` has it."""

    @property
    def pixels(self) -> npt.NDArray[np.uint8] | None:
        """(h, w) grey or (h, w, 3) RGB, None where there is no picture."""


class Inputs(Protocol):
    """The way from pictures and texts to the arrays of one kind of model."""

    def prepare(self, pictures: Sequence[Picture | None]) -> tuple[list[Any], Floats]:
        """Each picture made ready, None where there is none, and what is known of it, (n, 2), nan if not.

        Args:
            pictures: The pictures; None where there is none.

        Returns:
            The prepared pictures, and their contrast and sharpness.
        """

    def image_batches(self, prepared: Sequence[Any], size: int) -> Iterator[ImageBatch]:
        """Batches of those that are not None.

        Args:
            prepared: Prepared pictures; None is left out.
            size: At most so many at once.

        Yields:
            The batches.
        """

    def text_batches(self, texts: Sequence[str], size: int) -> Iterator[TextBatch]:
        """Batches of texts.

        Args:
            texts: The texts.
            size: At most so many at once.

        Yields:
            The batches.
        """


class StripInputs:
    """Strips and characters, as a `BiEncoder` takes them.

    Args:
        config: Sizes of the model.
        strip: What cuts a strip from pixels; None is `clippings.pictures.strips.strip`.
    """

    def __init__(self, config: BiEncoderConfig, strip: Callable[..., Any] | None = None) -> None:
        self.config, self._strip = config, strip

    def prepare(self, pictures: Sequence[Picture | None]) -> tuple[list[Any], Floats]:
        """Cut strips.

        Args:
            pictures: Pictures.

        Returns:
            A strip's pixels of each picture, None where there is none, and its contrast and sharpness, (n, 2)
            float32, nan where there is none.
        """
        cut = self._strip or import_module("clippings.pictures.strips").strip
        quality = np.full((len(pictures), len(HINTS) - 1), np.nan, np.float32)
        made: list[Any] = []
        for row, picture in enumerate(pictures):
            pixels = None if picture is None else picture.pixels
            if pixels is None:
                made.append(None)
                continue
            found = cut(pixels, short=self.config.short, longest=self.config.longest)
            quality[row] = found.quality
            made.append(found.pixels)
        return made, quality

    def image_batches(self, prepared: Sequence[Any], size: int) -> Iterator[ImageBatch]:
        """Strips of one direction and like lengths side by side.

        Args:
            prepared: Pixels of strips, (short, length) or (length, short) uint8; None is left out.
            size: At most so many at once.

        Yields:
            The batches.

        Raises:
            EncoderError: No side of a strip is as short as it has to be.
        """
        short = self.config.short
        there = [row for row, pixels in enumerate(prepared) if pixels is not None]
        for vertical in (False, True):
            rows = [row for row in there if is_vertical(prepared[row], short) == vertical]
            axis = 0 if vertical else 1
            lengths = [prepared[row].shape[axis] for row in rows]
            for group in alike(lengths, size):
                chosen = [rows[place] for place in group]
                pixels, mask = padded([prepared[row] for row in chosen], vertical)
                yield ImageBatch(np.array(chosen, np.int64), pixels, mask, vertical)

    def text_batches(self, texts: Sequence[str], size: int) -> Iterator[TextBatch]:
        """Texts of like lengths side by side.

        Args:
            texts: Any texts; they are brought to NFKC here.
            size: At most so many at once.

        Yields:
            The batches.
        """
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
    """A text in NFKC, cut.

    Args:
        text: The text.
        longest: Characters that are kept.

    Returns:
        The text.

    Raises:
        EncoderError: It is no string.

    Example:
        >>> normal("㈱ＡＢＣ", 5)
        '(株)AB'
    """
    if not isinstance(text, str):
        raise EncoderError(
            f"A text was expected. Given: a {type(text).__name__}, {text!r:.60}. Convert it to str."
        )
    return unicodedata.normalize("NFKC", text[: longest * _GROWTH])[:longest]


def is_vertical(pixels: npt.NDArray[np.uint8], short: int) -> bool:
    """Whether a strip's print runs from top to bottom: its short side then is its width.

    Args:
        pixels: (h, w).
        short: The short side.

    Returns:
        Whether it does.

    Raises:
        EncoderError: Neither side is that short.
    """
    if pixels.ndim != 2 or short not in pixels.shape:
        raise EncoderError(
            f"A strip has another short side than the model takes. Given: {pixels.shape}, short={short}. Cut "
            "it with that short side."
        )
    return bool(pixels.shape[0] != short)


def padded(strips: Sequence[npt.NDArray[np.uint8]], vertical: bool) -> tuple[Floats, Bools]:
    """Strips of one direction as one array.

    Args:
        strips: Pixels.
        vertical: Whether they run from top to bottom.

    Returns:
        (n, 1, short, length) float32, or (n, 1, length, short), white behind the end; the length is a
        multiple of 8. And which columns are a part of the strip, (n, length) bool.
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
    """Groups of like lengths, the longest first.

    Args:
        lengths: Lengths.
        size: At most so many in a group.

    Yields:
        Their places; within a group the shortest has at least four fifths of the longest's length.

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
