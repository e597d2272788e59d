"""Bad pictures say why, none is an error, and the process around is left as it was."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import warnings
import zipfile
from collections import Counter
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from clippings.errors import EncoderError, MissingPackageError
from clippings.pictures import decoding as picture_decoding
from clippings.pictures import sources as picture_sources
from clippings.pictures.decoding import MIN_SIDE
from clippings.pictures.read import count_problems, read_pictures
from clippings.pictures.sources import Archives, place_of
from tests.crops import JPEG, PNG, encoded, noise, one, png


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    cases: dict[Any, str] = {
        tmp_path / "gone.png": "not found",
        tmp_path / "empty.png" / "under.png": "not found",
        "a\0b.png": "not found",
        "x" * 5_000: "not found",
        "https://example.org/a.png": "not found",
        tmp_path: "not a file",
        tmp_path / "pipe.png": "not a file",
        tmp_path / "empty.png": "empty",
        b"": "empty",
    }
    for source, problem in cases.items():
        assert one(source).problem == problem, source
        assert one(source).key == ""


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(PNG)

    def refuse(*given: Any) -> Any:
        raise PermissionError(13, "no")

    monkeypatch.setattr(picture_sources, "open", refuse, raising=False)
    assert one(tmp_path / "a.png").problem == "not readable"


def test_archives_that_cannot_be_read(tmp_path: Path) -> None:
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as book:
        book.writestr("a.png", PNG)
        book.writestr("folder/b.png", PNG)
        book.writestr("c.svg", "<svg/>")
        book.writestr("empty/", b"")
    data = whole.read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[:-30])
    (tmp_path / "text.zip").write_text("no archive")
    changed = bytearray(data)
    changed[data.index(PNG) + 50] ^= 0xFF  # the checksum of the member no longer fits
    (tmp_path / "changed.zip").write_bytes(changed)
    locked = bytearray(data)
    locked[data.index(b"PK\x01\x02") + 8] |= 1  # the mark of a password
    (tmp_path / "locked.zip").write_bytes(locked)
    packed = bytearray(data)
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", packed, data.index(mark) + place, 97)
    (tmp_path / "packed.zip").write_bytes(packed)
    cases = {
        "whole.zip/gone.png": "not found",
        "whole.zip/empty/": "not a file",
        "whole.zip/c.svg": "not an image",
        "whole.zip": "not an image",
        "gone.zip/a.png": "not found",
        "cut.zip/a.png": "bad archive",
        "text.zip::a.png": "bad archive",
        "changed.zip/a.png": "damaged",
        "locked.zip/a.png": "encrypted",
        "packed.zip/a.png": "bad archive",
    }
    found = {name: one(f"{tmp_path}/{name}").problem for name in cases}
    assert found == cases
    assert one(tmp_path / "locked.zip" / "folder" / "b.png").problem is None


@pytest.mark.parametrize("keep", [3, 10, 300, 2_000, len(JPEG) - 100])
def test_a_cut_jpeg_is_truncated(keep: int) -> None:
    picture = one(JPEG[:keep])
    assert picture.problem == "truncated" and picture.key
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000"])
def test_any_cut_picture_has_a_problem(kind: str) -> None:
    data = encoded(Image.fromarray(noise(80, 90)), kind)
    for keep in (len(data) // 3, len(data) - 60):
        assert one(data[:keep]).problem in ("truncated", "damaged", "not an image")
    if kind in ("PNG", "BMP", "WEBP"):
        assert one(data[: len(data) // 2]).problem == "truncated"


def test_damaged_pictures_never_raise() -> None:
    draw = np.random.default_rng(0)
    problems = Counter()
    for data in (PNG, JPEG, encoded(Image.fromarray(noise(channels=3)), "TIFF", compression="tiff_lzw")):
        for _ in range(40):
            broken = bytearray(data)
            for place in draw.integers(0, len(data), 6):
                broken[place] = int(draw.integers(0, 256))
            problems[one(bytes(broken)).problem] += 1
    assert set(problems) <= {None, "truncated", "damaged", "not an image", "too large", "too small"}
    assert problems["damaged"] + problems["truncated"] > 10


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' width='50' height='50'></svg>",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
        b"<!DOCTYPE html><html><body>404</body></html>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\nshowpage\n%%EOF\n",
        b"plain text",
        bytes(range(256)) * 4,
    ],
)
def test_files_that_are_no_pictures(data: bytes) -> None:
    assert one(data).problem == "not an image"


@pytest.mark.parametrize("source", [7, 2.5, [1, 2], {"a": 1}, object(), np.zeros(30), np.zeros((20, 20, 5))])
def test_objects_that_are_no_pictures(source: Any) -> None:
    assert one(source).problem == "not an image"


def test_structs_streams_and_channels_first() -> None:
    values = (np.arange(20 * 60).reshape(20, 60) % 251).astype(np.uint8)
    wanted = one(values).pixels
    for source in (values[None], np.stack([values] * 3), values[None] / 255.0):
        np.testing.assert_array_equal(one(source).pixels, wanted)
    stream = BytesIO(PNG)
    stream.seek(5)
    for source in (stream, {"bytes": PNG}, {"bytes": PNG, "path": "nowhere.png"}):
        np.testing.assert_array_equal(one(source).pixels, one(PNG).pixels)
    assert one({"bytes": None, "path": "nowhere.png"}).problem == "not found"
    assert one({"bytes": None, "path": None}).problem == one({"path": ""}).problem == "missing"
    assert one({}).problem == one({"bytes": PNG, "more": 1}).problem == "not an image"
    for alone in (stream, {"bytes": PNG, "path": None}):
        with pytest.raises(EncoderError, match="takes a list of pictures"):
            read_pictures(alone)  # type: ignore[arg-type]


def test_arrays_that_are_no_pictures() -> None:
    assert one(np.full((20, 20), "x")).problem == "not an image"
    assert one(np.full((20, 20), 1j)).problem == "not an image"
    assert one(np.full((20, 20), np.inf)).problem == "damaged"
    assert one(np.zeros((0, 20))).problem == "too small"
    closed = Image.open(io.BytesIO(PNG))
    closed.close()
    assert one(closed).problem == "damaged"


def test_small_pictures() -> None:
    assert one(encoded(Image.new("L", (1, 1)))).problem == "too small"
    assert one(Image.new("L", (500, MIN_SIDE - 1))).problem == "too small"
    assert one(np.zeros((500, MIN_SIDE - 1))).problem == "too small"
    assert one(np.zeros((MIN_SIDE, MIN_SIDE))).problem is None


def test_a_bomb_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    for side in (9_000, 12_000, 60_000):  # above ours; above Pillow's warning; above its error
        assert one(png(side, side)).problem == "too large"
    assert limit == Image.MAX_IMAGE_PIXELS
    monkeypatch.setattr(Image.Image, "load", lambda *given: pytest.fail("it was decoded"))
    assert one(PNG, max_pixels=24 * 60 - 1).problem == "too large"
    assert one(np.zeros((24, 60)), max_pixels=24 * 60 - 1).problem == "too large"
    assert one(Image.new("L", (60, 24)), max_pixels=24 * 60 - 1).problem == "too large"


def test_nothing_is_said_about_a_bomb() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = read_pictures([png(9_500, 9_500), png(60_000, 60_000)], max_pixels=2**40)
    assert count_problems(found) == {"too large": 2} and not said


def test_too_many_bytes_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("a.png", bytes(100_000))
    (tmp_path / "a.png").write_bytes(bytes(100_000))
    monkeypatch.setattr(picture_sources, "MAX_BYTES", 99_999)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *given: pytest.fail("it was unpacked"))
    assert one(tmp_path / "a.png").problem == "too large"
    assert one(tmp_path / "bomb.zip" / "a.png").problem == "too large"


def test_problems_are_counted_in_a_fixed_order() -> None:
    found = read_pictures([b"x", None, PNG, b"", b"y", JPEG[:500]])
    assert list(count_problems([*found, None]).items()) == [
        ("missing", 2), ("empty", 1), ("not an image", 2), ("truncated", 1)
    ]  # fmt: skip
    assert count_problems(read_pictures([PNG])) == {}


def test_filters_of_warnings_are_left_as_they_were() -> None:
    before = list(warnings.filters)
    inside, leave = threading.Event(), threading.Event()

    def longer() -> None:
        with picture_decoding.quiet_pillow():
            inside.set()
            leave.wait(10)

    with picture_decoding.quiet_pillow():
        thread = threading.Thread(target=longer)
        thread.start()
        inside.wait(10)
    assert warnings.filters != before  # the other one still needs them
    leave.set()
    thread.join()
    assert warnings.filters == before


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, clippings.pictures.read, clippings.pictures.strips\n"
    code += "print([name for name in ('PIL', 'torch', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_archives_close_when_they_are_left(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as book:
        book.writestr("a.png", PNG)
    with closing(Archives()) as archives:
        assert archives.read(place_of(tmp_path / "b.zip" / "a.png")) == PNG
        file = archives._open[str(tmp_path / "b.zip")]
    assert file is not None and not archives._open and file._file.fp is None  # type: ignore[union-attr]


def test_without_pillow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingPackageError, match=r'pip install "linktransformer\[images\]"'):
        read_pictures([PNG])
