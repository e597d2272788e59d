"""Linker: the same decisions as link, each row by itself, and the same after add, remove, save and load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.estimators.fitted_estimator import NotFittedError
from tests.conftest import make, rows_of

WORDS = [
    "acme",
    "baxter",
    "quill",
    "zeller",
    "northern",
    "steel",
    "dairy",
    "paper",
    "motors",
    "rail",
    "works",
]


def table(n: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    names = [" ".join(draw.choice(WORDS, int(draw.integers(1, 4)))) for _ in range(n)]
    names[:3] = [None, "", "acme"]
    place = draw.choice(["north", "south", "west", None], n)
    return pd.DataFrame({"name": names, "place": place}, index=[f"r{seed}-{i}" for i in range(n)])


class Letters:
    """A model whose vectors are counts of letters."""

    def encode(self, texts: list[str]) -> list[list[float]]:
        return [[float(text.lower().count(letter)) + 0.1 for letter in "abcdelmnorstuz"] for text in texts]


REFERENCE, QUERIES = table(80, 1), table(60, 2).reset_index(drop=True)
MODELS = [pytest.param("lexical", id="lexical"), pytest.param(Letters(), id="letters")]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("block_on", [None, "place"], ids=["all", "blocks"])
def test_links_are_those_of_link(model: Any, block_on: str | None) -> None:
    linker = lt.Linker(model, 0.6, on="name", block_on=block_on, k=100).fit(REFERENCE, QUERIES)
    found = linker.link(QUERIES)
    wanted = lt.link(QUERIES, REFERENCE, on="name", model=model, threshold=0.6, block_on=block_on, k=100)
    assert 5 < len(wanted) < 60
    np.testing.assert_array_equal(found.left_rows, wanted.left_rows)
    np.testing.assert_array_equal(found.right_rows, wanted.right_rows)
    np.testing.assert_allclose(found.score, wanted.score, atol=1e-5)
    assert found.unlinked["reason"].tolist() == wanted.unlinked["reason"].tolist()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("block_on", [None, "place"], ids=["all", "blocks"])
def test_what_is_predicted_is_what_is_linked(model: Any, block_on: str | None) -> None:
    linker = lt.Linker(model, 0.6, on="name", block_on=block_on, k=100).fit(REFERENCE, QUERIES)
    found, predicted = linker.link(QUERIES), linker.predict(QUERIES)
    assert 5 < len(found) < 60
    linked = predicted["reference"].dropna()
    assert dict(linked) == dict(zip(found.left_rows.tolist(), REFERENCE.index[found.right_rows], strict=True))
    np.testing.assert_array_equal(predicted["score"][linked.index].to_numpy(dtype="f4"), found.score)


@pytest.mark.parametrize("block_on", [None, "place"], ids=["all", "blocks"])
def test_a_row_asked_alone_gets_the_same_answer_bit_for_bit(block_on: str | None) -> None:
    linker = lt.Linker(Letters(), 0.5, on="name", block_on=block_on, k=3).fit(REFERENCE)
    together = linker.predict(QUERIES)
    alone = [rows_of(linker.predict(QUERIES.iloc[[place]]))[0] for place in range(len(QUERIES))]
    assert together["reference"].notna().sum() > 10
    assert rows_of(together) == alone
    pd.testing.assert_frame_equal(together[::-1], linker.predict(QUERIES[::-1]), check_exact=True)
    one = linker.predict({"name": "acme steel wrks", "place": "north"})
    assert rows_of(one) == rows_of(
        linker.predict(pd.DataFrame({"name": ["acme steel wrks"], "place": ["north"]}))
    )


def test_near_ties_of_a_dense_view_go_to_the_lower_rows_in_any_batch() -> None:
    class Constant:
        def encode(self, texts: list[str]) -> list[list[float]]:
            return [[0.1 * i for i in range(1, 20)] for _ in texts]

    linker = lt.Linker(Constant(), None, on="name", k=2).fit(REFERENCE)
    asked = pd.DataFrame({"name": ["??", "!!"]})
    together = linker.predict(asked)
    nearest = REFERENCE["name"].replace("", None).dropna().drop_duplicates().index[: 3 * linker.k]
    assert set(together["reference"]) <= set(nearest)
    assert rows_of(together) == [rows_of(linker.predict(asked.iloc[[place]]))[0] for place in range(2)]


@pytest.mark.parametrize("model", MODELS)
def test_add_and_remove(model: Any) -> None:
    linker = lt.Linker(model, 0.8, on="name").fit(REFERENCE)
    new = pd.DataFrame(
        {"name": ["Vanderbilt Zinc", "acme", None], "place": [None] * 3}, index=["v", "w", "x"]
    )
    assert linker.predict({"name": "vanderbilt zinc co"})["reference"].isna().all()
    before = linker.predict(QUERIES)
    assert linker.add(new).predict({"name": "vanderbilt zinc"})["reference"].tolist() == ["v"]
    assert linker.predict({"name": "acme"})["reference"].tolist() == ["r1-2"]
    assert linker.labels_.tolist() == [*REFERENCE.index, "v", "w", "x"]
    linker.remove("r1-2").remove(["v"])
    assert linker.predict({"name": "vanderbilt zinc"})["reference"].isna().all()
    rest = [label for label in REFERENCE.index[REFERENCE["name"] == "acme"] if label != "r1-2"]
    assert linker.predict({"name": "acme"})["reference"].tolist() == [[*rest, "w"][0]]
    # as it was: the same rows, weighed by the same frequencies
    again = lt.Linker(model, 0.8, on="name").fit(REFERENCE).add(new).remove(["v", "w", "x"])
    pd.testing.assert_frame_equal(again.predict(QUERIES), before)
    with pytest.raises(lt.InvalidArgumentError, match="no such row"):
        linker.remove("v")
    with pytest.raises(lt.InvalidArgumentError, match="labels repeat"):
        linker.add(new.loc[["w"]])
    with pytest.raises(lt.ColumnNotFoundError, match="place"):
        linker.add(new[["name"]].set_axis(["new1", "new2", "new3"]))


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_rows_keep_their_numbers_without_an_index(kind: str) -> None:
    linker = lt.Linker("lexical", 0.5, on="name").fit(
        make(kind, {"name": ["acme steel", "baxter dairy", "quill"]})
    )
    linker.remove(0).add(make(kind, {"name": ["zeller motors"]}))
    assert linker.labels_.tolist() == [1, 2, 3]
    asked = make(kind, {"name": ["Zeller Motor", "acme steel", "baxter"]})
    assert [row[0] for row in rows_of(linker.predict(asked))] == [3, None, 1]


def test_every_library_gives_the_same(library: str) -> None:
    columns = {"name": ["acme steel", None, "baxter dairy"]}
    linker = lt.Linker("lexical", 0.4, on="name").fit(make(library, columns))
    found = linker.predict(make(library, {"name": ["ACME Steel Co", "nobody", None, "Baxter"]}))
    assert type(found) is type(make(library, columns))
    assert [row[0] for row in rows_of(found)] == [0, None, None, 2]
    assert len(linker.link(make(library, columns))) == 2


ASK = """
import sys, json, pandas as pd, linktransformer as lt
linker = lt.Linker.load(sys.argv[1])
found = linker.predict(pd.read_json(sys.argv[2], dtype=False))
print(json.dumps([found["reference"].astype(object).where(found["reference"].notna(), None).tolist(),
                  [None if value != value else value.hex() for value in found["score"].astype(float)]]))
