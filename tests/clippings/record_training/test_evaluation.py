"""Links by picture, text and both, and the share treated rightly as counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clippings.record_training.evaluation import best_cutoff, evaluate, link, no_match, task
from clippings.record_training.examples import RecordExamples
from clippings.records.encoder import RecordVectors as Vectors
from clippings.training.evaluation import Nearest


def examples(entity: list[int], side: list[int]) -> RecordExamples:
    return RecordExamples(
        ("t",) * len(entity), [None] * len(entity), np.array(entity), np.array(side, np.int8)
    )


founds = st.lists(st.tuples(st.sampled_from([-np.inf, 0.1, 0.2, 0.3, 0.9]), st.booleans(), st.booleans()))


@settings(max_examples=100, deadline=None)
@given(founds)
def test_no_cutoff_is_better_than_the_best_one(drawn) -> None:
    score = np.array([s for s, _, _ in drawn], np.float32)
    has = np.array([h for _, h, _ in drawn], np.bool_)
    correct = np.array([c for _, _, c in drawn], np.bool_) & has & np.isfinite(score)
    found = Nearest(score, correct, has)
    best = no_match(found, best_cutoff(found))
    for cutoff in (0.0, 0.15, 0.25, 0.6, 1.0) if np.isfinite(score).any() else ():
        by_hand = [
            (c and s >= cutoff) if h else s < cutoff for s, c, h in zip(score, correct, has, strict=True)
        ]
        assert no_match(found, cutoff) == pytest.approx(np.mean(by_hand))
        assert best >= np.mean(by_hand) - 1e-12


def test_links_by_each_kind() -> None:
    #          asks: 0 1 2(no answer) 3(no vector)   searched: 4 5 6
    one = examples([0, 1, 9, 1, 0, 1, 2], [0, 0, 0, 0, 1, 1, 1])
    eye = np.eye(3, dtype=np.float32)
    image = eye[[0, 0, 2, 0, 0, 1, 2]]  # the second query is taken for entity 0
    text = eye[[0, 1, 1, 0, 0, 1, 2]]
    has = np.array([True, True, True, False, True, True, True])
    image[3] = text[3] = 0
    vectors = Vectors(image, text, (image + text) / 2, has, has)
    found = evaluate(vectors, task(one))
    assert found["image_top1"] == pytest.approx(1 / 3) and found["text_top1"] == pytest.approx(2 / 3)
    # by text: 0 and 1 right, 2 is linked at cosine 1 too, 3 has an answer and no link
    assert found["text_no_match"] == pytest.approx(0.5)
    of_text = link(text, has, task(one))
    assert of_text.score.tolist() == [1, 1, 1, -np.inf] and of_text.has.tolist() == [True, True, False, True]
    again = evaluate(vectors, task(one), dict.fromkeys(found, 2.0))
    assert again["fused_no_match"] == pytest.approx(0.25) and again["fused_top1"] == found["fused_top1"]


def test_a_record_without_picture_is_found_by_none() -> None:
    one = examples([0, 0, 1], [0, 1, 1])
    vectors = np.eye(3, dtype=np.float32)[[0, 1, 0]]
    found = link(vectors, np.array([True, True, False]), task(one))
    assert found.correct.tolist() == [True]


def test_the_definition_of_the_data_sets_scorer() -> None:
    """Its cutoff and accuracy, written out: midpoints of neighbours, the lowest of ties."""
    draw = np.random.default_rng(3)
    score = draw.normal(size=50).round(1).astype(np.float32)
    has, correct = draw.random(50) < 0.7, draw.random(50) < 0.6
    found = Nearest(score, correct & has, has)
    values = np.unique(score).astype(float)
    cuts = np.r_[values[0] - 1e-6, (values[1:] + values[:-1]) / 2, values[-1] + 1e-6]
    shares = [np.where(has, correct & (score >= cut), score < cut).mean() for cut in cuts]
    assert best_cutoff(found) == pytest.approx(cuts[int(np.argmax(shares))])
    assert no_match(found, best_cutoff(found)) == pytest.approx(max(shares))
