"""Families about works: books, music and films."""

from __future__ import annotations

from .column import Domain, Entity, Writer, column, main
from .draw import Draw, pool
from .lists_things import ADJECTIVES, FILM_GENRES, GENRES, NOUNS
from .vocabulary import Words, near_number, roman


class _Titles:
    """Makes titles of works."""

    def __init__(self, draw: Draw) -> None:
        self.draw, self.words = draw, Words(draw)
        self.noun = pool(draw, NOUNS, lambda: self.words.word(1, 2), 200)
        self.adjective = pool(draw, ADJECTIVES, lambda: self.words.word(1, 2), 100)

    def __call__(self) -> str:
        noun, other, draw = self.noun(), self.noun(), self.draw
        forms = (
            f"The {self.adjective()} {noun}",
            f"{noun}",
            f"{noun} and {other}",
            f"The {noun} of {self.words.town()}",
            f"{noun} in the {other}",
            f"{self.words.given()}'s {noun}",
            f"A {noun} for {self.words.given()}",
            f"{self.adjective()} {noun}s: the {other} of {self.words.family()}",
            f"{self.words.given()}",
            f"My {self.adjective()} {noun}",
        )
        return draw.pick(forms)


def _number_form(draw: Draw) -> str:
    """How a side writes a number behind a title."""
    return draw.pick(
        (
            " Vol. {n}",
            ", Volume {n}",
            " {n}",
            " #{n}",
            " No. {n}",
            ": Part {n}",
            " ({n})",
            " {r}",
            ", vol {n}",
        )
    )


def people_form(draw: Draw) -> str:
    """How a side writes the names of people."""
    return draw.pick(("{g} {s}", "{s}, {g}", "{i}. {s}", "{s} {i}", "{s}"))


def person_form(form: str, name: str) -> str:
    """A person's name in a form of `people_form`."""
    given, _, family = name.partition(" ")
    return form.format(g=given, s=family or given, i=given[:1])


def books(draw: Draw) -> Domain:
    """Books: volumes and editions of one title are different books."""
    title = _Titles(draw)
    numbered, edited = draw.pick((0.1, 0.5)), draw.pick((0.1, 0.5))
    publisher = pool(
        draw, (), lambda: title.words.word(1, 2) + draw.pick((" Press", " Verlag", " Books", "")), 40
    )

    def fresh() -> Entity:
        return {
            "title": title(),
            "volume": str(draw.whole(1, 12)) if draw.chance(numbered) else "",
            "edition": draw.pick(("2", "3", "4")) if draw.chance(edited) else "",
            "author": title.words.person(),
            "publisher": publisher(),
            "year": str(draw.whole(1900, 2023)),
            "pages": str(draw.whole(80, 900)),
        }

    def sibling(old: Entity) -> Entity:
        new = fresh()
        kind = draw.choose((0.45, "volume"), (0.25, "edition"), (0.2, "author"), (0.1, "title"))
        if kind == "volume":
            return {
                **new,
                **{key: old[key] for key in ("title", "author", "publisher")},
                "volume": near_number(draw, old["volume"] or "1"),
            }
        if kind == "edition":
            later = str(min(2023, int(old["year"]) + draw.whole(1, 9)))
            return {
                **old,
                "edition": near_number(draw, old["edition"] or "1"),
                "year": later,
                "pages": new["pages"],
            }
        kept = {"author": old["author"]} if kind == "author" else {"title": old["title"]}
        return {**new, **kept}

    def writer(side: Draw) -> Writer:
        volume, people = _number_form(side), people_form(side)
        edition = side.pick((" ({o} ed.)", ", {o} edition", " - {o} Ed", " {n}e"))
        bare, article = side.chance(0.3), side.pick((0, 0, 1, 2))

        def write(entity: Entity) -> Entity:
            text = (
                entity["title"].split(":")[0]
                if bare and entity["title"].count(":") and side.chance(0.5)
                else entity["title"]
            )
            if article and text.startswith("The "):
                text = text[4:] if article == 1 else text[4:] + ", The"
            if entity["volume"]:
                text += volume.format(n=entity["volume"], r=roman(int(entity["volume"])))
            if entity["edition"]:
                number = entity["edition"]
                text += edition.format(n=number, o=number + {"2": "nd", "3": "rd"}.get(number, "th"))
            return {**entity, "title": text, "author": person_form(people, entity["author"])}

        return write

    columns = (
        main("title", "title|book|name", fields=("title", "volume", "edition")),
        column("author", "author|authors|writer|creator", "text", 0.8),
        column("publisher", "publisher|press|imprint", "text", 0.35),
        column("year", "year|pubyear|published", "code", 0.5),
        column("pages", "pages|page_count", "number", 0.2),
    )
    return Domain(fresh, sibling, (columns,), writer)


