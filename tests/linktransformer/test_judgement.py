"""A learned decision: what it sees, what it costs to write and read it, and when it is not kept."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer import calibration, comparing, frames, judgement, pair_evidence
from linktransformer.calibration import Sample, best_f1, calibrate, fit_logistic
from linktransformer.errors import ModelError
from linktransformer.job import Job
from linktransformer.judgement import Judgement, probability
from linktransformer.pair_evidence import Evidence
from linktransformer.records import Records

ONE = Judgement(("a", "b"), (1.5, -0.1), (0.25, 1 / 3), (1.0, 0.7), -0.2, 0.123456789)


def test_a_decision_is_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    judgement.write(ONE, tmp_path / judgement.FILE)
    assert judgement.read(tmp_path / judgement.FILE) == ONE


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"scales": [1.0, 0.0]},
        {"means": [1.0]},
        {"intercept": "high"},
        {"code": "import os"},
        {"threshold": float("nan")},
    ],
)
def test_a_decision_that_cannot_be_used_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / judgement.FILE
    judgement.write(ONE, path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError, match="decision cannot be"):
        judgement.read(path)
    path.write_text("not json")
    with pytest.raises(ModelError, match="decision cannot be read"):
        judgement.read(path)


def test_probabilities_keep_their_order_however_sure_they_are() -> None:
    sure = Judgement(("a",), (1.0,), (0.0,), (1.0,), 0.0, 0.5)
    found = probability(sure, np.linspace(-25, 25, 51)[:, None]).astype(np.float32)
    assert np.all(np.diff(found) > 0) and found[0] > 0 and found[-1] < 1


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=30))
def test_lead_and_rank_against_loops(rows: list[tuple[int, int]]) -> None:
    group = np.array([node for node, _ in rows])
    score = np.array([value / 10 for _, value in rows], dtype=np.float32)
    lead, rank = pair_evidence._standing(group, score)
    for place in range(len(rows)):
        others = [score[i] for i in range(len(rows)) if i != place and group[i] == group[place]]
        best = max(others, default=np.float32(0))
        assert lead[place] == pytest.approx(score[place] - best, abs=1e-6)
        assert rank[place] == sum(other > score[place] for other in others)


def tables() -> tuple[frames.Table, frames.Table]:
    left = pd.DataFrame({"name": ["tea kettle x1", "lamp", "desk"], "price": ["10", "20", None]})
    right = pd.DataFrame({"name": ["Tea Kettle X1", "lamps z9", "chair"], "price": ["8", "20", "5"]})
    return frames.wrap(left, "left"), frames.wrap(right, "right")


def seen_of(keys: list[str]) -> tuple[Evidence, comparing.Compared]:
    both = tables()
    found = comparing.compare(both, (keys, keys), Job(model="lexical", progress=False))
    return pair_evidence.evidence(both, (keys, keys), found.texts, found.nodes, found.fused), found


def test_what_is_seen_of_a_pair() -> None:
    seen, found = seen_of(["name", "price"])
    pairs = found.fused.candidates
    row = int(np.flatnonzero((pairs.left == 0) & (pairs.right == 0))[0])
    value = dict(zip(seen.names, seen.values[row], strict=True))
    assert value["column 1 equal"] == 1 and value["column 2 equal"] == 0
    assert value["column 2 numbers near"] == pytest.approx(0.8) and value["column 2 numbers"] == 1
    assert value["codes shared"] == pytest.approx(1 / 3)  # x1 of x1, 10, 8
    assert value["lexical rank left"] == 1
    assert np.isfinite(seen.values).all() and len(seen.values) == len(pairs)


CODED = st.lists(
    st.lists(st.sampled_from(["x1", "X1", "kx-20", "b", "7"]), max_size=4), min_size=1, max_size=5
)


@given(CODED, CODED)
def test_shared_codes_against_sets(left: list[list[str]], right: list[list[str]]) -> None:
    texts = tuple(
        Records(np.array([" ".join(words) for words in side], dtype=object), np.arange(len(side)), 0, ("n",))
        for side in (left, right)
    )
    a, b = (part.ravel() for part in np.indices((len(left), len(right))))
    found = pair_evidence.codes_of((texts[0].texts.tolist(), texts[1].texts.tolist()), a, b)
    for row, (one, other) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        sets = [set(re.findall(r"\w*\d\w*", " ".join(words).lower())) for words in (left[one], right[other])]
        known = bool(sets[0] and sets[1])
        shared = len(sets[0] & sets[1]) / len(sets[0] | sets[1]) if known else 0.0
        assert found["codes shared"][row] == pytest.approx(shared)
        assert found["codes differ"][row] == (known and not sets[0] & sets[1])


def test_a_decision_of_other_columns_is_left_aside_with_a_line(caplog: pytest.LogCaptureFixture) -> None:
    seen, found = seen_of(["name"])
    fitting = Judgement(seen.names, *[(0.5,) * len(seen.names)] * 3, 0.0, 0.5)
    judged = judgement.judge(fitting, seen, found.fused)
    assert judged is not None and ((judged.score > 0) & (judged.score < 1)).all()
    wider, other = seen_of(["name", "price"])
    with caplog.at_level("INFO", logger="linktransformer"):
        assert judgement.judge(fitting, wider, other.fused) is None
    assert "column 2 equal" in caplog.text and "without labels" in caplog.text


def sample(n: int, seed: int = 0) -> tuple[Evidence, Sample]:
    """Each left node has a right and a wrong candidate; only the second feature tells which."""
    draw = np.random.default_rng(seed)
    left = np.repeat(np.arange(n), 2)
    correct = np.tile([True, False], n)
    values = np.stack([draw.normal(size=2 * n), correct + draw.normal(size=2 * n, scale=0.2)], axis=1)
    train, test = left < n // 2, left >= n - n // 4
    val = ~train & ~test
    return Evidence(("noise", "signal"), values), Sample(
        left,
        np.tile([0, 1], n),
        correct,
        train,
        val,
        val.sum() // 2,
        test,
        test.sum() // 2,
        left,
        train.sum() // 2,
    )


@pytest.mark.parametrize("n", [40, 160])  # few: cross-validated; many: by the validation alone
def test_a_decision_that_does_better_is_kept(n: int) -> None:
    seen, known = sample(n)
    wrong = np.flatnonzero(~known.correct)
    found = calibrate(seen, known, wrong)
    assert found.judgement is not None and found.f1 > 0.9 and found.f1_without_labels == 0.0
    assert found.test_f1 is not None and found.test_f1 > 0.9
    weights = dict(zip(found.judgement.features, found.judgement.coefficients, strict=True))
    assert weights["signal"] > 3 * abs(weights["noise"])


def test_a_decision_that_is_no_better_is_not_kept() -> None:
    seen, known = sample(60)
    found = calibrate(seen, known, np.flatnonzero(known.correct))
    assert found.judgement is None and found.f1_without_labels == found.test_f1 == 1.0


def test_with_few_labels_one_lucky_link_does_not_decide() -> None:
    seen, known = sample(8)
    right = np.flatnonzero(known.correct & (known.left != 5))
    found = calibrate(seen, known, right)
    assert found.f1 == 1.0 > found.f1_without_labels and found.judgement is None


def test_few_labels_are_judged_by_fits_that_have_not_seen_the_entity(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, known = sample(40)
    fits: list[set[int]] = []
    plain = calibration.fit_logistic

    def spy(seen: Evidence, correct: np.ndarray, rows: np.ndarray, strength: float) -> Judgement:
        fits.append(set(known.left[rows].tolist()))
        return plain(seen, correct, rows, strength)

    monkeypatch.setattr(calibration, "fit_logistic", spy)
    calibrate(seen, known, np.flatnonzero(~known.correct))
    every = set(known.left[known.train | known.val].tolist())
    folds = fits[: calibration.FOLDS]
    assert set().union(*(every - seen_there for seen_there in folds)) == every == fits[calibration.FOLDS]
    assert all(not set(known.left[known.test].tolist()) & rows for rows in fits)


def test_without_any_match_in_training_nothing_is_learned() -> None:
    seen, known = sample(10)
    none = replace(known, correct=known.correct & known.test)
    assert calibrate(seen, none, np.array([], dtype=np.int64)).judgement is None


def test_more_shrinking_gives_smaller_coefficients() -> None:
    seen, known = sample(40)
    sizes = [
        np.abs(fit_logistic(seen, known.correct, known.train, strength).coefficients).sum()
        for strength in calibration.STRENGTHS
    ]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_each_left_node_counts_once() -> None:
    left, right = np.array([0, 0, 1]), np.array([0, 1, 0])
    f1, threshold = best_f1(left, right, np.array([0.9, 0.8, 0.7]), np.array([True, True, False]), 2)
    assert f1 == pytest.approx(2 / 3) and 0.7 < threshold < 0.9
