"""Made tables of any size with the truth: records of four columns, and names of firms, by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

Columns = dict[str, list[str]]
Made = tuple[Columns, Columns, dict[str, list[int]]]

SEED = 11
MATCHED = 0.7  # share of left rows that have a match
STARTS = [
    "b",
    "br",
    "c",
    "ch",
    "d",
    "dr",
    "f",
    "g",
    "gl",
    "h",
    "j",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "sch",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "z",
]
VOWELS = ["a", "e", "i", "o", "u", "ai", "ei", "ou", "ie"]
ENDS = ["l", "n", "r", "s", "t", "m", "nd", "rt", "ck", "ng", "ll", "son", "man", "berg", "ton"]
FIRST = [
    "Anna",
    "Bruno",
    "Clara",
    "David",
    "Elena",
    "Frank",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Karin",
    "Louis",
    "Maria",
    "Nils",
    "Olga",
    "Paul",
    "Rita",
    "Simon",
]
TRADES = [
    "Steel",
    "Paper",
    "Glass",
    "Textile",
    "Motor",
    "Shipping",
    "Mining",
    "Brewing",
    "Cement",
    "Timber",
    "Sugar",
    "Tool",
    "Media",
    "Energy",
    "Foods",
]
FORMS = (
    ("Limited", "Ltd"), ("Company", "Co"), ("Incorporated", "Inc"), ("Corporation", "Corp"),
    ("Holdings", "Hldgs"), ("Brothers", "Bros"),
)  # fmt: skip
ROADS = ("Street", "St"), ("Road", "Rd"), ("Avenue", "Ave"), ("Square", "Sq")


def word(draw: random.Random) -> str:
    """A word that nobody has used: two or three syllables and an end."""
    syllables = "".join(draw.choice(STARTS) + draw.choice(VOWELS) for _ in range(draw.choice((1, 2, 2))))
    return (syllables + draw.choice(ENDS)).capitalize()


def slips(text: str, draw: random.Random, most: int = 2) -> str:
    """The text with up to so many letters changed, dropped or added."""
    for _ in range(draw.randint(0, most)):
        place = draw.randrange(len(text))
        letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
        kind = draw.randrange(3)
        text = text[:place] + (letter if kind else "") + text[place + (kind < 2) :]
        text = text or letter
    return text


def firm(draw: random.Random) -> tuple[str, str]:
    """The name of a firm and its shorter form."""
    names = [word(draw) for _ in range(draw.choice((1, 1, 2)))]
    form = draw.choice(FORMS)
    stem = " & ".join(names) + " " + draw.choice(TRADES)
    return f"{stem} {form[0]}", f"{stem} {form[1]}"


def two_of(
    rows: int, seed: int, make: Callable[[random.Random], tuple[tuple[str, ...], tuple[str, ...]]]
) -> Iterator[list[Any]]:
    """Left rows, right rows, and the true pairs of row numbers; some left rows are of nobody on the right."""
    draw = random.Random(seed)
    seen: set[tuple[str, ...]] = set()
    right, spoilt = [], []
    while len(right) < 2 * rows:
        clean, other = make(draw)
        if clean not in seen:
            seen.add(clean)
            right.append(clean)
            spoilt.append(other)
    matched = round(rows * MATCHED)
    chosen = draw.sample(range(rows), matched) + draw.sample(range(rows, 2 * rows), rows - matched)
    draw.shuffle(chosen)
    yield [spoilt[number] for number in chosen]
    yield right[:rows]
    yield [(place, number) for place, number in enumerate(chosen) if number < rows]


def as_columns(rows: list[tuple[str, ...]], names: tuple[str, ...]) -> Columns:
    """Rows as columns."""
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def names(rows: int, seed: int = SEED) -> Made:
    """Names of firms: left with short forms and slips."""

    def make(draw: random.Random) -> tuple[tuple[str, ...], tuple[str, ...]]:
        name, short = firm(draw)
        text = slips(short if draw.random() < 0.6 else name, draw)
        return (name,), (text.upper() if draw.random() < 0.2 else text,)

    left, right, truth = two_of(rows, seed, make)
    return as_columns(left, ("name",)), as_columns(right, ("name",)), pairs(truth)


def records(rows: int, seed: int = SEED) -> Made:
    """Firms with the person, the street and the town; left some cells are empty."""
    towns = [word(random.Random(number)) for number in range(60)]

    def make(draw: random.Random) -> tuple[tuple[str, ...], tuple[str, ...]]:
        name, short = firm(draw)
        person = draw.choice(FIRST), word(draw)
        road, number = draw.choice(ROADS), draw.randint(1, 200)
        street, town = word(draw), draw.choice(towns)
        clean = name, " ".join(person), f"{number} {street} {road[0]}", town
        other = [short, f"{person[0][0]}. {person[1]}", f"{number} {street} {road[1]}", town]
        noisy = [slips(b if draw.random() < 0.5 else a, draw) for a, b in zip(clean, other, strict=True)]
        return clean, tuple("" if draw.random() < 0.1 and place else noisy[place] for place in range(4))

    left, right, truth = two_of(rows, seed, make)
    columns = ("firm", "person", "street", "town")
    return as_columns(left, columns), as_columns(right, columns), pairs(truth)


def pairs(truth: list[tuple[int, int]]) -> dict[str, list[int]]:
    """True pairs as two columns of row numbers."""
    return {"left": [left for left, _ in truth], "right": [right for _, right in truth]}
