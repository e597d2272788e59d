"""The example of fitted estimators runs and says what it promises."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_fit_once(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "fit_once.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert "the loaded one says the same: True" in said
    assert "no id of a row that was there has changed: True" in said
    assert "NeuroRule: A Connectionist Approach" in said
