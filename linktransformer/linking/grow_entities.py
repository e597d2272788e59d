"""In one table, records that are one entity are no rivals of each other: groups of them grow by reading."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.pair_probabilities import Judged
from linktransformer.linking.pair_cells import PairCells
from linktransformer.linking.read_pairs import PairReading
from linktransformer.linking.selective_encoding import IMPROBABLE
from linktransformer.progress import stage
from linktransformer.results.agglomerate import agglomerate, components

__all__ = ["grown"]

EVEN = 0.5
POSSIBLE = float(np.log(IMPROBABLE / (1 - IMPROBABLE)))


def grown(
    before: Judged, judged: Judged, p: Floats, cells: PairCells, reading: PairReading
) -> tuple[Judged, dict[str, object]]:
    """Judge pairs of a table again whose records have rivals that are the same entity; and a report.

    A record has one match or few in most tables, so that pairs with many rivals that are as similar are
    improbable, and none is read: where one entity has many spellings, each is a rival of the others. So
    groups grow. Each begins as a cluster of the probable pairs. In each round every group is compared with
    its nearest other record: the pair is ranked among rivals that are in neither group, and read. Where a
    match is then more probable than not, the groups are one. Pairs within groups are judged at last among
    rivals outside of them, and read. Relational clustering decides likewise with what it
    has merged so far (I. Bhattacharya and L. Getoor, Collective entity resolution in relational data, 2007).

    Args:
        before: The pairs before pairs in doubt were read.
        judged: The pairs as they are now.
        p: Their match probabilities, (n_pairs,) float32.
        cells: The cells of the records.
        reading: What reads them, within a budget.

    Returns:
        The pairs; and the report.
    """
    table = _Table.of(before, judged)
    n = table.n_records
    group = agglomerate(n, table.left, table.right, p, EVEN, "average")
    read = table.read_before(reading)
    begun, tried = group, np.zeros(len(p), dtype=bool)
    with stage("groups"):
        while True:
            nearest = table.nearest(group, tried)
            if reading.most is not None:
                nearest = nearest[: reading.most]
            tried[nearest] = True
            joined, read = table.joined(nearest, group, read, cells, reading)
            if not len(joined):
                break
            a, b = group[table.left[joined]], group[table.right[joined]]
            group = components(n, a, b)[group]
    own = table.within(group, read, cells, reading)
    joins = int(begun.max(initial=-1)) - int(group.max(initial=-1))
    report: dict[str, object] = {"groups_joined": joins, "pairs_read_for_groups": reading.pairs}
    return replace(judged, own=own, entity=group), report


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """The pairs of a table, before and after pairs in doubt were read."""

    before: Judged
    judged: Judged
    left: Integers
    right: Integers
    n_records: int

    @classmethod
    def of(cls, before: Judged, judged: Judged) -> _Table:
        described = judged.described
        candidates, at = described.candidates, described.features.at
        return cls(before, judged, candidates.left[at], candidates.right[at], len(described.nodes[0]))

    def nearest(self, group: Integers, tried: Bools) -> Integers:
        """The best pair of each group with a record outside that was not tried, the best one first."""
        own = self.before.own
        across = np.flatnonzero((group[self.left] != group[self.right]) & ~tried)
        of = np.concatenate([group[self.left[across]], group[self.right[across]]])
        pair = np.concatenate([across, across])
        order = np.lexsort((pair, -own[pair], of))
        first = np.unique(pair[order[np.flatnonzero(np.diff(of[order], prepend=-1))]])
        return first[np.argsort(-own[first], kind="stable")]

    def read_before(self, reading: PairReading) -> Floats:
        """The reader's log-odds of all pairs, NaN where they were not read, (n_pairs,) float32."""
        before, now = self.before.own, self.judged.own
        read = np.full(len(now), np.nan, dtype=np.float32)
        at = np.flatnonzero(now != before)
        if len(at):
            read[at] = reading.model.unmixed(before[at], now[at])
        return read

    def joined(
        self, pairs: Integers, group: Integers, read: Floats, cells: PairCells, reading: PairReading
    ) -> tuple[Integers, Floats]:
        """Those of some pairs that are matches, with the rivals of other groups than theirs; and `read`."""
        own = self._own_among_others(group, pairs)
        possible = np.flatnonzero(own > POSSIBLE)
        possible = possible[np.argsort(-own[possible], kind="stable")]
        pairs, own = pairs[possible], own[possible]
        read = self._with_read(pairs, read, cells, reading)
        at = np.flatnonzero(~np.isnan(read[pairs]))
        if not len(at):
            return pairs[:0], read
        return pairs[at[reading.model.mixed(own[at], read[pairs[at]]) > 0]], read

    def within(self, entity: Integers, read: Floats, cells: PairCells, reading: PairReading) -> Floats:
        """Log-odds of all pairs, where those within an entity are judged among rivals outside of it."""
        inside = np.flatnonzero(entity[self.left] == entity[self.right])
        inside = inside[np.argsort(-self.before.own[inside], kind="stable")]
        among_others = self._own_among_others(entity, inside)
        read = self._with_read(inside, read, cells, reading)
        at = np.flatnonzero(~np.isnan(read[inside]))
        among_others[at] = reading.model.mixed(among_others[at], read[inside[at]])
        own = self.judged.own.copy()
        own[inside] = among_others
        return own

    def _with_read(self, pairs: Integers, read: Floats, cells: PairCells, reading: PairReading) -> Floats:
        """`read` with those of some pairs that were not yet read, the first ones first."""
        new, read = pairs[np.isnan(read[pairs])], read.copy()
        read[new] = reading.read(cells, (self.left[new], self.right[new]))
        return read

    def _own_among_others(self, entity: Integers, some: Integers) -> Floats:
        """Log-odds of pairs by their own features, ranked among rivals of other entities."""
        order = np.argsort(some)
        features = self.judged.described.features.among_others(entity, some[order])
        own = np.empty(len(some), dtype=np.float32)
        own[order] = self.judged.trees.own_log_odds(features)[0]
        return own
