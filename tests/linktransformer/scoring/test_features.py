"""Features by the statistics of a job against those with everything worked out beside each feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from linktransformer.scoring import describe as describing
from linktransformer.scoring.describe import Options, describe
from linktransformer.scoring.features import Evidence, PairFeatures, pair_features
from linktransformer.scoring.job_statistics import share_above
from linktransformer.search import blocking
from linktransformer.tables import frames, records
from linktransformer.tables.serialize import Serializer
from tests.linktransformer.scoring.plain_features import plain_pair_features

WORDS = ["acme", "baxter", "quill", "zeller", "northern", "steel 12", "dairy", "paper", "motors", "rail 7"]
ON = ["name", "year", "born", "town"]


def table(n: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    names = [" ".join(draw.choice(WORDS, int(draw.integers(1, 4)))) for _ in range(n)]
    years = draw.integers(1950, 2000, n).astype(str).tolist()
    days = draw.integers(1, 9, (n, 2)).tolist()
    born = [f"{year}-0{month}-1{day}" for year, (month, day) in zip(years, days, strict=True)]
    towns = np.array(["north", "south", "the old town hall square in the west of it", None], dtype=object)
    town = draw.choice(towns, n)
    return pd.DataFrame({"name": names, "year": years, "born": born, "town": town})


def letters(texts: list[str]) -> Any:
    counts = np.array([[text.count(letter) + 0.1 for letter in "abcdelmnorstuz"] for text in texts])
    return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


def job(
    monkeypatch: pytest.MonkeyPatch,
    sizes: tuple[int, int],
    on: list[str],
    embed: Any = None,
    same: bool = False,
) -> tuple[Evidence, PairFeatures]:
    seen: list[Evidence] = []

    def kept_too(evidence: Evidence) -> PairFeatures:
        seen.append(evidence)
        return pair_features(evidence)

    monkeypatch.setattr(describing, "pair_features", kept_too)
    left = frames.wrap(table(sizes[0], 1), "left")
    right = left if same else frames.wrap(table(sizes[1], 2), "right")
    texts = tuple(records.read(side, on, Serializer()) for side in (left, right))
    nodes = tuple(blocking.nodes(of.text_of_row) for of in texts)
    found = describe(
        (left, right), (on, on), (nodes[0], nodes[1]), (texts[0], texts[1]), Options(embed=embed), same=same
    )
    return seen[0], found.features


@pytest.mark.parametrize("sizes", [(60, 40), (40, 60), (50, 50), (4, 3)])
@pytest.mark.parametrize("on", [["name"], ON], ids=["one", "four"])
@pytest.mark.parametrize("embed", [None, letters], ids=["n-grams", "model"])
def test_features_are_those_of_the_plain_reference_bit_for_bit(
    sizes: tuple[int, int], on: list[str], embed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence, found = job(monkeypatch, sizes, on, embed)
    names, values = plain_pair_features(evidence)
    assert len(found.at) > 5
    assert found.names == names
    np.testing.assert_array_equal(found.values, values)


def test_so_are_those_of_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, found = job(monkeypatch, (60, 60), ON, same=True)
    names, values = plain_pair_features(evidence)
    assert found.names == names
    np.testing.assert_array_equal(found.values, values)


def test_frequencies_are_shares_of_both_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, found = job(monkeypatch, (60, 40), ON)
    towns = found.statistics.columns[ON.index("town")]
    column = evidence.columns[ON.index("town")]
    cells = [column.left_values[code] for code in column.left[column.left >= 0].tolist()]
    cells += [column.right_values[code] for code in column.right[column.right >= 0].tolist()]
    assert towns.records == len(cells)
    assert dict(towns.frequency) == {cell: cells.count(cell) / len(cells) for cell in set(cells)}
    assert towns.frequency_of("nowhere") == 1 / len(cells)


def test_share_above_counts_half_a_value_more_on_either_side() -> None:
    known = np.sort(np.random.default_rng(0).random(50).astype("f4"))
    for score in (known[7], np.float32(0.5), np.float32(2)):
        wanted = ((known >= score).sum() + 0.5) / 51
        assert share_above(known, np.array([score]))[0] == pytest.approx(wanted)