"""


@pytest.mark.parametrize("model", ["lexical", None], ids=["lexical", "bundled"])
def test_loaded_in_a_new_process_it_answers_bit_for_bit(model: Any, tmp_path: Path) -> None:
    on = "name" if model else ["name", "place"]
    linker = lt.Linker(model, on=on).fit(REFERENCE).remove("r1-9")
    linker.save(tmp_path / "saved")
    linker.save(tmp_path / "saved")
    asked = QUERIES.head(12)
    asked.to_json(tmp_path / "asked.json")
    command = [sys.executable, "-c", ASK, str(tmp_path / "saved"), str(tmp_path / "asked.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    mine = linker.predict(asked)
    assert mine["reference"].notna().sum() > 3
    label = [None if pd.isna(value) else value for value in mine["reference"]]
    score = [None if value != value else float(value).hex() for value in mine["score"]]
    assert json.loads(done.stdout) == [label, score]
    loaded = lt.Linker.load(tmp_path / "saved")
    assert loaded.get_params() == linker.get_params()
    pd.testing.assert_frame_equal(loaded.reference_, REFERENCE.drop("r1-9"))
    assert {path.suffix for path in (tmp_path / "saved").iterdir()} == {".json", ".parquet", ".safetensors"}


def test_a_changed_file_is_refused_and_another_model_too(tmp_path: Path) -> None:
    lt.Linker(Letters(), 0.5, on="name").fit(REFERENCE).save(tmp_path / "saved")
    with pytest.raises(lt.ModelError, match="Give it again"):
        lt.Linker.load(tmp_path / "saved")
    with pytest.raises(lt.ModelError, match="does not make the vectors"):
        lt.Linker.load(tmp_path / "saved", model=None or _Other())
    assert lt.Linker.load(tmp_path / "saved", model=Letters()).threshold_ == 0.5
    for name in ("reference.json", "arrays.safetensors", "table.parquet"):
        path = tmp_path / "saved" / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(lt.InvalidArgumentError, match=name):
            lt.Linker.load(tmp_path / "saved", model=Letters())
        path.write_bytes(whole)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("x")
    with pytest.raises(lt.InvalidArgumentError, match="something else"):
        lt.Linker("lexical", 0.5, on="name").fit(REFERENCE).save(tmp_path / "other")


class _Other(Letters):
    def encode(self, texts: list[str]) -> list[list[float]]:
        return [row[::-1] for row in super().encode(texts)]


def test_conventions_of_scikit_learn() -> None:
    clone = pytest.importorskip("sklearn.base").clone
    linker = lt.Linker("lexical", {"precision": 0.9}, on=["name"], k=7).fit(REFERENCE)
    copy = clone(linker)
    assert copy.get_params() == linker.get_params() and copy is not linker
    assert repr(copy) == "Linker(model='lexical', threshold={'precision': 0.9}, on=['name'], k=7)"
    with pytest.raises(NotFittedError, match="fit"):
        copy.predict(QUERIES)
    with pytest.raises(lt.InvalidArgumentError, match="no argument 'kk'"):
        copy.set_params(kk=3)
    assert copy.set_params(k=3).k == 3


def test_a_table_as_an_argument_is_shown() -> None:
    pairs = pd.DataFrame({"left": [0], "right": [1]})
    assert repr(lt.Deduplicator(cannot_link=pairs)) == f"Deduplicator(cannot_link={pairs!r})"


def test_a_fit_that_fails_leaves_the_linker_as_it_was() -> None:
    class Broken:
        def encode(self, texts: list[str]) -> list[list[float]]:
            raise RuntimeError("no vectors")

    linker = lt.Linker(Letters(), 0.5, on="name").fit(REFERENCE)
    before = linker.predict(QUERIES)
    with pytest.raises(lt.ModelError, match="no vectors"):
        linker.set_params(model=Broken()).fit(REFERENCE)
    pd.testing.assert_frame_equal(linker.predict(QUERIES), before)


def test_threshold_without_labels_tells_copies_from_strangers() -> None:
    draw = np.random.default_rng(5)
    syllables = [a + b for a in "bcdfghjklmnprstvwz" for b in "aeiou"]
    names = [" ".join("".join(draw.choice(syllables, 3)) for _ in range(2)) for _ in range(400)]
    reference, known, strangers = names[:200], names[:100], names[200:300]
    asked = pd.DataFrame({"name": [name.replace("a", "e", 1).upper() for name in known] + strangers})
    register = pd.DataFrame({"name": reference})
    found = lt.Linker("lexical", on="name").fit(register).predict(asked)["reference"]
    assert int((found.iloc[:100].fillna(-1).astype(int) == np.arange(100)).sum()) >= 90
    assert int(found.iloc[100:].notna().sum()) <= 10
    # with sample rows the line is drawn where a merge draws it
    ours = lt.Linker("lexical", on="name").fit(register, asked).link(asked)
    theirs = lt.link(asked, register, on="name", model="lexical")
    shared = len(set(ours.left_rows.tolist()) & set(theirs.left_rows.tolist()))
    assert 2 * shared / (len(ours) + len(theirs)) > 0.85


@pytest.mark.parametrize("rows", [(0, 5), (5, 0), (0, 0), (1, 1)])
def test_empty_and_tiny_tables(rows: tuple[int, int]) -> None:
    for model in ("lexical", Letters()):
        linker = lt.Linker(model, on="name").fit(REFERENCE.iloc[2 : 2 + rows[0]])
        found = linker.predict(QUERIES.iloc[2 : 2 + rows[1]])
        assert found.shape == (rows[1], 2)
        assert int(found["reference"].notna().sum()) >= (rows == (1, 1))
        assert len(linker.link(QUERIES.iloc[2 : 2 + rows[1]])) == int(found["reference"].notna().sum())


def test_bad_arguments() -> None:
    with pytest.raises(lt.ColumnNotFoundError, match="images='scan'"):
        lt.Linker(images="scan", on="name").fit(REFERENCE)
    with pytest.raises(lt.InvalidArgumentError, match="Give images= too"):
        lt.Linker(confidence="place", on="name").fit(REFERENCE)
    with pytest.raises(lt.InvalidArgumentError, match="labels repeat"):
        lt.Linker("lexical", on="name").fit(pd.concat([REFERENCE, REFERENCE]))
    with pytest.raises(lt.InvalidArgumentError, match="weights= is about the views of pictures"):
        lt.Linker("lexical", on="name", weights={"dense": 1}).fit(REFERENCE)
    with pytest.raises(lt.ColumnNotFoundError, match="Did you mean 'name'"):
        lt.Linker("lexical", on="nmae").fit(REFERENCE)
    with pytest.raises(lt.ColumnNotFoundError, match="left_on='firm'"):
        lt.Linker("lexical", 0.5, left_on="firm", right_on="name").fit(REFERENCE).predict(QUERIES)


LABELS = {
    "moments": pd.date_range("2020-01-01", periods=80),
    "zoned": pd.date_range("2020-01-01", periods=80, tz="Asia/Tokyo"),
    "texts": pd.Index([f"r{i}" for i in range(80)]),
    "levels": pd.MultiIndex.from_product([range(8), range(10)]),
    "objects": pd.Index([*range(79), "last"], dtype=object),
    "periods": pd.period_range("2020", periods=80, freq="D"),
    "categories": pd.CategoricalIndex([f"r{i}" for i in range(80)]),
}


@pytest.mark.parametrize("labels", [pd.RangeIndex(0), pd.Index([3, 1])[:0], pd.interval_range(0, 80)])
def test_no_row_is_linked_where_the_index_has_no_null(labels: pd.Index) -> None:
    linker = lt.Linker("lexical", 0.5, on="name").fit(REFERENCE.iloc[: len(labels)].set_index(labels))
    assert linker.predict({"name": "qq xx yy"})["reference"].isna().tolist() == [True]


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_have_the_dtype_of_the_index_also_where_no_row_is_linked(labels: pd.Index) -> None:
    linker = lt.Linker("lexical", 0.5, on="name").fit(REFERENCE.set_index(labels), QUERIES)
    rows = pd.DataFrame({"name": [REFERENCE["name"].iloc[5], "qq xx yy"]})
    together = linker.predict(rows)["reference"]
    assert together.notna().tolist() == [True, False]
    for place in range(2):
        alone = linker.predict(rows.iloc[[place]])["reference"]
        assert alone.dtype == together.dtype == labels.dtype
        pd.testing.assert_series_equal(alone, together.iloc[[place]])


def test_half_a_surrogate_pair_in_a_block_column() -> None:
    """Arrow's texts cannot hold it; columns of objects can."""
    blocks = pd.Series(["x\ud800", "y", "x\ud800"], dtype=object)
    table = pd.DataFrame({"name": ["Nordic Timber", "Baltic Foods", "Alpine Ski"], "block": blocks})
    answer = lt.Linker(on="name", block_on="block", model="lexical").fit(table).predict(table)
    assert answer.reference.tolist() == [0, 1, 2]
