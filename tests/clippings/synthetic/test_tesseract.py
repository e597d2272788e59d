"""Crops are made fit for tesseract, and its answer is taken apart; the engine itself where there is one."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest

pytest.importorskip("PIL", reason="pillow is not installed: reading is not tested")

from clippings.errors import EncoderError, MissingPackageError
from clippings.synthetic.render import Font, render
from clippings.synthetic.scan_damage import Damage, scan
from clippings.synthetic.tesseract import Tesseract, clean, missing_model, parse

needs_tesseract = pytest.mark.skipif(
    missing_model("eng") is not None, reason="tesseract is not installed: reading with it is not tested"
)
HEAD = "level\tpage_num\tblock_num\tconf\ttext\n"


@needs_tesseract
def test_clean_print_is_read() -> None:
    names = ["Harrow Cotton Mills", "Kingsey Steel Company", "Ox Ferry"]
    crops = [render(name, Font(size=44)) for name in names]
    stored = [scan(crop, Damage(severity=0.2), seed) for seed, crop in enumerate(crops)]
    for images in (crops, stored):
        readings = Tesseract(workers=1).read(images)
        assert [reading.text for reading in readings] == names
        assert all(0.5 < reading.confidence <= 1 for reading in readings)


@needs_tesseract
def test_the_order_of_many_crops_is_kept_and_an_empty_one_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clippings.synthetic.tesseract.BATCH", 2)
    words = ["Ferry", "Mills", "Brick", "Steel", "Water"]
    crops = [render(word, Font(size=44)) for word in words]
    crops.insert(2, np.full((50, 200), 255, dtype=np.uint8))
    readings = Tesseract(workers=2, retries=(36,)).read(crops)
    assert [reading.text for reading in readings] == ["Ferry", "Mills", "", "Brick", "Steel", "Water"]
    assert readings[2].confidence == 0.0


def test_no_crops_need_no_run() -> None:
    if missing_model("eng") is None:
        assert Tesseract().read([]) == []


def test_a_missing_engine_is_named_with_the_lines_that_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(
        MissingPackageError, match="apt-get install tesseract-ocr tesseract-ocr-jpn-vert"
    ) as found:
        Tesseract(language="jpn_vert").read([])
    assert "brew install tesseract" in str(found.value)
    assert str(pickle.loads(pickle.dumps(found.value))) == str(found.value)


@needs_tesseract
def test_a_missing_language_is_named() -> None:
    with pytest.raises(MissingPackageError, match="tesseract-ocr-xyz"):
        Tesseract(language="xyz").read([])


def test_a_crop_is_scaled_stretched_calmed_and_bordered() -> None:
    draw = np.random.default_rng(0)
    crop = np.clip(render("Hill", Font(size=60), margin=6).astype(float) * 0.4 + 90, 0, 255).astype(np.uint8)
    crop[draw.random(crop.shape) < 0.01] = 0
    ready = clean(crop, 40, 10)
    assert ready.shape[0] == 60 and ready.dtype == np.uint8
    assert abs(ready.shape[1] - 20 - 40 * crop.shape[1] / crop.shape[0]) <= 1
    assert (ready[:10] == 255).all() and (ready[:, -10:] == 255).all()
    inner = ready[10:-10, 10:-10]
    assert inner.min() == 0 and (inner == 255).mean() > 0.4
    assert (clean(np.full((9, 9), 40, dtype=np.uint8), 20, 0) >= 0).all()


def test_words_are_joined_and_confidences_averaged() -> None:
    rows = ["5\t1\t1\t90\tHill", '5\t1\t1\t70\t"Co', "4\t1\t1\t-1\t", "5\t3\t1\t50\t山", "5\t3\t1\t50\t 田"]
    latin = parse(HEAD + "\n".join(rows), 3, spaces=True)
    assert [(one.text, one.confidence) for one in latin] == [('Hill "Co', 0.8), ("", 0.0), ("山 田", 0.5)]
    assert parse(HEAD + "\n".join(rows), 3, spaces=False)[2].text == "山田"


def test_defaults_follow_the_language() -> None:
    assert Tesseract().layout == (7, 40, True)
    assert Tesseract(language="jpn").layout == (7, 40, False)
    assert Tesseract(language="jpn_vert").layout == (5, 48, False)
    assert Tesseract(language="jpn", psm=13, short=30, spaces=True).layout == (13, 30, True)
    for wrong in ({"short": 0}, {"retries": (0,)}, {"border": -1}, {"workers": -1}):
        with pytest.raises(EncoderError, match="cannot work"):
            Tesseract(**wrong)  # type: ignore[arg-type]
