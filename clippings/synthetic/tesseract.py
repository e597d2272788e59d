"""Read crops with the OCR engine tesseract, where it is installed."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clippings.errors import EncoderError, MissingProgramError
from clippings.pictures.ocr_reading import Reading, tidy
from clippings.synthetic.render import Grey
from clippings.synthetic.scan_damage import decode

PROGRAM = "tesseract"
PSM = {"line": 7, "column": 5}  # how tesseract calls a single line, and a block of vertical print
FAINTEST = 12  # greys between black and white, below which a crop is plain paper
BATCH = 200  # crops a process: starting one takes longer than reading a few crops


@dataclass(frozen=True, kw_only=True)
class Tesseract:
    """An engine with its language and its view of a crop.

    (R. Smith, An Overview of the Tesseract OCR Engine, ICDAR 2007.) Every crop is cleaned with a median
    filter, scaled, stretched in contrast and given a white border; without that many come back empty.

    Args:
        language: Of the model: "eng", "jpn", or "jpn_vert" for columns.
        psm: How the crop is laid out; None: 5 (a block of columns) for a language that ends in "_vert",
            else 7 (one line).
        short: Pixels that the short side is scaled to; None: 48 for columns, else 40.
        retries: Other scales, tried in turn where nothing is read.
        border: White pixels around the crop.
        spaces: Whether blanks mean something; None: not in Japanese and Chinese.
        workers: Processes at once; None: one a core.

    Raises:
        EncoderError: A size is not positive.

    Example:
        >>> Tesseract(language="jpn_vert").layout
        (5, 48, False)
    """

    language: str = "eng"
    psm: int | None = None
    short: int | None = None
    retries: tuple[int, ...] = (64, 36)
    border: int = 10
    spaces: bool | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        sizes = (self.layout[1], *self.retries, self.workers or 1)
        if min(sizes) < 1 or self.border < 0:
            raise EncoderError(
                f"Settings of tesseract cannot work. Given: {self}. Give sizes and workers from 1, and a "
                "border from 0."
            )

    @property
    def layout(self) -> tuple[int, int, bool]:
        """The page segmentation mode, the short side, and whether blanks count: no longer None."""
        column = self.language.endswith("_vert")
        psm = PSM["column" if column else "line"] if self.psm is None else self.psm
        short = (48 if column else 40) if self.short is None else self.short
        spaces = self.language[:3] not in ("jpn", "chi") if self.spaces is None else self.spaces
        return psm, short, spaces

    def read(self, images: Sequence[bytes | Grey]) -> list[Reading]:
        """Read crops.

        Args:
            images: Stored files, or grey arrays (h, w) uint8.

        Returns:
            A reading of each, in their order.

        Raises:
            MissingProgramError: tesseract is not installed, or lacks the model of the language.
            EncoderError: tesseract fails.
        """
        self._check()
        crops = [decode(image) if isinstance(image, bytes) else image for image in images]
        readings_by_row = [Reading("", 0.0)] * len(crops)
        for short in (self.layout[1], *self.retries):
            empty = [
                row
                for row, reading in enumerate(readings_by_row)
                if not reading.text and _has_print(crops[row])
            ]
            chunks = [empty[at : at + BATCH] for at in range(0, len(empty), BATCH)]
            with ThreadPoolExecutor(self.workers or os.cpu_count() or 1) as pool:
                read = pool.map(lambda rows, short=short: self._run([crops[r] for r in rows], short), chunks)
                for rows, readings in zip(chunks, read, strict=True):
                    for row, reading in zip(rows, readings, strict=True):
                        readings_by_row[row] = reading
        return readings_by_row

    def read_crops(
        self, images: Sequence[bytes], printed: Sequence[str], seeds: Sequence[int]
    ) -> list[Reading]:
        """As `read`; what is printed is not looked at, and nothing is drawn. See `Reader`.

        Args:
            images: The stored crops.
            printed: Not used.
            seeds: Not used.

        Returns:
            Text and confidence of each crop.
        """
        return self.read(images)

    def _check(self) -> None:
        missing = missing_model(self.language)
        if missing:
            raise MissingProgramError(PROGRAM, missing)

    def _run(self, crops: Sequence[Grey], short: int) -> list[Reading]:
        """Read crops with one process, as the pages of one document."""
        from PIL import Image

        psm, _, spaces = self.layout
        with tempfile.TemporaryDirectory() as folder:
            pages = []
            for number, crop in enumerate(crops):
                page = Path(folder) / f"{number}.png"
                Image.fromarray(clean(crop, short, self.border)).save(page, compress_level=1)
                pages.append(str(page))
            index = Path(folder) / "pages.txt"
            index.write_text("\n".join(pages) + "\n", encoding="utf-8")
            command = [PROGRAM, str(index), "stdout", "-l", self.language, "--psm", str(psm), "tsv"]
            done = subprocess.run(
                command, capture_output=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"}, check=False
            )
        if done.returncode:
            message = done.stderr.decode("utf-8", "replace").strip()[-300:]
            raise EncoderError(f"tesseract failed. Given: {' '.join(command)}. Its message: {message}")
        return parse(done.stdout.decode("utf-8"), len(crops), spaces=spaces)


def missing_model(language: str) -> str | None:
    """The command that installs what a language lacks; None where nothing is missing."""
    packages = f"tesseract-ocr tesseract-ocr-{language.lower().replace('_', '-')}"
    lines = f"apt-get install {packages} (Debian, Ubuntu), or: brew install tesseract tesseract-lang (macOS)"
    if shutil.which(PROGRAM) is None:
        return lines
    listed = subprocess.run([PROGRAM, "--list-langs"], capture_output=True, check=False)
    installed = (listed.stdout + listed.stderr).decode("utf-8", "replace").split()
    return None if all(part in installed for part in language.split("+")) else lines


def _has_print(crop: Grey) -> bool:
    """Whether a crop has two different greys: tesseract finds letters on plain paper."""
    return bool(np.ptp(crop) > FAINTEST)


def clean(crop: Grey, short: int, border: int) -> Grey:
    """A crop prepared for tesseract: median filter, short side scaled, contrast stretched, white border."""
    from PIL import Image
    from scipy import ndimage

    calm = ndimage.median_filter(crop, size=3, mode="nearest")
    scale = short / min(calm.shape)
    size = (max(1, round(calm.shape[1] * scale)), max(1, round(calm.shape[0] * scale)))
    grey = np.asarray(Image.fromarray(calm).resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    black, white = np.percentile(grey, (1, 60))
    stretched = np.clip(255 - (white - grey) * (255 / max(1.0, float(white - black))), 0, 255)
    return np.pad(np.rint(stretched).astype(np.uint8), border, constant_values=255)


def parse(table: str, pages: int, *, spaces: bool) -> list[Reading]:
    r"""The readings in a TSV table of tesseract: the words of each page, and their mean confidence.

    Example:
        >>> head = "level\tpage_num\tconf\ttext\n"
        >>> parse(head + "5\t2\t90.0\tHill\n", 2, spaces=True)
        [Reading(text='', confidence=0.0), Reading(text='Hill', confidence=0.9)]
    """
    words: list[list[str]] = [[] for _ in range(pages)]
    confidence: list[list[float]] = [[] for _ in range(pages)]
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        page, text = int(row["page_num"]) - 1, row["text"] or ""
        if row["level"] == "5" and text.strip() and 0 <= page < pages:
            words[page].append(text)
            confidence[page].append(float(row["conf"]))
    readings = []
    for text_of, confidence_of in zip(words, confidence, strict=True):
        text = tidy(" ".join(text_of), spaces=spaces)
        sure = sum(confidence_of) / len(confidence_of) / 100 if text else 0.0
        readings.append(Reading(text, round(min(1.0, max(0.0, sure)), 4)))
    return readings
