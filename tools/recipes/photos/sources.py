"""Source pictures with captions out of Debian packages, split by picture, and the file that holds them.

apt-get download tuxpaint-stamps-default gnome-backgrounds plasma-workspace-wallpapers mate-backgrounds \
        lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 ukui-wallpapers gcompris-qt-data openclipart-png
for deb in *.deb; do dpkg -x $deb unpacked/${deb%%_*}; done
python -m tools.recipes.photos.sources unpacked sources.zip
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from tools.recipes.photos.resource_files import members

Pixels = npt.NDArray[np.uint8]
# package: terms, by its copyright file
PACKAGES = {
    "tuxpaint-stamps-default": "GPL-2",
    "gnome-backgrounds": "GPL-2+; pictures CC-BY-SA-2.0, CC-BY-SA-3.0 and CC-BY-2.0",
    "plasma-workspace-wallpapers": "GPL-2+",
    "mate-backgrounds": "GPL-2+ and CC-BY-SA-4.0",
    "lomiri-wallpapers-16.04": "CC-BY-4.0, CC-BY-SA-3.0 and 4.0, CC0-1.0",
    "lomiri-wallpapers-20.04": "CC-BY-4.0, CC-BY-SA-3.0 and 4.0, CC0-1.0",
    "ukui-wallpapers": "CC-BY-SA-3.0",
    "gcompris-qt-data": "public domain, CC0-1.0, CC-BY and CC-BY-SA of several versions, GPL-3+",
    "openclipart-png": "public domain",
}
SHORT, LONGEST, QUALITY = 224, 400, 85
SMALLEST = 100  # pixels of the short side; smaller pictures are icons
TILE = 700  # a large wallpaper is cut in tiles of this size or more, each a picture of its own
SHARES = {"train": 0.55, "valid": 0.15, "test": 0.30}
CLIP_ART = 900  # drawn from openclipart, for training only
_SKIPPED = ("/alphabets/", "/math/", "/music/", "/cursive", "/punctuation", "_mirror", "/flags/")
_GCOMPRIS = ("categorization", "erase", "explore_monuments", "explore_world_animals", "lang",
             "explore_farm_animals", "explore_world_music", "details", "louis-braille")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """A picture.

    Attributes:
        name: Of its file.
        package: Where it is from.
        group: Pictures of one wallpaper or of one file share it; a split never cuts a group.
        split: "train", "valid" or "test".
        cut_out: Whether it is an object on white, not a whole photograph.
        captions: Texts by language; some pictures have none.
    """

    name: str
    package: str
    group: str
    split: str
    cut_out: bool
    captions: dict[str, str]


def collect(unpacked: Path) -> Iterator[tuple[Source, Image.Image]]:
    """Every picture of the unpacked packages."""
    yield from _stamps(unpacked / "tuxpaint-stamps-default")
    yield from _resources(unpacked / "gcompris-qt-data")
    for package in PACKAGES:
        if "wallpapers" in package or "backgrounds" in package:
            yield from _wallpapers(unpacked / package, package)
    yield from _clip_art(unpacked / "openclipart-png")


def _stamps(root: Path) -> Iterator[tuple[Source, Image.Image]]:
    for path in sorted(root.rglob("*.png")):
        if any(part in str(path) for part in _SKIPPED):
            continue
        text = path.with_suffix(".txt")
        lines = text.read_text("utf-8", errors="replace").splitlines() if text.exists() else []
        captions = {"en": lines[0].strip()} if lines and lines[0].strip() else {}
        for line in lines[1:]:
            found = re.match(r"([A-Za-z_@]+)\.utf8=(.+)", line)
            if found and found[2].strip():
                captions[found[1]] = found[2].strip()
        yield from _source(path, path.stem, "tuxpaint-stamps-default", captions, cut_out=True)


def _resources(root: Path) -> Iterator[tuple[Source, Image.Image]]:
    for path in sorted(root.rglob("*.rcc")):
        if path.stem not in _GCOMPRIS:
            continue
        for member, data in members(path.read_bytes()).items():
            name = Path(member).stem
            part = path.stem == "details" and not name.endswith("background")
            if not member.endswith((".webp", ".jpg", ".png")) or part:
                continue
            captions = {"en": _words(name.removesuffix("_background"))}
            yield from _source(io.BytesIO(data), f"{path.stem}/{name}", "gcompris-qt-data", captions)


def _wallpapers(root: Path, package: str) -> Iterator[tuple[Source, Image.Image]]:
    largest: dict[str, Path] = {}
    for path in sorted([*root.rglob("*.jpg"), *root.rglob("*.webp"), *root.rglob("*.png")]):
        if "/doc/" in str(path) or "screenshot" in path.name:
            continue
        # one picture comes in several sizes
        key = str(path.parent) if "/images" in str(path) else re.sub(r"_\d+x\d+", "", str(path))
        if key not in largest or path.stat().st_size > largest[key].stat().st_size:
            largest[key] = path
    for path in largest.values():
        data = path.parents[2] / "metadata.json" if "/contents/" in str(path) else None
        captions = {"en": _words(path.stem)}
        if data is not None and data.exists():
            about = json.loads(data.read_text("utf-8"))["KPlugin"]
            captions = {"en": about.get("Name", path.parents[2].name)}
            for key, value in about.items():
                found = re.match(r"Name\[(.+)\]", key)
                if found and found[1] != "x-test":
                    captions[found[1]] = value
        stem = captions["en"]
        image = Image.open(path).convert("RGB")
        columns, rows = max(1, image.width // TILE), max(1, image.height // TILE)
        columns, rows = min(columns, 3), min(rows, 2)
        wide, high = image.width // columns, image.height // rows
        for number in range(columns * rows):
            left, top = number % columns * wide, number // columns * high
            tile = image.crop((left, top, left + wide, top + high))
            if np.asarray(tile.convert("L").resize((32, 32))).std() < 8:
                continue  # empty sky
            yield from _source(tile, f"{stem}/{number}", package, captions, group=f"{package}/{stem}")


def _clip_art(root: Path) -> Iterator[tuple[Source, Image.Image]]:
    paths = sorted(path for path in root.rglob("*.png") if 8_000 < path.stat().st_size < 300_000)
    draw = np.random.default_rng(0)
    for number in sorted(draw.permutation(len(paths))[:CLIP_ART].tolist()):
        captions = {"en": re.sub(r"\b\d+\b", " ", _words(paths[number].stem)).strip()}
        yield from _source(
            paths[number], paths[number].stem, "openclipart-png", captions, cut_out=True, split="train"
        )


def _source(
    opened: Path | io.BytesIO | Image.Image, name: str, package: str, captions: dict[str, str], *,
    cut_out: bool = False, group: str = "", split: str = "",
) -> Iterator[tuple[Source, Image.Image]]:  # fmt: skip
    try:
        image = opened if isinstance(opened, Image.Image) else Image.open(opened)
    except Image.DecompressionBombError:  # drawings of thousands of pixels a side
        return
    if min(image.size) < SMALLEST or max(image.size) > 4 * min(image.size):
        return
    if "A" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
    image = image.convert("RGB")
    factor = min(1.0, SHORT / min(image.size), LONGEST / min(image.size))
    size = round(image.width * factor), round(image.height * factor)
    image = image.resize(size, Image.Resampling.LANCZOS)
    image.thumbnail((LONGEST, LONGEST))
    group = group or f"{package}/{name}"
    yield Source(name, package, group, split or _split(group), cut_out, captions), image


def _split(group: str) -> str:
    share = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 2**32
    for name, part in SHARES.items():
        if share < part:
            return name
        share -= part
    return "test"


def _words(stem: str) -> str:
    spaced = re.sub(r"([a-z])([A-Z0-9])", r"\1 \2", stem)
    return re.sub(r"[\s_-]+", " ", re.sub(r"\d+$", "", spaced)).strip()


def pack(unpacked: Path, out: Path) -> list[Source]:
    """Write all pictures (JPEG) and what is known of them to a zip file; equal pictures once."""
    kept: list[Source] = []
    seen: set[bytes] = set()
    with zipfile.ZipFile(out, "w") as archive:
        for source, image in collect(unpacked):
            small = np.asarray(image.convert("L").resize((16, 16)), np.uint8) // 8
            if small.tobytes() in seen:
                continue
            seen.add(small.tobytes())
            stored = io.BytesIO()
            image.save(stored, "JPEG", quality=QUALITY)
            archive.writestr(zipfile.ZipInfo(f"{len(kept):05d}.jpg"), stored.getvalue())
            kept.append(source)
        text = json.dumps([asdict(source) for source in kept], ensure_ascii=False)
        archive.writestr(zipfile.ZipInfo("sources.json"), text)
    return kept


def load(path: Path) -> tuple[list[Source], list[bytes]]:
    """What `pack` wrote: sources, and the bytes of their pictures."""
    with zipfile.ZipFile(path) as archive:
        sources = [Source(**one) for one in json.loads(archive.read("sources.json"))]
        return sources, [archive.read(f"{number:05d}.jpg") for number in range(len(sources))]


def pixels(data: bytes) -> Pixels:
    """A stored picture as RGB, (h, w, 3)."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), np.uint8)


def main() -> None:
    """Read the command line."""
    kept = pack(Path(sys.argv[1]), Path(sys.argv[2]))
    counts: dict[str, int] = {}
    for source in kept:
        key = f"{source.package} {source.split}"
        counts[key] = counts.get(key, 0) + 1
    print(json.dumps(counts, indent=1), Path(sys.argv[2]).stat().st_size / 1e6)  # noqa: T201


if __name__ == "__main__":
    main()
