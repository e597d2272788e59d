"""Names in a script other than Latin, on both sides."""

from __future__ import annotations

from .column import Domain, Entity, Writer, column, main
from .draw import Draw, Pool
from .sounds import MISREAD, SCRIPTS, script_word


def scripts(draw: Draw) -> Domain:
    """Names of people, firms or places in a script other than Latin, on both sides."""
    script = draw.pick(sorted(SCRIPTS))

    def from_script(low: int, high: int) -> str:
        return script_word(draw, script, low, high)

    tight = script in ("kanji", "kana", "hangul", "thai")
    first = Pool(draw, [from_script(1 if tight else 2, 3) for _ in range(int(draw.log_span(20, 400)))])
    last = Pool(draw, [from_script(2, 3) for _ in range(int(draw.log_span(20, 800)))])
    town = Pool(draw, [from_script(2, 3) for _ in range(int(draw.log_span(8, 120)))])
    tails = [from_script(2, 4) for _ in range(draw.whole(1, 6))]
    legal = {"kanji": ("株式會社", "株式会社", "(株)", ""), "hangul": ("주식회사", "(주)", "")}.get(
        script, (from_script(2, 2), "")
    )
    firm = draw.chance(0.6)
    gap = "" if tight and draw.chance(0.8) else " "

    def fresh() -> Entity:
        end = gap + draw.pick(tails) if firm else ""
        return {
            "first": first(),
            "last": last(),
            "end": end,
            "town": town(),
            "house": str(draw.whole(1, 99)),
            "street": last(),
            "year": str(draw.whole(1890, 2015)),
            "trade": draw.pick(tails),
        }

    def sibling(old: Entity) -> Entity:
        new, key = fresh(), draw.pick(("first", "last", "end", "town"))
        return {
            **new,
            "first": old["first"],
            "last": old["last"],
            "end": old["end"],
            "trade": old["trade"],
            key: new[key],
        }

    def writer(side: Draw) -> Writer:
        form, before, gone = side.pick(legal), side.chance(0.5), side.pick((0.0, 0.2, 1.0))
        swap = not firm and side.chance(0.25)

        def write(entity: Entity) -> Entity:
            pair = (entity["last"], entity["first"]) if swap else (entity["first"], entity["last"])
            text = gap.join(pair) + entity["end"]
            if firm and form and not (gone and side.unit() < gone):
                text = form + gap + text if before else text + gap + form
            return {
                **entity,
                "name": text,
                "address": f"{entity['town']}{gap}{entity['street']}{entity['house']}",
            }

        return write

    columns = (
        main("name", "name|title|firm_title|label", fields=("first", "last", "end")),
        column("address", "address|place", "text", 0.45, fields=("town", "street", "house")),
        column("town", "town|city|seat", "text", 0.3),
        column("year", "year|est_date|born", "code", 0.3),
        column("trade", "product|trade|kind", "text", 0.25, soft=True),
    )
    return Domain(fresh, sibling, (columns,), writer, letters=MISREAD[script])
