"""train_model(reader=True): the reader that goes into the folder, and how merge uses it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError
from linktransformer.training import reader_tuning
from linktransformer.training.reader_tuning import mixed_by_labels
from model_hub import bundled, verify
from tests import tiny_model

NEEDS_TORCH = pytest.mark.skipif(
    find_spec("sentence_transformers") is None or find_spec("onnx") is None, reason="torch is not installed"
)
PRIOR = np.array([0.16, 0.78, 0.39, -0.028])
ON = {"left_col_names": "a", "right_col_names": "b"}
QUICK: dict[str, Any] = {"epochs": 1, "batch_size": 16, "learning_rate": 1e-3, "device": "cpu"}
SHIPPED = bundled().path
FILES = {"reader.onnx", "reader.json", "reader.safetensors", "reader-tokenizer.json"}


def plain_mixing(own: np.ndarray, read: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The mixing by a general minimiser: both regressions, drawn to the prior by one pair."""

    def fitted(x: np.ndarray, prior: np.ndarray) -> np.ndarray:
        def cost(w: np.ndarray) -> float:
            z = x @ w
            return float((np.logaddexp(0, z) - y * z).sum() + ((w - prior) ** 2).sum() / 2)

        return np.asarray(minimize(cost, prior, method="BFGS", options={"gtol": 1e-8}).x)

    one = np.ones_like(own)
    level, unit = fitted(np.stack([one, own], axis=1), np.array([0.0, 1.0]))
    found = fitted(np.stack([one, own, read, own * read], axis=1), unit * PRIOR + [level, 0, 0, 0])
    return (found - [level, 0, 0, 0]) / unit


def test_the_mixing_is_that_of_a_regression_drawn_to_the_shipped_one() -> None:
    draw = np.random.default_rng(0)
    y = draw.random(200) < 0.4
    own, read = draw.normal(y * 2.0 - 1, 2), draw.normal(y * 4.0 - 2, 2)
    found, loss = mixed_by_labels(own.astype(np.float32), read.astype(np.float32), y, PRIOR)
    np.testing.assert_allclose(found, plain_mixing(own, read, y), atol=2e-3)
    noise = draw.normal(0, 3, 200).astype(np.float32)
    assert mixed_by_labels(own.astype(np.float32), noise, y, PRIOR)[1] > loss + 0.05


def pairs(n: int, seed: int = 0) -> pd.DataFrame:
    """Firms in two spellings, some with a twin in another city, so that pairs are left in doubt."""
    draw = np.random.default_rng(seed)
    long, short = tiny_model.firms(n, seed)
    cities = ["Boston", "Tulsa", "Omaha", "Dayton"]
    city = draw.choice(cities, n)
    near = [name.split()[0] for name in short]
    return pd.DataFrame(
        {"a": [f"{x} {c}" for x, c in zip(long, city, strict=True)],
         "b": [f"{x} {c[:3]}" for x, c in zip(near, city, strict=True)]}
    )  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.make_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("run")
    return lt.train_model(pairs(240), base=base, out=out, reader=True, shares=(0.5, 0.3, 0.2), **ON, **QUICK)


@NEEDS_TORCH
def test_the_folder_has_the_reader_and_merge_uses_it(trained: Any, tmp_path: Path) -> None:
    folder = verify(trained.folder)
    assert {file.path for file in folder.manifest.files} >= FILES
    assert folder.manifest.metrics["reader_train_pairs"] == trained.metrics["reader_train_pairs"] > 50
    card = (trained.folder / "README.md").read_text("utf-8")
    assert card.index("## The reader") < card.index("## Limits") and "val_reader_loss_of_tuned" in card
    left, right = (pairs(60, 5)[[name]] for name in "ab")
    given = {"left_on": "a", "right_on": "b"}
    links = lt.link(left, right, **given, model=trained.folder)
    told = links.report()["read"]
    assert told["reader"] == "of the model" and told["pairs_read"] > 0
    assert links.report()["decision"] == "learned from labels" and "reader" not in links.report()["options"]
    off = lt.link(left, right, **given, model=trained.folder, reader=False)
    assert "read" not in off.report()
    trained.publish(str(tmp_path / "shared"))
    for model in (trained, tmp_path / "shared"):
        again = lt.link(left, right, **given, model=model)
        pd.testing.assert_frame_equal(again.pairs, links.pairs)
    linker = lt.Linker(model=trained.folder, **given, reader="auto").fit(right, left)
    assert linker.link(left).report()["read"]["reader"] == "of the model"


