"""Names are printed whole, upright, in lines and columns, and never with a font that lacks a character."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="pillow is not installed: printing is not tested")

from clippings.errors import EncoderError
from clippings.synthetic.render import (
    Font,
    as_font,
    column_by_glyph,
    column_by_raqm,
    covers,
    draw_font,
    render,
)

FONT = Font(size=40)
JAPANESE = Path("/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf")
WITHOUT_TURNS = Path("/usr/share/fonts/truetype/hanazono/HanaMinA.ttf")
needs_japanese = pytest.mark.skipif(not JAPANESE.exists(), reason="fonts-ipafont-gothic is not installed")


def ink(crop: np.ndarray) -> tuple[int, int]:
    """Height and width of the part that is not paper."""
    rows, columns = np.flatnonzero((crop < 255).any(axis=1)), np.flatnonzero((crop < 255).any(axis=0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def test_a_line_is_as_long_as_its_text_and_has_the_margins_asked_for() -> None:
    crop = render("Hill", FONT, margin=(3, 5, 7, 11))
    assert crop.dtype == np.uint8 and crop.min() == 0 and crop.max() == 255
    assert ink(crop) == (crop.shape[0] - 16, crop.shape[1] - 10)
    assert (crop[:, :3] == 255).all() and (crop[:5] == 255).all()
    assert (crop[:, -7:] == 255).all() and (crop[-11:] == 255).all()
    double = render("HillHill", FONT, margin=0).shape[1]
    assert abs(double - 2 * ink(crop)[1]) <= 6


def test_size_and_weight_change_the_print() -> None:
    small, large = (ink(render("Hill", Font(size=size), margin=0)) for size in (20, 40))
    assert abs(large[0] - 2 * small[0]) <= 2
    thin, bold = (render("Hill", Font(size=40, weight=w), margin=0) for w in (0, 2))
    assert (255 - bold.astype(int)).sum() > 1.3 * (255 - thin.astype(int)).sum()


def test_a_column_is_the_line_character_by_character_from_the_top() -> None:
    crop = render("LIL", FONT, vertical=True, margin=0)
    third = FONT.size
    letters = [column_by_glyph(char, FONT) for char in "LIL"]
    stacked = np.concatenate(letters)
    assert ink(crop) == ink(255 - stacked)
    assert (letters[0] == letters[2]).all() and letters[0].shape[0] == third


@pytest.mark.parametrize("mark", ["-", "(", "…"])
def test_marks_are_turned_in_columns(mark: str) -> None:
    line, column = (ink(render(mark, FONT, vertical=v, margin=0)) for v in (False, True))
    assert (line[0] > line[1]) != (column[0] > column[1])


def test_letters_are_not_turned_in_columns() -> None:
    line, column = (render("l", FONT, vertical=v, margin=0) for v in (False, True))
    assert line.shape == column.shape and (line == column).all()


@needs_japanese
def test_raqm_and_the_plain_way_set_the_same_column() -> None:
    features = pytest.importorskip("PIL.features")
    if not features.check("raqm"):
        pytest.skip("Pillow has no raqm here: columns are set glyph by glyph only")
    font = Font(str(JAPANESE), size=40)
    fast, plain = (way("山田シャープ電機", font) for way in (column_by_raqm, column_by_glyph))
    assert abs(fast.shape[0] - plain.shape[0]) <= 2
    fast, plain = (one[np.ix_(one.any(axis=1), one.any(axis=0))] > 128 for one in (fast, plain))
    assert abs(fast.shape[0] - plain.shape[0]) <= 6 and abs(fast.shape[1] - plain.shape[1]) <= 8
    # the ink of each tenth of the column is nearly the same
    tenths = [[part.mean() for part in np.array_split(one.any(axis=1), 10)] for one in (fast, plain)]
    assert np.abs(np.subtract(*tenths)).max() < 0.25


@needs_japanese
def test_a_font_without_turned_glyphs_gets_them_turned() -> None:
    fonts = [Font(str(path)) for path in (JAPANESE, WITHOUT_TURNS) if path.exists()]
    for font in fonts:
        high, wide = ink(render("ー", font, vertical=True, margin=0))
        assert high > 3 * wide, font


@needs_japanese
def test_japanese_is_covered_by_a_japanese_font_only() -> None:
    fonts = [Font(), Font(str(JAPANESE))]
    assert [covers(font, "山田 商店") for font in fonts] == [False, True]
    assert all(covers(font, "Hill") for font in fonts)


def test_what_a_font_lacks_is_not_printed_with_it() -> None:
    assert covers(FONT, "Hill & Co., Ltd.") and not covers(FONT, "Hill 山")
    assert not covers(FONT, "\U000e0001")
    assert draw_font([FONT], "山", np.random.default_rng(0)) is None


def test_every_font_that_covers_a_name_is_drawn() -> None:
    fonts = [Font(size=size) for size in (20, 30, 40)]
    draw = np.random.default_rng(0)
    sizes = [draw_font(fonts, "Hill", draw).size for _ in range(300)]  # type: ignore[union-attr]
    assert [sizes.count(size) // 60 for size in (20, 30, 40)] == [1, 1, 1]


def test_fonts_are_named_by_path_and_index() -> None:
    assert as_font("a.ttc#3") == Font("a.ttc", 3)
    assert as_font(Path("a#b.ttf")) == Font("a#b.ttf")
    assert Font().family == "Aileron" and Font(name="Mine").family == "Mine"


@pytest.mark.parametrize("text", ["", "   ", "m" * 1000])
def test_a_text_that_cannot_be_printed_is_refused(text: str) -> None:
    with pytest.raises(EncoderError, match=r"A text .*\. Given: .*\. Give one line"):
        render(text, FONT)


def test_a_font_that_is_no_font_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.ttf").write_text("no font")
    for path in (tmp_path / "no.ttf", tmp_path / "missing.ttf"):
        with pytest.raises(EncoderError, match="cannot be opened"):
            render("Hill", path)
