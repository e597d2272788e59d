"""Strips and texts are put side by side with little padding, and every one of them once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clippings import EncoderError
from clippings.records.bi_encoder_config import BiEncoderConfig
from clippings.records.characters import character_ids
from clippings.records.inputs import SLACK, StripInputs, alike, is_vertical, normal, padded
from tests.small_records import Shot, cut, shots

CONFIG = BiEncoderConfig.tiny()


@pytest.fixture(scope="module")
def inputs() -> StripInputs:
    return StripInputs(CONFIG, cut)


@pytest.mark.parametrize("size", [1, 3, 64])
def test_every_strip_is_in_one_batch_as_it_is(inputs: StripInputs, size: int) -> None:
    prepared, quality = inputs.prepare(shots(40))
    seen: list[int] = []
    for batch in inputs.image_batches(prepared, size):
        assert len(batch.rows) <= size
        assert batch.pixels.dtype == np.float32 and batch.pixels.shape[1] == 1
        axis = 0 if batch.vertical else 1
        assert batch.mask.shape == (len(batch.rows), batch.pixels.shape[2 + axis])
        assert batch.mask.shape[1] % 4 == 0
        for row, pixels, mask in zip(batch.rows.tolist(), batch.pixels[:, 0], batch.mask, strict=True):
            strip = prepared[row]
            assert (strip.shape[0] > strip.shape[1]) == batch.vertical
            length = strip.shape[axis]
            assert mask.tolist() == [place < length for place in range(len(mask))]
            there = np.zeros(pixels.shape, bool)
            there[: strip.shape[0], : strip.shape[1]] = True
            np.testing.assert_allclose(pixels[there].reshape(strip.shape) * 255, strip, atol=1e-4)
            assert (pixels[~there] == 1).all()  # white
            seen.append(row)
    there_are = [row for row, strip in enumerate(prepared) if strip is not None]
    assert sorted(seen) == there_are and len(there_are) == 36
    np.testing.assert_array_equal(np.isnan(quality).any(axis=1), [strip is None for strip in prepared])


@given(st.lists(st.integers(1, 600), max_size=60), st.integers(1, 9))
def test_groups_are_alike(lengths: list[int], size: int) -> None:
    groups = list(alike(lengths, size))
    assert sorted(place for group in groups for place in group) == list(range(len(lengths)))
    for group in groups:
        found = [lengths[place] for place in group]
        assert len(group) <= size and found == sorted(found, reverse=True)
        assert found[-1] >= SLACK * found[0]


def test_direction_is_the_long_side() -> None:
    shapes = [(32, 32), (32, 33), (38, 32), (200, 32)]
    assert [is_vertical(np.zeros(shape, np.uint8), 32) for shape in shapes] == [False, False, True, True]
    with pytest.raises(EncoderError, match=r"\(30, 40\), short=32"):
        is_vertical(np.zeros((30, 40), np.uint8), 32)


def test_padding() -> None:
    pixels, mask = padded([np.zeros((9, 4), np.uint8), np.zeros((3, 4), np.uint8)], True)
    assert pixels.shape == (2, 1, 12, 4)
    assert pixels[:, 0].sum(axis=2).tolist() == [[0] * 9 + [4] * 3, [0] * 3 + [4] * 9]
    assert mask.sum(axis=1).tolist() == [9, 3]


def test_texts(inputs: StripInputs) -> None:
    texts = ["abc", "", "㈱東京", "x" * 100_000, "a" * 10]
    rows: list[int] = []
    for batch in inputs.text_batches(texts, 2):
        for row, ids, mask in zip(batch.rows.tolist(), batch.ids, batch.mask, strict=True):
            rows.append(row)
            clean = normal(texts[row], CONFIG.longest_text)
            expected, _ = character_ids([clean], CONFIG.longest_text, rows=CONFIG.table_rows)
            np.testing.assert_array_equal(ids[mask], expected[0])
    assert sorted(rows) == [0, 1, 2, 3, 4]
    assert normal("㈱東京", 9) == "(株)東京"
    assert len(normal("x" * 100_000, 48)) == 48
    with pytest.raises(EncoderError, match="a float, nan"):
        list(inputs.text_batches([float("nan")], 2))  # type: ignore[list-item] # that it is refused is tested


def test_nothing_at_all(inputs: StripInputs) -> None:
    prepared, quality = inputs.prepare([])
    assert prepared == [] and quality.shape == (0, 2)
    assert list(inputs.image_batches([None, None], 4)) == []
    assert inputs.prepare([None, Shot(None)])[0] == [None, None]
