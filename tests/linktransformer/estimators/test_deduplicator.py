"""Deduplicator: the clusters of `cluster`, and ids that stay whatever comes and goes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linktransformer as lt
from linktransformer.decision.model import sigmoid
from linktransformer.estimators import cluster_query, clustered_table
from linktransformer.estimators.fitted_estimator import NotFittedError
from tests.conftest import make, rows_of

PARTS = ("left", "right", "bits", "pair", "job", "raised")
SYLLABLES = [a + b for a in "bcdfghjklmnprstvwz" for b in "aeiou"]


def name_of(draw: np.random.Generator) -> str:
    """A name that no other firm is likely to resemble."""
    return " ".join("".join(draw.choice(SYLLABLES, 3)) for _ in range(2))


def table(n: int, seed: int) -> pd.DataFrame:
    """Firms, each written several times; other rows of the same firms with another seed."""
    draw = np.random.default_rng(0)
    firms = [(name_of(draw), ["Hull", "York", "Leeds"][number % 3]) for number in range(45)]
    draw = np.random.default_rng(seed)
    rows = [firms[int(draw.integers(len(firms)))] for _ in range(n)]
    cut = draw.integers(0, 20, n)
    names: list[str | None] = [
        name[:at] + name[at + 1 :] for (name, _), at in zip(rows, cut.tolist(), strict=True)
    ]
    names[:2] = [None, ""]
    town = [None if draw.integers(12) == 0 else town for _, town in rows]
    source = draw.choice(np.array(["a", "b", "c", None], dtype=object), n)
    index = [f"r{seed}-{i}" for i in range(n)]
    return pd.DataFrame({"name": [None, "", *names[2:]], "town": town, "source": source}, index=index)


class Pairs:
    """A model whose vectors are counts of pairs of letters."""

    def encode(self, texts: list[str]) -> list[list[float]]:
        found = []
        for text in texts:
            counts = [0.01] * 97
            for a, b in zip(text.lower(), f"{text.lower()} "[1:], strict=True):
                counts[(ord(a) * 31 + ord(b)) % 97] += 1
            found.append(counts)
        return found


MODELS = [pytest.param("lexical", id="lexical"), pytest.param(Pairs(), id="pairs")]
ROWS = table(90, 1)
MORE = table(60, 2)
KINDS = [
    pytest.param({"on": "name"}, id="name"),
    pytest.param({"on": ["name", "town"]}, id="columns"),
    pytest.param({"on": "name", "block_on": "town"}, id="blocks"),
    pytest.param({"on": "name", "one_per": "source"}, id="one per"),
    pytest.param({"on": "name", "method": "complete"}, id="complete"),
    pytest.param({"on": "name", "method": "single"}, id="single"),
]


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("threshold", ["auto", 0.8])
def test_fit_gives_the_clusters_of_cluster(options: dict[str, Any], model: Any, threshold: Any) -> None:
    known = lt.Deduplicator(model, threshold, **options).fit(ROWS)
    wanted = lt.cluster(ROWS, model=model, threshold=threshold, **options)
    np.testing.assert_array_equal(known.labels_, wanted.label)


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("threshold", ["auto", 0.8])
def test_rows_that_were_fitted_are_in_their_clusters(
    options: dict[str, Any], model: Any, threshold: Any
) -> None:
    known = lt.Deduplicator(model, threshold, **options).fit(ROWS)
    assert 1 < len(set(known.labels_.tolist())) < 88
    assert known.fit_predict(ROWS)["cluster"].tolist() == known.labels_.tolist()
    assert known.merges().empty  # what fit left apart is not reported again
    if threshold != "auto":
        assert known.threshold_ == 0.8


@pytest.mark.parametrize("options", KINDS)
def test_a_row_asked_alone_gets_the_same_answer_bit_for_bit(options: dict[str, Any]) -> None:
    known = lt.Deduplicator(Pairs(), 0.7, k=4, **options).fit(ROWS)
    together = known.predict(MORE)
    alone = [rows_of(known.predict(MORE.iloc[[place]]))[0] for place in range(len(MORE))]
    assert 4 < together["cluster"].notna().sum() < 58
    assert rows_of(together) == alone
    pd.testing.assert_frame_equal(together[::-1], known.predict(MORE[::-1]), check_exact=True)
    first = MORE.iloc[5]
    assert rows_of(known.predict(dict(first))) == [rows_of(together)[5]]


@pytest.mark.parametrize("options", KINDS)
def test_scores_are_those_of_all_rows_of_a_cluster(options: dict[str, Any]) -> None:
    """The slow way: every different text of every cluster, one pair at a time."""
    known = lt.Deduplicator("lexical", 0.4, k=3, **options).fit(ROWS)
    of = known._clustered
    asked = known._encoded(of.reference, known._wrapped(MORE, of.reference.reader.keys, of.reference.table))
    near, itself = cluster_query.near(of, asked, known.k)
    assert near is not None
    probability = {
        (left, right): float(p)
        for left, right, p in zip(near.left, near.right, near.probability, strict=True)
    }
    reduce = {"complete": min, "single": max}.get(known.method, lambda of: float(np.mean(of)))
    found = cluster_query.memberships(of, asked, known.k)
    n_partly = n_same = 0
    for node, cluster, score in zip(found.left, found.right, found.probability, strict=True):
        members = sorted(set(of.reference.nodes.node_of_row[of.cluster == cluster].tolist()))
        if itself[node] in members:
            assert score == 1
            n_same += 1
            continue
        each = [probability.get((node, member), 0.0) for member in members]
        assert score == pytest.approx(reduce(each), abs=1e-6)
        n_partly += 0.0 in each
    assert n_partly > 5 and n_same > 5
    first = cluster_query.first_allowed(of, asked, found)[1]
    np.testing.assert_array_equal(first, known.predict(MORE)["score"].astype(float).to_numpy("f4"))


def test_pairs_of_rows_that_are_added_do_not_depend_on_how_they_come() -> None:
    fitted = [lt.Deduplicator("lexical", 0.5, on=["name", "town"], k=4).fit(ROWS) for _ in range(2)]
    fitted[0].add(MORE)
    for start in range(0, len(MORE), 7):
        fitted[1].add(MORE.iloc[start : start + 7])
    jobs = [known._clustered.job for known in fitted]
    assert jobs[0] is not None and jobs[1] is not None
    assert len(jobs[0].pairs) == len(jobs[1].pairs)
    orders = [np.lexsort((job.pairs.right, job.pairs.left)) for job in jobs if job is not None]
    for name in PARTS:
        values = [getattr(job.pairs, name)[order] for job, order in zip(jobs, orders, strict=True) if job]
        np.testing.assert_array_equal(values[0], values[1], err_msg=name)
    assert fitted[0].labels_.tolist() == fitted[1].labels_.tolist()


@pytest.mark.parametrize("options", [*KINDS[:3], KINDS[4]])
@pytest.mark.parametrize("model", MODELS)
def test_a_row_is_judged_as_one_more_row_of_the_table(options: dict[str, Any], model: Any) -> None:
    """A row that is taken out and asked again has the probabilities that it had as a row of the table."""
    rows = ROWS.drop_duplicates("name").dropna(subset="name").iloc[1:]
    known = lt.Deduplicator(model, 0.5, k=100, **options).fit(rows)
    of, n = known._clustered, 0
    for place in range(0, len(rows), 4):
        node = of.reference.nodes.node_of_row[place]
        if node < 0:
            continue
        few = clustered_table.some_rows(of, np.delete(np.arange(len(rows)), place))
        asked = known._encoded(
            few.reference, known._wrapped(rows.iloc[[place]], few.reference.reader.keys, few.reference.table)
        )
        found, _ = cluster_query.near(few, asked, known.k)
        assert of.job is not None and found is not None
        near = of.job.pairs
        mine = np.flatnonzero((near.left == node) | (near.right == node))
        others = near.left[mine] + near.right[mine] - node
        order = np.argsort(others)
        np.testing.assert_array_equal(found.right + (found.right >= node), others[order])
        wanted = sigmoid(near.raised[mine][order])
        np.testing.assert_allclose(found.probability, wanted, atol=1e-4)
        n += len(mine)
    assert n > 100


def test_a_row_that_is_taken_out_and_put_back_is_known_as_before() -> None:
    rows = ROWS.drop_duplicates("name").dropna(subset="name").iloc[1:]
    known = lt.Deduplicator("lexical", 0.5, on=["name", "town"], k=100).fit(rows)
    before = known._clustered.job
    known.remove(rows.index[-1]).add(rows.iloc[[-1]])
    after = known._clustered.job
    assert before is not None and after is not None
    order = np.lexsort((after.pairs.right, after.pairs.left))
    for name in PARTS:
        values = getattr(after.pairs, name)[order]
        np.testing.assert_allclose(values, getattr(before.pairs, name), atol=1e-4, err_msg=name)


@pytest.mark.parametrize("options", KINDS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_in_pieces_or_at_once_and_as_predicted(options: dict[str, Any], data: st.DataObject) -> None:
    start = lt.Deduplicator("lexical", 0.55, k=200, **options).fit(ROWS)
    before = start.labels_.copy()
    more = MORE.iloc[data.draw(st.permutations(range(len(MORE))))[: data.draw(st.integers(1, 30))]]
    once = lt.Deduplicator("lexical", 0.55, k=200, **options).fit(ROWS).add(more)
    at = data.draw(st.integers(0, len(more)))
    start.add(more.iloc[:at])
    for row in range(at, len(more)):
        told = start.predict(more.iloc[[row]])["cluster"].iloc[0]
        free = start._clustered.next_id
        start.add(more.iloc[[row]])
        assert start.labels_[-1] == (free if pd.isna(told) else told)
    np.testing.assert_array_equal(start.labels_, once.labels_)
    np.testing.assert_array_equal(start.labels_[: len(before)], before)
    assert start.index_.tolist() == [*ROWS.index, *more.index]
    again = start.predict(start.table_)["cluster"]
    if "one_per" not in options:  # a row that is there already takes its own place
        keyed = again.notna().to_numpy()
        assert again[keyed].tolist() == start.labels_[keyed].tolist()


def test_ids_stay_and_are_not_used_again() -> None:
    known = lt.Deduplicator(threshold=0.5, on="name").fit(
        pd.DataFrame({"name": ["Acme Steel Corp", "Baxter Dairy", "ACME STEEL", "Quill"]}, index=list("abcd"))
    )
    assert known.labels_.tolist() == [0, 1, 0, 2]
    known.add(pd.DataFrame({"name": ["Zeller Motors", None, "zeller motor"]}, index=list("efg")))
    assert known.labels_.tolist() == [0, 1, 0, 2, 3, 4, 3]
    known.remove(["d", "e", "f", "g"])
    assert known.labels_.tolist() == [0, 1, 0]
    assert known.add(pd.DataFrame({"name": ["acme steel corp"]}, index=["h"])).remove("h").labels_.max() == 1
    known.add(pd.DataFrame({"name": ["Quill", "Zeller Motors"]}, index=list("de")))
    assert known.labels_.tolist() == [0, 1, 0, 5, 6]
    assert known.remove("a").predict({"name": "Acme Steel Corp."})["cluster"].tolist() == [0]
    assert known.remove("c").predict({"name": "Acme Steel Corp."})["cluster"].isna().all()
    with pytest.raises(lt.InvalidArgumentError, match="no such row"):
        known.remove("a")


def others() -> list[str]:
    """Names beside which three alone would say little, some of them twice."""
    draw = np.random.default_rng(3)
    names = [name_of(draw) for _ in range(60)]
    return names + [name[:4] + name[5:] for name in names[:20]]


def test_a_row_between_two_clusters_joins_one_and_merges_names_both() -> None:
    names = [
        "northern steel works of hull",
        "northern steel works of hull ltd",
        "paper mills york",
        *others(),
    ]
    rows = pd.DataFrame({"name": names})
    known = lt.Deduplicator(threshold=0.45, method="single", on="name").fit(rows)
    assert known.labels_[:3].tolist() == [0, 0, 1]
    bridge = pd.DataFrame({"name": ["northern steel works of hull paper mills york"]}, index=[len(names)])
    known.add(bridge)
    assert known.labels_[:3].tolist() == [0, 0, 1] and known.labels_[-1] in (0, 1)
    found = known.merges()
    assert [sorted(row[:2]) for row in rows_of(found)] == [[0, 1]]
    assert found["score"].iloc[0] >= 0.45
    apart = lt.Deduplicator(threshold=0.45, method="single", on="name", cannot_link=[(0, 2)])
    assert apart.fit(rows).add(bridge).merges().empty
    # the clusters are one when the whole table is clustered again
    assert set(known.fit(known.table_).labels_[[0, 1, 2, -1]].tolist()) == {0}


def test_one_per_and_cannot_link_hold() -> None:
    names = ["acme steel", "acme steel co", "acme steel", *others()]
    years = pd.Series([1900, 1910, 1900] + [None] * (len(names) - 3), dtype="Int64").to_numpy()
    rows = pd.DataFrame({"name": names, "year": years}, index=[f"r{place}" for place in range(len(names))])
    known = lt.Deduplicator(threshold=0.5, on="name", one_per="year").fit(rows)
    assert known.labels_[:3].tolist() == [0, 0, 1]
    free = known._clustered.next_id
    asked = pd.DataFrame({"name": ["acme steel"] * 3, "year": [1900, 1910, None]}, index=list("def"))
    assert rows_of(known.predict(asked)["cluster"].to_frame()) == [(None,), (1,), (0,)]
    assert known.add(asked).labels_[-3:].tolist() == [free, 1, 0]
    assert known.merges().empty
    apart = lt.Deduplicator(threshold=0.5, on="name", cannot_link=[("r0", "r2")]).fit(rows)
    assert apart.labels_[0] != apart.labels_[2]
    assert apart.merges().empty


SAID = """
import sys, json, pandas as pd, linktransformer as lt
known = lt.Deduplicator.load(sys.argv[1])
found = known.predict(pd.read_json(sys.argv[2], dtype=False))
known.add(pd.read_json(sys.argv[2], dtype=False))
print(json.dumps([[None if v != v else v.hex() for v in found["score"].astype(float)],
                  known.labels_.tolist(), known.merges().astype(float).values.tolist()]))
