"""A reading: the text that an OCR engine read from a crop, and its confidence."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reading:
    """The text that was read from a crop.

    Args:
        text: The text; "" where nothing was read.
        confidence: From 0 to 1, as the engine reports it; nan where it is unknown.
    """

    text: str
    confidence: float = float("nan")


class Reader(Protocol):
    """An OCR engine, or a model of one."""

    def read_crops(
        self, images: Sequence[bytes], printed: Sequence[str], seeds: Sequence[int]
    ) -> Sequence[Reading]:
        """A reading of each stored crop, in their order.

        A real engine uses the `images` alone; a model of an engine uses the `printed` texts, and a seed for
        each crop.
        """
        ...


def tidy(text: str, *, spaces: bool) -> str:
    """A text in NFKC, its white space collapsed to single spaces, or removed unless `spaces`.

    Example:
        >>> tidy(" （株） 山 田 ", spaces=False), tidy(" Hill  & Co. ", spaces=True)
        ('(株)山田', 'Hill & Co.')
    """
    words = unicodedata.normalize("NFKC", text).split()
    return (" " if spaces else "").join(words)
