"""Families about places: addresses, and places with coordinates."""

from __future__ import annotations

from .column import Domain, Entity, Writer, column, main
from .draw import Draw, Pool
from .lists_people import SHORT
from .lists_things import COUNTRIES, TRANSLATED
from .vocabulary import Words, near_number


def addresses(draw: Draw) -> Domain:
    """Addresses: another house number or flat is another address."""
    words = Words(draw)
    streets = Pool(draw, [words.street() for _ in range(int(draw.log_span(20, 1500)))])
    flats, postcode = draw.pick((0.0, 0.2, 0.7)), draw.whole(10, 99)

    def fresh() -> Entity:
        town = words.town()
        return {
            "house": str(int(draw.log_span(1, 400))),
            "letter": draw.pick(("", "", "", "", "A", "B")),
            "street": streets(),
            "flat": str(draw.whole(1, 60)) if draw.chance(flats) else "",
            "town": town,
            "postcode": f"{postcode}{sum(map(ord, town)) % 1000:03d}",
        }

    def sibling(old: Entity) -> Entity:
        kind = draw.choose((0.5, "house"), (0.2, "letter"), (0.15, "town"), (0.15, "flat"))
        new = fresh()
        if kind == "town":
            return {**old, "town": new["town"], "postcode": new["postcode"]}
        if kind == "flat" and old["flat"]:
            return {**old, "flat": near_number(draw, old["flat"])}
        return (
            {**old, "letter": draw.pick("ABCD")}
            if kind == "letter"
            else {**old, "house": near_number(draw, old["house"], 6)}
        )

    def writer(side: Draw) -> Writer:
        form, flat = (
            side.pick(("{h} {s}", "{s} {h}", "{s}, {h}", "No. {h} {s}")),
            side.pick(("Flat {f}, {a}", "{a}, Apt {f}", "{a} #{f}", "{a}/{f}")),
        )
        short, tail = (
            side.pick((0.0, 0.5, 1.0)),
            side.pick(("{a}, {t}", "{a}, {p} {t}", "{a}", "{a} {t} {p}")),
        )

        def write(entity: Entity) -> Entity:
            street = entity["street"]
            if short and side.unit() < short:
                street = " ".join(SHORT.get(part, part) for part in street.split()).replace("straße", "str.")
            line = form.format(h=entity["house"] + entity["letter"], s=street)
            line = flat.format(f=entity["flat"], a=line) if entity["flat"] else line
            text = tail.format(a=line, t=entity["town"], p=entity["postcode"])
            return {
                **entity,
                "line": line,
                "text": text,
                "street": street,
                "number": entity["house"] + entity["letter"],
            }

        return write

    home = ("house", "letter", "street", "flat")
    town = column("town", "town|city|locality", "text", 0.6)
    post = column("postcode", "postcode|zip", "code", 0.45)
    whole = (main("text", "address|full_address|location", fields=home),)
    lines = (main("line", "address|street_address|address_line_1", fields=home), town, post)
    parts = (
        main("street", "street|street_name|road"),
        main("number", "house_number|number|no", "code", fields=("house", "letter")),
        column("flat", "flat|unit|apartment", "code", 0.95),
        town,
        post,
    )
    return Domain(fresh, sibling, (whole, lines, parts), writer)


def gazetteers(draw: Draw) -> Domain:
    """Places with coordinates: towns, stations, lakes and churches of the same name elsewhere."""
    words = Words(draw)
    kinds = [
        forms
        for forms in TRANSLATED
        if forms[0] in ("Lake", "Church", "Bridge", "Castle", "Station", "Museum", "Hospital", "School")
    ]
    named = draw.chance(0.5)

    def fresh() -> Entity:
        form = draw.pick(kinds) if named else ()
        country = draw.pick(COUNTRIES[:20])
        return {
            "name": words.word(1, 2, "towns"),
            "kind": form[0] if form else "",
            "region": words.word(1, 2),
            "country": country,
            "lat": f"{draw.span(-50, 68):.4f}",
            "lon": f"{draw.span(-120, 150):.4f}",
            "people": str(int(draw.log_span(50, 2e6))),
        }

    def sibling(old: Entity) -> Entity:
        new = fresh()
        kind = draw.choose((0.45, "same name"), (0.25, "part"), (0.3, "near"))
        if kind == "same name":
            return {**new, "name": old["name"], "kind": old["kind"]}
        lat, lon = (f"{float(old[key]) + draw.span(-0.08, 0.08):.4f}" for key in ("lat", "lon"))
        near = {**new, "region": old["region"], "country": old["country"], "lat": lat, "lon": lon}
        if kind == "part":
            near["name"] = (
                f"{draw.pick(('Upper', 'Lower', 'New', 'Old', 'North', 'Little', 'Great'))} {old['name']}"
            )
        return near

    def writer(side: Draw) -> Writer:
        tongue, moved, places = (
            side.choose((0.7, 0), (0.3, side.whole(1, 4))),
            side.pick((0.0, 0.001, 0.01)),
            side.whole(1, 4),
        )
        tail, counted, other = (
            side.pick(("", "", "", ", {r}", " ({c})")),
            side.pick((0.0, 0.1)),
            side.pick((0.0, 0.0, 0.1)),
        )

        def write(entity: Entity) -> Entity:
            text = entity["name"]
            if other and side.unit() < other:
                text = text[:-1] + side.pick("aeiouy")
            if entity["kind"]:
                forms = next(forms for forms in kinds if forms[0] == entity["kind"])
                word = forms[tongue % len(forms)]
                text = f"{word} {text}" if tongue or side.chance(0.3) else f"{text} {word}"
            text += tail.format(r=entity["region"], c=entity["country"])
            lat, lon = (
                f"{float(entity[key]) + side.span(-moved, moved):.{places}f}" for key in ("lat", "lon")
            )
            people = str(int(int(entity["people"]) * side.span(1 - counted, 1 + counted)))
            return {**entity, "text": text, "lat": lat, "lon": lon, "people": people}

        return write

    columns = (
        main("text", "name|place|town|feature", fields=("name", "kind")),
        column("region", "region|admin1|state|province", "text", 0.45),
        column("country", "country|nation", "text", 0.4),
        column("lat", "lat|latitude|y", "fixed", 0.6, soft=True),
        column("lon", "lon|longitude|x|lng", "fixed", 0.6, soft=True),
        column("people", "population|inhabitants", "number", 0.25, soft=True),
    )
    return Domain(fresh, sibling, (columns,), writer)
