"""The report as one file: valid, closed to scripts and the network, complete, and small."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import linktransformer as lt
from linktransformer.charts.page import LIMIT
from linktransformer.results.link_values import REASONS
from linktransformer.tables import frames
from tests.flows.test_explain import people

pytestmark = pytest.mark.filterwarnings("ignore::linktransformer.errors.LinkWarning")
HOSTILE = '"><script>alert(\'x\')</script><img src=x onerror="alert(1)">'
VOID = {"meta", "img", "br", "path", "rect", "line", "circle"}


class Page(HTMLParser):
    """Elements and texts of a page; fails on one that is closed in the wrong place."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID or self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID and (not self.open or self.open[-1] != tag):
            return
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


def written(links: lt.Links | lt.Clusters, folder: Path) -> tuple[Page, str]:
    links.to_html(folder / "report.html", title="A <report>")
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert len(html.encode()) < LIMIT
    return Page(html), html


def checked(page: Page) -> str:
    """What holds for every page; its text."""
    assert not {"script", "iframe", "link", "object", "form"} & {tag for tag, _ in page.seen}
    assert not [name for _, attributes in page.seen for name in attributes if name.startswith("on")]
    for _, attributes in page.seen:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))
    assert any("default-src 'none'" in (meta.get("content") or "") for meta in page.all("meta"))
    assert all(head.get("scope") in ("col", "row", "rowgroup") for head in page.all("th"))
    assert all(image.get("alt") for image in page.all("img"))
    assert all(svg.get("aria-label") for svg in page.all("svg"))
    names = [attributes["id"] for _, attributes in page.seen if attributes.get("id")]
    assert len(names) == len(set(names))
    return " ".join("".join(page.text).split())


@pytest.mark.parametrize("with_extra", [True, False])
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_report_of_links(tmp_path, monkeypatch, with_extra: bool, library: str) -> None:
    if not with_extra:
        monkeypatch.setitem(sys.modules, "vl_convert", None)
    tables = (
        people()
        if library == "pandas"
        else [pl.from_pandas(table.reset_index(drop=True)) for table in people()]
    )
    links = lt.link(*tables, on=["name", "town", "year"], model="lexical", block_on="town", k=7)
    page, _ = written(links, tmp_path)
    text = checked(page)
    report = links.report()
    assert "A <report>" in text and f"{report['precision']:.3f}" in text and f"{report['recall']:.3f}" in text
    assert f"{report['precision_interval'][0]:.3f} to {report['precision_interval'][1]:.3f}" in text
    for code in {*links.left_reason.tolist(), *links.right_reason.tolist()}:
        assert REASONS[code] in text
    assert '"k": 7' in text and '"block_on": "town"' in text and "numpy" in text
    assert len(page.all("svg")) == (5 if with_extra else 1)
    assert ('pip install "linktransformer[charts]"' in text) is not with_extra
    if not with_extra:
        assert "Match weights in bits" in text


def test_cells_are_text(tmp_path) -> None:
    left = pd.DataFrame(
        {f"name {HOSTILE}": [f"Acme {HOSTILE}", "Baxter Dairy", "שלום עולם", HOSTILE], "t": "x"}
    )
    right = left.iloc[[0, 2, 1]].reset_index(drop=True)
    right.index = [f"{HOSTILE}{number}" for number in range(3)]
    links = lt.link(left, right, on=left.columns[0], model="lexical")
    page, _ = written(links, tmp_path)
    text = checked(page)
    assert f"Acme {HOSTILE}" in text
    cells = page.all("td")
    assert cells and all(
        cell.get("dir") in ("auto", "ltr") for cell in cells if cell.get("class") != "number"
    )
    clusters, _ = written(
        lt.cluster(pd.concat([left, right], ignore_index=True), on=left.columns[0]), tmp_path
    )
    assert HOSTILE in checked(clusters)


def test_a_report_of_clusters(tmp_path) -> None:
    left, right = people()
    table = pd.concat([left, right, left.iloc[:3].assign(name=None, town=None, year=None)], ignore_index=True)
    clusters = lt.cluster(table, on=["name", "town", "year"])
    text = checked(written(clusters, tmp_path)[0])
    report = clusters.report()
    assert f"{report['estimated_precision']:.3f}" in text
    assert "3 rows have no key" in text and "Clusters that were kept apart" in text


def test_many_links_give_a_small_page_at_once(tmp_path) -> None:
    n = 100_000
    left = pd.DataFrame({f"c{k}": [f"{'& <' * 60}{row}" for row in range(n)] for k in range(3)})
    small = lt.link(left.iloc[:50], left.iloc[:50], on=list(left), model="lexical")
    rows = np.arange(n)
    score = np.linspace(0.5, 1, n, dtype="f4")
    none = np.full(n, -1), np.full(n, np.nan, "f4")
    large = replace(
        small, left=frames.wrap(left, "left"), right=frames.wrap(left, "right"),
        left_rows=rows, right_rows=rows, score=score, views={"lexical": score}, runner_up=none[0],
        runner_up_score=none[1], left_reason=np.zeros(n, "i1"), right_reason=np.zeros(n, "i1"),
        left_nearest=replace(small.left_nearest, row=rows, score=score),
        right_nearest=replace(small.right_nearest, row=rows, score=score), evidence=None,
    )  # fmt: skip
    begin = time.perf_counter()
    page, html = written(large, tmp_path)
    assert time.perf_counter() - begin < 10
    text = checked(page)
    found = re.findall(r"(\d+), evenly spaced by probability, of ([\d,]+) links", text)
    assert sum(int(total.replace(",", "")) for _, total in found) == n
    assert html.count('<tbody class="pair">') == sum(int(shown) for shown, _ in found)


def test_nothing_is_linked(tmp_path) -> None:
    left = pd.DataFrame({"name": ["Acme", None]})
    links = lt.link(
        left, pd.DataFrame({"name": ["Zeller Mining"]}), on="name", model="lexical", threshold=1.0
    )
    text = checked(written(links, tmp_path)[0])
    assert "No row is linked." in text and "no key" in text


def test_pictures_are_thumbnails_with_texts(tmp_path) -> None:
    from clippings.pictures.read import read_pictures

    draw = np.random.default_rng(0)
    left, right = people()
    links = lt.link(left, right, on=["name", "town", "year"], model="lexical")
    arrays = [draw.integers(0, 255, (40, 300, 3), dtype=np.uint8) for _ in range(3)]
    pictures = read_pictures([*arrays, None])
    both = tuple([pictures[row % 4] for row in range(len(table))] for table in (left, right))
    page, _ = written(replace(links, pictures=both), tmp_path)
    text = checked(page)
    alts = [image["alt"] for image in page.all("img")]
    assert alts and all(re.fullmatch(r"picture of (left|right) row [LR]\d+", alt) for alt in alts)
    assert "picture missing" in text
    assert "left out: the page would be too large" in text
