"""Which pairs are asked about: worth, one of a record, the random share, and the same for the same seed."""

from __future__ import annotations

import time

import numpy as np
import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.review.questions import RANDOM, next_pairs, outlook
from linktransformer.review.refit import Answers, Pool, refit

NONE = Answers(np.empty(0, dtype=np.int64), np.empty(0, dtype=bool))


def pool(n: int = 2000, seed: int = 0, per_row: int = 4) -> tuple[Pool, np.ndarray]:
    """Candidates of which the odd half, by a column, is more probable than the decision says."""
    draw = np.random.default_rng(seed)
    left = np.sort(draw.integers(0, n // per_row, n))
    right = draw.integers(0, n // per_row, n)
    z = draw.normal(-2, 3, n).astype(np.float32)
    features = draw.normal(0, 1, (n, 30)).astype(np.float32)
    match = draw.random(n) < 1 / (1 + np.exp(-(z + 2 * features[:, 29])))
    return Pool(left, right, z, features, z, z > 0), match


def answered(of: Pool, match: np.ndarray, n: int, seed: int = 0) -> Answers:
    at = np.empty(0, dtype=np.int64)
    while len(at) < n:
        at = np.concatenate([at, next_pairs(of, Answers(at, match[at]), 10, seed).at])
    return Answers(at, match[at])


def test_the_first_questions_are_doubtful_and_on_both_sides_of_the_threshold() -> None:
    of, _ = pool()
    asked = next_pairs(of, NONE, 30)
    now = refit(of, NONE)
    chosen = asked.at[~asked.random]
    assert (np.abs(now.probability[chosen] - now.lowest) < 0.3).all()
    assert 0 < now.linked[chosen].sum() < len(chosen)


def test_one_pair_of_a_record_and_none_again() -> None:
    of, match = pool(400, per_row=20)
    before = answered(of, match, 20)
    asked = next_pairs(of, before, 15)
    chosen = asked.at[~asked.random]
    assert len(np.unique(of.left[chosen])) == len(np.unique(of.right[chosen])) == len(chosen)
    assert not np.isin(asked.at, before.at).any()
    drawn = asked.at[asked.random]
    assert not np.isin(of.left[chosen], of.left[drawn]).any()


def test_the_same_seed_gives_the_same_pairs_and_another_one_other_random_ones() -> None:
    of, match = pool()
    before = answered(of, match, 40)
    first, second, other = (next_pairs(of, before, 20, seed) for seed in (3, 3, 4))
    assert first.at.tolist() == second.at.tolist()
    assert set(first.at[first.random].tolist()) != set(other.at[other.random].tolist())


def test_a_tenth_is_random() -> None:
    of, _ = pool()
    asked = next_pairs(of, NONE, 50)
    assert asked.random.sum() == 50 * RANDOM
    assert np.isfinite(asked.value[~asked.random]).all()


def test_a_second_match_of_a_record_is_not_asked_about() -> None:
    # each left record has two right ones that are equally sure: only one of them can be its link
    n = 200
    left, right = np.arange(n) // 2, np.arange(n)
    z = np.where(np.arange(n) % 2, 4.0, 4.5).astype(np.float32)
    z[:20:2], z[1:20:2] = 0.2, -6
    features = np.zeros((n, 30), dtype=np.float32)
    asked = next_pairs(Pool(left, right, z, features, z, z > 0), NONE, 9).at
    assert (asked < 20).all()


def test_answers_make_pairs_like_them_worth_less() -> None:
    of, match = pool()
    before = answered(of, match, 100)
    late = next_pairs(of, before, 10).value
    early = next_pairs(of, Answers(before.at[:30], before.match[:30]), 10).value
    assert np.nanmean(late) < np.nanmean(early)


def test_many_alike_are_asked_about_before_one_of_its_kind() -> None:
    # two kinds of equal doubt: 400 pairs that share a feature, and one that has its own
    n = 401
    rows = np.arange(n)
    features = np.full((n, 30), np.nan, dtype=np.float32)
    features[:, 0] = np.where(rows == 400, -5, np.where(rows % 2, 0.9, 1.1))
    features[:, 1] = np.where(rows % 2, 1, -1)
    z = np.zeros(n, dtype=np.float32)
    of = Pool(rows, rows, z, features, z, z > 0)
    judged = Answers(np.arange(20), np.arange(20) % 2 == 0)
    assert 400 not in next_pairs(of, judged, 5).at


def test_the_outlook_narrows_and_says_so() -> None:
    of, match = pool()
    known = answered(of, match, 30)
    now = refit(of, known)
    found = outlook(of, known, now, next_pairs(of, known, 20, 0, now).at)
    assert found.now[0] <= found.after[0] <= found.after[1] <= found.now[1]
    assert found.after[1] - found.after[0] < found.now[1] - found.now[0]
    assert str(found).startswith("20 more answers would narrow the precision from .")


def test_no_pairs_are_left() -> None:
    of, match = pool(30)
    every = Answers(np.arange(30), match)
    assert len(next_pairs(of, every, 10).at) == 0


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "ten"])
def test_no_number_of_pairs(n: object) -> None:
    of, _ = pool(50)
    with pytest.raises(InvalidArgumentError, match="n="):
        next_pairs(of, NONE, n)  # type: ignore[arg-type]


def test_a_million_pairs_take_seconds() -> None:
    draw = np.random.default_rng(0)
    n = 1_000_000
    left = np.sort(draw.integers(0, n // 5, n))
    z = draw.normal(-3, 4, n).astype(np.float32)
    features = np.zeros((n, 30), dtype=np.float32)
    features[:, :4] = draw.random((n, 4), dtype=np.float32)
    of = Pool(left, draw.integers(0, n // 5, n), z, features, z, z > 0)
    now = refit(of, NONE)
    began = time.process_time()
    next_pairs(of, NONE, 10, 0, now)
    assert time.process_time() - began < 6


def test_each_of_a_batch_is_worth_less_than_the_one_before() -> None:
    rows = np.arange(300)
    features = np.zeros((300, 30), dtype=np.float32)
    z = np.zeros(300, dtype=np.float32)
    of = Pool(rows, rows, z, features, z, z > 0)
    asked = next_pairs(of, Answers(rows[:20], rows[:20] % 2 == 0), 7)
    assert (np.diff(asked.value[~asked.random]) < 0).all()
