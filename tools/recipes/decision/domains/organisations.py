"""Families about organisations: firms that share a frame, institutions with departments, restaurants."""

from __future__ import annotations

from .column import Domain, Entity, Writer, column, main
from .draw import Draw, Pool, pool
from .lists_people import SHORT
from .lists_things import COUNTRIES, CUISINES, FIELDS, HEADS, LEGAL, TRADES, TRANSLATED
from .vocabulary import Words, initials


def _firm_writer(draw: Draw) -> Writer:
    """How a side writes firms: the legal form, short words, initials, the town behind."""
    legal = draw.choose((0.35, "full"), (0.3, "short"), (0.15, "any"), (0.2, "none"))
    gone = draw.pick((0.0, 0.05, 0.3))
    the, placed, dropped = (
        draw.pick((0.0, 0.0, 0.2)),
        draw.pick((0.0, 0.0, 0.0, 0.4)),
        draw.pick((0.0, 0.0, 0.1)),
    )
    short, letters, ampersand = (
        draw.pick((0.0, 0.3, 0.8)),
        draw.pick((0.0, 0.0, 0.02, 0.12)),
        draw.chance(0.5),
    )

    def write(entity: Entity) -> Entity:
        forms = entity["legal"].split("|")
        form = forms[0] if legal == "full" else forms[-1] if legal == "short" else draw.pick(forms)
        name = entity["core"]
        if letters and len(name.split()) > 2 and draw.unit() < letters:
            name = initials(name)
        elif dropped and len(name.split()) > 3 and draw.unit() < dropped:
            name = name.rsplit(" ", 1)[0]
        if short and draw.unit() < short:
            name = " ".join(SHORT.get(part, part) for part in name.split())
        if not ampersand:
            name = name.replace("&", "and")
        if legal != "none" and not (gone and draw.unit() < gone):
            name += draw.pick((" ", " ", ", ")) + form
        if placed and draw.unit() < placed:
            name += draw.pick((" ({})", ", {}", " {}")).format(entity["town"])
        if the and draw.unit() < the:
            name = "The " + name
        return {**entity, "name": name, "address": f"{entity['house']} {entity['street']}, {entity['town']}"}

    return write


def _core(draw: Draw, words: Words, head: Pool, trade: Pool, frame: float, fixed: str) -> str:
    """A firm's name without its legal form; `frame` of them share the head word `fixed` or a last word."""
    kind = draw.whole(0, 6)
    if draw.chance(frame):
        return draw.pick(
            (
                f"{fixed} {words.family()} {trade()}",
                f"{fixed} {trade()} {words.town()}",
                f"{words.family()} {trade.values[0]}",
            )
        )
    if kind <= 1:
        return f"{head()} {trade()}"
    if kind == 2:
        return f"{words.family()} & {words.family()} {trade()}"
    if kind == 3:
        return f"{words.family()} {draw.pick(('Brothers', '& Sons', '& Co', trade()))}"
    if kind == 4:
        return f"{words.town()} {trade()} {trade()}"
    return f"{head()} {words.family()} {trade()}" if kind == 5 else words.word(1, 3)


