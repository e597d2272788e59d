"""Training on made-up print: it learns, in one pass or two, and goes on after SIGKILL as if nothing was."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: training is not tested")

from clippings.errors import TrainingError  # noqa: E402
from clippings.record_training import evaluation as record_evaluation  # noqa: E402 - after the check that there is torch
from clippings.record_training.examples import RecordExamples  # noqa: E402
from clippings.record_training.recipe import RecordRecipe  # noqa: E402
from clippings.record_training.record_augment import draw, keys  # noqa: E402
from clippings.record_training.step import record_gradients  # noqa: E402
from clippings.record_training.trainer import Stage, fit_records  # noqa: E402
from clippings.training import checkpoint, training_log  # noqa: E402
from tests import tiny_records  # noqa: E402

ROOT = Path(__file__).parents[3]
RECIPE = RecordRecipe(
    epochs=3, batch_size=16, m_per_class=2, hard_negatives=2, learning_rate=2e-3, save_steps=1, log_steps=1,
    average=0.5,
)  # fmt: skip
CHILD = """
import sys, time
from pathlib import Path
from tests import tiny_records
from tests.clippings.record_training.test_trainer import RECIPE, brighten, validate
from clippings.record_training.trainer import Stage, fit_records
done = []
def tick(n):
    done.append(n)
    if len(done) == int(sys.argv[2]):
        time.sleep(600)
fit_records(tiny_records.model(), Stage(tiny_records.records(16), RECIPE, augment=brighten),
            Path(sys.argv[1]), validate=validate, resume=True, tick=tick)
