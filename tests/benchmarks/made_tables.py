"""One-table jobs made from word lists of their own, which no model was trained on."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

__all__ = ["KINDS", "Made", "make", "spellings"]


def _words(text: str, between: str | None = None) -> list[str]:
    return " ".join(text.split()).split(between)


GIVEN = _words(
    """
    Ailsa Alaric Anouk Ansel Beatrix Birgit Bram Calum Celeste Ciaran Corin Dagmar Delphine
    Dermot Edda Eamon Elspeth Emeric Esme Fenna Fergus Fiora Gaspard Ghislaine Greer Hedda
    Hektor Idris Ilse Ingram Iona Isolde Jarvis Jocasta Kasimir Keziah Lachlan Lavinia Leofric
    Lisbet Lorcan Magnus Mairead Marius Merrick Mireille Muriel Neville Nils Odette Olwen Orla
    Osric Padraig Perpetua Petra Quentin Ragna Remy Rhona Roland Rosalind Rufus Saskia Seren
    Sigrid Silas Sorcha Stellan Sunniva Tamsin Thora Tiernan Torquil Ursula Valda Viggo Wendel
    Winifred Ysolde Zelda
    """
)
# no two are a letter apart, nor are two of LAST: a slip of one does not make another
FIRST = _words(
    """
    Ash Barn Black Brad Carl Cold Dun East Gold Grant Hart Hollis Kirk Lang Mill New Oak Pem
    Raven Rock Sand Stan Thorn West Yard Zephyr Quill Umber Imber
    """
)
LAST = _words(
    """
    bourne bridge brook bury combe croft dale field ford gate hurst ingham lake mead ridge shaw
    side stoke thorpe vale water well worth wright
    """
)
STREETS = _words(
    """
    Mill Lane;Abbey Road;Quarry Hill;Tannery Row;Harbour View;Orchard Way;Castle Street
    """,
    ";",
)
TOWNS = _words(
    """
    Aldermere;Brackenford;Caldhaven;Dunwick;Elmsgate;Foxcombe;Gorsley;Hexworth;Ivelstone;Kelderby;Larkwell;Marlstead
    """,
    ";",
)
TRADES = _words(
    """
    Software Logistics Foods Textiles Marine Energy Ceramics Instruments Catering Optics
    """
)
FORMS = ("Ltd", "Limited", "plc", "GmbH", "Inc", "& Sons")
PRODUCTS = _words(
    """
    Nimbus Editor;Tarn Notes;Verdant Planner;Kestrel Mail;Copper Draw;Linden Ledger
    """,
    ";",
)
GOODS = _words(
    """
    linseed oil;oat bran;teak varnish;rye flour;lamp spirit;soap flakes
    """,
    ";",
)
NEAR = {"a": "s", "e": "w", "i": "o", "o": "p", "n": "m", "r": "t", "s": "d", "l": "k", "t": "r", "d": "f"}

Row = dict[str, str | None]


@dataclass(frozen=True)
class Made:
    """A table with its truth.

    Args:
        table: The key columns.
        truth: The thing of each row.
    """

    table: pd.DataFrame
    truth: list[int]


def make(kind: str, rows: int, duplicates: float, seed: int) -> Made:
    """Make a table of different things, some of them twice or three times, in random order.

    Args:
        kind: One of `KINDS`.
        rows: Rows, about.
        duplicates: Share of the rows that are further rows of a thing.
        seed: Of all that is drawn.

    Returns:
        The table.
    """
    draw = random.Random(f"{kind} {rows} {duplicates} {seed}")
    base, noisy = KINDS[kind]
    wanted = round(rows * (1 - duplicates))
    things = list(dict.fromkeys(tuple(base(draw, number).items()) for number in range(wanted)))
    found = [(dict(thing), number) for number, thing in enumerate(things)]
    for _ in range(round(rows * duplicates)):
        number = draw.randrange(len(things))
        found.append((noisy(draw, dict(things[number])), number))
    draw.shuffle(found)
    return Made(pd.DataFrame([row for row, _ in found]), [number for _, number in found])


def spellings(others: int, seed: int) -> Made:
    """28 spellings of one firm among other firms.

    Args:
        others: Other firms.
        seed: Of all that is drawn.

    Returns:
        The table.
    """
    draw = random.Random(f"spellings {others} {seed}")
    parts = (("Oberlin", "OBERLIN", "Oberlyn", "Oberlin's"), (" Marine", " Marin"), (" Works", ""))
    names = {"".join(of) for of in itertools.product(*parts, (" Ltd", " Limited", ""))}
    rows = [(name, 0) for name in draw.sample(sorted(names), 28)]
    distinct = {_firm(draw, number)["name"] for number in range(others)}
    rows += [(str(name), 1 + number) for number, name in enumerate(sorted(map(str, distinct)))]
    draw.shuffle(rows)
    return Made(pd.DataFrame({"name": [name for name, _ in rows]}), [number for _, number in rows])


def _surname(draw: random.Random) -> str:
    return draw.choice(FIRST) + draw.choice(LAST)


def _date(draw: random.Random) -> str:
    return f"{draw.randint(1921, 2004)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"


def _person_2(draw: random.Random, _: int) -> Row:
    return {"name": f"{draw.choice(GIVEN)} {_surname(draw)}", "born": _date(draw)}


def _person_3(draw: random.Random, _: int) -> Row:
    return {"given": draw.choice(GIVEN), "family": _surname(draw), "born": _date(draw)}


def _person_7(draw: random.Random, number: int) -> Row:
    row = _person_3(draw, number)
    return {
        **row,
        "street": f"{draw.randint(1, 180)} {draw.choice(STREETS)}",
        "town": draw.choice(TOWNS),
        "postcode": f"{draw.choice('ABCDE')}{draw.randint(1, 30)} {draw.randint(1, 9)}{draw.choice('HJLNP')}",
        "sex": draw.choice("fm"),
    }


def _contact(draw: random.Random, _: int) -> Row:
    given, family = draw.choice(GIVEN), _surname(draw)
    firm = f"{draw.choice(FIRST)}{draw.choice(LAST)}"
    return {
        "name": f"{given} {family}",
        "email": f"{given.lower()}.{family.lower()}@{firm.lower()}.example",
        "phone": f"0{draw.randint(100, 999)} {draw.randint(100000, 999999)}",
        "company": f"{firm} {draw.choice(TRADES)}",
    }


def _address(draw: random.Random, number: int) -> Row:
    return {"address": f"{draw.randint(1, 160 + number % 400)} {draw.choice(STREETS)}, {draw.choice(TOWNS)}"}


def _firm(draw: random.Random, _: int) -> Row:
    first, last, trade = draw.randrange(len(FIRST)), draw.randrange(len(LAST)), draw.randrange(len(TRADES))
    form = FORMS[(first + last + trade) % len(FORMS)]  # one firm has one form
    return {"name": f"{FIRST[first]}{LAST[last]} {TRADES[trade]} {form}"}


def _product(draw: random.Random, _: int) -> Row:
    if draw.random() < 0.5:
        edition = draw.choice(("", " Pro", " Home", " Team"))
        return {"product": f"{draw.choice(PRODUCTS)} {draw.randint(1, 30)}.{draw.randint(0, 9)}{edition}"}
    good = draw.randrange(len(GOODS))
    return {"product": f"{GOODS[good]} {draw.randint(1, 400) * 25} {('ml', 'g')[good % 2]}"}


def _code(draw: random.Random, number: int) -> Row:
    return {"place": f"{_surname(draw)} {('Upper', 'Lower', 'Great', 'Little', 'Saint', 'Port')[number % 6]}"}


def _typo(draw: random.Random, text: str) -> str:
    letters = [at for at, letter in enumerate(text) if letter.isalpha()]
    if len(letters) < 3:
        return text
    at = draw.choice(letters[1:])
    what = draw.randrange(4)
    if what == 0:
        return text[:at] + text[at + 1 :]
    if what == 1:
        return text[:at] + text[at] + text[at:]
    if what == 2 and at + 1 < len(text):
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + NEAR.get(text[at].lower(), "e") + text[at + 1 :]


def _case(draw: random.Random, text: str) -> str:
    return draw.choice((text.upper(), text.lower(), text.replace(" ", "  "), text.replace(",", "")))


def _noisy_person(draw: random.Random, row: Row) -> Row:
    """One or two errors: a letter, an initial, a digit of the date, a missing or another cell."""
    for _ in range(draw.randint(1, 2)):
        at = draw.choice(list(row))
        text = row[at]
        if not text:
            continue
        if at == "born":
            place = draw.choice((3, 9))
            row[at] = text[:place] + str((int(text[place]) + draw.randint(1, 9)) % 10) + text[place + 1 :]
        elif at in ("street", "postcode", "sex", "town", "phone", "email", "company") and draw.random() < 0.5:
            row[at] = None
        elif at == "given" and draw.random() < 0.3:
            row[at] = f"{text[0]}."
        else:
            row[at] = _typo(draw, text)
    return row


def _noisy_text(draw: random.Random, row: Row) -> Row:
    """A letter, capitals, white space or a short form; numbers stay."""
    at = next(iter(row))
    text = str(row[at])
    for _ in range(draw.randint(1, 2)):
        what = draw.randrange(3)
        if what == 0:
            words = text.split(" ")
            longest = max(range(len(words)), key=lambda place: sum(map(str.isalpha, words[place])))
            words[longest] = _typo(draw, words[longest])
            text = " ".join(words)
        elif what == 1:
            text = _case(draw, text)
        else:
            for long, short in (
                ("Limited", "Ltd"),
                ("Street", "St"),
                ("Road", "Rd"),
                ("Lane", "La"),
                (" ml", "ml"),
            ):
                text = text.replace(long, short)
    return {at: text}


Maker = Callable[[random.Random, int], Row]
Noise = Callable[[random.Random, Row], Row]
KINDS: dict[str, tuple[Maker, Noise]] = {
    "persons, 2 columns": (_person_2, _noisy_person),
    "persons, 3 columns": (_person_3, _noisy_person),
    "persons, 7 columns": (_person_7, _noisy_person),
    "contacts": (_contact, _noisy_person),
    "addresses": (_address, _noisy_text),
    "firms of one frame": (_firm, _noisy_text),
    "versions and sizes": (_product, _noisy_text),
    "places": (_code, _noisy_text),
}
