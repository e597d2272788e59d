"""Pictures of every kind and depth, against what Pillow gives."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from clippings.pictures import decoding as picture_decoding
from clippings.pictures.pixel_formats import eight_bits
from clippings.pictures.read import Picture
from clippings.pictures.sources import UnusableError
from tests.crops import JPEG, PNG, encoded, noise, one, pixels, png


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


# the picture upright, from the one that was stored, by the tag of EXIF
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.T,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].T,
    8: lambda stored: np.rot90(stored),
    9: lambda stored: stored,
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_pictures_are_brought_upright(kind: str, orientation: int) -> None:
    image = Image.fromarray(noise(48, 120))
    options = {"lossless": True} if kind == "WEBP" else {}
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(image, kind, exif=exif, **options)
    expected = UPRIGHT[orientation](pixels(encoded(image, kind, **options)))
    np.testing.assert_array_equal(pixels(data), expected)
    np.testing.assert_array_equal(pixels(Image.open(io.BytesIO(data))), expected)
    assert min(pixels(data, shortest=10).shape) == 10
    if kind != "TIFF":  # which older Pillows turn while they load it
        pillow = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("L")
        np.testing.assert_array_equal(expected, np.asarray(pillow))


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
