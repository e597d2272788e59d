"""A contact list that several people typed."""

from __future__ import annotations

from tools.recipes.datasets import words
from tools.recipes.datasets.table import Made, Row, clustered
from tools.recipes.decision.domains.draw import Draw
from tools.recipes.decision.domains.noise import digit_slip, typo

PERSONS = 260


def make(draw: Draw) -> Made:
    """Some 390 rows of 260 persons; couples and families share surname, street and town."""
    rows: list[tuple[int, Row]] = []
    homes: list[Row] = []
    seen: set[tuple[str, str, str]] = set()
    while len(seen) < PERSONS:
        home = dict(draw.pick(homes)) if homes and draw.chance(0.25) else _home(draw)
        homes.append(home)
        person = {"first": draw.pick(words.GIVEN[draw.pick("fm")]), **home}
        key = (person["first"], person["last"], person["city"])
        if key in seen:
            continue
        person |= {"mail": draw.pick(("mail.example", "post.example", "work.example")), "phone": _phone(draw)}
        number = len(seen)
        seen.add(key)
        rows += [
            (number, _typed(draw, person, again > 0))
            for again in range(draw.choose((0.64, 1), (0.24, 2), (0.12, 3)))
        ]
    return clustered(draw, rows, "c")


def _home(draw: Draw) -> Row:
    return {
        "last": draw.pick(words.SURNAMES),
        "street": f"{draw.whole(1, 240)} {draw.pick(words.STREETS)} St",
        "city": draw.pick(words.TOWNS),
    }


def _phone(draw: Draw) -> str:
    return f"555-{draw.digits(3)}-{draw.digits(4)}"


def _typed(draw: Draw, person: Row, again: bool) -> Row:
    """One entry of a person; further ones differ more."""
    first, last = person["first"], person["last"]
    mail = f"{first}.{last}@{person['mail']}".lower()
    if again and draw.chance(0.3):
        first = words.NICKNAMES.get(first, first[0] + ".")
    if again and draw.chance(0.2):
        last = typo(draw, last)
    elif draw.chance(0.05):
        first, last = last, first
    street, phone = person["street"], person["phone"]
    if again and draw.chance(0.15):
        street = f"{draw.whole(1, 240)} {draw.pick(words.STREETS)} Street"
    elif draw.chance(0.3):
        street = street.replace(" St", " Street")
    if draw.chance(0.3):
        phone = phone.replace("-", draw.pick((" ", ".", "")))
    if again and draw.chance(0.1):
        phone = digit_slip(draw, phone)
    return {
        "first_name": first,
        "last_name": last,
        "email": "" if draw.chance(0.3) else mail,
        "phone": "" if draw.chance(0.25) else phone,
        "street": "" if draw.chance(0.1) else street,
        "city": person["city"],
    }
