"""Pictures out of every kind of source, good and bad, against what Pillow gives."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import unicodedata
import warnings
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from clippings import picture_decoding, picture_sources, pictures
from clippings.errors import EncoderError
from clippings.picture_modes import eight_bits
from clippings.picture_sources import Archives, UnusableError, is_missing, place_of
from clippings.pictures import MIN_SIDE, NOTES, PROBLEMS, Picture, count_problems, read_pictures

pytest.importorskip("PIL")
from PIL import Image, ImageFile, ImageOps


def noise(height: int = 24, width: int = 60, channels: int = 0, seed: int = 0) -> np.ndarray:
    """Smooth grey values, so that JPEG keeps them nearly."""
    draw = np.random.default_rng(seed)
    small = draw.integers(0, 256, (6, 10, channels) if channels else (6, 10), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


PNG = encoded(Image.fromarray(noise()))
JPEG = encoded(Image.fromarray(noise(200, 500)), "JPEG")


def one(source: Any, **options: Any) -> Picture:
    """The picture of one source; nothing may be warned of while it is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (picture,) = read_pictures([source], **options)
    assert (picture.pixels is None) == (picture.problem is not None)
    assert picture.problem is None or picture.problem in PROBLEMS
    assert not picture.note or set(picture.note.split(", ")) <= set(NOTES)
    return picture


def pixels(source: Any, **options: Any) -> np.ndarray:
    picture = one(source, **options)
    assert picture.problem is None and picture.pixels is not None and picture.key
    assert picture.pixels.dtype == np.uint8 and not picture.pixels.flags.writeable
    return picture.pixels


