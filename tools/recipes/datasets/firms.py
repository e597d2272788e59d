"""Firms in a printed directory and in a later register."""

from __future__ import annotations

from tools.recipes.datasets import words
from tools.recipes.datasets.table import Made, Row, numbered
from tools.recipes.decision.domains.draw import Draw
from tools.recipes.decision.domains.noise import misread, typo

BOTH, LEFT_ONLY, RIGHT_ONLY = 150, 60, 80


def make(draw: Draw) -> Made:
    """240 lines of a directory with OCR errors, 250 or so of a register, some firms in one of them only."""
    firms = _firms(draw, BOTH + LEFT_ONLY + RIGHT_ONLY)
    left: list[tuple[int, Row]] = []
    right: list[tuple[int, Row]] = []
    for number, firm in enumerate(firms):
        if number < BOTH + LEFT_ONLY:
            left.append((number, _printed(draw, firm)))
            if draw.chance(0.08):  # a firm with two lines in the directory
                left.append((number, _printed(draw, firm)))
        if number < BOTH or number >= BOTH + LEFT_ONLY:
            right.append((number, _registered(draw, firm)))
    return numbered(draw, left, right, ("d", "r"))


def _firms(draw: Draw, count: int) -> list[Row]:
    """Different firms; some share a name with another one, and differ in the trade or the town."""
    firms: dict[tuple[str, str, str], Row] = {}
    while len(firms) < count:
        name, trade, town = (
            draw.pick(values) for values in (words.SURNAMES, list(words.TRADES), words.TOWNS)
        )
        form, street = draw.pick(list(words.FORMS)), f"{draw.whole(1, 240)} {draw.pick(words.STREETS)} Street"
        founded = str(draw.whole(1880, 1955))
        firms[(name, trade, town)] = {
            "name": name, "trade": trade, "form": form, "street": street, "town": town, "founded": founded,
        }  # fmt: skip
    return list(firms.values())


def _printed(draw: Draw, firm: Row) -> Row:
    """As the directory prints it: abbreviated, in capitals or not, and read by OCR."""
    trade = words.TRADES[firm["trade"]] if draw.chance(0.6) else firm["trade"]
    form = words.FORMS[firm["form"]]
    name = " ".join(part for part in (firm["name"], trade, form) if part)
    if draw.chance(0.25):
        name = name.upper()
    for _ in range(draw.choose((0.55, 0), (0.33, 1), (0.12, 2))):
        name = misread(draw, name)
    town = misread(draw, firm["town"]) if draw.chance(0.1) else firm["town"]
    street = firm["street"].replace("Street", "St")
    return {"name": name, "street": "" if draw.chance(0.15) else street, "city": town}


def _registered(draw: Draw, firm: Row) -> Row:
    """As the register has it a generation later: another legal form or street at times, seldom a slip."""
    form = draw.pick(list(words.FORMS)) if draw.chance(0.25) else firm["form"]
    name = " ".join(part for part in (firm["name"], firm["trade"], form) if part)
    if draw.chance(0.08):
        name = typo(draw, name)
    street = firm["street"]
    if draw.chance(0.25):
        street = f"{draw.whole(1, 240)} {draw.pick(words.STREETS)} Street"
    return {"name": name, "street": street, "city": firm["town"], "founded": firm["founded"]}
