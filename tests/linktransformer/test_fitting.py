"""fit_decision: what known links say of candidates, and a folder that decides as it learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer import calibration, comparing, fitting, frames, judgement
from linktransformer.job import Job
from tests import tiny_model

MINILM = "all-minilm-l6-v2-int8"  # which leaves something to be learned


def tables(n: int = 80) -> tuple[pd.DataFrame, pd.DataFrame, list[tuple[Any, Any]]]:
    """Firms in two books with a town; a name stands for another firm when the town differs."""
    long, short = tiny_model.firms(n)
    towns = ["Springfield", "Rivertown", "Lakeside"]
    left = pd.DataFrame({"name": long, "town": [towns[row % 3] for row in range(n)]})
    right = pd.DataFrame({"name": short, "town": [towns[row % 3] for row in range(n)]})
    wrong = right.assign(town=[towns[(row + 1) % 3] for row in range(n)])
    right = pd.concat([right, wrong], ignore_index=True).sample(frac=1, random_state=0)
    left.index = pd.Index([f"l{row}" for row in range(n)])
    truth = [(f"l{row}", row) for row in range(n)]
    return left, right, truth


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    left, right, truth = tables()
    out = tmp_path_factory.mktemp("fitted") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "LEAST_GAIN", 0.5)  # so few firms leave a gain of one or two links
        return lt.fit_decision(left, right, truth, on=["name", "town"], model=MINILM, out=out, progress=False)


def test_the_folder_decides_as_it_learned(fitted: Any) -> None:
    assert fitted.kept and (fitted.folder / judgement.FILE).exists()
    assert fitted.metrics["val_f1_learned_decision"] > fitted.metrics["val_f1_decision_without_labels"]
    left, right, truth = tables(100)
    left, right = left.iloc[80:], right[right.index.isin(range(80, 100)) | (right.index >= 180)]
    links = lt.link(left, right, on=["name", "town"], model=fitted, progress=False)
    assert links.report()["decision"] == "learned from labels"
    plain = lt.link(left, right, on=["name", "town"], model=MINILM, progress=False)
    assert links.evaluate(truth[80:])["f1"] > max(
        0.85, plain.evaluate(truth[80:])["f1"] - 0.06
    )  # one of 20 links is .025
    assert ((links.score > 0) & (links.score < 1)).all()


def test_a_precision_counts_the_learned_probability_alone(fitted: Any) -> None:
    left, right, _ = tables(100)
    links = lt.link(left, right, on=["name", "town"], model=fitted, threshold={"precision": 0.95})
    assert len(links) > 90 and links.score.min() >= links.report()["threshold"] > 0.2
    assert links.report()["precision"] >= 0.95
    assert links.evaluate([(f"l{row}", row) for row in range(100)])["precision"] >= 0.9


def test_it_is_learned_from_what_will_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Job] = []

    def compare(one: Any, two: Any, job: Job) -> Any:
        seen.append(job)
        raise InterruptedError

    monkeypatch.setattr(comparing, "compare", compare)
    left, right, truth = tables(10)
    with pytest.raises(InterruptedError):
        lt.fit_decision(left, right, truth, on=["name", "town"], out=tmp_path, progress=False)
    assert not seen[0].choosy


def test_the_manifest_says_what_was_learned(fitted: Any) -> None:
    import model_hub

    manifest = model_hub.open_model(fitted.folder).manifest
    assert manifest.decision == judgement.FILE and manifest.created_by == "linktransformer.fit_decision"
    assert manifest.metrics["val_f1_learned_decision"] == pytest.approx(
        fitted.metrics["val_f1_learned_decision"], abs=1e-6
    )
    assert manifest.base_model == model_hub.bundled(MINILM).manifest.base_model
    assert manifest.architecture == "onnx-text"


def compared(left: pd.DataFrame, right: pd.DataFrame) -> comparing.Compared:
    both = frames.wrap(left, "left"), frames.wrap(right, "right")
    return comparing.compare(both, (["name"], ["name"]), Job(model="lexical", progress=False))


@pytest.mark.parametrize("complete", [False, True])
def test_only_rows_that_are_known_are_learned_from(complete: bool) -> None:
    left = pd.DataFrame({"name": ["acme steel", "acme steel co", "baxter dairy", "zeller"]})
    right = pd.DataFrame({"name": ["acme steel corp", "baxter dairies", "zellers"]})
    found = compared(left, right)
    # two left rows are one firm; zeller is not labelled
    rows = np.array([0, 1, 2]), np.array([0, 0, 1])
    sample = fitting.sample_of(found, rows, complete, seed=0)
    node_of = found.nodes[0].node_of_row, found.nodes[1].node_of_row
    known = {(node_of[0][a], node_of[1][b]) for a, b in zip(*rows, strict=True)}
    pairs = list(zip(sample.left.tolist(), sample.right.tolist(), strict=True))
    assert sample.correct.tolist() == [pair in known for pair in pairs]
    used = sample.train | sample.val
    assert not (sample.train & sample.val).any()
    last = sample.left == node_of[0][3]
    assert used[last].all() == complete and used[~last].all()
    assert sample.matches + sample.train_matches == 3
    one = {int(entity) for entity in sample.entity[np.isin(sample.left, node_of[0][:2])]}
    assert len(one) == 1  # both are fitted on, or both are held out
    assert len({bool(v) for v in sample.val[np.isin(sample.left, node_of[0][:2])]}) == 1


def test_rows_of_one_firm_are_held_out_together() -> None:
    names = [f"{one} {kind}" for one in tiny_model.WORDS[:8] for kind in ("steel", "steel co", "steel corp")]
    left = pd.DataFrame({"name": names})
    right = pd.DataFrame({"name": [f"{one} steel company" for one in tiny_model.WORDS[:8]]})
    found = compared(left, right)
    rows = np.arange(24), np.arange(24) // 3
    for seed in range(5):
        sample = fitting.sample_of(found, rows, False, seed)
        for firm in range(8):
            of_firm = np.isin(sample.left, found.nodes[0].node_of_row[3 * firm : 3 * firm + 3])
            assert len(set(sample.val[of_firm].tolist())) == 1
        assert 0 < sample.matches < 24


def test_a_decision_that_was_there_does_not_stay(fitted: Any, tmp_path: Path) -> None:
    left = pd.DataFrame({"name": ["acme steel works", "baxter dairy", "zeller motors", "quincy glass"]})
    again = lt.fit_decision(
        left, left, [(n, n) for n in range(4)], on="name", model=fitted.folder, out=tmp_path, progress=False
    )
    assert not again.kept and not (again.folder / judgement.FILE).exists()


def test_what_cannot_be_learned_is_told(tmp_path: Path) -> None:
    left, right, truth = tables(10)
    with pytest.raises(lt.InvalidArgumentError, match="names no link"):
        lt.fit_decision(left, right, [], on="name", out=tmp_path)
    with pytest.raises(lt.InvalidArgumentError, match="left table names 'x'"):
        lt.fit_decision(left, right, [("x", 0)], on="name", out=tmp_path)
    with pytest.raises(lt.InvalidArgumentError, match="right table has index labels that repeat"):
        lt.fit_decision(left, pd.concat([right, right]), truth, on="name", out=tmp_path)
    with pytest.raises(lt.ModelError, match="cannot be copied"):
        lt.fit_decision(left, right, truth, on="name", model="lexical", out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_where_no_decision_is_better_the_model_decides_as_before(tmp_path: Path) -> None:
    left = pd.DataFrame({"name": ["acme steel works", "baxter dairy", "zeller motors", "quincy glass"]})
    fitted = lt.fit_decision(left, left, [(n, n) for n in range(4)], on="name", out=tmp_path, progress=False)
    assert not fitted.kept and not (fitted.folder / judgement.FILE).exists()
    links = lt.link(left, left, on="name", model=fitted, progress=False)
    assert "decision" not in links.report() and len(links) == 4
