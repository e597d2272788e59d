"""The recipe of the reader from end to end, with two layers and few pairs, and its parts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

import linktransformer.decision
from clippings.text import pair_reader
from clippings.text.pair_reader import CellTokens, joined
from linktransformer.decision.model import read_decision
from tools.recipes.linker.groups import write
from tools.recipes.linker.leave_out import LeftOut
from tools.recipes.reader import __main__ as recipe
from tools.recipes.reader import mix, pack
from tools.recipes.reader.model import PAD, paired, restored

SHIPPED = Path(linktransformer.decision.__file__).parent
COLOURS = ["red", "green", "blue", "black", "white", "grey"]
THINGS = ["tea", "cup", "tree", "house", "boat", "stone", "chair", "lamp"]


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All steps on two made tables of two families, one of them in a fold."""
    root = tmp_path_factory.mktemp("reader")
    (root / "sets").mkdir()
    folds = root / "folds"
    folds.mkdir()
    (folds / "folds.json").write_text('{"codes/0": 3}')
    shipped = next(path for path in SHIPPED.glob("*.npz") if path.stem == "decision")
    assert read_decision(str(shipped))
    for name in ("decision", "fold-3"):
        shutil.copy(shipped, folds / f"{name}.npz")
    groups = [
        (kind, (f"{colour} {thing} {n}", f"{thing} {n}, {colour}"))
        for n, kind in enumerate(("thing", "firm"))
        for colour in COLOURS
        for thing in THINGS
    ]
    write(groups, root / "groups", LeftOut([]), held_out=0.1)
    few = ["--only", "codes", "firms", "--rows", "40", "--seeds", "1"]
    recipe.main(["pairs", str(root / "sets"), str(root / "pairs"), "--folds", str(folds), *few])
    recipe.main(["pack", str(root / "pairs"), str(root / "pairs.npz")])
    small = ["--layers", "2", "--general", "1", "--tasks", "1", "--batch", "8", "--groups-batch", "8"]
    to = ["--groups", str(root / "groups"), "--folds", "none", "3", "--most", "16"]
    recipe.main(["train", str(root / "pairs.npz"), str(root / "out"), *to, *small])
    scores = [str(path) for path in (root / "out").glob("scores-*.npz")]
    recipe.main(["mix", str(root / "pairs.npz"), *scores, "--out", str(root / "out")])
    return root


def test_pairs_have_labels_folds_and_texts(steps: Path) -> None:
    found = {path.stem: dict(np.load(path)) for path in sorted((steps / "pairs").glob("*.npz"))}
    about = {name: json.loads(str(of["about"])) for name, of in found.items()}
    assert {of["family"]: of["fold"] for of in about.values()} == {"codes": 3, "firms": None}
    for name, of in found.items():
        cells = json.loads(str(of["cells"]))
        assert len(of["left"]) == len(of["right"]) == len(of["y"]) == len(of["own"])
        assert 0 < of["y"].sum() <= about[name]["n_true"]
        assert [len(side) for side in cells] == about[name]["sizes"]
        assert of["left"].max() < len(cells[0]) and all(isinstance(cell, str) for cell in cells[0][0])
        # the decision knows: matches have higher log-odds than the others in the mean
        assert of["own"][of["y"]].mean() > of["own"][~of["y"]].mean()


def test_packed_pairs_are_the_nearest_and_all_matches(steps: Path) -> None:
    packed = dict(np.load(steps / "pairs.npz"))
    tasks = json.loads(str(packed["tasks"]))
    assert [task["fold"] for task in tasks] == [3, None]
    assert packed["lens"].sum() == len(packed["ids"]) == len(packed["cols"])
    assert max(packed["left"].max(), packed["right"].max()) < len(packed["lens"])
    whole = [dict(np.load(path))["y"].sum() for path in sorted((steps / "pairs").glob("*.npz"))]
    assert [packed["y"][packed["task"] == number].sum() for number in range(2)] == whole
    near = pack.near(np.array([0, 0, 0, 0, 0, 0, 1]), np.array([1.0, 7, 6, 5, 4, 3, -9]))
    assert near.tolist() == [False, True, True, True, True, True, True]


def test_readers_are_trained_and_scores_are_of_the_left_out_fold(steps: Path) -> None:
    for out in ("none", "3"):
        reader = restored(steps / "out" / f"reader-{out}.npz")
        assert len(reader.body.encoder.layer) == 2
    packed, scores = dict(np.load(steps / "pairs.npz")), dict(np.load(steps / "out" / "scores-none-3.npz"))
    of_fold = packed["task"] == 0
    assert np.isfinite(scores["fold"][of_fold]).all() and np.isnan(scores["fold"][~of_fold]).all()
    assert np.isfinite(scores["general"]).all()


def test_mixing_is_a_file_for_each_fold(steps: Path) -> None:
    made = json.loads((steps / "out" / "mixing-none.json").read_text())["mixing"]
    assert len(made) == 4 and np.isfinite(made).all()
    assert not (steps / "out" / "mixing-3.json").exists()  # no other pair was read


def test_mixing_finds_what_the_reader_adds() -> None:
    draw = np.random.default_rng(0)
    own, read = draw.normal(0, 2, (2, 20_000))
    truth = 0.5 * (own + 2 * read) + 0.3
    y = (draw.random(20_000) < 1 / (1 + np.exp(-truth))).astype(float)
    found = mix.mixing(own, read, y, np.ones(20_000))
    assert found[2] / found[1] == pytest.approx(2, rel=0.1) and abs(found[3]) < 0.05
    useless = mix.mixing(
        own, read, (draw.random(20_000) < 1 / (1 + np.exp(-own))).astype(float), np.ones(20_000)
    )
    assert useless == pytest.approx([0, 1, 0, 0], abs=0.05)


def test_weights_are_of_used_pairs_and_less_for_large_families() -> None:
    task, used = np.array([0, 0, 1, 2]), np.array([True, False, True, True])
    found = mix.weights(["a", "b", "b"], task, used)
    assert found.tolist() == pytest.approx([1, 0, 2**-0.75, 2**-0.75])


def test_training_and_package_put_pairs_together_alike() -> None:
    ids = np.array([[5, 6, 7], [8, 6, PAD]], np.int32), np.array([[7, 9], [8, 6]], np.int32)
    columns = np.array([[0, 0, 1], [0, 1, 255]], np.uint8), np.array([[0, 1], [0, 1]], np.uint8)
    left, right = (CellTokens(of, column, np.ones(2, bool)) for of, column in zip(ids, columns, strict=True))
    for row in range(2):
        at = np.array([row])
        ours = joined(left, right, at, at)
        n = [int((of[row] != PAD).sum()) for of in ids]
        theirs = paired(
            *(torch.from_numpy(of[row : row + 1, :k].astype(np.int64)) for of, k in zip(ids, n, strict=True)),
            *(
                torch.from_numpy(of[row : row + 1, :k].astype(np.int64))
                for of, k in zip(columns, n, strict=True)
            ),
        )
        for one, other in zip(ours, theirs[:4], strict=True):
            assert one.tolist() == other.numpy().tolist()
    assert pair_reader.PAD == PAD
