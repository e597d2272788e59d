"""Strips and squares against what they should be, worked out plainly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from clippings.errors import EncoderError
from clippings.pictures.read import Picture, read_pictures
from clippings.pictures.strips import (
    INK,
    LEAST_RANGE,
    PAPER,
    Strip,
    _levels,
    quality_of,
    square,
    strip,
    strips,
)


def crop(height: int = 60, width: int = 300, *, paper: int = 220, ink: int = 60) -> np.ndarray:
    """Bars of ink that do not touch the border, a quarter of the crop at most."""
    page = np.full((height, width), paper, np.uint8)
    edge = max(1, min(height, width) // 6)
    inner = page[edge:-edge, edge:-edge]
    if height > width:
        inner[::8] = inner[1::8] = ink
    else:
        inner[:, ::8] = inner[:, 1::8] = ink
    return page


@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([1, 8, 32, 48]), st.sampled_from([64, 512]))
def test_one_side_is_exact_and_the_aspect_is_kept(height: int, width: int, short: int, longest: int) -> None:
    pixels = (np.indices((height, width)).sum(axis=0) * 37 % 251).astype(np.uint8)
    found = strip(pixels, short, longest)
    h, w = found.pixels.shape
    assert min(h, w) == short and found.pixels.dtype == np.uint8
    ideal = max(height, width) * short / min(height, width)
    assert abs(max(h, w) - min(ideal, longest)) <= 0.5 + 1e-9
    assert (h > w) == (height > width) or h == w
    assert found.vertical == (height > 1.2 * width)
    assert found.quality.dtype == np.float32 and found.quality.shape == (2,)
    assert np.isfinite(found.quality).all() and (found.quality >= 0).all() and (found.quality <= 1).all()


def test_pixels_are_those_of_pillow_stretched() -> None:
    page = crop(64, 320)
    small = np.asarray(Image.fromarray(page).resize((160, 32), Image.Resampling.BICUBIC, reducing_gap=3.0))
    dark, light = np.sort(small.ravel())[[int(INK * small.size) - 1, int(PAPER * small.size) - 1]]
    expected = ((small.astype(float) - dark) * 255 / (float(light) - dark)).clip(0, 255)
    np.testing.assert_allclose(strip(page).pixels, expected, atol=0.51)


def test_vertical_writing_is_not_turned() -> None:
    flat, tall = strip(crop(60, 300)), strip(crop(300, 60))
    assert not flat.vertical and tall.vertical and tall.pixels.shape == (160, 32)
    np.testing.assert_allclose(tall.pixels.T.astype(int), flat.pixels, atol=3)
    assert not strip(crop(60, 52)).vertical and strip(crop(61, 50)).vertical


@pytest.mark.parametrize(("paper", "ink"), [(220, 60), (60, 220), (255, 0), (0, 255), (140, 100), (30, 70)])
def test_print_is_dark_on_white_whatever_it_was(paper: int, ink: int) -> None:
    found = strip(crop(paper=paper, ink=ink))
    assert found.pixels[0].min() >= 245 and np.quantile(found.pixels, INK / 2) == 0
    np.testing.assert_allclose(found.pixels.astype(int), strip(crop(paper=255, ink=0)).pixels, atol=12)
    assert found.quality[0] == pytest.approx(abs(paper - ink) / 255, rel=0.15)


def test_much_ink_does_not_invert() -> None:
    bold = np.full((40, 200), 230, np.uint8)
    bold[4:-4, 4:-4] = 30  # more ink than paper, yet paper around it
    assert strip(bold).pixels[0, 0] > strip(bold).pixels[16, 80]


@pytest.mark.parametrize("level", [0, 90, 255])
def test_an_empty_page_is_white(level: int) -> None:
    found = strip(np.full((50, 90), level, np.uint8))
    assert (found.pixels == 255).all() and found.quality.tolist() == [0, 0]
    noisy = level + np.random.default_rng(0).integers(0, LEAST_RANGE // 2, (50, 90))
    assert strip(noisy.clip(0, 255).astype(np.uint8)).pixels.min() > 100
    stain = np.full((50, 90), 100, np.uint8)
    stain[10:-10, 10:-10] = 100 + LEAST_RANGE // 2  # too faint to be print on a dark ground
    assert strip(stain).pixels[0, 0] < strip(stain).pixels[16, 30] == 255


@given(st.lists(st.integers(0, 255), min_size=1, max_size=60))
def test_levels_are_order_statistics(values: list[int]) -> None:
    pixels = np.array(values, np.uint8)
    ordered = np.sort(pixels)
    place = [max(0, int(np.ceil(share * len(values))) - 1) for share in (INK, PAPER)]
    assert _levels(pixels, INK, PAPER) == tuple(ordered[place].tolist())
    assert _levels(pixels, 0.5) == (ordered[(len(values) - 1) // 2],)


def test_quality_falls_with_blur_and_with_contrast() -> None:
    page = crop()
    sharp, faint = strip(page), strip(crop(paper=180, ink=140))
    blurred = strip(np.asarray(Image.fromarray(page).filter(ImageFilter.GaussianBlur(2))))
    assert sharp.quality[0] > 2 * faint.quality[0] and sharp.quality[1] > 1.5 * blurred.quality[1]
    assert sharp.quality[1] == pytest.approx(faint.quality[1], rel=0.05)  # sharpness knows no contrast


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9))
def test_sharpness_is_the_laplacian_by_hand(seed: int, height: int, width: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    value = pixels.astype(float)
    laplacian = np.zeros_like(value)
    for y in range(height):
        for x in range(width):
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    laplacian[y, x] += value[y + dy, x + dx] - value[y, x]
    expected = laplacian.std() / (8 * value.std()) if value.std() else 0.0
    contrast, sharpness = quality_of(pixels, 51, 204)
    assert sharpness == pytest.approx(expected, abs=1e-5) and sharpness <= 1
    assert contrast == pytest.approx(0.6)


def test_colour_is_made_grey() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 90, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        strip(rgb).pixels, strip(np.asarray(Image.fromarray(rgb).convert("L"))).pixels
    )


def test_strips_of_pictures() -> None:
    pictures = read_pictures([crop(), None, b"no picture", crop(300, 60)])
    found = strips([*pictures, None, pictures[0]])
    assert [item is None for item in found] == [False, True, True, False, True, False]
    assert found[0] is found[5] and isinstance(found[0], Strip)
    np.testing.assert_array_equal(found[0].pixels, strip(crop()).pixels)
    assert strips([]) == [] and strips([Picture(None, "missing")]) == [None]
    small = strips(pictures[:1], short=16, longest=40)[0]
    assert small is not None and small.pixels.shape == (16, 40)


def test_a_square_is_padded_with_white() -> None:
    page = crop(60, 240, paper=100, ink=0)
    found = square(page, side=120)
    assert found.shape == (120, 120) and found.dtype == np.uint8
    assert (found[:45] == 255).all() and (found[75:] == 255).all()
    small = np.asarray(Image.fromarray(page).resize((120, 30), Image.Resampling.BICUBIC, reducing_gap=3.0))
    np.testing.assert_array_equal(found[45:75], small)
    padded = np.full((240, 240), 255, np.uint8)
    padded[90:150] = page
    first_padded = np.asarray(Image.fromarray(padded).resize((120, 120), Image.Resampling.BICUBIC))
    difference = np.abs(found.astype(int) - first_padded)
    assert (
        difference[47:73].max() <= 1 and difference.mean() < 1
    )  # they differ only where paper meets padding
    turned = square(page.T.copy(), side=120).T.astype(int)
    np.testing.assert_allclose(turned, found, atol=1)  # older Pillows round differently along the two axes
    rgb = np.repeat(page[:, :, None], 3, axis=2)
    np.testing.assert_array_equal(square(rgb, side=120), np.repeat(found[:, :, None], 3, axis=2))
    assert square(page).shape == (224, 224)
    assert square(np.zeros((2, 3_000), np.uint8), side=50).min() < 255  # a line thinner than a pixel stays


@pytest.mark.parametrize(
    "pixels", [np.zeros((20, 20)), np.zeros((0, 20), np.uint8), np.zeros((20, 20, 4), np.uint8), [[1]], None]
)
def test_what_is_no_picture_is_an_error(pixels: object) -> None:
    for make in (strip, square):
        with pytest.raises(EncoderError, match="Given: "):
            make(pixels)  # type: ignore[arg-type]


def test_wrong_lengths_are_an_error() -> None:
    with pytest.raises(EncoderError, match="short=32, longest=16"):
        strip(crop(), longest=16)
    with pytest.raises(EncoderError, match="Given: 0"):
        square(crop(), side=0)
