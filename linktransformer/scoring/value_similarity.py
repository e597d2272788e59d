"""Numbers, dates and places: how near two values are, among all values of two columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from linktransformer.arrays import Bools, Doubles, Integers
from linktransformer.scoring import parse_dates, parse_numbers
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.parse_dates import Exact
from linktransformer.scoring.parse_numbers import plain
from linktransformer.scoring.spelling import EMPTY, Columns, Read

__all__ = ["KINDS", "KnownValues", "known_values", "numbered_values"]

EARTH_KM = 6371.0088  # mean radius, as the International Union of Geodesy and Geophysics gives it
# where nearly equal begins: the first number of few binary digits (29/32) that is not below nine tenths
NEARLY = 0.90625
KINDS = ("number", "date", "geo")

# how a column is written: unit and decimal sign of numbers, order and times of dates
Style = tuple[str, str | bool]


@dataclass(frozen=True, slots=True, eq=False)
class KnownValues:
    """The values of two columns, among which others are compared.

    Values that were read are rows (n, 2) float64: a number; the key of a date and its yyyymmdd; or a place.

    Args:
        comparison: How cells are compared.
        styles: How cells of the left and of the right column are written.
        values: Numbers, or keys of dates, rising, (n,) float64.
        years: Whether all numbers are years.
        spacing: The typical distance between places, in kilometres.
    """

    comparison: Comparison
    styles: tuple[Style, Style]
    values: Doubles
    years: bool = False
    spacing: float = 1.0

    def read(self, cells: Sequence[str], side: int) -> Doubles:
        """The values of cells of the left (0) or the right column, (n, 2), NaN where they cannot be read."""
        if self.comparison.kind == "geo":
            return parse_numbers.read_places(cells)
        first, second = self.styles[side]
        if self.comparison.kind == "number":
            return _number_rows(parse_numbers.read_as(cells, first, str(second)))
        return _date_rows(parse_dates.read_as(cells, first, timed=bool(second)))

    def near(self, a: Doubles, b: Doubles) -> Doubles:
        """The similarity of pairs of different values that were read, (n, 2) float64 each."""
        if self.comparison.kind == "geo":
            kilometres = _kilometres(a, b)
            base = self.spacing / (self.spacing + kilometres)
            return (
                base if self.comparison.within is None else _nearly(base, kilometres / self.comparison.within)
            )
        low, high = np.minimum(a[:, 0], b[:, 0]), np.maximum(a[:, 0], b[:, 0])
        if self.comparison.kind == "number":
            sizes = low, high
            near = self._near(low, high, sizes, self._has_zero(low, high))
        else:
            sizes = _days(low), _days(high)
            near = self._near(low, high, sizes, np.zeros(len(low), dtype=bool))
            slip = parse_dates.one_slip(a[:, 1].astype(np.int64), b[:, 1].astype(np.int64))
            near = np.maximum(near, slip * (1 - 1 / parse_dates.DIGITS))
        return _tolerant(near, *sizes, self.comparison)

    def _near(self, low: Doubles, high: Doubles, sizes: tuple[Doubles, Doubles], has_zero: Bools) -> Doubles:
        """One minus how far two values are apart: the root mean square of two distances in [0, 1].

        The first is by rank: the steps between the two among the m different values of both columns, by
        m + 1, which is the mean share of a distribution that lies between two values so many steps apart
        (H. A. David and H. N. Nagaraja, Order statistics, 2003). The second is by size. Where zero means
        none, it is the difference by the larger absolute value; for years, dates and values on both sides of
        zero the difference by the range of all values (J. C. Gower, A general coefficient of similarity,
        1971). Neither has a unit. By the first years are dense, by the second an outlier is far away.
        """
        values = self.values
        below_low, below_high = np.searchsorted(values, low), np.searchsorted(values, high)
        new_low, new_high = _absent(values, low, below_low), _absent(values, high, below_high)
        m = len(values) + new_low + (new_high & (low != high))
        steps = np.where(low != high, below_high - below_low + new_low, 0) / (m + 1)
        smallest, largest = self._range(low, high)
        if self.comparison.kind == "date":
            smallest, largest = _days(smallest), _days(largest)
        span = largest - smallest
        larger = np.where(span > 0, span, 1.0)
        larger = np.where(has_zero, np.maximum(np.abs(low), np.abs(high)), larger)
        return np.asarray(1 - np.sqrt((steps**2 + ((sizes[1] - sizes[0]) / larger) ** 2) / 2))

    def _has_zero(self, low: Doubles, high: Doubles) -> Bools:
        """Whether zero means none, so that a difference counts by the larger absolute value."""
        years = self.comparison.year or (
            self.years & parse_numbers.years_of(low) & parse_numbers.years_of(high)
        )
        smallest, largest = self._range(low, high)
        crosses = (smallest < 0) & (largest > 0)
        return np.asarray(~np.asarray(years) & ~crosses & ((low != 0) | (high != 0)))

    def _range(self, low: Doubles, high: Doubles) -> tuple[Doubles, Doubles]:
        """The smallest and the largest value, the two of each pair among them."""
        if not len(self.values):
            return low, high
        return np.minimum(low, self.values[0]), np.maximum(high, self.values[-1])


def known_values(left: Sequence[str], right: Sequence[str], comparison: Comparison) -> KnownValues:
    """Read the different cells of two columns of numbers, dates or places."""
    columns = [plain(cell) for cell in left], [plain(cell) for cell in right]
    return _read(columns, comparison)[0]


def numbered_values(columns: Columns, comparison: Comparison) -> Read:
    """The numbers of the values of both columns, and how near they are."""
    prepared, rows = _read(columns, comparison)
    pooled = np.concatenate(rows)
    is_read = np.isfinite(pooled[:, 0])
    read = pooled[is_read]
    key = np.ascontiguousarray(read).view(np.complex128)[:, 0] if comparison.kind == "geo" else read[:, 0]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    values = read[first]
    codes = np.full(len(pooled), EMPTY, dtype=np.int64)
    codes[is_read] = inverse
    n = len(rows[0])
    return (codes[:n], codes[n:]), lambda low, high: prepared.near(values[low], values[high])


def _read(columns: Columns, comparison: Comparison) -> tuple[KnownValues, list[Doubles]]:
    """The values of both columns, and the row of each cell, NaN where it could not be read."""
    if comparison.kind == "geo":
        rows = [parse_numbers.read_places(column) for column in columns]
        return KnownValues(comparison, (("", ""), ("", "")), np.empty(0), spacing=_spacing(rows)), rows
    if comparison.kind == "number":
        numbers = parse_numbers.read_both(*columns)
        rows = [_number_rows(side.values) for side in numbers]
        values = _different(rows)
        left, right = ((side.unit, side.decimal) for side in numbers)
        return KnownValues(comparison, (left, right), values, parse_numbers.are_years(values)), rows
    dates = parse_dates.read_both(*columns)
    timed = all(bool((side.exact == Exact.MOMENT).any()) for side in dates)
    rows = [_date_rows(side) for side in dates]
    styles = (dates[0].order, timed), (dates[1].order, timed)
    return KnownValues(comparison, styles, _different(rows)), rows


def _number_rows(values: Doubles) -> Doubles:
    return np.stack([values, np.zeros(len(values))], axis=1)


def _date_rows(dates: parse_dates.Dates) -> Doubles:
    keys = np.where(dates.keys < 0, np.nan, dates.keys.astype(np.float64))
    return np.stack([keys, dates.digits.astype(np.float64)], axis=1)


def _different(rows: Sequence[Doubles]) -> Doubles:
    pooled = np.concatenate([side[:, 0] for side in rows])
    return np.unique(pooled[np.isfinite(pooled)])


def _absent(values: Doubles, looked_up: Doubles, place: Integers) -> Bools:
    """Which values are not among rising ones, where they would be inserted at these places."""
    return np.asarray(np.append(values, np.nan)[place] != looked_up)


def _kilometres(a: Doubles, b: Doubles) -> Doubles:
    """Distances over the globe between places in degrees, (n, 2) each."""
    chord = np.linalg.norm(_points(a) - _points(b), axis=1)
    return np.asarray(2 * EARTH_KM * np.arcsin(np.minimum(chord / 2, 1)))


def _points(places: Doubles) -> Doubles:
    """Points of the unit sphere, (n, 3)."""
    latitude, longitude = np.radians(places).reshape(-1, 2).T
    flat = np.cos(latitude)
    return np.column_stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)])


def _spacing(rows: Sequence[Doubles]) -> float:
    """The median distance from a place to the nearest other one of its column, 1 where there is none."""
    sides = [_points(np.unique(side[np.isfinite(side[:, 0])], axis=0)) for side in rows]
    nearest = [np.asarray(cKDTree(side).query(side, k=2)[0])[:, 1] for side in sides if len(side) > 1]
    if not nearest:
        return 1.0  # one place a side: no distance is typical, and any unit is as good
    return float(2 * EARTH_KM * np.arcsin(min(float(np.median(np.concatenate(nearest))) / 2, 1.0)))


def _days(keys: Doubles) -> Doubles:
    """Keys of dates, eight times the seconds and how exact, in days."""
    return np.asarray(np.floor(keys / 8) / parse_dates.DAY_SECONDS)


def _tolerant(base: Doubles, low: Doubles, high: Doubles, comparison: Comparison) -> Doubles:
    """Lift pairs that are within a tolerance to nearly equal, and shrink the others below."""
    if comparison.within is None and comparison.relative is None:
        return base
    difference = high - low
    used = np.full(len(low), np.inf)
    with np.errstate(over="ignore", divide="ignore"):  # infinitely far is beyond any tolerance
        if comparison.within is not None:
            used = difference / comparison.within
        if comparison.relative is not None:
            larger = np.maximum(np.abs(low), np.abs(high))
            used = np.minimum(used, difference / (comparison.relative * larger))
    return _nearly(base, used)


def _nearly(base: Doubles, used: Doubles) -> Doubles:
    """From 1 to `NEARLY` over the tolerance, of which a share is used; beyond it `NEARLY` times the base."""
    return np.where(used <= 1, 1 - (1 - NEARLY) * used, NEARLY * base)
