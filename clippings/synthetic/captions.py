"""A caption as other papers print it: shortened, rewritten, translated, and misread by an OCR engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from clippings.errors import EncoderError
from clippings.settings import is_real
from clippings.synthetic.confusions import Confusions, shipped_confusions

AGENCIES = ("AP", "UPI", "Reuters", "AFP", "dpa", "Keystone", "Staff photo", "Wirephoto", "Photo")
PLACES = ("London", "Paris", "New York", "Berlin", "Chicago", "Roma", "Madrid", "Tokyo", "Zürich", "Boston")
MONTHS = ("Jan.", "Feb.", "March", "April", "May", "June", "July", "Aug.", "Sept.", "Oct.", "Nov.", "Dec.")


@dataclass(frozen=True, kw_only=True)
class CaptionChanges:
    """How likely each change of a caption is.

    Args:
        translated: Share of captions printed in another of the given languages.
        shortened: Share that lose words at the end.
        rewritten: Share that get another beginning or end: an agency, a place, a date, capitals.
        misread: Share that an OCR engine reads.
        error_rate: Its errors are so many times as likely as in the shipped table of English print.

    Raises:
        EncoderError: A share is not between 0 and 1, or the rate is negative.

    Example:
        >>> CaptionChanges(translated=0.0).shortened
        0.35
    """

    translated: float = 0.35
    shortened: float = 0.35
    rewritten: float = 0.5
    misread: float = 0.6
    error_rate: float = 1.0

    def __post_init__(self) -> None:
        shares = (self.translated, self.shortened, self.rewritten, self.misread)
        good = all(is_real(share) and 0 <= share <= 1 for share in shares)
        if not good or not is_real(self.error_rate) or not 0 <= self.error_rate <= 10:
            raise EncoderError(
                f"Changes of captions cannot work. Given: {self}. Give shares from 0 to 1, and an error rate "
                "from 0 to 10."
            )


def reword(
    captions: Mapping[str, str],
    changes: CaptionChanges = CaptionChanges(),
    seed: int | np.random.Generator = 0,
    *,
    home: str = "en",
) -> tuple[str, str]:
    """Print a caption again.

    Args:
        captions: The caption by language.
        changes: What may happen to it.
        seed: A number, or where the draws come from; the same one gives the same caption.
        home: The language in which it is printed unless it is translated.

    Returns:
        The text, "" without a caption, and its language.

    Example:
        >>> shorter = CaptionChanges(shortened=1, rewritten=0, misread=0)
        >>> reword({"en": "A chick on the farm."}, shorter, seed=1)
        ('A chick', 'en')
    """
    draw = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    chances = draw.random(4)
    if not captions:
        return "", home
    language = home if home in captions else sorted(captions)[0]
    others = sorted(set(captions) - {language})
    if others and chances[0] < changes.translated:
        language = others[int(draw.integers(len(others)))]
    text = captions[language]
    if chances[1] < changes.shortened:
        text = _shortened(text, draw)
    if chances[2] < changes.rewritten:
        text = _rewritten(text, draw)
    if chances[3] < changes.misread and changes.error_rate:
        text = _engine().read(text, draw, rate=changes.error_rate).text or text
    return text, language


def _shortened(text: str, draw: np.random.Generator) -> str:
    words = text.split()
    kept = max(min(2, len(words)), round(len(words) * draw.uniform(0.3, 0.8)))
    if len(words) > 1:
        return " ".join(words[:kept])
    # scripts without spaces
    return text[: max(min(4, len(text)), round(len(text) * draw.uniform(0.5, 0.9)))]


def _rewritten(text: str, draw: np.random.Generator) -> str:
    agency, place = AGENCIES[int(draw.integers(len(AGENCIES)))], PLACES[int(draw.integers(len(PLACES)))]
    date = f"{MONTHS[int(draw.integers(12))]} {int(draw.integers(1, 29))}"
    bare = re.sub(r"[.。]\s*$", "", text)
    kind = int(draw.integers(7))
    return (
        f"{place}, {date} — {text}", f"{text} ({agency})", f"{agency}: {bare}", bare.upper(), bare,
        f"{place}: {bare} — {agency}", f"{bare}, {date}.",
    )[kind]  # fmt: skip


@lru_cache(maxsize=1)
def _engine() -> Confusions:
    return shipped_confusions("eng-modern")
