"""Ranks and gaps of candidates against a plain search."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.scoring import ranks
from linktransformer.scoring.ranks import among_rivals, highest, one_side, places


def candidates(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    pairs = np.array(sorted({(int(a), int(b)) for a, b in draw.integers(0, 9, (n, 2))}))
    return pairs[:, 0], pairs[:, 1], (draw.integers(0, 6, len(pairs)) / 8).astype(np.float32)


def plain(own: list[float], at: int, floor: float) -> tuple[float, float]:
    others = own[:at] + own[at + 1 :]
    return sum(value > own[at] for value in own), own[at] - max(others, default=floor)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("floor", [0.0, -0.5])
def test_ranks_and_gaps_are_those_of_a_plain_search(seed: int, floor: float) -> None:
    left, right, score = candidates(seed)
    found = places(left, right, score, floor)
    for pair in range(len(left)):
        for side, rank, gap in (
            (left, found.rank_left, found.gap_left),
            (right, found.rank_right, found.gap_right),
        ):
            own = np.flatnonzero(side == side[pair])
            wanted = plain(score[own].tolist(), own.tolist().index(pair), floor)
            assert (rank[pair], gap[pair]) == pytest.approx(wanted)


@pytest.mark.parametrize("seed", range(4))
def test_of_one_table_a_record_competes_on_either_side(seed: int) -> None:
    left, right, score = candidates(seed)
    apart = left < right
    left, right, score = left[apart], right[apart], score[apart]
    found = places(left, right, score, same=True)
    for pair in range(len(left)):
        for record, rank, gap in (
            (left[pair], found.rank_left, found.gap_left),
            (right[pair], found.rank_right, found.gap_right),
        ):
            own = np.flatnonzero((left == record) | (right == record))
            wanted = plain(score[own].tolist(), own.tolist().index(pair), 0.0)
            assert (rank[pair], gap[pair]) == pytest.approx(wanted)


def test_the_order_of_the_pairs_does_not_matter() -> None:
    left, right, score = candidates(7)
    order = np.random.default_rng(0).permutation(len(left))
    straight, mixed = places(left, right, score), places(left[order], right[order], score[order])
    for name in ("rank_left", "rank_right", "gap_left", "gap_right"):
        np.testing.assert_array_equal(getattr(straight, name)[order], getattr(mixed, name))


@pytest.mark.parametrize("how_many", [1, 2, 4])
def test_highest_scores_are_the_first_of_all_sorted(how_many: int) -> None:
    left, _, score = candidates(3)
    found = highest(left, score, 11, how_many)
    for record in range(11):
        falling = sorted(score[left == record].tolist(), reverse=True)[:how_many]
        wanted = [*falling, *[np.nan] * (how_many - len(falling))]
        np.testing.assert_array_equal(found[record], np.array(wanted, dtype="f4"))


def test_no_pairs() -> None:
    none = np.empty(0, dtype=np.int64)
    found = places(none, none, none.astype(np.float32))
    assert len(found.rank_left) == len(found.gap_right) == 0
    assert np.isnan(highest(none, none.astype(np.float32), 2, 3)).all()


def test_a_pair_among_rivals_of_its_own_is_ranked_as_in_a_job() -> None:
    draw = np.random.default_rng(3)
    group = np.sort(draw.integers(0, 12, 60))
    score = draw.integers(0, 6, 60).astype("f4") / 8  # with ties
    rank, gap = one_side(group, score, 0.1)
    pairs = [(pair, rival) for pair in range(60) for rival in range(60) if pair != rival]
    pairs = [(pair, rival) for pair, rival in pairs if group[pair] == group[rival]]
    of, rival = np.array(pairs).T
    found = among_rivals(score, of, score[rival], 0.1)
    np.testing.assert_array_equal(found[0], rank)
    np.testing.assert_array_equal(found[1], gap)


@pytest.mark.parametrize("same", [True, False])
def test_many_pairs_have_the_places_of_few(same: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right, score = candidates(9, 400)
    whole = places(left, right, score, -0.25, same=same)
    tops = highest(right, score, 12, 3)
    monkeypatch.setattr(ranks, "MANY", 16)
    parts = places(left, right, score, -0.25, same=same)
    for name in ("rank_left", "rank_right", "gap_left", "gap_right"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    np.testing.assert_array_equal(highest(right, score, 12, 3), tops)
