"""Two books of firm names, linked by the crops of their lines and what an OCR engine made of them.

Half of the rows are English, half Japanese, some of them vertical. Writes `names-gallery.png`: links, near
misses and crops without a link. Needs `pip install "linktransformer[images]"`; the data are described in
data/names/README.md.
"""

import sys
from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw

import linktransformer as lt

DATA = Path(__file__).parent / "data" / "names"
HOW = {"on": "ocr", "images": "crop", "confidence": "confidence", "model": "names"}
CELL, HEIGHT, LABEL = 330, 56, 60  # pixels
Line = tuple[str, Path, Path | None]


def main(out: str = "names-gallery.png") -> None:
    """Link, compare with the truth and with the texts only, draw."""
    books = [pd.read_csv(DATA / f"book_{name}.csv", keep_default_na=False) for name in "ab"]
    for book in books:
        book["crop"] = [str(DATA / place) for place in book["crop"]]
    truth = pd.read_csv(DATA / "matches.csv")
    true = set(zip(truth.a, truth.b, strict=True))

    sure = {"threshold": 0.5}  # more probable than not
    ways = {
        "texts only": {"on": "ocr", "model": "lexical"},
        "pictures and texts": HOW,
        "sure ones": HOW | sure,
    }
    for name, how in ways.items():
        linked = lt.merge(*books, **how, how="inner")
        found = set(zip(linked.id_x, linked.id_y, strict=True))
        right = len(found & true)
        print(f"{name:20} {len(found)} links, {right} right, of {len(true)} that there are")

    links = lt.link(*books, **HOW, **sure)
    print(f"\nestimated precision: {links.report()['precision']:.2f}")
    best = lt.link(*books, **HOW, threshold=None).pairs  # the nearest row of each, wherever the line lies
    accepted = links.pairs.sort_values("score")
    alone = set(best.left) - set(accepted.left)
    near = best[best.left.isin(alone)].sort_values("score", ascending=False)
    sheet(
        {
            "links, the least certain first": lines(books, accepted.head(12)),
            "near misses: the nearest row was not taken": lines(books, near.head(6)),
            "far from every row": lines(books, near.iloc[6:].tail(6)),
        }
    ).save(out)
    print(f"drawn: {out}")


def lines(books: list[pd.DataFrame], pairs: pd.DataFrame) -> list[Line]:
    """Score and both pictures of each pair."""
    a, b = books
    return [
        (f"{row.score:.2f}", Path(a.crop[row.left]), Path(b.crop[row.right])) for row in pairs.itertuples()
    ]


def sheet(parts: dict[str, list[Line]]) -> Image.Image:
    """All pairs on one page, a crop beside the other."""
    rows = sum(len(part) + 1 for part in parts.values())
    page = Image.new("L", (LABEL + 2 * CELL, rows * HEIGHT), "white")
    pen, y = ImageDraw.Draw(page), 0
    for title, part in parts.items():
        pen.text((8, y + 24), title, fill="black", font_size=20)
        y += HEIGHT
        for score, *places in part:
            pen.text((8, y + 16), score, fill="dimgray", font_size=18)
            for number, place in enumerate(places):
                if place is not None:
                    page.paste(fitted(place), (LABEL + number * CELL, y + 4))
            y += HEIGHT
    return page


def fitted(place: Path) -> Image.Image:
    """A crop of the archive, turned to lie if it stands, in its cell."""
    picture = opened(place)
    if picture.height > 2 * picture.width:
        picture = picture.rotate(90, expand=True)
    picture.thumbnail((CELL - 10, HEIGHT - 8))
    return picture


def opened(place: Path) -> Image.Image:
    """A member of a zip archive as a picture."""
    from io import BytesIO
    from zipfile import ZipFile

    with ZipFile(place.parent) as archive:
        return Image.open(BytesIO(archive.read(place.name))).convert("L")


if __name__ == "__main__":
    main(*sys.argv[1:])
