"""The benchmark of a merge that is killed, in small."""

from __future__ import annotations

from pathlib import Path

from . import resume


def test_a_killed_merge_goes_on(tmp_path: Path) -> None:
    report = resume.measured(tmp_path, 1_500, 200)
    steps = {str(row["step"]): row for row in report.tables[0].rows}
    assert all(row["the same"] for row in steps.values() if "the same" in row)
    again = steps["run again"]
    different = report.settings["different texts"]
    assert again["reused"] + again["encoded"] == different
    assert (
        again["reused"]
        >= steps["killed at 95%"]["vectors on disk"]
        > steps["killed at 4%"]["vectors on disk"]
    )
    for name in ("a file cut short", "a byte altered"):
        assert steps[name]["encoded"] == steps[name]["vectors in that file"] > 0
    third = steps["200 rows, a third one after them"]
    assert (third["reused"], third["encoded"]) == (400, 0)