"""


@pytest.mark.parametrize("options", KINDS)
def test_loaded_in_a_new_process_it_answers_bit_for_bit(options: dict[str, Any], tmp_path: Path) -> None:
    model = None if options == {"on": "name"} else "lexical"
    known = lt.Deduplicator(model, 0.5, **options).fit(ROWS).add(MORE.head(5)).remove("r1-9")
    known.save(tmp_path / "saved")
    asked = MORE.iloc[5:25]
    asked.to_json(tmp_path / "asked.json")
    command = [sys.executable, "-c", SAID, str(tmp_path / "saved"), str(tmp_path / "asked.json")]
    done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    score = known.predict(asked)["score"].astype(float)
    known.add(asked)
    assert done[0] == [None if value != value else value.hex() for value in score]
    assert done[1] == known.labels_.tolist()
    assert done[2] == known.merges().astype(float).values.tolist()
    loaded = lt.Deduplicator.load(tmp_path / "saved")
    assert loaded.get_params() == known.get_params()
    with pytest.raises(NotFittedError, match="loaded"):
        _ = loaded.clusters_
    with pytest.raises(lt.InvalidArgumentError, match=r"Deduplicator.load"):
        lt.Linker.load(tmp_path / "saved")


def test_conventions_of_scikit_learn() -> None:
    clone = pytest.importorskip("sklearn.base").clone
    known = lt.Deduplicator(threshold=0.6, on="name", method="single").fit(ROWS)
    copy = clone(known)
    assert copy.get_params() == known.get_params()
    assert repr(copy) == "Deduplicator(threshold=0.6, on='name', method='single')"
    for name in ("predict", "add", "remove"):
        with pytest.raises(NotFittedError, match="fit"):
            getattr(copy, name)(MORE)


def test_variants_join_and_strangers_begin_clusters_though_nobody_gave_a_threshold() -> None:
    draw = np.random.default_rng(5)
    names = [name_of(draw) for _ in range(300)]
    copies = [name.replace("a", "e", 1).upper() for name in names[:100]]
    known = lt.Deduplicator(on="name").fit(pd.DataFrame({"name": names[:200] + copies}))
    assert known.threshold_ == 0.5
    again = [name + " co" for name in names[100:200]]
    found = known.predict(pd.DataFrame({"name": again + names[200:]}))["cluster"]
    assert int((found.iloc[:100].fillna(-1).astype(int) == known.labels_[100:200]).sum()) >= 95
    assert int(found.iloc[100:].notna().sum()) <= 5
    # a table in which nothing is named twice
    alone = lt.Deduplicator(on="name").fit(pd.DataFrame({"name": names[:200]}))
    assert len(set(alone.labels_.tolist())) >= 198
    assert int(alone.predict(pd.DataFrame({"name": names[200:]}))["cluster"].notna().sum()) <= 2


def test_a_table_that_was_fitted_empty_learns_from_the_first_rows() -> None:
    rows = ROWS.iloc[2:]
    known = lt.Deduplicator("lexical", 0.5, on="name").fit(rows.iloc[:0]).add(rows)
    wanted = lt.Deduplicator("lexical", 0.5, on="name").fit(rows)
    assert known._clustered.job is not None and len(known._clustered.job.pairs) > 100
    assert lt.metrics.score_clusters(wanted.labels_.tolist(), known.labels_.tolist()).f1 > 0.7


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_empty_and_tiny_tables(rows: int) -> None:
    for model in (None, Pairs()):
        known = lt.Deduplicator(model, on="name").fit(ROWS.iloc[2 : 2 + rows])
        assert len(known.labels_) == rows
        assert known.predict(MORE.iloc[2:7]).shape == (5, 2)
        assert len(known.add(MORE.iloc[:5]).labels_) == rows + 5
        assert known.merges().shape[1] == 3
        assert len(known.remove(list(known.index_)).labels_) == 0
        assert known.predict(MORE)["cluster"].isna().all()


def test_every_library_gives_the_same(library: str) -> None:
    known = lt.Deduplicator(threshold=0.5, on="name")
    first = make(library, {"name": ["acme steel", "baxter dairy", "Acme Steel Co"]})
    assert [row[0] for row in rows_of(known.fit_predict(first))] == [0, 1, 0]
    more = make(library, {"name": ["zeller", "baxter dairy co"]})
    known.add(more.set_axis([3, 4]) if library.startswith("pandas") else more)
    assert known.labels_.tolist() == [0, 1, 0, 2, 1]
    found = known.predict(make(library, {"name": ["Zeller", "nobody"]}))
    assert type(found) is type(first)
    assert [row[0] for row in rows_of(found)] == [2, None]


def test_bad_arguments() -> None:
    with pytest.raises(lt.InvalidArgumentError, match="threshold=0"):
        lt.Deduplicator(threshold=0, on="name").fit(ROWS)
    with pytest.raises(lt.InvalidArgumentError, match="method="):
        lt.Deduplicator(method="ward", on="name").fit(ROWS)
    with pytest.raises(lt.InvalidArgumentError, match="labels repeat"):
        lt.Deduplicator(on="name").fit(pd.concat([ROWS, ROWS]))
    with pytest.raises(lt.ColumnNotFoundError, match="source"):
        lt.Deduplicator(on="name", one_per="source").fit(ROWS).predict({"name": "acme"})


def test_saved_with_numpy_texts_it_answers_the_same(tmp_path: Path) -> None:
    """NumPy's own texts are texts: what is written and read again, as Python's, is equal to them."""
    marks = pd.Series([np.str_(""), np.str_("\u200b"), np.str_("")], dtype=object)
    table = pd.DataFrame({"name": ["Nordic Timber", "Baltic Foods", "Alpine Ski"], "mark": marks})
    fitted = lt.Deduplicator(on="name", one_per="mark", model="lexical").fit(table)
    fitted.save(tmp_path / "saved")
    loaded = lt.Deduplicator.load(tmp_path / "saved")
    assert fitted.predict(table).cluster.tolist() == [0, 1, 2]
    assert loaded.predict(table).cluster.tolist() == [0, 1, 2]
