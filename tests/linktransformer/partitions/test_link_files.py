"""Files linked piece by piece, held to the same tables linked in memory."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import linktransformer as lt
from linktransformer.cli import main
from linktransformer.encoding import memmap_embeddings, model_plan
from linktransformer.errors import ColumnNotFoundError, InvalidArgumentError, ModelError
from linktransformer.linking.candidate_source import scored
from linktransformer.linking.compare_tables import compare
from linktransformer.linking.options import Job
from linktransformer.partitions import file_statistics, join_files, partition
from linktransformer.partitions.file_job import FileJob
from linktransformer.partitions.file_source import file_source
from linktransformer.scoring import candidate_evidence
from linktransformer.scoring.sampling import Drawing
from linktransformer.search.blocking import Nodes
from linktransformer.search.ngram_counts import Seen, TextCounts
from linktransformer.search.ngrams import tfidf, weighed
from linktransformer.tables import frames
from linktransformer.tables.binned_storage import Shelf, first_of, ordered_texts, texts_at
from linktransformer.tables.hashed_counts import HashedCounts
from linktransformer.tables.parquet_tables import open_parquet

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

WORDS = ("Acme", "Baxter", "Carlton", "Denison", "Everett", "Fairfax", "Granger", "Steel", "Dairy", "Motor")
WORDS += ("Paper", "東京", "電力", "Société")
CITIES = ["Boston", "Łódź", "Omaha", "Tulsa", "Dayton", None, " "]


class Hashed:
    """An encoder of two-letter counts: the same vector in any batch."""

    name = "hashed"

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        made = np.full((len(texts), 24), 0.01, dtype=np.float32)
        for row, text in enumerate(texts):
            for first, second in zip(text.lower(), text.lower()[1:], strict=False):
                made[row, (31 * ord(first) + ord(second)) % 24] += 1
        return made


def tables(n: int, seed: int = 0) -> tuple[Any, Any]:
    """Firms, a few of them twice, some without name or city, and a block column of categories."""
    draw = random.Random(seed)

    def firm() -> str:
        return " ".join(draw.choice(WORDS) for _ in range(draw.choice([2, 3, 3])))

    def noisy(name: str) -> str:
        place = draw.randrange(len(name))
        return name[:place] + draw.choice(["", "x", "Co"]) + name[place + draw.choice([0, 1]) :]

    right = [(firm(), draw.choice(CITIES), draw.randrange(3)) for _ in range(n)]
    left = [(noisy(name), city, size) for name, city, size in draw.choices(right, k=n)]
    left += [(None, "Boston", 1), ("Alone Ltd", "Nowhere", 7), (left[0][0], *left[0][1:]), ("", "Tulsa", 2)]
    right += [(None, "Boston", 2), ("Elsewhere Inc", "Elsewhere", 0), right[3], left[5]]
    made = []
    for rows in (left, right):
        names, cities, sizes = zip(*rows, strict=True)
        made.append(
            pa.table(
                {
                    "id": pa.array(range(len(rows))),
                    "name": pa.array(names, pa.string()),
                    "city": pa.array(cities, pa.string()).dictionary_encode(),
                    "size": pa.array([float(size) if size < 7 else math.nan for size in sizes]),
                    "nothing": pa.nulls(len(rows)),
                }
            )
        )
    return made[0], made[1]


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    left, right = tables(500)
    parquet.write_table(left, tmp_path / "l.parquet", row_group_size=90)
    parquet.write_table(right, tmp_path / "r.parquet", row_group_size=200)
    return tmp_path / "l.parquet", tmp_path / "r.parquet"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several pieces, batches and bins for few rows."""
    monkeypatch.setattr("linktransformer.tables.parquet_tables.BATCH", 70)
    monkeypatch.setattr(join_files, "AT_ONCE", 64)
    monkeypatch.setattr(memmap_embeddings, "AT_ONCE", 40)
    monkeypatch.setattr(partition, "MOST", 40)


FEW = 400_000  # bytes: pieces of about 60 rows
VECTORS = 14 * FEW  # of some hundred rows with the vectors of a model, so that no block is searched in tiles

