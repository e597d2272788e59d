"""Clippings with known source pictures, made of the pictures of Debian packages, by condition and split."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clippings.synthetic.captions import CaptionChanges
from clippings.synthetic.press import Press
from clippings.synthetic.printings import reprint
from tools.data import ROOT
from tools.recipes.photos.packing import UNSEEN, presses
from tools.recipes.photos.sources import load

SOURCES = ROOT / ".sets" / "photos" / "sources.zip"
CONDITIONS = ("mixed", "mixed of seen kinds", "heavy", "heavy of seen kinds", "unseen kinds", "two languages")
PRESSES: Mapping[str, tuple[Press, ...]] = {
    "mixed": tuple(Press(severity=severity) for severity in (0.3, 0.7, 1.0, 1.3)),
    "mixed of seen kinds": tuple(presses((0.3, 0.7, 1.0, 1.3))),
    "heavy": (Press(severity=1.5),),
    "heavy of seen kinds": tuple(presses((1.5,))),
    "unseen kinds": (Press.only(*UNSEEN, severity=1.5),),
    "two languages": tuple(Press(severity=severity) for severity in (0.5, 1.0)),
}
SEEDS = {"valid": 100, "test": 200}
STOCK = 0.04  # share of the pictures that recur, with captions of others
# no Latin script
FOREIGN = ("ru", "ja", "el", "he", "zh_CN", "ar", "hi", "th", "ko", "uk", "bg", "sr", "ta", "te", "ka")
MANY_LANGUAGES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """Clippings: stored pictures, captions (None for missing ones), and the source picture of each."""

    photos: tuple[bytes | None, ...]
    captions: tuple[str | None, ...]
    source: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.photos)

    def frame(self) -> Any:
        """The clippings as a table."""
        import pandas as pd

        columns = {"photo": list(self.photos), "caption": list(self.captions)}
        return pd.DataFrame(columns, dtype=object)

    def some(self, rows: npt.NDArray[np.int64]) -> Wire:
        """Some of the clippings."""
        places = rows.tolist()
        return Wire(
            tuple(self.photos[row] for row in places),
            tuple(self.captions[row] for row in places),
            self.source[rows],
        )

    def gaps(self, seed: int = 0) -> Wire:
        """The clippings with a third of the pictures and another third of the captions gone."""
        lot = np.random.default_rng(seed).integers(0, 3, len(self)).tolist()
        return replace(
            self,
            photos=tuple(None if one == 0 else photo for one, photo in zip(lot, self.photos, strict=True)),
            captions=tuple(None if one == 1 else text for one, text in zip(lot, self.captions, strict=True)),
        )


def made(path: Path, split: str, condition: str, limit: int = 0, seed: int = 0) -> Wire:
    """The clippings of a split (by source picture) in a condition, kept beside the pictures; limit 0: of all.

    A limit draws the same pictures for every condition that has them.
    """
    kept = path.with_name(f"wire-{split}-{condition.replace(' ', '-')}-{limit}-{seed}.zip")
    if not kept.exists():
        _save(_made(path, split, condition, limit, seed), kept)
    with zipfile.ZipFile(kept) as archive:
        facts = json.loads(archive.read("clippings.json"))
        photos = tuple(archive.read(f"{row:06d}") for row in range(len(facts["source"])))
    return Wire(photos, tuple(facts["captions"]), np.array(facts["source"], np.int64))


def _save(wire: Wire, path: Path) -> None:
    with zipfile.ZipFile(path.with_suffix(".part"), "w") as archive:
        for row, photo in enumerate(wire.photos):
            archive.writestr(f"{row:06d}", photo or b"")
        archive.writestr(
            "clippings.json", json.dumps({"captions": list(wire.captions), "source": wire.source.tolist()})
        )
    path.with_suffix(".part").rename(path)


def _made(path: Path, split: str, condition: str, limit: int, seed: int) -> Wire:
    sources, data = load(path)
    kept = [row for row, one in enumerate(sources) if one.split == split]
    if condition == "two languages":
        kept = [row for row in kept if len(set(FOREIGN) & set(sources[row].captions)) >= MANY_LANGUAGES]
    order = np.random.default_rng(seed).permutation(len(sources))
    kept = sorted(sorted(kept, key=order.tolist().__getitem__)[: limit or None])
    pictures = [_pixels(data[row]) for row in kept]
    captions = [sources[row].captions for row in kept]
    draw = np.random.default_rng([seed, SEEDS[split]])
    numbers = {"seed": SEEDS[split] + seed, "presses": PRESSES[condition]}
    if condition == "two languages":
        return _two_languages(pictures, captions, draw, numbers)
    mixed = condition.startswith("mixed")
    times = np.minimum(8, draw.geometric(0.35, len(kept))) if mixed else np.full(len(kept), 3)
    stock = draw.random(len(kept)) < (STOCK if mixed else 0)
    plain = reprint(pictures, captions, np.where(stock, 0, times).tolist(), swapped=0.03, **numbers)
    recurring = reprint(pictures, captions, np.where(stock, 10, 0).tolist(), swapped=0.7, **numbers)
    return Wire(
        plain.images + recurring.images,
        tuple(text or None for text in plain.texts + recurring.texts),
        np.concatenate([plain.source, recurring.source]),
    )


def _two_languages(
    pictures: list[Any], captions: list[dict[str, str]], draw: np.random.Generator, numbers: Mapping[str, Any]
) -> Wire:
    """Each picture twice: with a caption in English, and with one in another script."""
    there = [[name for name in FOREIGN if name in one] for one in captions]
    foreign = [{name: one[name]} for one, names in zip(captions, there, strict=True)
               for name in [names[int(draw.integers(len(names)))]]]  # fmt: skip
    changes = CaptionChanges(translated=0.0, error_rate=0.3)
    english = [{"en": one.get("en") or next(iter(one.values()))} for one in captions]
    first = reprint(pictures, english, 1, changes=changes, **numbers)
    second = reprint(pictures, foreign, 1, changes=changes, **{**numbers, "seed": numbers["seed"] + 1})
    source = np.concatenate([first.source, second.source])
    return Wire(first.images + second.images, first.texts + second.texts, source)


def _pixels(data: bytes) -> npt.NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.uint8)
