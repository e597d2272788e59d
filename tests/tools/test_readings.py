"""Training tasks whose rows have pictures: slips of an engine, no text, vectors of what was printed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tools.recipes.decision import readings
from tools.recipes.decision.domains import Task, make
from tools.recipes.decision.featurize import labels
from tools.recipes.decision.variations import sampled

TABLE = pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy", None, "Zeller Motors"] * 50}, dtype=object)


def read(rate: float, failed: float, without: float) -> list[str | None]:
    return readings.misread(TABLE, rate, failed, without, np.random.default_rng(0))["name"].tolist()


def test_an_engine_misreads_as_much_as_it_is_told() -> None:
    printed = TABLE["name"].tolist()
    assert read(0, 0, 0) == printed
    wrong = [a != b for a, b in zip(read(0.02, 0, 0), printed, strict=True) if b]
    assert 0.05 < np.mean(wrong) < 0.5
    assert all(a != b for a, b in zip(read(0, 1, 0), printed, strict=True) if b)
    assert read(0.1, 0, 1) == [None] * len(TABLE)
    of_those_with_text = [text is None for text, was in zip(read(0, 0, 0.3), printed, strict=True) if was]
    assert 0.15 < np.mean(of_those_with_text) < 0.45


def test_vectors_of_what_is_written_alike_are_near_each_other() -> None:
    draw = np.random.default_rng(0)
    left, right = readings.vectors([["acme steel", "baxter dairy"], ["acme steal", "baxter dairy"]], 0, draw)
    cosine = left @ right.T
    assert cosine[1, 1] == pytest.approx(1, abs=1e-5) and 0.5 < cosine[0, 0] < 1
    assert max(cosine[0, 1], cosine[1, 0]) < 0.3
    noisy = readings.vectors([["acme steel"], ["acme steel"]], 1, draw)
    assert 0.2 < float((noisy[0] @ noisy[1].T)[0, 0]) < 0.8


@pytest.mark.parametrize("family", ["firms", "persons"])
def test_every_row_is_a_record_and_the_truth_is_that_of_the_rows(family: str) -> None:
    made = (sampled(make(family, seed), 80, np.random.default_rng(0)) for seed in range(20))
    task = next(task for task in made if len(task.truth) > 4)  # some made tables have no copies
    found = [readings.described(task, np.random.default_rng(3)) for _ in range(2)]
    assert found[0] is not None and found[1] is not None
    assert len(found[0].nodes[0]) == len(task.left)
    np.testing.assert_array_equal(found[0].features.values, found[1].features.values)
    y, n_true = labels(task, found[0])
    assert n_true == len(np.unique(task.truth, axis=0)) and 0 < y.sum() <= n_true


def test_what_is_printed_again_matches_what_the_row_matches() -> None:
    left, right = TABLE.head(3), TABLE.head(2)
    two = Task("t", "t", left, right, np.array([[0, 0], [1, 1]]))
    found = readings.printed_again(two, np.random.default_rng(0))
    names = found.left["name"].to_numpy()
    assert 3 < len(names) <= 9
    wanted = {(a, b) for a, one in enumerate(names) for b, other in enumerate(right["name"]) if one == other}
    assert {(a, b) for a, b in found.truth.tolist()} == wanted
    one = readings.printed_again(Task("t", "t", left, None, np.array([[0, 2]])), np.random.default_rng(0))
    group = one.left["name"].map({"Acme Steel": 0, "Baxter Dairy": 1, None: 0}).fillna(0).to_numpy()
    wanted = {(a, b) for a in range(len(group)) for b in range(a + 1, len(group)) if group[a] == group[b]}
    assert {(a, b) for a, b in one.truth.tolist()} == wanted
