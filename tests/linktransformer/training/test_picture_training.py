"""train_pictures: what is held out, and a folder that links pictures as it was trained."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.tables import splits
from linktransformer.tables.picture_records import read_units
from linktransformer.training import picture_examples
from tests import tiny_records

pytest.importorskip("PIL")
NEEDS_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
QUICK: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 40,
    "learning_rate": 3e-3,
    "device": "cpu",
    "augment": False,
}


def books(n: int = 60, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, list[tuple[int, int]]]:
    """A record of each of n names in two books, the second one written from top to bottom."""
    found = tiny_records.records(n, seed)
    rows = [np.flatnonzero(found.side == side) for side in (0, 1)]
    tables = [
        pd.DataFrame({"ocr": [found.texts[row] for row in of], "crop": [found.strips[row] for row in of]})
        for of in rows
    ]
    right = tables[1].sample(frac=1, random_state=1)
    return tables[0], right.reset_index(drop=True), [(int(of), at) for at, of in enumerate(right.index)]


def known(complete: bool, truth: Any, left: pd.DataFrame, right: pd.DataFrame) -> Any:
    from linktransformer.tables import frames
    from linktransformer.tables.serialize import Serializer

    tables = frames.wrap(left, "left"), frames.wrap(right, "right")
    sides = [read_units(table, ["ocr"], "crop", Serializer()) for table in tables]
    rows = tuple(np.array(side, dtype=np.int64) for side in zip(*truth, strict=True))
    return picture_examples.picture_examples(
        (sides[0], sides[1]), (rows[0], rows[1]), complete, (0.8, 0.1, 0.1), 0
    ), sides


@NEEDS_TORCH
def test_no_entity_is_in_two_splits_and_unknown_rows_are_learned_from() -> None:
    left, right, truth = books()
    right = pd.concat([right, right.iloc[[0, 1]].assign(ocr="other")], ignore_index=True)
    truth = [*truth[:40], (truth[0][0], 60)]  # one left row is two right rows; the others are not known
    found, sides = known(False, truth, left, right)
    entity, part = found.examples.entity, found.part
    for number in np.unique(entity[entity >= 0]):
        assert len(set(part[entity == number])) == 1
    unit = [side.records.text_of_row for side in sides]
    one = entity[unit[0][truth[0][0]]]
    assert one == entity[found.n_left + unit[1][0]] == entity[found.n_left + unit[1][60]]
    unknown = sorted(set(range(60)) - {row for row, _ in truth})
    assert (entity[unit[0][unknown]] == -1).all() and (part[unit[0][unknown]] == splits.TRAIN).all()
    assert {splits.VAL, splits.TEST} <= set(part.tolist())
    task = picture_examples.linking_task(found, splits.VAL)
    assert set(task.queries.tolist()) == set(
        np.flatnonzero((part == splits.VAL) & (np.arange(len(part)) < found.n_left)).tolist()
    )
    assert task.corpus.tolist() == list(range(found.n_left, len(part)))
    whole, _ = known(True, truth, left, right)
    assert (whole.examples.entity >= 0).all()  # now they are known to be things of their own
    assert (whole.part[unit[0][unknown]] != splits.TRAIN).any()


@NEEDS_TORCH
def test_train_then_merge_then_train_on(tmp_path: Path) -> None:
    left, right, truth = books(70)
    trained = lt.train_pictures(
        left, right, truth, on="ocr", images="crop", base="new:tiny", complete=True, out=tmp_path / "run",
        progress=False, **{**QUICK, "epochs": 4, "passes": 4},
    )  # fmt: skip
    assert {"val_fused_top1", "test_fused_top1", "test_image_top1", "test_text_f1"} <= set(trained.metrics)
    assert (tmp_path / "run" / "curves.svg").exists() and trained.counts["known_links"] == 70
    log = [line["loss"] for line in trained.history if "loss" in line]
    assert np.mean(log[-3:]) < np.mean(log[:3])
    other = books(30, seed=5)
    links = [
        lt.link(other[0], other[1], on="ocr", images="crop", model=model, progress=False)
        for model in (trained, trained.folder)
    ]
    pd.testing.assert_frame_equal(links[0].pairs, links[1].pairs)
    assert links[0].evaluate(other[2])["f1"] > 0.5
    again = lt.train_pictures(
        left, right, truth, on="ocr", images="crop", base="new:tiny", complete=True, out=tmp_path / "again",
        progress=False, **{**QUICK, "epochs": 4, "passes": 4},
    )  # fmt: skip
    assert again.metrics == trained.metrics  # the same seed, the same weights
    more = lt.train_pictures(
        left, right, truth, on="ocr", images="crop", base=tmp_path / "run" / "model", out=tmp_path / "more",
        progress=False, **{**QUICK, "epochs": 1, "learning_rate": 1e-6},
    )  # fmt: skip
    assert more.metrics["val_text_top1"] == pytest.approx(trained.metrics["val_text_top1"], abs=0.35)


@NEEDS_TORCH
def test_what_cannot_be_trained_is_told(tmp_path: Path) -> None:
    left, right, truth = books(12)
    given: dict[str, Any] = {"on": "ocr", "images": "crop", "out": tmp_path / "run", "progress": False}
    with pytest.raises(lt.InvalidArgumentError, match="names no link"):
        lt.train_pictures(left, right, [], **given)
    with pytest.raises(lt.InvalidArgumentError, match=r"'learn_rate'.*'learning_rate'"):
        lt.train_pictures(left, right, truth, learn_rate=1, **given)
    with pytest.raises(lt.ModelError, match="base='nowhere'"):
        lt.train_pictures(left, right, truth, base="nowhere", **given)
    with pytest.raises(lt.InvalidArgumentError, match="cannot be trained on pictures"):
        lt.train_pictures(left, right, truth, base="linker-multilingual", **given)
    nothing = left.assign(ocr=None, crop=None)
    with pytest.raises(lt.InvalidArgumentError, match="no known link to learn from"):
        lt.train_pictures(nothing, right, truth, base="new:tiny", **given)
