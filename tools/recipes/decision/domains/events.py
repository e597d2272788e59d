"""Families about what happened: events and payments."""

from __future__ import annotations

from .column import Domain, Entity, Writer, column, main
from .draw import Draw, Pool
from .vocabulary import Words, near_year


def events(draw: Draw) -> Domain:
    """Events: the same race, fair or storm of another year or place is another event."""
    words = Words(draw)
    things = draw.some(
        (
            "Marathon",
            "Film Festival",
            "Open",
            "Grand Prix",
            "Book Fair",
            "earthquake",
            "flood",
            "Congress",
            "Championship",
            "Cup final",
            "election",
            "Jazz Festival",
            "Expo",
        ),
        6,
    )
    dated = draw.pick((0.2, 0.9))

    def fresh() -> Entity:
        return {
            "what": draw.pick(things),
            "town": words.town(),
            "date": words.date(1950, 2024),
            "round": draw.pick(("", "", "", " - Women", " - Men", " U20", " qualification")),
            "venue": words.word(1, 2) + draw.pick((" Hall", " Park", " Arena")),
            "count": str(int(draw.log_span(10, 50000))),
        }

    def sibling(old: Entity) -> Entity:
        new = fresh()
        key = draw.choose((0.5, "date"), (0.2, "town"), (0.15, "what"), (0.15, "round"))
        if key == "date":
            return {
                **new,
                "what": old["what"],
                "town": old["town"],
                "round": old["round"],
                "date": near_year(draw, old["date"][:4]) + new["date"][4:],
                "venue": draw.pick((old["venue"], new["venue"])),
            }
        return {**old, key: new[key], "count": new["count"]}

    def writer(side: Draw) -> Writer:
        form = side.pick(("{y} {t} {w}{r}", "{t} {w} {y}{r}", "{w} of {t} ({y}){r}", "{t} {w}{r}, {y}"))
        short, sponsor = side.chance(0.15), side.pick((0.0, 0.0, 0.2))

        def write(entity: Entity) -> Entity:
            year = f"'{entity['date'][2:4]}" if short else entity["date"][:4]
            what = f"{words.word()} {entity['what']}" if sponsor and side.unit() < sponsor else entity["what"]
            text = form.format(y=year, t=entity["town"], w=what, r=entity["round"])
            return {**entity, "text": text, "year": entity["date"][:4]}

        return write

    decides = ("what", "town", "round", "year")

    def dated_entity(entity: Entity) -> Entity:
        return {**entity, "year": entity["date"][:4]}

    columns = (
        main("text", "event|name|title", fields=decides),
        column("date", "date|start|held_on", "date", dated, soft=True),
        column("venue", "venue|location|place", "text", 0.4, soft=True),
        column("count", "attendance|participants|visitors", "number", 0.2, soft=True),
    )
    return Domain(lambda: dated_entity(fresh()), lambda old: dated_entity(sibling(old)), (columns,), writer)


def payments(draw: Draw) -> Domain:
    """Payments in the books of two banks: memo, date and amount differ a little."""
    words = Words(draw)
    payer = Pool(
        draw,
        [
            words.person() if draw.chance(0.7) else words.word(1, 2, "people") + " Ltd"
            for _ in range(int(draw.log_span(20, 2000)))
        ],
    )
    why = draw.some(
        (
            "rent",
            "invoice",
            "salary",
            "donation",
            "refund",
            "subscription",
            "gift",
            "deposit",
            "loan",
            "fees",
        ),
        6,
    )
    marks, start = ("BGC", "CSH", "SO", "DD", "TFR", "FPI"), draw.whole(2005, 2024)

    def fresh() -> Entity:
        return {
            "payer": payer(),
            "why": draw.pick(why),
            "number": draw.digits(4),
            "date": words.date(start, start),
            "amount": f"{draw.log_span(5, 20000):.2f}",
        }

    def sibling(old: Entity) -> Entity:
        new = fresh()
        if draw.chance(0.5):  # the same payer at another time
            amount = draw.pick((old["amount"], new["amount"]))
            return {**new, "payer": old["payer"], "why": old["why"], "amount": amount}
        return {**new, "date": old["date"], "amount": draw.pick((old["amount"], new["amount"]))}

    def writer(side: Draw) -> Writer:
        cut, late = side.choose((0.4, 200), (0.6, side.whole(12, 24))), side.pick((0, 0, 1, 3))
        fee, marked, numbered = (
            side.pick((0.0, 0.0, 0.005, 0.03)),
            side.pick((0.0, 0.3, 0.9)),
            side.chance(0.4),
        )
        initial, reason = side.pick((0.0, 0.2, 1.0)), side.pick((0.0, 0.4, 0.9))

        def write(entity: Entity) -> Entity:
            name = entity["payer"]
            if initial and not name.endswith(" Ltd") and side.unit() < initial:
                *first, last = name.split(" ")
                name = " ".join([*(part[0] for part in first), last])
            parts = [name]
            if reason and side.unit() < reason:
                parts.append(entity["why"])
            if numbered:
                parts.append(entity["number"])
            if marked and side.unit() < marked:
                parts.append(side.pick(marks))
            year, month, day = entity["date"].split("-")
            day = f"{min(28, int(day) + side.whole(0, late)):02d}"
            amount = f"{float(entity['amount']) * (1 - (side.span(0, fee) if side.chance(0.6) else 0)):.2f}"
            return {
                **entity,
                "memo": " ".join(parts)[:cut].strip(),
                "date": f"{year}-{month}-{day}",
                "amount": amount,
            }

        return write

    columns = (
        main("memo", "memo|reference|description|narrative", fields=("payer", "number")),
        main("date", "date|transaction_date|booked|value_date", "date"),
        main("amount", "amount|value|sum", "number"),
    )
    return Domain(fresh, sibling, (columns,), writer, dedup=0.1)
