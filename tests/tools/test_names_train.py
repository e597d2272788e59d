"""The parts of the recipe of "names": print comes back as it was kept, and a stage is planned to its time."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="pillow is not installed: nothing is printed")

from clippings.record_training.examples import RecordExamples
from clippings.record_training.recipe import RecordRecipe
from clippings.synthetic.render import Font
from tools.recipes.names import records as names_data
from tools.recipes.names import train as train_names


def test_print_is_kept_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_data, "faces", lambda *_: ([Font()], [Font(size=30)]))
    monkeypatch.setattr(names_data, "readers", lambda _: None)
    monkeypatch.setattr(names_data, "CHUNK", 2)
    names = ["Hill Company", "Boat Works", "Old Mills"]
    made = names_data.print_records("en", names, crops=(2, 1), seed=4)
    some = made.examples
    assert np.bincount(some.entity).tolist() == [3, 3, 3] and np.bincount(some.side).tolist() == [6, 3]
    assert some.has_image.all() and not np.isnan(some.quality).any()
    assert all(32 in strip.shape for strip in some.strips)
    assert made.printed[some.entity.tolist().index(2)].startswith("Old")
    assert made.aloud.texts == made.printed
    names_data.save(made, tmp_path)
    again = names_data.load(tmp_path)
    assert again is not None and again.printed == made.printed
    assert again.examples.fingerprint() == some.fingerprint()
    assert names_data.load(tmp_path / "nothing") is None


def test_a_stage_is_planned_to_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def train(model, recipe, folder, tick):
        assert recipe.max_steps == train_names.TRIAL and recipe.log_steps == 1
        now[0] += 3 + 20 * (now[0] == 0)  # before the first step and after the last one; once a GPU's plans
        for _ in range(recipe.max_steps):
            now[0] += 0.5
            tick(1)

    planned = train_names.fitted(train, None, RecordRecipe(batch_size=10), 110.0, 200)
    # 110 s less two trials of 8 s, of which 3.5 are not steps, and the plans: 0.9 * 74 - 2 * 3.5 = 59.6 s are
    # 119 steps of half a second, or 5 passes of 20 batches; 5 epochs' validations take 35 steps of these
    assert planned == {"epochs": 5, "passes": 1, "max_steps": 84}


def test_training_goes_on_from_a_model(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from clippings.records.bi_encoder import BiEncoder
    from clippings.records.bi_encoder_config import BiEncoderConfig
    from clippings.records.torch_encoder import save

    model = BiEncoder(BiEncoderConfig.tiny())
    save(model, tmp_path, name="begun")
    again = train_names.started(tmp_path)
    assert again.config == model.config
    weights = dict(again.named_parameters())
    assert weights and all(torch.equal(weights[name], value) for name, value in model.named_parameters())


def test_names_that_are_alike_are_taken_for_each_other() -> None:
    pytest.importorskip("sparse_dot_topn")
    line = np.zeros((32, 40), np.uint8)
    printed = ("Hill Company", "Hill Company", "Hall Company", "Old Mills", "Old Mill", "Hall Company")
    some = RecordExamples(printed, [line] * 6, np.array([7, 7, 3, 5, 6, 3]))
    near = train_names.by_names(names_data.Printed(some, printed))
    found = near(np.arange(6), np.arange(6), 3)
    assert found.shape == (6, 3)
    assert found[0, 0] in (2, 5) and found[2, 0] in (0, 1) and found[3, 0] == 4 and found[4, 0] == 3
    assert {int(found[0, 0]), int(found[1, 0])} == {2, 5}  # each asks for another record of that name
    assert not (some.entity[found] == some.entity[:, None])[found >= 0].any()


@pytest.mark.parametrize("stage", ["self", "synthetic", "labelled"])
def test_what_each_stage_learns_from(stage: str) -> None:
    line = np.zeros((32, 40), np.uint8)
    printed, train, more = (
        RecordExamples((name,) * 2, [line] * 2, np.array(entity))
        for name, entity in (("print", [0, 0]), ("train", [0, 0]), ("more", [-1, -1]))
    )
    books = train_names.Books(names_data.Printed(printed, ("p", "p")), None, train, more, {})
    recipe = RecordRecipe.for_stage(stage, hard_negatives=0)
    made, n_records = train_names.stage_of(stage, books, recipe, None)
    (examples,) = (
        cell.cell_contents.examples for cell in made.__closure__ if hasattr(cell.cell_contents, "recipe")
    )
    known = {"self": [-1] * 4, "synthetic": [0, 0], "labelled": [0, 0, -1, -1]}[stage]
    assert examples.entity.tolist() == known and n_records == len(known)
    assert examples.texts[0] == ("print" if stage == "synthetic" else "train")
