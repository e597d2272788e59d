"""Persons of one county in two censuses, ten years apart."""

from __future__ import annotations

from tools.recipes.datasets import words
from tools.recipes.datasets.table import Made, Row, numbered
from tools.recipes.decision.domains.draw import Draw
from tools.recipes.decision.domains.noise import by_ear, misread

BOTH, LEFT_ONLY, RIGHT_ONLY = 190, 90, 110


def make(draw: Draw) -> Made:
    """280 persons in 1850 and 300 in 1860, of whom 190 are in both."""
    persons = _persons(draw, BOTH + LEFT_ONLY + RIGHT_ONLY)
    left = [(n, _counted(draw, p, 1850)) for n, p in enumerate(persons) if n < BOTH + LEFT_ONLY]
    right = [(n, _counted(draw, p, 1860)) for n, p in enumerate(persons) if n < BOTH or n >= BOTH + LEFT_ONLY]
    return numbered(draw, left, right, ("a", "b"))


def _persons(draw: Draw, count: int) -> list[Row]:
    """Persons in families of one to six, who share surname and birthplace."""
    persons: list[Row] = []
    while len(persons) < count:
        family = {"last": draw.pick(words.SURNAMES), "birthplace": draw.pick(words.STATES)}
        for _ in range(draw.whole(1, 6)):
            sex = draw.pick("fm")
            persons.append(
                {
                    **family,
                    "first": draw.pick(words.GIVEN[sex]),
                    "sex": sex,
                    "born": str(draw.whole(1785, 1848)),
                    "work": draw.pick(words.WORK),
                }
            )
    return draw.mixed(persons)[:count]


def _counted(draw: Draw, person: Row, year: int) -> Row:
    """As an enumerator wrote down what he was told, and as it is read today."""
    first, last, born = person["first"], person["last"], int(person["born"])
    if draw.chance(0.15):
        first = words.NICKNAMES.get(first, first)
    elif draw.chance(0.08):
        first = first[0] + "."
    if draw.chance(0.2):
        last = by_ear(draw, last)
    if draw.chance(0.1):
        last = misread(draw, last)
    if year == 1860 and person["sex"] == "f" and 1825 <= born <= 1842 and draw.chance(0.3):
        last = draw.pick(words.SURNAMES)  # married since
    born += draw.choose((0.62, 0), (0.15, 1), (0.15, -1), (0.04, 2), (0.04, -2))
    work = person["work"] if year == 1850 or draw.chance(0.6) else draw.pick(words.WORK)
    return {
        "first_name": first,
        "last_name": last,
        "sex": person["sex"],
        "born": str(born),
        "birthplace": "" if draw.chance(0.05) else person["birthplace"],
        "occupation": "" if draw.chance(0.3) else work,
    }
