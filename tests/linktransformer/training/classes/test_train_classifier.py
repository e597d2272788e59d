"""train_clf_model and classify_rows: one label map, nothing lost, a folder that classifies as trained."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import linktransformer as lt
from linktransformer.tables import frames, splits
from linktransformer.tables.serialize import Serializer
from linktransformer.training.classes import classifier, training_texts
from tests import tiny_model

NEEDS_TORCH = pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="sentence-transformers is not installed"
)
SHARES = (0.8, 0.1, 0.1)


def articles(n: int = 60) -> pd.DataFrame:
    """Texts of three kinds, told apart by their words."""
    kinds = {
        "steel": ["acme steel", "iron mills"],
        "dairy": ["baxter dairy", "river dairy"],
        "paper": ["paper"],
    }
    draw = np.random.default_rng(0)
    rows = []
    for number in range(n):
        topic = sorted(kinds)[number % 3]
        words = [*draw.choice(kinds[topic], 2), *draw.choice(tiny_model.WORDS, 2)]
        rows.append({"text": f"{' '.join(words)} {number}", "topic": topic})
    return pd.DataFrame(rows)


def read(frame: pd.DataFrame, **more: pd.DataFrame) -> training_texts.Classified:
    tables = {splits.TRAIN: frames.wrap(frame, "train_data")}
    tables |= {getattr(splits, name.upper()): frames.wrap(one, f"{name}_data") for name, one in more.items()}
    return training_texts.read(tables, "text", "topic", Serializer(), SHARES, 0)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.make_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> lt.TrainedClassifier:
    out = tmp_path_factory.mktemp("run") / "out"
    return lt.train_clf_model(
        articles(), base, "text", "topic", out=out, epochs=2, batch_size=16, lr=1e-3, device="cpu"
    )


def test_every_class_is_in_every_split_and_equal_texts_stay_together() -> None:
    frame = articles(90)
    again = frame.assign(text=frame["text"].str.upper() + "  ")
    found = read(pd.concat([frame, again]))
    for part in (splits.TRAIN, splits.VAL, splits.TEST):
        assert set(found.code[found.part == part]) == {0, 1, 2}
    folded = pd.Series([" ".join(text.lower().split()) for text in found.texts])
    assert (pd.Series(found.part).groupby(folded).nunique() == 1).all()
    assert found.counts["val_texts"] == found.counts["test_texts"] == 18


def test_the_order_of_rows_moves_no_text_and_no_class() -> None:
    frame = articles()
    one, other = read(frame), read(frame.sample(frac=1, random_state=5))
    assert one.labels == other.labels == ("dairy", "paper", "steel")
    assert dict(zip(one.texts, one.part, strict=True)) == dict(zip(other.texts, other.part, strict=True))
    assert dict(zip(one.texts, one.code, strict=True)) == dict(zip(other.texts, other.code, strict=True))


def test_rows_without_text_or_label_are_counted() -> None:
    frame = articles(30)
    frame.loc[0, "text"] = None
    frame.loc[1, "topic"] = None
    frame = pd.concat([frame, frame.iloc[[5]]])
    counts = read(frame).counts
    assert (counts["rows"], counts["rows_without_text_or_label"], counts["texts_repeated"]) == (31, 2, 1)


def test_a_text_of_several_classes_is_left_out_and_named() -> None:
    frame = articles(30)
    both = frame.iloc[[0, 2]].assign(topic="paper", text=lambda rows: rows["text"].str.upper())
    with pytest.warns(lt.LinkWarning, match=r"2 texts have several classes and are left out, such as \('"):
        found = read(pd.concat([frame, both]))
    left_out = set(both["text"].str.lower())
    assert not left_out & {text.lower() for text in found.texts} and len(found.texts) == 28
    assert found.counts["texts_with_several_classes"] == 2


def test_every_text_in_two_classes_teaches_nothing() -> None:
    frame = articles(30)
    other = {"steel": "dairy", "dairy": "steel", "paper": "steel"}
    with (
        pytest.warns(lt.LinkWarning, match="30 texts have several classes"),
        pytest.raises(lt.InvalidArgumentError, match="without the 30 texts"),
    ):
        read(pd.concat([frame, frame.assign(topic=frame["topic"].map(other))]))


def test_one_label_map_for_all_splits() -> None:
    """W11: classes were numbered in each split by order of appearance, and may have been permuted."""
    frame = articles()
    # the splits begin with other classes; numbers by order of appearance would be permuted
    found = read(frame, val=frame.iloc[[2, 1, 0]], test=frame.iloc[[1, 0, 2]])
    for part in (splits.VAL, splits.TEST):
        named = [found.labels[code] for code in found.code[found.part == part]]
        assert [text.split()[-1] for text in np.array(found.texts)[found.part == part]]
        truth = dict(zip(frame["text"], frame["topic"], strict=True))
        assert named == [truth[text] for text in np.array(found.texts)[found.part == part]]


def test_a_class_that_training_lacks_is_refused() -> None:
    strange = pd.DataFrame({"text": ["x"], "topic": ["coal"]})
    with pytest.raises(lt.InvalidArgumentError, match=r"val_data has classes .*'coal'"):
        read(articles(), val=strange)
    with pytest.raises(lt.InvalidArgumentError, match="two classes"):
        read(articles().query("topic == 'dairy'"))


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("kind", [None, "balanced"])
def test_probabilities_are_those_of_scikit_learn(n: int, kind: Any) -> None:
    frame = articles()
    texts = frame["text"].tolist()
    code = np.arange(len(texts)) % n
    vectors = np.random.default_rng(1).normal(size=(len(texts), 5)).astype(np.float32)
    idf = classifier.frequencies(texts)
    for views in classifier.VIEWS:
        table = classifier.features(views, vectors, texts, idf)
        head = classifier.fit(tuple(range(n)), views, table, code, idf, 1.0, kind)
        model: Any = LogisticRegression(C=1.0, max_iter=3000, class_weight=kind).fit(table, code)
        found = classifier.probabilities(head, vectors, texts)
        np.testing.assert_allclose(found, model.predict_proba(table), atol=1e-5)


def test_ngrams_are_weighed_as_scikit_learn_weighs_them() -> None:
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    texts = articles()["text"].tolist()
    table = classifier.features(("lexical",), np.empty((0, 0)), texts, classifier.frequencies(texts))
    way: Any = HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), n_features=2**15, alternate_sign=False, norm=None
    )
    weigh: Any = TfidfTransformer(sublinear_tf=True)
    wanted = weigh.fit_transform(way.transform(texts))
    np.testing.assert_allclose(table.toarray(), wanted.toarray(), atol=1e-6)


@NEEDS_TORCH
def test_it_learns_and_can_be_taken_apart(trained: lt.TrainedClassifier) -> None:
    folder, f1, label_map = trained
    assert folder == str(trained.folder) and f1 == trained.metrics["val_macro_f1"]
    assert label_map == {"dairy": 0, "paper": 1, "steel": 2}
    assert trained.metrics["test_macro_f1"] > 0.9 and not trained.mistakes
    values = json.loads((trained.folder / "manifest.json").read_text())
    assert values["task"] == "text classification" and values["metrics"]["test_accuracy"] > 0.9


@NEEDS_TORCH
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_rows_keep_their_place_and_their_index(trained: lt.TrainedClassifier, kind: str) -> None:
    frame = articles(12)
    frame.index = pd.Index([f"r{row}" for row in range(12)])
    frame.loc["r3", "text"] = " "
    before = frame.copy()
    given: Any = frame if kind == "pandas" else pytest.importorskip("polars").from_pandas(frame)
    found = lt.classify_rows(given, model=trained.folder, probability=True)
    if kind == "pandas":
        assert found.index.equals(frame.index)
        pd.testing.assert_frame_equal(frame, before)
    said = found["clf_preds_text"].to_list()
    chance = found["clf_preds_text_probability"].to_list()
    assert said[3] is None or pd.isna(said[3])
    assert chance[3] is None or np.isnan(chance[3])
    rest = [row for row in range(12) if row != 3]
    assert [said[row] for row in rest] == [frame["topic"].iloc[row] for row in rest]
    assert all(1 / 3 < chance[row] <= 1 for row in rest)


@NEEDS_TORCH
def test_an_empty_table_and_other_models(trained: lt.TrainedClassifier, base: Path) -> None:
    empty = articles().iloc[:0]
    assert lt.classify_rows(empty, model=trained)["clf_preds_text"].tolist() == []
    with pytest.raises(lt.ModelError, match="not a classifier"):
        lt.classify_rows(empty, "text", model=base)
    with pytest.raises(lt.ModelError, match="not a classifier"):
        lt.classify_rows(empty, "text")
    with pytest.raises(lt.ColumnNotFoundError, match="'text'"):
        lt.classify_rows(empty, "txt", model=trained)
    with pytest.raises(lt.InvalidArgumentError, match="label_column="):
        lt.classify_rows(empty, "text", model=trained, label_column="topic")


@NEEDS_TORCH
def test_a_changed_head_is_refused(trained: lt.TrainedClassifier, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(trained.folder, tmp_path / "copy"))
    file = copy / classifier.WEIGHTS
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(lt.ModelError, match=classifier.WEIGHTS):
        lt.classify_rows(articles(), model=copy)


@NEEDS_TORCH
def test_labels_keep_their_kind_and_no_epoch_leaves_the_encoder(
    base: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    frame = articles().assign(topic=lambda rows: rows.topic == "dairy")
    trained = lt.train_clf_model(
        frame, base, "text", "topic", model_save_dir=tmp_path / "old", epochs=0, device="cpu", progress=False
    )
    assert capfd.readouterr() == ("", "")  # no bar of anybody's
    assert trained.folder == tmp_path / "old" / "model" and trained.label_map == {False: 0, True: 1}
    assert lt.classify_rows(frame, model=trained)["clf_preds_text"].dropna().isin([True, False]).all()
    from clippings import load_text_encoder

    texts = frame["text"].tolist()
    np.testing.assert_allclose(
        load_text_encoder(trained.folder, device="cpu").encode(texts),
        load_text_encoder(base, device="cpu").encode(texts),
        atol=1e-6,
    )


def test_wrong_arguments_of_a_classifier(base: Path) -> None:
    frame = articles()
    with pytest.raises(lt.InvalidArgumentError, match="labelled rows once"):
        lt.train_clf_model(on="text")
    with pytest.raises(lt.InvalidArgumentError, match="'learnrate'"):
        lt.train_clf_model(frame, base, "text", "topic", learnrate=3)
    with pytest.raises(lt.InvalidArgumentError, match="Give one"):
        lt.train_clf_model(frame, base, "text", "topic", weighted_loss=True, weight_list=[1, 2, 3])
    with pytest.raises(lt.InvalidArgumentError, match="2 weights for 3 classes"):
        lt.train_clf_model(frame, base, "text", "topic", weight_list=[1, 2])
    with pytest.raises(lt.ColumnNotFoundError, match="label_col_name='kind'"):
        lt.train_clf_model(frame, base, "text", "kind")


def test_a_sequence_classifier_of_transformers_out_of_a_folder(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tests.tiny_model import make_base

    make_base(tmp_path)
    raw, folder = tmp_path / "raw", tmp_path / "classifier"
    names = {0: "none", 1: "protest", 2: "riot"}
    config = transformers.BertConfig.from_pretrained(
        raw, num_labels=3, id2label=names, label2id={name: number for number, name in names.items()}
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = transformers.BertForSequenceClassification(config).eval()
    torch.nn.init.normal_(made.classifier.weight, std=2.0, generator=torch.Generator().manual_seed(3))
    tokenizer = transformers.AutoTokenizer.from_pretrained(raw)
    tokenizer.save_pretrained(folder)
    with torch.no_grad():  # random weights say nearly the same of all texts: the same is taken off
        made.classifier.weight *= 50
        batch = tokenizer(["acme steel", "west", "union mills", "a b c d"], return_tensors="pt", padding=True)
        made.classifier.bias -= made(**batch).logits.mean(dim=0)
    made.save_pretrained(folder)
    texts = ["acme steel", None, "river stone gold", "west", "acme steel " * 90, "a b c d", "union mills"]
    table = pd.DataFrame({"text": texts}, index=list("abcdefg"))
    found = lt.classify_rows(table, "text", folder, probability=True, device="cpu", batch_size=2)
    assert found.index.tolist() == list("abcdefg") and found["clf_preds_text"].isna().tolist() == [
        text is None for text in texts
    ]
    for text, label, sure in zip(
        texts, found["clf_preds_text"], found["clf_preds_text_probability"], strict=True
    ):
        if text is not None:  # one by one, without padding
            batch = tokenizer([text], return_tensors="pt", truncation=True, max_length=64)
            with torch.inference_mode():
                chance = torch.softmax(made(**batch).logits[0], dim=-1)
            assert (label, sure) == (
                names[int(chance.argmax())],
                pytest.approx(float(chance.max()), abs=1e-4),
            )
    assert len(set(found["clf_preds_text"].dropna())) > 1
    for label_map in ({0: "x", 1: "y", 2: "z"}, {"x": 0, "y": 1, "z": 2}):
        again = lt.classify_rows(table, "text", str(folder), device="cpu", label_map=label_map)
        renamed = found["clf_preds_text"].map(dict(zip(names.values(), "xyz", strict=True)))
        assert again["clf_preds_text"].dropna().tolist() == renamed.dropna().tolist()
    with pytest.raises(lt.InvalidArgumentError, match="does not name the 3 classes"):
        lt.classify_rows(table, "text", folder, label_map={"x": 0, "y": 1})
    with pytest.raises(lt.InvalidArgumentError, match="on= is missing"):
        lt.classify_rows(table, model=folder)
    # weights in a pickle are not read
    torch.save(made.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(lt.ModelError, match="classifier cannot be loaded"):
        lt.classify_rows(table, "text", folder)
