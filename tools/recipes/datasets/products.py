"""Articles of two shops."""

from __future__ import annotations

from tools.recipes.datasets import words
from tools.recipes.datasets.table import Made, Row, numbered
from tools.recipes.decision.domains.draw import Draw
from tools.recipes.decision.domains.noise import typo

BOTH, LEFT_ONLY, RIGHT_ONLY = 140, 60, 80


def make(draw: Draw) -> Made:
    """200 articles of one shop and 220 of another, 140 in both; series differ in a number or a color."""
    series = [_series(draw) for _ in range(110)]
    things = list({tuple(thing.items()): thing for of in series for thing in of}.values())
    things = draw.mixed(things)[: BOTH + LEFT_ONLY + RIGHT_ONLY]
    left = [(n, _left(draw, thing)) for n, thing in enumerate(things) if n < BOTH + LEFT_ONLY]
    right = [(n, _right(draw, thing)) for n, thing in enumerate(things) if n < BOTH or n >= BOTH + LEFT_ONLY]
    return numbered(draw, left, right, ("p", "q"))


def _series(draw: Draw) -> list[Row]:
    """One to five articles of a maker that look alike."""
    kind, other, unit, sizes = draw.pick(words.ARTICLES)
    brand, letters = draw.pick(words.BRANDS), "".join(draw.pick("ABCDEHKLMNPRSTX") for _ in range(2))
    number, price = draw.whole(10, 89) * 10, draw.span(15, 180)
    return [
        {
            "brand": brand,
            "kind": kind,
            "other": other,
            "model": f"{letters}-{number + at * draw.pick((1, 5))}",
            "size": f"{draw.pick(sizes)} {unit}",
            "color": draw.pick(words.COLORS),
            "price": f"{price * draw.span(0.8, 1.3):.2f}",
        }
        for at in range(draw.whole(1, 5))
    ]


def _left(draw: Draw, thing: Row) -> Row:
    """The first shop: maker, model, kind, size, color."""
    parts = [thing["brand"], thing["model"], thing["kind"], thing["size"]]
    parts += [thing["color"]] if draw.chance(0.7) else []
    return {"title": " ".join(parts), "brand": thing["brand"], "price": thing["price"]}


def _right(draw: Draw, thing: Row) -> Row:
    """The second shop: other words, another order, the model written otherwise or left out, other prices."""
    kind = thing["other"] if draw.chance(0.5) else thing["kind"]
    model = thing["model"].replace("-", draw.pick(("", " ", "-")))
    size = thing["size"].replace(" ", draw.pick(("", " ")))
    parts = [kind.capitalize(), size, thing["color"] if draw.chance(0.6) else ""]
    parts += [model] if draw.chance(0.85) else []
    parts += ["by " + thing["brand"]] if draw.chance(0.6) else []
    title = " ".join(filter(None, parts))
    price = float(thing["price"]) * draw.span(0.88, 1.12)
    return {
        "title": typo(draw, title) if draw.chance(0.1) else title,
        "brand": "" if draw.chance(0.2) else thing["brand"].upper(),
        "price": f"{price:.2f}",
    }
