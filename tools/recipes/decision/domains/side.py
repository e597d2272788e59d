"""One table of a task: its columns, what they are called, and how its rows are written."""

from __future__ import annotations

import re

import pandas as pd

from .cells import Cells, Change
from .column import Column, Domain, Entity
from .draw import Draw

_TOKEN = re.compile(r"\w+")
_CASES: tuple[tuple[float, Change], ...] = (
    (0.62, str),
    (0.15, str.upper),
    (0.18, str.lower),
    (0.05, str.title),
)
_JOINED = ("text", "record", "description", "entry", "name", "label")

Row = dict[str, "str | None"]


def level(draw: Draw, least: float = 0.0) -> float:
    """The share of cells with an error: from none to most."""
    low, high = draw.choose((0.25, (0.0, 0.0)), (0.35, (0.02, 0.1)), (0.25, (0.1, 0.3)), (0.15, (0.3, 0.8)))
    return max(least, draw.span(low, high))


class Plan:
    """What the tables of a task share: which columns are kept and what they are usually called."""

    def __init__(self, draw: Draw, domain: Domain) -> None:
        every = {each.key: each for layout in domain.layouts for each in layout}
        bare, full = draw.chance(0.12), draw.chance(0.15)
        self.kept = {
            key for key, each in every.items() if each.main or full or (not bare and draw.chance(each.keep))
        }
        self.names = {key: draw.pick(each.names) for key, each in every.items()}
        self.layout = draw.pick(domain.layouts)
        self.order = {key: draw.unit() for key in every} if draw.chance(0.3) else dict.fromkeys(every, 0.0)
        self.heading = draw.choose((0.6, str), (0.15, str.upper), (0.15, str.title), (0.1, _camel))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


class Side:
    """One table's way to write entities.

    Args:
        draw: The source of chance.
        domain: The domain.
        plan: What the tables share.
        least: The least share of cells with an error.
        clean: Whether it has no errors at all.
    """

    def __init__(
        self, draw: Draw, domain: Domain, plan: Plan, least: float = 0.0, clean: bool = False
    ) -> None:
        self.draw = draw
        layout = plan.layout if draw.chance(0.75) else draw.pick(domain.layouts)
        kept = [each for each in layout if each.key in plan.kept and (each.main or not draw.chance(0.1))]
        self.columns: list[Column] = sorted(kept, key=lambda each: plan.order[each.key])[:8]
        if not any(each.main for each in self.columns):
            self.columns = [each for each in kept if each.main][:8]
        heading = plan.heading if draw.chance(0.8) else str
        alike = draw.chance(0.6)
        self.names: dict[str, str] = {}
        for each in self.columns:
            name = plan.names[each.key] if alike or draw.chance(0.5) else draw.pick(each.names)
            name = heading(name)
            self.names[each.key] = name if name not in self.names.values() else heading(each.key + "_2")
        errors, case = 0.0 if clean else level(draw, least), draw.choose(*_CASES)
        empty_most = draw.choose((0.4, 0.0), (0.35, 0.15), (0.25, 0.6))
        self.cells = []
        for each in self.columns:
            empty = draw.span(0, empty_most) if draw.chance(0.7) else 0.0
            empty = draw.pick((0.0, 0.0, 0.02)) if each.main else empty
            own = case if draw.chance(0.85) else draw.choose(*_CASES)
            self.cells.append(Cells(draw, each, errors, own, domain.letters, empty))
        self.enter = domain.writer(draw)
        self.aged = domain.aged
        self.age = draw.choose((0.5, 0.0), (0.5, draw.span(0.01, 0.3))) if domain.aged else 0.0
        self.uneven = draw.chance(0.5)
        names = [each.key for each in self.columns if each.kind == "name"]
        self.swap = draw.some(names, 2) if len(names) > 1 and draw.chance(0.1) else []
        self.swap_rate = draw.span(0.005, 0.08)

    def sources(self) -> set[str]:
        """The fields of an entity that this table shows."""
        return {field for each in self.columns for field in each.sources}

    def row(self, entity: Entity) -> Row:
        """The cells of an entity, by the keys of the columns."""
        draw = self.draw
        if self.aged and draw.unit() < self.age:
            entity = self.aged(entity)
        record = self.enter(entity)
        care = draw.pick((0.2, 0.5, 1.0, 1.0, 2.5)) if self.uneven else 1.0
        row = {
            each.key: cell.write(record.get(each.key, ""), care)
            for each, cell in zip(self.columns, self.cells, strict=True)
        }
        if self.swap and draw.unit() < self.swap_rate:
            one, two = self.swap
            row[one], row[two] = row[two], row[one]
        if not any(row.values()):
            first = next(each.key for each in self.columns if each.main)
            row[first] = record.get(first) or next((value for value in record.values() if value), "?")
        return row

    def frame(self, rows: list[Row], joined: str = "") -> pd.DataFrame:
        """The rows as a table.

        Args:
            rows: What `row` gave.
            joined: What stands between the cells of a table of one column; empty: a column each.
        """
        if joined and len(self.columns) > 1:
            name = self.draw.pick(_JOINED)
            return pd.DataFrame(
                {name: [joined.join(filter(None, row.values())) for row in rows]}, dtype=object
            )
        return pd.DataFrame(
            {self.names[each.key]: [row[each.key] for row in rows] for each in self.columns}, dtype=object
        )


def likeness(row: Row, keys: set[str] | None = None) -> str:
    """What two rows have in common when a reader cannot tell them apart.

    Args:
        row: The cells.
        keys: The columns that count; None: the words of all of them in any order.
    """
    if keys is not None:
        return "|".join(" ".join(_TOKEN.findall((row[key] or "").lower())) for key in sorted(keys))
    return " ".join(sorted(_TOKEN.findall(" ".join(filter(None, row.values())).lower())))
