"""Records to train on fit together, and every one is in one batch of an epoch, with its company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clippings.errors import TrainingError
from clippings.record_training.batches import count, padded, parts, record_batches
from clippings.record_training.examples import Readings, RecordExamples, join


def line(length: int, tone: int = 0, upright: bool = False) -> np.ndarray:
    return np.full((length, 8) if upright else (8, length), tone, np.uint8)


def records(entity: list[int], side: list[int] | None = None) -> RecordExamples:
    n = len(entity)
    sides = np.array(side if side else [0] * n, np.int8)
    return RecordExamples(tuple(f"t{i}" for i in range(n)), [line(9, i % 256) for i in range(n)],
                          np.array(entity), sides)  # fmt: skip


entities = st.lists(st.tuples(st.integers(-1, 9), st.integers(0, 1)), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(entities, st.integers(2, 16), st.integers(1, 4), st.integers(0, 3), st.booleans())
def test_every_record_is_once_in_an_epoch(drawn, size, m, epoch, mined) -> None:
    examples = records([e for e, _ in drawn], [s for _, s in drawn])
    n = len(examples)
    near = np.random.default_rng(0).integers(-1, n, (n, 3)) if mined else None
    plan = record_batches(examples, size, m_per_class=m, seed=1, epoch=epoch, near=near)
    assert sorted(np.concatenate(plan).tolist()) == list(range(n))
    assert len(plan) <= count(n, size)
    again = record_batches(examples, size, m_per_class=m, seed=1, epoch=epoch, near=near)
    assert [batch.tolist() for batch in plan] == [batch.tolist() for batch in again]
    assert max(map(len, plan)) <= n / count(n, size) + m + 1


@settings(max_examples=60, deadline=None)
@given(entities, st.integers(2, 5))
def test_no_record_of_a_larger_entity_is_alone_in_its_batch(drawn, m) -> None:
    examples = records([e for e, _ in drawn], [s for _, s in drawn])
    for batch in record_batches(examples, 8, m_per_class=m, seed=0, epoch=0):
        for name in set(examples.entity[batch].tolist()) - {-1}:
            here = int((examples.entity[batch] == name).sum())
            assert here >= 2 or (examples.entity == name).sum() == 1


def test_both_sides_of_an_entity_come_together() -> None:
    examples = records([0] * 6 + [1] * 6, [0, 0, 0, 1, 1, 1] * 2)
    for batch in record_batches(examples, 2, m_per_class=2, seed=0, epoch=3):
        assert len(batch) == 2 and set(examples.side[batch].tolist()) == {0, 1}


def test_what_is_taken_for_an_entity_comes_with_it() -> None:
    n = 400
    examples = records([i // 2 for i in range(n)])
    # entity 2k is taken for entity 2k + 1
    near = np.array([[(i // 2 ^ 1) * 2] for i in range(n)])
    for epoch in range(2):
        plan = record_batches(examples, 32, m_per_class=2, seed=5, epoch=epoch, near=near)
        together = [len(set((examples.entity[batch] // 2).tolist())) for batch in plan]
        # 16 entities a batch in pairs, at most two pairs cut by its ends
        assert max(together) <= 10
    alone = record_batches(examples, 32, m_per_class=2, seed=5, epoch=0)
    assert min(len(set((examples.entity[batch] // 2).tolist())) for batch in alone) > 10


def test_epochs_and_seeds_differ() -> None:
    examples = records([i // 3 for i in range(60)])
    plans = {
        str([batch.tolist() for batch in record_batches(examples, 12, m_per_class=3, seed=s, epoch=e)])
        for s in (0, 1)
        for e in (0, 1)
    }
    assert len(plans) == 4


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(9, 300), st.booleans(), st.booleans()), max_size=80), st.integers(1, 40)
)
def test_parts_are_of_one_direction_and_pad_little(drawn, most) -> None:
    strips = [None if gone else line(length, 7, upright) for length, upright, gone in drawn]
    found = list(parts(strips, 8, most))
    assert sorted(place for part in found for place in part) == [
        i for i, strip in enumerate(strips) if strip is not None
    ]
    for part in found:
        pixels, lengths = padded([strips[i] for i in part], 8)
        assert len(part) <= most and len({strips[i].shape[0] == 8 for i in part}) == 1
        axis = 2 if pixels.shape[1] == 8 else 1
        # sixteen, or a quarter, at least come together; what is beyond pads little
        alike = sum(strip is not None and (strip.shape[0] == 8) == (axis == 2) for strip in strips)
        assert (lengths[max(16, alike // 4) :] * 1.25 >= lengths[0]).all()
        assert pixels.shape[axis] < lengths[0] + 16
        for row, place in enumerate(part):
            used = pixels[row].take(range(int(lengths[row])), axis=axis - 1)
            np.testing.assert_array_equal(used, strips[place])
            assert pixels[row].sum() == strips[place].sum(dtype=np.int64)


def test_a_strip_of_another_height_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"another short side.*\(9, 12\)"):
        padded([line(12), np.zeros((9, 12), np.uint8)], 8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"texts": ()}, "no record"),
        ({"strips": [line(9)]}, "do not fit"),
        ({"strips": [line(9), np.zeros((2, 2))]}, "float64.*record 1"),
        ({"entity": np.array([1])}, "do not fit"),
        ({"side": np.array([0, 2], np.int8)}, "side 0 or 1"),
        ({"quality": np.zeros((2, 3), np.float32)}, r"\(2, 3\)"),
        ({"strips": lambda numbers, epoch: []}, "has_image"),
        ({"texts": ("", ""), "strips": [None, None]}, "without text and without picture"),
        ({"readings": (Readings(("a",), np.zeros(1, np.float32)),)}, "readings"),
    ],
)
def test_records_that_do_not_fit_together_are_refused(change: dict, words: str) -> None:
    good = {"texts": ("a", "b"), "strips": [line(9), None], "entity": np.array([0, -1])}
    with pytest.raises(TrainingError, match=words):
        RecordExamples(**{**good, **change})


def test_keys_are_equal_for_equal_texts_and_pictures_only() -> None:
    examples = RecordExamples(
        ("ＡＢ Co", "abco", "", "other"), [line(9, 1), line(9, 1), None, line(8, 1)], np.array([3, 3, -1, -1])
    )
    text, picture = examples.text_keys().tolist(), examples.picture_keys().tolist()
    assert text[0] == text[1] and text[2] == -1 and len(set(text)) == 3
    assert picture[0] == picture[1] and picture[2] == -1 and len(set(picture)) == 3
    groups = examples.groups().tolist()
    assert groups[0] == groups[1] and len(set(groups)) == 3


def test_strips_may_be_drawn_anew() -> None:
    def drawn(numbers: np.ndarray, epoch: int) -> list[np.ndarray]:
        return [line(9, 10 * epoch + number) for number in numbers.tolist()]

    examples = RecordExamples(("a", "b"), drawn, np.array([0, 0]), has_image=np.array([True, True]))
    assert [int(strip[0, 0]) for strip in examples.pixels(np.array([1, 0]), 3)] == [31, 30]
    assert len(set(examples.picture_keys().tolist())) == 2
    with pytest.raises(TrainingError, match="cannot be joined"):
        join([examples, examples])


def test_joined_sets_keep_their_entities_apart() -> None:
    one, other = records([0, 0, -1]), records([0, 1])
    whole = join([one, other])
    assert whole.entity.tolist() == [0, 0, -1, 1, 2] and len(whole.strips) == 5
    assert whole.fingerprint() != join([other, one]).fingerprint()
