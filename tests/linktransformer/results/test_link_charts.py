"""Charts of links: they show what reports and explanations say, and refuse what links do not have."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError
from linktransformer.results.link_charts import KINDS
from tests.flows.test_explain import people

pytestmark = pytest.mark.filterwarnings("ignore::linktransformer.errors.LinkWarning")
ON = ["name", "town", "year"]


@pytest.fixture(scope="module")
def links() -> lt.Links:
    left, right = people()
    return lt.link(left, right, on=ON, model="lexical")


def truth(links: lt.Links) -> pd.DataFrame:
    left, right = people()
    names = {name.rsplit(" ", 1)[1]: label for label, name in left["name"].items()}
    return pd.DataFrame(
        {"left": [names[name.rsplit(" ", 1)[1]] for name in right["name"]], "right": right.index}
    )


def test_every_kind_is_drawn(links: lt.Links) -> None:
    more = {"pair": {"link": 0}, "reliability": {"truth": truth(links)}}
    for kind in KINDS:
        chart = links.chart(kind, **more.get(kind, {}))
        assert chart.to_svg().startswith("<svg") and chart.description


def test_the_waterfall_is_the_explanation(links: lt.Links) -> None:
    bars = links.chart("pair", link=3).spec["data"]["values"]
    contributions = links.explain(3)["contribution"]
    assert bars[0]["item"] == "base line"
    assert bars[-1]["to"] == pytest.approx(contributions.sum(), abs=1e-3)
    p = float(links.score[3])
    assert bars[-1]["to"] == pytest.approx(np.log2(p / (1 - p)), abs=1e-2)
    pairs = links.pairs
    by_label = links.chart("pair", left=pairs["left"][3], right=pairs["right"][3])
    assert by_label.spec == links.chart("pair", link=3).spec


def test_curves_agree_with_the_report(links: lt.Links) -> None:
    report = links.report()
    assert f"precision {report['precision']:.3f}" in links.chart().description
    lines = links.chart().spec["vconcat"][2]["data"]["values"]
    at = min({line["threshold"] for line in lines}, key=lambda t: abs(t - report["threshold"]))
    shown = {line["curve"]: line["value"] for line in lines if line["threshold"] == at}
    assert shown["estimated precision"] == pytest.approx(report["precision"], abs=0.03)
    assert shown["estimated recall"] == pytest.approx(report["recall"], abs=0.03)


def test_rows_are_counted_once_by_reason(links: lt.Links) -> None:
    values = links.chart("unlinked").spec["data"]["values"]
    for table in (links.left, links.right):
        assert sum(value["rows"] for value in values if value["side"] == table.name) == table.n_rows


def test_the_best_candidate_of_a_view(links: lt.Links) -> None:
    """The share against plain comparisons of all candidates."""
    evidence = links.evidence
    node = [evidence.nodes[side].node_of_row for side in (0, 1)]
    searched = evidence.searched
    first = []
    for left, right in zip(links.left_rows, links.right_rows, strict=True):
        own = np.flatnonzero(searched.left == node[0][left])
        similarity = searched.views["lexical"][own]
        best = set(searched.right[own][similarity >= np.nanmax(similarity)].tolist())
        first.append(node[1][right] in best)
    titles = [panel["title"]["text"] for panel in links.chart("views").spec["vconcat"]]
    assert f"{np.mean(first):.1%}".replace("%", " %") in next(t for t in titles if t.startswith("lexical"))


def test_reliability_counts_pairs_of_the_truth(links: lt.Links) -> None:
    chart = links.chart("reliability", truth=truth(links))
    right = round(links.evaluate(truth(links))["precision"] * len(links))
    counted = int(re.search(r"([\d,]+) of these pairs", chart.description)[1])
    assert right <= counted <= right + int((links.left_reason > 0).sum())


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        ("bars", {}, "kind='bars' is not one of 'probability'"),
        ("pair", {}, "needs a link or two labels"),
        ("pair", {"link": 0, "left": "L1", "right": "R1"}, "needs a link or two labels"),
        ("pair", {"link": 10**6}, "link=1000000 is not a link"),
        ("reliability", {}, "needs the true pairs"),
    ],
)
def test_what_is_missing_is_said(links: lt.Links, kind: str, more: dict, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        links.chart(kind, **more)


def test_links_without_probabilities_or_without_links() -> None:
    left, right = people()
    none = lt.link(left, right, on=ON, model="lexical", threshold=1.0)
    for kind in ("probability", "unlinked", "views", "weights"):
        assert none.chart(kind).to_svg().startswith("<svg")
    assert none.above(2).chart().to_svg().startswith("<svg")


def test_links_of_files(tmp_path) -> None:
    left, right = people()
    for name, table in (("left", left), ("right", right)):
        table.reset_index(drop=True).to_parquet(tmp_path / f"{name}.parquet")
    paths = [tmp_path / f"{name}.parquet" for name in ("left", "right", "out")]
    links = lt.link_files(*paths[:2], on="name", out=paths[2])
    for kind in ("probability", "unlinked", "views"):
        assert links.chart(kind).to_svg().startswith("<svg")
    links.to_html(tmp_path / "report.html")
    assert f"{len(links):,}" in (tmp_path / "report.html").read_text()
    for refused in (
        lambda: links.chart("pair", link=0),
        lambda: links.chart("reliability", truth=[(0, 0)], left_id="name"),
        lambda: links.to_excel(tmp_path / "review.xlsx"),
    ):
        with pytest.raises(InvalidArgumentError, match="files"):
            refused()
