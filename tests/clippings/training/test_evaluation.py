"""Validation by linking, against scores worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clippings.training.evaluation import LinkingTask, best_threshold, scores, search


class Fixed:
    """Vectors by text: a number of degrees."""

    def encode(self, texts: list[str]) -> np.ndarray:
        angle = np.radians([float(text) for text in texts])
        return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def test_each_query_takes_its_nearest_text_but_never_itself() -> None:
    task = LinkingTask(
        ("0", "10", "50", "55", "90"), np.array([0, 0, 1, 2, 3]), np.array([0, 2, 4]), np.arange(5)
    )
    found = search(Fixed(), task)
    assert found.correct.tolist() == [True, False, False] and found.has.tolist() == [True, False, False]
    np.testing.assert_allclose(found.score, np.cos(np.radians([10, 5, 35])), atol=1e-6)
    measured = scores(found, threshold=float(np.cos(np.radians(7))))
    assert measured["top1"] == 1.0 and measured["f1"] == 0.0 and measured["precision"] == 0.0


def test_a_corpus_without_texts_links_nothing() -> None:
    task = LinkingTask(("0", "10"), np.array([0, 0]), np.array([0]), np.array([], dtype=np.int64))
    assert scores(search(Fixed(), task))["f1"] == 0.0


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=25),
    st.integers(0, 5),
)
def test_no_other_threshold_is_better(pairs: list[tuple[int, bool]], missed: int) -> None:
    score = np.array([value / 7 for value, _ in pairs])
    correct = np.array([right for _, right in pairs])
    matches = int(correct.sum()) + missed
    f1, threshold = best_threshold(score, correct, matches)

    def at(level: float) -> float:
        linked = score >= level
        return 2 * int((linked & correct).sum()) / max(1, int(linked.sum()) + matches)

    assert f1 == pytest.approx(at(threshold))
    assert f1 == pytest.approx(max(at(level) for level in [*score, 2.0]))
