"""Evidence per column in a merge: taken where more rows find each other by it, left out elsewhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer import evidence, keys
from linktransformer.mutual import Sides, mutual_best
from linktransformer.search import Candidates

GIVEN = ("anna", "bert", "carla", "dora", "emil", "fritz", "gerda", "hans", "ida", "jakob")
FAMILY = ("meyer", "maier", "schmidt", "schmitt", "kohler", "koehler", "braun", "brahm", "vogel", "vogt")


def people(n: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "given": draw.choice(GIVEN, n),
            "family": draw.choice(FAMILY, n),
            "born": [
                f"{y}-{m:02d}-{d:02d}" for y, m, d in draw.integers((1850, 1, 1), (1890, 13, 29), (n, 3))
            ],
            "place": draw.choice(["hamburg", "bremen", "luebeck", "rostock", "stade", "kiel"], n),
        }
    )


def with_notes(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Words that say nothing, and weigh much where all columns are one text."""
    draw = np.random.default_rng(seed)
    words = [f"{a}{b}" for a in ("ober", "unter", "alt", "neu") for b in ("hof", "gasse", "markt", "damm")]
    return table.assign(note=[" ".join(draw.choice(words, 5)) for _ in range(len(table))])


def misspelt(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    worse = table.copy()
    for name in table.columns:
        hit = draw.random(len(table)) < 0.35
        worse.loc[hit, name] = [value[:-2] + value[-1] + value[-2] for value in table.loc[hit, name]]
    return worse


def score(links: lt.Links, n: int) -> float:
    return links.evaluate([(row, row) for row in range(n)])["f1"]


def test_persons_find_each_other_by_their_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = people(800, 0), misspelt(people(800, 0), 1)
    left, right = with_notes(left, 2), with_notes(right, 3)
    found = lt.link(left, right, model="lexical")
    report = found.report()
    assert report["weights"]["evidence"] in evidence.WEIGHTS
    assert sum(report["weights"].values()) == pytest.approx(1, abs=1e-3)
    bits = report["evidence"]["bits"]
    assert report["evidence"]["columns"] == [*left.columns]
    assert bits["born"]["equal"] > bits["place"]["equal"] > 0
    assert "score_evidence" in found.pairs.columns
    shown = found.explain(0).set_index("item")
    parts = shown.drop(index="runner-up", errors="ignore")["contribution"].sum()
    assert parts == pytest.approx(shown.loc["pair", "score"], abs=1e-3)
    monkeypatch.setattr(evidence, "WEIGHTS", ())
    without = lt.link(left, right, model="lexical")
    assert "evidence" not in without.report()["weights"]
    assert score(found, 800) > score(without, 800) + 0.01


def test_equal_rows_still_score_one() -> None:
    left = with_notes(people(300, 3), 5)
    right = with_notes(misspelt(people(300, 3), 4), 6)
    right.iloc[:20] = left.iloc[:20]
    links = lt.link(left, right, model="lexical")
    assert "evidence" in links.report()["weights"]
    pairs = links.pairs.set_index("left")
    assert (pairs.loc[range(20), "score"] == 1).all() and pairs.loc[range(20), "right"].tolist() == list(
        range(20)
    )
    rest = pairs.loc[~pairs.index.isin(range(20)), "score"]
    assert rest.max() < 1 and rest.min() >= 0


def test_columns_of_noise_are_left_out() -> None:
    draw = np.random.default_rng(0)
    names = [f"{draw.choice(FAMILY)}{number} works" for number in range(400)]
    left = pd.DataFrame({"name": names, "code": draw.integers(0, 9, 400).astype(str)})
    right = pd.DataFrame(
        {"name": [f"{name} ltd" for name in names], "code": draw.integers(0, 9, 400).astype(str)}
    )
    links = lt.link(left, right, model="lexical")
    assert links.report()["evidence"] is None
    assert "evidence" not in links.report()["weights"]


def test_one_column_has_no_evidence() -> None:
    links = lt.link(people(50, 0), people(50, 1), on="family", model="lexical")
    assert "evidence" not in links.report()


def test_null_says_nothing() -> None:
    left = with_notes(people(400, 5), 7)
    right = with_notes(misspelt(people(400, 5), 6), 8)
    right.loc[::3, "born"] = None
    links = lt.link(left, right, model="lexical")
    assert links.report()["evidence"]["bits"]["born"]["missing"] == 0
    assert links.report()["weights"]["evidence"] > 0


@pytest.mark.parametrize("seed", range(5))
def test_mutual_best_against_a_plain_search(seed: int) -> None:
    draw = np.random.default_rng(seed)
    pairs = sorted({(int(a), int(b)) for a, b in draw.integers(0, 12, (40, 2))})
    left, right = np.array(pairs).T
    value = draw.integers(0, 5, len(pairs)).astype(np.float32)
    found = Candidates(left, right, {"lexical": value}, 12, 12)
    expected = np.zeros(12, dtype=bool)
    for node in range(12):
        mine = [(value[at], b) for at, (a, b) in enumerate(pairs) if a == node]
        if not mine:
            continue
        top = [b for score, b in mine if score == max(mine)[0]]
        back = [(value[at], a) for at, (a, b) in enumerate(pairs) if b == top[0]]
        best = [a for score, a in back if score == max(back)[0]]
        expected[node] = len(top) == 1 and best == [node]
    np.testing.assert_array_equal(mutual_best(found, value, Sides.of(found)), expected)


def test_columns_are_paired_by_name_or_by_place() -> None:
    assert keys.paired(["a", "b"], ["b", "a"]) == [("a", "a"), ("b", "b")]
    assert keys.paired(["a", "b"], ["c", "d"]) == [("a", "c"), ("b", "d")]
    assert keys.paired(["a", "b"], ["c"]) == []
    assert keys.paired(["a", "b"], ["b", "c", "d"]) == [("b", "b")]
