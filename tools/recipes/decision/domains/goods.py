"""Families about goods: products with models and sizes, and offers of shops."""

from __future__ import annotations

from .column import Domain, Entity, Writer, column, main
from .draw import Draw, Pool, pool
from .lists_people import SHORT
from .lists_things import BRANDS, COLOURS, GOODS, TRAITS
from .vocabulary import Words, near_number

_SIZES = {
    "electronics": ("GB", "inch", "W", "mAh", "MP", "TB"),
    "kitchen": ("L", "W", "cm", "qt"),
    "clothes": ("S", "M", "L", "XL", "42", "38"),
    "tools": ("mm", "V", "pcs", "cm", "oz"),
    "food": ("g", "ml", "oz", "kg"),
}
_COUNTS = (1, 2, 4, 5, 8, 10, 12, 16, 20, 24, 32, 50, 64, 100, 128, 250, 500, 750)


def _model(draw: Draw) -> str:
    """A model number of letters and digits."""
    letters = "".join(draw.pick("ABCDEFGHKLMNPRSTVWX") for _ in range(draw.whole(1, 3)))
    form = draw.pick(("{l}{d}", "{l}-{d}", "{l}{d}{e}", "{d}{l}", "{l} {d}"))
    return form.format(l=letters, d=draw.digits(draw.whole(2, 4)), e=draw.pick("ABKSX"))


class _Goods:
    """Makes goods and their variants."""

    def __init__(self, draw: Draw) -> None:
        self.draw, self.kind = draw, draw.pick(sorted(GOODS))
        words = Words(draw)
        self.brand = pool(draw, BRANDS, lambda: words.word(1, 2), int(draw.log_span(3, 120)))
        self.noun = Pool(draw, draw.some(GOODS[self.kind], draw.whole(1, 20)))
        self.line = Pool(draw, [words.word(1, 2) for _ in range(int(draw.log_span(8, 300)))])
        self.units = draw.some(_SIZES[self.kind], draw.whole(1, 3))
        self.modelled = draw.chance(0.9 if self.kind in ("electronics", "kitchen", "tools") else 0.2)
        self.coloured, self.sized = draw.pick((0.0, 0.4, 0.9)), draw.pick((0.0, 0.5, 0.95))

    def size(self) -> str:
        unit = self.draw.pick(self.units)
        if not unit[0].islower() and len(unit) <= 2 and self.kind == "clothes":
            return unit
        return f"{self.draw.pick(_COUNTS)}{unit}"

    def fresh(self) -> Entity:
        draw = self.draw
        return {
            "brand": self.brand(),
            "line": self.line() if not self.modelled or draw.chance(0.5) else "",
            "noun": self.noun(),
            "model": _model(draw) if self.modelled else "",
            "size": self.size() if draw.chance(self.sized) else "",
            "colour": draw.pick(COLOURS) if draw.chance(self.coloured) else "",
            "traits": " ".join(draw.some(TRAITS, draw.whole(0, 3))),
            "price": f"{draw.log_span(3, 1500):.2f}",
        }

    def sibling(self, old: Entity) -> Entity:
        draw, new = self.draw, dict(old)
        fitting = [key for key in ("size", "colour", "model", "line") if old[key]]
        key = draw.pick(fitting or ["noun"])
        if key == "size":
            new["size"] = self.size()
        elif key == "colour":
            new["colour"] = draw.pick(COLOURS)
        elif key == "model":
            digits = "".join(c for c in old["model"] if c.isdigit())
            number = near_number(draw, digits, draw.pick((3, 40)))
            new["model"] = (
                old["model"].replace(digits, number)
                if draw.chance(0.7)
                else old["model"] + draw.pick("BXSTK")
            )
        elif key == "line":
            new["line"] = self.line.other(old["line"])
        else:
            new["noun"] = self.noun.other(old["noun"])
        new["price"] = f"{float(old['price']) * draw.span(0.8, 1.3):.2f}"
        return new


_DECIDES = ("brand", "line", "noun", "model", "size", "colour")


def _title_writer(draw: Draw, loose: float) -> Writer:
    """How a shop writes titles: order, words left out, words of its own, a price of its own."""
    order = draw.choose((0.6, ("brand", "line", "model", "traits", "noun", "size", "colour")), (0.4, ()))
    fixed = order or tuple(draw.mixed(("brand", "line", "noun", "model", "size", "colour", "traits")))
    gone = {key: draw.span(0, loose) for key in ("brand", "traits", "line", "noun")}
    filler = draw.some(
        (
            "NEW",
            "- Free Shipping",
            "(Refurbished)",
            "Genuine",
            "Sale",
            "w/ Warranty",
            "OEM",
            "Original",
            "Buy",
            "2-Pack offer",
        ),
        4,
    )
    filled, spaced, priced = draw.pick((0.0, 0.0, 0.2, 0.6)), draw.chance(0.3), draw.pick((0.0, 0.02, 0.2))
    hyphen, short = draw.chance(0.3), draw.chance(0.3)

    def write(entity: Entity) -> Entity:
        parts = []
        for key in fixed if draw.unit() < 0.85 else draw.mixed(fixed):
            value = entity[key]
            if not value or (
                key in gone and draw.unit() < gone[key] and not (key != "traits" and not entity["model"])
            ):
                continue
            if key == "model" and hyphen:
                value = value.replace("-", "").replace(" ", "")
            if key == "size" and spaced:
                value = "".join(
                    f" {c}" if c.isalpha() and at and value[at - 1].isdigit() else c
                    for at, c in enumerate(value)
                )
            parts.append(" ".join(SHORT.get(part, part) for part in value.split()) if short else value)
        if filled and draw.unit() < filled:
            parts.insert(draw.pick((0, len(parts))), draw.pick(filler))
        price = f"{float(entity['price']) * draw.span(1 - priced, 1 + priced):.2f}"
        about = " ".join(
            draw.mixed([entity["traits"], entity["noun"], "with", draw.pick(TRAITS), draw.pick(COLOURS)])
        ).strip()
        return {**entity, "title": " ".join(parts), "price": price, "about": about}

    return write


def products(draw: Draw) -> Domain:
    """Products with models, sizes and colours: a variant is another product."""
    made = _Goods(draw)
    title = main("title", "name|title|product|product_name", fields=_DECIDES)
    rest = (
        column("brand", "brand|manufacturer|maker", "text", 0.45),
        column("model", "model|modelno|model_number", "code", 0.3),
        column("price", "price|cost|list_price", "number", 0.4, soft=True),
        column("noun", "category|type|group", "text", 0.25),
        column("size", "size|capacity|pack", "text", 0.2),
        column("colour", "colour|color", "text", 0.2),
        column("about", "description|details|features", "text", 0.2, soft=True),
    )
    return Domain(
        made.fresh, made.sibling, ((title, *rest),), lambda side: _title_writer(side, 0.25), repeat=0.1
    )


def offers(draw: Draw) -> Domain:
    """Offers of shops: long titles of one product, with words left out and in other orders."""
    made = _Goods(draw)
    title = main("title", "title|offer|name|listing", fields=_DECIDES)
    rest = (
        column("price", "price|offer_price", "number", 0.35, soft=True),
        column("brand", "brand|vendor", "text", 0.2),
        column("about", "description|text", "text", 0.15, soft=True),
    )
    return Domain(
        made.fresh,
        made.sibling,
        ((title, *rest),),
        lambda side: _title_writer(side, 0.7),
        dedup=0.45,
        repeat=0.4,
    )
