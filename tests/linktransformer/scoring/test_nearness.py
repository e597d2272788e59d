"""Distances of places, days of dates and tolerances, each against its formula."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.scoring import parse_dates
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.nearness import EARTH_KM, NEARLY, days, kilometres, nearly, spacing_of, tolerant


def haversine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    (one, west), (two, east) = np.radians(a).T, np.radians(b).T
    part = np.sin((two - one) / 2) ** 2 + np.cos(one) * np.cos(two) * np.sin((east - west) / 2) ** 2
    return 2 * EARTH_KM * np.arcsin(np.sqrt(part))


def places(n: int, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.column_stack([draw.uniform(-89, 89, n), draw.uniform(-180, 180, n)])


def test_kilometres_are_those_of_the_haversine_formula() -> None:
    a, b = places(200, 0), places(200, 1)
    np.testing.assert_allclose(kilometres(a, b), haversine(a, b), rtol=1e-6)
    poles = kilometres(np.array([[90.0, 0.0]]), np.array([[-90.0, 77.0]]))
    assert poles[0] == pytest.approx(np.pi * EARTH_KM)


def test_the_spacing_is_the_median_distance_to_the_nearest_other_place() -> None:
    sides = [places(n, n) for n in (12, 7)]
    nearest = []
    for side in sides:
        apart = haversine(np.repeat(side, len(side), axis=0), np.tile(side, (len(side), 1)))
        apart = apart.reshape(len(side), -1)
        np.fill_diagonal(apart, np.inf)
        nearest.append(apart.min(axis=1))
    cells = tuple([f"{a!r},{b!r}" for a, b in side.tolist()] for side in sides)
    repeated = ([*cells[0], cells[0][0], ""], cells[1])  # a place twice is one place
    expected = float(np.median(np.concatenate(nearest)))
    for columns in (cells, repeated):
        assert spacing_of((columns[0], columns[1])) == pytest.approx(expected, rel=1e-6)
    assert spacing_of((["52.5, 13.4"], [""])) == 1.0


def test_days_of_dates() -> None:
    left, right = parse_dates.read_both(["2020-02-28", "1969-12-31"], ["2020-03-01", "1970-01-01"])
    apart = days(right.keys.astype(float)) - days(left.keys.astype(float))
    assert apart.tolist() == [2, 1]


def test_within_a_tolerance_pairs_are_nearly_equal_and_others_below() -> None:
    base = np.array([0.9, 0.9, 0.2, 1.0])
    low, high = np.array([10.0, 10, 10, 10]), np.array([11.0, 12, 12.1, 10])
    found = tolerant(base, low, high, Comparison("number", within=2))
    np.testing.assert_allclose(found, [1 - (1 - NEARLY) / 2, NEARLY, NEARLY * 0.2, 1])
    relative = tolerant(base, low, high, Comparison("number", relative=0.5))
    np.testing.assert_allclose(relative, 1 - (1 - NEARLY) * (high - low) / (0.5 * high))
    both = tolerant(base, low, high, Comparison("number", within=0.1, relative=0.5))
    np.testing.assert_array_equal(both, relative)  # either is enough
    assert tolerant(base, low, high, Comparison("number")) is base
    # what is within the tolerance is above all that is beyond
    assert nearly(np.array([0.0, 1.0]), np.array([1.0, 1.001]))[0] >= NEARLY
