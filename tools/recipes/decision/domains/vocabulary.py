"""The words of a drawn domain: names of people, towns and streets in one or more languages."""

from __future__ import annotations

from .draw import Draw, pool
from .lists_people import GIVEN, STREETS, SURNAMES, TOWNS
from .noise import plain_letters
from .sounds import TONGUES, word


class Words:
    """Pools of names that a domain draws from.

    Args:
        draw: The source of chance.
    """

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.tongues = draw.some(sorted(TONGUES), draw.choose((0.6, 1), (0.25, 2), (0.15, 4)))
        if draw.chance(0.3):
            self.tongues[0] = "english"
        given = [name for tongue in self.tongues for name in GIVEN.get(tongue, GIVEN["english"])]
        family = [name for tongue in self.tongues for name in SURNAMES.get(tongue, ())]
        self.given = pool(draw, given, lambda: self.word(1, 2), draw.whole(20, 150))
        self.family = pool(draw, family, lambda: self.word(1, 2, "people"))
        self.town = pool(draw, TOWNS, lambda: self.word(1, 2, "towns"), int(draw.log_span(5, 300)))
        self.road = pool(draw, family, lambda: self.word(1, 2), draw.whole(30, 300))
        self.streets = draw.pick(sorted(STREETS))
        self.prefix = draw.pick(("", "", "", "Saint ", "New ", "Upper "))

    def word(self, low: int = 1, high: int = 2, tail: str = "") -> str:
        """A made word in one of the languages."""
        return word(self.draw, self.draw.pick(self.tongues), low, high, tail)

    def street(self) -> str:
        """A street without a number."""
        kind = self.draw.pick(STREETS[self.streets])
        if self.streets == "english":
            return f"{self.road()} {kind}"
        if self.streets == "german":
            return f"{self.road()}{kind}"
        return f"{kind} {self.road()}"

    def date(self, low: int, high: int) -> str:
        """A day between two years, as yyyy-mm-dd."""
        draw = self.draw
        return f"{draw.whole(low, high)}-{draw.whole(1, 12):02d}-{draw.whole(1, 28):02d}"

    def person(self) -> str:
        """A person's name in one text."""
        return f"{self.given()} {self.family()}"


def initials(text: str, least: int = 3) -> str:
    """The first letters of the words that have more than so many letters or a capital."""
    found = [
        part[0].upper() for part in text.replace("-", " ").split() if part[0].isupper() or len(part) > least
    ]
    return "".join(found)


def slug(text: str) -> str:
    """The text as it stands in an address of the web."""
    return "".join(c for c in plain_letters(text).lower() if c.isalnum())


def roman(number: int) -> str:
    """A number from 1 to 39 in Roman letters."""
    ones = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
    return "X" * (number // 10) + ones[number % 10]


def near_year(draw: Draw, year: str, most: int = 4) -> str:
    """Another year close by, up to 2024."""
    new = int(year) + draw.pick((-1, 1)) * draw.whole(1, most)
    return str(new if new <= 2024 else int(year) - draw.whole(1, most))


def near_number(draw: Draw, text: str, most: int = 3) -> str:
    """Another number close by, of the same length where that can be."""
    number = int(text)
    new = number + draw.choose(
        (0.6, draw.whole(1, most)), (0.25, -draw.whole(1, most)), (0.15, draw.whole(1, 30))
    )
    return str(new if new > 0 else number + 1).zfill(len(text))
