"""Charts as values: forms, the missing extra, and cells that look like markup."""

from __future__ import annotations

import json
import re
import sys

import pytest

from linktransformer.charts import bars
from linktransformer.charts.chart import Chart
from linktransformer.errors import InvalidArgumentError, MissingExtraError

HOSTILE = '</script><script>alert("x")</script><!--'


def chart(name: str = "name") -> Chart:
    return bars.weight_chart({name: [-3.0, 0.5, 4.0]}, [f"What {name} is worth."])


def test_each_suffix_has_its_form(tmp_path) -> None:
    for suffix in (".svg", ".png", ".html", ".json", ".SVG"):
        chart().save(tmp_path / f"chart{suffix}")
    assert (tmp_path / "chart.svg").read_text().startswith("<svg")
    assert (tmp_path / "chart.png").read_bytes()[1:4] == b"PNG"
    assert json.loads((tmp_path / "chart.json").read_text()) == chart().spec
    page = (tmp_path / "chart.html").read_text()
    assert not re.search(r"<script[^>]+src=|<link[^>]+href=", page)
    assert len(page) > 400_000  # the scripts are inside


def test_another_suffix_is_refused(tmp_path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"'.pdf'. Give one of .svg, .png, .html, .json"):
        chart().save(tmp_path / "chart.pdf")


def test_without_the_extra(monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(MissingExtraError, match=re.escape("linktransformer[charts]")):
        chart().to_svg()
    chart().save(tmp_path / "chart.json")
    bundle = chart()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "application/vnd.vegalite.v5+json"}


def test_a_notebook_gets_the_specification_and_svg() -> None:
    bundle = chart()._repr_mimebundle_()
    assert bundle["application/vnd.vegalite.v5+json"] == chart().spec
    assert str(bundle["image/svg+xml"]).startswith("<svg")


def test_the_svg_has_an_alternative_text() -> None:
    assert (
        'role="img" aria-label="Match weights by column and similarity: What name is worth."'
        in chart().to_svg()
    )


def test_cells_that_look_like_markup_are_text() -> None:
    hostile = chart(HOSTILE)
    svg, page = hostile.to_svg(), hostile.to_html()
    assert "<script" not in svg
    assert HOSTILE not in page
    assert "\\u003c/script>\\u003cscript>alert(" in page
    plain = chart()
    assert page.count("</script>") == plain.to_html().count("</script>")
