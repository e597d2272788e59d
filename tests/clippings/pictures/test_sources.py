"""Files, archives and objects that pictures are read from, and what is wrong with some."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from clippings.errors import EncoderError
from clippings.pictures import read as pictures
from clippings.pictures import sources as picture_sources
from clippings.pictures.read import Picture, count_problems, read_pictures
from clippings.pictures.sources import is_missing
from tests.crops import JPEG, PNG, encoded, noise, one, pixels


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
    [
        {"sources": "a.png"},
        {"sources": b"x"},
        {"sources": np.zeros((20, 20))},
        {"sources": Image.new("L", (20, 20))},
        {"sources": [], "workers": 0},
        {"sources": [], "shortest": 0},
    ],
)
def test_a_wrong_call_is_an_error(arguments: dict[str, Any]) -> None:
    with pytest.raises(EncoderError, match="Given: "):
        read_pictures(**arguments)
