"""The finetune benchmark runs on small tables; its stand-in for sparse-dot-topn gives the same numbers."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from linktransformer.search import lexical
from tests import tiny_model
from tools import data

from . import finetune

READ = """
import pandas as pd
def read(folder, part):
    return pd.read_csv(folder / f"{part}.csv", dtype=str, keep_default_na=False)
"""


def write_set(folder: Path, n: int = 40) -> None:
    """Firms as a labelled set: each with its own row, and with the next one's."""
    folder.mkdir(parents=True)
    (folder.parent / "baseline.py").write_text(READ)
    long, short = tiny_model.firms(n)
    numbers = [str(number) for number in range(n)]
    pd.DataFrame({"id": numbers, "name": long}).to_csv(folder / "left.csv", index=False)
    pd.DataFrame({"id": numbers, "name": short}).to_csv(folder / "right.csv", index=False)
    rows = [(a, (a + shift) % n, int(not shift)) for a in range(n) for shift in (0, 1)]
    for part, chosen in (("train", rows[: 2 * n - 40]), ("valid", rows[-40:-20]), ("test", rows[-20:])):
        pd.DataFrame(chosen, columns=["left_id", "right_id", "label"]).to_csv(
            folder / f"{part}.csv", index=False
        )


@pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="sentence-transformers is not installed"
)
def test_it_trains_decides_and_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path / "data" / "dm_tiny")
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    parser = argparse.ArgumentParser()
    finetune.add_arguments(parser)
    base = tiny_model.make_base(tmp_path)
    arguments = ["--names", "dm_tiny", "dm_gone", "--base", str(base), "--seeds", "2", "--epochs", "2"]
    options = parser.parse_args([*arguments, "--device", "cpu", "--max-tokens", "32"])
    report = finetune.run(options)
    runs, summary = report.tables[0].rows, report.tables[1].rows[0]
    assert [row["seed"] for row in runs] == [0, 1] and "dm_gone" in report.skipped[0]
    assert summary["F1 min"] <= summary["F1 mean"] <= summary["F1 max"] <= 1 and summary["F1 mean"] > 0.5
    assert summary["merge without labels"] > 0.5 and summary["Ditto"] is None
    assert str(tmp_path) not in str(report.settings)


def test_the_stand_in_gives_the_same_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    long, short = tiny_model.firms(60)
    view = lexical.fit(long, short)
    expected = lexical.sparse_top_k(view.left, view.right, 5)
    found: Any = find_spec("sparse_dot_topn")
    monkeypatch.setitem(sys.modules, "sparse_dot_topn", sys.modules["sparse_dot_topn"])
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "sparse_dot_topn" else found
    )
    assert "stands in" in finetune.stand_in()[0]
    again = lexical.sparse_top_k(view.left, view.right, 5)
    assert hasattr(sys.modules["sparse_dot_topn"], "sp_matmul_topn")
    for one, other in zip(expected[:2], again[:2], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(expected[2], again[2], atol=1e-6)
