"""Photographs and captions as the arrays of a `PhotoModel`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module

import numpy as np

from clippings.arrays import Floats
from clippings.errors import EncoderError
from clippings.records.bi_encoder_config import HINTS
from clippings.records.inputs import ImageBatch, Picture, Pixels, TextBatch
from clippings.records.photo_config import PhotoConfig
from clippings.text.onnx_encoder import OnnxTextEncoder
from model_hub import bundled

CENTRE, SPREAD = np.float32(127), np.float32(128)  # as EfficientNet-Lite was trained


class PhotoInputs:
    """Squares of pixels, and vectors of the bundled text model, which is loaded for the first text."""

    def __init__(self, config: PhotoConfig) -> None:
        self.config, self.photo_side = config, config.side

    def prepare(self, pictures: Sequence[Picture | None]) -> tuple[list[Pixels | None], Floats]:
        """Squares, (side, side, 3) uint8 or None; contrast and sharpness, (n, 2) float32, NaN for none."""
        module = import_module("clippings.pictures.photographs")
        quality = np.full((len(pictures), len(HINTS) - 1), np.nan, np.float32)
        squares: list[Pixels | None] = []
        for row, shown in enumerate(module.photographs(pictures, self.config.side)):
            squares.append(None if shown is None else shown.pixels)
            if shown is not None:
                quality[row] = shown.quality
        return squares, quality

    def image_batches(self, prepared: Sequence[Pixels | None], size: int) -> Iterator[ImageBatch]:
        """Normalised pixels, (n, 3, side, side) float32, of the prepared pictures that are not None."""
        squares = {row: pixels for row, pixels in enumerate(prepared) if pixels is not None}
        rows = np.array(list(squares), np.int64)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            pixels = normalised(np.stack([squares[row] for row in part.tolist()]))
            yield ImageBatch(part, pixels, np.ones((len(part), self.config.side), np.bool_))

    def text_batches(self, texts: Sequence[str], size: int) -> Iterator[TextBatch]:
        """Vectors of the text model, all in one batch."""
        wrong = next((text for text in list[object](texts) if not isinstance(text, str)), "")
        if not isinstance(wrong, str):
            raise EncoderError(
                f"A text was expected. Given: a {type(wrong).__name__}, {wrong!r:.60}. Convert it to str."
            )
        if texts:
            vectors = text_model(self.config.text_model).encode(list(texts))
            yield TextBatch(np.arange(len(texts)), vectors, np.ones((len(texts), 1), np.bool_))


def normalised(squares: Pixels) -> Floats:
    """Pixels, (n, side, side, 3) uint8, as the network takes them, (n, 3, side, side) float32."""
    values = (squares.astype(np.float32) - CENTRE) / SPREAD
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def text_model(name: str) -> OnnxTextEncoder:
    """The bundled text model of that name, loaded once a process."""
    return _text_model(os.getpid(), name)


@lru_cache(maxsize=2)
def _text_model(process: int, name: str) -> OnnxTextEncoder:
    return OnnxTextEncoder.from_folder(bundled(name))
