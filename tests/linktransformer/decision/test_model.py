"""The shipped decision: probabilities of log-odds, the expected overlap, corrections, and its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from linktransformer.decision.context import context
from linktransformer.decision.correction import Correction
from linktransformer.decision.model import SUREST, VARIABLE, decision, read_decision, sigmoid
from linktransformer.errors import ModelError

N_LEFT, N_RIGHT = 60, 50
SIZES = (N_LEFT, N_RIGHT)
CORRECTION = Correction(0.8, 0.5, 0.3, ("match weight of name",), (1.0,), (0.0,), (1.0,), ("name",))


def pairs(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Left and right record of each pair, in order, and its own log-odds."""
    draw = np.random.default_rng(seed)
    code = np.sort(draw.choice(N_LEFT * N_RIGHT, 400, replace=False))
    return code // N_RIGHT, code % N_RIGHT, draw.normal(-2, 3, 400).astype(np.float32)


def test_probabilities_are_of_log_odds_and_below_one() -> None:
    z = np.array([-20, -1, 0, 2.5, 9.99, 50], dtype=np.float32)
    found = sigmoid(z)
    np.testing.assert_allclose(found[1:4], [1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-2.5))], rtol=1e-6)
    assert found.dtype == np.float32 and found.max() < 1 and found[0] == sigmoid(np.array([-SUREST]))[0]
    near = sigmoid(np.array([SUREST - 0.05, SUREST]))
    assert near[0] < near[1]  # as STEP of equal texts needs it


def test_parts_of_a_job_are_judged_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right, z = pairs()
    model = decision()
    seen = context(z, left, right, SIZES)
    plain = model.job.predict_plainly(np.asarray(seen.values))
    for step in (7, 400):
        monkeypatch.setattr("linktransformer.decision.model.STEP", step)
        found = model.in_job(z, np.arange(400), left, right, SIZES)
        np.testing.assert_allclose(found.log_odds, plain, atol=1e-4)
    assert found.shift == 0 and found.uncertainty == model.uncertainty


@pytest.mark.parametrize("overlap", [0.02, 0.3, 0.9])
def test_an_expected_overlap_shifts_all_log_odds_towards_it(overlap: float) -> None:
    left, right, z = pairs()
    model = decision()
    before = model.in_job(z, np.arange(400), left, right, SIZES)
    after = model.in_job(z, np.arange(400), left, right, SIZES, expected_overlap=overlap)
    np.testing.assert_allclose(after.log_odds - before.log_odds, after.shift, atol=1e-5)

    def share(shift: float) -> float:
        best = np.full(N_LEFT, -np.inf)
        np.maximum.at(best, left, before.log_odds.astype(float))
        return float((1 / (1 + np.exp(-(best + shift)))).sum() / N_LEFT)

    def cost(shift: float) -> float:
        return (shift / before.uncertainty) ** 2 + (np.log(share(shift) / overlap) / np.log(2)) ** 2

    grid = np.arange(-8, 8.001, 0.01)
    assert cost(after.shift) == pytest.approx(min(map(cost, grid)), abs=0.01)
    assert abs(np.log(share(after.shift) / overlap)) < abs(np.log(share(0) / overlap))
    assert after.uncertainty <= np.log(2) and after.caution == before.caution / 2


def test_a_correction_is_applied_to_the_log_odds_in_the_job() -> None:
    left, right, z = pairs()
    model = decision()
    corrected = model.corrected_by(CORRECTION, ["name", "town"])
    bits = np.random.default_rng(1).normal(size=(400, 2)).astype(np.float32)
    offset = corrected.offset((), np.empty((400, 0), dtype=np.float32), bits)
    assert offset is not None
    before = model.in_job(z, np.arange(400), left, right, SIZES).log_odds
    after = corrected.in_job(z, np.arange(400), left, right, SIZES, offset=offset).log_odds
    np.testing.assert_allclose(after, 0.8 * before + 0.5 + bits[:, 0].clip(-5, 5), atol=1e-5)
    seen = context(z, left, right, SIZES)
    np.testing.assert_array_equal(corrected.log_odds(seen, (), np.empty((400, 0), "f4"), bits), after)


def test_labels_make_a_decision_surer_and_other_columns_leave_it() -> None:
    model = decision()
    corrected = model.corrected_by(CORRECTION, ["name"])
    assert corrected.uncertainty == 0.3
    share = 0.3 / model.uncertainty
    assert corrected.caution == pytest.approx(model.caution * share)
    unsure = model.corrected(replace(CORRECTION, uncertainty=99.0))
    assert (unsure.uncertainty, unsure.caution) == (model.uncertainty, model.caution)
    assert model.corrected_by(CORRECTION, ["street", "town"]) is model
    assert model.corrected_by(None, ["name"]) is model.corrected(None) is model


def test_the_environment_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert decision() is decision() is not decision(pictures=True)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone.npz"))
    with pytest.raises(ModelError, match=r"gone\.npz"):
        decision()
    np.savez(tmp_path / "other.npz", numbers=np.array(["uncertainty"]))
    with pytest.raises(ModelError, match="cannot be read"):
        read_decision(str(tmp_path / "other.npz"))
