"""Builds a task of a domain: how many entities, which are in which table, and the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .column import Domain, Entity
from .draw import Draw
from .noise import plain_letters
from .side import Plan, Row, Side, likeness

LEAST, MOST = 60, 3000


@dataclass(frozen=True)
class Built:
    """The tables of a task and its truth, as `Task` has them."""

    left: pd.DataFrame
    right: pd.DataFrame | None
    truth: np.ndarray


def share(draw: Draw) -> float:
    """How many rows have a match: none, few, some, most or all."""
    return draw.choose(
        (0.1, 0.0),
        (0.2, 1.0),
        (0.3, draw.span(0.02, 0.3)),
        (0.25, draw.span(0.01, 0.99)),
        (0.15, draw.span(0.9, 1)),
    )


def share_of_list(draw: Draw) -> float:
    """How many rows have a code: mostly all or nearly all, since a code list is made for its rows."""
    return draw.choose((0.08, 0.0), (0.5, 1.0), (0.27, draw.span(0.7, 1)), (0.15, draw.span(0.02, 0.7)))


class People:
    """Entities of a domain that differ in what the tables show, with siblings among them.

    Args:
        draw: The source of chance.
        domain: The domain.
        sources: The fields that the tables show.
    """

    def __init__(self, draw: Draw, domain: Domain, sources: set[str]) -> None:
        self.draw, self.domain, self.sources = draw, domain, sorted(sources)
        self.siblings = 0.0 if draw.chance(0.15) else draw.span(0.05, domain.most_siblings)
        self.near = draw.pick((0.3, 0.7, 0.95))
        self.seen: set[str] = set()
        self.entities: list[Entity] = []
        self.groups: list[int] = []

    def grow(self, count: int) -> int:
        """Makes so many entities, or fewer where the domain has no more; returns how many."""
        draw, missed = self.draw, 0
        while len(self.entities) < count and missed < 300:
            group = len(self.entities)
            if self.entities and draw.unit() < self.siblings:
                last = max(0, group - 4) if draw.unit() < self.near else 0
                parent = draw.whole(last, group - 1)
                entity, group = self.domain.sibling(self.entities[parent]), self.groups[parent]
            else:
                entity = self.domain.fresh()
            shown = plain_letters("|".join(entity.get(key, "") for key in self.sources)).lower().strip("| ")
            if not shown or shown in self.seen:
                missed += 1
                continue
            missed = 0
            self.seen.add(shown)
            self.entities.append(entity)
            self.groups.append(group)
        return len(self.entities)

    def order(self) -> list[int]:
        """The entities in drawn order: alone, or with their siblings beside them."""
        places = self.draw.mixed(range(len(self.entities)))
        if self.draw.chance(0.75):
            return places
        rank = {group: at for at, group in enumerate(self.draw.mixed(sorted(set(self.groups))))}
        return sorted(places, key=lambda place: rank[self.groups[place]])


def _sizes(draw: Draw) -> tuple[int, int, int]:
    """Rows that match, left rows and right rows of a task where each row is used once."""
    left = int(draw.log_span(LEAST, MOST))
    matched = round(share(draw) * left)
    other = (
        1.0 if draw.chance(0.15) else draw.span(0.03, 1.0) if draw.chance(0.6) else draw.log_span(0.02, 1.0)
    )
    right = int(np.clip(matched / other if matched else draw.log_span(LEAST, MOST), LEAST, MOST))
    return min(matched, right), left, max(right, min(matched, right))


def _pairs(left: list[int], right: list[int]) -> np.ndarray:
    """Positions of rows of the same entity."""
    at: dict[int, list[int]] = {}
    for place, entity in enumerate(right):
        at.setdefault(entity, []).append(place)
    found = [(place, other) for place, entity in enumerate(left) for other in at.get(entity, ())]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _once(draw: Draw, people: People) -> tuple[list[int], list[int]]:
    """Which entity each row of the two tables is, where each is at most once in a table."""
    matched, left, right = _sizes(draw)
    asked = left + right - matched
    found = people.grow(asked)
    if found < asked:
        matched, left = matched * found // asked, left * found // asked
    order = people.order()
    return order[:left], order[:matched] + order[left : left + max(1, found - left)]


def _many(draw: Draw, people: People, domain: Domain) -> tuple[list[int], list[int]]:
    """Which entity each row of the two tables is, where many left rows share one right row."""
    low, high = domain.sizes or (20, 800)
    listed, rows = int(draw.log_span(low, high)), int(draw.log_span(100, MOST))
    linked = share_of_list(draw)
    hidden = max(5, int(listed * draw.span(0.2, 1.5))) if linked < 1 else 0
    found = people.grow(listed + hidden)
    order = people.order()
    cut = max(1, found * listed // (listed + hidden))
    steep = draw.pick((0.0, 0.6, 1.0))
    groups = [group for group in (order[:cut], order[cut:]) if group]
    weights = [np.cumsum((1.0 + np.arange(len(group))) ** -steep) for group in groups]
    left = []
    for _ in range(rows):
        which = 0 if len(groups) == 1 or draw.unit() < linked else 1
        place = int(np.searchsorted(weights[which], draw.unit() * weights[which][-1]))
        left.append(groups[which][min(place, len(groups[which]) - 1)])
    return left, order[:cut]


def two_tables(draw: Draw, domain: Domain) -> Built:
    """A task of two tables."""
    plan = Plan(draw, domain)
    sides = [Side(draw, domain, plan), Side(draw, domain, plan, clean=draw.chance(domain.tidy))]
    people = People(draw, domain, sides[0].sources() & sides[1].sources())
    many = draw.chance(domain.repeat)
    left, right = _many(draw, people, domain) if many else _once(draw, people)
    left, right = draw.mixed(left), draw.mixed(right)
    rows = [
        [side.row(people.entities[each]) for each in some]
        for side, some in zip(sides, (left, right), strict=True)
    ]
    same = [{each.key for each in side.columns} for side in sides]
    keys = same[0] & same[1] if len(same[0] & same[1]) >= min(map(len, same)) else None
    once = many and draw.chance(0.6)
    keep = _told_apart(left, rows[0], right, rows[1], keys, once)
    left, rows[0] = [left[at] for at in keep], [rows[0][at] for at in keep]
    if many and draw.chance(0.15 if domain.sizes else 0.4):
        left, right, rows, sides = right, left, rows[::-1], sides[::-1]
    kind = draw.choose((0.82, (0, 0)), (0.06, (1, 1)), (0.06, (0, 1)), (0.06, (1, 0)))
    between = draw.pick((" ", ", ", "; ", " - ", " | "))
    tables = [
        side.frame(some, between if join else "") for side, some, join in zip(sides, rows, kind, strict=True)
    ]
    return Built(tables[0], tables[1], _pairs(left, right))


def _told_apart(
    left: list[int],
    left_rows: list[Row],
    right: list[int],
    right_rows: list[Row],
    keys: set[str] | None,
    once: bool,
) -> list[int]:
    """Left rows that do not read like a right row of another entity.

    Args:
        left: The entity of each left row.
        left_rows: Its cells.
        right: The entity of each right row.
        right_rows: Its cells.
        keys: The columns that count.
        once: Whether left rows that read alike are kept once.
    """
    owners: dict[str, set[int]] = {}
    for entity, row in zip(right, right_rows, strict=True):
        owners.setdefault(likeness(row, keys), set()).add(entity)
    keep, seen = [], set()
    for at, (entity, row) in enumerate(zip(left, left_rows, strict=True)):
        text = likeness(row, keys)
        if owners.get(text, {entity}) == {entity} and not (once and text in seen):
            keep.append(at)
            seen.add(text)
    if once and len(keep) < 40:
        return _told_apart(left, left_rows, right, right_rows, keys, once=False)
    return keep or [0]


def _clusters(draw: Draw, rows: int) -> list[int]:
    """How many rows each entity of one table has: mostly one or two, in every fourth table many."""
    if draw.chance(0.25):
        return _large_clusters(draw, rows)
    repeated = (
        0.0 if draw.chance(0.1) else draw.choose((0.6, draw.log_span(0.01, 0.9)), (0.4, draw.span(0.05, 0.9)))
    )
    more = draw.pick((0.0, 0.1, 0.3, 0.6, 0.8))
    heavy = draw.chance(0.2)
    sizes: list[int] = []
    total = 0
    while total < rows:
        size = 1
        if draw.unit() < repeated:
            size = 2
            while draw.unit() < more and size < 12:
                size += 1
            if heavy and draw.chance(0.05):
                size = draw.whole(8, 30)
        sizes.append(size)
        total += size
    return sizes


def _large_clusters(draw: Draw, rows: int) -> list[int]:
    """Sizes of a geometric distribution whose mean is 3 to 40."""
    stop = 1 / draw.log_span(3, 40)
    sizes: list[int] = []
    while sum(sizes) < rows:
        sizes.append(1 + int(np.log(max(draw.unit(), 1e-12)) / np.log(1 - stop)))
    return sizes


def one_table(draw: Draw, domain: Domain) -> Built:
    """A task of one table with rows of the same entity."""
    plan = Plan(draw, domain)
    sources = draw.choose((0.5, 1), (0.25, 2), (0.25, draw.whole(3, 5)))
    first = Side(draw, domain, plan, least=0.03)
    sides = [first]
    for _ in range(sources - 1):
        other = Side(draw, domain, plan, least=0.03)
        if [each.key for each in other.columns] == [each.key for each in first.columns]:
            sides.append(other)
    people = People(draw, domain, first.sources())
    sizes = _clusters(draw, int(draw.log_span(LEAST, MOST)))
    found = people.grow(len(sizes))
    order = people.order()
    owners = draw.mixed(
        [entity for entity, size in zip(order, sizes[:found], strict=True) for _ in range(size)]
    )
    rows = [draw.pick(sides).row(people.entities[each]) for each in owners]
    keys = {each.key for each in first.columns}
    owner: dict[str, int] = {}
    keep = [
        at for at, row in enumerate(rows) if owner.setdefault(likeness(row, keys), owners[at]) == owners[at]
    ]
    owners, rows = [owners[at] for at in keep], [rows[at] for at in keep]
    pairs = _pairs(owners, owners)
    table = first.frame(rows, draw.pick((" ", ", ")) if draw.chance(0.08) else "")
    return Built(table, None, pairs[pairs[:, 0] < pairs[:, 1]])


def build(draw: Draw, domain: Domain, *, one: bool = False) -> Built:
    """A task of a domain; of one table where `one` says so, else by chance."""
    return one_table(draw, domain) if one or draw.chance(domain.dedup) else two_tables(draw, domain)
