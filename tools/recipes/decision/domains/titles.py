"""Short names: titles that are told apart by a word in parentheses, or not at all."""

from __future__ import annotations

from .column import Domain, Entity, Writer, main
from .draw import Draw, Pool, pool
from .lists_things import ADJECTIVES, COUNTRIES, HEADS, NOUNS, TRANSLATED
from .noise import by_ear
from .sounds import scientific
from .vocabulary import Words, roman

_TOPICS: dict[str, tuple[str, ...]] = {
    "league": (
        "Premier League",
        "Super League",
        "First Division",
        "Second Division",
        "Cup",
        "Women's League",
        "Football League",
    ),
    "office": (
        "Department of Transport",
        "Ministry of Health",
        "Water Board",
        "Audit Office",
        "Police Service",
        "Tax Agency",
        "Parks Commission",
    ),
    "paper": ("Times", "Herald", "Gazette", "Post", "Review", "Weekly", "Magazine", "Courier", "Journal"),
    "building": ("Stadium", "Arena", "Museum", "Mall", "Hospital", "Theatre", "Tower", "Plaza", "Center"),
    "team": ("United", "City", "Rovers", "Lions", "Eagles", "Bears", "Wanderers", "Kings"),
}


def _name(draw: Draw, words: Words, topic: str, heads: Pool, tails: Pool, genus: Pool) -> str:
    """A name of a topic; heads, tails and genus are pools of words."""
    if topic == "person":
        return f"{words.given()} {words.given() + ' ' if draw.chance(0.2) else ''}{words.family()}"
    if topic == "ruler":
        return f"{words.given()} {roman(draw.whole(1, 14))} of {words.town()}"
    if topic == "species":
        return draw.pick(
            (
                f"{genus()} {scientific(draw).lower()}",
                " ".join(
                    (
                        words.town(),
                        draw.pick(("tree", "rock", "marsh")),
                        draw.pick(("frog", "gecko", "snake")),
                    )
                ),
            )
        )
    if topic == "song":
        return draw.pick(
            (
                f"{draw.pick(NOUNS)}",
                f"{draw.pick(ADJECTIVES)} {draw.pick(NOUNS)}",
                words.word(),
                f"{words.given()}",
            )
        )
    return draw.pick(
        (
            f"{heads()} {tails()}",
            f"{words.town()} {tails()}",
            f"{words.family()} {tails()}",
            f"{words.town()} {heads()} {tails()}",
        )
    )


_SYNONYMS = {
    "Stadium": "Ground",
    "Mall": "Shopping Centre",
    "Center": "Centre",
    "Hospital": "Medical Center",
    "Theatre": "Playhouse",
    "Premier": "Premiership",
    "First": "1st",
    "Second": "2nd",
    "Women's": "Ladies",
    "Football": "Soccer",
    "Department": "Dept",
    "Commission": "Board",
    "Agency": "Authority",
    "Weekly": "Week",
    "United": "Utd",
    "Museum": "Collection",
    "frog": "treefrog",
    "snake": "snakes",
    "gecko": "geckos",
    "II": "the Second",
}
_ADDED = {
    "league": ("Federation", "National", "Pro"),
    "office": ("State", "Federal", "Royal"),
    "paper": ("Magazine", "Online", "Daily"),
    "building": ("Memorial", "Grand", "Center"),
    "team": ("FC", "CF", "SC", "Club"),
    "person": ("Sir", "Dr.", "Jr."),
    "species": ("common", "lesser"),
    "song": ("(Live)", "'n"),
    "ruler": ("King", "Duke", "the Great"),
}


def _in_other_words(side: Draw, parts: list[str], topic: str) -> list[str]:
    """The words of a title as another source has them: a synonym, a word more, a spelling by ear."""
    known = [at for at, part in enumerate(parts) if part in _SYNONYMS]
    kind = side.choose((0.4, "synonym"), (0.25, "added"), (0.35, "spelled"))
    if kind == "synonym" and known:
        at = side.pick(known)
        return [*parts[:at], _SYNONYMS[parts[at]], *parts[at + 1 :]]
    if kind == "added":
        at = side.whole(0, len(parts))
        return [*parts[:at], side.pick(_ADDED[topic]), *parts[at:]]
    at = side.whole(0, len(parts) - 1)
    return [*parts[:at], by_ear(side, parts[at]), *parts[at + 1 :]]


