"""Long rows from a table to links: an encoder for them is made, trained and given to merge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

from safetensors.torch import load_file

import linktransformer as lt
from tests.tiny_model import SHORT, WORDS, firms, make_base


def pages(n: int) -> pd.DataFrame:
    """Rows of some 150 words; who the row is about stands somewhere inside."""
    draw = np.random.default_rng(0)
    rows = []
    for long, short in zip(*firms(n), strict=True):
        sides = []
        for name in (long, short):
            words = draw.choice([*WORDS, *SHORT], 150).tolist()
            words.insert(int(draw.integers(150)), name)
            sides.append(" ".join(words))
        rows.append(sides)
    return pd.DataFrame(rows, columns=["left", "right"])


def test_an_encoder_for_long_rows_is_trained_and_used(tmp_path: Path) -> None:
    base = make_base(tmp_path)
    table = pages(40)
    short = lt.link(table, table, left_on="left", right_on="right", model=str(base))
    assert short.report()["rows_cut_by_model"]["rows"] == 80  # 64 tokens of some 170
    converted = lt.link(table, table, left_on="left", right_on="right", model=f"based:{base}")
    assert "rows_cut_by_model" not in converted.report()
    trained = lt.train_model(
        table, left_col_names="left", right_col_names="right", base=f"based:{base}", out=tmp_path / "run",
        epochs=1, batch_size=8, hard_negatives=1, max_tokens=300, progress=False, device="cpu",
    )  # fmt: skip
    linked = lt.merge(table, table, left_on="left", right_on="right", model=trained.folder, threshold=None)
    assert len(linked) == 40 and linked["score"].notna().all()
    found = lt.link(table, table, left_on="left", right_on="right", model=trained)
    assert "rows_cut_by_model" not in found.report()
    assert (trained.folder / "config.json").read_text("utf-8").count("based_bert") == 1
    # a branch that begins shut and learns as slowly as the rest would still be shut
    weights = load_file(trained.folder / "model.safetensors")
    gates = [value for name, value in weights.items() if name.endswith("mixer.gate")]
    assert gates and min(float(gate.abs().max()) for gate in gates) > 0.05
    alone = trained.encode(table["left"].tolist()[:1])
    assert np.allclose(alone, trained.encode(table["left"].tolist())[:1], atol=1e-5)