CASES: list[dict[str, Any]] = [
    {"model": "lexical", "block_on": "city"},
    {"model": "lexical", "block_on": ["city", "size"], "how": "outer", "indicator": True},
    {"model": "lexical", "block_on": "city", "threshold": 0.6, "how": "right"},
    {"model": "lexical", "block_on": "city", "threshold": None, "how": "inner", "validate": "1:1"},
    {"model": "lexical", "block_on": "size", "threshold": {"precision": 0.6}, "validate": "1:m"},
    {"model": "lexical", "block_on": "city", "validate": "1:1", "k": 3},
    {"model": "lexical", "block_on": "city", "validate": "m:m", "suffixes": ("_l", "_r")},
    {"model": "lexical"},
    {"model": Hashed(), "block_on": "city"},
    {"model": Hashed(), "block_on": ["size", "city"], "validate": "1:1", "how": "outer"},
    {"model": Hashed()},
]


def limit(case: dict[str, Any]) -> int:
    """Bytes for many pieces; without blocks for tiles, but not for vectors: their nearest are near ties."""
    if case["model"] != "lexical":
        return VECTORS if "block_on" in case else 2**30
    return FEW if "block_on" in case else 4 * FEW


SAID = ("rule", "threshold", "precision", "recall", "precision_interval", "recall_interval", "rows_cut")
SAID += ("key_column", "comparisons", "match_weights", "model_reads", "views_left_out")


