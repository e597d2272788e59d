"""A reading: what an OCR engine took a crop for, and how sure it was."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from a crop.

    Args:
        text: The text; "" where nothing was read.
        confidence: From 0 to 1, as the engine itself says; nan where it is not known.
    """

    text: str
    confidence: float = float("nan")


class Reader(Protocol):
    """Gives a reading of every crop: an OCR engine, or a model of one."""

    def read_crops(
        self, images: Sequence[bytes], printed: Sequence[str], seeds: Sequence[int]
    ) -> Sequence[Reading]:
        """Read crops.

        Args:
            images: The stored crops; all that a real engine looks at.
            printed: What they show; all that a model of an engine looks at.
            seeds: A number for each crop, for whatever is drawn.

        Returns:
            A reading of each crop, in their order.
        """
        ...


def tidy(text: str, *, spaces: bool) -> str:
    """A text in normal form (NFKC), its white space made single blanks, or left out.

    Args:
        text: The text.
        spaces: Whether blanks mean something in this writing.

    Returns:
        The text.

    Example:
        >>> tidy(" （株） 山 田 ", spaces=False), tidy(" Hill  & Co. ", spaces=True)
        ('(株)山田', 'Hill & Co.')
    """
    words = unicodedata.normalize("NFKC", text).split()
    return (" " if spaces else "").join(words)
