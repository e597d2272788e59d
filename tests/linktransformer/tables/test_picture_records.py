"""Columns of pictures in every form, and columns of which little can be read."""

from __future__ import annotations

import io
import pathlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames
from linktransformer.tables.picture_records import Units, check_root, read_units
from linktransformer.tables.serialize import Serializer

pytest.importorskip("PIL")
from PIL import Image

PIXELS = (np.arange(20 * 60).reshape(20, 60) % 251).astype(np.uint8)


def png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "PNG")
    return stream.getvalue()


def cells(*values: Any) -> pd.DataFrame:
    column = np.empty(len(values), dtype=object)
    column[:] = [None] * len(values)
    for row, value in enumerate(values):
        column[row] = value
    return pd.DataFrame({"crop": column})


def units(table: Any, root: Any = None, **options: Any) -> Units:
    return read_units(frames.wrap(table, "left"), [], "crop", Serializer(), None, root, **options)


def same_pixels(picture: Any) -> bool:
    return picture.pixels is not None and bool((picture.pixels == PIXELS).all())


@pytest.mark.parametrize("library", ["pandas", "arrow in pandas", "pyarrow", "polars"])
def test_structs_of_bytes_and_path_are_read(library: str, tmp_path: Path) -> None:
    """Data sets of Hugging Face hold pictures in this form; they were "not an image"."""
    (tmp_path / "a.png").write_bytes(png())
    rows = [
        {"bytes": png(), "path": "other.png"},
        {"bytes": None, "path": "a.png"},
        {"bytes": None, "path": None},
        None,
    ]
    table: Any = pd.DataFrame({"crop": rows})
    if library != "pandas":
        pa = pytest.importorskip("pyarrow")
        table = pa.table({"crop": rows})
    if library == "arrow in pandas":
        table = table.to_pandas(types_mapper=pd.ArrowDtype)
    if library == "polars":
        table = pytest.importorskip("polars").from_arrow(table)
    read = units(table, tmp_path)
    assert [same_pixels(picture) for picture in read.picture_of_row] == [True, True, False, False]
    assert read.problems == {"missing": 2} and read.warning == ""


@pytest.mark.parametrize(
    "value",
    [
        PIXELS,
        np.stack([PIXELS] * 3, 2),
        np.stack([*[PIXELS] * 3, np.full_like(PIXELS, 255)], 2),
        PIXELS[None],
        PIXELS[:, :, None],
        np.stack([PIXELS] * 3),
        PIXELS / 255.0,
        (PIXELS / 255).astype(np.float32),
        PIXELS.tolist(),
        PIXELS[None].tolist(),
        Image.fromarray(PIXELS),
        io.BytesIO(png()),
        png(),
        bytearray(png()),
        pathlib.Path("a.png"),
        "a.png",
    ],
    ids=lambda value: f"{type(value).__name__}{getattr(value, 'shape', '')}{getattr(value, 'dtype', '')}",
)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_every_form_of_a_picture_is_read(value: Any, library: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    table: Any = cells(value, None)
    if library == "polars":
        pl = pytest.importorskip("polars")
        kind = {} if isinstance(value, (list, str)) else {"dtype": pl.Object}
        table = pl.DataFrame({"crop": pl.Series([value, None], **kind)})
    read = units(table, tmp_path)
    if isinstance(value, list) or not str(getattr(value, "dtype", "")).startswith("float"):
        assert same_pixels(read.picture_of_row[0])
    assert read.picture_of_row[0].pixels is not None and read.problems == {"missing": 1}


def test_nested_lists_from_parquet_are_arrays(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    for array in (PIXELS, PIXELS[None], np.stack([PIXELS] * 3, 2), PIXELS / 255.0):
        table = pa.table({"crop": [array.tolist(), None]})
        for one in (table, table.to_pandas()):
            assert same_pixels(units(one).picture_of_row[0])
    uneven = units(cells([[1, 2], [3]], PIXELS))
    assert uneven.problems == {"not an image": 1}


def test_a_list_of_pictures_stays_a_list() -> None:
    read = units(
        cells([PIXELS, PIXELS.T.copy(), {"bytes": png(), "path": None}], [], np.array([], dtype=object))
    )
    assert len(read.pictures[0]) == 3 and read.problems == {"missing": 2}


def test_a_column_without_a_picture_that_can_be_read_is_refused(tmp_path: Path) -> None:
    """Six of six were not found, and the rows were linked by text without a word."""
    table = pd.DataFrame({"crop": ["0.png", "1.png", None]})
    said = r"2 of 2 pictures in column 'crop' of the left table .*first is '0.png': not found .*image_root="
    with pytest.raises(InvalidArgumentError, match=said):
        units(table)
    with pytest.raises(InvalidArgumentError, match=r"1 of 1 .*first is 'q.png': not an image"):
        units(cells({"bytes": b"<svg/>", "path": "q.png"}))
    with pytest.raises(InvalidArgumentError, match="of the type bytes: not an image"):
        units(cells(b"<svg/>"))
    assert "2 of 2" in units(table, strict=False).warning
    for name in ("0.png", "1.png"):
        (tmp_path / name).write_bytes(png())
    assert units(table, tmp_path).warning == ""
    assert units(pd.DataFrame({"crop": [None, ""]})).problems == {"missing": 2}


def test_more_than_half_is_a_warning_and_half_is_none() -> None:
    assert units(cells(png(), "1.png", None)).warning == ""
    read = units(cells(png(), "1.png", b"<svg/>", None))
    assert read.warning.startswith(
        "2 of 3 pictures in column 'crop' of the left table cannot be read. The first"
    )
    assert read.problems == {"missing": 1, "not found": 1, "not an image": 1}


@pytest.mark.parametrize("root", ["nowhere", 7])
def test_a_root_that_is_no_folder_is_refused(root: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"image_root={root!r} is not a folder"):
        check_root(root)
