"""Parts of a page: names inside its charts, empty parts, escaped texts."""

from __future__ import annotations

import re

from linktransformer.charts import page
from linktransformer.charts.chart import chart_of
from linktransformer.charts.page import PairRow

CLIPPED = {
    "data": {"values": [{"x": 1}]},
    "mark": {"type": "bar", "clip": True},
    "encoding": {"x": {"field": "x"}},
}


def test_names_inside_charts_are_their_own() -> None:
    chart = chart_of(CLIPPED, "One", [], ["Advice <b>."])
    first, second = page.figure(chart, 0), page.figure(chart, 1)
    names = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, second)]
    for place, own in enumerate(names):
        assert own and all(name.startswith(f"c{place}-") for name in own)
    for own, svg in zip(names, (first, second), strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) == own
    assert "<li>Advice &lt;b&gt;.</li>" in first


def test_what_is_empty_is_left_out() -> None:
    assert page.section("A", ["", ""]) == page.plain_table(("a",), [], "b") == ""
    assert page.pair_table(["a"], ("left", "right"), [], "b") == ""


def test_a_null_is_said() -> None:
    html = page.pair_table(["a"], ("left", "right"), [PairRow(None, ("1", "2"), [("", "x")])], "b")
    assert '<span class="empty">empty</span>' in html and "–" in html
