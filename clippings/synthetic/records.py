"""Labelled records of two books: crops, their readings, and the name on each."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clippings.arrays import Bools, Floats, Integers
from clippings.errors import EncoderError
from clippings.synthetic.name_variants import SIDES
from clippings.synthetic.render import Grey
from clippings.synthetic.scan_damage import decode

COLUMNS = ("id", "side", "entity_id", "image", "text", "printed", "font", "orientation", "confidence")
TABLE, IMAGES, NAMES = "records.csv", "images.zip", "names.txt"


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticRecords:
    """Records of a source and a target book.

    Args:
        names: The entities.
        entity: Which of the names each record shows, (n,) int64: equal numbers belong together.
        side: 0 for the source, 1 for the target, (n,) int8.
        images: The stored crops, JPEG or PNG; `pixels` decodes one.
        text: The readings.
        confidence: The engine's confidence, (n,) float32 from 0 to 1; nan: not known.
        printed: The printed texts, the variant of the name included.
        font: The family of each crop.
        vertical: Whether it is a column, (n,) bool.
        skipped: Names of which at least one crop could not be printed, by number.
    """

    names: tuple[str, ...]
    entity: Integers
    side: npt.NDArray[np.int8]
    images: tuple[bytes, ...]
    text: tuple[str, ...]
    confidence: Floats
    printed: tuple[str, ...]
    font: tuple[str, ...]
    vertical: Bools
    skipped: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for column in (self.entity, self.side, self.confidence, self.vertical):
            column.flags.writeable = False

    def __len__(self) -> int:
        return len(self.images)

    def pixels(self, row: int) -> Grey:
        """The crop of a record.

        Args:
            row: Its number.

        Returns:
            (h, w) uint8: 0 is black, 255 is white.
        """
        return decode(self.images[row])

    def rows(self, side: str) -> Integers:
        """The records of one book.

        Args:
            side: "source" or "target".

        Returns:
            Their numbers.

        Raises:
            EncoderError: There is no such side.
        """
        if side not in SIDES:
            raise EncoderError(f"Unknown side of the records. Given: {side!r}. Give one of {SIDES}.")
        return np.flatnonzero(self.side == SIDES.index(side))

    def save(self, folder: str | Path) -> None:
        """Write the records as a folder: records.csv, images.zip (stored, not compressed) and names.txt.

        Args:
            folder: Made if it is not there; files of these names are replaced.
        """
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        (place / NAMES).write_text("".join(f"{name}\n" for name in self.names), encoding="utf-8")
        with (
            zipfile.ZipFile(place / IMAGES, "w") as pictures,
            (place / TABLE).open("w", encoding="utf-8", newline="") as file,
        ):
            table = csv.writer(file)
            table.writerow(COLUMNS)
            for row, image in enumerate(self.images):
                side = SIDES[self.side[row]]
                name = f"{side[0]}{row:06d}"
                file_name = name + (".jpg" if image[:2] == b"\xff\xd8" else ".png")
                # a fixed date: the same records make the same file
                pictures.writestr(zipfile.ZipInfo(file_name), image)
                orientation = "vertical" if self.vertical[row] else "horizontal"
                table.writerow(
                    (name, side, f"e{self.entity[row]:06d}", file_name, self.text[row], self.printed[row],
                     self.font[row], orientation, _number(float(self.confidence[row])))
                )  # fmt: skip

    @classmethod
    def load(cls, folder: str | Path) -> SyntheticRecords:
        """Read what `save` wrote.

        Args:
            folder: The folder.

        Returns:
            The records, without `skipped`.

        Raises:
            EncoderError: A file is missing or is something else.
        """
        place = Path(folder)
        try:
            names = (place / NAMES).read_text("utf-8").split("\n")[:-1]
            with io.StringIO((place / TABLE).read_text("utf-8"), newline="") as file:
                table = list(csv.DictReader(file))
            with zipfile.ZipFile(place / IMAGES) as pictures:
                images = tuple(pictures.read(row["image"]) for row in table)
            return _from_table(tuple(names), table, images)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as problem:
            raise EncoderError(
                f"Not a folder of records ({problem!r}). Given: {str(folder)!r}. Give a folder that `save` "
                f"wrote, with {TABLE}, {IMAGES} and {NAMES}."
            ) from None


def join_records(parts: Sequence[SyntheticRecords]) -> SyntheticRecords:
    """Records that were made in parts as one, in the order of the parts; no name may occur in two.

    Example:
        >>> from clippings.synthetic.synthesize import synthesize
        >>> parts = [synthesize([name], [""]) for name in ("Hill & Co.", "Boat Company")]
        >>> join_records(parts).entity.tolist()
        [0, 0, 1, 1]
    """
    names = tuple(name for part in parts for name in part.names)
    if not names or len(set(names)) < len(names):
        raise EncoderError(
            f"Records cannot be joined. Given: {len(parts)} parts with {len(names)} names, {len(set(names))} "
            "of them different. Give parts with names of their own."
        )
    first = np.cumsum([0, *(len(part.names) for part in parts)]).tolist()
    return SyntheticRecords(
        names=names,
        entity=np.concatenate([part.entity + at for part, at in zip(parts, first, strict=False)]),
        side=np.concatenate([part.side for part in parts]),
        images=tuple(one for part in parts for one in part.images),
        text=tuple(one for part in parts for one in part.text),
        confidence=np.concatenate([part.confidence for part in parts]),
        printed=tuple(one for part in parts for one in part.printed),
        font=tuple(one for part in parts for one in part.font),
        vertical=np.concatenate([part.vertical for part in parts]),
        skipped=tuple(one + at for part, at in zip(parts, first, strict=False) for one in part.skipped),
    )


def _from_table(
    names: tuple[str, ...], table: Sequence[dict[str, str]], images: tuple[bytes, ...]
) -> SyntheticRecords:
    return SyntheticRecords(
        names=names,
        entity=np.array([int(row["entity_id"][1:]) for row in table], dtype=np.int64),
        side=np.array([SIDES.index(row["side"]) for row in table], dtype=np.int8),
        images=images,
        text=tuple(row["text"] for row in table),
        confidence=np.array([float(row["confidence"] or "nan") for row in table], dtype=np.float32),
        printed=tuple(row["printed"] for row in table),
        font=tuple(row["font"] for row in table),
        vertical=np.array([row["orientation"] == "vertical" for row in table], dtype=bool),
    )


def _number(confidence: float) -> str:
    return "" if np.isnan(confidence) else repr(np.float32(confidence).item())
