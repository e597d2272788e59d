"""Photographs become squares of one size with the full range of levels."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PIL", reason="pillow is not installed: pictures are not prepared")

from clippings import EncoderError, read_pictures
from clippings.pictures.photographs import photograph, photographs
from tests.scenes import scene


def test_levels_are_stretched_alike_in_all_colours() -> None:
    picture = np.repeat(scene(3, (64, 64))[:, :, :1], 3, axis=2)
    pale = (picture // 4 + 100).astype(np.uint8)
    shown, paler = photograph(picture, 64).pixels, photograph(pale, 64).pixels
    assert shown.shape == (64, 64, 3) and shown.dtype == np.uint8
    assert np.abs(shown.astype(int) - paler).mean() < 4  # a pale print is the print
    assert shown.min() == 0 and shown.max() == 255 and (shown == shown[:, :, :1]).all()
    colours = photograph(scene(3, (64, 64)), 64).pixels.reshape(-1, 3)
    rows = np.unique(scene(3, (64, 64)).reshape(-1, 3), axis=0, return_index=True)[1]
    plain = scene(3, (64, 64)).reshape(-1, 3)[rows].astype(int)
    by_level = dict(zip(plain.ravel().tolist(), colours[rows].ravel().tolist(), strict=True))
    assert all((colours[rows][:, c] == [by_level[v] for v in plain[:, c].tolist()]).all() for c in range(3))


def test_in_any_number_of_threads_and_with_gaps() -> None:
    pictures = [*read_pictures([scene(number) for number in range(20)], colour=True, stored=True), None]
    one, three = (photographs(pictures, 48, workers) for workers in (1, 3))
    assert one[-1] is None and three[-1] is None
    for a, b in zip(one[:-1], three[:-1], strict=True):
        assert a is not None and b is not None
        assert (a.pixels == b.pixels).all() and (a.quality == b.quality).all()


def test_errors() -> None:
    with pytest.raises(EncoderError, match="A picture is uint8"):
        photograph(np.zeros((9, 9), np.float32))  # type: ignore[arg-type]
