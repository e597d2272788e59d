"""The bundled model of printed names: it reads pictures and texts of either script, alone, without torch."""

from __future__ import annotations

import runpy
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
import model_hub
from clippings import load_record_encoder
from clippings.pictures.read import read_pictures
from tests.cards import snippet

Image = pytest.importorskip("PIL.Image", reason="pillow is not installed")

NAMES = ("Hill & Sons Brewery", "Bank of Ashford", "Great Marlow Works", "Port of Dale Authority",
         "New Essex Company", "Farmers Union of Kent")  # fmt: skip
OCR = ("Hiii & S0ns Brcwery", None, "Creat Marl w", "", "Ncw Esscx C", "Xxxx")


def crop(name: str, size: int, seed: int) -> Image.Image:
    """A line of Pillow's own typeface on noisy paper."""
    from PIL import ImageDraw, ImageFont

    font = ImageFont.load_default(size)
    page = Image.new("L", (int(font.getlength(name)) + 20, size + 20), 235)
    ImageDraw.Draw(page).text((10, 8), name, fill=40, font=font)
    noise = np.random.default_rng(seed).normal(0, 16, (page.height, page.width))
    return Image.fromarray((np.asarray(page) + noise).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def books() -> tuple[pd.DataFrame, pd.DataFrame]:
    old = pd.DataFrame({"ocr": OCR, "crop": [crop(name, 26, i) for i, name in enumerate(NAMES)]})
    new = pd.DataFrame({"ocr": NAMES[::-1], "crop": [crop(name, 40, 9) for name in NAMES[::-1]]})
    return old, new


def test_rows_are_linked_where_the_ocr_failed(books: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    linked = lt.merge(*books, on="ocr", images="crop", model="names")
    assert linked["ocr_y"].tolist() == list(NAMES)


def test_a_picture_is_near_its_name_and_not_the_others() -> None:
    encoder = load_record_encoder("names", threads=1)
    shown = [crop(name, 30, 3) for name in NAMES]
    pictures = encoder.encode_records([None] * len(NAMES), read_pictures(shown, shortest=64)).image
    texts = encoder.encode_records(list(NAMES), [None] * len(NAMES)).text
    cosine = pictures @ texts.T
    assert cosine.argmax(axis=1).tolist() == list(range(len(NAMES)))


def test_japanese_misreadings_stay_near() -> None:
    encoder = load_record_encoder("names", threads=1)
    found = encoder.encode(["東京製鋼株式会社", "東京製綱株式會社", "大阪紡績合名会社"])
    assert found[0] @ found[1] > found[0] @ found[2] + 0.3


def test_the_example_links_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.png"
    place = Path(__file__).parents[3] / "examples" / "pictures.py"
    runpy.run_path(str(place))["main"](str(page))
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    links, right = (int(told[2][at]) for at in (2, 4))
    assert told[2][:2] == ["sure", "ones"] and right >= 62 and links - right <= 3
    with Image.open(page) as drawn:
        assert drawn.width > 500


def test_its_manifest_and_size() -> None:
    folder = model_hub.bundled("names")
    manifest = folder.manifest
    assert manifest.licence == "MIT" and manifest.languages == ("ja", "en")
    assert sum(file.size for file in manifest.files) <= 25e6
    assert {"LICENSE", "NOTICE"} <= {file.path for file in manifest.files}
    card = (folder.path / "README.md").read_text("utf-8")
    found: dict[str, Any] = {}
    exec(snippet(card), found)
    assert len(found["linked"]) == 3
    assert 'images="crop"' in card and "none: trained from nothing` has a licence" not in card


def test_it_runs_without_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from clippings import load_record_encoder\n"
        "print(load_record_encoder('names', threads=1).encode(['Hill']).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 256)"


def test_a_vector_does_not_depend_on_its_company() -> None:
    encoder = load_record_encoder("names", threads=1)
    together = encoder.encode(list(NAMES))
    alone = np.concatenate([encoder.encode([name]) for name in NAMES])
    assert np.abs(together - alone).max() < 1e-5
    assert all(np.abs(one - other).max() > 0.05 for one, other in pairwise(together))
