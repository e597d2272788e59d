"""The kind of a column is seen by its content."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from linktransformer.scoring.column_kind import detect
from linktransformer.scoring.compare import Comparison

DRAW = random.Random(5)


def word(letters: int = 6) -> str:
    return "".join(DRAW.choices("abcdefghiklmnoprstu", k=letters))


KINDS: dict[str, tuple[str, Callable[[], str]]] = {
    "prices": ("number", lambda: f"${DRAW.lognormvariate(4, 1):,.2f}"),
    "counts": ("number", lambda: str(int(DRAW.lognormvariate(5, 2)))),
    "ages": ("number", lambda: str(DRAW.randint(18, 99))),
    "degrees": ("number", lambda: f"{DRAW.uniform(-20, 30):.1f} °C"),
    "percent": ("number", lambda: f"{DRAW.uniform(1, 15):.1f}%"),
    "salaries": ("number", lambda: str(DRAW.randint(20, 99) * 1000 + DRAW.choice([0, 0, 500, 120]))),
    "postcodes": ("identifier", lambda: f"{DRAW.randint(10000, 99999)}"),
    "zip codes": ("identifier", lambda: f"{DRAW.randint(500, 99999):05d}"),
    "short padded codes": ("identifier", lambda: f"{DRAW.randint(0, 999):03d}"),
    "telephones": (
        "identifier",
        lambda: f"({DRAW.randint(200, 999)}) {DRAW.randint(200, 999)}-5{word(0)}123",
    ),
    "articles": ("identifier", lambda: f"{word(3)}-{DRAW.randint(1, 9999)}"),
    "long numbers": ("identifier", lambda: str(DRAW.randint(10**11, 10**12 - 1))),
    "ISO dates": ("date", lambda: f"{DRAW.randint(1900, 2020)}-{DRAW.randint(1, 12):02d}-17"),
    "dates in words": ("date", lambda: f"{DRAW.randint(1, 28)}. Oktober {DRAW.randint(1900, 2020)}"),
    "American dates": (
        "date",
        lambda: f"{DRAW.randint(1, 12)}/{DRAW.randint(1, 28)}/{DRAW.randint(1900, 2020)}",
    ),
    "compact dates": ("date", lambda: f"{DRAW.randint(1900, 2020)}{DRAW.randint(1, 12):02d}17"),
    "places": ("geo", lambda: f"{DRAW.uniform(-60, 60):.4f}, {DRAW.uniform(-170, 170):.4f}"),
    "addresses": ("email", lambda: f"{word()}@{word()}.org"),
    "persons": ("name", lambda: f"{word().title()} {word(1).upper()}. O'{word().title()}"),
    "titles": ("text", lambda: " ".join(word() for _ in range(9))),
    "streets": ("text", lambda: f"{DRAW.randint(1, 999)} {word()} Street"),
    "bottles": ("text", lambda: DRAW.choice(["0.5 l", "500 ml", "1 l", "750 ml", "2 l", "250 ml"])),
}


@pytest.mark.parametrize("what", KINDS)
def test_kinds(what: str) -> None:
    kind, make = KINDS[what]
    left, right = ([*{make() for _ in range(200)}] for _ in range(2))
    assert detect(left, right).kind == kind
    assert detect(right, left).kind == kind
    assert detect([*left, ""], ["", ""]).kind == kind


def test_years_are_numbers_and_flagged() -> None:
    years = [str(year) for year in range(1950, 2020)]
    assert detect(years, years) == Comparison("number", year=True)
    assert detect([*years, *map(str, range(200))], years) == Comparison("number")


def test_nothing_is_text() -> None:
    assert detect([], []).kind == detect(["", ""], [" "]).kind == "text"


def test_both_columns_must_be_of_the_kind() -> None:
    numbers = [str(k / 4) for k in range(50)]
    assert detect(numbers, ["about a dozen or so, they said at the time"] * 50).kind == "text"


def test_one_remark_in_thirty_is_let_pass_and_one_in_ten_is_not() -> None:
    numbers = [f"{k / 8} kg" for k in range(90)]
    assert detect([*numbers, "not known", "see below", "?"], numbers).kind == "number"
    assert detect([*numbers, *(word() for _ in range(10))], numbers).kind != "number"


def test_other_units_on_the_other_side_are_no_numbers() -> None:
    assert detect([f"{k} l" for k in range(50)], [f"{k} ml" for k in range(50)]).kind != "number"


def test_a_large_column_is_sampled_the_same_way_each_time() -> None:
    numbers = [str(k) for k in range(5000)]
    assert detect(numbers, numbers) == detect(numbers, numbers) == Comparison("number")
