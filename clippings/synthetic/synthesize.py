"""Names to labelled records of two books: printed, damaged, scanned and read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from zlib import crc32

import numpy as np

from clippings.errors import EncoderError
from clippings.pictures.ocr_reading import Reader, Reading
from clippings.synthetic.name_variants import SIDES, Variant, Vary, by_table
from clippings.synthetic.records import SyntheticRecords
from clippings.synthetic.render import Font, as_font, draw_font, render
from clippings.synthetic.scan_damage import Damage, encode, scan

FontLike = Font | str | Path
ORIENTATIONS = ("horizontal", "vertical")
MARGIN = (5, 14)  # white pixels around the ink, for an em of 44
SCANNED = Damage()
Job = tuple[int, int, int, str]  # number of the name, side, copy, the name
Crop = tuple[bytes, str, str]  # the stored crop, what it shows, the name of the font


def synthesize(
    names: Sequence[str],
    fonts: Sequence[FontLike] | tuple[Sequence[FontLike], Sequence[FontLike]],
    *,
    crops_per_name: tuple[int, int] = (1, 1),
    orientation: tuple[str, str] = ("horizontal", "horizontal"),
    damage: Damage | None = SCANNED,
    ocr: Reader | tuple[Reader, Reader] | None = None,
    variants: Vary | Sequence[Variant] | None = None,
    seed: int = 0,
) -> SyntheticRecords:
    """Make records of two books from names: pictures with what was read from them, and which belong together.

    Every crop draws its own font among those that have all its characters, its own margins, damage and
    reading, and these depend only on the seed, the name, the side and the copy: parts of a list can be made
    one by one, or at once by several processes, and are the same as in the whole.

    Args:
        names: The entities, each once; records of one name belong together. Similar names are what a model
            learns most from.
        fonts: Paths or `Font` values; or two lists of them, for the source and the target.
        crops_per_name: Records of each name in the source and in the target.
        orientation: "horizontal" or "vertical", for the source and the target.
        damage: How pages aged and were scanned; None leaves the crops clean.
        ocr: An engine (`Tesseract`), or a model of one (`Confusions`); two of them for the two sides. None:
            the text is what is printed, and no confidence is known.
        variants: How the two books write a name otherwise: a table of `Variant`, or a function such as
            `name_variants.english()` gives. None: both print the name.
        seed: Of everything that is drawn.

    Returns:
        The records, those of the source first, by name. Names that no font can print are left out; they are
        in `records.skipped`.

    Raises:
        EncoderError: An argument cannot be used, or no name can be printed.
        MissingPackageError: Pillow is not installed; or the engine is not.

    Example:
        >>> records = synthesize(["Hill & Co.", "Boat Company"], [Font()], crops_per_name=(2, 1), seed=1)
        >>> records.entity.tolist(), records.side.tolist()
        ([0, 0, 1, 1, 0, 1], [0, 0, 0, 0, 1, 1])
        >>> records.text[0], records.pixels(0).ndim
        ('Hill & Co.', 2)
    """
    by_side = _fonts(fonts)
    _check(names, crops_per_name, orientation)
    change = variants if variants is None or callable(variants) else by_table(variants)
    jobs: list[Job] = [
        (number, side, copy, name)
        for side in (0, 1)
        for number, name in enumerate(names)
        for copy in range(crops_per_name[side])
    ]
    crops = [_make(job, by_side[job[1]], orientation[job[1]], damage, change, seed) for job in jobs]
    printed_jobs = [(job, crop) for job, crop in zip(jobs, crops, strict=True) if crop is not None]
    if not printed_jobs:
        raise EncoderError(
            f"No name can be printed. Given: {len(names)} names, {sum(map(len, by_side))} fonts. Give fonts "
            "with the characters of the names: `covers(font, name)` tells."
        )
    used_jobs = [job for job, _ in printed_jobs]
    images, printed, used = zip(*(crop for _, crop in printed_jobs), strict=True)
    readings = _read(ocr, used_jobs, images, printed, seed)
    side_of = np.array([job[1] for job in used_jobs], dtype=np.int8)
    return SyntheticRecords(
        names=tuple(names),
        entity=np.array([job[0] for job in used_jobs], dtype=np.int64),
        side=side_of,
        images=tuple(images),
        text=tuple(reading.text for reading in readings),
        confidence=np.array([reading.confidence for reading in readings], dtype=np.float32),
        printed=tuple(printed),
        font=tuple(used),
        vertical=np.array([orientation[side] == "vertical" for side in side_of.tolist()], dtype=bool),
        skipped=tuple(sorted({job[0] for job, crop in zip(jobs, crops, strict=True) if crop is None})),
    )


def _fonts(fonts: Sequence[Any]) -> tuple[tuple[Font, ...], tuple[Font, ...]]:
    """The fonts of the source and of the target."""
    two = len(fonts) == 2 and all(isinstance(one, (list, tuple)) for one in fonts)
    source, target = fonts if two else (fonts, fonts)
    by_side = tuple(as_font(font) for font in source), tuple(as_font(font) for font in target)
    if not all(by_side):
        raise EncoderError(
            f"There is nothing to print with. Given: fonts={fonts!r}. Give paths, or two lists of paths."
        )
    return by_side


def _check(names: Sequence[str], crops: tuple[int, int], orientation: tuple[str, str]) -> None:
    """Raise an error for names, numbers of crops or orientations that cannot be used."""
    bad = [number for number, name in enumerate(names) if not str(name).strip()]
    twice = len(names) - len(set(names))
    if isinstance(names, str) or not len(names) or bad or twice:
        raise EncoderError(
            f"Names cannot be used. Given: {len(names)} names, empty ones at {bad[:5]}, {twice} twice. "
            "Give a list of different texts."
        )
    if len([*crops]) != 2 or min(crops) < 0 or sum(crops) < 1:
        raise EncoderError(
            f"There is nothing to make. Given: crops_per_name={crops}. Give two numbers from 0, for the "
            "source and the target."
        )
    if len([*orientation]) != 2 or not set(orientation) <= set(ORIENTATIONS):
        raise EncoderError(f"Unknown orientation. Given: {orientation!r}. Give two of {ORIENTATIONS}.")


def _make(
    job: Job, fonts: Sequence[Font], orientation: str, damage: Damage | None, change: Vary | None, seed: int
) -> Crop | None:
    """Print and damage one crop; None where no font has the characters."""
    _, side, copy, name = job
    draw = np.random.default_rng([seed, side, copy, crc32(name.encode())])
    text = change(name, SIDES[side], draw) if change else name
    font = draw_font(fonts, text, draw)
    if font is None and text != name:  # the variant has a character that no font has
        text, font = name, draw_font(fonts, name, draw)
    if font is None:
        return None
    left, top, right, bottom = (draw.integers(*MARGIN, size=4) * font.size // 44).tolist()
    vertical = orientation == "vertical"
    crop = render(text, font, vertical=vertical, margin=(left, top, right, bottom))
    if damage is None:
        return encode(crop, None), text, font.family
    # what shines through is the name in disorder: it is of the same writing, and needs no other name
    behind = "".join(draw.permutation(list(name))).strip()
    other = render(behind, font, vertical=vertical) if damage.bleed else None
    return scan(crop, damage, draw, other=other), text, font.family


def _read(
    ocr: Reader | tuple[Reader, Reader] | None,
    jobs: Sequence[Job],
    images: Sequence[bytes],
    printed: Sequence[str],
    seed: int,
) -> list[Reading]:
    """A reading of every crop, by the reader of its side."""
    if ocr is None:
        return [Reading(text) for text in printed]
    readers = ocr if isinstance(ocr, tuple) else (ocr, ocr)
    seeds = [
        int(np.random.SeedSequence([seed, 2 + side, copy, crc32(name.encode())]).generate_state(1)[0])
        for _, side, copy, name in jobs
    ]
    readings: list[Reading | None] = [None] * len(jobs)
    for side, reader in enumerate(readers):
        rows = [row for row, job in enumerate(jobs) if job[1] == side]
        results = reader.read_crops(
            [images[row] for row in rows], [printed[row] for row in rows], [seeds[row] for row in rows]
        )
        for row, reading in zip(rows, results, strict=True):
            readings[row] = reading
    return cast("list[Reading]", readings)
