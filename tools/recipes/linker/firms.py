"""Made-up firms, persons and products, written as several languages and tables write them.

They are put together from public names (`sources`) and from the words of `words.txt`. As many
as are wanted, by a seed; those that a benchmark names are taken out afterwards (`leave_out`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

Group = tuple[str, ...]
FILE = Path(__file__).with_name("words.txt")
JA_FORMS = ("株式会社{}", "{}株式会社", "{}", "(株){}", "有限会社{}", "{}合資会社")
EN_FORMS = (
    "{} Co., Ltd.",
    "{} CO.,LTD.",
    "{} Corporation",
    "{} Inc.",
    "{}, Inc.",
    "{} Ltd.",
    "{} K.K.",
    "{}",
)
ZH_FORMS = ("{}有限公司", "{}股份有限公司", "{}集团", "{}")
RU_FORMS = ("ООО «{}»", "ОАО {}", "ЗАО {}", "АО «{}»", "{}", "ПАО {}")
WEST_FORMS = ("{}", "{} S.A.", "{} AG", "{} GmbH", "{} Ltd.", "{} S.p.A.", "{} & Co.", "{} PLC")
US_FORMS = (
    "{} Inc.",
    "{} Corporation",
    "{} Company",
    "{} LLC",
    "{}",
    "{} & Co.",
    "The {} Company",
    "{} Corp",
)
LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "pt_BR", "nl_NL", "pl_PL", "sv_SE", "cs_CZ",
           "tr_TR", "ro_RO", "hu_HU", "fi_FI", "no_NO", "hr_HR", "id_ID")  # fmt: skip
LONG_VOWELS = str.maketrans("āīūēōĀĪŪĒŌ", "aiueoAIUEO")
Part = tuple[str, str, tuple[str, ...]]  # a word, its reading or the word again, English
Parts = Mapping[str, Sequence[Any]]


def words(file: Path = FILE) -> dict[str, list[Any]]:
    """The lists of the file: parts for those with bars, rows of texts for the others."""
    found: dict[str, list[Any]] = {}
    for name, body in re.findall(r"^\[(\w+)\]\n(.*?)(?=^\[|\Z)", file.read_text("utf-8"), flags=re.M | re.S):
        rows: list[Any] = []
        for line in filter(None, body.splitlines()):
            cells = [cell.strip() for cell in line.split("|")]
            english = tuple(item.strip() for item in cells[-1].split(";"))
            rows.append((cells[0], cells[1] or cells[0], english) if len(cells) == 3 else english)
        found[name] = rows
    return found


def parts_of(groups: Mapping[str, Sequence[Group]]) -> dict[str, list[Any]]:
    """What firms are called after, out of the groups of the sources.

    Args:
        groups: By kind.

    Returns:
        "ja_names" and "katakana" as parts; "zh_names", "ru_names", "ko_names": pairs with English;
        "towns" and "nouns": texts.
    """
    found: dict[str, list[Any]] = {
        name: [] for name in ("ja_names", "katakana", "zh_names", "ru_names", "ko_names")
    }
    for kind in ("ja_person", "ja_place"):
        for english, *rest in groups.get(kind, ()):
            kana = next((item for item in rest if re.fullmatch("[ぁ-ゖー]+", item)), "")
            if kana and rest[0] != kana and 1 < len(rest[0]) < 5 and " " not in english:
                found["ja_names"].append((rest[0], _katakana(kana), (english.translate(LONG_VOWELS),)))
    for english, *rest in groups.get("phrase_ja", ()):
        if rest and re.fullmatch(r"[ァ-ヺー]{3,8}", rest[0]) and re.fullmatch(r"[A-Za-z]{3,12}", english):
            found["katakana"].append((rest[0], rest[0], (english.capitalize(),)))
    for group in groups.get("zh_name", ()):
        if len(group) > 2 and 1 < len(group[1]) < 5 and " " not in group[0]:
            found["zh_names"].append((group[1], group[0]))
    for kind, start, end in (("ru_names", "А", "я"), ("ko_names", "가", "힣")):
        for name, *others in groups.get("place", ()):
            match = next((item for item in others if all(start <= char <= end for char in item)), None)
            if match and name.isascii() and " " not in name:
                found[kind].append((match, name))
    found["towns"] = [group[0] for group in groups.get("place", ()) if len(group[0]) < 16]
    found["nouns"] = [group for group in groups.get("phrase_de", ()) if len(group) > 1 and len(group[0]) < 24]
    return found


def firms(groups: Mapping[str, Sequence[Group]], n: int, seed: int) -> Iterator[tuple[str, Group]]:
    """Made-up groups of six kinds.

    Args:
        groups: Groups of the sources by kind.
        n: How many of each kind; of Japanese firms three times as many.
        seed: Of the draws.

    Yields:
        A kind, and the texts of a group. A kind of whose parts there are none is left out.
    """
    parts: dict[str, Any] = {**words(), **parts_of(groups), **people()}
    for kind, wanted, (make, times) in (
        ("ja_firm", ("ja_names", "katakana"), (japanese_firm, 3)),
        ("zh_firm", ("zh_names",), (chinese_firm, 1)),
        ("ru_firm", ("ru_names", "ko_names"), (eastern_firm, 1)),
        ("west_firm", ("towns",), (western_firm, 1)),
        ("us_firm", ("towns",), (english_firm, 2)),
        ("person", ("people",), (person, 2)),
        ("product", ("people",), (product, 2)),
    ):
        if all(parts.get(name) for name in wanted):
            draw = random.Random(f"{seed} {kind}")
            for _ in range(n * times):
                yield kind, tuple(dict.fromkeys(make(parts, draw)))


def japanese_firm(parts: Parts, draw: random.Random) -> Group:
    """In English, in Japanese with its form, and in kana."""
    of: list[Part] = []
    chance = draw.random()
    if chance < 0.25:
        of.append(draw.choice(parts["ja_heads"]))
    if not of or draw.random() < 0.6:
        brand = chance > 0.7
        of += [draw.choice(parts["katakana" if brand else "ja_names"])]
        if brand and draw.random() < 0.4:
            of.append(draw.choice(parts["katakana"]))
    if not (chance > 0.9 and len(of) > 1):
        of.append(draw.choice(parts["ja_works"]))
    if draw.random() < 0.15:
        of.append(draw.choice(parts["ja_works"][-24:]))
    english = " ".join(_first(part[2], draw) for part in of)
    if draw.random() < 0.25:
        english = english.upper()
    native, kana = "".join(part[0] for part in of), "".join(part[1] for part in of)
    form = draw.choices(JA_FORMS, (5, 5, 2, 1, 1, 0.3))[0]
    sound = "カブシキガイシャ" if "株" in form else ""
    read = f"{sound}{kana}" if form.endswith("{}") else f"{kana}{sound}"
    return draw.choice(EN_FORMS).format(english), form.format(native), read


def chinese_firm(parts: Parts, draw: random.Random) -> Group:
    """In English and in Chinese."""
    name, english = draw.choice(parts["zh_names"])
    of = draw.sample(parts["zh_works"], draw.choice((1, 1, 2)))
    native = name + "".join(part[0] for part in of)
    theirs = " ".join([english, *(_first(part[2], draw) for part in of)])
    return draw.choice(EN_FORMS).format(theirs), draw.choice(ZH_FORMS).format(native)


def eastern_firm(parts: Parts, draw: random.Random) -> Group:
    """In English and in Russian or Korean."""
    of, works = ("ru_names", "ru_works") if draw.random() < 0.6 else ("ko_names", "ko_works")
    name, english = draw.choice(parts[of])
    work = draw.choice(parts[works])
    if of == "ko_names":
        native = f"{name}{draw.choice(('', ' '))}{work[0]}"
        return draw.choice(EN_FORMS).format(f"{english} {_first(work[2], draw)}"), native
    native = draw.choice((f"{name} {work[0]}", f"{work[0]} {name}", f"{name}{work[0].lower()}"))
    return f"{english} {_first(work[2], draw)}", draw.choice(RU_FORMS).format(native)


def western_firm(parts: Parts, draw: random.Random) -> Group:
    """In five languages of Europe."""
    named = draw.random() < 0.5
    name = draw.choice(parts["towns"]) if named or not parts["people"] else draw.choice(parts["people"])[1]
    form = draw.choice(WEST_FORMS)
    row = draw.choice(parts["west_works"])
    return tuple(
        form.format(f"{name} {row[0]}" if at == 0 else f"{work} {name}") for at, work in enumerate(row)
    )


def english_firm(parts: Parts, draw: random.Random) -> Group:
    """One name; noise makes the other."""
    works = parts["en_works"][0]
    surname = draw.choice(parts["people"])[1] if parts["people"] else draw.choice(parts["towns"])
    chance = draw.random()
    if chance < 0.3:
        name = f"{draw.choice(parts['towns'])} {draw.choice(works)}"
    elif chance < 0.5:
        name = f"{surname} {draw.choice(works)}"
    elif chance < 0.65:
        name = f"{surname} & {draw.choice(parts['people'] or [('', 'Hill')])[1]}"
    elif chance < 0.8:
        front = draw.choice(
            ("International", "National", "American", "General", "United", "Universal", "Pacific")
        )
        name = f"{front} {draw.choice(works)} {draw.choice(works)}"
    elif chance < 0.9:
        name = f"{''.join(draw.choice('ABCDEFGHIKLMNOPRSTVW') for _ in range(3))} {draw.choice(works)}"
    else:
        name = f"{surname} {draw.choice(works)} of {draw.choice(parts['towns'])}"
    return (draw.choice(US_FORMS).format(name),)


def person(parts: Parts, draw: random.Random) -> Group:
    """A name with first names and surname; some with a date or a town."""
    one, other = draw.choice(parts["people"]), draw.choice(parts["people"])
    first = (
        one[0]
        if draw.random() < 0.5
        else f"{one[0]} {other[0] if draw.random() < 0.5 else other[0][0] + '.'}"
    )
    name = f"{first} {other[1]}"
    chance = draw.random()
    if chance < 0.2:
        name += f", {draw.randrange(1850, 2005)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"
    elif chance < 0.4 and parts["towns"]:
        name += f", {draw.choice(parts['towns'])}"
    elif chance < 0.5 and parts["towns"]:
        name += f" {draw.randrange(1, 300)} {other[1]} Street {draw.choice(parts['towns'])}"
    return (name,)


def product(parts: Parts, draw: random.Random) -> Group:
    """A product as a shop lists it: maker, thing, model number, measures, colour; and a shorter listing."""
    maker = draw.choice(parts["people"])[1] + draw.choice(("", "", "tech", "on", "ex", "a"))
    thing = draw.choice(parts["products"][0])
    letters = "".join(draw.choice("ABCDEFGHKLMNPRSTVWX") for _ in range(draw.randrange(1, 4)))
    end, joint = draw.choice(("", "", "A", "B", "S", "X")), draw.choice(("", "-", " "))
    model = f"{letters}{joint}{draw.randrange(10, 9999)}{end}"
    size = draw.choice(("{} inch", '{}"', "{} GB", "{}GB", "{} ml", "{} W", "v{}.0", "{}-pack", "{} mm"))
    measure = size.format(draw.choice((2, 4, 8, 12, 15, 16, 19, 24, 32, 42, 46, 64, 100, 250, 500)))
    colour = draw.choice(parts["colours"][0])
    whole = [maker, model, measure, thing, colour]
    short = [maker, *draw.sample([model, thing], 2), *([measure] if draw.random() < 0.5 else [])]
    return " ".join(whole), " ".join(short), f"{maker} {thing} - {model} {colour}"


def people() -> dict[str, list[tuple[str, str]]]:
    """First names with surnames, of many countries (the package faker, MIT); an empty list without it."""
    found: list[tuple[str, str]] = []
    for locale in LOCALES:
        try:
            provider = import_module(f"faker.providers.person.{locale}").Provider
        except ModuleNotFoundError:
            continue
        first, last = (list(getattr(provider, name, ())) for name in ("first_names", "last_names"))
        most = max(len(first), len(last)) if first and last else 0
        found += [(first[at % len(first)], last[at % len(last)]) for at in range(min(most, 2000))]
    return {"people": [(first, last) for first, last in found if first and last]}


def _first(texts: Sequence[str], draw: random.Random) -> str:
    """One of the texts, the first more often than not."""
    return texts[0] if draw.random() < 0.6 else draw.choice(texts)


def _katakana(text: str) -> str:
    return "".join(chr(ord(char) + 96) if "ぁ" <= char <= "ゖ" else char for char in text)