def firms(draw: Draw) -> Domain:
    """Firms: many share a head word, a trade or a legal form."""
    words = Words(draw)
    head = pool(draw, HEADS, lambda: words.word(1, 2))
    trade = Pool(draw, draw.some(TRADES, draw.whole(3, len(TRADES))))
    legal = Pool(draw, ["|".join(form) for form in LEGAL.get(words.tongues[0], LEGAL["english"])])
    frame = draw.pick((0.1, 0.4, 0.8))
    fixed = head()

    def fresh() -> Entity:
        return {
            "core": _core(draw, words, head, trade, frame, fixed),
            "legal": legal(),
            "town": words.town(),
            "street": words.street(),
            "house": str(draw.whole(1, 200)),
            "postcode": draw.digits(5),
            "trade": trade(),
            "founded": str(draw.whole(1880, 2020)),
            "head": words.person(),
        }

    def sibling(old: Entity) -> Entity:
        new = fresh()
        parts = old["core"].split()
        kind = draw.choose((0.35, "tail"), (0.2, "branch"), (0.25, "head"), (0.2, "arm"))
        if kind == "tail" and len(parts) > 1:
            return {**new, "core": " ".join([*parts[:-1], trade.other(parts[-1])])}
        if kind == "branch":
            town = words.town.other(old["town"])
            return {**new, "core": old["core"], "town": town, "legal": old["legal"], "trade": old["trade"]}
        if kind == "arm":
            added = draw.pick(
                (words.town(), "International", "Holdings", "(UK)", "Finance", "2000", "Europe")
            )
            return {**new, "core": f"{old['core']} {added}", "town": old["town"]}
        return {
            **new,
            "core": " ".join([words.family.other(parts[0]), *parts[1:]]) if len(parts) > 1 else new["core"],
        }

    def aged(old: Entity) -> Entity:
        new = fresh()
        return {
            **old,
            **{key: new[key] for key in draw.pick((("street", "house", "postcode"), ("head",), ("legal",)))},
        }

    columns = (
        main("name", "name|company|firm|company_name|supplier", fields=("core",)),
        column("town", "city|town|location|seat", "text", 0.5),
        column(
            "address", "address|street_address|headquarters", "text", 0.3, fields=("house", "street", "town")
        ),
        column("postcode", "postcode|zip", "code", 0.25),
        column("trade", "industry|sector|branch", "text", 0.3, soft=True),
        column("founded", "founded|year|established", "code", 0.25),
        column("head", "owner|director|contact", "text", 0.2, soft=True),
    )
    return Domain(fresh, sibling, (columns,), _firm_writer, repeat=0.15, aged=aged)


def _body_writer(draw: Draw, by_dept: bool) -> Writer:
    """How a side writes institutions: parts in another order, left out, shortened, translated."""
    both = ("dept, body, place", "body, dept, place", "dept, body")
    order = draw.pick(both if by_dept else (*both, "body, place", "body", "any"))
    short, letters = draw.pick((0.0, 0.3, 0.9)), draw.pick((0.0, 0.0, 0.05, 0.2))
    tongue, between = (
        draw.choose((0.75, 0), (0.25, draw.whole(1, 5))),
        draw.pick((", ", ", ", " - ", "; ", " ")),
    )
    translated = {forms[0]: forms[tongue % len(forms)] for forms in TRANSLATED}

    def write(entity: Entity) -> Entity:
        body, dept = entity["body"], entity["dept"]
        if tongue:
            body = " ".join(translated.get(part, part) for part in body.split(" "))
        if letters and draw.unit() < letters:
            body = initials(body)
        if short and draw.unit() < short:
            body = " ".join(SHORT.get(part, part) for part in body.split(" "))
            dept = " ".join(SHORT.get(part, part) for part in dept.split(" "))
        place = draw.pick((entity["town"], f"{entity['town']}, {entity['country']}", entity["country"]))
        found = {"dept": dept, "body": body, "place": place}
        chosen = (
            order.split(", ") if order != "any" else draw.some(["dept", "body", "place"], draw.whole(1, 3))
        )
        chosen = chosen if "body" in chosen else [*chosen, "body"]
        return {**entity, "name": between.join(found[each] for each in chosen if found[each]), "body": body}

    return write


