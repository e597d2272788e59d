"""Families about things of a version or a strength: software and medicines."""

from __future__ import annotations

from .column import Domain, Entity, Writer, column, main
from .draw import Draw, Pool
from .lists_people import SHORT
from .lists_things import PROGRAMS
from .sounds import scientific
from .vocabulary import Words


def software(draw: Draw) -> Domain:
    """Programs with versions, editions and platforms."""
    words = Words(draw)
    maker = Pool(
        draw,
        [words.word(1, 2) + draw.pick(("soft", "ware", "", " Systems")) for _ in range(draw.whole(5, 80))],
    )
    program = Pool(draw, PROGRAMS)
    editions = (
        "Standard",
        "Professional",
        "Home",
        "Deluxe",
        "Premium",
        "Student",
        "Enterprise",
        "Upgrade",
        "",
    )
    yearly = draw.chance(0.3)

    def version() -> str:
        return (
            str(draw.whole(1998, 2024))
            if yearly
            else draw.pick((f"{draw.whole(1, 12)}", f"{draw.whole(1, 12)}.{draw.whole(0, 9)}"))
        )

    def fresh() -> Entity:
        return {
            "maker": maker(),
            "program": f"{words.word(1, 2)} {program()}" if draw.chance(0.5) else f"{program()}",
            "version": version() if draw.chance(0.85) else "",
            "edition": draw.pick(editions),
            "platform": draw.pick(("Windows", "Mac", "Win/Mac", "Linux", "")),
            "price": f"{draw.log_span(9, 900):.2f}",
        }

    def sibling(old: Entity) -> Entity:
        key = draw.choose((0.55, "version"), (0.3, "edition"), (0.15, "platform"))
        value = {
            "version": version(),
            "edition": draw.pick(editions),
            "platform": draw.pick(("Windows", "Mac", "Linux")),
        }
        return {**old, key: value[key], "price": fresh()["price"]}

    def writer(side: Draw) -> Writer:
        first, v, pro = side.chance(0.5), side.pick(("", "", "v", "Version ", "ver. ")), side.chance(0.4)
        extra = side.pick(("", "", " (PC)", " [CD-ROM]", " - Download", " Full Version"))
        priced = side.pick((0.0, 0.1))

        def write(entity: Entity) -> Entity:
            edition = entity["edition"]
            edition = (
                SHORT.get(edition, edition)
                if pro
                else f"{edition} Edition"
                if edition and side.chance(0.2)
                else edition
            )
            number = f"{v}{entity['version']}" if entity["version"] else ""
            parts = [
                entity["maker"] if first or side.chance(0.15) else "",
                entity["program"],
                number,
                edition,
            ]
            if entity["platform"]:
                parts.append(side.pick(("for {}", "({})", "{}")).format(entity["platform"]))
            tail = extra if side.chance(0.5) else ""
            price = f"{float(entity['price']) * side.span(1 - priced, 1 + priced):.2f}"
            return {**entity, "title": " ".join(filter(None, parts)) + tail, "price": price}

        return write

    columns = (
        main("title", "title|name|product|software", fields=("program", "version", "edition", "platform")),
        column("maker", "manufacturer|publisher|vendor", "text", 0.5),
        column("version", "version|release", "code", 0.2),
        column("platform", "platform|os", "text", 0.2),
        column("price", "price|cost", "number", 0.4, soft=True),
    )
    return Domain(fresh, sibling, (columns,), writer, repeat=0.15)


def medicines(draw: Draw) -> Domain:
    """Medicines: a learned name, a strength and a form; another strength is another one."""
    words = Words(draw)
    substance = Pool(draw, [scientific(draw) for _ in range(int(draw.log_span(30, 500)))])
    forms = draw.some(
        ("Tablets", "Capsules", "Injection", "Cream", "Syrup", "Drops", "Suspension", "Gel", "Powder"), 6
    )
    salts = ("", "", "", " hydrochloride", " sodium", " acetate", " maleate")
    short = {" hydrochloride": " HCl", " sodium": " Na", " acetate": " ac.", " maleate": ""}
    strengths = (
        "5 mg",
        "10 mg",
        "20 mg",
        "25 mg",
        "50 mg",
        "100 mg",
        "250 mg",
        "500 mg",
        "0.5 %",
        "1 %",
        "2 mg/ml",
    )

    def fresh() -> Entity:
        return {
            "substance": substance(),
            "salt": draw.pick(salts),
            "strength": draw.pick(strengths),
            "form": draw.pick(forms),
            "maker": words.word(1, 2, "people"),
            "pack": draw.pick(("10", "20", "30", "50", "100")),
        }

    def sibling(old: Entity) -> Entity:
        new, key = fresh(), draw.choose((0.5, "strength"), (0.25, "form"), (0.15, "pack"), (0.1, "substance"))
        if key == "substance":  # a name that sounds alike
            text = old["substance"]
            return {
                **old,
                "substance": text[:-3] + draw.pick(("ine", "ol", "ide", "one", "ate", "il")),
                "maker": new["maker"],
            }
        return {**old, key: new[key]}

    def writer(side: Draw) -> Writer:
        form = side.pick(
            ("{n}{s} {g} {f}", "{n}{s} {f} {g}", "{n} {g} {f}", "{n}{s}, {f}, {g}", "{f} {n} {g}")
        )
        tight, abbreviated, packed = side.chance(0.4), side.chance(0.4), side.chance(0.5)

        def write(entity: Entity) -> Entity:
            salt = short.get(entity["salt"], "") if abbreviated else entity["salt"]
            kind = entity["form"][:3].lower() + "." if abbreviated else entity["form"]
            strength = entity["strength"].replace(" ", "") if tight else entity["strength"]
            text = form.format(n=entity["substance"], s=salt, g=strength, f=kind)
            text += f" x{entity['pack']}" if packed else f" ({entity['pack']})"
            return {**entity, "title": text}

        return write

    decides = ("substance", "strength", "form", "pack")
    columns = (
        main("title", "name|drug|product|medicine", fields=decides),
        column("maker", "manufacturer|holder|company", "text", 0.4, soft=True),
        column("strength", "strength|dose", "text", 0.2),
        column("form", "form|dosage_form", "text", 0.2),
    )
    return Domain(fresh, sibling, (columns,), writer)