"""
_TASK = record_evaluation.task(tiny_records.records(16))
validate = record_evaluation.validation({"made up": _TASK})


def brighten(batch: Any, mask: Any, generator: Any) -> Any:
    """A damage that draws."""
    return batch * (0.8 + 0.2 * torch.rand(len(batch), 1, 1, 1, generator=generator))


def weights(model: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in model.weights().items()}


@pytest.mark.parametrize("loss", ["sigmoid", "clip", "supcon"])
def test_two_passes_give_the_gradients_of_one(loss: str) -> None:
    examples = tiny_records.records(8)
    strips = [None if number == 3 else strip for number, strip in enumerate(examples.strips)]
    texts = tuple("" if number == 4 else text for number, text in enumerate(examples.texts))
    examples = replace(examples, texts=texts, strips=strips, has_image=np.zeros(0, np.bool_))
    found = []
    for size, few_shapes in ((64, False), (5, False), (64, True)):
        model = tiny_records.model()
        model.few_shapes = few_shapes
        recipe = RecordRecipe(loss=loss, mini_batch_size=size, augment=False, views=2)
        drawn = draw(examples, keys(examples), np.arange(16), recipe, 0, 0)
        value = record_gradients(model, drawn, recipe, 0)
        found.append((value, {n: v.grad for n, v in model.weights().items() if v.grad is not None}))
    assert found[0][1].keys() >= {"text.tables.weight", "image.pool.query"} or found[0][1]
    for value, gradients in found[1:]:
        torch.testing.assert_close(found[0][0], value)
        for name, gradient in found[0][1].items():
            other = gradients.get(name, torch.zeros_like(gradient))
            torch.testing.assert_close(gradient, other, rtol=1e-3, atol=1e-5)


def test_with_few_shapes_there_are_few_and_vectors_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    model, examples = tiny_records.model(), tiny_records.records(40)
    plain = model.encode(examples)
    model.few_shapes = True
    shapes = []
    forward = model.model.image.forward

    def seen(strips: Any, *rest: Any) -> Any:
        shapes.append(tuple(strips.shape))
        return forward(strips, *rest)

    monkeypatch.setattr(model.model.image, "forward", seen)
    for numbers in (np.arange(80), np.arange(70), np.arange(5, 71)):  # 40 records of either direction
        found = model.encode(examples, numbers)
        for name in ("image", "text", "fused"):
            np.testing.assert_allclose(
                getattr(found, name), getattr(plain, name)[numbers], rtol=1e-4, atol=1e-5
            )
    assert {shape[0] for shape in shapes} <= {32, 64} and all(max(shape[2:]) % 64 == 0 for shape in shapes)
    assert len(set(shapes)) < len(shapes)


def test_thirty_steps_lower_the_loss_and_raise_what_is_found(tmp_path: Path) -> None:
    examples = tiny_records.records(48)
    recipe = RecordRecipe(
        epochs=10, max_steps=30, batch_size=32, m_per_class=2, learning_rate=3e-3, log_steps=1
    )
    measure = record_evaluation.validation({"made up": record_evaluation.task(examples)})
    run = fit_records(tiny_records.model(), Stage(examples, recipe), tmp_path, validate=measure)
    losses = [line["loss"] for line in run.history if "loss" in line]
    first = next(line["validation"] for line in run.history if "validation" in line)
    assert len(losses) == 30 and np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    assert run.best["fused_top1"] > first["fused_top1"] + 0.2


def test_records_without_entities_teach_pictures_their_texts(tmp_path: Path) -> None:
    examples = tiny_records.records(48, known=False)
    recipe = RecordRecipe.for_stage(
        "self", loss="clip", max_steps=20, batch_size=32, learning_rate=3e-3, log_steps=1
    )
    # the lying records' pictures are asked for by nothing here: the loss itself is looked at
    run = fit_records(tiny_records.model(), Stage(examples, recipe), tmp_path, validate=validate)
    losses = [line["loss"] for line in run.history if "loss" in line]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.2


def fit_in_turn(model, stages: list, out: Path, **settings) -> list:
    """Each stage from the best weights of the one before, as CLIPPINGS does."""
    return [
        fit_records(model, stage, out / f"{number}-{stage.recipe.stage}", **settings)
        for number, stage in enumerate(stages, 1)
    ]


def test_the_seed_says_it_all_and_stages_follow_each_other(tmp_path: Path) -> None:
    examples = tiny_records.records(16)
    stages = [
        Stage(examples, RecordRecipe.for_stage("self", max_steps=2, batch_size=16), augment=brighten),
        Stage(examples, replace(RECIPE, epochs=2), augment=brighten),
    ]
    found = []
    for name in ("one", "other"):
        model = tiny_records.model()
        runs = fit_in_turn(model, stages, tmp_path / name, validate=validate, score="text_top1")
        found.append((weights(model), [run.history for run in runs]))
    assert found[0][1] == found[1][1]
    for name, value in found[0][0].items():
        torch.testing.assert_close(value, found[1][0][name], rtol=0, atol=0)
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"1-self", "2-labelled"}
    model = tiny_records.model()
    again = fit_in_turn(model, stages, tmp_path / "one", validate=validate, score="text_top1", resume=True)
    assert [run.history for run in again] == found[0][1]
    for name, value in weights(model).items():
        torch.testing.assert_close(value, found[0][0][name], rtol=0, atol=0)
    with pytest.raises(TrainingError, match="holds a run already"):
        fit_in_turn(model, stages, tmp_path / "one", validate=validate)


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CHILD, str(killed), "6"]
    child = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while steps_of(killed) < 5 and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert steps_of(killed) == 5  # in the third epoch of two steps: after the mining
    stage = Stage(tiny_records.records(16), RECIPE, augment=brighten)
    straight, resumed = tiny_records.model(), tiny_records.model(seed=1)
    expected = fit_records(straight, stage, whole, validate=validate)
    found = fit_records(resumed, stage, killed, validate=validate, resume=True)
    assert len(found.history) == len(expected.history) and found.steps == expected.steps == 6
    for line, other in zip(found.history, expected.history, strict=True):
        assert line.keys() == other.keys() and line["step"] == other["step"]
        assert line.get("loss", 0.0) == pytest.approx(other.get("loss", 0.0), rel=1e-4)
        assert line.get("validation", {}) == pytest.approx(other.get("validation", {}), rel=1e-3)
    for name, value in weights(resumed).items():
        np.testing.assert_allclose(value.numpy(), weights(straight)[name].numpy(), atol=1e-4)


@pytest.mark.slow
def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }
    children = []
    for rank in range(2):
        who = {"WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank)}
        command = [sys.executable, "-c", CHILD, str(tmp_path / "2"), "0"]
        environment = {**os.environ, **shared, **who}
        children.append(subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE))
    for child in children:
        _, error = child.communicate(timeout=120)
        assert child.returncode == 0, error.decode()[-2000:]
    stage = Stage(tiny_records.records(16), RECIPE, augment=brighten)
    fit_records(tiny_records.model(), stage, tmp_path / "1", validate=validate)
    one, two = (training_log.read(tmp_path / name) for name in ("1", "2"))
    assert [line["step"] for line in one] == [line["step"] for line in two]
    for line, other in zip(one, two, strict=True):
        assert line.get("loss", 0.0) == pytest.approx(other.get("loss", 0.0), rel=1e-3)
    best = [checkpoint.weights(tmp_path / name / checkpoint.FOLDER / checkpoint.BEST) for name in "12"]
    for name, value in best[0].items():
        torch.testing.assert_close(value, best[1][name], rtol=1e-3, atol=1e-4)


def test_the_average_is_what_is_measured_and_kept(tmp_path: Path) -> None:
    examples, seen = tiny_records.records(16), []

    def look(model: Any) -> dict[str, float]:
        seen.append(weights(model))
        return {"score": float(len(seen))}

    for share in (0.0, 0.9):
        recipe = replace(RECIPE, average=share, epochs=1, max_steps=2, warmup=0.0, decay="none")
        model = tiny_records.model()
        fit_records(model, Stage(examples, recipe), tmp_path / str(share), validate=look, score="score")
        seen.append(weights(model))
    base, plain, kept, _, average, kept_average = seen
    for name, value in average.items():
        # two steps: the second one's share is 2 / 11, as it is early
        assert torch.equal(value, kept_average[name]) and torch.equal(plain[name], kept[name])
    moved = sum(float((average[name] - base[name]).norm()) for name in base)
    assert 0 < moved < sum(float((plain[name] - base[name]).norm()) for name in base)


def test_training_sees_records_as_linking_does() -> None:
    pytest.importorskip("PIL", reason="pillow is not installed: strips are not made")
    from clippings.pictures.strips import strip
    from clippings.records.torch_encoder import TorchRecordEncoder

    draw, pictures, strips = np.random.default_rng(0), [], []
    for number in range(9):
        shape = (40, 40 + 30 * number) if number % 2 else (40 + 30 * number, 40)
        pixels = draw.integers(0, 256, shape).astype(np.uint8)
        made = None if number == 4 else strip(pixels)
        strips.append(made)
        pictures.append(type("Crop", (), {"pixels": None if number == 4 else pixels}))
    texts = ("ＡＢ", "", "山田商店", " ", "x" * 70, "a", "b", "cc", "d")
    confidence = np.array([0.5, np.nan, *[0.9] * 7], np.float32)
    quality = np.array([(np.nan, np.nan) if one is None else one.quality for one in strips], np.float32)
    pixels = [None if one is None else one.pixels for one in strips]
    examples = RecordExamples(texts, pixels, np.full(9, -1), confidence=confidence, quality=quality)
    model = tiny_records.model()
    found = model.encode(examples)
    expected = TorchRecordEncoder(model.model, device="cpu").encode_records(
        texts, pictures, confidence=confidence
    )
    for name in ("image", "text", "fused"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-5, err_msg=name)
    assert (found.has_image == expected.has_image).all() and (found.has_text == expected.has_text).all()


def test_the_last_weights_are_kept_when_asked_for(tmp_path: Path) -> None:
    seen: list[Any] = []

    def worse_and_worse(model: Any) -> dict[str, float]:
        seen.append(weights(model))
        return {"fused_top1": -float(len(seen))}

    recipe = replace(RECIPE, keep="last", average=0.0, epochs=1, passes=3)
    model = tiny_records.model()
    run = fit_records(model, Stage(tiny_records.records(16), recipe), tmp_path, validate=worse_and_worse)
    # three passes are one epoch: measured before and after
    assert run.best == {"fused_top1": -2.0} and run.best_step == run.steps == 6
    for name, value in weights(model).items():
        assert torch.equal(value, seen[-1][name]), name


def test_a_model_that_reads_shorter_strips_says_so() -> None:
    model = tiny_records.model(longest=64)
    with pytest.raises(TrainingError, match="longer than the model reads"):
        model.pixels([np.zeros((32, 65), np.uint8)])


def steps_of(folder: Path) -> int:
    path = folder / training_log.LOG
    lines = path.read_text().splitlines() if path.exists() else []
    return max(
        (i for i in range(1, 99) if any(f'"step": {i},' in x and "loss" in x for x in lines)), default=0
    )