def named(case: dict[str, Any]) -> str:
    return "-".join(map(str, case.values())).split(" at ")[0]


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_same_in_many_pieces_as_in_one(
    paths: tuple[Path, Path], tmp_path: Path, small: None, case: dict[str, Any]
) -> None:
    outs = tmp_path / "many.parquet", tmp_path / "one.parquet"
    found = lt.link_files(*paths, outs[0], "name", memory_limit=limit(case), progress=False, **case)
    wanted = lt.link_files(*paths, outs[1], "name", memory_limit=2**30, progress=False, **case)
    for name in ("left_rows", "right_rows", "score", "runner_up", "left_reason", "right_reason"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    for side in ("left_nearest", "right_nearest"):
        np.testing.assert_array_equal(getattr(found, side).row, getattr(wanted, side).row)
        np.testing.assert_array_equal(getattr(found, side).score, getattr(wanted, side).score)
    assert len(wanted) > 25
    for name in SAID:
        assert found.details.get(name) == _rounded(wanted.details.get(name)), name
    tables_of = [repr(parquet.read_table(out).to_pylist()) for out in outs]  # NaN is not NaN
    assert tables_of[0] == tables_of[1]
    if "block_on" in case:
        assert found.details["search"]["pieces"] > 2 and wanted.details["search"]["pieces"] == 1
    assert not list(tmp_path.glob("linktransformer-*"))


def _rounded(entry: Any) -> Any:
    """An entry of a report; intervals are sums over partitions and may differ in their last digit."""
    return [pytest.approx(bound, abs=2e-4) for bound in entry] if isinstance(entry, list) else entry


def the_same(found: lt.Links, wanted: lt.Links) -> None:
    """Fail where the links of files are not those of tables in memory."""
    for name in ("left_rows", "right_rows", "score", "runner_up", "left_reason", "right_reason"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    for side in ("left_nearest", "right_nearest"):
        np.testing.assert_array_equal(getattr(found, side).row, getattr(wanted, side).row)
        np.testing.assert_array_equal(getattr(found, side).score, getattr(wanted, side).score)
    for name in SAID:
        assert found.details.get(name) == _rounded(wanted.details.get(name)), name
    assert list(found.views) == list(wanted.views)
    for name in found.views:
        np.testing.assert_array_equal(found.views[name], wanted.views[name])


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_same_as_in_memory(
    paths: tuple[Path, Path], tmp_path: Path, small: None, case: dict[str, Any]
) -> None:
    out = tmp_path / "out.parquet"
    found = lt.link_files(*paths, out, "name", memory_limit=limit(case), progress=False, **case)
    left, right = map(parquet.read_table, paths)
    asked = {name: value for name, value in case.items() if name in ("block_on", "model", "threshold", "k")}
    wanted = lt.link(left, right, "name", validate=case.get("validate"), **asked)
    the_same(found, wanted)
    assert len(wanted) > 25
    merged = lt.merge(left, right, "name", **case)
    assert repr(parquet.read_table(out).to_pylist()) == repr(merged.to_pylist())  # NaN is not NaN
    assert found.unlinked.to_pylist() == wanted.unlinked.to_pylist()
    if "block_on" in case:
        assert found.details["search"]["pieces"] > 2
    assert not list(tmp_path.glob("linktransformer-*"))


def cells_of(kind: str, draw: random.Random) -> str:
    if kind == "text":
        return " ".join(draw.choice(WORDS) + draw.choice("abcdef") for _ in range(9))
    if kind == "date":
        return f"{draw.randrange(1900, 2000)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"
    if kind == "email":
        return f"{draw.choice(WORDS[:11]).lower()}{draw.randrange(100)}@{draw.choice('abc')}.org"
    return f"{draw.randrange(10, 9999) / 10}"


@pytest.mark.parametrize("kind", ["text", "date", "email", "number"])
def test_cells_of_any_kind_are_compared_as_in_memory(tmp_path: Path, small: None, kind: str) -> None:
    draw = random.Random(7)
    right = [cells_of(kind, draw) for _ in range(300)]
    left = [cell if draw.random() < 0.5 else cell[:-1] + draw.choice("0123") for cell in right]
    left += ["unread", "STRASSE 5", "Straße 5"]
    right += ["never read", "straße 5", "n/a"]
    parts = [draw.choice("PQRS") for _ in right]
    paths = tmp_path / "l.parquet", tmp_path / "r.parquet"
    for path, cells in zip(paths, (left, right), strict=True):
        parquet.write_table(pa.table({"key": cells, "part": parts}), path)
    found = lt.link_files(*paths, None, "key", block_on="part", memory_limit=FEW, progress=False)
    wanted = lt.link(*map(parquet.read_table, paths), "key", block_on="part", model="lexical")
    assert wanted.details["comparisons"] == {"key": kind} and found.details["search"]["pieces"] > 2
    the_same(found, wanted)


@pytest.mark.parametrize(
    "given",
    [
        {"expected_overlap": 0.1},
        {"compare": {"name": lt.compare.exact()}},
        {"compare": {"name": lt.compare.text()}},
    ],
    ids=["overlap", "exact", "text"],
)
def test_what_is_known_of_the_job_counts_as_in_memory(
    paths: tuple[Path, Path], small: None, given: dict[str, Any]
) -> None:
    options = {"model": "lexical", "block_on": "city"}
    found = lt.link_files(*paths, None, "name", memory_limit=FEW, progress=False, **options, **given)
    tables_of = [parquet.read_table(path) for path in paths]
    the_same(found, lt.link(*tables_of, "name", **options, **given))
    plain = lt.link(*tables_of, "name", **options)
    assert not np.array_equal(plain.left_nearest.score, found.left_nearest.score)


@pytest.mark.parametrize("block_on", [None, "city"])
def test_a_sample_of_own_rivals_is_that_of_tables_in_memory(
    paths: tuple[Path, Path], small: None, monkeypatch: pytest.MonkeyPatch, block_on: str | None
) -> None:
    for name in ("OWN_UP_TO", "DENSE_OWN_UP_TO"):
        monkeypatch.setattr(candidate_evidence, name, 1e4)
    monkeypatch.setattr(candidate_evidence, "OWN_SAMPLE", 50)
    options = {"model": Hashed(), "block_on": block_on}
    memory = VECTORS if block_on else None
    found = lt.link_files(*paths, None, "name", memory_limit=memory, progress=False, **options)
    the_same(found, lt.link(*map(parquet.read_table, paths), "name", **options))


def test_match_weights_are_learned_from_a_share_of_many_pairs(
    paths: tuple[Path, Path], small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"model": "lexical", "block_on": "city", "progress": False}
    every = lt.link_files(*paths, None, "name", memory_limit=FEW, **options)
    monkeypatch.setattr(file_statistics, "LEARNED_FROM", 800)
    found = lt.link_files(*paths, None, "name", memory_limit=FEW, **options)
    the_same(found, lt.link_files(*paths, None, "name", memory_limit=2**30, **options))
    weights = [np.array(of.details["match_weights"]["name"]) for of in (every, found)]
    assert not np.array_equal(*weights) and np.abs(weights[0] - weights[1])[[0, -1]].max() < 1
    near = np.abs(every.left_nearest.score - found.left_nearest.score)
    assert np.nanmean(near) < 0.03


@pytest.mark.parametrize(("enough", "chosen"), [(0.1, False), (1.0, False), (0.1, True)])
def test_the_default_model_is_run_where_ngrams_leave_much_open(
    paths: tuple[Path, Path], small: None, monkeypatch: pytest.MonkeyPatch, enough: float, chosen: bool
) -> None:
    planned, planned_for_ngrams = (
        replace(model_plan.plan(Hashed()), chosen=chosen),
        model_plan.plan("lexical"),
    )
    monkeypatch.setattr(model_plan, "plan", lambda *_, **__: planned)
    monkeypatch.setattr("linktransformer.partitions.file_source.TRIAL_FROM", 100)
    monkeypatch.setattr("linktransformer.partitions.file_source.SETTLED", enough)
    options: dict[str, Any] = {"block_on": "city", "model": None, "progress": False}
    found = lt.link_files(*paths, None, "name", memory_limit=VECTORS, **options)
    run = chosen or enough == 1.0
    assert ("dense" in found.views) is run
    planned = replace(planned, chosen=True) if run else planned_for_ngrams
    wanted = lt.link(*map(parquet.read_table, paths), "name", reader=False, **options)
    the_same(replace(found, details={**found.details, "views_left_out": None}), wanted)


class Transliterated(Hashed):
    """An encoder that reads Greek letters as the Latin ones they stand for here."""

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        return super().encode([text.translate(LATIN) for text in texts])


GREEK = str.maketrans("abcdefghijklmnopqrstuvwx", "αβγδεζηθικλμνξοπρστυφχψω")
LATIN = {of: to for to, of in GREEK.items()}


@pytest.mark.parametrize("rows", [400, 12])  # twelve prove nothing, but no n-gram is common to two
def test_where_ngrams_know_nothing_the_model_leads(tmp_path: Path, small: None, rows: int) -> None:
    draw = random.Random(3)
    names = ["".join(draw.choices("abcdefghijklmnopqrstuvwx", k=14)) for _ in range(rows)]
    cities = [draw.choice("PQRST") for _ in names]
    left = pa.table({"name": names, "city": cities})
    right = pa.table({"name": [name.translate(GREEK) for name in names], "city": cities})
    parquet.write_table(left, tmp_path / "l.parquet")
    parquet.write_table(right, tmp_path / "r.parquet")
    paths = tmp_path / "l.parquet", tmp_path / "r.parquet", tmp_path / "out.parquet"
    for memory in (FEW // 4, 2**30):
        found = lt.link_files(
            *paths, "name", block_on="city", model=Transliterated(), memory_limit=memory, progress=False
        )
        assert (found.left_nearest.row == np.arange(rows)).mean() > 0.75
        the_same(found, lt.link(left, right, "name", block_on="city", model=Transliterated()))


def test_nodes_are_numbered_as_if_the_files_were_read_as_one(
    paths: tuple[Path, Path], tmp_path: Path, small: None
) -> None:
    sides = open_parquet(paths[0], "left"), open_parquet(paths[1], "right")
    job = Job(model="lexical", block_on="city")
    divided = partition.divide(sides, (["name"], ["name"]), "city", tmp_path / "w", memory=FEW // 2)
    plan = model_plan.plan("lexical")
    found = scored(file_source(FileJob(divided, plan, job)))
    native = tuple(
        frames.wrap(parquet.read_table(path), name)
        for path, name in zip(paths, ("left", "right"), strict=True)
    )
    wanted = compare(native, (["name"], ["name"]), job)
    for side in (0, 1):
        np.testing.assert_array_equal(found.nodes[side].node_of_row, wanted.nodes[side].node_of_row)
    every, kept = wanted.fused.candidates, found.fused.candidates
    assert len(kept) > 300 and found.report["search"]["candidates"] > len(kept)
    order = np.lexsort((every.right, every.left))
    for name in ("left", "right"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(every, name)[order])
    np.testing.assert_array_equal(kept.views["lexical"], every.views["lexical"][order])
    np.testing.assert_array_equal(found.fused.score, wanted.fused.score[order])


def test_the_two_sides_may_name_their_keys_differently(paths: tuple[Path, Path], tmp_path: Path) -> None:
    table = parquet.read_table(paths[1]).rename_columns(["id", "firm", "city", "size", "nothing"])
    parquet.write_table(table, tmp_path / "other.parquet")
    options: dict[str, Any] = {"left_on": "name", "right_on": "firm", "model": "lexical", "block_on": "city"}
    found = lt.link_files(paths[0], tmp_path / "other.parquet", None, workspace=tmp_path, **options)
    wanted = lt.link_files(*paths, None, "name", model="lexical", block_on="city")
    assert len(wanted) > 50
    np.testing.assert_array_equal(found.right_rows, wanted.right_rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.parquet", "other.parquet", "r.parquet"]


def test_files_without_rows(tmp_path: Path, small: None) -> None:
    left, right = tables(20)
    parquet.write_table(left, tmp_path / "l.parquet")
    parquet.write_table(right.slice(0, 0), tmp_path / "r.parquet")
    for pair in (("l", "r"), ("r", "l"), ("r", "r")):
        for block_on in (None, "city"):
            sides = [tmp_path / f"{name}.parquet" for name in pair]
            found = lt.link_files(*sides, tmp_path / "o.parquet", "name", block_on=block_on)
            wanted = lt.merge(*map(parquet.read_table, sides), "name", model="lexical", block_on=block_on)
            assert len(found) == 0
            assert repr(parquet.read_table(tmp_path / "o.parquet").to_pylist()) == repr(wanted.to_pylist())


def test_a_model_has_nothing_to_read_in_two_files_without_rows(tmp_path: Path) -> None:
    nobody = pa.array([], pa.string())
    parquet.write_table(pa.table({"name": nobody, "city": nobody}), tmp_path / "none.parquet")
    paths = tmp_path / "none.parquet", tmp_path / "none.parquet", tmp_path / "out.parquet"
    for block_on in (None, "city"):
        assert len(lt.link_files(*paths, "name", model=Hashed(), block_on=block_on, progress=False)) == 0
        assert parquet.read_table(paths[2]).num_rows == 0


def test_links_of_files_say_what_they_cannot_do(paths: tuple[Path, Path]) -> None:
    links = lt.link_files(*paths, None, "name", block_on="city")
    with pytest.raises(InvalidArgumentError, match="rows are not in memory"):
        links.explain(0)
    assert "links" in links._repr_html_()
    assert json.loads(json.dumps(links.report()))["links"] == len(links)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"on": "nam"}, ColumnNotFoundError, "Did you mean 'name'"),
        ({"on": ["name", "nam"]}, ColumnNotFoundError, "Did you mean 'name'"),
        ({"on": "name", "block_on": "town"}, ColumnNotFoundError, "block_on='town'"),
        ({"on": "name", "out": "linked.csv"}, InvalidArgumentError, "not a parquet file"),
        ({"on": "name", "left": "none.parquet"}, InvalidArgumentError, "left='none.parquet' is not a file"),
        ({"on": "name", "workspace": "nowhere"}, InvalidArgumentError, "not a folder"),
        ({"on": "name", "model": 3}, ModelError, "is not a model"),
        ({"on": "name", "how": "cross"}, InvalidArgumentError, "how='cross'"),
    ],
)
def test_bad_arguments(
    paths: tuple[Path, Path], options: dict[str, Any], error: type[Exception], words: str
) -> None:
    given = {"left": paths[0], "right": paths[1], "out": None, **options}
    with pytest.raises(error, match=words):
        lt.link_files(**given)


def test_a_file_that_is_no_parquet(paths: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"name\nAcme\n")
    with pytest.raises(InvalidArgumentError, match="cannot be read as parquet"):
        lt.link_files(tmp_path / "bad.parquet", paths[1], None, "name")


def test_ngrams_counted_in_pieces_weigh_the_same() -> None:
    draw = random.Random(3)
    texts = list({"".join(draw.choices("abAé 東😀\t", k=draw.randrange(1, 12))) for _ in range(400)})
    left, right = texts[:150], texts[150:]
    whole = tfidf(left, right)
    counts = TextCounts()
    for start in range(0, len(texts), 37):
        counts.add(texts[start : start + 37])
    some = left[20:50], right[5:60]
    found = counts.counted([*some[0], *some[1]])
    made = weighed(found, counts.rarity(found), len(some[0]))
    for matrix, all_rows, rows in zip(made, whole, (slice(20, 50), slice(5, 60)), strict=True):
        wanted = all_rows[rows]
        np.testing.assert_array_equal(matrix.data, wanted.data)
        np.testing.assert_array_equal(np.diff(matrix.indptr), np.diff(wanted.indptr))
    np.testing.assert_array_equal(
        (made[0] @ made[1].T).toarray(), (whole[0] @ whole[1].T).toarray()[20:50, 5:60]
    )


def test_texts_that_were_there_before_are_known_whatever_the_order() -> None:
    draw = random.Random(5)
    texts = [str(draw.randrange(3000)) for _ in range(4000)]
    seen, new = Seen(), []
    for start in range(0, len(texts), 130):
        new += seen.new(list(dict.fromkeys(texts[start : start + 130])))
    assert new == list(dict.fromkeys(texts))


def test_pieces_hold_whole_blocks_and_about_as_many_rows_as_asked_for() -> None:
    draw = np.random.default_rng(0)
    for most in (10, 100, 5000):
        size = draw.integers(1, 90, 300)
        piece = partition.partition_of_block(size, most)
        rows = np.bincount(piece, weights=size)
        assert (np.diff(piece) >= 0).all() and piece[0] == 0
        assert len(rows) <= partition.MOST and rows.min() >= min(most, size.sum()) / 4
        assert rows.max() <= 1.25 * max(most, size.sum() / partition.MOST) + 2 * size.max()
    assert partition.partition_of_block(np.empty(0, dtype=np.int64), 5).tolist() == []


def test_rows_come_off_a_shelf_as_they_were_put(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    bins, value = draw.integers(0, 5, 300), np.arange(300)
    with Shelf(tmp_path, "some") as shelf:
        for start in range(0, 300, 41):
            shelf.put(bins[start : start + 41], {"value": value[start : start + 41]})
    for number in range(5):
        bit_by_bit = [value for part in shelf.parts(number) for value in part.column("value").to_pylist()]
        assert bit_by_bit == shelf.take(number, keep=True).column("value").to_pylist()
        assert shelf.take(number).column("value").to_pylist() == value[bins == number].tolist()
    assert shelf.take(9) is None and not list(shelf.parts(9)) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("more", [0, 1, -1])
@pytest.mark.parametrize("seed", range(4))
def test_texts_on_disk_are_in_the_order_of_texts_in_memory(tmp_path: Path, seed: int, more: int) -> None:
    draw = np.random.default_rng(seed)
    words = ["", "a", "é", "e\u0301", "Z", "東京", "😀", "\uffff", "aa", "a b", "_"]
    sides = [draw.choice(words, 30 + extra) for extra in (0, more)]
    if seed == 0 and not more:  # nothing tells the two sides apart
        sides[1] = sides[0][::-1]
    nodes, found = [], []
    with Shelf(tmp_path, "names") as shelf:
        numbers = [np.split(draw.permutation(len(texts)), [4, 9, 17]) for texts in sides]
        for side, texts in enumerate(sides):
            for some in numbers[side]:
                shelf.put(np.full(len(some), side), {"text": texts[some].tolist()})
    for side, texts in enumerate(sides):
        unique, code = np.unique(texts, return_inverse=True)
        nodes.append((unique.tolist(), Nodes(code, np.zeros_like(code), np.arange(len(code)))))
        found.append(ordered_texts(shelf, side, numbers[side]))
        assert found[side].at(np.array([5, 2])) == texts[[5, 2]].tolist()
    wanted = Drawing.of((nodes[0][0], nodes[1][0]), (nodes[0][1], nodes[1][1]))
    for side in (0, 1):
        np.testing.assert_array_equal(found[side].order, wanted.ordered[side])
    assert first_of(found[0], found[1]) == wanted.first
    places = np.array([0, 3, 4, 29])
    assert texts_at(shelf, 0, places) == sides[0][np.concatenate(numbers[0])[places]].tolist()


def test_counts_by_hashes_are_counts() -> None:
    draw = np.random.default_rng(2)
    counts, wanted = HashedCounts(), Counter[str]()
    assert counts.of(["nothing"]).tolist() == [0]
    for _ in range(20):
        texts = list(dict.fromkeys(map(str, draw.integers(0, 90, 40).tolist())))
        of = draw.integers(1, 5, len(texts))
        counts.add(texts, of)
        wanted.update(dict(zip(texts, of.tolist(), strict=True)))
    asked = [*map(str, range(95)), ""]
    assert counts.of(asked).tolist() == [wanted[text] for text in asked]


def test_vectors_in_a_file_are_those_in_memory(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(95)]
    encoder = model_plan.plan(Hashed()).encoder
    on_disk = memmap_embeddings.embed_on_disk(encoder, texts, tmp_path / "v.npy", at_once=30)
    np.testing.assert_array_equal(on_disk, model_plan.embed(encoder, texts))
    assert isinstance(on_disk.base, np.memmap) or isinstance(on_disk, np.memmap)
    in_memory = memmap_embeddings.embed_on_disk(encoder, texts, tmp_path / "w.npy", at_once=95)
    assert not isinstance(in_memory.base, np.memmap) and not (tmp_path / "w.npy").exists()


def test_from_the_command_line(
    paths: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, alone, report = tmp_path / "o.parquet", tmp_path / "alone.csv", tmp_path / "report.json"
    given = ["merge", *map(str, paths), "--on", "name", "--block-on", "city", "--model", "lexical"]
    rest = ["--out", str(out), "--unlinked", str(alone), "--report", str(report), "--quiet"]
    assert main.main([*given, "--bounded", *rest]) == 0, capsys.readouterr().err
    lt.link_files(*paths, tmp_path / "p.parquet", "name", block_on="city", model="lexical", progress=False)
    tables_of = [repr(parquet.read_table(path).to_pylist()) for path in (out, tmp_path / "p.parquet")]
    assert tables_of[0] == tables_of[1]
    assert json.loads(report.read_text())["search"]["pieces"] == 1 and alone.exists()
    assert main.main([*given, "--bounded"]) == 2
    assert "--out" in capsys.readouterr().err


def test_what_a_killed_run_left_in_the_workspace_is_removed(tmp_path: Path) -> None:
    abandoned = tmp_path / f"linktransformer-{'0' * 32}"
    foreign = tmp_path / "linktransformer-mine"
    for folder in (abandoned, foreign):
        folder.mkdir()
        (folder / "rows").write_text("rows")
    Path(f"{abandoned}.lock").touch()  # nobody holds it any more
    pd = pytest.importorskip("pandas")
    paths = [tmp_path / f"{name}.parquet" for name in "ab"]
    for path in paths:
        pd.DataFrame({"n": ["acme steel", "baxter dairy"]}).to_parquet(path)
    lt.link_files(*paths, None, "n", workspace=tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["a.parquet", "b.parquet", "linktransformer-mine"]
