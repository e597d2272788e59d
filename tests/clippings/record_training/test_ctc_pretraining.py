"""A tiny tower learns to read made-up print, and its head is gone afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: reading is not tested")

from clippings.errors import TrainingError  # noqa: E402 - after the check that there is torch
from clippings.record_training.ctc_pretraining import CLASSES, _ReadingCourse, fit_reader  # noqa: E402
from clippings.record_training.examples import RecordExamples  # noqa: E402
from clippings.record_training.recipe import RecordRecipe  # noqa: E402
from tests import tiny_records  # noqa: E402


def printed(n: int, seed: int) -> RecordExamples:
    draw = np.random.default_rng(seed)
    texts = ["".join(draw.choice(list("abcde"), 3)) for _ in range(n)]
    strips = [tiny_records.line(text, draw, upright=number % 2 == 1) for number, text in enumerate(texts)]
    return RecordExamples(tuple(texts), strips, np.full(n, -1))


def test_it_learns_to_read_what_it_has_not_seen(tmp_path: Path) -> None:
    model = tiny_records.model(stages=(8, 16, 24), width=32)
    before = {name: value.detach().clone() for name, value in model.model.named_parameters()}
    recipe = RecordRecipe.for_stage("read", epochs=12, batch_size=32, learning_rate=1e-2, seed=1)
    run = fit_reader(model, printed(160, 0), printed(40, 1), recipe, tmp_path)
    assert run.best["cer"] < 0.75 and run.best["read"] == pytest.approx(1 - run.best["cer"])
    assert json.loads((tmp_path / CLASSES).read_text()) == list("abcde")
    moved = {name.partition(".")[0] for name, value in model.model.named_parameters()
             if not torch.equal(value, before[name])}  # fmt: skip
    assert moved == {"image"} and len(list(model.model.parameters())) == len(before)
    assert model.model.image.line.reader is None


def test_letters_are_read_where_they_change() -> None:
    course = _ReadingCourse(tiny_records.model(), printed(8, 0), printed(8, 1), RecordRecipe(), None)
    # blank a a blank a b b blank: "aab"
    rows = torch.nn.functional.one_hot(torch.tensor([[0, 1, 1, 0, 1, 2, 2, 0]]), 6).float()
    course._logits = lambda strips, *_: (rows.repeat(len(strips), 1, 1), torch.tensor([8, 4])[: len(strips)])
    strips = [np.zeros((32, 64), np.uint8)] * 2
    assert course.read(strips) == ["aab", "a"]


def test_parts_of_a_batch_add_up_to_the_loss_of_all() -> None:
    found = []
    for size, few_shapes in ((64, False), (3, False), (64, True)):
        model = tiny_records.model()
        model.few_shapes = few_shapes
        recipe = RecordRecipe.for_stage("read", mini_batch_size=size)
        course = _ReadingCourse(model, printed(12, 0), printed(8, 1), recipe, None)
        model.model.image.line.reader = course.head
        from clippings.training.distributed import Ranks

        value = course.gradients((0, np.arange(12)), 0, Ranks())
        found.append((value, {n: v.grad for n, v in course.weights().items()}))
    for value, gradients in found[1:]:
        torch.testing.assert_close(found[0][0], value)
        for name, gradient in found[0][1].items():
            torch.testing.assert_close(gradient, gradients[name], rtol=1e-3, atol=1e-6)


def test_print_without_text_is_refused(tmp_path: Path) -> None:
    bad = RecordExamples(("a", ""), [np.zeros((32, 40), np.uint8)] * 2, np.array([-1, -1]))
    with pytest.raises(TrainingError, match="1 of 2 records of `held_out`"):
        fit_reader(tiny_records.model(), printed(4, 0), bad, RecordRecipe(), tmp_path)
