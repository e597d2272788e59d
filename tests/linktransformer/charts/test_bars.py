"""Bars: what they start and end with, and names of levels and sizes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from linktransformer.charts.bars import level_names, reason_chart, size_chart, waterfall_chart, weight_chart
from linktransformer.scoring.fellegi_sunter import LEVELS


def test_the_waterfall_adds_up() -> None:
    parts = [("base line", -6.5), ("name", 4.0), ("a", 0.001), ("b", 0.002), ("town", -0.25), ("name", 1.0)]
    bars = waterfall_chart(parts, []).spec["data"]["values"]
    names = ["base line", "name", "town", "name (2)", "smaller parts", "match probability"]
    assert [bar["item"] for bar in bars] == names
    for one, following in itertools.pairwise(bars[:-1]):
        assert following["from"] == one["to"]
    assert bars[-1]["to"] == pytest.approx(sum(bits for _, bits in parts))
    assert bars[-2]["to"] == pytest.approx(bars[-1]["to"])
    assert bars[-1]["text"] == "-1.75 bits = 0.230"  # 1 / (1 + 2 ** 1.747)


def test_levels_have_the_names_of_their_steps() -> None:
    names = level_names(LEVELS)
    assert names[0] == "below .17" and names[-2:] == [".83 to 1", "equal"] and len(names) == LEVELS


def test_weights_of_each_column_and_level() -> None:
    values = weight_chart({"name": [-1, 0, 2], "town": [0, 0, 1]}, []).spec["data"]["values"]
    assert [value["bits"] for value in values] == [-1, 0, 2, 0, 0, 1]


def test_shares_are_of_a_side() -> None:
    counts = [("left", "linked", 3), ("left", "no key", 1), ("right", "linked", 4)]
    texts = [value["text"] for value in reason_chart(counts, []).spec["data"]["values"]]
    assert texts == ["3 (75.0%)", "1 (25.0%)", "4 (100.0%)"]


@pytest.mark.parametrize(
    ("sizes", "last", "total"),
    [
        ([1, 1, 2], "2", 3),
        ([10, 11, 20, 21], "21 to 40", 4),
        ([11], "11 to 20", 1),
        ([1000], "641 to 1280", 1),
        ([], "1", 0),
    ],
)
def test_every_cluster_is_in_one_bar(sizes: list[int], last: str, total: int) -> None:
    values = size_chart(np.array(sizes, dtype=np.int64), []).spec["data"]["values"]
    assert values[-1]["size"] == last
    assert sum(value["clusters"] for value in values) == total
