"""Records with gaps: who misses what, and that nobody misses both."""

from __future__ import annotations

import numpy as np

from .ocr_extras import with_gaps
from .ocr_firms import Book, Split


def test_a_third_is_mute_and_another_third_is_blind() -> None:
    n = 90
    names = tuple(f"r{row}" for row in range(n))
    book = Book(names, names, {"ocr_noisy": names, "ocr_clean": names}, {"ocr_noisy": np.ones(n)})
    found = with_gaps(Split("valid", book, book), seed=3)
    for side in (found.source, found.target):
        mute = np.array([not text for text in side.texts["ocr_noisy"]])
        blind = np.array([not image for image in side.images])
        assert mute.sum() == blind.sum() == 30 and not (mute & blind).any()
        assert [not text for text in side.texts["ocr_clean"]] == mute.tolist()
        assert (side.confidence["ocr_noisy"] == ~mute).all()
        assert all(text in ("", name) for text, name in zip(side.texts["ocr_noisy"], names, strict=True))
    assert found.source.images != found.target.images  # each side draws its own
    assert with_gaps(Split("valid", book, book), seed=3).source.images == found.source.images
