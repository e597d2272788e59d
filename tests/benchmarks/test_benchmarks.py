"""The benchmarks count rightly: numbers worked out by hand, and jobs whose cost is known."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from . import __main__ as entry
from . import cpu, data, importtime, jobs, precision, zero_label
from .measure import JobError, environment, run_job
from .report import Report, Table, markdown, publish
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
        return {**scores, "F1 - max(best, mutual)": 0.0, "dense weight": None, "seconds": 2.0, "CPU s": 3.0}

    group = zero_label.averaged("g", [row(0.6, 0.2, 0.8), row(0.8, 0.6, 0.2)])
    assert group["F1"] == pytest.approx(0.7)
    assert group["F1 - max(best, mutual)"] == pytest.approx(0.7 - 0.5)
    assert (group["seconds"], group["CPU s"], group["dense weight"]) == (4.0, 6.0, None)


def test_summary_of_data_sets() -> None:
    rows: list[dict[str, Any]] = [
        {"data set": "a", "F1": 0.9, "best F1": 0.5, "mutual F1": 0.8, "oracle F1": 0.9},
        {"data set": "febrl4_hard", "F1": 0.6, "best F1": 0.7, "mutual F1": 0.1, "oracle F1": 0.7},
    ]
    for row in rows:
        row["F1 - max(best, mutual)"] = row["F1"] - max(row["best F1"], row["mutual F1"])
    total = zero_label.summary(rows)
    assert total["mean F1"] == pytest.approx(0.75) and total["mean max(best, mutual)"] == pytest.approx(0.75)
    assert total["difference"] == pytest.approx(0.0)
    assert (total["worst set"], total["febrl4_hard"]) == ("febrl4_hard", 0.6)
    assert total["worst difference"] == pytest.approx(-0.1)


def test_precision_cells_and_their_summary() -> None:
    best, sure, none = PairScore(50, 100, 80), PairScore(15, 20, 80), PairScore(0, 0, 80)
    cells = precision.cells_of("s", [best, sure, none], [0.8, 0.9])
    assert [cell["met (- .10)"] for cell in cells] == [True, True]
    assert cells[0]["gap"] == pytest.approx(-0.05) and cells[1]["gap"] is None
    hopeless = precision.cells_of("h", [PairScore(0, 100, 80), PairScore(0, 5, 80)], [0.8])
    assert hopeless[0]["reachable"] is False and hopeless[0]["met (- .10)"] is False
    total = precision.summary("all", cells + hopeless)
    assert (total["cells"], total["without links"], total["unreachable cells"]) == (2, 1, 1)
    assert (total["share met"], total["share, empty as missed"]) == (1.0, 0.5)
    assert total["mean gap"] == pytest.approx(-0.05)


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
