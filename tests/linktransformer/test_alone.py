"""A decision that was learned from labels, for rows that are asked by themselves."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer import alone, asking, calibration, comparing, frames, judgement, pair_evidence
from linktransformer.job import Job
from tests.conftest import rows_of
from tests.linktransformer.test_fitting import MINILM, tables

ON = ["name", "town"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    left, right, truth = tables()
    out = tmp_path_factory.mktemp("alone") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "LEAST_GAIN", 0.5)  # so few firms leave a gain of one or two links
        return Path(lt.fit_decision(left, right, truth, on=ON, model=MINILM, out=out, progress=False).folder)


def unseen() -> tuple[pd.DataFrame, pd.DataFrame, list[tuple[Any, Any]]]:
    left, right, truth = tables(100)
    left, right = left.iloc[80:], right[right.index.isin(range(80, 100)) | (right.index >= 180)]
    return left.assign(town=left["town"].where(left.index != "l85")), right, truth[80:]


@pytest.mark.parametrize("with_sample", [True, False])
def test_a_linker_decides_as_it_was_learned(folder: Path, with_sample: bool) -> None:
    left, right, truth = unseen()
    linker = lt.Linker(folder, on=ON, progress=False).fit(right, left if with_sample else None)
    links = linker.link(left)
    assert links.report()["decision"] == "learned from labels, for rows by themselves"
    plain = lt.Linker(MINILM, on=ON, progress=False).fit(right, left if with_sample else None).link(left)
    assert links.evaluate(truth)["f1"] >= max(0.85, plain.evaluate(truth)["f1"])
    assert ((links.score > 0) & (links.score < 1)).all()
    alone_threshold = json.loads((folder / judgement.FILE).read_text())["alone"]["threshold"]
    assert linker.threshold_ == alone_threshold
    assert lt.Linker(folder, {"precision": 0.97}, on=ON).fit(right).threshold_ == 0.97
    assert len(lt.Linker(folder, None, on=ON).fit(right).link(left)) == len(left)


def test_a_row_alone_gets_the_same_answer_bit_for_bit_and_after_loading(folder: Path, tmp_path: Path) -> None:
    left, right, _ = unseen()
    right = right.set_axis([f"r{row}" for row in right.index])
    linker = lt.Linker(folder, on=ON, progress=False).fit(right.iloc[:30]).add(right.iloc[30:])
    together = linker.predict(left)
    assert together["reference"].notna().sum() > 10
    found = [rows_of(linker.predict(left.iloc[[place]]))[0] for place in range(len(left))]
    assert found == rows_of(together)
    linker.save(tmp_path / "saved")
    loaded = lt.Linker.load(tmp_path / "saved")
    pd.testing.assert_frame_equal(loaded.predict(left), together, check_exact=True)
    loaded.remove(right.index[3])
    assert right.index[3] not in loaded.predict(left)["reference"].tolist()


def test_what_is_seen_of_a_row_alone_is_what_a_merge_sees() -> None:
    left, right, _ = unseen()
    left["town"] = left["town"].astype(object).where(left["town"].notna(), None)
    linker = lt.Linker("lexical", 0.5, on=ON, k=200).fit(right, left)
    known = alone.with_columns(linker._known, frames.wrap(left, "rows"))
    asked = linker._read(known, linker._wrapped(left, known.keys, known.table))
    both = frames.wrap(left, "left"), frames.wrap(right, "right")
    merged = comparing.compare(both, (ON, ON), Job(model="lexical", k=200, progress=False))
    wanted = pair_evidence.evidence(both, (ON, ON), merged.texts, merged.nodes, merged.fused)
    wanted = wanted.of_a_row_alone()
    pairs = merged.fused.candidates
    assert len(pairs) > 50
    seen = alone.evidence_alone(known, asked, asking.score_of(known, asked, pairs.left, pairs.right))
    assert set(seen.names) == set(wanted.names)
    order = [seen.names.index(name) for name in wanted.names]
    np.testing.assert_allclose(seen.values[:, order], wanted.values, atol=1e-5)


def test_a_decision_that_has_no_part_for_single_rows_is_left_aside_with_a_line(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    right = unseen()[1]
    known = alone.with_columns(lt.Linker("lexical", 0.5, on=ON).fit(right)._known, None)
    learned = judgement.read(folder / judgement.FILE)
    assert learned.alone is not None and learned.alone.alone is None
    with caplog.at_level(logging.WARNING, logger="linktransformer.alone"):
        assert alone.for_rows_alone(replace(learned, alone=None), known) is None
        assert "rivals in both tables" in caplog.text
        assert alone.for_rows_alone(learned, known) is None  # the reference has no vectors
        assert "does not fit" in caplog.text and "dense" in caplog.text
    assert alone.for_rows_alone(None, known) is None