def _title_writer(side: Draw, words: Words, topic: str) -> Writer:
    """How a side writes titles: what is told in parentheses, words left out or moved, other languages."""
    told, style = side.pick((0.0, 0.05, 0.4)), side.pick((" ({})", ", {}", " [{}]", " ({})"))
    article, tongue = side.pick((0.0, 0.1)), side.choose((0.8, 0), (0.2, side.whole(1, 4)))
    sponsor, less, swap = (
        side.pick((0.0, 0.0, 0.1)),
        side.pick((0.0, 0.0, 0.1)),
        side.pick((0.0, 0.0, 0.1)),
    )
    other = side.pick((0.0, 0.1, 0.3, 0.5))
    translated = {forms[0]: forms[tongue % len(forms)] for forms in TRANSLATED}

    def write(entity: Entity) -> Entity:
        parts = entity["name"].split(" ")
        if tongue:
            parts = [translated.get(part, part) for part in parts]
        while other and side.unit() < other:
            parts = _in_other_words(side, parts, topic)
        if less and len(parts) > 2 and side.unit() < less:
            parts = parts[:1] + parts[2:]
        if swap and len(parts) == 2 and side.unit() < swap:
            parts = [f"{parts[1]} of", parts[0]] if topic in _TOPICS else [f"{parts[1]},", parts[0]]
        if sponsor and topic in ("league", "building", "team") and side.unit() < sponsor:
            parts = [words.word(), *parts]
        text = ("The " if article and side.unit() < article else "") + " ".join(parts)
        if entity["told"] or side.unit() < told:
            text += style.format(entity["hint"])
        return {**entity, "title": text}

    return write


def titles(draw: Draw) -> Domain:
    """Names alone, as an encyclopedia has them: homonyms are told apart in parentheses or not at all."""
    words = Words(draw)
    topic = draw.pick((*sorted(_TOPICS), "person", "species", "song", "ruler"))
    heads = pool(draw, (*HEADS, *ADJECTIVES), lambda: words.word(1, 2), 150)
    tails = Pool(draw, _TOPICS.get(topic, NOUNS))
    genus = Pool(draw, [scientific(draw) for _ in range(draw.whole(10, 200))])

    hints = {
        "person": ("bishop", "politician", "footballer", "painter"),
        "song": ("song", "album", "film"),
    }.get(topic, (topic, "old", "defunct"))

    def fresh() -> Entity:
        return {
            "name": _name(draw, words, topic, heads, tails, genus),
            "hint": draw.pick((*hints, words.town(), words.town(), draw.pick(COUNTRIES))),
            "told": "",
        }

    def sibling(old: Entity) -> Entity:
        new = fresh()
        first, _, rest = old["name"].partition(" ")
        if (
            draw.chance(0.2) and new["hint"] != old["hint"]
        ):  # of the same name: both are told apart from now on
            old["told"] = old["hint"]
            return {"name": old["name"], "hint": new["hint"], "told": new["hint"]}
        if topic == "ruler" and draw.chance(0.6):
            place = old["name"].split(" of ")[-1]
            return {**new, "name": f"{first} {roman(draw.whole(1, 14))} of {place}"}
        if topic in _TOPICS:
            other = tails.other(old["name"].split(" ")[-1])
            return {**new, "name": draw.pick((f"{first} {other}", f"{words.town()} {rest or other}"))}
        return {**new, "name": f"{first} {new['name'].split(' ')[-1]}" if rest else new["name"]}

    columns = (main("title", "title|name|label|entity", fields=("name", "told")),)
    return Domain(fresh, sibling, (columns,), lambda side: _title_writer(side, words, topic), repeat=0.3)
