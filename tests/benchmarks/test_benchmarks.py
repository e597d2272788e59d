"""The benchmarks count rightly: numbers worked out by hand, and jobs whose cost is known."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tools import data
from tools.report import Report, Table, markdown, publish

from . import __main__ as entry
from . import (
    calibrated,
    codelists,
    cpu,
    decision_files,
    importtime,
    jobs,
    known_pairs,
    ours,
    overlaps,
    precision,
    speed,
    speed_tables,
    splink_tables,
    zero_label,
)
from .measure import JobError, Measured, environment, run_job
from .score import PairScore, score_pairs

WRITES = "import sys, json, pathlib; pathlib.Path(sys.argv[-1]).write_text(json.dumps({'done': 1}))"


def test_scores_by_hand() -> None:
    score = score_pairs(
        [("a", "x"), ("a", "x"), ("b", "y"), ("c", "z")], [("a", "x"), ("c", "z"), ("d", "w")]
    )
    assert (score.correct, score.links, score.matches) == (2, 3, 3)
    assert (score.precision, score.recall, score.f1) == (2 / 3, 2 / 3, 2 / 3)
    assert PairScore(0, 0, 4).precision == 1.0 and PairScore(0, 0, 4).f1 == 0.0
    assert PairScore(1, 2, 3) + PairScore(1, 1, 1) == PairScore(2, 3, 4)


def test_a_group_is_the_mean_of_its_tasks() -> None:
    def row(f1: float, best: float, mutual: float) -> dict[str, object]:
        scores = {"data set": "t", "F1": f1, "best F1": best, "mutual F1": mutual, "oracle F1": 1.0}
        return {**scores, "F1 - TF-IDF": 0.0, "dense weight": None, "seconds": 2.0, "CPU s": 3.0}

    group = zero_label.averaged("g", [row(0.6, 0.2, 0.8), row(0.8, 0.6, 0.2)])
    assert group["F1"] == pytest.approx(0.7)
    assert group["F1 - TF-IDF"] == pytest.approx(0.7 - 0.5)
    assert (group["seconds"], group["CPU s"], group["dense weight"]) == (4.0, 6.0, None)


def test_summary_of_data_sets() -> None:
    rows: list[dict[str, Any]] = [
        {"data set": "abt_buy", "F1": 0.9, "TF-IDF": 0.8, "oracle F1": 0.9, "rules": 0.95},
        {"data set": "febrl4_hard", "F1": 0.6, "TF-IDF": 0.7, "oracle F1": 0.7, "rules": 0.5},
        {"data set": "town_names", "F1": 0.9, "TF-IDF": 0.9, "oracle F1": 0.7, "rules": None},
    ]
    for row in rows:
        row["F1 - TF-IDF"] = row["F1"] - row["TF-IDF"]
        row["F1 - rules"] = None if row["rules"] is None else row["F1"] - row["rules"]
    parts = zero_label.parts(rows)
    assert [row["data set"] for row in parts["new sets"]] == ["town_names"]
    total = zero_label.summary(parts["zero_label"])
    assert total["mean F1"] == pytest.approx(0.75) and total["mean TF-IDF"] == pytest.approx(0.75)
    assert total["difference"] == pytest.approx(0.0)
    assert (total["worst set"], total["febrl4_hard"]) == ("febrl4_hard", 0.6)
    assert total["worst difference"] == pytest.approx(-0.1)
    assert total["to rules"] == pytest.approx(0.025) and total["set worst to rules"] == "abt_buy"
    assert "to rules" not in zero_label.summary(parts["new sets"])


def test_the_rules_are_known_for_every_set() -> None:
    rules = json.loads(zero_label.RULES.read_text(encoding="utf-8"))
    pairs = {known_pairs.PREFIX + name for name in known_pairs.PUBLISHED}
    assert {*zero_label.BEFORE, *pairs} <= set(rules)
    assert all(0 <= value <= 1 for value in rules.values())


def test_a_set_is_decided_by_the_model_of_its_fold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(decision_files.VARIABLE, raising=False)
    parser = argparse.ArgumentParser()
    decision_files.add_arguments(parser)
    (tmp_path / "folds.json").write_text('{"autofj": 3, "abt_buy": 1}', encoding="utf-8")
    (tmp_path / "fold-3.npz").touch()
    options = parser.parse_args(["--folds", str(tmp_path)])
    with decision_files.deciding("autofj/Song", options):
        assert os.environ[decision_files.VARIABLE] == str(tmp_path / "fold-3.npz")
    assert decision_files.VARIABLE not in os.environ
    with pytest.raises(SystemExit, match="no fold for cora"):
        decision_files.file_of("cora", options)
    with pytest.raises(SystemExit, match="does not exist"), decision_files.deciding("abt_buy", options):
        pass
    with pytest.raises(SystemExit, match="no fold for cora"):
        decision_files.check(["autofj", "cora"], options)
    shipped = parser.parse_args([])
    decision_files.check(["cora"], shipped)
    assert decision_files.file_of("cora", shipped) is None
    assert decision_files.described(shipped) == decision_files.SHIPPED


def test_a_set_is_read_by_the_reader_of_its_fold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(decision_files.READER, raising=False)
    (tmp_path / "folds.json").write_text('{"autofj": 3, "abt_buy": 1}', encoding="utf-8")
    for fold in (1, 3):
        (tmp_path / f"fold-{fold}.npz").touch()
    parser = argparse.ArgumentParser()
    decision_files.add_arguments(parser)
    options = parser.parse_args(["--folds", str(tmp_path)])
    assert decision_files.described(options).endswith("shipped one, which has seen these families")
    with decision_files.deciding("abt_buy", options):
        assert decision_files.READER not in os.environ
    (tmp_path / "reader-3").mkdir()
    assert "shipped" not in decision_files.described(options)
    with decision_files.deciding("autofj/Song", options):
        assert os.environ[decision_files.READER] == str(tmp_path / "reader-3")
    assert decision_files.READER not in os.environ
    with pytest.raises(SystemExit, match="reader-1 does not exist"):
        decision_files.check(["abt_buy"], options)


def outcome(scores: dict[tuple[str, str], float], report: dict[str, Any]) -> ours.Outcome:
    return ours.Outcome(frozenset(scores), 0.0, 0.0, report, scores)


def test_precision_cells_by_hand() -> None:
    truth = frozenset((str(number), str(number)) for number in range(18))
    scores = {(str(number), str(number)): 0.9 for number in range(20)}
    report = {"precision": 0.93, "precision_interval": [0.91, 0.97]}
    enough = calibrated.cell("s", 0.5, 0.95, "nothing", outcome(scores, report), truth)
    assert (enough["precision"], enough["recall"], enough["links"]) == (0.9, 1.0, 20)
    assert enough["covered"] is False and enough["met (- .05)"] is True
    few = calibrated.cell("s", 0.5, 0.8, "nothing", outcome({("0", "1"): 0.9}, {}), truth)
    assert (few["met (- .05)"], few["covered"], few["reported"]) == (None, None, None)
    none = calibrated.cell("s", 0.0, 0.8, "nothing", outcome({}, report), frozenset())
    assert (none["precision"], none["recall"], none["covered"]) == (None, None, None)
    total = calibrated.summary("all", [enough, few, none])
    assert (total["cells"], total["counted"], total["share met"], total["intervals"]) == (3, 1, 1.0, 1)
    assert total["share covering"] == 0.0 and total["mean absolute error"] == pytest.approx(0.03)
    group = calibrated.together("g", [enough, {**few, "asked": 0.95}], [18, 2])
    assert (group["links"], group["right"], group["recall"]) == (21, 18, 0.9)
    assert group["reported"] == pytest.approx(0.93)


@pytest.mark.parametrize("known", [True, False])
def test_precision_is_asked_with_hints_where_link_takes_them(
    monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    given: list[dict[str, Any]] = []

    def link(tables: data.TwoTables, **options: Any) -> ours.Outcome:
        given.append(options)
        return outcome({("l0", "r0"): 0.75}, {"precision": 0.8, "precision_interval": [0.5, 1.0]})

    monkeypatch.setattr(ours, "link", link)
    monkeypatch.setattr(ours, "takes", lambda argument: known)
    parser = argparse.ArgumentParser()
    precision.add_arguments(parser)
    options = parser.parse_args(["--wanted", "0.8", "0.9", "--hint-wanted", "0.9"])
    left = pd.DataFrame({"id": ["l0", "l1", "l2", "l3"]})
    tables = data.TwoTables("t", left, left, frozenset({("l0", "r0"), ("l1", "r1"), ("l1", "r2")}))
    found = precision.measure(tables, options, "lexical")
    hints = [call.get("expected_overlap") for call in given]
    assert hints == [None] * 4 + ([0.5, 1.0, 0.25] if known else [])
    assert [call["threshold"] for call in given[:2]] == [None, "auto"]
    assert [cell["told"] for cell in found.cells] == ["nothing"] * 3 + (
        list(precision.HINTS) if known else []
    )
    assert found.bins[0][7]["right"] == 1.0 and not found.empty
    rows = list(precision.summaries_of("sets", found.cells, by_overlap=True))
    assert rows[0]["over"] == "sets" and len(rows) == (1 + 2 + 1) + (9 if known else 0) + 1
    nothing = data.TwoTables("t", left, left, frozenset())
    (empty,) = precision.measure(nothing, options, "lexical", 0.0).empty
    assert empty["share linked"] == 0.25


def test_reliability_gives_each_set_the_same_weight() -> None:
    one = calibrated.bins_of({("a", "a"): 0.95, ("b", "b"): 1.0}, frozenset({("a", "a"), ("b", "b")}))
    other = calibrated.bins_of({("c", "d"): 0.95}, frozenset())
    (row,) = calibrated.reliability([one, other])
    assert (row["links"], row["weight"]) == (3, 1.0)
    assert row["mean score"] == pytest.approx((0.975 + 0.95) / 2) and row["share right"] == 0.5
    assert calibrated.calibration_error([row]) == pytest.approx(0.4625)


@pytest.mark.parametrize("share", overlaps.SHARES)
def test_made_tables_have_the_overlap_and_nothing_hidden(share: float) -> None:
    truth = {(f"l{number}", f"r{number}") for number in range(200)} | {("l0", "r1"), ("l5", "r6")}
    left = pd.DataFrame({"id": [f"l{number}" for number in range(230)]})
    right = pd.DataFrame({"id": [f"r{number}" for number in range(210)]})
    whole = data.TwoTables("t", left, right, frozenset(truth))
    found = overlaps.made(whole, 150, share)
    rows = len(found.left)
    assert rows == len(found.right) and len(found.truth) == round(rows * share) and rows >= 100
    ids = set(found.left["id"]), set(found.right["id"])
    assert found.truth == {(a, b) for a, b in truth if a in ids[0] and b in ids[1]}
    again = overlaps.made(whole, 150, share)
    assert again.left.equals(found.left) and again.right.equals(found.right)


def test_the_made_list_and_the_speed_tables_are_what_they_say() -> None:
    made = codelists.made()
    share = len(made.truth) / len(made.left)
    assert len(made.left) == 600 and len(made.right) == 12 and 0.9 < share < 1
    assert made.truth == codelists.made().truth and made.left.equals(codelists.made().left)
    for make, columns in ((speed_tables.records, 4), (speed_tables.names, 1)):
        left, right, truth = make(200)
        assert len(left) == len(right) == columns
        assert {len(column) for column in [*left.values(), *right.values()]} == {200}
        assert len(truth["left"]) == 140 and len(set(truth["right"])) == 140
        assert (left, right, truth) == make(200)


def test_the_baseline_of_speed_links_mutual_bests() -> None:
    left, right, truth = (pd.DataFrame(part) for part in speed_tables.names(120))
    pairs = speed.by_baseline(left, right, speed.BASELINE)
    assert len(dict(pairs)) == len({right for _, right in pairs}) == len(pairs)
    assert len(set(pairs) & set(zip(truth["left"], truth["right"], strict=True))) > 60


def test_splink_is_set_up_by_the_columns() -> None:
    assert splink_tables.paired(["name", "x"], ["name", "y", "z"]) == [("name", "name")]
    left = pd.DataFrame({"firm": ["Acme Steel", "Baxter  Steel"], "no": ["12", ""]})
    right = pd.DataFrame({"name": ["ACME Steel Co", "Zeller"], "no": ["12", "13"]})
    one, two = splink_tables.prepared(left, right)
    assert one["c0"].tolist() == ["acme steel", "baxter steel"] and two["c1"].tolist() == ["12", "13"]
    assert splink_tables.is_name(["acme", "no 1"]) and not splink_tables.is_name(["2020-01-02"])
    splink_tables.add_keys(one, two, ["c0"])
    assert one["c0_rare"].tolist() == ["acme", "steel"] and two["c0_start"].tolist() == ["acme", "zell"]
    assert splink_tables.ranked(one, two, ["c0", "c1"], ["c0"]) == ["c0_rare", "c0_start", "c1"]


def test_speed_ratios_are_of_medians() -> None:
    def run(side: str, seconds: float) -> dict[str, Any]:
        numbers = {"CPU s": seconds, "seconds": seconds, "peak MB": 10.0, "MB added": 1.0, "F1": 0.5}
        return {"job": "names", "rows": 9, "side": side, **numbers}

    runs = [run(speed.BASELINE, value) for value in (1.0, 2.0, 9.0)]
    runs += [run(speed.AUTO, value) for value in (3.0, 4.0, 50.0)]
    (ratio,) = speed.ratios(speed.medians(runs))
    assert (ratio["side"], ratio["CPU s, times"], ratio["F1 - baseline"]) == (speed.AUTO, 2.0, 0.0)


def test_ratios_are_theirs_over_ours() -> None:
    def row(job: str, side: str, seconds: float) -> dict[str, object]:
        return {
            "job": job, "side": side, "what": "w", "top-1": seconds / 100, "outside the encoder": None,
            "CPU s (call)": seconds, "CPU s (process)": seconds, "peak MB": 10.0,
        }  # fmt: skip

    found = cpu.ratios([row("merge", "theirs", 60.0), row("merge", "ours", 6.0), row("large", "ours", 1.0)])
    assert len(found) == 1 and found[0]["CPU s (call)"] == 10.0
    assert found[0]["outside the encoder"] is None
    assert found[0]["top-1, ours - theirs"] == pytest.approx(-0.54)


def test_cpu_rows_say_whether_the_encoder_ran() -> None:
    times = {"call_cpu_s": 3.0, "encoder_cpu_s": 0.0, "encoder_calls": 0, "call_s": 3.0, "import_cpu_s": 1.0}
    known = {**times, "top1": 0.5, "precision": 1.0, "links": 4, "rows_out": 9, "texts": 0}
    options = argparse.Namespace(rows=9)
    without = cpu.row_of(cpu.JOBS[1], options, Measured(5.0, 4.0, 9.0, known))
    assert without["encoder ran"] is False and without["outside the encoder"] is None
    ran = {
        **known,
        "encoder_cpu_s": 2.0,
        "encoder_calls": 1,
        "texts": 18,
        "report": {"encoded": {"records": [5, 7]}},
    }
    row = cpu.row_of(cpu.JOBS[1], options, Measured(5.0, 4.0, 9.0, ran))
    assert (row["encoder ran"], row["records encoded"], row["texts encoded"]) == (True, 12, 18)
    assert row["outside the encoder"] == 1.0


def test_accuracy_counts_left_rows_and_links() -> None:
    frame = pd.DataFrame({"gid_x": [1, 2, 3, None], "gid_y": [1.0, 5.0, None, 7.0]})
    assert jobs.accuracy(frame, 4) == {"top1": 0.25, "precision": 0.5, "links": 2, "rows_out": 4}


def test_a_job_is_measured_alone() -> None:
    burn = f"import time\nwhile time.process_time() < .4: pass\n{WRITES}"
    measured = run_job([sys.executable, "-c", burn], environment(), 60)
    assert measured.result == {"done": 1}
    assert 0.35 < measured.cpu_s < 5 and measured.wall_s > 0.3 and measured.peak_mb > 1
    idle = run_job([sys.executable, "-c", f"import time; time.sleep(.5)\n{WRITES}"], environment(), 60)
    assert idle.cpu_s < 0.4 <= idle.wall_s


def test_a_job_that_fails_or_hangs_says_so() -> None:
    with pytest.raises(JobError, match="no such firm"):
        run_job([sys.executable, "-c", "raise SystemExit('no such firm')"], environment(), 60)
    start = time.perf_counter()
    with pytest.raises(JobError, match="-9"):
        run_job([sys.executable, "-c", "import time; time.sleep(60)"], environment(), 0.3)
    assert time.perf_counter() - start < 20


def test_missing_data_is_said_and_is_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    for name in ("zero_label", "precision", "cpu"):
        assert entry.main([name, "--no-check"]) == 0
        assert f"set {data.VARIABLE}" in capsys.readouterr().out


def test_names_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in entry.BENCHMARKS)
    assert entry.main(["zero_labels"]) == 2


@pytest.mark.parametrize("body, status", [("assert True", 0), ("assert False", 1)])
def test_red_flows_stop_the_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str, status: int
) -> None:
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "test_flow.py").write_text(f"def test_flow():\n    {body}\n", encoding="utf-8")
    monkeypatch.setattr(entry, "FLOWS", flows)
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    assert entry.main(["zero_label"]) == status


def test_report_as_markdown_and_json(tmp_path: Path) -> None:
    table = Table("t", [{"a": 1, "b": 0.5}, {"a": 12_345, "c": None}])
    assert markdown(table).splitlines()[2:] == [
        "| a | b | c |",
        "|---|---|---|",
        "| 1 | 0.500 |  |",
        "| 12,345 |  |  |",
    ]
    publish(Report("n", [table], ["gone"]), tmp_path / "new" / "out.json")
    written = json.loads((tmp_path / "new" / "out.json").read_text(encoding="utf-8"))
    assert written["tables"]["t"][0] == {"a": 1, "b": 0.5} and written["skipped"] == ["gone"]


def test_import_time_reads_what_python_writes() -> None:
    line = "import time:       123 |        456 |   linktransformer.errors"
    match = importtime.LINE.match(line)
    assert match is not None and (match[1], match[2], match[4]) == ("123", "456", "linktransformer.errors")


def test_every_benchmark_has_the_same_shape() -> None:
    for name in ("zero_label", "precision", "cpu", "importtime"):
        module = {"zero_label": zero_label, "precision": precision, "cpu": cpu, "importtime": importtime}[
            name
        ]
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        assert callable(module.run) and parser.parse_args([]) is not None
