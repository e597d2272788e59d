"""Drawn pictures with captions, printed by several newspapers, and found again by picture and caption.

No picture has to be fetched: eight harbours are drawn, each printed four times by `clippings.reprint`. Writes
`photographs.png`: four harbours and their prints. Needs `pip install "linktransformer[images]"`.
"""

import io
import sys

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFilter

import linktransformer as lt
from clippings import CaptionChanges, Press, reprint
from linktransformer.metrics import score_clusters

SIZE = (300, 220)
TOWNS = ["Oslo", "Lima", "Genoa", "Perth", "Porto", "Cairo", "Bergen", "Osaka"]
SIGHTS = ["lighthouse", "regatta", "sunset", "new pier", "old mill", "fish market", "ferry", "storm"]
PRINTS, SHOWN, CELL = 4, 4, (180, 140)


def main(out: str = "photographs.png") -> None:
    """Draw, print, cluster, compare."""
    pictures = [harbour(seed) for seed in range(len(TOWNS))]
    captions = [
        {"en": f"The {sight} at the harbour of {town}.", "fr": f"Port de {town} : {sight}."}
        for town, sight in zip(TOWNS, SIGHTS, strict=True)
    ]
    presses = [Press(severity=severity) for severity in (0.3, 0.6)]
    made = reprint(
        pictures, captions, PRINTS, presses=presses, changes=CaptionChanges(translated=0.5), seed=3
    )
    table = pd.DataFrame(made.columns())
    ways = {
        "captions": {"on": "caption"},
        "captions and photographs": {"on": "caption", "images": "photo", "model": "photos"},
    }
    for name, how in ways.items():
        found = lt.cluster_rows(table, **how)
        scores = score_clusters(found["source"].tolist(), found["cluster"].tolist())
        print(f"{name:25} {scores.n_clusters} clusters, adjusted Rand index {scores.ari:.2f}")
    sheet(pictures, made.images).save(out)
    print(f"drawn: {out}")


def harbour(seed: int) -> np.ndarray:
    """A sky, hills, the sea and ships."""
    draw = np.random.default_rng(seed)
    width, height = SIZE
    sky = np.linspace(draw.uniform(90, 200, 3), draw.uniform(180, 250, 3), height)
    image = Image.fromarray(np.repeat(sky[:, None], width, axis=1).astype(np.uint8))
    pen, level = ImageDraw.Draw(image), int(draw.integers(95, 150))
    sun = draw.uniform((20, 10), (width - 60, 60))
    pen.ellipse([*sun, *(sun + 40)], fill=(255, int(draw.integers(170, 250)), 120))
    for _ in range(int(draw.integers(2, 5))):
        left, wide = draw.uniform(-40, width - 40), draw.uniform(70, 190)
        top = level - draw.uniform(25, 80)
        hill = [(left, level), (left + wide * draw.uniform(0.3, 0.7), top), (left + wide, level)]
        pen.polygon(hill, fill=tuple(draw.integers(40, 140, 3).tolist()))
    pen.rectangle([0, level, width, height], fill=tuple(draw.integers((20, 60, 90), (70, 120, 170)).tolist()))
    for _ in range(int(draw.integers(1, 4))):
        x, y, long = draw.uniform(20, 200), draw.uniform(level + 15, height - 25), draw.uniform(30, 80)
        hull = [(x, y), (x + long, y), (x + long * 0.8, y + 14), (x + long * 0.2, y + 14)]
        pen.polygon(hull, fill=tuple(draw.integers(30, 200, 3).tolist()))
        mast = x + long * draw.uniform(0.3, 0.7)
        sail = [(mast, y - long), (mast, y - 4), (mast + long * 0.5, y - 4)]
        pen.polygon(sail, fill=tuple(draw.integers(150, 255, 3).tolist()))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(0.6)))


def sheet(pictures: list[np.ndarray], prints: tuple[bytes, ...]) -> Image.Image:
    """Each picture at the left, its prints beside it."""
    page = Image.new("RGB", (CELL[0] * (1 + PRINTS), CELL[1] * SHOWN), "white")
    for row in range(SHOWN):
        own = [Image.open(io.BytesIO(prints[row * PRINTS + number])) for number in range(PRINTS)]
        for column, shown in enumerate([Image.fromarray(pictures[row]), *own]):
            shown.thumbnail((CELL[0] - 10, CELL[1] - 10))
            page.paste(shown.convert("RGB"), (column * CELL[0] + 5, row * CELL[1] + 5))
    return page


if __name__ == "__main__":
    main(*sys.argv[1:])
