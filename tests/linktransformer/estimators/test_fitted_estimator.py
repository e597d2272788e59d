"""What both estimators share: copies, pickles and folders, wherever the process is."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.estimators.fitted_estimator import FittedEstimator
from linktransformer.estimators.fitted_model import located
from tests.conftest import make, rows_of

NAMES = [
    "Acme Steel",
    "Baxter Dairy",
    "Quincy Glass",
    "Zeller Motors",
    "Hart Mill",
    "Penn Salt",
    "Orr Foundry",
]
TABLE = pd.DataFrame({"name": [f"{name} {end}" for end in ("Corp", "Co", "Works") for name in NAMES]})
ROWS = pd.DataFrame({"name": [*map(str.upper, NAMES), "Union Silver"]})


class Letters:
    """A model whose vectors are counts of letters."""

    def encode(self, texts: list[str]) -> list[list[float]]:
        return [[float(text.lower().count(letter)) + 0.1 for letter in "abcdelmnorstuz"] for text in texts]


def fitted(kind: str, model: Any, table: Any = TABLE) -> Any:
    made: type[Any] = getattr(lt, kind)
    return made(model=model, on="name").fit(table)


@pytest.mark.parametrize("kind", ["Linker", "Deduplicator"])
@pytest.mark.parametrize("model", ["lexical", None, Letters()], ids=["lexical", "default", "object"])
def test_copies_answer_alike_and_stand_alone(kind: str, model: Any) -> None:
    """deepcopy ended in "cannot pickle InferenceSession"."""
    first = fitted(kind, model)
    wanted = first.predict(ROWS)
    copies = [copy.copy(first), copy.deepcopy(first)]
    for copied in copies:
        pd.testing.assert_frame_equal(copied.predict(ROWS), wanted)
        assert copied.get_params()["model"] is model
    first.remove([0, 1])
    for copied in copies:
        pd.testing.assert_frame_equal(copied.predict(ROWS), wanted)


@pytest.mark.parametrize("kind", ["Linker", "Deduplicator"])
@pytest.mark.parametrize("model", ["lexical", None], ids=["lexical", "default"])
@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_pickled_it_answers_alike_and_goes_on(kind: str, model: Any, library: str) -> None:
    first = fitted(kind, model, make(library, {"name": TABLE["name"].tolist()}))
    again = pickle.loads(pickle.dumps(first))
    assert again.get_params()["model"] == model
    assert rows_of(again.predict(ROWS)) == rows_of(first.predict(ROWS))
    more = make(library, {"name": ["Union Silver Ltd"]})
    if library == "pandas":
        more.index = [99]
    assert rows_of(again.add(more).predict(ROWS)) == rows_of(first.add(more).predict(ROWS))


def test_other_processes_can_ask_it() -> None:
    joblib = pytest.importorskip("joblib")
    linker = fitted("Linker", None)
    parts = joblib.Parallel(n_jobs=2)(joblib.delayed(linker.predict)(ROWS[at : at + 4]) for at in (0, 4))
    pd.testing.assert_frame_equal(pd.concat(parts), linker.predict(ROWS))


@pytest.mark.parametrize("kind", ["Linker", "Deduplicator"])
def test_an_object_as_model_is_not_pickled(kind: str) -> None:
    with pytest.raises(
        TypeError, match=rf"object \(Letters\).*save\(folder\) and {kind}.load\(folder, model="
    ):
        pickle.dumps(fitted(kind, Letters()))


def test_before_fit_it_is_pickled_and_copied() -> None:
    for again in (pickle.loads(pickle.dumps(lt.Linker(on="name"))), copy.deepcopy(lt.Linker(on="name"))):
        assert repr(again) == "Linker(on='name')"
        with pytest.raises(ValueError, match="not fitted"):
            again.predict(ROWS)


def test_another_model_under_the_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = pickle.dumps(fitted("Linker", None))

    def other(self: FittedEstimator, model: Any, pictures: bool = False) -> Any:
        from linktransformer.encoding import model_plan

        return model_plan.plan(Letters())

    monkeypatch.setattr(FittedEstimator, "_opened", other)
    with pytest.raises(lt.ModelError, match="does not make the vectors that were saved"):
        pickle.loads(sent)


def test_a_folder_is_found_from_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model was kept as it was written, such as ./m/tiny."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    labels = [(0, 0, 1), (1, 1, 1), (1, 2, 0)]
    lt.fit_decision(TABLE, ROWS, labels, "name", model="lexical", out="run")
    linker = lt.Linker("run/model", on="name").fit(TABLE)
    assert linker.get_params()["model"] == "run/model"
    wanted, sent = linker.predict(ROWS), pickle.dumps(linker)
    linker.save("saved")
    monkeypatch.chdir(there)
    pd.testing.assert_frame_equal(pickle.loads(sent).predict(ROWS), wanted)
    again = lt.Linker.load(here / "saved")
    pd.testing.assert_frame_equal(again.predict(ROWS), wanted)
    assert again.get_params()["model"] == str(here / "run" / "model")
    os.rename(here / "run", there / "run")  # noqa: PTH104
    with pytest.raises(lt.ModelError, match=r"load\(folder, model=...\)"):
        lt.Linker.load(here / "saved")
    pd.testing.assert_frame_equal(lt.Linker.load(here / "saved", model="run/model").predict(ROWS), wanted)


def test_what_is_saved_is_the_model_of_fit(tmp_path: Path) -> None:
    """A model that was set after fit was saved in place of the one that the table was encoded with."""
    linker = fitted("Linker", "lexical").set_params(model=Letters())
    linker.save(tmp_path / "saved")
    again = lt.Linker.load(tmp_path / "saved")
    assert again.get_params()["model"] == "lexical"
    pd.testing.assert_frame_equal(again.predict(ROWS), linker.predict(ROWS))


def test_names_are_no_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("lexical", "names", "mine"):
        (tmp_path / name).mkdir()
    assert located("lexical") == "lexical" and located("names") == "names" and located(None) is None
    assert located("mine") == located(Path("mine")) == str(tmp_path / "mine")
    assert located("org/name@main") == "org/name@main"


def test_the_deduplicator_says_what_reads_pictures() -> None:
    with pytest.raises(lt.InvalidArgumentError, match=r"cluster\(table, images=.*Linker\(images="):
        lt.Deduplicator(on="name", images="crop").fit(TABLE)


@pytest.mark.parametrize("model", ["lexical", None], ids=["lexical", "default"])
def test_results_can_be_copied_and_sent(model: Any, tmp_path: Path) -> None:
    links = lt.link(TABLE, ROWS, on="name", model=model)
    clusters = lt.cluster(TABLE, on="name", model=model or "lexical")
    path = tmp_path / "results"
    path.write_bytes(pickle.dumps((links, clusters)))
    loaded = pickle.loads(path.read_bytes())
    for again, groups in (loaded, copy.deepcopy((links, clusters)), (copy.copy(links), copy.copy(clusters))):
        pd.testing.assert_frame_equal(again.pairs, links.pairs)
        pd.testing.assert_frame_equal(again.explain(0), links.explain(0))
        assert again.report() == links.report() and groups.report() == clusters.report()
        np.testing.assert_array_equal(groups.label, clusters.label)
        two = groups.explain(left=0, right=7), clusters.explain(left=0, right=7)
        pd.testing.assert_frame_equal(*two)
    code = (
        "import pickle, sys; links, clusters = pickle.load(open(sys.argv[1], 'rb'));"
        "print(len(links), len(links.explain(0)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(links)), str(len(links.explain(0)))]


def test_what_training_gives_can_be_copied_and_sent(tmp_path: Path) -> None:
    labels = [(0, 0, 1), (1, 1, 1), (1, 2, 0)]
    made = lt.fit_decision(TABLE, ROWS, labels, "name", model="lexical", out=tmp_path / "run")
    model = lt.TrainedModel(tmp_path, {"f1": 0.5}, [{"step": 1}], {"rows": 3})
    classes = lt.TrainedClassifier(tmp_path, {"val_macro_f1": 1.0}, {"a": 0}, {"rows": 3})
    for one in (made, model, classes):
        for again in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one), copy.copy(one)):
            assert again.folder == one.folder and again.metrics == one.metrics
    linked = lt.link(TABLE, ROWS, on="name", model=pickle.loads(pickle.dumps(made)))
    pd.testing.assert_frame_equal(linked.pairs, lt.link(TABLE, ROWS, on="name", model=made).pairs)
