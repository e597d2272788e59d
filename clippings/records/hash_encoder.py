"""Perceptual hashes behind the interface of a model of pictures and texts: fast, and no weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from clippings.arrays import Floats
from clippings.pictures.perceptual_hash import BITS, perceptual_hash
from clippings.records.encoder import RecordVectors
from clippings.records.inputs import Picture


class PerceptualHash:
    """An encoder whose vectors are perceptual hashes: the cosine of two is 1 - distance / 32.

    It finds copies of a picture that were resized, recoloured or stored with loss, 1,000 a second, and fails
    on crops, mirroring and other pictures of the same thing. Texts have no vector; they are compared by
    n-grams and words, as everywhere.

    Attributes:
        name: "perceptual hash".
        dim: 64.
        photo_side: Pictures are read with a short side of so many pixels.

    Example:
        >>> from clippings import read_pictures
        >>> ramp = np.tile(np.arange(100, dtype=np.uint8), (50, 1))
        >>> vectors = PerceptualHash().encode_records(["a", "b"], read_pictures([ramp, ramp[::2, ::2]]))
        >>> round(float(vectors.image[0] @ vectors.image[1]), 3)
        1.0
    """

    name = "perceptual hash"
    dim = BITS
    photo_side = 64
    cache_key = "perceptual hash 1"

    def encode_records(
        self,
        texts: Sequence[str | None],
        pictures: Sequence[Picture | None],
        *,
        confidence: npt.ArrayLike | None = None,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> RecordVectors:
        """Hashes of pictures.

        Args:
            texts: A text each, or None; not read.
            pictures: A picture each; None where there is none.
            confidence: Not read.
            batch_size: Not read.
            progress: Called with the number of records done since its last call.

        Returns:
            The hashes as unit rows, in the views of pictures and of both; zeros for texts.
        """
        rows = np.zeros((len(pictures), self.dim), np.float32)
        has_image = np.zeros(len(pictures), np.bool_)
        for place, picture in enumerate(pictures):
            pixels = None if picture is None else picture.pixels
            if pixels is not None:
                has_image[place] = True
                rows[place] = (2.0 * perceptual_hash(pixels) - 1) / np.sqrt(self.dim)
        if progress is not None:
            progress(len(pictures))
        nothing = np.zeros_like(rows)
        return RecordVectors(rows, nothing, rows.copy(), has_image, np.zeros(len(texts), np.bool_))

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Floats:
        """Vectors of texts, which have none.

        Args:
            texts: The texts.
            batch_size: Not read.
            progress: Called with the number of texts done since its last call.

        Returns:
            Zeros, (n_texts, 64) float32.
        """
        if progress is not None:
            progress(len(texts))
        return np.zeros((len(texts), self.dim), np.float32)
