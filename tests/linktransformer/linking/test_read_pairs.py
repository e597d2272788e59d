"""Which pairs in doubt a cross-encoder reads, what that changes, and what is reported of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from clippings.text.pair_reader import CellTokens
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking import read_pairs
from linktransformer.linking.options import Job

LEFT = pd.DataFrame(
    {
        "name": ["TU Munich", "LMU Munich", "Acme Steel Corp.", "Baxter Dairy", "Crown Mills", None],
        "city": ["Munich", None, "Boston", "Tulsa", "Omaha", "Munich"],
    }
)
RIGHT = pd.DataFrame(
    {
        "name": [
            *("Technical University of Munich", "Ludwig Maximilian University", "ACME STEEL CORPORATION"),
            *("Baxter Diary Company", "Crown Mill Ltd", "Crown Paper"),
        ],
        "city": ["München", "Munich", "Boston, MA", None, "Omaha", "Omaha"],
    }
)
Read = Callable[..., tuple[Any, dict[str, object]]]


def links_of(links: Any) -> dict[tuple[int, int], float]:
    pairs = zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True)
    return dict(zip(pairs, links.score.tolist(), strict=True))


class Fake:
    """A reader that finds every pair one thing; a record has as many tokens as its text has words."""

    most = 10

    def tokens(self, cells: list[tuple[str, ...]]) -> CellTokens:
        lengths = np.array([sum(len(cell.split()) for cell in row) for row in cells])
        ids = np.where(np.arange(self.most)[None] < lengths[:, None], 5, 1).astype(np.int32)
        return CellTokens(ids, np.zeros(ids.shape, np.uint8), lengths <= self.most)

    def log_odds(
        self, left: CellTokens, right: CellTokens, left_rows: Any, right_rows: Any, progress: Any = None
    ) -> Any:
        assert (left.whole[left_rows] & right.whole[right_rows]).all()
        return np.full(len(left_rows), 9, np.float32)

    def mixed(self, own: Any, read: Any) -> Any:
        return own + read


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """`read_pairs` on pairs (i, i) of one column, with a reader that is not one."""
    monkeypatch.setattr(read_pairs, "_reader", lambda folder: Fake())
    monkeypatch.setattr(read_pairs, "doubtful", lambda candidates, p, best: (p > 0.05) & (p < 0.95))
    monkeypatch.setattr(read_pairs, "best_of", lambda candidates, p: None)

    def call(p: list[float], words: list[int], reader: Any) -> tuple[Any, dict[str, object]]:
        n = len(p)
        cells = SimpleNamespace(of=lambda side, numbers: [("w " * words[number],) for number in numbers])
        candidates = SimpleNamespace(n_left=n, n_right=n, left=np.arange(n), right=np.arange(n))
        fused = SimpleNamespace(candidates=candidates, score=np.array(p, np.float32))
        own = np.zeros(n, np.float32)
        found, report = read_pairs.read_pairs(own, fused, cells, reader, same=True)  # type: ignore[arg-type]
        return np.flatnonzero(found).tolist(), report

    return call


def test_pairs_in_doubt_are_read_the_most_doubtful_first(read: Read) -> None:
    p, words = [0.5, 0.99, 0.6, 0.01, 0.3, 0.9], [1] * 6
    assert read(p, words, True) == (
        [0, 2, 4, 5],
        {"pairs_in_doubt": 4, "pairs_read": 4, "tokens": 20, "budget": None},
    )
    # 15 tokens are three pairs of five
    told = {"pairs_in_doubt": 4, "pairs_read": 3, "tokens": 15, "budget": 15}
    assert read(p, words, 0.0015) == ([0, 2, 4], told)
    assert read(p, words, 0.0005)[0] == [0] and read(p, words, 0)[0] == []
    assert read(p, words, "auto")[1]["budget"] == read_pairs.AT_LEAST


def test_pairs_of_equal_doubt_are_all_read_or_none(read: Read) -> None:
    p = [0.75, 0.25, 0.5, 0.75]
    assert read(p, [1] * 4, 0.0015)[0] == [2]  # room for three, of which three have equal doubt
    assert read(p, [1] * 4, 0.002)[0] == [0, 1, 2, 3]


def test_a_pair_is_read_as_early_as_the_most_doubtful_pair_of_its_records() -> None:
    doubt = np.array([0.1, 0.4, 0.3, 0.2], np.float32)
    found = read_pairs._with_rivals(doubt, np.array([0, 0, 1, 2]), np.array([0, 1, 2, 2]))
    np.testing.assert_array_equal(found, np.array([0.1, 0.1, 0.2, 0.2], np.float32))


def test_long_records_are_not_read_and_cost_nothing(read: Read) -> None:
    found, told = read([0.5, 0.6, 0.7], [50, 2, 2], 0.0014)
    assert found == [1, 2] and told["pairs_in_doubt"] == 3 and told["tokens"] == 14
    assert read([0.5], [50], True) == (
        [],
        {"pairs_in_doubt": 1, "pairs_read": 0, "tokens": 0, "budget": None},
    )


def test_nothing_in_doubt_opens_no_reader(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_pairs, "_reader", lambda folder: pytest.fail("opened"))
    assert read([0.99, 0.01], [1, 1], True) == ([], {"pairs_in_doubt": 0, "pairs_read": 0})


def test_the_budget_grows_with_records_and_with_what_was_encoded() -> None:
    assert read_pairs._budget("auto", 100, 0) == 40_000
    assert read_pairs._budget("auto", 1_000_000, 0) == 3_000_000
    assert read_pairs._budget("auto", 100, 10_000_000) == 4_000_000
    # of 3 tokens for each record what the model read is taken off, unless it is more than half of them
    assert read_pairs._budget("auto", 1_000_000, 2_000_000) == 2_200_000
    assert read_pairs._budget("auto", 1_000_000, 4_000_000) == 1_600_000
    assert read_pairs._budget(True, 100, 0) is None and read_pairs._budget(2.5, 100, 0) == 25_000


def test_without_a_reader_nothing_is_read_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_pairs, "_reader", lambda folder: pytest.fail("opened"))
    off = lt.link(LEFT, RIGHT, on=["name", "city"], reader=False)
    assert "read" not in off.report() and "reader" not in off.report()["options"]
    alone = lt.link(LEFT, RIGHT, on=["name", "city"], model="lexical")  # who names a model has it alone
    assert "read" not in alone.report()


def test_the_report_says_what_was_read() -> None:
    for given, budget in (("auto", 40_000), (True, None), (3, 30_000)):
        report = lt.link(LEFT, RIGHT, on=["name", "city"], reader=given).report()
        told = report["read"]
        assert report["options"].get("reader", "auto") == given and told["budget"] == budget
        assert 0 < told["pairs_read"] <= told["pairs_in_doubt"] and told["tokens"] > 5 * told["pairs_read"]
    rows = pd.concat([LEFT, RIGHT], ignore_index=True)
    assert lt.cluster(rows, on=["name", "city"]).report()["read"]["pairs_read"] > 0
    assert "read" not in lt.cluster(rows, on=["name", "city"], reader=False).report()


def test_equal_texts_are_not_read() -> None:
    left = pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy"]})
    report = lt.link(left, left.iloc[::-1].reset_index(drop=True), on="name", reader=True).report()
    assert report["read"]["pairs_read"] == 0


def test_links_do_not_depend_on_the_order_of_columns_rows_and_tables() -> None:
    keys = ["name", "city"]
    given = {"validate": "1:1", "reader": True, "model": "lexical"}
    first = links_of(lt.link(LEFT, RIGHT, on=keys, **given))
    assert first and lt.link(LEFT, RIGHT, on=keys, **given).report()["read"]["pairs_read"] > 3
    assert links_of(lt.link(LEFT, RIGHT, on=keys[::-1], **given)) == pytest.approx(first, abs=1e-5)
    swapped = links_of(lt.link(RIGHT, LEFT, on=keys, **given))
    assert {(b, a): score for (a, b), score in swapped.items()} == pytest.approx(first, abs=1e-5)
    order = np.random.default_rng(1).permutation(len(LEFT))
    mixed = links_of(lt.link(LEFT.iloc[order].reset_index(drop=True), RIGHT, on=keys, **given))
    assert {(int(order[a]), b): score for (a, b), score in mixed.items()} == pytest.approx(first, abs=1e-5)


def test_what_the_reader_cannot_be_used_with_is_refused(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": ["Acme", "Baxter"], "crop": [None, None]})
    with pytest.raises(InvalidArgumentError, match="reader=True reads texts, and images="):
        lt.cluster(table, "name", images="crop", model="names", reader=True)
    labels = pd.DataFrame({"left": range(12), "right": range(12), "match": [1] * 9 + [0] * 3})
    left = pd.DataFrame({"name": [f"Acme Steel {n}" for n in range(12)]})
    learned = lt.fit_decision(left, left, labels, on="name", model="lexical", out=tmp_path)
    with pytest.raises(InvalidArgumentError, match="learned from labels"):
        lt.link(left, left, on="name", model=learned, reader=5)
    assert "read" not in lt.link(left, left, on="name", model=learned).report()


def test_the_default_is_no_option_of_the_report() -> None:
    assert "reader" not in lt.link(LEFT, RIGHT, on=["name", "city"]).report()["options"]


@pytest.mark.parametrize("reader", ["fast", -1, None.__class__, [], float("nan"), "a\0b"])
def test_a_reader_that_is_not_understood_is_refused(reader: object) -> None:
    with pytest.raises(InvalidArgumentError, match=r"reader=.* is not understood. Give 'auto', True"):
        Job(reader=reader)  # type: ignore[arg-type]
