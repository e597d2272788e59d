"""Rows and texts on disk against the same in memory."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from linktransformer.scoring.sampling import first_side, in_order
from linktransformer.tables.binned_storage import Shelf, first_of, ordered_texts, text_parts, texts_at


def test_a_bin_holds_its_rows_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    bins = [draw.integers(0, 4, 30) for _ in range(3)]
    rows = [np.arange(30) + 30 * part for part in range(3)]
    with Shelf(tmp_path / "new", "rows") as shelf:
        for number, row in zip(bins, rows, strict=True):
            shelf.put(number, {"row": row, "name": [f"n{one}" for one in row.tolist()]})
    whole, where = np.concatenate(rows), np.concatenate(bins)
    for number in range(4):
        expected = whole[where == number].tolist()
        assert [row for part in shelf.parts(number) for row in part.column("row").to_pylist()] == expected
        assert shelf.take(number, keep=True).column("row").to_pylist() == expected
        table = shelf.take(number)
        assert table.column("name").to_pylist() == [f"n{row}" for row in expected]
    assert shelf.take(9) is None and list(shelf.parts(9)) == []
    assert not any((tmp_path / "new").iterdir())  # what was taken is gone


def shelved(folder: Path, name: str, parts: list[list[str]]) -> Shelf:
    with Shelf(folder, name) as shelf:
        for part in parts:
            shelf.put(np.zeros(len(part), dtype=np.int64), {"text": part})
    return shelf


def test_texts_are_read_by_their_places(tmp_path: Path) -> None:
    parts = [["c", "a"], ["é", "b", "日"], ["d"]]
    shelf = shelved(tmp_path, "texts", parts)
    texts = [text for part in parts for text in part]
    assert list(text_parts(shelf, 0)) == parts
    for places in ([0, 2, 5], [4], [], list(range(6))):
        assert texts_at(shelf, 0, np.array(places, dtype=np.int64)) == [texts[at] for at in places]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([["b", "a"]], [["a", "c"], ["d"]]),
        ([["b", "a"]], [["c", "a"]]),
        ([["z", "a"]], [["c", "a"]]),
        ([["b", "a"]], [["a"], ["b"]]),
        ([["é", "日"]], [["z", "😀"]]),
    ],
)
def test_order_and_first_side_are_those_in_memory(
    tmp_path: Path, one: list[list[str]], other: list[list[str]]
) -> None:
    sides, orders = [], []
    for name, parts in (("one", one), ("other", other)):
        texts = [text for part in parts for text in part]
        records = np.random.default_rng(1).permutation(len(texts))
        at = np.cumsum([0, *map(len, parts)])
        cut = [records[start:stop] for start, stop in pairwise(at.tolist())]
        made = ordered_texts(shelved(tmp_path, name, parts), 0, cut)
        of_record = [texts[place] for place in np.argsort(records)]
        assert made.at(np.arange(len(texts))) == of_record
        assert made.order.tolist() == in_order(of_record).tolist()
        sides.append(made)
        orders.append(sorted(texts))
    assert first_of(sides[0], sides[1]) == first_side(*orders)
