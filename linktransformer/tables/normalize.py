"""Text normalisation: one form for texts that a reader takes for the same text.

Keys, block keys, n-grams and models all use the normalised text. The caller's cells are never changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from linktransformer.arrays import Objects
from linktransformer.tables import cells
from linktransformer.tables.factorize import factorize

__all__ = ["folded", "is_blank", "normalize", "normalized"]

# Default_Ignorable_Code_Point of the Unicode Character Database (DerivedCoreProperties.txt, version 16)
IGNORABLE = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors, vowel separator
    (0x200B, 0x200F),  # zero width space, non-joiner and joiner, marks of direction
    (0x202A, 0x202E),  # embeddings and overrides of direction
    (0x2060, 0x206F),  # word joiner, invisible operators, isolates of direction
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # zero width no-break space, the byte order mark
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xFFF0, 0xFFF8),  # unassigned
    (0x1BCA0, 0x1BCA3),  # shorthand format controls
    (0x1D173, 0x1D17A),  # musical format controls
    (0xE0000, 0xE0FFF),  # tags, variation selectors, unassigned
)
_CHARACTERS = "".join(f"{chr(low)}-{chr(high)}" for low, high in IGNORABLE)
_IGNORABLE = re.compile(f"[{_CHARACTERS}]+")
_BLANK = re.compile(rf"[\s{_CHARACTERS}]*")
_CHUNK = 100_000  # texts normalised at a time: bounds the size of the copy


def is_blank(value: object) -> bool:
    r"""Whether a cell is a text of nothing but white space and characters that `normalize` removes.

    Example:
        >>> [is_blank(value) for value in ("", " \u200b", "a", 0)]
        [True, True, False, False]
    """
    return isinstance(value, str) and _BLANK.fullmatch(value) is not None


def normalize(text: str) -> str:
    r"""Write a text in the form in which it is compared.

    Characters with the Unicode property Default_Ignorable_Code_Point are removed (soft hyphen, zero width
    space, joiner and non-joiner, word joiner, byte order mark, variation selectors, direction marks). Then
    Normalization Form KC (Unicode Standard Annex 15) unifies composed and decomposed letters, full width and
    plain letters, ligatures and their letters. Runs of white space become one space; leading and trailing
    white space is removed. Case is kept. Normalising twice changes nothing.

    The zero width non-joiner separates parts of words in Persian, and both joiners choose letter forms in
    Indic scripts; a text with and without them is the same text here. NFKC writes "½" as "1⁄2", "²" as "2"
    and "™" as "TM". The tokenizer of "linker-multilingual" applies a variant of NFKC itself; it reads a zero
    width space or byte order mark as a space, which is the only difference.

    Example:
        >>> normalize("Cafe\u0301\u00a0 \ufb01n\u00adal\u200b ") == "Caf\u00e9 final"
        True
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _IGNORABLE.sub("", text))
    return cells.clean([text])[0]


def normalized(texts: Sequence[str] | Objects) -> Objects:
    r"""`normalize` of many texts, (n,) object: each unique text that is not ASCII once, many in one call.

    Example:
        >>> normalized(["Acme", "e\u0301", "\u200b"]).tolist() == ["Acme", "\u00e9", ""]
        True
    """
    listed: list[str] = texts.tolist() if isinstance(texts, np.ndarray) else list(texts)
    if all(map(str.isascii, listed)):
        return np.fromiter(cells.clean(listed), dtype=object, count=len(listed))
    unique, place = factorize(listed)
    not_ascii = [number for number, text in enumerate(unique) if not text.isascii()]
    for start in range(0, len(not_ascii), _CHUNK):
        chunk = not_ascii[start : start + _CHUNK]
        for number, text in zip(chunk, _composed([unique[number] for number in chunk]), strict=True):
            unique[number] = text
    cleaned = np.fromiter(cells.clean(unique), dtype=object, count=len(unique))
    return cleaned[place]


def folded(texts: Sequence[str] | Objects) -> Objects:
    r"""Normalised texts without differences of case, (n,) object.

    This is the compatibility caseless match of the Unicode Standard (section 3.13, D146), with ignorable
    characters and white space treated as `normalize` does.

    Example:
        >>> folded(["STRASSE ", "stra\u00dfe", "New\u00a0York"]).tolist()
        ['strasse', 'strasse', 'new york']
    """
    normal = normalized(texts)
    whole = "\0".join(normal.tolist()).casefold()  # normalised texts have no NUL
    folded = np.fromiter(whole.split("\0"), dtype=object, count=len(normal)) if len(normal) else normal
    return folded if whole.isascii() else normalized(folded)  # case folding may decompose letters


def _composed(texts: list[str]) -> list[str]:
    """NFKC without ignorable characters. No character combines with the NUL between two texts."""
    whole = "\0".join([text.replace("\0", " ") if "\0" in text else text for text in texts])
    return unicodedata.normalize("NFKC", _IGNORABLE.sub("", whole)).split("\0")
