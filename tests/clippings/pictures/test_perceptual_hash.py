"""The hash of a picture is that of its copies, and its mirror image's is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PIL", reason="pillow is not installed: pictures are not hashed")

from PIL import Image

from clippings.pictures.perceptual_hash import BITS, perceptual_hash
from tests.scenes import scene


def distance(a: np.ndarray, b: np.ndarray) -> int:
    return int((perceptual_hash(a) != perceptual_hash(b)).sum())


def test_copies_are_near_and_other_pictures_are_far() -> None:
    for number in range(5):
        picture = scene(number)
        assert perceptual_hash(picture).shape == (BITS,)
        assert distance(picture, np.asarray(Image.fromarray(picture).resize((320, 240)))) <= 2
        assert distance(picture, np.asarray(Image.fromarray(picture).resize((80, 60)))) <= 4
        assert distance(picture, (picture * 0.6 + 60).astype(np.uint8)) <= 4
        assert distance(picture, scene(number + 50)) >= 16


def test_bits_are_those_of_the_cosine_transform() -> None:
    small = np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)
    place = np.arange(32)
    basis = np.cos(np.pi * place[:8, None] * (2 * place[None] + 1) / 64)
    low = np.einsum("ai,ij,bj->ab", basis, small.astype(float), basis).ravel()  # pixels are not resized
    assert (perceptual_hash(small) == (low > np.median(low[1:]))).all()
