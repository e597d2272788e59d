"""The examples run and say what they promise."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_fit_once(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "fit_once.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert "the loaded one says the same: True" in said
    assert "no id of a row that was there has changed: True" in said
    assert "NeuroRule: A Connectionist Approach" in said


def test_photographs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("PIL")
    drawn = tmp_path / "drawn.png"
    monkeypatch.setattr(sys, "argv", ["photographs.py", str(drawn)])
    runpy.run_path(str(EXAMPLES / "photographs.py"), run_name="__main__")
    captions, both = (float(index) for index in re.findall(r"index (\d\.\d\d)", capsys.readouterr().out))
    assert both >= 0.7 > captions and drawn.exists()


def test_reprints(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "reprints.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert "by passage" in said
    found, right, true = map(int, re.findall(r"(\d+) found, (\d+) of them right, of (\d+)", said)[0])
    assert right >= 0.95 * found and found >= 0.25 * true
    assert ": none" in said
