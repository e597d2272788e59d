"""Training data of a model of pictures and texts: records and their entities."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from clippings.arrays import Bools, Floats, Integers
from clippings.errors import TrainingError

Pixels = npt.NDArray[np.uint8]
Draws = Callable[[Integers, int], Sequence[Pixels | None]]
QUALITIES = 2  # contrast and sharpness of a strip


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """A second text of every record, such as of another OCR engine.

    Attributes:
        texts: One a record, "" where there is none.
        confidence: 0 to 1, NaN where it is not known, (n,) float32.
    """

    texts: tuple[str, ...]
    confidence: Floats


@dataclass(frozen=True, slots=True, eq=False)
class RecordExamples:
    """Records to train on; optional fields that are empty are filled in.

    Attributes:
        texts: One a record, "" where there is none.
        strips: The line of each record as uint8 pixels, (short side, length) or upright (length, short side),
            None where there is no picture. Or a function of numbers of records and an epoch that draws them:
            then `has_image` has to be given.
        entity: Equal numbers name one entity, (n,) int64; negative where it is not known.
        side: Which of the two tables a record is of, 0 or 1, (n,) int8; all 0 unless given.
        confidence: Of the text, 0 to 1, NaN where it is not known, (n,) float32; NaN unless given.
        quality: Contrast and sharpness of the picture, (n, 2) float32; NaN unless given.
        has_image: Which records have a picture, (n,) bool.
        readings: Further texts of the records, of which training draws one each time.

    Raises:
        TrainingError: The parts do not fit together, or there is nothing to learn from.

    Example:
        >>> line = np.zeros((32, 40), np.uint8)
        >>> records = RecordExamples(("Mill", ""), [line, line], np.array([7, -1]))
        >>> len(records), records.has_text.tolist(), records.has_image.tolist()
        (2, [True, False], [True, True])
    """

    texts: tuple[str, ...]
    strips: Sequence[Pixels | None] | Draws
    entity: Integers
    side: npt.NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    confidence: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    quality: Floats = field(default_factory=lambda: np.zeros((0, QUALITIES), np.float32))
    has_image: Bools = field(default_factory=lambda: np.zeros(0, np.bool_))
    readings: tuple[Readings, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.texts)
        if not n:
            raise TrainingError("There is nothing to learn from. Given: no record. Give some.")
        self._fill(n)
        if isinstance(self.strips, Sequence) and len(self.strips) == n:
            for number, strip in enumerate(self.strips):
                if strip is not None and not _is_strip(strip):
                    raise TrainingError(
                        f"A strip is an array (h, w) of uint8. Given: {_shape(strip)} for record {number}. "
                        "Give what `clippings.pictures.strips.strip` makes, or None."
                    )
        sizes = {
            "texts": n,
            "strips": len(self.strips) if isinstance(self.strips, Sequence) else n,
            **{name: len(getattr(self, name)) for name in ("entity", "side", "confidence", "quality")},
            "has_image": len(self.has_image),
            **{f"readings[{i}]": len(one.texts) for i, one in enumerate(self.readings)},
            **{f"confidence of readings[{i}]": len(one.confidence) for i, one in enumerate(self.readings)},
        }
        wrong = {name: size for name, size in sizes.items() if size != n}
        if wrong or self.quality.shape != (n, QUALITIES):
            raise TrainingError(
                f"The records do not fit together. Given: {n} texts, {wrong or self.quality.shape}. Give "
                f"every part one entry a record, and {QUALITIES} qualities."
            )
        if not np.isin(self.side, (0, 1)).all():
            raise TrainingError(
                f"A record is of side 0 or 1. Given: {sorted(set(self.side.tolist()))[:5]}. Give these."
            )
        if not (self.has_image | self.has_text).any():
            raise TrainingError(
                f"There is nothing to learn from. Given: {n} records without text and without picture."
            )

    def _fill(self, n: int) -> None:
        """Fill in the defaults of empty fields."""

        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        if callable(self.strips):
            if not len(self.has_image):
                raise TrainingError(
                    "It is not known which records have a picture. Given: strips as a function. Give "
                    "has_image."
                )
        elif not len(self.has_image):
            put("has_image", np.array([strip is not None for strip in self.strips], np.bool_))
        if not len(self.side):
            put("side", np.zeros(n, np.int8))
        if not len(self.confidence):
            put("confidence", np.full(n, np.nan, np.float32))
        if not len(self.quality):
            put("quality", np.full((n, QUALITIES), np.nan, np.float32))

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def has_text(self) -> Bools:
        """Which records have a text, (n,) bool."""
        return np.array([bool(text.strip()) for text in self.texts], np.bool_)

    def pixels(self, numbers: Integers, epoch: int) -> Sequence[Pixels | None]:
        """The strips of records by their numbers, (k,); a function draws them for the epoch."""
        if callable(self.strips):
            return self.strips(numbers, epoch)
        return [self.strips[number] for number in numbers.tolist()]

    def groups(self) -> Integers:
        """A number from 0 for every entity, and for every record without one, (n,) int64."""
        entity = np.where(self.entity >= 0, self.entity, -1 - np.arange(len(self.entity)))
        numbers: Integers = np.unique(entity, return_inverse=True)[1].reshape(-1).astype(np.int64)
        return numbers

    def text_keys(self) -> Integers:
        """Equal numbers for texts with an equal `plain` form; -1 for none, (n,) int64."""
        return _keys([plain(text) or None for text in self.texts])

    def picture_keys(self) -> Integers:
        """Equal numbers for equal pictures, -1 for none, (n,) int64; drawn ones all differ."""
        if callable(self.strips):
            return np.where(self.has_image, np.arange(len(self)), -1)
        return _keys(
            [
                None
                if strip is None
                else hashlib.sha256(repr(strip.shape).encode() + strip.tobytes()).digest()
                for strip in self.strips
            ]
        )

    def fingerprint(self) -> str:
        """A hash of all records, 32 hexadecimal digits."""
        digest = hashlib.sha256()
        for text in (*self.texts, *(text for one in self.readings for text in one.texts)):
            digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
        arrays = [self.entity, self.side, self.confidence, self.quality, self.has_image, self.picture_keys()]
        for part in (*arrays, *(one.confidence for one in self.readings)):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()[:32]


def take(records: RecordExamples, rows: Integers) -> RecordExamples:
    """The records of some rows, (k,) int64; their strips have to be in memory."""
    if callable(records.strips):
        raise TrainingError(
            "Records whose strips are drawn cannot be split. Given: a function. Give strips in memory."
        )
    strips, numbers = records.strips, rows.tolist()

    def texts(all_texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(all_texts[row] for row in numbers)

    return RecordExamples(
        texts(records.texts),
        [strips[row] for row in numbers],
        records.entity[rows],
        records.side[rows],
        records.confidence[rows],
        records.quality[rows],
        records.has_image[rows],
        tuple(Readings(texts(one.texts), one.confidence[rows]) for one in records.readings),
    )


def plain(text: str) -> str:
    """A text without differences of width, case and white space: NFKC, case-folded.

    Example:
        >>> plain("Ｍｉｌｌ & Co")
        'mill&co'
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def join(parts: Sequence[RecordExamples]) -> RecordExamples:
    """Several sets of records as one; entities of different sets are different."""
    counts = {len(part.readings) for part in parts}
    if len(counts) != 1 or any(callable(part.strips) for part in parts):
        raise TrainingError(
            f"These records cannot be joined. Given: {len(parts)} sets with {sorted(counts)} readings. Give "
            "sets with equally many readings, and strips in memory."
        )
    entity, shift = [], 0
    for part in parts:
        entity.append(np.where(part.entity >= 0, part.entity + shift, -1))
        shift += int(part.entity.max(initial=-1)) + 1
    return RecordExamples(
        tuple(text for part in parts for text in part.texts),
        [strip for part in parts for strip in part.pixels(np.arange(len(part)), 0)],
        np.concatenate(entity),
        np.concatenate([part.side for part in parts]),
        np.concatenate([part.confidence for part in parts]),
        np.concatenate([part.quality for part in parts]),
        np.concatenate([part.has_image for part in parts]),
        tuple(
            Readings(
                tuple(text for part in parts for text in part.readings[i].texts),
                np.concatenate([part.readings[i].confidence for part in parts]),
            )
            for i in range(counts.pop())
        ),
    )


def _keys(values: Sequence[Hashable]) -> Integers:
    number: dict[Hashable, int] = {}
    return np.array(
        [-1 if value is None else number.setdefault(value, len(number)) for value in values], np.int64
    )


def _is_strip(strip: object) -> TypeGuard[Pixels]:
    return isinstance(strip, np.ndarray) and strip.dtype == np.uint8 and strip.ndim == 2 and strip.size > 0


def _shape(strip: object) -> str:
    return f"{strip.dtype} {strip.shape}" if isinstance(strip, np.ndarray) else type(strip).__name__
