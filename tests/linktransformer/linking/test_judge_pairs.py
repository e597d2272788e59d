"""Readers of the caller's in merge, link, cluster and fit_decision."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError, LinkWarning, ModelError
from tests.llm_server import KEY, Server, Step, serving, text_of
from tests.reader_tables import OPEN, Knows, key_of, right_links, tables

LEFT, RIGHT = tables()
PLAIN = {"on": "name", "model": "lexical"}


def test_a_reader_that_knows_the_answer_gives_it_whatever_its_unit() -> None:
    without = right_links(lt.link(LEFT, RIGHT, **PLAIN))
    for high, low in ((7.0, 3.0), (900.0, -900.0)):
        knows = Knows(high=high, low=low)
        links = lt.link(LEFT, RIGHT, **PLAIN, reader=knows)
        assert right_links(links) > without + OPEN // 2
        told = links.report()["read"]
        assert told["reader"] == "Knows" and told["calibrated_by"] == "sure pairs" and told["slope"] > 0
        assert told["pairs_read"] + told["pairs_to_calibrate"] == len(knows.asked)
        assert links.report()["options"]["reader"] == "Knows"


def test_a_function_and_an_object_with_predict_read_as_the_object_does() -> None:
    def called(left: list[str], right: list[str]) -> Any:
        return Knows().log_odds(left, right)

    class Predicts:
        def predict(self, pairs: list[tuple[str, str]]) -> Any:
            return Knows().log_odds(*zip(*pairs, strict=True))[:, None]

    first = lt.link(LEFT, RIGHT, **PLAIN, reader=Knows())
    for reader in (called, Predicts()):
        links = lt.link(LEFT, RIGHT, **PLAIN, reader=reader)
        np.testing.assert_array_equal(links.score, first.score)
    assert links.report()["read"]["reader"] == "Predicts"


def test_the_order_of_rows_and_of_tables_does_not_matter() -> None:
    class Even(Knows):
        def log_odds(self, left: Any, right: Any) -> Any:
            return np.round(super().log_odds(left, right) / 4)

    given = {**PLAIN, "validate": "1:1", "reader": Even()}
    first = dict(zip(*_names(lt.link(LEFT, RIGHT, **given)), strict=True))
    swapped = lt.link(RIGHT.iloc[::-1].reset_index(drop=True), LEFT, **given)
    pairs, score = _names(swapped)
    assert dict(zip([(b, a) for a, b in pairs], score, strict=True)) == pytest.approx(first, abs=1e-5)


def _names(links: Any) -> tuple[list[tuple[str, str]], list[float]]:
    left, right = (side.frame.to_native()["name"] for side in (links.left, links.right))
    pairs = list(zip(left.iloc[links.left_rows], right.iloc[links.right_rows], strict=True))
    return pairs, links.score.tolist()


def test_a_reader_whose_scores_fall_is_not_used_with_a_warning() -> None:
    with pytest.warns(LinkWarning, match="Knows is not used: its scores are no higher"):
        links = lt.link(LEFT, RIGHT, **PLAIN, reader=Knows(high=0, low=5))
    np.testing.assert_array_equal(links.score, lt.link(LEFT, RIGHT, **PLAIN).score)
    assert links.report()["read"]["pairs_read"] == 0


def test_too_few_sure_pairs_do_not_calibrate_a_reader_and_nothing_is_asked() -> None:
    knows = Knows()
    some = LEFT.iloc[55:75], RIGHT.iloc[55:75]
    with pytest.warns(LinkWarning, match=r"not used: \d pairs are surely matches .* takes 10 of either kind"):
        links = lt.link(*some, **PLAIN, reader=knows)
    assert not knows.asked and "surely" in links.report()["read"]["not_used"]
    labels = [LEFT["name"][:60].tolist() * 2, [*RIGHT["name"][:60], *RIGHT["name"][1:60], RIGHT["name"][0]]]
    known = lt.calibrated_reader(knows, *labels, [True] * 60 + [False] * 60)
    links = lt.link(*some, **PLAIN, reader=known)
    assert links.report()["read"]["calibrated_by"] == "labels" and links.report()["read"]["pairs_read"] > 0


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (lambda left, right: [1.0], InvalidArgumentError, r"numbers of shape \(1,\) for \d+ pairs"),
        (lambda left, right: np.zeros((len(left), 3)), InvalidArgumentError, "num_labels=1"),
        (lambda left, right: [float("nan")] * len(left), InvalidArgumentError, "not finite for"),
        (lambda left, right: [float("inf")] * len(left), InvalidArgumentError, "not finite for"),
        (lambda left, right: left[len(left)], ModelError, r"failed while it read .* IndexError"),
        (lambda left, right: ["yes"] * len(left), ModelError, "could not convert"),
    ],
)
def test_a_reader_that_fails_is_named_with_what_it_gave(bad: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        lt.link(LEFT, RIGHT, **PLAIN, reader=bad)


def test_no_more_pairs_are_read_than_the_reader_says() -> None:
    knows = Knows()
    knows.most_pairs = 50  # type: ignore[attr-defined]
    told = lt.link(LEFT, RIGHT, **PLAIN, reader=knows).report()["read"]
    assert len(knows.asked) <= 50 and told["pairs_to_calibrate"] == 24 and 0 < told["pairs_read"] <= 26


def test_one_table_is_clustered_with_a_reader() -> None:
    rows = pd.concat([LEFT, RIGHT], ignore_index=True)

    def wrong(reader: Any) -> int:
        """Rows in a cluster with a row of another thing."""
        label = lt.cluster(rows, on="name", reader=reader).label
        thing = np.tile(np.arange(len(LEFT)), 2)
        return sum(len(set(thing[label == each])) > 1 for each in set(label.tolist()))

    assert wrong(False) > 20 and wrong(Knows()) == 0
    assert lt.cluster_rows(rows, on="name", reader=Knows()).shape[0] == len(rows)
    kept = [len(lt.dedup_rows(rows, on="name", reader=reader)) for reader in (Knows(), False)]
    assert kept[0] > kept[1]
    assert lt.merge(LEFT, RIGHT, on="name", reader=Knows())["score"].notna().sum() > 60


def test_a_decision_learned_with_a_reader_keeps_its_scale_and_wants_it_again(tmp_path: Path) -> None:
    labels = [(row, row, 1) for row in range(100)] + [(row, (row + 1) % 100, 0) for row in range(100)]
    knows = Knows()
    fitted = lt.fit_decision(LEFT, RIGHT, labels, "name", model="lexical", reader=knows, out=tmp_path)
    assert fitted.correction.reader and fitted.correction.reader_name == "Knows"
    assert len(fitted.correction.reader_scale) == 3 and fitted.correction.reader_scale[1] > 0
    links = lt.link(LEFT, RIGHT, "name", model=fitted, reader=Knows())
    told = links.report()["read"]
    assert told["calibrated_by"] == "labels" and told["slope"] == round(fitted.correction.reader_scale[1], 3)
    assert right_links(links) > right_links(lt.link(LEFT, RIGHT, "name", model=fitted, reader=False)) + 10
    for other in ("auto", True, lambda left, right: [0.0] * len(left)):
        with pytest.raises(InvalidArgumentError, match="not the one that this decision was learned with"):
            lt.link(LEFT, RIGHT, "name", model=fitted, reader=other)  # type: ignore[arg-type]
    plain = lt.fit_decision(LEFT, RIGHT, labels, "name", model="lexical", reader=True, out=tmp_path / "plain")
    with pytest.raises(InvalidArgumentError, match="learned with, that of the model"):
        lt.link(LEFT, RIGHT, "name", model=plain, reader=Knows())


def test_a_language_model_reads_pairs_and_one_without_a_verdict_stays(tmp_path: Path) -> None:
    row = Knows().row

    def truth(_: Server, request: dict[str, Any]) -> Step:
        pair = json.loads(text_of(request))
        one, other = row[key_of(pair["record_1"])], row[key_of(pair["record_2"])]
        if 60 <= min(one, other) < 70:
            return Step("I cannot say?")
        return Step(json.dumps({"is_match": one == other, "confidence": 0.9}))

    with serving(truth) as server:
        reader = lt.llm_reader(f"openai:small@{server.url}", key=KEY, cache=tmp_path)
        links = lt.link(LEFT, RIGHT, **PLAIN, reader=reader)
        told = links.report()["read"]
        assert told["reader"].startswith("small at 127.0.0.1") and told["pairs_without_answer"] > 0
        assert right_links(links) > right_links(lt.link(LEFT, RIGHT, **PLAIN)) + OPEN // 3
        with pytest.raises(InvalidArgumentError, match="most_pairs=20 is too few"):
            lt.llm_reader(f"openai:small@{server.url}", key=KEY, most_pairs=20)


def test_a_cross_encoder_reads_by_its_folder_and_as_an_object(tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    torch = pytest.importorskip("torch")
    folder = _tiny_cross_encoder(tmp_path / "tiny")
    model = library.CrossEncoder(str(folder))
    pairs = [("alpha beta", "alpha beta"), ("alpha", "gamma delta")]
    raw = model.predict(pairs, activation_fn=torch.nn.Identity())
    for reader in (lt.cross_encoder_reader(model), lt.cross_encoder_reader(folder)):
        found = reader.log_odds(*zip(*pairs, strict=True))
        np.testing.assert_allclose(np.asarray(found).ravel(), raw, rtol=1e-5)
    assert lt.cross_encoder_reader(folder).name == "tiny"  # type: ignore[attr-defined]
    with pytest.raises(InvalidArgumentError, match="is not understood"):
        lt.link(LEFT, RIGHT, **PLAIN, reader=str(tmp_path / "nowhere"))
    with warnings.catch_warnings():  # its weights are drawn: they may tell nothing
        warnings.simplefilter("ignore", LinkWarning)
        report = lt.link(LEFT, RIGHT, **PLAIN, reader=folder).report()["read"]
    assert report["reader"] == "tiny" and "pairs_to_calibrate" in report


def _tiny_cross_encoder(folder: Path) -> Path:
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
    words += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=128, num_labels=1,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder
