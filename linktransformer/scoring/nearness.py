"""Numbers, dates and places: how near two values are, among all values of two columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from linktransformer.arrays import Doubles, Integers
from linktransformer.scoring import parse_dates, parse_numbers
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.spelling import EMPTY, Columns, Measure, Read, numbered

__all__ = ["KINDS", "days", "kilometres", "nearly", "spacing_of", "tolerant"]


EARTH_KM = 6371.0088  # mean radius, as the International Union of Geodesy and Geophysics gives it
# where nearly equal begins: the first number of few binary digits (29/32) that is not below nine tenths
NEARLY = 0.90625


def _number(columns: Columns, comparison: Comparison) -> Read:
    """Nearness among the numbers, as `_apart` has it."""
    left, right = parse_numbers.read_both(*columns)
    codes, values = _ranked(left.values, right.values)
    years = comparison.year or parse_numbers.are_years(values)
    crosses = bool(len(values)) and bool(values[0] < 0 < values[-1])
    measure = _tolerant(_apart(values, ratio=not years and not crosses), values, comparison)
    read_as = {"unit": [left.unit, right.unit], "decimal": [left.decimal, right.decimal], "years": years}
    return codes, measure, read_as


def _date(columns: Columns, comparison: Comparison) -> Read:
    """Nearness among the dates, as `_apart` has it; one slip of the pen takes one of the eight figures."""
    left, right = parse_dates.read_both(*columns)
    keys = [np.where(side.keys < 0, np.nan, side.keys.astype(np.float64)) for side in (left, right)]
    codes, values = _ranked(*keys)
    digits = np.zeros(len(values), dtype=np.int64)
    for side, code in zip((left, right), codes, strict=True):
        digits[code[code >= 0]] = side.digits[code >= 0]
    in_days = days(values)
    near = _apart(in_days, ratio=False)

    def measure(low: Integers, high: Integers) -> NDArray[Any]:
        slip = parse_dates.one_slip(digits[low], digits[high]) * (1 - 1 / parse_dates.DIGITS)
        return np.asarray(np.maximum(near(low, high), slip))

    return codes, _tolerant(measure, in_days, comparison), {"order": [left.order, right.order]}


def _geo(columns: Columns, comparison: Comparison) -> Read:
    """The share s / (s + km) over the globe: one half at the distance s where other places typically begin.

    That is the median distance from a place to the nearest other one of the same column.
    """
    read = [parse_numbers.read_places(column) for column in columns]
    keys = [[f"{a!r},{b!r}" if a == a else "" for a, b in side.tolist()] for side in read]
    codes, values = numbered(*keys)
    places = np.array([value.split(",") for value in values], dtype=np.float64).reshape(-1, 2)
    points = _points(places)
    spacing = _spacing([points[np.unique(code[code >= 0])] for code in codes])

    def measure(low: Integers, high: Integers) -> NDArray[Any]:
        apart = kilometres(places[low], places[high])
        base = spacing / (spacing + apart)
        return np.asarray(base) if comparison.within is None else nearly(base, apart / comparison.within)

    return codes, measure, {"spacing_km": round(spacing, 3)}


def spacing_of(columns: tuple[Sequence[str], Sequence[str]]) -> float:
    """The median distance from a place to the nearest other one of its column."""
    read = [parse_numbers.read_places(cells) for cells in columns]
    return _spacing([_points(np.unique(side[np.isfinite(side[:, 0])], axis=0)) for side in read])


def kilometres(a: Doubles, b: Doubles) -> Doubles:
    """Distances over the globe.

    Returns (n,) float64.
    """
    chord = np.linalg.norm(_points(a) - _points(b), axis=1)
    return np.asarray(2 * EARTH_KM * np.arcsin(np.minimum(chord / 2, 1)))


def _points(places: Doubles) -> Doubles:
    """Points of the unit sphere, (n, 3)."""
    latitude, longitude = np.radians(places).reshape(-1, 2).T
    flat = np.cos(latitude)
    return np.column_stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)])


def days(keys: Doubles) -> Doubles:
    """Keys of dates in days.

    Returns (n,) float64.
    """
    return np.asarray(np.floor(keys / 8) / parse_dates.DAY_SECONDS)


def _spacing(sides: list[Doubles]) -> float:
    nearest = [np.asarray(cKDTree(side).query(side, k=2)[0])[:, 1] for side in sides if len(side) > 1]
    if not nearest:
        return 1.0  # one place a side: no distance is typical, and any unit is as good
    return float(2 * EARTH_KM * np.arcsin(min(float(np.median(np.concatenate(nearest))) / 2, 1.0)))


def _apart(values: Doubles, *, ratio: bool) -> Measure:
    """One minus how far two numbers are apart: the root mean square of two distances in [0, 1].

    The first is by rank: the steps between the two among the m different values of both columns, by m + 1,
    which is the mean share of a distribution that lies between two values so many steps apart (H. A. David
    and H. N. Nagaraja, Order statistics, 2003). The second is by size. Where zero means none, it is the
    difference by the larger absolute value; for years, dates and values on both sides of zero it is the
    difference by the range of all values (J. C. Gower, A general coefficient of similarity, 1971). Neither
    has a unit. The first knows that years are dense, the second that an outlier is far from its neighbour.
    """
    span = float(values[-1] - values[0]) if len(values) else 0.0

    def measure(low: Integers, high: Integers) -> NDArray[Any]:
        steps = (high - low) / (len(values) + 1)
        larger = np.maximum(np.abs(values[low]), np.abs(values[high])) if ratio else span or 1.0
        size = (values[high] - values[low]) / larger
        return np.asarray(1 - np.sqrt((steps**2 + size**2) / 2))

    return measure


def _tolerant(measure: Measure, values: Doubles, comparison: Comparison) -> Measure:
    """Lift pairs that are within a tolerance to nearly equal, and shrink the others below."""
    if comparison.within is None and comparison.relative is None:
        return measure

    return lambda low, high: tolerant(measure(low, high), values[low], values[high], comparison)


def tolerant(base: NDArray[Any], low: Doubles, high: Doubles, comparison: Comparison) -> Doubles:
    """Lift pairs that are within a tolerance to nearly equal, and shrink the others below.

    Returns (n,) float64.
    """
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
    return nearly(base, used)


def nearly(base: NDArray[Any], used: Doubles) -> Doubles:
    """From 1 to `NEARLY` over the tolerance; what is beyond fills the rest.

    Returns (n,) float64.
    """
    return np.where(used <= 1, 1 - (1 - NEARLY) * used, NEARLY * base)


def _ranked(left: Doubles, right: Doubles) -> tuple[tuple[Integers, Integers], Doubles]:
    """Ranks among the different numbers of two columns, NaN as -1, and the numbers."""
    pooled = np.concatenate([left, right])
    known = np.isfinite(pooled)
    codes = np.full(len(pooled), EMPTY, dtype=np.int64)
    values, codes[known] = np.unique(pooled[known], return_inverse=True)
    return (codes[: len(left)], codes[len(left) :]), values


KINDS: dict[str, Callable[[Columns, Comparison], Read]] = {"number": _number, "date": _date, "geo": _geo}
