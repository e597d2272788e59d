"""No entity and no text is in two splits, whatever the pairs, the shares and the order of rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.splits import TEST, TRAIN, VAL, components, split

PAIRS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=60)


def cut(pairs: list[tuple[int, int]], texts: list[str], seed: int, shares: tuple[float, float, float]):
    """Entity and split of each text."""
    a, b = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    entity = components(len(texts), a, b)
    weight = np.bincount(entity[a], minlength=int(entity.max()) + 1)
    return entity, split(entity, texts, weight, shares, seed)[entity]


def plain_components(n: int, pairs: list[tuple[int, int]]) -> list[int]:
    """Merge by hand until nothing changes."""
    label = list(range(n))
    changed = True
    while changed:
        changed = False
        for a, b in pairs:
            low = min(label[a], label[b])
            changed = changed or label[a] != low or label[b] != low
            label[a] = label[b] = low
    return label


@given(PAIRS)
def test_entities_are_what_pairs_connect(pairs) -> None:
    found = components(41, *np.array(pairs, dtype=np.int64).reshape(-1, 2).T)
    expected = plain_components(41, pairs)
    assert len(set(zip(found.tolist(), expected, strict=True))) == len(set(expected)) == found.max() + 1


@given(PAIRS, st.integers(0, 5), st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (0.9, 0.1, 0.0)]))
def test_no_entity_and_no_text_is_shared(pairs, seed, shares) -> None:
    texts = [f"firm {n}" for n in range(41)]
    entity, part = cut(pairs, texts, seed, shares)
    for number in set(entity.tolist()):
        assert len(set(part[entity == number].tolist())) == 1
    held = [{t for t, p in zip(texts, part, strict=True) if p == which} for which in (TRAIN, VAL, TEST)]
    assert not held[0] & held[1] and not held[0] & held[2] and not held[1] & held[2]
    assert set().union(*held) == set(texts)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(pairs, random) -> None:
    texts = [f"firm {n}" for n in range(41)]
    _, part = cut(pairs, texts, 3, (0.6, 0.2, 0.2))
    place = list(range(41))
    random.shuffle(place)  # place[old] is the new number
    moved = [""] * 41
    for old, new in enumerate(place):
        moved[new] = texts[old]
    again = [(place[a], place[b]) for a, b in pairs]
    random.shuffle(again)
    _, other = cut(again, moved, 3, (0.6, 0.2, 0.2))
    assert part.tolist() == [other[new] for new in place]


def test_shares_are_kept_and_seeds_differ() -> None:
    pairs = [(2 * n, 2 * n + 1) for n in range(500)]
    texts = [f"firm {n}" for n in range(1000)]
    _, part = cut(pairs, texts, 0, (0.8, 0.1, 0.1))
    assert np.bincount(part).tolist() == [800, 100, 100]
    assert part.tolist() != cut(pairs, texts, 1, (0.8, 0.1, 0.1))[1].tolist()


def test_a_large_entity_is_for_training() -> None:
    pairs = [(0, n) for n in range(1, 200)] + [(2 * n, 2 * n + 1) for n in range(100, 200)]
    for seed in range(5):
        assert cut(pairs, [f"t{n}" for n in range(400)], seed, (0.8, 0.1, 0.1))[1][0] == TRAIN


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.8, 0.1, 0.2), (0, 0.5, 0.5), "abc", (1.2, -0.1, -0.1)])
def test_shares_that_cannot_be_cut_are_refused(shares) -> None:
    with pytest.raises(InvalidArgumentError, match="shares="):
        split(np.array([0]), ["a"], np.array([1]), shares)
