"""More pictures to train on, without captions, out of Debian packages: none like one of the benchmark's.

apt-get download wesnoth-1.16-data stellarium-data opencv-doc endless-sky-data endless-sky-high-dpi \
        freeorion-data supertuxkart-data marble-data freecol sway-backgrounds extremetuxracer-data \
        neverball-data tuxpaint-data pysiogame
for deb in *.deb; do dpkg -x $deb more/${deb%%_*}; done
python -m tools.recipes.photos.more_pictures more unpacked sources.zip more.zip

`unpacked` and `sources.zip` are those of `tools.recipes.photos.sources`. The file has pictures alone.
"""

from __future__ import annotations

import io
import multiprocessing
import sys
import zipfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from tools.recipes.photos.sources import CLIP_ART, LONGEST, SHORT, load

Bits = npt.NDArray[np.bool_]
# package: terms, by its copyright file
PACKAGES = {
    "wesnoth-1.16-data": "GPL-2+",
    "stellarium-data": "GPL-2+",
    "opencv-doc": "Apache-2.0, BSD-3-Clause and others",
    "endless-sky-data": "CC-BY-SA-4.0, CC-BY-SA-3.0, CC-BY-4.0, public domain, GPL-3+",
    "endless-sky-high-dpi": "CC-BY-SA-4.0, CC-BY-SA-3.0, CC-BY-4.0, public domain, GPL-3+",
    "freeorion-data": "GPL-2, LGPL-2.1+, CC-BY-SA-3.0",
    "supertuxkart-data": "CC-BY-SA-3.0, CC-BY-SA-4.0, CC-BY-3.0, CC0-1.0, public domain, GPL-3+",
    "marble-data": "LGPL-2.1+, CC0-1.0, CC-BY-3.0, GFDL-1.2 and others",
    "freecol": "GPL-2+, CC-BY-SA-3.0, CC-BY-4.0, CC0-1.0, public domain",
    "sway-backgrounds": "Expat",
    "extremetuxracer-data": "GPL-2+, CC0-1.0",
    "neverball-data": "GPL-2+",
    "tuxpaint-data": "GPL-2+, public domain",
    "pysiogame": "GPL-3+, CC-BY-3.0, public domain",
}
MOST = 800  # of a package
SMALLEST, TILE, QUALITY = 150, 600, 65
NEAR = 40  # of the bits of two pictures differ where they are different pictures
CHUNK = 64
_SKIPPED = ("normal", "gloss", "_spec", "mask", "icon", "font", "alpha", "height", "cursor", "button", "flag")


def paths(more: Path, unpacked: Path) -> list[Path]:
    """Files that may be pictures, at most `MOST` of a package, drawn by their names."""
    found: list[Path] = []
    for package in PACKAGES:
        every = [
            path for path in (more / package).rglob("*")
            if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") and path.is_file()
            and not path.is_symlink() and path.stat().st_size > 25_000
            and not any(part in path.name.lower() for part in _SKIPPED)
        ]  # fmt: skip
        found += sorted(every, key=lambda path: sha256(path.name.encode()).digest())[:MOST]
    art = sorted(
        path
        for path in (unpacked / "openclipart-png").rglob("*.png")
        if 8_000 < path.stat().st_size < 300_000
    )
    draw = np.random.default_rng(0).permutation(len(art)).tolist()
    return found + [art[number] for number in draw[CLIP_ART : CLIP_ART + MOST]]


def tiles(path: Path) -> list[bytes]:
    """The picture of a file, or of a large one its parts, stored as WebP; empty ones are left out."""
    kept = []
    try:
        with Image.open(path) as opened:
            if min(opened.size) < SMALLEST or max(opened.size) > 3 * min(opened.size):
                return []
            if opened.width * opened.height > 60_000_000:
                return []
            image = opened.convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError):
        return []
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    columns, rows = (max(1, min(3, side // TILE)) for side in image.size)
    wide, high = image.width // columns, image.height // rows
    for number in range(columns * rows):
        left, top = number % columns * wide, number // columns * high
        tile = image.crop((left, top, left + wide, top + high))
        small = np.asarray(tile.convert("L").resize((32, 32)), np.float32)
        detail = np.abs(np.diff(small, axis=0)).mean() + np.abs(np.diff(small, axis=1)).mean()
        if small.std() < 14 or detail < 6:
            continue
        factor = min(1.0, SHORT / min(tile.size), LONGEST / max(tile.size))
        tile = tile.resize(
            (round(tile.width * factor), round(tile.height * factor)), Image.Resampling.LANCZOS
        )
        stored = io.BytesIO()
        tile.save(stored, "WEBP", quality=QUALITY)
        kept.append(stored.getvalue())
    return kept


def signs(data: bytes) -> tuple[Bits, Bits]:
    """Which of 256 neighbouring parts of a picture are darker than the next, and of the mirrored one."""
    with Image.open(io.BytesIO(data)) as image:
        grey = image.convert("L").resize((17, 16), Image.Resampling.BOX)
    found = [np.asarray(one, np.int16) for one in (grey, ImageOps.mirror(grey))]
    plain, mirrored = ((np.diff(one, axis=1) > 0).ravel() for one in found)
    return plain, mirrored


def distinct(kept: Sequence[bytes], others: Sequence[bytes]) -> Iterator[bytes]:
    """Those of `kept` that are like no other, mirrored or not."""
    seen = np.array([signs(one)[0] for one in others], np.bool_).reshape(-1, 256)
    fresh = list(seen)
    for data in kept:
        table = np.array(fresh, np.bool_).reshape(-1, 256)
        if all(((table != sign).sum(axis=1) >= NEAR).all() for sign in signs(data)):
            fresh.append(signs(data)[0])
            yield data


def main() -> None:
    """Read the command line."""
    more, unpacked, sources, out = map(Path, sys.argv[1:5])
    found = paths(more, unpacked)
    with multiprocessing.Pool(2) as pool:
        kept = [tile for tile_list in pool.map(tiles, found, chunksize=CHUNK) for tile in tile_list]
    chosen = list(distinct(kept, load(sources)[1]))
    with zipfile.ZipFile(out, "w") as archive:
        for number, data in enumerate(chosen):
            archive.writestr(zipfile.ZipInfo(f"{number:05d}.webp"), data)
    print(f"{len(found)} files, {len(kept)} pictures, {len(chosen)} distinct, "  # noqa: T201
          f"{out.stat().st_size / 1e6:.1f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
