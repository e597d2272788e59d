"""Citations of articles, as several databases hold them."""

from __future__ import annotations

from .column import Domain, Entity, Writer, column, main
from .draw import Draw
from .lists_things import METHODS, TOPICS, VENUES
from .vocabulary import Words
from .works import people_form, person_form


def citations(draw: Draw) -> Domain:
    """Citations: authors, venue, volume, pages; conference and journal versions differ."""
    words = Words(draw)

    def fresh() -> Entity:
        topic = draw.pick(TOPICS)
        tail = draw.pick(
            (
                "",
                f" in {draw.pick(TOPICS)}",
                f" for {words.town()}",
                f" using {words.word()}",
                f": the case of {words.town()}",
                f" with {draw.pick(TOPICS)}",
            )
        )
        volume, first = draw.whole(1, 80), draw.whole(1, 900)
        return {
            "title": f"{draw.pick(METHODS)} {topic}{tail}",
            "authors": "; ".join(words.person() for _ in range(draw.pick((1, 2, 2, 3, 4)))),
            "venue": str(draw.whole(0, len(VENUES) - 1)),
            "year": str(1960 + volume // 2 + draw.whole(0, 20)),
            "volume": str(volume),
            "issue": str(draw.whole(1, 12)),
            "pages": f"{first}-{first + draw.whole(5, 25)}",
        }

    def sibling(old: Entity) -> Entity:
        new = fresh()
        kind = draw.choose((0.3, "part"), (0.3, "journal"), (0.4, "group"))
        if kind == "part":
            text = old["title"].split(" (Part")[0]
            return {
                **new,
                "title": f"{text} (Part {draw.whole(2, 4)})",
                "authors": old["authors"],
                "venue": old["venue"],
            }
        if kind == "journal":
            return {**new, "title": old["title"], "authors": old["authors"]}
        return {**new, "authors": old["authors"], "venue": old["venue"], "year": old["year"]}

    def writer(side: Draw) -> Writer:
        people, form = people_form(side), side.pick((0, 1, 2, None))
        least, sentence = side.pick((1, 1, 2, 9)), side.chance(0.3)
        between, pages = side.pick((", ", "; ", " and ")), side.pick(("{}", "pp. {}", "{}"))

        def write(entity: Entity) -> Entity:
            names = [person_form(people, name) for name in entity["authors"].split("; ")]
            authors = f"{names[0]} et al." if len(names) > least and least > 1 else between.join(names)
            forms = VENUES[int(entity["venue"])]
            venue = forms[side.whole(0, 2) if form is None else form]
            title = entity["title"].capitalize() if sentence else entity["title"]
            first, last = entity["pages"].split("-")
            span = first + "-" + (last[-2:] if pages == "pp. {}" and len(first) == len(last) else last)
            return {**entity, "title": title, "authors": authors, "venue": venue, "pages": pages.format(span)}

        return write

    columns = (
        main("title", "title|paper|article"),
        column("authors", "authors|author|creators", "text", 0.8),
        column("venue", "venue|journal|booktitle|source", "text", 0.7),
        column("year", "year|date", "code", 0.7),
        column("volume", "volume|vol", "code", 0.35),
        column("issue", "number|issue|no", "code", 0.25),
        column("pages", "pages|pp", "code", 0.35),
    )
    return Domain(fresh, sibling, (columns,), writer, dedup=0.4, repeat=0.15)
