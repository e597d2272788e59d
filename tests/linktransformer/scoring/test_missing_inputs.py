"""Similarities of candidates whose records lack a text or a picture."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.scoring.missing_inputs import line_of, without_gaps
from linktransformer.search.blocking import nodes
from linktransformer.search.candidate_search import Candidates

LEFT, RIGHT = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 0, 1, 2])
LEXICAL = np.array([0.9, 0.2, 0.4, 0.0, 0.7], dtype=np.float32)
FUSED = np.array([0.8, 0.1, 0.5, 0.3, 0.6], dtype=np.float32)
DENSE = np.array([0.7, 0.0, 0.35, 0.5, 0.5], dtype=np.float32)


def candidates(**views: np.ndarray) -> Candidates:
    return Candidates(LEFT, RIGHT, views, 3, 3)


def has(*truths: int) -> np.ndarray:
    return np.array(truths, dtype=bool)


BOTH = (nodes(np.arange(3)), nodes(np.arange(3)))


def test_a_missing_text_makes_the_similarity_unknown() -> None:
    found = without_gaps(candidates(lexical=LEXICAL), BOTH, {"lexical": (has(1, 1, 0), has(1, 0, 1))})
    np.testing.assert_array_equal(found.views["lexical"], [LEXICAL[0], np.nan, LEXICAL[2], np.nan, np.nan])


def test_a_missing_picture_gets_the_fused_cosine_on_the_line_of_the_others() -> None:
    known = {"dense": (has(1, 1, 0), has(1, 1, 1))}
    found = without_gaps(candidates(dense=DENSE, fused=FUSED), BOTH, known)
    slope, level = np.polyfit(FUSED[:3].astype(float), DENSE[:3].astype(float), 1)
    np.testing.assert_array_equal(found.views["dense"][:3], DENSE[:3])
    np.testing.assert_allclose(found.views["dense"][3:], level + slope * FUSED[3:], atol=1e-5)
    np.testing.assert_array_equal(found.views["fused"], FUSED)


def test_without_two_pictures_the_fused_cosine_stands_as_it_is() -> None:
    none = {"dense": (has(0, 0, 0), has(1, 1, 1))}
    found = without_gaps(candidates(dense=DENSE, fused=FUSED), BOTH, none)
    np.testing.assert_array_equal(found.views["dense"], FUSED)


def test_nothing_missing_changes_nothing() -> None:
    every = {"lexical": (has(1, 1, 1), has(1, 1, 1)), "dense": (has(0, 0, 0), has(0, 0, 0))}
    found = without_gaps(candidates(lexical=LEXICAL), BOTH, every)  # no view "dense"
    assert found.views.keys() == {"lexical"}
    np.testing.assert_array_equal(found.views["lexical"], LEXICAL)


@pytest.mark.parametrize("seed", range(3))
def test_the_line_is_that_of_least_squares(seed: int) -> None:
    x, y = np.random.default_rng(seed).normal(size=(2, 30)).astype(np.float32)
    np.testing.assert_allclose(line_of(x, y), np.polyfit(x.astype(float), y.astype(float), 1), atol=1e-5)
    assert line_of(np.full(3, 0.5, "f4"), np.array([0, 1, 2], "f4")) == (0.0, 1.0)