@NEEDS_TORCH
def test_the_reader_is_tuned_only_where_it_is_better_on_validation(trained: Any) -> None:
    metrics = trained.metrics
    better = metrics["val_reader_loss_of_tuned"] < metrics["val_reader_loss_of_shipped"]
    assert metrics["reader_tuned"] == float(better) and (metrics["reader_epochs"] > 0) == better
    assert 0 <= metrics["test_f1_decision_without_reader"] <= 1 and 0 <= metrics["test_f1_decision"] <= 1


@NEEDS_TORCH
def test_a_reader_that_got_worse_is_not_kept(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, losses = reader_tuning.mixed_by_labels, []

    def rising(*given: Any) -> tuple[Any, float]:
        losses.append(float(len(losses)))
        return real(*given)[0], losses[-1]

    monkeypatch.setattr(reader_tuning, "mixed_by_labels", rising)
    shipped = json.loads((SHIPPED / "reader.json").read_text("utf-8"))
    found = lt.train_model(
        pairs(160), base=base, out=tmp_path, reader=True, shares=(0.5, 0.3, 0.2), **ON, **QUICK
    )
    assert found.metrics["reader_tuned"] == 0 and "the shipped reader is kept" in caplog.text
    written = json.loads((found.folder / "reader.json").read_text("utf-8"))
    assert written["places"] == shipped["places"] and written["mixing"] != shipped["mixing"]
    graphs = [folder / "reader.onnx" for folder in (found.folder, SHIPPED)]
    assert graphs[0].read_bytes() == graphs[1].read_bytes()
    assert "It is the shipped one" in (found.folder / "README.md").read_text("utf-8")


@NEEDS_TORCH
def test_too_few_pairs_keep_the_shipped_reader(
    base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = lt.train_model(pairs(30), base=base, out=tmp_path, reader=True, **ON, **QUICK)
    assert "the shipped reader is kept: It was not tuned" in caplog.text
    assert "val_reader_loss_of_tuned" not in found.metrics
    assert {path.name for path in found.folder.iterdir()} >= FILES


@NEEDS_TORCH
def test_a_decision_learned_on_top_is_learned_with_the_reader(trained: Any, tmp_path: Path) -> None:
    frame = pairs(60, 7)
    left, right = frame[["a"]], frame[["b"]]
    labels = [(row, row, 1) for row in range(30)] + [(row, row + 1, 0) for row in range(30)]
    given = {"left_on": "a", "right_on": "b"}
    fitted = lt.fit_decision(left, right, labels, **given, model=trained.folder, out=tmp_path / "own")
    assert fitted.correction.reader and not fitted.correction.reader_name
    assert lt.link(left, right, **given, model=fitted).report()["read"]["reader"] == "of the model"
    plain = lt.fit_decision(
        left, right, labels, **given, model=trained.folder, reader=False, out=tmp_path / "plain"
    )
    assert "read" not in lt.link(left, right, **given, model=plain).report()


def test_rows_with_clusters_tune_no_reader() -> None:
    table = pd.DataFrame({"name": ["a", "b"], "cluster": [1, 1]})
    with pytest.raises(InvalidArgumentError, match="reader=True is tuned on pairs"):
        lt.train_model(table, clus_id_col_name="cluster", clus_text_col_names="name", reader=True)
