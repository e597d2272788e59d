"""Encode records: vectors of the picture, of the text, and of both, for any model of pictures and texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from clippings.arrays import Bools, Floats
from clippings.errors import EncoderError
from clippings.records.bi_encoder_config import HINTS
from clippings.records.inputs import ImageBatch, Inputs, Picture, TextBatch

CHUNK = 1024  # records whose pictures are held ready at once
TEXTS = 8192  # texts that are sorted by length together


@dataclass(frozen=True, slots=True, eq=False)
class RecordVectors:
    """The vectors of records; rows of missing pictures and texts are zeros.

    Attributes:
        image: Of the pictures, unit rows (n, dim) float32.
        text: Of the texts, (n, dim).
        fused: Of both, or of the one that is there, (n, dim).
        has_image: Whether there is a picture, (n,) bool.
        has_text: Whether there is a text that is not empty, (n,) bool.
    """

    image: Floats
    text: Floats
    fused: Floats
    has_image: Bools
    has_text: Bools


class RecordEncoder(Protocol):
    """A model of pictures and texts, as linking uses it."""

    name: str
    dim: int

    def encode_records(
        self,
        texts: Sequence[str | None],
        pictures: Sequence[Picture | None],
        *,
        confidence: npt.ArrayLike | None = None,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> RecordVectors:
        """Turn records into vectors.

        Args:
            texts: A text each; None where there is none.
            pictures: A picture each; None where there is none.
            confidence: The OCR engine's confidence in each text, 0 to 1, (n,); nan and None for unknown.
            batch_size: At most so many at once; None leaves it to the model.
            progress: Called with the number of records done since its last call.

        Returns:
            Vectors of pictures, of texts and of both together.
        """

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Floats:
        """Turn texts into float32 unit rows, as any text model does.

        Args:
            texts: The texts.
            batch_size: At most so many at once; None leaves it to the model.
            progress: Called with the number of texts done since its last call.

        Returns:
            (n_texts, dim) float32.
        """


class Towers(Protocol):
    """A loaded model: arrays in, arrays out."""

    def image(self, batch: ImageBatch) -> Floats:
        """Unit rows of pictures, (n, dim) float32."""

    def text(self, batch: TextBatch) -> Floats:
        """Unit rows of texts, (n, dim) float32."""

    def fuse(self, image: Floats, text: Floats, has_image: Bools, has_text: Bools, hints: Floats) -> Floats:
        """Unit rows of records, (n, dim) float32, from rows (n, dim), masks (n,) and hints (n, 3)."""


class TowerEncoder:
    """The `RecordEncoder` of any model with towers; torch and ONNX differ in `towers` only.

    Attributes:
        name: The model's name.
        dim: Length of a vector.
        device: Where it runs.
        inputs: Turns pictures and texts into arrays.
        towers: The model.
        serializer: How rows became texts in training, or None.
        decision: The file that turns scores into links, or None.
        cache_key: A hash of what its vectors depend on, if it was loaded from a verified folder, or None.
    """

    def __init__(
        self,
        name: str,
        dim: int,
        inputs: Inputs,
        towers: Towers,
        *,
        batch_size: int = 64,
        device: str = "cpu",
    ) -> None:
        self.name, self.dim, self.inputs, self.towers = name, dim, inputs, towers
        self.batch_size, self.device = batch_size, device
        self.serializer: Mapping[str, object] | None = None
        self.decision: Path | None = None
        self.cache_key: str | None = None

    @property
    def photo_side(self) -> int:
        """Pictures are read in colour with a short side of so many pixels; 0: in grey, as lines of print."""
        return self.inputs.photo_side

    def encode_records(
        self,
        texts: Sequence[str | None],
        pictures: Sequence[Picture | None],
        *,
        confidence: npt.ArrayLike | None = None,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> RecordVectors:
        """Vectors of records, see `RecordEncoder`; `batch_size` changes them by no more than 1e-5."""
        size = self._size(batch_size)
        n = len(texts)
        hints = _hints(n, len(pictures), confidence)
        has_text = np.array([text is not None and not _blank(text) for text in texts], np.bool_)
        has_image = np.array([picture is not None and _usable(picture) for picture in pictures], np.bool_)
        image, text, fused = (np.zeros((n, self.dim), np.float32) for _ in range(3))
        for start in range(0, n, CHUNK):
            part = slice(start, start + CHUNK)
            prepared, hints[part, 1:] = self.inputs.prepare(pictures[part])
            for batch in self.inputs.image_batches(prepared, size):
                image[start + batch.rows] = self.towers.image(batch)
            rows = start + np.flatnonzero(has_text[part])
            text[rows] = self._texts(
                [value for row in rows.tolist() if (value := texts[row]) is not None], size
            )
            fused[part] = self.towers.fuse(
                image[part], text[part], has_image[part], has_text[part], hints[part]
            )
            if progress is not None:
                progress(len(fused[part]))
        return RecordVectors(image, text, fused, has_image, has_text)

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Floats:
        """Unit vectors of texts, (n_texts, dim); lone surrogates are read as U+FFFD."""
        if isinstance(texts, (str, bytes)):
            raise EncoderError(
                f"encode takes a list of texts. Given: one {type(texts).__name__}. Put it in a list."
            )
        size = self._size(batch_size)
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for start in range(0, len(texts), TEXTS):
            part = list(texts[start : start + TEXTS])
            vectors[start : start + TEXTS] = self._texts(part, size)
            if progress is not None:
                progress(len(part))
        return vectors

    def _texts(self, texts: Sequence[str], size: int) -> Floats:
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for batch in self.inputs.text_batches(texts, size):
            vectors[batch.rows] = self.towers.text(batch)
        return vectors

    def _size(self, batch_size: int | None) -> int:
        if batch_size is not None and batch_size < 1:
            raise EncoderError(f"batch_size has to be 1 or more. Given: {batch_size}. None chooses it.")
        return self.batch_size if batch_size is None else batch_size


def _usable(picture: Picture) -> bool:
    """Whether a picture has pixels; one that is kept as JPEG is not decoded to find out."""
    kept = getattr(picture, "content", None)
    return isinstance(kept, bytes) or picture.pixels is not None


def _hints(n: int, n_pictures: int, confidence: npt.ArrayLike | None) -> Floats:
    """The inputs of fusion, (n, 3): the confidence, and NaN for contrast and sharpness."""
    values = None if confidence is None else np.asarray(confidence, np.float32)
    if n != n_pictures or (values is not None and values.shape != (n,)):
        shape = "" if values is None else f", confidence of shape {values.shape}"
        raise EncoderError(
            f"Every record has one text and one picture. Given: {n} texts, {n_pictures} pictures{shape}. "
            "Give as many of each, None where one is missing."
        )
    hints = np.full((n, len(HINTS)), np.nan, np.float32)
    if values is not None:
        hints[:, 0] = values
    return hints


def _blank(text: object) -> bool:
    # a value that is not a string is not blank: reading it raises
    return isinstance(text, str) and not text.strip()
