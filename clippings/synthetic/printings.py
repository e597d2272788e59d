"""Labelled clippings: pictures and captions, each printed several times by different presses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clippings.arrays import Integers
from clippings.errors import EncoderError
from clippings.pictures.pixel_formats import Pixels
from clippings.synthetic.captions import CaptionChanges, reword
from clippings.synthetic.press import Press, printed

_PRESS, _CHANGES = Press(), CaptionChanges()


@dataclass(frozen=True, slots=True, eq=False)
class Printings:
    """Clippings whose source pictures are known.

    Attributes:
        source: The picture that each shows, (n,) int64: equal numbers belong together.
        images: Stored pictures, JPEG or PNG.
        texts: Captions, "" where there is none.
        languages: The language of each caption.
    """

    source: Integers
    images: tuple[bytes, ...]
    texts: tuple[str, ...]
    languages: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def columns(self) -> dict[str, list[object]]:
        """Columns for a data frame.

        Returns:
            "photo" (bytes), "caption" and "source".
        """
        return {"photo": list(self.images), "caption": list(self.texts), "source": self.source.tolist()}


def reprint(
    pictures: Sequence[Pixels],
    captions: Sequence[Mapping[str, str]],
    times: int | Sequence[int] = 3,
    *,
    presses: Press | Sequence[Press] = _PRESS,
    changes: CaptionChanges = _CHANGES,
    swapped: float = 0.0,
    seed: int = 0,
) -> Printings:
    """Print every picture several times, each time with another press and another form of its caption.

    Args:
        pictures: Grey (h, w) or RGB (h, w, 3) uint8, some 200 to 400 pixels a side.
        captions: The caption of each by language; {} for none.
        times: How often each is printed, one number or one a picture.
        presses: The press, or several, of which one is drawn for each printing.
        changes: What happens to captions.
        swapped: Share of the printings that get the caption of another picture, as with stock pictures and
            mistakes of editors.
        seed: The same one gives the same clippings.

    Returns:
        The clippings, picture by picture.

    Raises:
        EncoderError: The lists do not have one length, or a number is wrong.
        MissingPackageError: Pillow is not installed.

    Example:
        >>> ramp = np.tile(np.linspace(0, 255, 90).astype(np.uint8), (60, 1))
        >>> clippings = reprint([ramp, ramp.T.copy()], [{"en": "A ramp."}, {}], times=2)
        >>> len(clippings), clippings.source.tolist(), clippings.texts[2]
        (4, [0, 0, 1, 1], '')
    """
    n = len(pictures)
    counts = [times] * n if isinstance(times, int) else [int(count) for count in times]
    choices = [presses] if isinstance(presses, Press) else list(presses)
    one_each = len(captions) == n == len(counts)
    if not one_each or not choices or min([0, *counts]) < 0 or not 0 <= swapped <= 1:
        raise EncoderError(
            f"Clippings cannot be made. Given: {n} pictures, {len(captions)} captions, times={times!r:.60}, "
            f"{len(choices)} presses, swapped={swapped!r}. Give one caption a picture, whole numbers, a "
            "press, and a share from 0 to 1."
        )
    plan = list(draws(captions, counts, choices, changes, swapped, seed))
    images = tuple(
        printed(pictures[one.source], one.press, one.draw, other=pictures[one.other]) for one in plan
    )
    return Printings(
        np.array([one.source for one in plan], np.int64),
        images,
        tuple(one.text for one in plan),
        tuple(one.language for one in plan),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """A printing that is not done yet: what is printed how, and with which text."""

    source: int
    other: int
    press: Press
    draw: np.random.Generator
    text: str
    language: str


def draws(
    captions: Sequence[Mapping[str, str]],
    times: Sequence[int],
    presses: Sequence[Press],
    changes: CaptionChanges,
    swapped: float,
    seed: int,
) -> Iterator[Draw]:
    """The printings of `reprint`; those of a picture do not depend on how often others are printed."""
    n = len(captions)
    for source, count in enumerate(times):
        for printing in range(count):
            draw = np.random.default_rng([seed, source, printing])
            of_press, of_text = draw.spawn(2)
            other = int(draw.integers(n))
            shown = captions[other] if draw.random() < swapped else captions[source]
            press = presses[int(draw.integers(len(presses)))]
            yield Draw(source, other, press, of_press, *reword(shown, changes, of_text))