def png(width: int, height: int, *, depth: int = 8, colour: int = 0, data: bytes = b"") -> bytes:
    """A PNG of any header, with those rows (each begins with a zero byte)."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# --- sources


def test_one_picture_from_every_kind_of_source(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    with zipfile.ZipFile(tmp_path / "Book.ZIP", "w") as book:
        book.writestr("crop1.png", PNG)
        book.writestr("pages/1/crop2.png", PNG)
    image = Image.open(io.BytesIO(PNG))
    sources: list[Any] = [tmp_path / "a.png", str(tmp_path / "a.png"), PNG, bytearray(PNG), memoryview(PNG)]
    sources += [f"{tmp_path}/Book.ZIP/crop1.png", f"{tmp_path}/Book.ZIP::crop1.png"]
    sources += [
        tmp_path / "Book.ZIP" / "pages" / "1" / "crop2.png",
        f"{tmp_path}/Book.ZIP::pages\\1/crop2.png",
    ]
    sources += [f"{tmp_path}/Book.ZIP/./pages//1/crop2.png", image, noise()]
    found = read_pictures(sources)
    for picture in found:
        np.testing.assert_array_equal(picture.pixels, noise())
    assert len({picture.key for picture in found[:-2]}) == 1  # one file, wherever it lies
    assert image.mode == "L" and image.size == (60, 24)


def test_no_picture_is_missing() -> None:
    nothing = [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, "", "  "]
    found = read_pictures([*nothing, PNG])
    assert [picture.problem for picture in found] == ["missing"] * len(nothing) + [None]
    assert all(picture.key == "" for picture in found[:-1])
    assert not is_missing("nan.png") and not is_missing(0.5) and not is_missing(np.zeros(3))


def test_relative_paths_begin_at_root(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(PNG)
    with zipfile.ZipFile(tmp_path / "in" / "b.zip", "w") as book:
        book.writestr("c.png", PNG)
    found = read_pictures(
        ["a.png", Path("b.zip/c.png"), str(tmp_path / "in" / "a.png")], root=tmp_path / "in"
    )
    assert count_problems(found) == {}
    assert one("a.png", root=tmp_path).problem == "not found"


def test_a_folder_may_be_called_zip_and_an_archive_anything(tmp_path: Path) -> None:
    (tmp_path / "x.zip").mkdir()
    (tmp_path / "x.zip" / "a.png").write_bytes(PNG)
    with zipfile.ZipFile(tmp_path / "scans.dat", "w") as book:
        book.writestr("a.png", PNG)
    (tmp_path / "odd::name.png").write_bytes(PNG)
    for name in ("x.zip/a.png", "scans.dat::a.png", "odd::name.png"):
        np.testing.assert_array_equal(pixels(tmp_path / name), noise())
    assert one(tmp_path / "x.zip" / "b.png").problem == "not found"


def test_a_name_is_found_however_its_accents_are_written(tmp_path: Path) -> None:
    name = "パ.png"
    apart, together = (unicodedata.normalize(form, name) for form in ("NFD", "NFC"))
    assert apart != together
    for archive, written in (("a.zip", apart), ("b.zip", together)):
        with zipfile.ZipFile(tmp_path / archive, "w") as book:
            book.writestr(written, PNG)
        assert one(tmp_path / archive / together).problem is None
        assert one(f"{tmp_path}/{archive}::{apart}").problem is None


def test_a_zip_without_the_mark_of_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "book.zip"

    def unmarked(info: zipfile.ZipInfo) -> tuple[bytes, int]:
        return info.filename.encode("cp932"), info.flag_bits

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipInfo, "_encodeFilenameFlags", unmarked)
        with zipfile.ZipFile(path, "w") as book:
            book.writestr("三井/銀行.png", PNG)
    with zipfile.ZipFile(path) as book:
        assert "三井" not in book.namelist()[0]
    assert one(f"{path}/三井/銀行.png").problem is None


def test_equal_sources_are_read_once_and_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    calls: Counter[bytes] = Counter()
    decode = pictures.decode

    def counted(data: bytes, wanted: Any) -> Picture:
        calls[data] += 1
        return decode(data, wanted)

    monkeypatch.setattr(pictures, "decode", counted)
    array = noise()
    path = str(tmp_path / "a.png")
    found = read_pictures([path, Path(path), JPEG, bytes(bytearray(JPEG)), path, array, array])
    assert calls == {PNG: 1, JPEG: 1}
    assert found[0] is found[1] is found[4] and found[2] is found[3] and found[5] is found[6]


def test_an_archive_is_opened_once_a_thread_and_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"b{number}.zip" for number in range(picture_sources.MAX_OPEN + 3)]
    for name in names:
        with zipfile.ZipFile(tmp_path / name, "w") as book:
            for crop in range(5):
                book.writestr(f"{crop}.png", encoded(Image.fromarray(noise(seed=crop))))
    opened: list[zipfile.ZipFile] = []

    class Counted(zipfile.ZipFile):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            opened.append(self)
            alive = [book for book in opened if book.fp is not None]
            assert len(alive) <= picture_sources.MAX_OPEN + 1

    monkeypatch.setattr(picture_sources.zipfile, "ZipFile", Counted)
    sources = [str(tmp_path / name / f"{crop}.png") for crop in range(5) for name in names]  # mixed
    found = read_pictures(sources, workers=1)
    assert count_problems(found) == {} and len(opened) == len(names)
    assert all(book.fp is None for book in opened)
    np.testing.assert_array_equal(found[-1].pixels, noise(seed=4))
    opened.clear()
    read_pictures(sources[:1] * 3 + sources[len(names) : len(names) + 1], workers=3)
    assert 1 <= len(opened) <= 2 and all(book.fp is None for book in opened)


def test_threads_give_the_same_as_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "book.zip", "w") as book:
        for number in range(150):
            book.writestr(f"{number}.jpg", encoded(Image.fromarray(noise(seed=number)), "JPEG"))
        book.writestr("bad.jpg", JPEG[:-200])
    sources: list[Any] = [str(tmp_path / "book.zip" / f"{number % 170}.jpg") for number in range(300)]
    sources += [None, JPEG[:-200], noise(), tmp_path / "book.zip" / "bad.jpg", tmp_path / "gone.png"]
    steps: list[int] = []
    serial = read_pictures(sources, workers=1, shortest=16)
    parallel = read_pictures(sources, workers=4, shortest=16, progress=steps.append)
    assert sum(steps) == len(sources) and len(steps) > 4
    assert count_problems(serial) == {"missing": 1, "not found": 21, "truncated": 2}
    for a, b in zip(serial, parallel, strict=True):
        assert (a.problem, a.key, a.note) == (b.problem, b.key, b.note)
        np.testing.assert_array_equal(a.pixels, b.pixels)
    direct = Image.open(io.BytesIO(encoded(Image.fromarray(noise(seed=7)), "JPEG")))
    direct = direct.resize((40, 16), Image.Resampling.BICUBIC, reducing_gap=3.0)
    np.testing.assert_array_equal(parallel[7].pixels, np.asarray(direct))


def test_nothing_is_read_of_nothing() -> None:
    assert read_pictures([]) == []


@pytest.mark.parametrize(
    "arguments",
    [{"sources": "a.png"}, {"sources": b"x"}, {"sources": [], "workers": 0}, {"sources": [], "shortest": 0}],
)
def test_a_wrong_call_is_an_error(arguments: dict[str, Any]) -> None:
    with pytest.raises(EncoderError, match="Given: "):
        read_pictures(**arguments)


# --- bad pictures


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


# --- pixels


def test_jpeg_is_what_pillow_gives() -> None:
    colour = encoded(Image.fromarray(noise(50, 90, channels=3)), "JPEG")
    for data in (JPEG, colour):
        image = Image.open(io.BytesIO(data))
        np.testing.assert_array_equal(pixels(data), np.asarray(image.convert("L")))
        np.testing.assert_array_equal(pixels(data, colour=True), np.asarray(image.convert("RGB")))


def test_cmyk_and_other_colour_systems() -> None:
    rgb = Image.fromarray(noise(50, 90, channels=3))
    for mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        image = rgb.convert(mode) if mode != "LAB" else Image.merge("LAB", rgb.split())
        expected = rgb.split()[0] if mode == "LAB" else image.convert("RGB")
        np.testing.assert_array_equal(pixels(image), np.asarray(expected.convert("L")))
        np.testing.assert_array_equal(pixels(image, colour=True), np.asarray(expected.convert("RGB")))
    paper = encoded(Image.new("CMYK", (40, 40), (0, 0, 0, 0)), "JPEG", quality=95)
    assert pixels(paper).min() > 250  # white, not inverted


def test_sixteen_bits_are_scaled_not_cut_off() -> None:
    deep = np.linspace(0, 65_535, 20 * 40).reshape(20, 40).astype(np.uint16)
    expected = np.rint(deep / 257).astype(np.uint8)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    tiff = encoded(Image.fromarray(deep), "TIFF")
    for source in (png(40, 20, depth=16, data=rows), tiff, deep, Image.fromarray(deep)):
        np.testing.assert_array_equal(pixels(source), expected)
    dark = deep // 1_000  # all below 66: nearly black, and not taken for 8 bits
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in dark)
    assert pixels(png(40, 20, depth=16, data=rows)).max() == 0
    assert pixels(png(40, 20, depth=16, data=rows), colour=True).shape == (20, 40, 3)
    high = np.repeat(deep[:, :, None], 3, axis=2)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in high)
    found = pixels(png(40, 20, depth=16, colour=2, data=rows), colour=True)
    np.testing.assert_allclose(found.astype(int), expected[:, :, None].repeat(3, axis=2), atol=1)


def test_transparency_is_put_on_white() -> None:
    draw = np.random.default_rng(0)
    rgba = draw.integers(0, 256, (20, 30, 4), dtype=np.uint8)
    rgba[:10, :, 3] = 0
    over = rgba[..., :3] * (rgba[..., 3:] / 255) + 255 * (1 - rgba[..., 3:] / 255)
    for source in (
        rgba,
        Image.fromarray(rgba),
        encoded(Image.fromarray(rgba)),
        encoded(Image.fromarray(rgba), "TIFF"),
    ):
        found = pixels(source, colour=True)
        np.testing.assert_allclose(found, over, atol=1.01)
        assert found[:10].min() == 255
    grey = rgba[..., [0, 3]]
    over = grey[..., 0] * (grey[..., 1] / 255) + 255 * (1 - grey[..., 1] / 255)
    np.testing.assert_allclose(pixels(grey), over, atol=1.01)
    np.testing.assert_allclose(pixels(encoded(Image.fromarray(grey))), over, atol=1.01)


def test_a_palette_with_transparency_is_put_on_white() -> None:
    image = Image.new("P", (20, 20), 0)
    image.putpalette([0, 0, 0, 200, 0, 0, 0, 90, 0])
    image.paste(1, (0, 0, 10, 20))
    expected = np.asarray(image.convert("RGB")).copy()
    np.testing.assert_array_equal(pixels(encoded(image), colour=True), expected)
    expected[:, 10:] = 255
    for source in (encoded(image, transparency=0), encoded(image, "GIF", transparency=0)):
        np.testing.assert_array_equal(pixels(source, colour=True), expected)
    np.testing.assert_array_equal(
        pixels(encoded(image, transparency=0)), np.asarray(Image.fromarray(expected).convert("L"))
    )
    several = encoded(image, transparency=bytes([0, 128, 255]))
    assert pixels(several, colour=True)[0, 0].tolist() == [227, 127, 127]


def test_a_colour_that_counts_as_transparent() -> None:
    image = Image.new("L", (20, 20), 0)
    image.paste(90, (0, 0, 10, 20))
    found = pixels(encoded(image, transparency=0))
    assert found[0, 0] == 90 and found[0, 15] == 255


def test_one_bit_and_arrays_of_any_kind() -> None:
    ink = noise() > 128
    for source in (
        ink,
        Image.fromarray(ink),
        encoded(Image.fromarray(ink)),
        encoded(Image.fromarray(ink), "TIFF", compression="group4"),
    ):
        np.testing.assert_array_equal(pixels(source), np.where(ink, 255, 0))
    grey = noise()
    for source in (
        grey[:, :, None],
        grey.astype(np.int64),
        grey / 255,
        grey.astype(np.float32),
        grey[::-1][::-1],
    ):
        np.testing.assert_array_equal(pixels(source), grey)
    rgb = noise(channels=3)
    np.testing.assert_array_equal(pixels(rgb.astype(np.float32) / 255, colour=True), rgb)
    np.testing.assert_array_equal(pixels(rgb), np.asarray(Image.fromarray(rgb).convert("L")))
    np.testing.assert_array_equal(pixels(grey, colour=True), grey[:, :, None].repeat(3, axis=2))


@pytest.mark.parametrize(
    "values",
    [np.linspace(-1, 1, 400), np.linspace(0, 4_000.0, 400), np.arange(400) * 1_000, np.full(400, -3.0)],
)
def test_values_of_an_unknown_range_are_stretched(values: np.ndarray) -> None:
    picture = one(values.reshape(20, 20))
    assert picture.note == "stretched" and picture.pixels is not None
    if np.ptp(values):
        assert picture.pixels.min() == 0 and picture.pixels.max() == 255
        assert (np.diff(picture.pixels.ravel().astype(int)) >= 0).all()
    floats = one(encoded(Image.fromarray(values.reshape(20, 20).astype(np.float32)), "TIFF"))
    assert floats.note == "stretched"
    np.testing.assert_array_equal(floats.pixels, picture.pixels)


def test_eight_bits_rounds_to_the_nearest() -> None:
    every = np.arange(65_536, dtype=np.uint16)
    np.testing.assert_array_equal(eight_bits(every)[0], np.rint(every / 257))
    assert eight_bits(np.array([0, 255, 256]))[0].tolist() == [0, 1, 1]
    assert eight_bits(np.array([0, 255]), deep=True)[0].tolist() == [0, 1]
    with pytest.raises(UnusableError, match="damaged"):
        eight_bits(np.array([0.5, np.inf]))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_brought_upright(kind: str, orientation: int) -> None:
    image = Image.fromarray(noise(48, 120))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(image, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("L")
    assert expected.size == ((120, 48) if orientation < 5 else (48, 120))
    np.testing.assert_array_equal(pixels(data), np.asarray(expected))
    np.testing.assert_array_equal(pixels(Image.open(io.BytesIO(data))), np.asarray(expected))
    assert min(pixels(data, shortest=10).shape) == 10


def test_a_damaged_exif_block_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.fromarray(noise()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\xff\xff")
    assert pixels(data).shape == (24, 60)

    def broken(image: Any) -> Any:
        raise SyntaxError("not a TIFF file")

    monkeypatch.setattr(Image.Image, "getexif", broken)
    np.testing.assert_array_equal(pixels(PNG), noise())


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_of_several_frames_is_used(kind: str) -> None:
    frames = [Image.fromarray(noise(seed=seed)) for seed in range(3)]
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = one(encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options))
    assert picture.note == "first frame"
    np.testing.assert_array_equal(picture.pixels, noise())
    assert one(encoded(frames[0], kind)).note is None


def test_pictures_are_reduced_to_what_is_needed() -> None:
    for shape, shortest, expected in (
        ((200, 500), 50, (50, 125)),
        ((500, 200), 50, (125, 50)),
        ((30, 90), 50, (30, 90)),
        ((64, 99), 32, (32, 50)),
    ):
        assert pixels(noise(*shape), shortest=shortest).shape == expected
        assert one(noise(*shape), shortest=shortest).note is None
    colour = noise(400, 1_000, channels=3)
    for source in (
        encoded(Image.fromarray(colour), "JPEG", quality=95),
        encoded(Image.fromarray(colour)),
        colour,
    ):
        for mode in (False, True):
            full = Image.fromarray(colour) if mode else Image.fromarray(colour).convert("L")
            expected = np.asarray(full.resize((125, 50), Image.Resampling.BICUBIC)).astype(int)
            found = pixels(source, shortest=50, colour=mode).astype(int)
            assert np.abs(found - expected).mean() < 2 and found.shape == expected.shape


def test_a_jpeg_is_decoded_no_larger_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tuple[int, int]] = []
    finished = picture_decoding._finished

    def watched(image: Any, *given: Any) -> Picture:
        loaded.append(image.size)
        return finished(image, *given)

    monkeypatch.setattr(picture_decoding, "_finished", watched)
    assert pixels(JPEG, shortest=20).shape == (20, 50)
    assert pixels(JPEG).shape == (200, 500)
    assert loaded == [(125, 50), (500, 200)]


def test_what_is_kept_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_decoding, "KEPT_PIXELS", 1_000)
    picture = one(noise(40, 100))
    assert picture.note == "reduced" and picture.pixels is not None and picture.pixels.shape == (20, 50)
    assert one(noise(40, 100), shortest=15).note is None
    assert one(np.linspace(-5, 5, 4_000).reshape(40, 100)).note == "stretched, reduced"


def test_a_key_names_the_bytes_or_the_values() -> None:
    assert one(PNG).key == one(bytes(bytearray(PNG))).key != one(JPEG).key
    assert one(JPEG[:500]).key and one(b"x").key != one(b"y").key
    same, other = Image.fromarray(noise()), Image.fromarray(noise(seed=1))
    assert one(same).key == one(same.copy()).key != one(other).key
    assert one(noise()).key == one(noise().copy()).key != one(noise().reshape(60, 24)).key
    assert one(noise()).key != one(noise(seed=1)).key
    red, blue = Image.new("P", (20, 20)), Image.new("P", (20, 20))
    red.putpalette([200, 0, 0])
    blue.putpalette([0, 0, 200])
    assert one(red).key != one(blue).key


# --- the process around


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
    code = "import sys, clippings.pictures, clippings.strips\n"
    code += "print([name for name in ('PIL', 'torch', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_archives_close_when_they_are_left(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as book:
        book.writestr("a.png", PNG)
    with Archives() as archives:
        assert archives.read(place_of(tmp_path / "b.zip" / "a.png")) == PNG
        file = archives._open[str(tmp_path / "b.zip")]
    assert file is not None and not archives._open and file._file.fp is None  # type: ignore[union-attr]