def institutions(draw: Draw) -> Domain:
    """Affiliations: universities, hospitals and offices with departments and places."""
    words = Words(draw)
    learned = [
        forms[0] for forms in TRANSLATED if forms[0] not in ("Church", "Bridge", "Lake", "Castle", "Station")
    ]
    kinds = draw.some(learned, draw.whole(3, 11))
    by_dept = draw.chance(0.3)
    heads = pool(draw, HEADS, lambda: words.word(1, 2), 60)

    def fresh() -> Entity:
        kind, town = draw.pick(kinds), words.town()
        forms = (f"{kind} of {town}", f"{town} {kind}", f"{heads()} {kind}", f"{words.family()} {kind}")
        forms += (f"{town} {kind} of {draw.pick(FIELDS)}", f"National {kind} of {draw.pick(FIELDS)}")
        dept = draw.pick(("Department of {}", "School of {}", "Faculty of {}", "Institute of {}")).format(
            draw.pick(FIELDS)
        )
        country = COUNTRIES[sum(map(ord, town)) % len(COUNTRIES)]
        return {
            "body": draw.pick(forms),
            "dept": dept if by_dept or draw.chance(0.5) else "",
            "town": town,
            "country": country,
        }

    def sibling(old: Entity) -> Entity:
        new = fresh()
        kind = draw.whole(0, 2)
        if kind == 0 and by_dept:
            return {**old, "dept": new["dept"] or "Department of Other Studies"}
        if kind <= 1:
            town = words.town.other(old["town"])
            return {**new, "body": old["body"].replace(old["town"], town), "town": town}
        if old["body"].startswith("National"):
            return {**new, "body": f"{old['body'].split(' of ')[0]} of {draw.pick(FIELDS)}"}
        if " of " in old["body"]:
            return {
                **old,
                "body": f"{old['body'].split(' of ')[0]} of {draw.pick(FIELDS)}",
                "dept": new["dept"],
            }
        changed = draw.pick(
            (f"{old['body']} of {draw.pick(FIELDS)}", f"{old['body'].rsplit(' ', 1)[0]} {draw.pick(kinds)}")
        )
        return {**old, "body": changed, "dept": new["dept"]}

    sources = ("body", "dept") if by_dept else ("body",)
    text = main("name", "affiliation|institution|organisation|name|agency", fields=sources)
    parts = (
        text,
        column("town", "city|place|town", "text", 0.3),
        column("country", "country|nation", "text", 0.25),
    )
    return Domain(fresh, sibling, (parts,), lambda side: _body_writer(side, by_dept), dedup=0.45, repeat=0.35)


def restaurants(draw: Draw) -> Domain:
    """Restaurants, shops and hotels with an address, a phone and a kind."""
    words = Words(draw)
    tails = draw.some(
        ("Cafe", "Grill", "Restaurant", "Bistro", "Kitchen", "House", "Bar", "Hotel", "Inn", "Diner"), 7
    )
    tail = Pool(draw, tails)

    def fresh() -> Entity:
        owner = draw.pick(
            (f"{words.given()}'s", words.word(1, 2), f"The {words.word(1, 2)}", f"{words.town()}")
        )
        return {
            "name": f"{owner} {tail()}" if draw.chance(0.8) else owner,
            "address": f"{draw.whole(1, 4000)} {words.street()}",
            "town": words.town(),
            "phone": f"({draw.digits(3)}) {draw.digits(3)}-{draw.digits(4)}",
            "zip": draw.digits(5),
            "kind": draw.pick(CUISINES),
            "rating": f"{draw.span(2, 5):.1f}",
        }

    def sibling(old: Entity) -> Entity:
        new = fresh()
        if draw.chance(0.5):  # a branch of the chain
            return {
                **new,
                "name": old["name"],
                "kind": old["kind"],
                "town": draw.pick((old["town"], new["town"])),
            }
        if draw.chance(0.5):  # next door, or who came after
            return {**new, "address": old["address"], "town": old["town"], "zip": old["zip"]}
        return {**new, "name": " ".join([*old["name"].split()[:-1], tail()]), "town": old["town"]}

    def writer(side: Draw) -> Writer:
        bare, short, city = side.chance(0.25), side.chance(0.4), side.pick((0.0, 0.0, 0.3))

        def write(entity: Entity) -> Entity:
            record = dict(entity)
            last = entity["name"].rsplit(" ", 1)[-1]
            if bare and " " in entity["name"] and last in tails and side.chance(0.5):
                record["name"] = entity["name"].rsplit(" ", 1)[0]
            if city and side.unit() < city:
                record["name"] += f" {side.pick(('-', 'of', '@'))} {entity['town']}"
            if short:
                record["address"] = " ".join(SHORT.get(part, part) for part in entity["address"].split(" "))
            record["rating"] = f"{min(5.0, float(entity['rating']) + side.pick((-0.3, 0, 0, 0.2))):.1f}"
            return record

        return write

    columns = (
        main("name", "name|restaurant|venue|title"),
        column("address", "address|addr|street", "text", 0.75),
        column("town", "city|town", "text", 0.6),
        column("phone", "phone|telephone", "code", 0.5),
        column("zip", "zip|postcode", "code", 0.3),
        column("kind", "cuisine|type|category", "text", 0.4, soft=True),
        column("rating", "rating|stars", "number", 0.2, soft=True),
    )
    return Domain(fresh, sibling, (columns,), writer)
