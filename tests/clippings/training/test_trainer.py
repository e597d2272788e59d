"""Training on a tiny model: caching, the best weights, a log without gaps, and going on after SIGKILL."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clippings.errors import TrainingError
from clippings.training import evaluation, training_log
from clippings.training.batches import batches
from clippings.training.recipe import Recipe
from tests import tiny_model

pytestmark = pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="sentence-transformers is not installed"
)
ROOT = Path(__file__).parents[3]
RECIPE = Recipe(epochs=3, batch_size=16, learning_rate=1e-3, patience=0, save_steps=1)
CHILD = """
import os, sys, time
from dataclasses import replace
from pathlib import Path
from tests import tiny_model
from tests.clippings.training.test_trainer import RECIPE, linking
from clippings.training.trainable import load_trainable
from clippings.training.trainer import fit
hang, done = int(sys.argv[3]), []
def tick(n):
    done.append(n)
    if len(done) == hang:
        time.sleep(600)
if len(sys.argv) > 4:
    RECIPE = replace(RECIPE, mini_batch_size=int(sys.argv[4]), save_steps=0)
fit(load_trainable(sys.argv[1], "cpu"), tiny_model.examples(40), RECIPE, Path(sys.argv[2]),
    validate=linking(40), resume=True, tick=tick)
