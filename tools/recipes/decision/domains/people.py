"""Families about people: persons of registers and contacts with e-mails."""

from __future__ import annotations

from .column import Column, Domain, Entity, Writer, column, main
from .draw import Draw
from .lists_people import MAIL, NICKNAMES, SHORT, WORK
from .vocabulary import Words, slug


def _name_writer(draw: Draw) -> Writer:
    """How a side writes names: nicknames, initials, family name first, middle names."""
    nick = draw.pick((0.0, 0.0, 0.1, 0.3))
    initial = draw.choose((0.75, 0.0), (0.18, draw.span(0.02, 0.3)), (0.07, 1.0))
    middle = draw.choose((0.4, "none"), (0.3, "full"), (0.3, "initial"))
    form = draw.choose(
        (0.6, "{g}{m} {s}"), (0.2, "{s}, {g}{m}"), (0.15, "{s} {g}{m}"), (0.05, "{t} {g}{m} {s}")
    )
    short_street = draw.chance(0.35)

    def write(entity: Entity) -> Entity:
        record = dict(entity)
        given = entity["given"]
        if nick and draw.unit() < nick:
            given = NICKNAMES.get(given, given)
        if initial and draw.unit() < initial:
            given = given[0] + draw.pick(("", "."))
        second = entity.get("middle", "")
        second = "" if middle == "none" else second[:1] if middle == "initial" else second
        title = "Ms" if entity.get("sex") == "F" else "Mr"
        tail = f" {second}" if second else ""
        record.update(given=given, middle=second)
        record["name"] = form.format(g=given, m=tail, s=entity["surname"], t=title)
        if short_street and entity.get("street"):
            *first, last = entity["street"].split(" ")
            record["street"] = " ".join([*first, SHORT.get(last, last)])
        if entity.get("street"):
            record["address"] = f"{entity['house']} {record['street']}"
        return record

    return write


class _People:
    """Makes persons, their relatives and their namesakes."""

    def __init__(self, draw: Draw, years: tuple[int, int]) -> None:
        self.draw, self.words, self.years = draw, Words(draw), years
        self.middles = draw.pick((0.0, 0.2, 0.6))
        self.hosts = [
            *MAIL,
            *(f"{slug(self.words.word())}.{draw.pick(('com', 'org', 'net'))}" for _ in range(12)),
        ]

    def mail(self, given: str, surname: str) -> str:
        draw = self.draw
        one, two = slug(given) or "info", slug(surname) or "x"
        local = draw.pick(
            (f"{one}.{two}", f"{one[0]}.{two}", f"{one}{two[0]}", f"{one}{draw.digits(2)}", f"{two}{one[0]}")
        )
        return f"{local}@{draw.pick(self.hosts)}"

    def home(self) -> Entity:
        draw, words = self.draw, self.words
        return {
            "house": str(int(draw.log_span(1, 250))) + draw.pick(("", "", "", "", "a", "b")),
            "street": words.street(),
            "town": words.town(),
            "postcode": draw.digits(5),
        }

    def fresh(self) -> Entity:
        draw, words = self.draw, self.words
        given, surname = words.given(), words.family()
        return {
            "given": given,
            "middle": words.given() if draw.chance(self.middles) else "",
            "surname": surname,
            "born": words.date(*self.years),
            "sex": draw.pick("MF"),
            "work": draw.pick(WORK),
            "birthplace": words.town(),
            "phone": f"0{draw.digits(3)} {draw.digits(6)}",
            "mail": self.mail(given, surname),
            "firm": words.word(1, 2, "people"),
            **self.home(),
        }

    def sibling(self, old: Entity) -> Entity:
        draw, words = self.draw, self.words
        new = self.fresh()
        kind = draw.choose(
            (0.4, "family"), (0.2, "namesake"), (0.15, "junior"), (0.1, "twin"), (0.15, "neighbour")
        )
        if kind == "namesake":
            return {**new, "given": old["given"], "surname": old["surname"], "sex": old["sex"]}
        if kind == "neighbour":
            return {**new, "street": old["street"], "town": old["town"], "postcode": old["postcode"]}
        kept = {key: old[key] for key in ("surname", "house", "street", "town", "postcode")}
        if kind == "twin":
            kept |= {"born": old["born"], "birthplace": old["birthplace"]}
        if kind == "junior":
            year = int(old["born"][:4]) + draw.pick((-30, -26, 25, 28, 33))
            kept |= {"given": old["given"], "sex": old["sex"], "born": f"{year}{new['born'][4:]}"}
        else:
            kept["given"] = words.given.other(old["given"])
        kept["mail"] = self.mail(kept["given"], old["surname"])
        return {**new, **kept}

    def aged(self, old: Entity) -> Entity:
        new = self.fresh()
        kind = self.draw.choose((0.5, "moved"), (0.15, "married"), (0.35, "changed"))
        if kind == "moved":
            return {**old, **self.home()}
        if kind == "married" and old["sex"] == "F":
            return {**old, "surname": new["surname"]}
        return {
            **old,
            "work": new["work"],
            "mail": self.mail(old["given"], old["surname"]),
            "phone": new["phone"],
        }


def persons(draw: Draw) -> Domain:
    """Persons of two registers or censuses."""
    made = _People(draw, draw.pick(((1820, 1900), (1920, 2005), (1950, 2015))))
    rest: tuple[Column, ...] = (
        column("born", "dob|date_of_birth|birth_date|born", "date", 0.75),
        column("sex", "sex|gender", "fixed", 0.35),
        column("house", "street_number|house_no|number", "code", 0.35),
        column("street", "street|address_1|street_name", "text", 0.35),
        column("town", "town|city|suburb|municipality|parish", "text", 0.5),
        column("postcode", "postcode|zip|postal_code", "code", 0.35),
        column("birthplace", "birth_place|place_of_birth|birthplace", "text", 0.25),
        column("work", "occupation|job|profession", "text", 0.25, soft=True),
    )
    first, last = "given_name|first_name|forename|christian_name", "surname|last_name|family_name|lastname"
    split = (main("given", first, "name"), column("middle", "middle_name|second_name", "name", 0.3))
    full = main("name", "name|full_name|person|names", fields=("given", "surname"))
    return Domain(
        made.fresh,
        made.sibling,
        ((*split, main("surname", last, "name"), *rest), (full, *rest)),
        _name_writer,
        dedup=0.35,
        aged=made.aged,
    )


def contacts(draw: Draw) -> Domain:
    """Contact lists with e-mails, phones and firms."""
    made = _People(draw, (1940, 2008))
    rest = (
        column("mail", "email|e_mail|mail|email_address", "text", 0.75),
        column("phone", "phone|telephone|mobile|tel", "code", 0.5),
        column("town", "city|town|location", "text", 0.6),
        column("born", "dob|birthday|date_of_birth", "date", 0.4),
        column("firm", "company|employer|organisation", "text", 0.3, soft=True),
        column("address", "address|street_address", "text", 0.3, fields=("house", "street")),
        column("postcode", "zip|postcode", "code", 0.3),
    )
    first, last = "first_name|firstname|given_name", "surname|last_name|lastname"
    split = (main("given", first, "name"), main("surname", last, "name"))
    full = main("name", "name|contact|full_name|customer", fields=("given", "surname"))
    return Domain(
        made.fresh, made.sibling, ((*split, *rest), (full, *rest)), _name_writer, dedup=0.45, aged=made.aged
    )
