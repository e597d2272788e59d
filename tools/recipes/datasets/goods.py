"""Goods in German and Japanese, and a list of codes in English."""

from __future__ import annotations

from tools.recipes.datasets import words
from tools.recipes.datasets.table import Made, Row, numbered
from tools.recipes.decision.domains.draw import Draw
from tools.recipes.decision.domains.noise import typo

CODES = 50  # of the goods; the other ones have no code


def make(draw: Draw) -> Made:
    """Some 100 goods to 50 codes: many to one, and some without a code."""
    goods = draw.mixed(list(enumerate(words.GOODS)))
    left: list[tuple[int, Row]] = []
    for number, (_, german, japanese) in goods:
        if draw.chance(0.85):
            name = typo(draw, german) if draw.chance(0.1) and len(german) > 6 else german
            left.append((number, {"name": name, "language": "de"}))
        if draw.chance(0.85):
            left.append((number, {"name": japanese, "language": "ja"}))
    right = [(number, {"name": english}) for number, (english, _, _) in goods[:CODES]]
    return numbered(draw, left, right, ("g", "k"))
