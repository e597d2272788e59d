"""How one name comes to be written in two ways, and names that look alike and are others.

Everything is drawn from a `random.Random`, so that a seed fixes it. Digits are never changed by noise: a
model number that differs is another product, and that is what `sibling` makes.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Sequence

SHORT = {
    "company": "co.", "corporation": "corp.", "limited": "ltd.", "incorporated": "inc.",
    "brothers": "bros.",
    "international": "intl.", "national": "natl.", "manufacturing": "mfg.", "association": "assn.",
    "department": "dept.", "university": "univ.", "institute": "inst.", "laboratory": "lab.", "and": "&",
    "industries": "ind.", "technology": "tech.", "technologies": "tech.", "services": "svcs.",
    "street": "st.",
    "road": "rd.", "avenue": "ave.", "saint": "st.", "mount": "mt.", "fort": "ft.", "general": "gen.",
    "electric": "elec.", "engineering": "eng.", "systems": "sys.", "management": "mgmt.", "group": "grp.",
    "holdings": "hldgs.", "insurance": "ins.", "railway": "ry.", "railroad": "rr.", "journal": "j.",
    "proceedings": "proc.", "conference": "conf.", "transactions": "trans.", "american": "am.",
    "center": "ctr.",
    "hospital": "hosp.", "government": "govt.", "building": "bldg.", "north": "n.", "south": "s.",
    "east": "e.",
    "west": "w.", "number": "no.", "professional": "pro", "edition": "ed.", "black": "blk", "with": "w/",
    "gesellschaft": "ges.", "strasse": "str.", "straße": "str.", "und": "u.", "sankt": "st.",
    "société": "sté", "compagnie": "cie", "hermanos": "hnos.", "株式会社": "(株)", "有限会社": "(有)",
    "有限公司": "公司", "общество": "об-во",
}  # fmt: skip
LONG = {short.rstrip("."): word for word, short in reversed(SHORT.items()) if len(short) > 2}
FORMS = (
    ("Inc.", "Inc", "Incorporated", ", Inc."), ("Corp.", "Corporation", "Corp"),
    ("Ltd.", "Limited", "Ltd", "Co., Ltd."),
    ("Co.", "Company", "& Co.", "Co"), ("LLC", "L.L.C.", "Limited Liability Company"),
    ("PLC", "plc", "Public Limited Company"),
    ("GmbH", "Gesellschaft mbH", "G.m.b.H."), ("AG", "Aktiengesellschaft", "A.G."),
    ("S.A.", "SA", "Société Anonyme"),
    ("S.p.A.", "SpA", "Società per Azioni"), ("S.r.l.", "Srl"), ("B.V.", "BV"), ("N.V.", "NV"),
    ("AB", "Aktiebolag"),
    ("Oy", "Oyj"), ("A/S", "AS"), ("S.L.", "SL"), ("Sp. z o.o.", "Sp.z o.o."),
    ("K.K.", "KK", "Kabushiki Kaisha"),
    ("Pty Ltd", "Pty. Ltd.", "Proprietary Limited"), ("S.A. de C.V.", "SA de CV"),
    ("Ltda.", "Ltda", "Limitada"),
)  # fmt: skip
FORM_OF = {form.strip(", ").lower(): number for number, forms in enumerate(FORMS) for form in forms}
SEEN = {  # what a page shows as something else, letters only
    "rn": "m", "m": "rn", "cl": "d", "d": "cl", "l": "i", "i": "l", "e": "c", "c": "e", "h": "b", "b": "h",
    "I": "l", "u": "n", "n": "u", "vv": "w", "w": "vv", "f": "t",
    "t": "f", "a": "o", "g": "q", "ー": "一", "口": "ロ", "力": "カ", "二": "ニ", "工": "エ",
    "シ": "ツ", "ン": "ソ",
    "и": "н", "п": "н", "ш": "щ", "о": "a",
}  # fmt: skip
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
BESIDE = {row[at]: row[max(0, at - 1) : at] + row[at + 1 : at + 2] for row in KEYS for at in range(len(row))}
UNITS = (
    (re.compile(r"(\d)\s?(?:inches|inch|in\.|\")", re.I), ("\\1\"", "\\1 inch", "\\1-inch", "\\1 in")),
    (re.compile(r"(\d)\s?(gb|mb|tb|ml|kg|mm|cm|hz|mah|w|v)\b", re.I), ("\\1\\2", "\\1 \\2")),
    (re.compile(r"(\d),(\d{3})\b"), ("\\1\\2", "\\1 \\2")),
    (re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b"), ("\\3.\\2.\\1", "\\3/\\2/\\1", "\\1/\\2/\\3", "\\1\\2\\3")),
    (re.compile(r"\bno\.?\s?(\d)", re.I), ("No. \\1", "#\\1", "Nr. \\1", "№ \\1")),
)  # fmt: skip
DIGITS = re.compile(r"\d+")
WIDE = {ord(" "): "\u3000", **{code: code + 0xFEE0 for code in range(0x21, 0x7F)}}
Noise = Callable[[str, random.Random], str]


def case(text: str, draw: random.Random) -> str:
    """Upper, lower or title case."""
    return draw.choice((str.upper, str.lower, str.lower, str.title))(text)


def spacing(text: str, draw: random.Random) -> str:
    """Spaces, hyphens and points put or taken away."""
    kind = draw.randrange(4)
    if kind == 0:
        return text.replace("-", " ") if "-" in text else text.replace(" ", "-", 1)
    if kind == 1:
        return re.sub(r"(?<!\d)[.,'’&/()](?!\d)", " ", text).strip() or text
    if kind == 2 and " " in text:
        spaces = [at for at, char in enumerate(text) if char == " "]
        at = draw.choice(spaces)
        return text[:at] + text[at + 1 :]
    return re.sub(r"(?<!\d)[.,'’](?!\d)", "", text).strip() or text


def typing(text: str, draw: random.Random) -> str:
    """One slip of a finger: letters swapped, lost, doubled, or the key beside."""
    at = _letter(text, draw)
    if at is None or len(text) < 4:
        return text
    kind = draw.randrange(4)
    if kind == 0 and at + 1 < len(text) and text[at + 1].isalpha():
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if kind == 1:
        return text[:at] + text[at + 1 :]
    if kind == 2:
        return text[:at] + text[at] + text[at:]
    other = BESIDE.get(text[at].lower(), "")
    return text[:at] + draw.choice(other) + text[at + 1 :] if other else text


def reading(text: str, draw: random.Random) -> str:
    """One or two characters that an OCR engine takes for others."""
    for _ in range(draw.randrange(1, 3)):
        at = _letter(text, draw)
        if at is None:
            return text
        for size in (2, 1):
            seen = SEEN.get(text[at : at + size])
            if seen is not None:
                text = text[:at] + seen + text[at + size :]
                break
    return text


def dropping(text: str, draw: random.Random) -> str:
    """A word without digits lost, of three or more."""
    words = text.split(" ")
    able = [at for at, word in enumerate(words) if at and not DIGITS.search(word)]
    if len(words) < 3 or not able:
        return text
    del words[draw.choice(able)]
    return " ".join(words)


def swapping(text: str, draw: random.Random) -> str:
    """The last word first, with a comma or without; or two neighbours swapped."""
    words = text.split(" ")
    if len(words) < 2:
        return text
    if len(words) < 4 and draw.random() < 0.6:
        comma = "," if draw.random() < 0.6 else ""
        return " ".join([words[-1] + comma, *words[:-1]])
    at = draw.randrange(len(words) - 1)
    words[at : at + 2] = words[at + 1], words[at]
    return " ".join(words)


def shortening(text: str, draw: random.Random) -> str:
    """Words for their abbreviations, or the other way; a long word cut."""
    words = text.split(" ")
    for at in draw.sample(range(len(words)), len(words)):
        bare = words[at].strip(".,").lower()
        other = SHORT.get(bare) or LONG.get(bare)
        if other:
            words[at] = other.title() if words[at][:1].isupper() else other
            return " ".join(words)
    for whole, short in (
        ("株式会社", "(株)"),
        ("有限会社", "(有)"),
        ("有限公司", "公司"),
        ("(株)", "株式会社"),
    ):
        if whole in text:
            return text.replace(whole, short)
    able = [at for at, word in enumerate(words) if len(word) > 6 and word.isalpha() and word.isascii()]
    if len(words) > 1 and able:
        at = draw.choice(able)
        words[at] = words[at][: draw.randrange(3, 6)] + draw.choice(("", "."))
    return " ".join(words)


def form(text: str, draw: random.Random) -> str:
    """The legal form at the end written otherwise, or left away."""
    words = text.split(" ")
    for size in (3, 2, 1):
        number = FORM_OF.get(" ".join(words[-size:]).strip(", ").lower()) if len(words) > size else None
        if number is not None:
            front = " ".join(words[:-size]).rstrip(",")
            other = draw.choice(FORMS[number])
            return front if draw.random() < 0.4 else f"{front} {other}".replace(" ,", ",")
    for whole in ("株式会社", "有限会社", "(株)", "有限公司"):
        if text.startswith(whole) or text.endswith(whole):
            bare = text.removeprefix(whole).removesuffix(whole).strip()
            return draw.choice((bare, bare + whole, whole + bare)) if bare else text
    return text


def initials(text: str, draw: random.Random) -> str:
    """First names for their initials."""
    words = text.split(" ")
    able = [
        at for at, word in enumerate(words[:-1]) if word.isalpha() and word[:1].isupper() and len(word) > 2
    ]
    if not able or len(words) > 4:
        return text
    for at in able if draw.random() < 0.4 else [draw.choice(able)]:
        words[at] = words[at][0] + draw.choice((".", "."))
    return " ".join(words)


def marks(text: str, draw: random.Random) -> str:
    """Without accents; or in wide or narrow characters, as Japanese tables have both."""
    if any("\u3040" <= char <= "\u9fff" for char in text):
        narrow = unicodedata.normalize("NFKC", text)
        return narrow if narrow != text else text.translate(WIDE)
    if draw.random() < 0.3:
        text = text.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return bare or text


def units(text: str, draw: random.Random) -> str:
    """Measures, thousands, dates and numbers written otherwise."""
    for shape, ways in draw.sample(UNITS, len(UNITS)):
        if shape.search(text):
            return shape.sub(draw.choice(ways), text)
    return text


def acronym(text: str, draw: random.Random) -> str:
    """The first letters of three or more words, a legal form kept or left away."""
    words = text.split(" ")
    last = words[-1].strip(".,").lower()
    front, rest = (words[:-1], words[-1:]) if last in FORM_OF or last in LONG else (words, [])
    of = [word[0] for word in front if word[:1].isupper()]
    if len(of) < 3 or len(of) > 5 or not all(word.isalpha() for word in front):
        return text
    return " ".join(["".join(of), *(rest if draw.random() < 0.5 else [])])


WAYS: tuple[tuple[Noise, float], ...] = (
    (case, 3), (spacing, 2), (typing, 3), (reading, 2), (dropping, 1.5), (swapping, 1.5), (shortening, 3),
    (form, 2), (initials, 1), (marks, 1.5), (units, 2), (acronym, 0.5),
)  # fmt: skip
_NOISES, _WEIGHTS = [way for way, _ in WAYS], [weight for _, weight in WAYS]


def noisy(text: str, draw: random.Random, most: int = 3) -> str:
    """A text as somebody else might have written it.

    Args:
        text: The text.
        draw: Where the choices come from.
        most: At most so many things happen to it, at least one is tried.

    Returns:
        A text with the same digits in the same order; never empty.
    """
    for way in draw.choices(_NOISES, _WEIGHTS, k=draw.randrange(1, most + 1)):
        text = way(text, draw) or text
    return text


def sibling(text: str, draw: random.Random, words: Sequence[str] = ()) -> str | None:
    """A text that looks alike and names another thing: another number, initial, or word.

    Args:
        text: The text.
        draw: Where the choices come from.
        words: Texts of which one may stand in the place of a word.

    Returns:
        The other text; None where there is none.
    """
    found = list(DIGITS.finditer(text))
    if found and draw.random() < 0.8:
        one = draw.choice(found)
        at = draw.randrange(one.start(), one.end())
        return (
            text[:at] + draw.choice([digit for digit in "0123456789" if digit != text[at]]) + text[at + 1 :]
        )
    parts = text.split(" ")
    letters = [at for at, part in enumerate(parts) if len(part.strip(".")) == 1 and part[0].isalpha()]
    if letters and draw.random() < 0.7:
        at = draw.choice(letters)
        other = draw.choice([char for char in "ABCDEFGHJKLMNPRSTW" if char != parts[at][0].upper()])
        return " ".join([*parts[:at], other + parts[at][1:], *parts[at + 1 :]])
    able = [at for at, part in enumerate(parts) if len(part) > 3 and part.lower() not in FORM_OF]
    if len(parts) < 2 or not able or not words:
        return None
    at = draw.choice(able)
    other = draw.choice(words).split(" ")[0]
    if other.lower() == parts[at].lower():
        return None
    return " ".join([*parts[:at], other, *parts[at + 1 :]])


def _letter(text: str, draw: random.Random) -> int | None:
    """The place of a letter that stands beside no digit, the first one seldom; None where a try misses."""
    at = draw.randrange(len(text)) if text else 0
    if not text or not text[at].isalpha() or DIGITS.search(text[max(0, at - 1) : at + 2]):
        return None
    return at
