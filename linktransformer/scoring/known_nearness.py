"""Numbers, dates and places that come later: how near two are, among the values that a job had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linktransformer.arrays import Bools, Doubles, Floats, Integers
from linktransformer.scoring import nearness, parse_dates, parse_numbers
from linktransformer.scoring.column_similarity import BELOW_EQUAL, prepare
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.parse_numbers import plain

__all__ = ["KINDS", "KnownValues", "known_values"]

Scores = Floats

KINDS = ("number", "date", "geo")


@dataclass(frozen=True, slots=True, eq=False)
class KnownValues:
    """The values of two columns, and how each column is written.

    Args:
        comparison: How cells are compared.
        written: How cells of the left and of the right column are written.
        values: Numbers, or keys of dates, rising, (n,) float64.
        years: Whether all numbers are years.
        spacing: How far places are typically apart, in kilometres.
    """

    comparison: Comparison
    written: tuple[tuple[Any, ...], tuple[Any, ...]]
    values: Doubles
    years: bool = False
    spacing: float = 1.0

    def compare(
        self, left: Sequence[str], right: Sequence[str], i: Integers, j: Integers
    ) -> tuple[Scores, Bools]:
        """Compare cells as `Prepared` does where the values of the pair are among those that are known.

        A value that is not among them counts as one more. What comes of a pair does not depend on others.

        Returns similarities, NaN where one of the two cells could be read, and whether cells are equal. Two
        cells that both could not be read are compared as text.
        """
        cells = [plain(cell) for cell in left], [plain(cell) for cell in right]
        read = [self._read(side, column) for side, column in enumerate(cells)]
        a, b = read[0][i], read[1][j]
        there = np.flatnonzero(np.isfinite(a[:, 0]) & np.isfinite(b[:, 0]))
        similarity = np.full(len(i), np.nan, dtype=np.float32)
        equal = np.zeros(len(i), dtype=bool)
        a, b = a[there], b[there]
        same = (a == b).all(axis=1) if self.comparison.kind == "geo" else a[:, 0] == b[:, 0]
        near = self._places(a, b) if self.comparison.kind == "geo" else self._numbers(a, b)
        similarity[there] = np.where(same, 1, np.clip(near, 0, BELOW_EQUAL))
        equal[there] = same
        unread = [np.isnan(side[:, 0]) for side in read]
        rest = np.flatnonzero(unread[0][i] & unread[1][j])
        if len(rest):
            texts = prepare(cells[0], cells[1], Comparison("text"))
            similarity[rest], equal[rest] = texts.similarity(i[rest], j[rest]), texts.equal(i[rest], j[rest])
        return similarity, equal

    def _read(self, side: int, cells: Sequence[str]) -> Doubles:
        """What cells say, (n, 2) float64: a number, a key and the figures of a date, or a place."""
        if self.comparison.kind == "geo":
            return parse_numbers.read_places(cells)
        if self.comparison.kind == "number":
            unit, decimal = self.written[side]
            values = parse_numbers.read_as(cells, unit, decimal)
            return np.stack([values, np.zeros(len(values))], axis=1)
        order, timed = self.written[side]
        dates = parse_dates.read_as(cells, order, timed=timed)
        keys = np.where(dates.keys < 0, np.nan, dates.keys.astype(np.float64))
        return np.stack([keys, dates.digits.astype(np.float64)], axis=1)

    def _numbers(self, a: Doubles, b: Doubles) -> Doubles:
        low, high = np.minimum(a[:, 0], b[:, 0]), np.maximum(a[:, 0], b[:, 0])
        values = self.values
        new = [~np.isin(side, values) for side in (low, high)]
        m = len(values) + new[0] + (new[1] & (low != high))
        between = np.searchsorted(values, high, "left") - np.searchsorted(values, low, "right")
        steps = np.where(low != high, between + 1, 0) / (m + 1)
        first = np.minimum(low, values[0]) if len(values) else low
        last = np.maximum(high, values[-1]) if len(values) else high
        is_date = self.comparison.kind == "date"
        sizes = (
            [nearness.days(each) for each in (first, low, high, last)]
            if is_date
            else [first, low, high, last]
        )
        span = sizes[3] - sizes[0]
        larger = np.where(span > 0, span, 1.0)
        if not is_date:
            years = self.comparison.year or (
                self.years & parse_numbers.years_of(low) & parse_numbers.years_of(high)
            )
            magnitude = np.maximum(np.abs(low), np.abs(high))
            ratio = ~np.asarray(years) & ~((first < 0) & (last > 0)) & (magnitude > 0)
            larger = np.where(ratio, magnitude, larger)
        near = 1 - np.sqrt((steps**2 + ((sizes[2] - sizes[1]) / larger) ** 2) / 2)
        if is_date:
            slip = parse_dates.one_slip(a[:, 1].astype(np.int64), b[:, 1].astype(np.int64))
            near = np.maximum(near, slip * (1 - 1 / parse_dates.DIGITS))
        return nearness.tolerant(near, sizes[1], sizes[2], self.comparison)

    def _places(self, a: Doubles, b: Doubles) -> Doubles:
        kilometres = nearness.kilometres(a, b)
        base = self.spacing / (self.spacing + kilometres)
        if self.comparison.within is None:
            return base
        return nearness.nearly(base, kilometres / self.comparison.within)


def known_values(left: Sequence[str], right: Sequence[str], comparison: Comparison) -> KnownValues:
    """Read two columns for cells that come later."""
    columns = [plain(cell) for cell in left], [plain(cell) for cell in right]
    if comparison.kind == "geo":
        return KnownValues(comparison, ((), ()), np.empty(0), spacing=nearness.spacing_of(columns))
    if comparison.kind == "number":
        sides = parse_numbers.read_both(*columns)
        pooled = np.concatenate([side.values for side in sides])
        values = np.unique(pooled[np.isfinite(pooled)])
        written = (sides[0].unit, sides[0].decimal), (sides[1].unit, sides[1].decimal)
        return KnownValues(comparison, written, values, parse_numbers.are_years(values))
    dates = parse_dates.read_both(*columns)
    timed = all(bool((side.exact == parse_dates.MOMENT).any()) for side in dates)
    keys = np.concatenate([side.keys for side in dates])
    values = np.unique(keys[keys >= 0]).astype(np.float64)
    return KnownValues(comparison, ((dates[0].order, timed), (dates[1].order, timed)), values)
