"""Things that are told apart by which of a few words they have."""

from __future__ import annotations

from .column import Domain, Entity, Writer, column, main
from .draw import Draw
from .lists_things import TRADES
from .vocabulary import Words


def combinations(draw: Draw) -> Domain:
    """Names of a few words out of a few: another word is another thing, however many are shared."""
    words = Words(draw)
    pool = sorted(
        {
            draw.pick((words.word(1, 2), words.town(), words.family(), draw.pick(TRADES))).split(" ")[0]
            for _ in range(draw.whole(8, 30))
        }
    )
    length, ordered = min(draw.whole(2, 5), len(pool) - 1), draw.chance(0.5)
    frame = draw.pick(("", "", words.word(1, 2), f"{words.town()} {draw.pick(TRADES)}"))

    def text_of(picked: list[str]) -> str:
        return " ".join(picked if ordered else sorted(picked))

    def fresh() -> Entity:
        return {
            "words": text_of(draw.some(pool, length)),
            "size": f"{draw.log_span(10, 9000):.1f}",
            "town": words.town(),
            "year": str(draw.whole(1930, 2024)),
        }

    def sibling(old: Entity) -> Entity:
        picked = old["words"].split(" ")
        at = draw.whole(0, len(picked) - 1)
        picked[at] = draw.pick([word for word in pool if word not in picked])
        return {**fresh(), "words": text_of(picked)}

    def writer(side: Draw) -> Writer:
        before, turned = side.chance(0.5), not ordered and side.chance(0.3)
        shows = side.chance(0.8)

        def write(entity: Entity) -> Entity:
            picked = entity["words"].split(" ")
            text = " ".join(side.some(picked, len(picked)) if turned else picked)
            if frame and shows:
                text = f"{frame} {text}" if before else f"{text} {frame}"
            return {**entity, "text": text}

        return write

    columns = (
        main("text", "name|title|item|label", fields=("words",)),
        column("size", "size|value|amount", "number", 0.2, soft=True),
        column("town", "place|town|location", "text", 0.2, soft=True),
        column("year", "year|since", "number", 0.2, soft=True),
    )
    return Domain(fresh, sibling, (columns,), writer, dedup=0.5)