"""


def linking(n: int) -> Any:
    """Validation by linking the examples themselves."""
    examples = tiny_model.examples(n)
    task = evaluation.LinkingTask(examples.texts, examples.entity, examples.left, examples.corpus)
    return lambda model: evaluation.scores(evaluation.search(model, task))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.make_base(tmp_path_factory.mktemp("base"))


def load(base: Path) -> Any:
    from clippings.training.trainable import load_trainable

    return load_trainable(base, "cpu")


def weights(model: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in model.weights().items()}


@pytest.mark.parametrize("loss", ["infonce", "supcon", "onlinecontrastive"])
def test_caching_gives_the_gradients_of_one_pass(base: Path, loss: str) -> None:
    import torch

    from clippings.training.step import gradients

    examples = tiny_model.examples(12)
    found = []
    for size in (64, 5):
        model = load(base)
        model.model.eval()  # dropout draws differ between parts
        recipe = Recipe(loss=loss, batch_size=64, mini_batch_size=size)
        plan = batches(examples, loss, 64, seed=0, epoch=0)
        value = float(gradients(model, examples, plan[0], recipe, 0))
        found.append((value, {n: v.grad for n, v in model.weights().items() if v.grad is not None}))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5) and found[0][1].keys() == found[1][1].keys()
    for name, gradient in found[0][1].items():
        torch.testing.assert_close(gradient, found[1][1][name], rtol=1e-3, atol=1e-6)


def test_it_learns_and_the_log_has_every_step_once(base: Path, tmp_path: Path) -> None:
    from clippings.training.trainer import fit

    run = fit(load(base), tiny_model.examples(40), RECIPE, tmp_path, validate=linking(40))
    lines = training_log.read(tmp_path)
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, run.steps + 1))
    scores = [line["validation"]["f1"] for line in lines if "validation" in line]
    assert len(scores) == 1 + RECIPE.epochs and run.best["f1"] == max(scores) > scores[0]
    rates = [line["learning_rate"] for line in lines if "loss" in line]
    assert max(rates) == pytest.approx(1e-3) and rates[-1] < 2e-4 and rates[0] <= max(rates)
    picture = (tmp_path / "curves.svg").read_text()
    assert picture.startswith("<svg") and picture.count("<polyline") == 3


def test_the_best_weights_are_kept_and_not_the_last(base: Path, tmp_path: Path) -> None:
    """W14: the "best" model was the last."""
    import torch

    from clippings.training.trainer import fit

    model, seen = load(base), []

    def worse_and_worse(now: Any) -> dict[str, float]:
        seen.append(weights(now))
        return {"f1": [0.1, 0.9, 0.5, 0.4][len(seen) - 1]}

    run = fit(model, tiny_model.examples(40), RECIPE, tmp_path, validate=worse_and_worse)
    assert run.best == {"f1": 0.9} and run.best_step == run.steps // 3
    for name, value in weights(model).items():
        torch.testing.assert_close(value, seen[1][name], rtol=0, atol=0)
    assert any(not torch.equal(value, seen[-1][name]) for name, value in weights(model).items())


def test_it_stops_early_and_a_base_that_is_best_stays(base: Path, tmp_path: Path) -> None:
    from clippings.training.trainer import fit

    model = load(base)
    before = weights(model)
    scores = iter([0.9, 0.2, 0.3, 0.4, 0.5, 0.6])
    recipe = Recipe(epochs=5, batch_size=16, patience=2)
    run = fit(model, tiny_model.examples(20), recipe, tmp_path, validate=lambda now: {"f1": next(scores)})
    assert run.best_step == 0 and sum("validation" in line for line in run.history) == 3
    assert all(bool((value == before[name]).all()) for name, value in weights(model).items())


def test_another_run_in_the_folder_is_refused(base: Path, tmp_path: Path) -> None:
    from clippings.training.trainer import fit

    one = Recipe(epochs=1, batch_size=16)
    fit(load(base), tiny_model.examples(20), one, tmp_path, validate=linking(20))
    with pytest.raises(TrainingError, match=r"holds a run already.*the same"):
        fit(load(base), tiny_model.examples(20), one, tmp_path, validate=linking(20))
    other = Recipe(epochs=2, batch_size=16)
    with pytest.raises(TrainingError, match="other settings or data"):
        fit(load(base), tiny_model.examples(20), other, tmp_path, validate=linking(20), resume=True)
    again = fit(load(base), tiny_model.examples(20), one, tmp_path, validate=linking(20), resume=True)
    assert again.steps == 2 and sum("validation" in line for line in again.history) == 2


def test_a_killed_run_goes_on_as_if_nothing_had_happened(base: Path, tmp_path: Path) -> None:
    from clippings.training.trainer import fit

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CHILD, str(base), str(killed), "6"]
    child = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(steps_of(killed)) < 5 and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    done = len(steps_of(killed))
    with (killed / training_log.LOG).open("a") as stream:  # as if it died while it wrote
        stream.write('{"step": 9')
    straight, resumed = load(base), load(base)
    expected = fit(straight, tiny_model.examples(40), RECIPE, whole, validate=linking(40))
    found = fit(resumed, tiny_model.examples(40), RECIPE, killed, validate=linking(40), resume=True)
    assert done == 5 < expected.steps
    assert steps_of(killed) == list(range(1, expected.steps + 1))
    # two processes round a product differently in the last place; a lost step would show in the first
    for line, other in zip(found.history, expected.history, strict=True):
        assert line.keys() == other.keys() and (line["step"], line["epoch"]) == (
            other["step"],
            other["epoch"],
        )
        assert line.get("loss", 0.0) == pytest.approx(other.get("loss", 0.0), rel=1e-4)
        assert line.get("learning_rate", 0.0) == other.get("learning_rate", 0.0)
        assert line.get("validation", {}) == pytest.approx(other.get("validation", {}), rel=1e-3)
    last = weights(straight)
    for name, value in weights(resumed).items():
        np.testing.assert_allclose(value.numpy(), last[name].numpy(), atol=1e-4)
    assert not list(killed.rglob("*.pt")) and not list(killed.rglob("*.bin"))


@pytest.mark.slow
def test_two_processes_do_what_one_does(base: Path, tmp_path: Path) -> None:
    from clippings.training.trainer import fit

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
        command = [sys.executable, "-c", CHILD, str(base), str(tmp_path / "2"), "0", "8"]
        environment = {**os.environ, **shared, **who}
        children.append(subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE))
    for child in children:
        _, error = child.communicate(timeout=120)
        assert child.returncode == 0, error.decode()[-2000:]
    recipe = replace(RECIPE, mini_batch_size=8, save_steps=0)
    fit(load(base), tiny_model.examples(40), recipe, tmp_path / "1", validate=linking(40))
    one, two = (training_log.read(tmp_path / name) for name in ("1", "2"))
    assert [line["step"] for line in one] == [line["step"] for line in two]
    for line, other in zip(one, two, strict=True):
        assert line.get("loss", 0.0) == pytest.approx(other.get("loss", 0.0), rel=1e-3)


def steps_of(folder: Path) -> list[int]:
    path = folder / training_log.LOG
    lines = path.read_text().splitlines() if path.exists() else []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [line["step"] for line in found if "loss" in line]
