"""Evidence per column: levels by hand, and weights that were put into made data come out again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linktransformer import agreement, frames, records
from linktransformer.agreement import LEVELS
from linktransformer.serialize import Serializer


def read(values: list[str | None]) -> records.Records:
    table = frames.wrap(pd.DataFrame({"column": pd.Series(values, dtype=object)}), "table")
    return records.read(table, ["column"], Serializer())


def made(n: int, share: float, seed: int) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Pairs whose three columns agree or not, independently, more often among matches."""
    draw = np.random.default_rng(seed)
    match = draw.random(n) < share
    graded = np.empty((n, 3), dtype=np.int8)
    for column, (among_matches, among_others) in enumerate([(0.95, 0.05), (0.8, 0.1), (0.9, 0.3)]):
        equal = draw.random(n) < np.where(match, among_matches, among_others)
        graded[:, column] = np.where(equal, len(LEVELS) - 1, 1)
    return graded, match


def test_levels_by_hand() -> None:
    column = read(["Acme Steel", "acme steel", "Acme Steel", None, "Zeller", "Acme Steal"])
    graded = agreement.levels([(column, column)], np.zeros(5, dtype=np.int64), np.array([1, 2, 3, 4, 5]))
    assert [LEVELS[grade] for grade in graded[:, 0]] == [
        "alike but for capitals or order",
        "equal",
        "missing",
        "alike below 0.2",
        "alike below 0.6",
    ]
    empty = read([None, None])
    nothing = agreement.levels([(empty, empty)], np.array([0]), np.array([1]))
    assert nothing.tolist() == [[0]]


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_what_was_put_in_comes_out(share: float) -> None:
    graded, match = made(60_000, share, 0)
    start = np.where(graded[:, 0] == len(LEVELS) - 1, 0.9, 0.1).astype(np.float32)
    fitted = agreement.fit(["a", "b", "c"], graded, start)
    assert 1 / (1 + 2**-fitted.prior) == pytest.approx(share, rel=0.15)
    assert fitted.weights[:, -1] == pytest.approx(np.log2([0.95 / 0.05, 0.8 / 0.1, 0.9 / 0.3]), abs=0.3)
    assert fitted.weights[:, 1] == pytest.approx(np.log2([0.05 / 0.95, 0.2 / 0.9, 0.1 / 0.7]), abs=0.4)
    # the probabilities are those of the pairs that look alike
    for grade in np.unique(graded, axis=0):
        same = (graded == grade).all(axis=1)
        if same.sum() > 500:
            assert fitted.probability[same].mean() == pytest.approx(match[same].mean(), abs=0.06)


def test_bits_and_prior_make_the_probability() -> None:
    graded, _ = made(500, 0.3, 1)
    graded[::7, 1] = 0
    fitted = agreement.fit(["a", "b", "c"], graded, np.full(500, 0.5, "f4") * (graded[:, 0] > 1))
    bits = fitted.prior + sum(fitted.weights[place][graded[:, place]] for place in range(3))
    np.testing.assert_allclose(fitted.probability, 1 / (1 + 2.0**-bits), atol=1e-4)
    assert (fitted.weights[:, 0] == 0).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 40), st.floats(0, 1))
def test_any_pairs_give_finite_weights(seed: int, n: int, guess: float) -> None:
    graded = np.random.default_rng(seed).integers(0, len(LEVELS), (n, 2)).astype(np.int8)
    fitted = agreement.fit(["a", "b"], graded, np.full(n, guess, dtype=np.float32))
    assert np.isfinite(fitted.weights).all()
    assert ((fitted.probability >= 0) & (fitted.probability <= 1)).all()
    assert len(fitted.probability) == n


def test_columns_that_repeat_another_one_are_left_out() -> None:
    draw = np.random.default_rng(0)
    first = [f"given{number}" for number in draw.integers(0, 50, 200)]
    last = [f"family{number}" for number in draw.integers(0, 50, 200)]
    whole = [f"{a} {b}" for a, b in zip(first, last, strict=True)]
    town = [f"town{number}" for number in draw.integers(0, 5, 200)]
    columns = [read(values) for values in (first, last, whole, whole, town)]
    assert agreement.without_repeats(columns, np.arange(200)) == [2, 4]
    # what is inside by chance, because nearly everybody has it, stays
    always = [read(values) for values in (["x"] * 200, [f"x {name}" for name in first])]
    assert agreement.without_repeats(always, np.arange(200)) == [0, 1]


@pytest.mark.parametrize("n_columns", [0, 1, 3, 25])
def test_kinds_of_pairs_are_their_different_levels(n_columns: int) -> None:
    draw = np.random.default_rng(n_columns)
    graded = draw.integers(0, 8, (300, n_columns)).astype(np.int8)
    graded[150:] = graded[:150][draw.permutation(150)]
    kinds, kind, count = agreement._kinds(graded)
    np.testing.assert_array_equal(kinds[kind], graded)
    np.testing.assert_array_equal(count, np.bincount(kind))
    assert len({tuple(row) for row in kinds.tolist()}) == len(kinds)
