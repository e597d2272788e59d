"""Errors in a cell: what typists, readers of print and short forms do to a text."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from .draw import Draw
from .lists_people import SHORT

OCR: dict[str, tuple[str, ...]] = {
    "m": ("rn", "in"), "l": ("1", "I", "i"), "i": ("l", "1", "j"), "o": ("0", "c", "e"), "e": ("c", "o"),
    "s": ("5", "f", "a"), "b": ("h", "6"), "h": ("b", "li"), "u": ("n", "ii"), "n": ("u", "ri"),
    "a": ("o", "s"),
    "c": ("e", "o"), "t": ("f", "l"), "f": ("t", "s"), "g": ("q", "9"), "d": ("cl",), "w": ("vv",),
    "r": ("t", "n"),
    "B": ("8", "R"), "S": ("5", "8"), "O": ("0", "Q"), "I": ("l", "1"), "E": ("F", "B"), "R": ("K", "B"),
}  # fmt: skip
NEAR: dict[str, str] = {
    "a": "sqz", "b": "vgn", "c": "xdv", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy",
    "i": "uok",
    "j": "hku", "k": "jli", "l": "kop", "m": "nk", "n": "bmh", "o": "ipl", "p": "ol", "q": "wa", "r": "etf",
    "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs", "y": "tuh", "z": "xas",
}  # fmt: skip
SOUNDS: tuple[tuple[str, str], ...] = (
    ("ph", "f"), ("ck", "k"), ("th", "t"), ("ll", "l"), ("nn", "n"), ("ss", "s"), ("tt", "t"), ("ie", "y"),
    ("ei", "ie"), ("ou", "u"), ("y", "i"), ("c", "k"), ("ee", "ea"), ("v", "w"), ("z", "s"), ("dt",
    "t"), ("oo", "u"),
    ("ai", "ay"), ("mb", "m"), ("x", "ks"), ("j", "y"), ("gh", "g"),
)  # fmt: skip
_DIGIT = re.compile(r"\d")


@lru_cache(maxsize=65536)
def plain_letters(text: str) -> str:
    """The text without accents; letters that are not Latin stay."""
    if text.isascii():
        return text
    for old, new in (("ß", "ss"), ("ø", "o"), ("Ø", "O"), ("ł", "l"), ("Ł", "L"), ("ı", "i")):
        text = text.replace(old, new)
    return "".join(
        unicodedata.normalize("NFKD", c)[0] if "À" <= c <= "ɏ" or "Ḁ" <= c <= "ỿ" else c for c in text
    )


def typo(draw: Draw, text: str, letters: str = "") -> str:
    """One slip of the keyboard; digits stay.

    Args:
        draw: The source of chance.
        text: The text.
        letters: Letters of another script that a wrong letter comes from.
    """
    if not text:
        return text
    at = draw.whole(0, len(text) - 1)
    for _ in range(6):
        if text[at].isalpha():
            break
        at = draw.whole(0, len(text) - 1)
    old = text[at]
    if not old.isalpha():
        return text
    kind = draw.whole(0, 4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1 and at + 1 < len(text) and text[at + 1].isalpha():
        return text[:at] + text[at + 1] + old + text[at + 2 :]
    if kind == 2:
        return text[:at] + old + text[at:]
    new = draw.pick(letters or NEAR.get(old.lower(), "aeiou"))
    new = new.upper() if old.isupper() else new
    return text[:at] + new + text[at if kind == 3 else at + 1 :]


def misread(draw: Draw, text: str, letters: str = "") -> str:
    """One misreading of print; digits stay."""
    for _ in range(8 if text else 0):
        at = draw.whole(0, len(text) - 1)
        if letters and text[at].isalpha():
            return text[:at] + draw.pick(letters) + text[at + 1 :]
        if text[at] in OCR:
            return text[:at] + draw.pick(OCR[text[at]]) + text[at + 1 :]
    return text


def by_ear(draw: Draw, text: str) -> str:
    """Spelled as it is heard."""
    for _ in range(6):
        old, new = draw.pick(SOUNDS)
        if old in text[1:]:
            at = text.index(old, 1)
            return text[:at] + new + text[at + len(old) :]
    return typo(draw, text)


def digit_slip(draw: Draw, text: str) -> str:
    """One wrong digit or two that changed places."""
    places = [at for at, c in enumerate(text) if c.isdigit()]
    if not places:
        return text
    at = draw.pick(places)
    if draw.chance(0.4) and at + 1 < len(text) and text[at + 1].isdigit():
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + str((int(text[at]) + draw.whole(1, 9)) % 10) + text[at + 1 :]


def _loose(words: list[str]) -> list[int]:
    """Places of words that may go: none with a digit, not a short code or a roman number."""
    return [
        at for at, w in enumerate(words) if len(w) > 1 and not _DIGIT.search(w) and not set(w) <= set("IVX")
    ]


def drop_word(draw: Draw, text: str) -> str:
    """Without one of its words; at least two stay, and the first goes seldom."""
    words = text.split(" ")
    loose = _loose(words)
    if len(words) < 3 or not loose:
        return text
    at = max(draw.pick(loose), draw.pick(loose))
    return " ".join(words[:at] + words[at + 1 :])


def swap_words(draw: Draw, text: str) -> str:
    """Two words that stand side by side change places."""
    words = text.split(" ")
    loose = [at for at in _loose(words) if at and at - 1 in _loose(words)]
    if not loose:
        return text
    at = draw.pick(loose)
    words[at - 1], words[at] = words[at], words[at - 1]
    return " ".join(words)


def shorten_word(draw: Draw, text: str) -> str:
    """One word as a short form."""
    words = text.split(" ")
    known = [at for at, w in enumerate(words) if w in SHORT]
    if known:
        at = draw.pick(known)
        words[at] = SHORT[words[at]] + draw.pick(("", "."))
    else:
        long = [at for at in _loose(words) if len(words[at]) > 5]
        if not long or len(words) < 2:
            return text
        at = draw.pick(long)
        words[at] = words[at][: draw.whole(3, 5)] + draw.pick(("", "."))
    return " ".join(words)


def join_words(draw: Draw, text: str) -> str:
    """A space that got lost, or a hyphen in its place."""
    places = [at for at, c in enumerate(text) if c == " "]
    if not places:
        return text
    at = draw.pick(places)
    return text[:at] + draw.pick(("", "-", "  ")) + text[at + 1 :]


def split_word(draw: Draw, text: str) -> str:
    """A space too many."""
    at = draw.whole(1, max(1, len(text) - 2))
    return text[:at] + " " + text[at:] if text[at - 1 : at + 1].isalpha() else text


def squeeze(text: str) -> str:
    """Words apart by one space."""
    return " ".join(text.split())


def date_slip(draw: Draw, text: str) -> str:
    """A wrong date: a digit, day for month, or the first of the month. Dates are yyyy-mm-dd."""
    if len(text) != 10:
        return digit_slip(draw, text)
    year, month, day = text.split("-")
    kind = draw.whole(0, 3)
    if kind == 0 and int(day) <= 12:
        return f"{year}-{day}-{month}"
    if kind == 1:
        return f"{year}-{month}-{draw.pick(('01', '15', f'{draw.whole(1, 28):02d}'))}"
    if kind == 2:
        return f"{int(year) + draw.pick((-10, -1, 1, 10))}-{month}-{day}"
    return f"{year}-{draw.whole(1, 12):02d}-{day}"
