"""The benchmark of pictures and text: what a system may see, ties, and figures worked out by hand."""

from __future__ import annotations

import argparse
import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tools import data

from . import clippings, ocr_firms, ocr_models, ocr_strings
from .ocr_firms import Book, Corpus, Split
from .ocr_strings import Prediction, choose

COLUMNS = ["id", "side", "entity_id", "image", "ocr_noisy", "ocr_clean", "true_text", "font"]
COLUMNS += ["conf_noisy", "conf_clean"]

# A scorer with the functions of the one that comes with the data set; intervals have no width.
SCORE = """
import os
import numpy as np
import pandas as pd


def load(lang, split, root):
    folder = os.path.join(root, lang, split)
    rec = pd.read_csv(os.path.join(folder, "records.csv"), keep_default_na=False, dtype=str)
    link = pd.read_csv(os.path.join(folder, "links.csv"), dtype=str)
    return rec, dict(zip(link.source_id, link.target_id))


def judge(pred, rec, link):
    s = rec[rec.side == "source"].set_index("id")
    p = pred.set_index("source_id").loc[s.index]
    truth = pd.Series([link.get(i) for i in s.index], index=s.index, dtype=object)
    font = truth.map(rec.set_index("id").font)
    right = (p.target_id == truth) & truth.notna()
    return pd.DataFrame({"entity": s.entity_id, "font": s.font, "score": p.score, "has": truth.notna(),
                         "right": right, "target_font": font})


def no_match(j, cutoff):
    return np.where(j.has, j.right & (j.score >= cutoff), j.score < cutoff)


def tune(j):
    cuts = np.append(np.unique(j.score), j.score.max() + 1)
    accuracy = [no_match(j, c).mean() for c in cuts]
    return float(cuts[int(np.argmax(accuracy))]), float(max(accuracy))


def draws(entity):
    return np.ones((2, len(entity)))


def interval(value, w, keep):
    return (value[keep].mean(),) * 3


def metrics(j, cutoff):
    every = np.ones(len(j), bool)
    return {"matched": interval(j.right.to_numpy(float), None, j.has.to_numpy()),
            "no-match": interval(no_match(j, cutoff).astype(float), None, every)}
"""
# side, firm, noisy, clean, true, font
FIRMS = [
    ("source", "e1", "Ash Peper", "Ash Paper", "Ash Paper", "old"),
    ("source", "e2", "Oak Steel", "Oak Steel", "Oak Steel", "old"),
    ("source", "e3", "", "Elm Gas", "Elm Gas", "new"),
    ("source", "e9", "Quince Jam", "Quince Jam", "Quince Jam", "old"),
    ("target", "e1", "Ash Paper", "Ash Paper", "Ash Paper", "old"),
    ("target", "e2", "Oak Stcel", "Oak Steel", "The Oak Steel", "new"),
    ("target", "e3", "Elm Gas", "Elm Gas", "Elm Gas", "new"),
    ("target", "e4", "Yew Bank", "Yew Bank", "Yew Bank", "old"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of one language, four sources and four targets in every split."""
    root = tmp_path / ocr_firms.FOLDER
    for split in ("train", "valid", "test", "unlabelled"):
        place = root / "en" / split
        place.mkdir(parents=True)
        firms = [firm for firm in FIRMS if split != "train" or firm[-1] == "old"]
        with (place / "records.csv").open("w", encoding="utf-8", newline="") as file:
            write = csv.writer(file)
            write.writerow(COLUMNS)
            for at, (side, entity, noisy, clean, true, font) in enumerate(firms):
                name = f"{split}-{side[0]}{at}"
                confidence = (0.5 if noisy else "", 0.9)
                write.writerow([name, side, entity, f"{at}.jpg", noisy, clean, true, font, *confidence])
        with zipfile.ZipFile(place / "images.zip", "w") as pictures:
            pictures.writestr("0.jpg", b"")
        if split != "unlabelled":
            links = [
                (f"{split}-s{a}", f"{split}-t{b}")
                for a, one in enumerate(firms)
                for b, other in enumerate(firms)
                if (one[0], other[0]) == ("source", "target") and one[1] == other[1]
            ]
            pd.DataFrame(links, columns=["source_id", "target_id"]).to_csv(place / "links.csv", index=False)
    (root / "score.py").write_text(SCORE, encoding="utf-8")
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    return root


def options(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    clippings.add_arguments(parser)
    return parser.parse_args(["--lang", "en", *given])


def test_the_loader_shows_what_a_system_may_see(folder: Path) -> None:
    corpus = ocr_firms.load("en")
    assert corpus.language == "en" and corpus.unlabelled is not None
    book = corpus.test.source
    assert book.ids == ("test-s0", "test-s1", "test-s2", "test-s3")
    assert book.texts["ocr_noisy"] == ("Ash Peper", "Oak Steel", "", "Quince Jam")
    assert set(book.texts) == {"ocr_noisy", "ocr_clean"}  # what was printed is a label
    np.testing.assert_array_equal(book.confidence["ocr_noisy"], np.array([0.5, 0.5, 0, 0.5], np.float32))
    assert book.images[0] == f"{folder}/en/test/images.zip::0.jpg"
    for split in (corpus.test, corpus.unlabelled, corpus.valid.hidden()):
        assert split.source_entity is None and split.target_entity is None
    source, target = corpus.valid.source_entity, corpus.valid.target_entity
    assert source is not None and target is not None
    equal = source[:, None] == target[None, :]
    np.testing.assert_array_equal(equal, np.eye(4, dtype=bool) & np.array([True, True, True, False]))


def test_ties_are_broken_at_random_and_nothing_else_is() -> None:
    ties = np.zeros((4_000, 3), np.float32)
    found = choose(ties)
    share = np.bincount(found.target, minlength=3) / 4_000
    assert (abs(share - 1 / 3) < 0.03).all() and (found.score == 0).all()
    np.testing.assert_array_equal(found.target, choose(ties).target)
    assert (choose(ties, seed=1).target != found.target).any()
    near = np.tile(np.array([0.5, 0.5002, 0.1], np.float32), (4_000, 1))
    assert (choose(near).target == 1).all()
    np.testing.assert_array_equal(choose(near).score, near[:, 1])
    draw = np.random.RandomState(0).rand(5, 3)  # the rule of the data set's own baselines
    np.testing.assert_array_equal(choose(np.zeros((5, 3), np.float32)).target, draw.argmax(axis=1))


def test_legal_forms_are_removed() -> None:
    for text in ("株式会社三井", "(株)三井", "三井(株)", "三・井", "株式會社三井"):
        assert ocr_strings.without_legal_form(text, "ja") == "三井"
    assert ocr_strings.without_legal_form("The Coal Co., Ltd.", "en") == "coal"


@pytest.mark.parametrize("name", ocr_strings.STRINGS)
def test_string_scores_are_higher_for_equal_strings(name: str) -> None:
    if name == "jaro_w":
        pytest.importorskip("rapidfuzz")
    texts = ["ash paper", "oak steel", "elm gas light"]
    scores = ocr_strings.string_scores(name, texts, texts, "en")
    assert scores.shape == (3, 3) and scores.dtype == np.float32
    assert (scores.argmax(axis=1) == np.arange(3)).all()
    assert np.allclose(np.diag(scores), 0 if name == "lev" else 1)


def test_edit_scores_are_those_of_rapidfuzz(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rapidfuzz")
    queries, targets = (
        ["ash paper", "", "三井物産株式会社", "a" * 70],
        ["Ash Papers", "", "三井物産", "a" * 600],
    )
    for name in ("lev", "lev_norm", "lev_affix"):
        theirs = ocr_strings.string_scores(name, queries, targets, "ja")
        with monkeypatch.context() as patch:
            patch.setattr(ocr_strings, "has_rapidfuzz", lambda: False)
            np.testing.assert_array_equal(theirs, ocr_strings.string_scores(name, queries, targets, "ja"))


def test_a_run_by_hand(folder: Path, tmp_path: Path) -> None:
    report = clippings.run(options("--systems", "lev_norm", "tfidf", "--write", str(tmp_path / "files")))
    tables = {table.title: table.rows for table in report.tables}
    found = {(row["OCR"], row["system"]): row for row in tables["clippings"]}
    assert set(found) == {
        ("ocr_noisy", "lev_norm"), ("ocr_clean", "lev_norm"), ("ocr_noisy", "tfidf"), ("ocr_clean", "tfidf"),
        ("true_text", "lev_norm*"),
    }  # fmt: skip
    clean = found["ocr_clean", "lev_norm"]
    assert (clean["matched"], clean["no-match"]) == (1.0, 1.0) and 0.2 < clean["cutoff"] <= 1
    assert found["ocr_noisy", "lev_norm"]["matched"] in (
        pytest.approx(2 / 3),
        1.0,
    )  # the empty text is a guess
    assert clean["matched (README)"] == 0.868 and clean["matched, 95 %"] == "[1.000, 1.000]"
    fonts = {(row["OCR"], row["system"]): row for row in tables["fonts"]}["ocr_clean", "lev_norm"]
    assert (fonts["seen > seen, sources"], fonts["seen > new, sources"], fonts["new > new, sources"]) == (
        1,
        1,
        1,
    )
    assert report.settings["figures equal to the README"].endswith(" of 15")
    assert all(row["minus"] != row["system"] for row in tables["differences"])
    again = clippings.run(options("--systems", "tfidf", "--predictions", str(tmp_path / "files")))
    rows = {table.title: table.rows for table in again.tables}["clippings"]
    read = next(row for row in rows if row["system"] == "lev_norm" and row["OCR"] == "ocr_clean")
    assert {**read, "seconds": 0} == {**clean, "seconds": 0}


class Blind:
    """A system that reads no text: it names the first target, and keeps what it was given."""

    name = "blind"
    reads_text = False

    def __init__(self) -> None:
        self.seen: list[Split] = []

    def fit(self, corpus: Corpus, ocr: str) -> None:
        assert ocr == "none" and corpus.train.source_entity is not None

    def predict(self, split: Split, ocr: str) -> Prediction:
        self.seen.append(split)
        n = len(split.source.ids)
        return Prediction(np.zeros(n, np.int64), np.linspace(1, 0, n, dtype=np.float32))


def test_a_model_is_entered_and_sees_no_labels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blind = Blind()
    monkeypatch.setitem(ocr_models.SYSTEMS, "blind", lambda folder, device: blind)
    report = clippings.run(options("--systems", "tfidf", "blind", "--models", "somewhere"))
    tables = {table.title: table.rows for table in report.tables}
    (row,) = [row for row in tables["clippings"] if row["system"] == "blind"]
    assert (row["OCR"], row["matched"], row["matched (README)"]) == ("none", pytest.approx(1 / 3), None)
    assert [split.name for split in blind.seen] == ["valid", "test"]
    assert all(split.source_entity is None and split.target_entity is None for split in blind.seen)
    against = [row["OCR"] for row in tables["differences"] if row["system"] == "blind"]
    assert against == ["ocr_noisy", "ocr_clean"]


def test_unknown_systems_and_files_are_refused(folder: Path) -> None:
    with pytest.raises(SystemExit, match="no such system: lev_2"):
        clippings.run(options("--systems", "lev_2"))
    with pytest.raises(SystemExit, match="ends with none of"):
        clippings.split_name("fused")


def test_without_rapidfuzz_the_rest_is_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr_strings, "has_rapidfuzz", lambda: False)
    report = clippings.run(options())
    rows = {table.title: table.rows for table in report.tables}["clippings"]
    assert {row["system"] for row in rows} == {"lev", "lev_norm", "lev_affix", "tfidf", "lev_norm*"}
    assert "rapidfuzz" in report.skipped[0]


def test_without_the_data_a_line_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    assert data.VARIABLE in clippings.run(options()).skipped[0]


def test_figures_agree_to_the_printed_digits() -> None:
    row = {"matched": 0.7671, "no-match": 0.6816, "cutoff": 0.52345}
    row |= {"matched (README)": 0.767, "no-match (README)": 0.681, "cutoff (README)": 0.523}
    assert clippings.agreement([row, {**row, "matched (README)": None}]) == (3, 5)
    assert json.dumps(sorted(ocr_strings.README)[0])


def test_a_book_holds_no_labels() -> None:
    assert set(Book.__dataclass_fields__) == {"ids", "images", "texts", "confidence"}
