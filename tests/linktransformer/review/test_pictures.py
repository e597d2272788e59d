"""Pictures by the number of the row: of paths, bytes and lists, and none from anywhere else."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import linktransformer as lt
from clippings.pictures.read import read_pictures
from linktransformer.errors import ColumnNotFoundError, InvalidArgumentError
from linktransformer.review.pairs import Pairs, pairs_of
from linktransformer.review.pictures import columns_of, has_picture, png
from tests.crops import PNG, encoded

COLUMNS = (("crop", "scan"),)


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    path = tmp_path / "left.png"
    path.write_bytes(encoded(Image.new("RGB", (40, 20), "red")))
    left = pd.DataFrame({"name": ["a", "b", "c"], "crop": [str(path), None, "gone.png"]})
    right = pd.DataFrame({"name": ["a", "b", "c"], "scan": [PNG, [str(path), PNG], b"no picture"]})
    return pairs_of(lt.link(left, right, on="name", model="lexical"))


def shape(content: bytes | None) -> tuple[int, int] | None:
    return None if content is None else Image.open(io.BytesIO(content)).size


def test_pictures_are_sent_as_png(pairs: Pairs) -> None:
    assert shape(png(pairs, COLUMNS, 0, 0, 0)) == (40, 20)
    assert Image.open(io.BytesIO(png(pairs, COLUMNS, 0, 0, 0))).getpixel((0, 0)) == (255, 0, 0)
    assert shape(png(pairs, COLUMNS, 1, 0, 0)) == (60, 24)
    assert shape(png(pairs, COLUMNS, 1, 1, 0)) == (40, 20)  # the first of a list


def test_what_is_no_picture_is_not_sent(pairs: Pairs) -> None:
    assert not has_picture(pairs, COLUMNS, 0, 1, 0)
    for side, row, place in ((0, 1, 0), (0, 2, 0), (1, 2, 0), (0, 3, 0), (2, 0, 0), (0, 0, 1), (0, -1, 0)):
        assert png(pairs, COLUMNS, side, row, place) is None
    assert png(pairs, (), 0, 0, 0) is None


def test_a_file_that_is_gone_is_shown_as_it_was_read(pairs: Pairs) -> None:
    from dataclasses import replace

    read = read_pictures([np.zeros((8, 16), np.uint8)] * 3)
    assert shape(png(replace(pairs, pictures=(read, read)), COLUMNS, 0, 2, 0)) == (16, 8)


def test_columns_are_those_that_were_linked_by_and_the_callers(pairs: Pairs) -> None:
    assert columns_of(pairs, None, None) == ()
    assert columns_of(pairs, ["crop", "scan"], ("crop", "scan")) == COLUMNS
    assert columns_of(pairs, None, [("crop", "scan"), "name"]) == (("crop", "scan"), ("name", "name"))
    with pytest.raises(ColumnNotFoundError, match="scan"):
        columns_of(pairs, None, "scan")
    with pytest.raises(InvalidArgumentError, match="pictures"):
        columns_of(pairs, None, 3)
