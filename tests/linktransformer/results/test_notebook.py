"""The HTML that a notebook shows: counts, bars, pairs on either side of the line, and nothing that runs."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import polars as pl
import pytest

import linktransformer as lt

FIRMS = pd.DataFrame(
    {"name": ["Acme Steel Corp.", "Baxter <b>Dairy</b>", "Zeller & Sons Mining", None, "Quincy Glass"]},
    index=["a", "b", "c", "d", "e"],
)
REGISTER = pd.DataFrame({"name": ["ACME STEEL CORP", "Baxter <b>Dairy</b> Co", "Quarry Gas"]})


class Checker(HTMLParser):
    """Counts elements, and fails on one that is closed in the wrong place."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    assert not checker.open
    assert not {"script", "b>dairy", "img", "link", "iframe"} & set(checker.count)
    return checker


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_links_show_counts_and_the_pairs_on_either_side(library: str) -> None:
    tables = (FIRMS, REGISTER) if library == "pandas" else (pl.from_pandas(FIRMS), pl.from_pandas(REGISTER))
    links = lt.link(*tables, on="name", model="lexical", threshold=0.95)
    seen = parsed(links._repr_html_())
    words = " ".join(seen.text)
    assert "2 of 5" in words and "2 of 3" in words
    assert "threshold 0.95" in words
    assert seen.count["rect"] >= 2
    first = "a" if library == "pandas" else "0"
    assert f"{first}: Acme Steel Corp." in words and "Baxter <b>Dairy</b>" in words
    assert "Nearest that were not linked" in words and "Quincy Glass" in words
    assert "Zeller" not in words or "3: " not in words  # nothing near it


def test_clusters_show_counts_and_the_pairs_on_either_side() -> None:
    table = pd.DataFrame({"name": [*FIRMS["name"], *REGISTER["name"]]})
    clusters = lt.cluster(table, "name", model="lexical", threshold=0.5)
    seen = parsed(clusters._repr_html_())
    words = " ".join(seen.text)
    assert re.search(r"rows\s+8", words) and re.search(rf"clusters\s+{len(clusters)}", words)
    assert "threshold 0.5" in words
    assert "0: Acme Steel Corp." in words
    assert "kept apart" in words and "4: Quincy Glass" in words


@pytest.mark.parametrize("rows", [[], [None], ["alone"]])
def test_nothing_to_show(rows: list[Any]) -> None:
    table = pd.DataFrame({"name": pd.Series(rows, dtype=object)})
    assert "rect" not in parsed(lt.cluster(table, "name", model="lexical")._repr_html_()).count
    links = lt.link(table, pd.DataFrame({"name": ["zzz"]}), on="name", model="lexical")
    assert "rect" not in parsed(links._repr_html_()).count


def test_a_pair_of_clusters_is_shown_once() -> None:
    table = pd.DataFrame({"name": ["Acme Steel", "Acme Steel Works"]})
    seen = parsed(lt.cluster(table, "name", model="lexical", threshold=0.99)._repr_html_())
    assert seen.count["tr"] == 1


def test_unlinked_rows_say_what_is_nearest() -> None:
    links = lt.link(FIRMS, REGISTER, on="name", model="lexical", threshold=0.95)
    alone = links.unlinked.set_index(["side", "row"])
    assert alone.loc[("left", "e"), "nearest"] == 2
    assert 0 < alone.loc[("left", "e"), "score"] < 0.95
    assert alone.loc[("right", 2), "nearest"] == "e"
    assert pd.isna(alone.loc[("left", "d"), "nearest"]) and pd.isna(alone.loc[("left", "d"), "score"])
    linked = links.pairs.set_index("left")
    assert linked.loc["a", "right"] == 0
