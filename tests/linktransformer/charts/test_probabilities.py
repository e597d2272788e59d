"""Curves over the threshold against sums of plain Python, and what the chart shows."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.charts.probabilities import Scored, curves, probability_chart


def plain(scores: list[float], threshold: float) -> tuple[float, float, int]:
    above = [score for score in scores if score >= threshold - 1e-6]
    precision = sum(above) / len(above) if above else float("nan")
    return precision, sum(above) / sum(scores), len(above)


def test_curves_are_sums() -> None:
    draw = np.random.default_rng(0)
    linked, others = draw.uniform(0.4, 1, 80).astype("f4"), draw.uniform(0, 0.4, 30).astype("f4")
    thresholds, precision, recall, count = curves(linked, others)
    scores = [*linked.tolist(), *others.tolist()]
    for values in zip(thresholds.tolist(), precision, recall, count, strict=True):
        assert values[1:] == pytest.approx(plain(scores, values[0]), nan_ok=True)


def test_a_score_at_the_threshold_is_above_it() -> None:
    assert curves(np.array([0.1, 0.7], "f4"), np.array([], "f4"))[3][[10, 70]].tolist() == [2, 1]


def test_nothing_to_show_is_no_error() -> None:
    none = np.array([], "f4")
    assert (
        probability_chart(Scored(none, none, ("a", "b"), None, "match probability", True), [])
        .to_svg()
        .startswith("<svg")
    )


def test_similarities_have_no_estimates() -> None:
    scored = Scored(np.array([0.9], "f4"), np.array([np.nan], "f4"), ("a", "b"), 0.5, "similarity", False)
    assert "precision" not in str(probability_chart(scored, []).spec)


def test_the_slider_starts_at_the_threshold() -> None:
    scored = Scored(np.array([0.9], "f4"), np.array([0.2], "f4"), ("a", "b"), 0.6, "match probability", True)
    spec = probability_chart(scored, []).spec
    (slider,) = spec["params"]
    assert slider["value"] == 0.6 and slider["bind"]["input"] == "range"
