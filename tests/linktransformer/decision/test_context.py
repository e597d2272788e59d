"""A pair beside the other pairs of its job."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.decision.context import FLOOR, JOB, OF_PAIRS, context, in_context, job_context
from linktransformer.decision.model import decision
from linktransformer.scoring.ranks import Places, places
from tests.linktransformer.decision.plain_context import plain_context


def job(sizes: tuple[int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    flat = np.sort(
        draw.choice(sizes[0] * sizes[1], min(3 * max(sizes), sizes[0] * sizes[1] // 2), replace=False)
    )
    return draw.normal(-2, 3, len(flat)).astype(np.float32), flat // sizes[1], flat % sizes[1]


def mirrored(sizes: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    z, left, right = job(sizes)
    there = context(z, left, right, sizes).values
    order = np.lexsort((left, right))
    back = np.empty_like(there)
    back[order] = context(z[order], right[order], left[order], sizes[::-1]).values
    return there, back


@pytest.mark.parametrize("sizes", [(30, 20), (15, 40)])
def test_swapped_tables_give_the_same_features(sizes: tuple[int, int]) -> None:
    there, back = mirrored(sizes)
    np.testing.assert_allclose(there, back, atol=1e-6)


def test_swapped_tables_of_one_size_give_the_same_features() -> None:
    there, back = mirrored((25, 25))
    np.testing.assert_allclose(there, back, atol=1e-6)


def test_names_are_those_the_model_knows() -> None:
    z, left, right = job((30, 20))
    found = context(z, left, right, (30, 20))
    assert found.names == (*OF_PAIRS, *JOB) and found.values.shape == (len(z), len(found.names))
    assert set(decision().job.names) <= set(found.names)


def test_gaps_and_ranks_of_a_job_by_hand() -> None:
    left, right = np.array([0, 0, 1]), np.array([0, 1, 1])
    z = np.array([3.0, 1.0, 2.0], dtype="f4")
    found = context(z, left, right, (3, 2))
    value = {name: found.values[:, place].tolist() for place, name in enumerate(found.names)}
    assert value["log-odds"] == z.tolist()
    assert value["gap many"] == [2, -2, 2 - FLOOR]  # of left records, of which there are more
    assert value["gap few"] == [3 - FLOOR, -1, 1]
    assert value["gap min"] == [2, -2, 1] and value["rank max"] == [0, 1, 0]
    probable = 1 / (1 + np.exp([-3.0, -2.0]))
    assert value["expected"][0] == pytest.approx(probable.sum() / 2)  # of the pairs that agree, by the fewer
    assert value["mutual"][0] == 1


def test_the_features_of_the_job_are_those_of_every_pair() -> None:
    z, left, right = job((12, 12))
    values = context(z, left, right, (12, 12)).values[:, len(OF_PAIRS) :]
    assert np.array_equal(values, np.broadcast_to(values[:1], values.shape), equal_nan=True)


@pytest.mark.parametrize("sizes", [(30, 20), (15, 40), (25, 25), (2, 6)])
def test_the_context_is_that_of_the_plain_reference_bit_for_bit(sizes: tuple[int, int]) -> None:
    z, left, right = job(sizes)
    wanted = plain_context(z, left, right, sizes)
    np.testing.assert_array_equal(context(z, left, right, sizes).values, wanted)


def test_so_is_that_of_one_table() -> None:
    z, left, right = job((25, 25))
    z, left, right = z[left < right], left[left < right], right[left < right]
    wanted = plain_context(z, left, right, (25, 25), same=True)
    np.testing.assert_array_equal(context(z, left, right, (25, 25), same=True).values, wanted)


def test_a_job_without_pairs_has_a_context() -> None:
    z, none = np.zeros(0, dtype="f4"), np.zeros(0, dtype=np.int64)
    assert context(z, none, none, (3, 4)).values.shape == (0, len(OF_PAIRS) + len(JOB))


def test_pairs_of_other_records_are_held_against_the_same_job() -> None:
    z, left, right = job((30, 20))
    of = places(left, right, z, FLOOR)
    known = job_context(z, left, right, of, (30, 20))
    some = np.array([5, 3, 17])
    part = Places(*(values[some] for values in (of.rank_left, of.rank_right, of.gap_left, of.gap_right)))
    np.testing.assert_array_equal(
        in_context(z[some], part, known).values, context(z, left, right, (30, 20)).values[some]
    )
