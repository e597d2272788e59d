"""Families of many rows to one: messy values against a short list, and long descriptions of goods."""

from __future__ import annotations

from .column import Column, Domain, Entity, Writer, main
from .draw import Draw, Pool
from .lists_codes import FORMS
from .lists_people import WORK
from .lists_things import ARTICLES, FIELDS, MATERIALS
from .noise import by_ear, drop_word, misread, typo
from .sounds import SCRIPTS, script_word
from .vocabulary import Words, initials

_BEFORE = ("North", "South", "New", "Upper", "Old", "East", "Saint", "Great")
_RANKS = ("", "", "", "assistant", "head", "other", "senior", "apprentice", "applied", "private", "general")


def _value_writer(side: Draw, clean: float) -> Writer:
    """How a side writes the values of a list: other forms of them and slips.

    Args:
        side: The source of chance.
        clean: How often the side has the official forms only.
    """
    messy = 0.0 if side.chance(clean) else side.span(0.1, 0.95)
    slips = side.some((typo, misread, by_ear, drop_word), side.whole(1, 4))
    other = side.pick((0.0, 0.2, 0.6)) if messy else 0.0
    tails = side.some((" ?", " (city)", ", near", " area", " dist.", " *"), 3)

    def write(entity: Entity) -> Entity:
        text = side.pick(entity["forms"].split("|")) if other and side.unit() < other else entity["name"]
        while messy and len(text) > 3 and side.unit() < messy * 0.6:
            text = side.pick(slips)(side, text) or text
        if messy and side.unit() < 0.08:
            text += side.pick(tails)
        return {**entity, "text": text}

    return write


def codes(draw: Draw) -> Domain:
    """Code lists: countries, towns, kinds of work or departments, as people wrote them."""
    words = Words(draw)
    kind = draw.choose((0.2, "country"), (0.2, "work"), (0.4, "town"), (0.2, "field"))
    listed = Pool(draw, ["|".join(forms) for forms in FORMS[kind]], 0.0) if kind in FORMS else None
    script = draw.pick(sorted(SCRIPTS)) if draw.chance(0.25) else ""
    aliases = draw.whole(0, 4)
    written: list[int] = []

    def forms(name: str) -> str:
        """A made thing's other names: short forms, names in other languages and scripts."""
        other = [name[: draw.whole(3, 5)].upper(), name.replace(" ", "-"), initials(name, 9) or name]
        other += [
            f"{name} {draw.pick(('town', 'Stadt', 'region', 'N.', 'Z.O.', 'centre'))}",
            words.word(1, 2, "towns"),
        ]
        other += [script_word(draw, script)] if script else []
        return "|".join([name, *draw.some([each for each in other if len(each) > 2], aliases)])

    def fresh() -> Entity:
        if listed and draw.chance(0.7):
            found = listed()
        elif kind == "field":
            found = forms(
                f"{draw.pick(FIELDS)} {draw.pick(('', 'Teaching', 'and ' + draw.pick(FIELDS)))}".strip()
            )
        elif kind == "work":
            found = forms(f"{draw.pick(_RANKS)} {draw.pick(WORK)}".strip())
        elif kind == "country":
            found = forms(f"{draw.pick(('', '', 'Republic of ', 'Kingdom of '))}{words.word(1, 2)}ia")
        else:
            found = forms(words.town() if draw.chance(0.3) else words.word(1, 3, "towns"))
        return {"name": found.split("|")[0], "forms": found, "group": draw.pick(("A", "B", "C", "D"))}

    def sibling(old: Entity) -> Entity:
        if kind in ("work", "field"):
            name = f"{draw.pick(_RANKS[3:])} {old['name']}"
        elif draw.chance(0.6):
            name = f"{draw.pick(_BEFORE)} {old['name']}"
        else:
            name = f"{old['name']} {words.word(1, 1, 'towns')}"
        return {**old, "name": name, "forms": forms(name)}

    def writer(side: Draw) -> Writer:
        written.append(1)  # the second table is the list, which is mostly clean
        return _value_writer(side, 0.25 if len(written) == 1 else 0.8)

    columns: tuple[Column, ...] = (main("text", f"{kind}|name|value|label", fields=("name",)),)
    return Domain(
        fresh,
        sibling,
        (columns,),
        writer,
        dedup=0.1,
        repeat=1.0,
        sizes=(10, 400),
        tidy=0.7,
        most_siblings=0.5,
    )


_FRAMES = (
    "{a} of {m}", "{m} {a}", "{a} of {m} or {n}", "{a} of {m}, not elsewhere specified", "{a} and {b} of {m}",
    "Other {a} of {m}", "{a} of {m}, for {u}", "{a}, {m}, weighing up to {k} grams per square metre",
    "{a}, {m}, weighing more than {k} grams per square metre", "{a} of {m} even when mixed with {n}",
    "{a} of {m} except {n}", "Parts of {a}, of {m}", "{a} of {m} up to {k} mm wide", "Used {a} of {m}",
)  # fmt: skip
_USES = (
    "household use",
    "industry",
    "children",
    "printing",
    "agriculture",
    "medical use",
    "ships",
    "railways",
)
_ALIKE = {
    "not elsewhere specified": "n.e.s.", "weighing more than": "over",
    "weighing up to": "not exceeding", "square metre": "m2",
    "even when mixed with": "incl. mixed with", "grams per": "g per", "except": "excluding",
    "Other": "Misc.", " and ": " & ",
}  # fmt: skip


def nomenclatures(draw: Draw) -> Domain:
    """Long descriptions of goods in two tariffs or catalogues: a limit or a material decides."""
    materials, articles = draw.some(MATERIALS, draw.whole(6, 25)), draw.some(ARTICLES, draw.whole(6, 30))
    frames = draw.some(_FRAMES, draw.whole(4, len(_FRAMES)))

    def parts() -> Entity:
        one, two = draw.some(materials, 2)
        first, second = draw.some(articles, 2)
        limit = str(draw.pick((5, 10, 20, 25, 50, 60, 75, 100, 120, 150, 200, 250, 300, 450, 500, 750)))
        return {
            "m": one,
            "n": two,
            "a": first,
            "b": second,
            "k": limit,
            "u": draw.pick(_USES),
            "frame": draw.pick(frames),
        }

    def written(entity: Entity) -> Entity:
        text = entity["frame"].format(**entity)
        return {**entity, "name": text[0].upper() + text[1:]}

    def fresh() -> Entity:
        return written(parts())

    def sibling(old: Entity) -> Entity:
        new = parts()
        key = draw.choose((0.3, "m"), (0.2, "a"), (0.2, "k"), (0.15, "frame"), (0.15, "n"))
        return written({**old, key: new[key]})

    def writer(side: Draw) -> Writer:
        changes = side.some(sorted(_ALIKE), side.whole(0, 6))
        share, unit = side.pick((0.3, 1.0)), side.pick(("", "", "", " - kg", " KG NET"))

        def write(entity: Entity) -> Entity:
            text = entity["name"]
            for old in changes:
                if old in text and side.unit() < share:
                    text = text.replace(old, _ALIKE[old])
            return {**entity, "text": text + unit}

        return write

    columns = (main("text", "description|goods|article|text", fields=("name",)),)
    return Domain(fresh, sibling, (columns,), writer, dedup=0.1, repeat=0.45)
