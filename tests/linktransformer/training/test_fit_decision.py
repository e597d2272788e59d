"""fit_decision: what labels say of candidates, and a folder that decides as it learned."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.decision.correction import FILE, Correction, write
from linktransformer.linking import compare_tables
from linktransformer.linking.options import Job
from linktransformer.review.answers import Answer, Answers
from tests import tiny_model

ON = ["name", "town"]
TOWNS = ["Springfield", "Rivertown", "Lakeside"]


def tables(n: int = 80) -> tuple[pd.DataFrame, pd.DataFrame, list[tuple[Any, Any]]]:
    """Firms in two books with a town; a name stands for another firm when the town differs."""
    long, short = tiny_model.firms(n)
    left = pd.DataFrame({"name": long, "town": [TOWNS[row % 3] for row in range(n)]})
    right = pd.DataFrame({"name": short, "town": [TOWNS[row % 3] for row in range(n)]})
    wrong = right.assign(town=[TOWNS[(row + 1) % 3] for row in range(n)])
    right = pd.concat([right, wrong], ignore_index=True).sample(frac=1, random_state=0)
    left.index = pd.Index([f"l{row}" for row in range(n)])
    return left, right, [(f"l{row}", row) for row in range(n)]


def judged(n: int = 80) -> list[tuple[Any, Any, int]]:
    """Matches, and as non-matches the same name in another town."""
    return [(f"l{row}", row, 1) for row in range(n)] + [(f"l{row}", n + row, 0) for row in range(n)]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> lt.FittedDecision:
    left, right, _ = tables()
    return lt.fit_decision(left, right, judged(), ON, model="lexical", out=tmp_path_factory.mktemp("fitted"))


def test_non_matches_are_learned_as_such(fitted: lt.FittedDecision) -> None:
    """A third column of 0 was read as more matches."""
    assert fitted.metrics["matches"] == fitted.metrics["non_matches"] == 80
    left, right, truth = tables(100)
    plain = lt.link(left, right, on=ON, model="lexical").evaluate(truth)
    links = lt.link(left, right, on=ON, model=fitted)
    assert links.evaluate(truth)["f1"] > plain["f1"] + 0.02
    weights = dict(zip(fitted.correction.features, fitted.correction.weights, strict=True))
    assert weights["match weight of town"] > 1.5 * weights["match weight of name"] > 0
    assert links.report()["decision"] == "learned from labels" and links.report()["model"] == "lexical"
    assert ((links.score > 0) & (links.score < 1)).all()


def test_a_folder_without_an_encoder_decides_alike(fitted: lt.FittedDecision) -> None:
    assert [path.name for path in fitted.folder.iterdir()] == [FILE]
    left, right, _ = tables()
    pairs = [lt.link(left, right, on=on, model=model).pairs for on, model in
             ((ON, fitted), (ON, str(fitted.folder)), (ON[::-1], fitted.folder))]  # fmt: skip
    for other in pairs[1:]:
        pd.testing.assert_frame_equal(pairs[0], other)


def test_other_columns_are_decided_without_labels(
    fitted: lt.FittedDecision, caplog: pytest.LogCaptureFixture
) -> None:
    left, right, _ = tables(20)
    with caplog.at_level(logging.WARNING, logger="linktransformer"):
        links = lt.link(left, right, on="name", model=fitted)
    plain = lt.link(left, right, on="name", model="lexical")
    pd.testing.assert_frame_equal(links.pairs, plain.pairs)
    assert "decision" not in links.report() and "uses key columns that are not given" in caplog.text


def test_a_precision_and_an_overlap_may_be_asked_for(fitted: lt.FittedDecision) -> None:
    left, right, truth = tables(100)
    links = lt.link(left, right, on=ON, model=fitted, threshold={"precision": 0.9})
    assert links.report()["precision"] >= 0.9 and links.evaluate(truth)["precision"] >= 0.85
    lower = lt.link(left, right, on=ON, model=fitted, expected_overlap=0.05, threshold=None).pairs["score"]
    assert lower.mean() < lt.link(left, right, on=ON, model=fitted, threshold=None).pairs["score"].mean()


def test_a_model_is_copied_and_sealed_with_the_decision(tmp_path: Path) -> None:
    import model_hub

    left, right, truth = tables(30)
    fitted = lt.fit_decision(left, right, truth, ON, model=model_hub.DEFAULT, out=tmp_path, progress=False)
    manifest = model_hub.open_model(fitted.folder).manifest
    assert manifest.decision == FILE and manifest.created_by == "linktransformer.fit_decision"
    assert manifest.metrics["matches"] == 30 and manifest.architecture == "onnx-text"
    assert manifest.base_model == model_hub.bundled().manifest.base_model
    assert lt.link(left, right, on=ON, model=fitted, progress=False).report()["decision"]
    # a second fit does not start from the first one
    again = lt.fit_decision(left, right, truth, ON, model=fitted.folder, out=tmp_path / "b", progress=False)
    assert again.correction == fitted.correction


def test_it_is_learned_from_what_will_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Job] = []

    def compare(one: Any, two: Any, job: Job) -> Any:
        seen.append(job)
        raise InterruptedError

    monkeypatch.setattr(compare_tables, "compare", compare)
    left, right, truth = tables(10)
    with pytest.raises(InterruptedError):
        lt.fit_decision(left, right, truth, on=ON, out=tmp_path, progress=False)
    assert seen[0].keep_features


def people(n: int = 120) -> tuple[pd.DataFrame, list[int]]:
    """Each person twice; a name may be that of another person, who was born in another year."""
    names = [f"{one} {two}" for one in tiny_model.WORDS[:8] for two in tiny_model.WORDS[8:16]]
    who = [row // 2 for row in range(n)]
    name = [names[person // 2 % len(names)] for person in who]
    year = [str(1850 + person % 2 * 17 + person % 23) for person in who]
    name = [of if row % 2 else of + "e" for row, of in enumerate(name)]
    return pd.DataFrame({"name": name, "born": year, "row": [f"r{row}" for row in range(n)]}), who


def test_clusters_learn_from_pairs_of_one_table(tmp_path: Path) -> None:
    table, who = people()
    pairs = [(f"r{row}", f"r{row + 1}", 1) for row in range(0, 60, 2)]
    pairs += [(f"r{row}", f"r{row + 2}", 0) for row in range(0, 60, 4)]
    fitted = lt.fit_decision(
        table, labels=pd.DataFrame(pairs, columns=["a", "b", "y"]), on=["name", "born"], left_id="row",
        out=tmp_path,
    )  # fmt: skip
    assert fitted.metrics["matches"] + fitted.metrics["non_matches"] == 45
    one = lt.fit_decision(table, labels=pairs, on=["name", "born"], left_id="row", k=50, out=tmp_path / "b")
    assert one.correction == fitted.correction  # as many neighbours as `cluster` has
    plain = lt.cluster(table, on=["name", "born"]).evaluate(who)
    found = lt.cluster(table, on=["name", "born"], model=fitted)
    assert found.evaluate(who)["f1"] >= plain["f1"] and found.report()["decision"] == "learned from labels"
    known = lt.Deduplicator(model=fitted, on=["name", "born"]).fit(table)
    assert known.labels_.tolist() == found.label.tolist()
    known.save(tmp_path / "saved")
    again = lt.Deduplicator.load(tmp_path / "saved")
    plain_one = lt.Deduplicator(on=["name", "born"]).fit(table)
    row = {"name": table.name[0], "born": "1900"}
    scores = [one.predict(row)["score"].iloc[0] for one in (known, again, plain_one)]
    assert scores[0] == scores[1] != scores[2]


def test_a_linker_judges_single_rows_by_it(fitted: lt.FittedDecision, tmp_path: Path) -> None:
    left, right, _ = tables()
    linker = lt.Linker(fitted, on=ON).fit(right, left)
    linked = lt.link(left, right, on=ON, model=fitted)
    found = linker.predict(left)["reference"]
    agree = [found[a] == b for a, b in linked.pairs[["left", "right"]].itertuples(index=False)]
    assert np.mean(agree) > 0.95 and linker.link(left).report()["decision"] == "learned from labels"
    linker.save(tmp_path / "saved")
    pd.testing.assert_frame_equal(lt.Linker.load(tmp_path / "saved").predict(left), linker.predict(left))
    plain = lt.Linker("lexical", on=ON).fit(right, left)
    assert (plain.predict(left)["score"] != linker.predict(left)["score"]).mean() > 0.9
    more = pd.DataFrame({"name": ["Quite Another Firm"], "town": ["Lakeside"]}, index=[9000])
    assert (
        linker.add(more).predict({"name": "Quite Another Firm", "town": "Lakeside"})["reference"][0] == 9000
    )


def test_rows_that_are_added_are_judged_by_it(tmp_path: Path) -> None:
    left, right, _ = tables(30)
    learned = Correction(1.0, 4.0, 0.1, (), (), (), ())
    write(learned, tmp_path / FILE, {"model": "lexical"})
    more = pd.DataFrame({"name": [left.name.iloc[0] + " Co"], "town": [left.town.iloc[0]]}, index=[9000])
    jobs = []
    for model in ("lexical", tmp_path):
        job = lt.Linker(model, on=ON).fit(right, left).add(more)._job
        assert job is not None
        jobs.append(job.pairs.job[(job.pairs.right == job.pairs.n_records - 1) & job.pairs.described])
    np.testing.assert_allclose(jobs[1], jobs[0] + 4, atol=1e-4)
    assert len(jobs[0]) > 0


def test_files_are_linked_by_it(tmp_path: Path) -> None:
    left, right, _ = tables()
    left = left.assign(name=left.name + " " + left.town)
    right = right.assign(name=right.name + " " + right.town)
    fitted = lt.fit_decision(left, right, judged(), "name", model="lexical", out=tmp_path)
    paths = [tmp_path / name for name in ("a.parquet", "b.parquet")]
    for table, path in zip((left, right), paths, strict=True):
        table.reset_index(drop=True).to_parquet(path)
    found = lt.link_files(*paths, None, "name", model=fitted)
    memory = lt.link(left.reset_index(drop=True), right.reset_index(drop=True), on="name", model=fitted)
    for name in ("left", "right"):
        assert found.pairs[name].to_pylist() == memory.pairs[name].tolist()
    np.testing.assert_allclose(found.pairs["score"].to_numpy(), memory.pairs["score"], atol=1e-3)
    plain = lt.link_files(*paths, None, "name", model="lexical")
    assert not np.isclose(plain.score.mean(), found.score.mean(), atol=1e-3)


def test_contradictions_are_counted_and_told(tmp_path: Path) -> None:
    left, right, _ = tables(20)
    given = [("l0", 0, 1), ("l0", 0, 0), ("l1", 1, 1), ("l2", 1, 1), ("l2", 2, 1), ("l1", 2, 0)]
    said = (
        r"labels contradicts itself: 1 pair is .*\('l0', 0\); 1 pair is .*matches join, such as \('l1', 2\)"
    )
    with pytest.warns(lt.LinkWarning, match=said) as warned:
        fitted = lt.fit_decision(left, right, given, ON, model="lexical", out=tmp_path)
    assert len(warned) == 1 and warned[0].filename == __file__
    assert fitted.metrics["contradictions"] == 2 and fitted.metrics["left_rows_with_several_matches"] == 1
    assert fitted.metrics["matches"] == 4 and fitted.metrics["repeated_labels"] == 0
    both = [pair for pair in given if pair[0] == "l0"]
    with pytest.raises(lt.InvalidArgumentError, match="all its 1 pairs that they match and that they do not"):
        lt.fit_decision(left, right, both, ON, model="lexical", out=tmp_path)


@pytest.mark.parametrize(("complete", "named"), [(False, 0), ("named", 1), (True, 2)])
def test_complete_labels_say_what_is_no_match(complete: Any, named: int, monkeypatch: Any) -> None:
    left, right, truth = tables(20)
    seen: list[tuple[int, int]] = []

    def stop(fused: Any, matches: Any, others: Any, *, same: bool = False, chosen: bool = False) -> Any:
        pairs = fused.candidates
        of_others = set(pairs.left[others].tolist())
        assert not set(matches.tolist()) & set(others.tolist())
        seen.append((len(matches), len(of_others)))
        raise InterruptedError

    monkeypatch.setattr("linktransformer.training.fit_decision.correction_of", stop)
    with pytest.raises(InterruptedError):
        lt.fit_decision(left, right, truth[:5], ON, model="lexical", complete=complete)
    assert seen == [(5, (0, 5, 20)[named])]


def test_a_null_label_says_that_a_row_has_no_match(monkeypatch: Any) -> None:
    left, right, _ = tables(20)
    seen: list[set[int]] = []

    def stop(fused: Any, matches: Any, others: Any, *, same: bool = False, chosen: bool = False) -> Any:
        seen.append(set(fused.candidates.left[others].tolist()))
        raise InterruptedError

    monkeypatch.setattr("linktransformer.training.fit_decision.correction_of", stop)
    with pytest.raises(InterruptedError):
        lt.fit_decision(left, right, {"l0": 0, "l7": None}, ON, model="lexical")
    texts = (left["name"] + " " + left["town"]).tolist()
    assert seen == [{sorted(texts).index(texts[7])}]


def test_what_cannot_be_learned_is_told(tmp_path: Path) -> None:
    left, right, truth = tables(10)
    for given, more, message in (
        (None, {}, "labels= is missing"),
        ([], {}, "names no pair"),
        ([("x", 0)], {}, "'x', the label of no row of the left table"),
        (truth, {"complete": "yes"}, "complete='yes'"),
    ):
        with pytest.raises(lt.InvalidArgumentError, match=message):
            lt.fit_decision(left, right, given, on="name", out=tmp_path, **more)
    with pytest.raises(lt.InvalidArgumentError, match="right table's index labels repeat"):
        lt.fit_decision(left, pd.concat([right, right]), truth, on="name", out=tmp_path)
    with pytest.raises(lt.ModelError, match="cannot be copied"):
        lt.fit_decision(left, right, truth, on="name", model="no/such/folder", out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_labels_that_were_not_compared_leave_the_decision(tmp_path: Path) -> None:
    left = pd.DataFrame({"name": ["acme steel works", "baxter dairy"]})
    right = pd.DataFrame({"name": ["acme steel works", "zzz qqq"]})
    fitted = lt.fit_decision(left, right, [(1, 1)], on="name", model="lexical", out=tmp_path)
    assert fitted.metrics["labels_not_compared"] == 1
    pairs = [lt.link(left, right, on="name", model=model).pairs for model in (fitted, "lexical")]
    pd.testing.assert_frame_equal(*pairs)


def test_answers_of_a_review_say_nothing_of_how_many_match(tmp_path: Path, monkeypatch: Any) -> None:
    left, right, _ = tables(20)
    seen: list[bool] = []

    def stop(*arguments: Any, chosen: bool, **named: Any) -> Any:
        seen.append(chosen)
        raise InterruptedError

    monkeypatch.setattr("linktransformer.training.fit_decision.correction_of", stop)
    answers = Answers(tmp_path / "answers.sqlite")
    answers.add(Answer("l0", "0", "yes", "ann"), Answer("l1", "2", "no", "ann"))
    for labels, more in ((answers.path, {}), (answers.path, {"complete": "named"}), ([("l0", 0, 1)], {})):
        with pytest.raises(InterruptedError):
            lt.fit_decision(left, right, labels, ON, model="lexical", **more)
    assert seen == [True, False, False]


@pytest.mark.parametrize(("given", "reads"), [("auto", True), (False, False)])
def test_a_decision_reads_pairs_in_use_if_they_were_read_when_it_was_learned(
    given: Any, reads: bool, tmp_path: Path
) -> None:
    left, right, _ = tables(30)
    fitted = lt.fit_decision(left, right, judged(30), ON, reader=given, out=tmp_path)
    assert fitted.correction.reader is reads
    report = lt.link(left, right, on=ON, model=fitted).report()
    assert ("read" in report) is reads and report["decision"] == "learned from labels"
    assert "read" not in lt.link(left, right, on=ON, model=fitted, reader=False).report()


def test_a_decision_for_one_table_reads_pairs_too(tmp_path: Path) -> None:
    left, right, _ = tables(30)
    people = pd.concat([left, right.iloc[:30]], ignore_index=True)
    pairs = [(0, 30, 1), (1, 31, 0), (2, 32, 0)]
    fitted = lt.fit_decision(people, labels=pairs, on=ON, out=tmp_path)
    assert fitted.correction.reader
    assert "read" in lt.cluster(people, ON, model=fitted).report()
