"""Linker with pictures: the decisions of a merge, asked again without reading the reference again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("PIL")

import linktransformer as lt
from linktransformer.decision.correction import FILE, Correction, write
from linktransformer.encoding import model_plan
from linktransformer.estimators import query, sample_fit
from linktransformer.estimators.reference import encode, read
from linktransformer.estimators.row_reader import Keys, RowReader
from linktransformer.estimators.sample_fit import Settings
from linktransformer.tables import frames
from linktransformer.tables.serialize import Serializer
from tests.conftest import rows_of
from tests.flows.test_pictures import NAMES, Looking, as_png, books, drawn

OPTIONS = {"on": "ocr", "images": "crop"}


def with_gaps() -> tuple[pd.DataFrame, pd.DataFrame]:
    left, right = books()
    left.loc[1, "crop"] = None
    left.loc[2, "crop"] = b"no picture"
    left.loc[3, "ocr"] = None
    left.loc[4, ["ocr", "crop"]] = None
    right.loc[right.firm == NAMES[5], "crop"] = as_png(drawn(NAMES[5]))[:60]
    right.index = pd.Index([f"r{row}" for row in range(len(right))])
    return left, right


@pytest.mark.parametrize("options", [{}, {"block_on": "half"}], ids=["all", "blocks"])
def test_links_are_right_and_have_the_views_of_link(options: dict[str, Any]) -> None:
    left, right = with_gaps()
    left["half"] = [place < 6 for place in range(12)]
    right["half"] = [NAMES.index(name) < 6 for name in right.firm]
    linker = lt.Linker(Looking(), 0.5, k=20, **OPTIONS, **options).fit(right, left)
    found = linker.link(left)
    wanted = lt.link(left, right, model=Looking(), k=20, threshold=0.5, **OPTIONS, **options)
    assert len(found) > 8 and len(wanted) > 8
    # how rare an n-gram is is counted over texts here, and over rows there
    scores = [
        dict(zip(links.left_rows.tolist(), links.score.tolist(), strict=True)) for links in (found, wanted)
    ]
    assert scores[0].keys() == scores[1].keys()
    assert all(abs(score - scores[1][row]) < 0.1 for row, score in scores[0].items())
    for links in (found, wanted):
        rows = zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True)
        assert [(a, right.firm.iloc[b]) for a, b in rows] == [(a, NAMES[a]) for a in links.left_rows.tolist()]
    assert set(found.views) == set(wanted.views)


def test_each_row_by_itself_and_after_saving(tmp_path: Path) -> None:
    left, right = with_gaps()
    linker = lt.Linker(Looking(), 0.25, k=2, **OPTIONS).fit(right, left)
    together = linker.predict(left)
    assert together["reference"].notna().sum() > 8
    for place in range(len(left)):
        assert rows_of(linker.predict(left.iloc[[place]])) == [rows_of(together)[place]]
    one = linker.predict({"ocr": None, "crop": drawn(NAMES[7], 2)})
    assert right.firm[one["reference"].iloc[0]] == NAMES[7]
    linker.save(tmp_path / "saved")
    assert not any(b"PNG" in path.read_bytes() for path in (tmp_path / "saved").iterdir())
    loaded = lt.Linker.load(tmp_path / "saved", model=Looking())
    pd.testing.assert_frame_equal(loaded.predict(left), together, check_exact=True)
    assert loaded.reference_["crop"].isna().all() and loaded.reference_["firm"].equals(right["firm"])
    with pytest.raises(lt.ModelError, match="does not make the vectors"):
        lt.Linker.load(tmp_path / "saved", model=_Other())
    loaded.add(right.iloc[[0]].assign(crop=[drawn("Castle Soap", 1)], ocr=["~"]).set_axis(["new"]))
    asked = {"ocr": None, "crop": as_png(drawn("Castle Soap"))}
    assert loaded.predict(asked)["reference"].tolist() == ["new"]
    assert loaded.remove("new").predict(asked)["reference"].tolist() != ["new"]
    pd.testing.assert_frame_equal(loaded.predict(left), together, check_exact=True)


class _Other(Looking):
    def encode_records(self, texts: Any, pictures: Any, **options: Any) -> Any:
        return super().encode_records([text and text[::-1] + "x" for text in texts], pictures, **options)


class Sure(Looking):
    """Believes a text as far as it is sure of it."""

    def encode_records(self, texts: Any, pictures: Any, *, confidence: Any = None, **options: Any) -> Any:
        found = super().encode_records(texts, pictures, **options)
        sure = np.nan_to_num(np.asarray(confidence), nan=0.5)[:, None]
        found.fused = found._unit(found.image * (1 - sure) + found.text * sure)
        return found


def test_sample_rows_get_what_their_job_gave_them() -> None:
    left, right = with_gaps()
    settings = Settings(5)
    reader = RowReader(Keys(("ocr",), ("ocr",), images=("crop", "crop")))
    plan, sample = model_plan.plan_of_pictures(Looking()), frames.wrap(left, "left")
    known, job, fused = sample_fit.fit(*read(frames.wrap(right, "right"), reader), plan, sample, settings)
    assert job is not None and fused is not None and job.views.pictures == "image" and job.views.line
    queries = encode(known, plan, frames.wrap(left, "left"))
    later = query.scored(known, job, queries, 5)
    found = [
        sorted(zip(of.candidates.left, of.candidates.right, of.score, strict=True)) for of in (fused, later)
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_how_sure_one_row_is_does_not_change_another() -> None:
    left, right = with_gaps()
    right["conf"], left["conf"] = 0.5, 0.1
    linker = lt.Linker(Sure(), 0.2, confidence="conf", weights={"fused": 1}, **OPTIONS).fit(right)
    twice = pd.concat([left.iloc[[6]], left.iloc[[6]].assign(conf=0.9)], ignore_index=True)
    found = linker.predict(twice)
    assert found["score"].iloc[0] != found["score"].iloc[1]
    for place in (0, 1):
        assert rows_of(linker.predict(twice.iloc[[place]])) == [rows_of(found)[place]]
    with pytest.raises(lt.ColumnNotFoundError, match="confidence='conf'"):
        linker.predict(left.drop(columns="conf"))
    with pytest.raises(lt.ColumnNotFoundError, match="images='crop'"):
        linker.predict(left.drop(columns="crop"))


def test_without_sample_rows_weights_and_threshold_are_wanted() -> None:
    left, right = books()
    with pytest.raises(lt.InvalidArgumentError, match="fit\\(reference, queries\\)"):
        lt.Linker(Looking(), 0.5, **OPTIONS).fit(right)
    with pytest.raises(lt.InvalidArgumentError, match="names no columns"):
        lt.Linker(Looking(), 0.5, on="ocr", images=3).fit(right)
    linker = lt.Linker(Looking(), None, weights={"image": 1, "edit": 0.1}, **OPTIONS).fit(right)
    assert linker.weights_["edit"] == pytest.approx(1 / 11)
    assert right.firm[linker.predict(left)["reference"]].tolist() == NAMES


def test_pictures_without_any_text() -> None:
    left, right = books()
    left, right = left[["crop"]], right[["crop"]]
    linker = lt.Linker(Looking(), 0.5, images="crop", weights={"image": 1}).fit(right)
    found = linker.predict(left)["reference"].tolist()
    assert found == list(range(len(NAMES)))[::-1]
    more = ["Castle Soap", "Iron Mill", "Blue Ink", "Red Rope", "Old Oak", "Jute Co"]
    linker.set_params(k=1).add(
        pd.DataFrame({"crop": [as_png(drawn(name)) for name in more]}, index=range(90, 96))
    )
    found = [linker.predict({"crop": drawn(name)})["reference"].iloc[0] for name in more]
    assert found == list(range(90, 96))


def test_a_learned_decision_reads_pictures(tmp_path: Path) -> None:
    left, right = with_gaps()
    model = Looking()
    linker = lt.Linker(model, 0.5, **OPTIONS).fit(right, left)
    learned = Correction(1.0, 1.5, 0.5, ("dense similarity",), (0.5,), (0.5,), (0.2,))
    model.decision = tmp_path / FILE  # type: ignore[attr-defined]
    write(learned, model.decision, {})  # type: ignore[attr-defined]
    decided = lt.Linker(model, 0.5, **OPTIONS).fit(right, left)
    assert decided.link(left).report()["decision"] == "learned from labels"
    before, after = (one.predict(left)["score"].dropna() for one in (linker, decided))
    assert (after > before).mean() > 0.8 and after.between(0, 1, inclusive="neither").all()
    links = lt.link(left, right, model=model, **OPTIONS)
    assert links.report()["decision"] == "learned from labels"


def test_a_saved_reader_without_the_serializer_of_the_model_reads_as_the_model_does(tmp_path: Path) -> None:
    left, right = with_gaps()
    right["firm"], left["firm"] = right["firm"].str.lower(), "some firm"
    model = Looking()
    model.serializer = {"max_chars": 12}  # type: ignore[attr-defined]
    options = {**OPTIONS, "on": ["ocr", "firm"]}
    linker = lt.Linker(model, 0.25, **options).fit(right, left)
    linker.save(tmp_path / "saved")
    path, manifest = tmp_path / "saved" / "reference.json", tmp_path / "saved" / "manifest.json"
    saved, sealed = json.loads(path.read_text()), json.loads(manifest.read_text())
    saved["reading"]["serializer"] = Serializer().to_dict()
    path.write_text(json.dumps(saved))
    sealed["files"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(sealed))
    loaded = lt.Linker.load(tmp_path / "saved", model=model)
    pd.testing.assert_frame_equal(loaded.predict(left), linker.predict(left), check_exact=True)
