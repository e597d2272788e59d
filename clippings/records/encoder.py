"""Records in, vectors out: of the picture, of the text, and of both, for any model of pictures and texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

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
    """The vectors of records; a row is zeros where there is nothing to make it of.

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
    """What linking needs of a model of pictures and texts."""

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
            confidence: How sure the OCR was of each text, 0 to 1, nan where it is not known, (n,). None: not
                known.
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
    """A model that is run: arrays in, arrays out."""

    def image(self, batch: ImageBatch) -> Floats:
        """Unit rows of pictures.

        Args:
            batch: Prepared pictures.

        Returns:
            (n, dim) float32.
        """

    def text(self, batch: TextBatch) -> Floats:
        """Unit rows of texts.

        Args:
            batch: Prepared texts.

        Returns:
            (n, dim) float32.
        """

    def fuse(self, image: Floats, text: Floats, has_image: Bools, has_text: Bools, hints: Floats) -> Floats:
        """Unit rows of records.

        Args:
            image: Unit rows of pictures, (n, dim).
            text: Unit rows of texts, (n, dim).
            has_image: Whether each record has a picture, (n,) bool.
            has_text: Whether each record has a text, (n,) bool.
            hints: Confidence, contrast and sharpness, (n, 3); nan is unknown.

        Returns:
            (n, dim) float32.
        """


class TowerEncoder:
    """The `RecordEncoder` of any model with towers; torch and ONNX differ in `towers` only.

    Attributes:
        name: The model's name.
        dim: Length of a vector.
        device: Where it runs.
        inputs: The way from pictures and texts to arrays.
        towers: The model.
        serializer: How rows were written when the model was trained, or None.
        decision: The file that says how scores become links, or None.
        cache_key: What its vectors depend on, where it was opened from a verified folder, or None.
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
        self.serializer: Mapping[str, Any] | None = None
        self.decision: Path | None = None
        self.cache_key: str | None = None

    @property
    def texts_at_once(self) -> int:
        """Texts whose vectors may depend on one another in the last bits."""
        return TEXTS

    @property
    def records_at_once(self) -> int:
        """Records of which the same holds."""
        return CHUNK

    def encode_records(
        self,
        texts: Sequence[str | None],
        pictures: Sequence[Picture | None],
        *,
        confidence: npt.ArrayLike | None = None,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> RecordVectors:
        """Turn records into vectors of their pictures, their texts, and both.

        Args:
            texts: A text each; None and blank texts are missing.
            pictures: A picture each; None, and one without pixels, is missing.
            confidence: How sure the OCR was of each text, 0 to 1, nan where it is not known, (n,).
            batch_size: At most so many at once; it changes the speed, and the vectors by no more than 1e-5.
            progress: Called with the number of records done since its last call.

        Returns:
            The vectors.

        Raises:
            EncoderError: The lengths differ, or something is no text or no picture.
        """
        size = self._size(batch_size)
        n = len(texts)
        hints = _hints(n, len(pictures), confidence)
        has_text = np.array([text is not None and not _blank(text) for text in texts], np.bool_)
        has_image = np.array([picture is not None and picture.pixels is not None for picture in pictures],
                             np.bool_)  # fmt: skip
        image, text, fused = (np.zeros((n, self.dim), np.float32) for _ in range(3))
        for start in range(0, n, CHUNK):
            part = slice(start, start + CHUNK)
            prepared, hints[part, 1:] = self.inputs.prepare(pictures[part])
            for batch in self.inputs.image_batches(prepared, size):
                image[start + batch.rows] = self.towers.image(batch)
            rows = start + np.flatnonzero(has_text[part])
            text[rows] = self._texts([texts[row] for row in rows.tolist()], size)
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
        """Turn texts into unit vectors.

        Args:
            texts: Any texts; an empty one has a vector too. Lone surrogates are read as U+FFFD.
            batch_size: At most so many at once; it changes the speed, and the vectors by no more than 1e-5.
            progress: Called with the number of texts done since its last call.

        Returns:
            Float32 (n_texts, dim), rows of length one.

        Raises:
            EncoderError: `texts` is one string or holds something else than strings.
        """
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

    def _texts(self, texts: Sequence[Any], size: int) -> Floats:
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for batch in self.inputs.text_batches(texts, size):
            vectors[batch.rows] = self.towers.text(batch)
        return vectors

    def _size(self, batch_size: int | None) -> int:
        if batch_size is not None and batch_size < 1:
            raise EncoderError(f"batch_size has to be 1 or more. Given: {batch_size}. None chooses it.")
        return self.batch_size if batch_size is None else batch_size


def _hints(n: int, n_pictures: int, confidence: npt.ArrayLike | None) -> Floats:
    """A row a record: the confidence, and places for what is known of the picture."""
    given = None if confidence is None else np.asarray(confidence, np.float32)
    if n != n_pictures or (given is not None and given.shape != (n,)):
        told = "" if given is None else f", confidence of shape {given.shape}"
        raise EncoderError(
            f"Every record has one text and one picture. Given: {n} texts, {n_pictures} pictures{told}. "
            "Give as many of each, None where one is missing."
        )
    hints = np.full((n, len(HINTS)), np.nan, np.float32)
    if given is not None:
        hints[:, 0] = given
    return hints


def _blank(text: object) -> bool:
    # what is no string is not blank: whoever reads it says so
    return isinstance(text, str) and not text.strip()