def music(draw: Draw) -> Domain:
    """Songs: versions (live, remix) and other artists' songs of the same title."""
    title = _Titles(draw)
    bands = pool(
        draw,
        (),
        lambda: draw.pick((title.words.person(), f"The {title.noun()}s", title.words.word())),
        int(draw.log_span(20, 300)),
    )
    album = pool(draw, (), title, 200)

    def fresh() -> Entity:
        return {
            "title": title(),
            "version": draw.pick(("", "", "", "", "Live", "Remix", "Acoustic", "Radio Edit")),
            "artist": bands(),
            "album": album(),
            "number": str(draw.whole(1, 20)),
            "year": str(draw.whole(1960, 2023)),
            "length": f"{draw.whole(2, 7)}:{draw.whole(0, 59):02d}",
            "genre": draw.pick(GENRES),
        }

    def sibling(old: Entity) -> Entity:
        new = fresh()
        kind = draw.choose(
            (0.4, ("artist", "album", "year", "genre")),
            (0.25, ("title", "artist")),
            (0.2, ("title",)),
            (0.15, ("artist",)),
        )
        changed = {**new, **{key: old[key] for key in kind}}
        return (
            {**changed, "version": draw.pick(("Live", "Remix", "Demo", "Part 2"))}
            if kind == ("title", "artist")
            else changed
        )

    def writer(side: Draw) -> Writer:
        form, joined, track = side.pick((" ({})", " - {}", " [{}]")), side.chance(0.2), side.chance(0.15)
        seconds, short_year = side.chance(0.3), side.chance(0.2)

        def write(entity: Entity) -> Entity:
            text = entity["title"] + (form.format(entity["version"]) if entity["version"] else "")
            text = f"{entity['artist']} - {text}" if joined else text
            minutes, rest = entity["length"].split(":")
            length = str(int(minutes) * 60 + int(rest)) if seconds else entity["length"]
            year = f"'{entity['year'][2:]}" if short_year else entity["year"]
            number = f"{int(entity['number']):03d}-"
            return {**entity, "title": f"{number}{text}" if track else text, "length": length, "year": year}

        return write

    columns = (
        main("title", "title|song|track|name", fields=("title", "version")),
        column("artist", "artist|performer|band", "text", 0.85),
        column("album", "album|release|record", "text", 0.6),
        column("number", "number|track_no", "code", 0.3, soft=True),
        column("length", "length|duration|time", "code", 0.4),
        column("year", "year|released", "code", 0.45),
        column("genre", "genre|style", "text", 0.25, soft=True),
    )
    return Domain(fresh, sibling, (columns,), writer, dedup=0.35)


def films(draw: Draw) -> Domain:
    """Films: sequels, remakes of another year, and episodes of series."""
    title = _Titles(draw)

    def fresh() -> Entity:
        return {
            "title": title(),
            "part": draw.pick(("", "", "", "", "2", "3")),
            "year": str(draw.whole(1925, 2024)),
            "director": title.words.person(),
            "actor": title.words.person(),
            "minutes": str(draw.whole(70, 190)),
            "genre": draw.pick(FILM_GENRES),
        }

    def sibling(old: Entity) -> Entity:
        new = fresh()
        kind = draw.choose((0.4, "sequel"), (0.35, "remake"), (0.25, "director"))
        if kind == "sequel":
            later = str(int(old["year"]) + draw.whole(1, 6))
            return {
                **new,
                "title": old["title"],
                "part": near_number(draw, old["part"] or "1"),
                "year": later,
                "director": old["director"],
                "actor": old["actor"],
            }
        if kind == "remake":
            return {**new, "title": old["title"], "part": old["part"]}
        return {**new, "director": old["director"], "actor": old["actor"]}

    def writer(side: Draw) -> Writer:
        form, dated, late = _number_form(side), side.chance(0.3), side.pick((0.0, 0.0, 0.15))
        full, people = side.chance(0.25), people_form(side)

        def write(entity: Entity) -> Entity:
            text = entity["title"]
            if entity["part"]:
                text += form.format(n=entity["part"], r=roman(int(entity["part"])))
            year = str(int(entity["year"]) + (side.unit() < late))
            text = f"{text} ({year})" if dated else text
            minutes = f"{entity['minutes']} min" if full else entity["minutes"]
            return {
                **entity,
                "title": text,
                "year": year,
                "minutes": minutes,
                "director": person_form(people, entity["director"]),
            }

        return write

    columns = (
        main("title", "title|film|movie|name", fields=("title", "part")),
        column("year", "year|release_date|released", "code", 0.7),
        column("director", "director|directed_by", "text", 0.6),
        column("actor", "star|cast|actors", "text", 0.3),
        column("minutes", "duration|runtime|minutes", "number", 0.35),
        column("genre", "genre|kind", "text", 0.25, soft=True),
    )
    return Domain(fresh, sibling, (columns,), writer)
