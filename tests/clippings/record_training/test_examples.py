"""Records to train on: some of them are those records, whole."""

from __future__ import annotations

import numpy as np
import pytest

from clippings.errors import TrainingError
from clippings.record_training.examples import Readings, RecordExamples, join, take


def records() -> RecordExamples:
    strips = [np.full((4, 6 + row), row, np.uint8) if row != 2 else None for row in range(5)]
    return RecordExamples(
        tuple("abcde"),
        strips,
        np.array([3, -1, 3, 7, -1]),
        np.array([0, 1, 1, 0, 1], np.int8),
        np.linspace(0, 1, 5, dtype=np.float32),
        np.arange(10, dtype=np.float32).reshape(5, 2),
        readings=(Readings(tuple("vwxyz"), np.linspace(1, 0, 5, dtype=np.float32)),),
    )


def test_some_records_are_those_records() -> None:
    whole, rows = records(), np.array([4, 2, 0])
    some = take(whole, rows)
    assert some.texts == ("e", "c", "a") and some.readings[0].texts == ("z", "x", "v")
    for name in ("entity", "side", "confidence", "quality", "has_image"):
        np.testing.assert_array_equal(getattr(some, name), getattr(whole, name)[rows])
    np.testing.assert_array_equal(some.readings[0].confidence, whole.readings[0].confidence[rows])
    for one, row in zip(some.pixels(np.arange(3), 0), rows.tolist(), strict=True):
        np.testing.assert_array_equal(one, whole.pixels(np.array([row]), 0)[0])


def test_what_is_taken_apart_and_joined_is_what_it_was() -> None:
    whole = records()
    again = join([take(whole, np.array([0, 1, 2])), take(whole, np.array([3, 4]))])
    assert again.texts == whole.texts and again.readings[0].texts == whole.readings[0].texts
    np.testing.assert_array_equal(
        again.groups() == again.groups()[:, None], whole.groups() == whole.groups()[:, None]
    )


def test_drawn_strips_cannot_be_taken_apart() -> None:
    drawn = RecordExamples(("a",), lambda rows, epoch: [None], np.array([0]), has_image=np.array([True]))
    with pytest.raises(TrainingError, match="in memory"):
        take(drawn, np.array([0]))
