"""Batches hold no entity twice, mined texts are never right answers, and the rate rises and falls."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clippings.errors import TrainingError
from clippings.training.batches import batches
from clippings.training.examples import Examples
from clippings.training.hard_negatives import mine, nearest
from clippings.training.lr_schedule import rate
from clippings.training.recipe import Recipe


def made(entities: list[int], pairs: list[tuple[int, int]], labels: list[int] | None = None) -> Examples:
    n = len(entities)
    a, b = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    label = np.ones(len(pairs), dtype=np.int64) if labels is None else np.array(labels)
    texts = tuple(f"text {number}" for number in range(n))
    return Examples(texts, np.array(entities), a, b, label, np.arange(n))


@given(st.lists(st.integers(0, 9), min_size=2, max_size=40), st.integers(2, 8), st.integers(0, 3))
def test_no_entity_is_twice_in_a_batch_and_no_pair_twice_in_an_epoch(entities, size, epoch) -> None:
    both = made([*entities, *entities], [(n, n + len(entities)) for n in range(len(entities))])
    plan = batches(both, "infonce", size, seed=1, epoch=epoch)
    seen: list[tuple[int, int]] = []
    for batch in plan:
        of_pairs = both.entity[batch.texts[batch.left]].tolist()
        assert len(set(of_pairs)) == len(of_pairs) <= size
        seen += zip(batch.texts[batch.left].tolist(), batch.texts[batch.right].tolist(), strict=True)
    assert len(set(seen)) == len(seen) and set(seen) <= {(n, n + len(entities)) for n in range(len(entities))}
    assert plan


def test_different_entities_are_all_seen_and_epochs_differ() -> None:
    both = made([*range(50), *range(50)], [(n, n + 50) for n in range(50)])
    plans = [batches(both, "infonce", 10, seed=0, epoch=epoch) for epoch in (0, 1)]
    for plan in plans:
        assert sorted(np.concatenate([batch.texts for batch in plan]).tolist()) == list(range(100))
    assert plans[0][0].texts.tolist() != plans[1][0].texts.tolist()
    again = batches(both, "infonce", 10, seed=0, epoch=1)
    assert [b.texts.tolist() for b in again] == [b.texts.tolist() for b in plans[1]]


@given(st.lists(st.integers(0, 6), min_size=2, max_size=60), st.integers(4, 16))
def test_clusters_come_whole_or_in_parts_with_a_partner(entities, size) -> None:
    one = made(entities, [(0, 1)])
    plan = batches(one, "supcon", size, seed=0, epoch=0)
    seen = [number for batch in plan for number in batch.texts.tolist()]
    counts = np.bincount(entities)
    assert sorted(seen) == [n for n, entity in enumerate(entities) if counts[entity] > 1]
    for batch in plan:
        in_batch = np.bincount(one.entity[batch.texts])
        assert in_batch[in_batch > 0].min() > 1


def test_mined_texts_are_of_other_entities_and_known_ones_come_first() -> None:
    entities = [0, 1, 2, 0, 1, 2, 0]
    known = made(entities, [(0, 3), (1, 4), (2, 5), (0, 5)], [1, 1, 1, 0])

    def way(queries: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
        return np.tile(np.arange(k), (len(queries), 1))

    found = mine(known, [way], 2)
    assert found.tolist() == [[5, 1], [0, 2], [0, 1]]
    for row, pair in zip(found, known.positive, strict=True):
        assert not (known.entity[row] == known.entity[known.left[pair]]).any()


def test_where_there_is_no_other_entity_nothing_is_mined() -> None:
    alone = made([0, 0], [(0, 1)])
    found = mine(alone, [lambda q, i, k: np.zeros((len(q), k), dtype=np.int64)], 3)
    assert found.tolist() == [[-1, -1, -1]]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=12), st.integers(1, 12))
def test_nearest_against_a_full_sort(values: list[int], k: int) -> None:
    items = np.array(values, dtype=np.float32)[:, None]
    queries = np.array([[1], [-1], [0]], dtype=np.float32)
    expected = np.argsort(-(queries @ items.T), axis=1, kind="stable")[:, : min(k, len(values))]
    np.testing.assert_array_equal(nearest(queries, items, min(k, len(values))), expected)


def test_nearest_is_exact_and_ties_go_to_the_lower_row() -> None:
    items = np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32)
    assert nearest(np.array([[1, 0.1]], dtype=np.float32), items, 3).tolist() == [[0, 2, 1]]


@pytest.mark.parametrize("decay", ["linear", "cosine"])
@pytest.mark.parametrize(("steps", "warmup"), [(100, 0.1), (7, 0.3), (1, 0.1), (50, 0.0)])
def test_the_rate_rises_to_one_and_falls_to_nearly_nothing(decay: str, steps: int, warmup: float) -> None:
    found = [rate(step, steps, warmup=warmup, decay=decay) for step in range(steps)]
    top = int(np.argmax(found))
    assert max(found) == 1.0 and min(found) > 0
    assert top in (round(warmup * steps), round(warmup * steps) - 1)
    assert np.all(np.diff(found[: top + 1]) > 0) and np.all(np.diff(found[round(warmup * steps) :]) < 0)
    assert steps < 10 or found[-1] < 0.05


@pytest.mark.parametrize("warmup", [1, 1.5, -0.1])
def test_a_warm_up_that_never_ends_is_refused(warmup: float) -> None:
    with pytest.raises(TrainingError, match="warmup="):
        rate(0, 10, warmup=warmup)
    with pytest.raises(TrainingError, match="warmup="):
        Recipe(warmup=warmup)


def test_settings_that_are_not_known_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(TrainingError, match=r"\['epoch'\]. Did you mean 'epochs'"):
        Recipe.from_dict({"epoch": 3})
    for wrong in ({"epochs": 0}, {"loss": "triplet"}, {"learning_rate": "fast"}, {"batch_size": True}):
        with pytest.raises(TrainingError, match=next(iter(wrong))):
            Recipe.from_dict(wrong)


def test_examples_that_cannot_be_learned_from_are_refused() -> None:
    with pytest.raises(TrainingError, match="no positive pair"):
        made([0, 1], [(0, 1)], [0])
    with pytest.raises(TrainingError, match="do not fit"):
        made([0, 1], [(0, 2)])
