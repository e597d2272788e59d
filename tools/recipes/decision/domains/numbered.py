"""Things that have a number or a year."""

from __future__ import annotations

from .column import Domain, Entity, Writer, column, main
from .draw import Draw, Pool
from .lists_things import TRADES
from .vocabulary import Words, near_number, near_year

_NUMBERED: dict[str, tuple[str, ...]] = {
    "room": ("{b} Building, Room {n}", "{b} Bldg Rm {n}", "Room {n}, {b}", "{b} {n}"),
    "unit": ("{b} Industrial Estate, Unit {n}", "Unit {n} {b} Ind. Est.", "{b} Estate - Unit {n}"),
    "station": ("{b} Station No. {n}", "Stn. {n} {b}", "{b} station {n}", "{b}, {n}"),
    "report": ("{b} Annual Report {y}", "Annual report {y}, {b}", "{b}: report for {y}", "{b} {y}"),
    "census": (
        "{b} Household Survey, Round {n} ({y})",
        "{b} HH survey {y} round {n}",
        "Survey of {b} {y}/{n}",
    ),
    "school": ("Public School No. {n}, {b}", "P.S. {n} ({b})", "PS {n} {b}", "{b} School {n}"),
    "engine": ("{b} Type {n} serial {s}", "{b} {n} S/N {s}", "{b} T{n} #{s}"),
    "battalion": ("{o} {b} Regiment", "{o} Regt., {b}", "{b} Rgt {o}"),
    "contract": ("Contract {s}/{y} {b}", "{b} contract no. {s} of {y}", "{s}-{y} {b}"),
    "season": ("{y} {b} season", "{b} {y}", "{b} season {y}"),
}


def numbered(draw: Draw) -> Domain:
    """Things that have a number or a year: another number is another thing."""
    words = Words(draw)
    topic = draw.pick(sorted(_NUMBERED))
    forms = _NUMBERED[topic]
    trade = draw.pick(TRADES)
    body = Pool(
        draw,
        [
            draw.pick((words.town(), words.family(), f"{words.town()} {trade}", words.word(1, 2)))
            for _ in range(int(draw.log_span(4, 700)))
        ],
    )
    most = draw.pick((9, 60, 400, 3000))
    shown = [
        key for key in "nys" if any("{" + key in form or (key == "n" and "{o" in form) for form in forms)
    ]

    def fresh() -> Entity:
        return {
            "b": body(),
            "n": str(draw.whole(1, most)),
            "y": str(draw.whole(1930, 2024)),
            "s": draw.digits(6),
            "size": f"{draw.log_span(10, 9000):.1f}",
            "town": words.town(),
        }

    def sibling(old: Entity) -> Entity:
        new, key = fresh(), draw.pick([*shown, "b"])
        if key == "b":
            return {**new, "b": body.other(old["b"]), "n": old["n"], "y": old["y"], "s": old["s"]}
        return {
            **old,
            "size": new["size"],
            key: near_year(draw, old[key]) if key == "y" else near_number(draw, old[key], 4),
        }

    def ordinal(number: str) -> str:
        tail = "th" if number[-2:-1] == "1" else {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
        return number + tail

    def writer(side: Draw) -> Writer:
        form, several, zeros = side.pick(forms), side.chance(0.2), side.pick((0, 0, 0, 4))
        other, revised = side.pick((0.0, 0.0, 0.2)), side.pick((0.0, 0.05))

        def write(entity: Entity) -> Entity:
            used = side.pick(forms) if several else form
            number = entity["n"].zfill(zeros)
            base = entity["b"]
            if other and " " in base and side.unit() < other:
                base = base.split(" ")[0]
            text = used.format(b=base, n=number, o=ordinal(entity["n"]), y=entity["y"], s=entity["s"])
            text += " (revised)" if revised and side.unit() < revised else ""
            return {**entity, "text": text}

        return write

    columns = (
        main("text", f"{topic}|name|title|item", fields=("b", *shown)),
        column("size", "size|value|amount", "number", 0.25, soft=True),
        column("town", "place|town|location", "text", 0.25, soft=True),
    )
    # a short form that only some forms show must not hide what decides
    if topic in ("engine", "census", "contract", "report", "season"):
        forms = tuple(form for form in forms if all("{" + key in form for key in shown))
    return Domain(fresh, sibling, (columns,), writer, dedup=0.2)
