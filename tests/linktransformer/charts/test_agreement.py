"""Bins of probabilities against the truth."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.charts.agreement import bins_of, reliability_chart, view_chart


def test_bins_are_means_with_intervals() -> None:
    draw = np.random.default_rng(0)
    p = np.append(draw.random(500), [1.0, 0.0])
    match = draw.random(502) < p
    bins = bins_of(p, match)
    place = np.minimum((p * 10).astype(int), 9)
    for number, one in enumerate(bins):
        inside = place == number
        assert one.pairs == inside.sum()
        assert one.mean == pytest.approx(p[inside].mean()) and one.right == pytest.approx(
            match[inside].mean()
        )
        assert 0 <= one.low <= one.right <= one.high <= 1
    # Wilson's interval of 8 in 10 at 90 %
    eight = bins_of(np.full(10, 0.95), np.arange(10) < 8)[0]
    assert (eight.low, eight.high) == (pytest.approx(0.541, abs=1e-3), pytest.approx(0.931, abs=1e-3))


def test_no_pair_is_no_error() -> None:
    none = np.array([], "f4")
    assert bins_of(none, none.astype(bool)) == []
    assert reliability_chart([], []).to_svg().startswith("<svg")


def test_a_view_that_knows_some_links() -> None:
    chart = view_chart(
        {"a": np.array([0.5, np.nan], "f4"), "b": np.array([np.nan, np.nan], "f4")}, {"a": 0.5}, []
    )
    titles = [panel["title"]["text"] for panel in chart.spec["vconcat"]]
    assert titles == ["a: 1 links compared, 50.0 % of them the most similar candidate", "b: 0 links compared"]
    assert chart.to_svg().startswith("<svg")
