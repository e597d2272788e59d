"""Perceptual hashes as vectors of records: cosines are distances, and texts have no vector."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PIL", reason="pillow is not installed: pictures are not hashed")

from clippings import PerceptualHash, read_pictures
from clippings.pictures.perceptual_hash import perceptual_hash
from tests.scenes import scene


def test_cosines_are_distances() -> None:
    pictures = [scene(number) for number in range(4)]
    done: list[int] = []
    found = PerceptualHash().encode_records(
        ["a"] * 5, [*read_pictures(pictures, colour=True), None], progress=done.append
    )
    bits = np.stack([perceptual_hash(picture) for picture in pictures])
    distance = (bits[:, None] != bits[None]).sum(axis=2)
    np.testing.assert_allclose(found.image[:4] @ found.image[:4].T, 1 - distance / 32, atol=1e-6)
    assert (found.fused == found.image).all() and not found.text.any() and not found.image[4].any()
    assert found.has_image.tolist() == [True] * 4 + [False] and not found.has_text.any() and sum(done) == 5
    assert PerceptualHash().encode(["a", "b"]).shape == (2, 64)
