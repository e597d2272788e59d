"""Tables of a chosen overlap, made from the labelled sets: some entities on both sides, the others on one.

Of every entity that is not to be on both sides only one row is put in, on one side, so that nothing else
can match. Rows that have no match in the set are used as well. Everything is drawn by a seed.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from tools import data
from tools.data import TwoTables

SHARES = (0.0, 0.02, 0.05, 0.1, 0.3, 0.6, 1.0)
SEED = 7
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Base:
    """A set that tables are made from, and how many rows a side they have at most."""

    name: str
    rows: int


BASES = (
    Base("febrl4_persons", 2_500),
    Base("essnet_census_register", 5_000),
    Base("bank_transfers", 3_000),
    Base("dblp_acm", 1_000),
    Base("abt_buy", 500),
    Base("amazon_google", 1_000),
    Base("geonames_cities_altnames", 5_000),
    Base("musicbrainz_20k", 2_000),
    Base("japanese_firms_1950s", 500),
    Base("autofj/Amphibian", 500),
    Base("autofj/TelevisionStation", 500),
    Base("autofj/GovernmentAgency", 500),
)
SOURCES = (("1", "2"), ("3", "4", "5"))  # of the songs: left, right
NOT_KEYS = ("cluster_id", "SourceID", "source_record_id")


def bases(wanted: Sequence[str]) -> list[Base]:
    """The bases that are there, or the wanted ones of them; the name of a group stands for its tasks."""
    return [
        base
        for base in BASES
        if (not wanted or any(is_of(name, [base]) for name in wanted))
        and data.missing("data", base.name) is None
    ]


def is_of(name: str, found: Sequence[Base]) -> bool:
    """Whether that name picks one of the bases."""
    return any(name in (base.name, base.name.split("/")[0]) for base in found)


def load(base: Base) -> TwoTables:
    """The whole set; the songs are one table, which is split by source."""
    folder = data.shared() / "data" / base.name
    return split_by_source(base.name) if list(folder.glob("table.csv*")) else data.load(folder)


def split_by_source(name: str) -> TwoTables:
    """Left the first sources, right the others; rows of one cluster match."""
    table = data.baseline().read(data.shared() / "data" / name, "table")
    sides = [table[table["SourceID"].isin(sources)] for sources in SOURCES]
    members: dict[str, list[str]] = defaultdict(list)
    for row, cluster in zip(sides[1]["id"], sides[1]["cluster_id"], strict=True):
        members[cluster].append(row)
    truth = {
        (row, other)
        for row, cluster in zip(sides[0]["id"], sides[0]["cluster_id"], strict=True)
        for other in members[cluster]
    }
    kept = [side.drop(columns=[c for c in NOT_KEYS if c in side]).reset_index(drop=True) for side in sides]
    return TwoTables(name, kept[0], kept[1], frozenset(truth))


def entities(truth: Iterable[Pair]) -> list[tuple[list[str], list[str]]]:
    """The connected components of the true pairs, as ids of both sides, in a fixed order.

    Example:
        >>> entities([("a", "x"), ("b", "x"), ("c", "y")])
        [(['a', 'b'], ['x']), (['c'], ['y'])]
    """
    parent: dict[Pair, Pair] = {}

    def root(node: Pair) -> Pair:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    pairs = sorted(truth)
    for left, right in pairs:
        parent[root(("r", right))] = root(("l", left))
    found: dict[Pair, tuple[set[str], set[str]]] = {}
    for left, right in pairs:
        both = found.setdefault(root(("l", left)), (set(), set()))
        both[0].add(left)
        both[1].add(right)
    return [(sorted(left), sorted(right)) for left, right in found.values()]


def feasible(n_entities: int, spare_left: int, spare_right: int, rows: int, share: float) -> int:
    """The most rows a side, at most `rows`, at that share of left rows with a match."""

    def fits(n: int) -> bool:
        both = round(n * share)
        needed = max(0, n - both - spare_left) + max(0, n - both - spare_right)
        return both + needed <= n_entities

    return next((n for n in range(rows, 0, -1) if fits(n)), 0)


def made(tables: TwoTables, rows: int, share: float, seed: int = SEED) -> TwoTables:
    """Two tables of at most `rows` rows each, of whose left rows that share has its match on the right."""
    draw = random.Random(f"{tables.name} {share} {seed}").sample
    groups = entities(tables.truth)
    groups = draw(groups, len(groups))
    matched = {row for pair in tables.truth for row in (("l", pair[0]), ("r", pair[1]))}
    spare = [
        [row for row in table["id"] if (side, row) not in matched]
        for side, table in (("l", tables.left), ("r", tables.right))
    ]
    n = feasible(len(groups), len(spare[0]), len(spare[1]), rows, share)
    both = round(n * share)
    truth = [
        draw([pair for pair in product(*group) if pair in tables.truth], 1)[0] for group in groups[:both]
    ]
    rest = iter(groups[both:])
    sides: list[set[str]] = []
    for side in (0, 1):
        alone = draw(spare[side], min(len(spare[side]), n - both))
        alone += [draw(next(rest)[side], 1)[0] for _ in range(n - both - len(alone))]
        sides.append({*alone, *(pair[side] for pair in truth)})
    left, right = (
        table[table["id"].isin(ids)].reset_index(drop=True)
        for table, ids in zip((tables.left, tables.right), sides, strict=True)
    )
    return TwoTables(tables.name, left, right, frozenset(truth))
