"""Shapley values of families of features: against all orders, and agreement never counts against a match."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.decision.attribution import FAMILIES, attribute, family_of, split_among
from linktransformer.decision.context import FLOOR, JobContext, in_context, job_context
from linktransformer.decision.model import decision
from linktransformer.scoring.ranks import Places, places
from tests.linktransformer.decision.test_trees import inputs

N = 40


def job() -> tuple[Any, np.ndarray, Places, JobContext]:
    """Pairs with features around the thresholds of the trees."""
    model = decision()
    values = inputs(model.pair, N, 3)
    draw = np.random.default_rng(0)
    left, right = draw.integers(0, 12, N), np.arange(N) % 15
    z = model.pair.predict(values, model.pair.names)
    of = places(left, right, z, FLOOR)
    return (model.pair.names, values), z, of, job_context(z, left, right, of, (12, 15))


def test_the_values_add_up_to_the_log_odds() -> None:
    features, z, of, context = job()
    found = attribute(decision(), features, z, of, context)
    seen = in_context(z, of, context)
    wanted = decision().job.predict(seen.values, seen.names) / np.log(2)
    np.testing.assert_allclose(found.total, wanted, atol=1e-4)
    assert np.ptp(found.total) > 1 and found.parts.shape == (N, len(FAMILIES))


def test_a_value_is_the_mean_over_all_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    (names, values), z, of, context = job()
    worth: list[np.ndarray] = []
    trees = decision().job

    class Watched:
        names = trees.names

        def expected(self, *given: Any) -> np.ndarray:
            worth.append(trees.expected(*given) / np.log(2))
            return trees.expected(*given)

    model = replace(decision(), job=Watched())  # type: ignore[arg-type]
    found = attribute(model, (names, values[:1]), z[:1], of.some(slice(0, 1)), context)
    orders = list(itertools.permutations(range(len(FAMILIES))))
    plain = np.zeros(len(FAMILIES))
    for order in orders:
        inside = 0
        for family in order:
            plain[family] += (worth[0][inside | 1 << family] - worth[0][inside]) / len(orders)
            inside |= 1 << family
    np.testing.assert_allclose(found.parts[0], plain, atol=1e-9)


def test_every_feature_has_a_family_and_every_family_features() -> None:
    assert {family_of(name) for name in decision().pair.names} == set(FAMILIES)
    assert family_of("key column gap few") == family_of("dense own share") == "rank"
    assert family_of("bits gap max") == family_of("columns equal") == "columns"
    assert family_of("columns") == "job" and family_of("columns null") == "amount of text"


BITS = st.floats(-20, 20, allow_nan=False, width=32)
PAIRS = st.integers(1, 6).flatmap(
    lambda n: st.tuples(
        st.floats(-30, 30, allow_nan=False),
        st.lists(BITS, min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n),
    )
)


@given(PAIRS)
def test_equal_cells_never_count_against_a_match(pair: tuple[float, list[float], list[bool]]) -> None:
    total, bits, equal = np.array([pair[0]]), np.array([pair[1]], dtype="f4"), np.array([pair[2]])
    parts, rest = split_among(total, bits, equal)
    assert (parts[equal] >= 0).all()
    assert (parts * bits >= -1e-9)[~equal].all()  # the sign of the match weight
    assert (np.abs(parts) <= np.abs(bits) + 1e-5).all()
    np.testing.assert_allclose(parts.sum(axis=1) + rest, total, atol=1e-6)
    same_sign = np.where(equal, np.maximum(bits, 0), bits)
    enough = np.abs(same_sign[np.sign(same_sign) == np.sign(total)[0]]).sum() >= abs(pair[0])
    assert not enough or abs(rest[0]) < 1e-6


@given(st.floats(-5, 12), st.integers(0, 2**16))
def test_the_more_alike_cells_are_the_more_they_add(total: float, seed: int) -> None:
    bits = np.sort(np.random.default_rng(seed).normal(0, 5, 4)).astype("f4")[None]
    parts, _ = split_among(np.array([total]), bits, np.zeros((1, 4), dtype=bool))
    assert (np.diff(parts[0]) >= -1e-9).all()


def test_columns_are_shared_out_by_hand() -> None:
    bits, equal = np.array([[2.0, 0.0, -3.0]], dtype="f4"), np.zeros((1, 3), dtype=bool)
    parts, rest = split_among(np.array([-1.0]), bits, equal)
    np.testing.assert_allclose(parts, [[0.4, 0, -1.4]], atol=1e-6)
    parts, rest = split_among(np.array([-5.0]), bits, equal)  # more than the columns that differ may carry
    np.testing.assert_allclose(parts, [[0, 0, -3]], atol=1e-6)
    assert rest.tolist() == pytest.approx([-2])
