"""The published stages run on squares, and mine once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: training is not tested")
pytest.importorskip("PIL", reason="pillow is not installed: squares are not made")

from clippings.record_training import trainer as record_trainer
from clippings.record_training.published_recipe import faithful_config, faithful_recipes, squares
from clippings.record_training.trainer import Stage, fit_records
from tests import tiny_records


def test_the_stages_run_on_any_model_and_mine_once_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mined = []
    plain = record_trainer.taken_for

    def counted(*arguments, **settings):
        mined.append(settings)
        return plain(*arguments, **settings)

    monkeypatch.setattr(record_trainer, "taken_for", counted)
    known = tiny_records.records(8)
    examples = replace(known, strips=squares(known.strips, 32))
    sizes = {"dim": 16, "stages": (4, 6, 8), "depths": (1, 1, 1), "width": 16, "heads": 2, "image_layers": 1,
             "text_layers": 1, "text_convolutions": 1, "table_rows": 64, "table_width": 8}  # fmt: skip
    config = faithful_config(32, **sizes)
    recipes = faithful_recipes(100, epochs=3, batch_size=8)
    model = tiny_records.model(**{name: getattr(config, name) for name in config.to_dict()})
    stages = [Stage(examples, recipe) for recipe in recipes]
    runs = [
        fit_records(model, stage, tmp_path / stage.recipe.stage, validate=lambda now: {"fused_top1": 0.0})
        for stage in stages
    ]
    assert [run.steps for run in runs] == [6, 6, 6]
    assert [one["equal_texts"] for one in mined] == [True, True]  # not in every epoch


def test_what_was_mined_once_outlives_an_interruption(tmp_path: Path) -> None:
    recipe = faithful_recipes(1000, epochs=3, batch_size=8, log_steps=1)[1]
    stage = Stage(tiny_records.records(8), recipe)

    def until(last: int):
        seen: list[int] = []

        def look(model):
            seen.append(1)
            if len(seen) == last:
                raise KeyboardInterrupt
            return {"fused_top1": 0.0}

        return look

    with pytest.raises(KeyboardInterrupt):  # at the end of the second epoch: the first one's is on disk
        record_trainer.fit_records(tiny_records.model(), stage, tmp_path / "one", validate=until(3))
    found = record_trainer.fit_records(
        tiny_records.model(1), stage, tmp_path / "one", validate=until(0), resume=True
    )
    whole = record_trainer.fit_records(tiny_records.model(), stage, tmp_path / "two", validate=until(0))
    losses = [[line["loss"] for line in run.history if "loss" in line] for run in (found, whole)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5) and len(losses[0]) == 6


def test_colours_become_grey() -> None:
    found = squares([np.full((4, 8, 3), (255, 0, 0), np.uint8), None], 8)
    assert found[0].shape == (8, 8) and found[0][4, 4] == 76 and found[1] is None
