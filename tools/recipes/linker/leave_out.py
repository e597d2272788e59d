"""What must not be learned from: texts that are, or are nearly, those of the sets that `zero_label` measures.

The texts of a set are the cells of its columns that tell rows apart, and these columns joined. A text is left
out where it equals one of them, letters and digits alone being compared, or where their sets of character
trigrams have a Jaccard index above .8 (longer texts only: of four letters every second word is near another).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from tools import data

NEAR = 0.8
SHORTEST = 6  # characters of a text that is compared by its trigrams
CELL = 120  # longer cells are descriptions, whose near copies no list of names holds
APART = 0.3  # share of different values from which a column tells rows apart
BITS = 251  # of the signature of a text
WORDS = re.compile(r"[\W_]+")


def plain(text: str) -> str:
    """Letters and digits of a text, in small letters without marks.

    Example:
        >>> plain("Café  Ltd.")
        'cafe ltd'
    """
    bare = unicodedata.normalize("NFKD", text.casefold())
    joined = "".join(char for char in bare if not unicodedata.combining(char))
    return WORDS.sub(" ", unicodedata.normalize("NFC", joined)).strip()


def trigrams(text: str) -> frozenset[str]:
    """The different runs of three characters of a plain text, with a space before and after it."""
    padded = f" {text} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def signature(grams: frozenset[str]) -> int:
    """A set of trigrams as bits, one for each, some of them shared."""
    bits = 0
    for gram in grams:
        bits |= 1 << (ord(gram[0]) * 31 + ord(gram[1]) * 17 + ord(gram[2])) % BITS
    return bits


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Texts that must not be learned from, ready to be compared with.

    The trigrams of a text are put in a fixed order, rare ones first. Two sets with a Jaccard index above t
    share one of the first n - ceil(t n) + 1 of either (S. Chaudhuri et al., 2006), so that only texts with
    such a trigram are looked at.

    Args:
        texts: The texts.

    Example:
        >>> banned = LeftOut(["Hill Railway Company"])
        >>> [name for name in ("Hill Railway Compan", "hill railway company", "Hill Mills") if name in banned]
        ['Hill Railway Compan', 'hill railway company']
    """

    texts: Iterable[str]
    _equal: set[str] = field(default_factory=set)
    _grams: list[frozenset[str]] = field(default_factory=list)
    _by_gram: dict[tuple[str, int], list[tuple[int, frozenset[str]]]] = field(default_factory=dict)
    _rarity: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._equal.update(filter(None, map(plain, self.texts)))
        self._grams.extend(trigrams(text) for text in sorted(self._equal) if len(text) >= SHORTEST)
        for grams in self._grams:
            self._rarity.update(grams)
        for grams in self._grams:
            entry = signature(grams), grams
            for gram in self._first(grams):
                self._by_gram.setdefault((gram, len(grams)), []).append(entry)

    def __len__(self) -> int:
        return len(self._equal)

    def __contains__(self, text: str) -> bool:
        bare = plain(text)
        if bare in self._equal:
            return True
        return len(bare) >= SHORTEST and self._near(bare)

    def _first(self, grams: frozenset[str]) -> Sequence[str]:
        n = len(grams)
        order = sorted(grams, key=lambda gram: (self._rarity[gram], gram))
        return order[: n - int(NEAR * n + 0.999999) + 1]

    def _near(self, bare: str) -> bool:
        grams = trigrams(bare)
        n, own = len(grams), signature(grams)
        sizes = [m for m in range(int(NEAR * n), int(n / NEAR) + 2) if min(m, n) > NEAR * max(m, n)]
        for gram in self._first(grams):
            if gram in self._rarity:
                for size in sizes:
                    least = NEAR * (n + size) / (1 + NEAR)  # common ones from which the index is above NEAR
                    for theirs, other in self._by_gram.get((gram, size), ()):
                        # bits that the other lacks are trigrams that it lacks: most are ruled out by these
                        if (own & ~theirs).bit_count() < n - least and len(grams & other) > least:
                            return True
        return False


def is_near_plain(text: str, texts: Iterable[str]) -> bool:
    """As `text in LeftOut(texts)`, by comparing with every one: the reference of the fast way."""
    bare = plain(text)
    for other in map(plain, texts):
        if bare == other and bare:
            return True
        if len(bare) >= SHORTEST and len(other) >= SHORTEST:
            one, two = trigrams(bare), trigrams(other)
            if len(one & two) > NEAR * len(one | two):
                return True
    return False


@lru_cache(maxsize=1)
def measured_texts() -> frozenset[str]:
    """The texts of every set that `zero_label` measures; empty where the data folder is not there."""
    found: set[str] = set()
    if data.missing("data", "baseline.py"):
        return frozenset()
    for name in data.names():
        for folder in data.tasks(name):
            tables = data.load(folder)
            for side in (tables.left, tables.right):
                found.update(telling(side))
    return frozenset(found)


def telling(table: object) -> set[str]:
    """Cells of the columns that tell rows apart, and the whole of each row's columns of that kind.

    Args:
        table: A pandas table of strings with a column `id`.

    Returns:
        Texts of up to 120 characters that have a letter.
    """
    frame = table.drop(columns="id")  # type: ignore[attr-defined] # pandas is not there when this is read
    names = [name for name in frame.columns if frame[name].nunique() > APART * len(frame)]
    found = {cell for name in names for cell in frame[name]}
    if len(names) > 1:
        found.update(" ".join(filter(None, row)) for row in frame[names].itertuples(index=False))
    return {text for text in found if 0 < len(text) <= CELL and any(char.isalpha() for char in text)}
