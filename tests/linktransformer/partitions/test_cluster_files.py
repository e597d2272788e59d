"""One table of files clustered piece by piece, held to the same table clustered in memory."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import linktransformer as lt
from linktransformer.cli import main
from linktransformer.errors import InvalidArgumentError, LinkWarning
from linktransformer.partitions import partition
from linktransformer.results.clusters import Clusters
from tests.linktransformer.partitions.test_several_columns import Hashed, articles

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

FEW = 1_200_000  # bytes: pieces of some hundred rows
SAID = ("rows_without_key", "rows_of_equal_key", "threshold", "precision", "match_weights", "key_column")
SAID += ("comparisons", "rows_with_more_neighbours_than_k", "warnings", "null_values", "on")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two catalogues in one table, read in many batches."""
    monkeypatch.setattr("linktransformer.tables.parquet_tables.BATCH", 70)
    monkeypatch.setattr(partition, "MOST", 40)
    return pa.concat_tables(articles(220), promote_options="permissive")


def the_same(found: Clusters, wanted: Clusters) -> None:
    """Fail where the clusters of files are not those of a table in memory."""
    np.testing.assert_array_equal(found.label, wanted.label)
    has_node = found.length > 0  # not without a block, where a row is a cluster
    assert has_node.mean() > 0.5
    np.testing.assert_array_equal(found.length[has_node], wanted.length[has_node])
    pairs = [sorted(zip(c.left_rows.tolist(), c.right_rows.tolist(), strict=True)) for c in (found, wanted)]
    assert pairs[0] == pairs[1] and len(pairs[0]) > 40
    orders = [np.lexsort((c.right_rows, c.left_rows)) for c in (found, wanted)]
    scores = [c.score[order] for c, order in zip((found, wanted), orders, strict=True)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)
    for name in SAID:
        assert found.details.get(name) == wanted.details.get(name), name


CASES: list[dict[str, Any]] = [
    {"on": "title", "threshold": 0.02},
    {"on": "title", "block_on": "venue", "threshold": 0.02},
    {"on": ["title", "authors", "year"], "block_on": "venue"},
    {"on": ["title", "note"], "method": "complete", "threshold": 0.3},
    {"on": ["note", "title"], "block_on": "venue", "method": "single"},
    {"on": ["title", "authors"], "null_values": {"authors": ["a. smith"]}, "block_on": "year", "k": 5},
    {"on": "title", "model": Hashed(), "block_on": "venue"},
    {},
]


@pytest.mark.filterwarnings("ignore:The estimated precision")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_same_as_in_memory(table: Any, tmp_path: Path, case: dict[str, Any]) -> None:
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=90)
    found = lt.cluster_files(tmp_path / "t.parquet", None, memory_limit=FEW, progress=False, **case)
    the_same(found, lt.cluster(table, **{"model": "lexical", **case}))
    if case.get("block_on") == "venue":
        assert found.details["search"]["pieces"] > 1


def in_files(table: Any, folder: Path, n: int) -> Path:
    """The rows in so many files, every tenth of them without rows."""
    folder.mkdir()
    starts = np.linspace(0, len(table), n - n // 10 + 1).astype(int).tolist()
    parts = [table.slice(start, stop - start) for start, stop in pairwise(starts)]
    for number in range(n // 10):
        parts.insert(10 * number, table.slice(0, 0))
    for number, part in enumerate(parts):
        parquet.write_table(part, folder / f"{number:03}.parquet")
    return folder


OPTIONS: dict[str, Any] = {"on": ["title", "authors"], "block_on": "venue", "memory_limit": FEW}


@pytest.mark.parametrize("verb", ["cluster", "link"])
def test_fifty_files_of_which_one_is_broken(table: Any, tmp_path: Path, verb: str) -> None:
    folder = in_files(table, tmp_path / "many", 50)
    parquet.write_table(table, tmp_path / "t.parquet")

    def run(place: Path, **options: Any) -> Any:
        options = {**OPTIONS, "progress": False, **options}
        if verb == "link":
            return lt.link_files(place, tmp_path / "t.parquet", None, **options)
        return lt.cluster_files(place, None, **options)

    whole, many = run(tmp_path / "t.parquet"), run(folder)
    np.testing.assert_array_equal(many.score, whole.score)
    bad = folder / "023.parquet"
    n = parquet.ParquetFile(bad).metadata.num_rows
    content = bad.read_bytes()
    bad.write_bytes(content[: len(content) // 2])
    with pytest.raises(InvalidArgumentError, match=r"023\.parquet.*cannot be read"):
        run(folder)
    with pytest.warns(LinkWarning, match=r"left out.*023\.parquet"):
        less = run(folder, on_bad_file="skip")
    rows = len(less.label) if verb == "cluster" else len(less.left_reason)
    assert rows == len(table) - n < len(table)
    assert "023.parquet" in less.report()["search"]["files_left_out"][0]
    bad.write_bytes(content)
    other = parquet.read_table(folder / "024.parquet")
    parquet.write_table(other.set_column(3, "year", other["year"].cast(pa.string())), folder / "024.parquet")
    with pytest.raises(InvalidArgumentError, match=r"'year' is int64 in .* string in .*024"):
        run(folder)


def test_rows_are_written_with_their_cluster_or_one_of_each(table: Any, tmp_path: Path) -> None:
    folder, out = in_files(table, tmp_path / "many", 20), tmp_path / "out.parquet"
    clusters = lt.cluster_files(folder, out, progress=False, **OPTIONS)
    assert parquet.read_table(out).drop_columns(["cluster"]).to_pylist() == table.to_pylist()
    assert parquet.read_table(out)["cluster"].to_pylist() == clusters.label.tolist()
    lt.dedup_files(folder, out, progress=False, **OPTIONS)
    wanted = lt.dedup_rows(table, OPTIONS["on"], block_on="venue", model="lexical")
    assert parquet.read_table(out).drop_columns(["cluster"]).to_pylist() == wanted.to_pylist()
    lt.dedup_files(folder, out, keep="longest", progress=False, **OPTIONS)
    longest = lt.dedup_rows(table, OPTIONS["on"], block_on="venue", model="lexical", keep="longest")
    found = parquet.read_table(out).drop_columns(["cluster"]).to_pylist()
    assert found == longest.to_pylist() != wanted.to_pylist() and len(found) < len(table) - 50


def test_from_the_command_line(table: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parquet.write_table(table, tmp_path / "t.parquet")
    given = [
        "dedup",
        str(tmp_path / "t.parquet"),
        "--on",
        "title,authors",
        "--block-on",
        "venue",
        "--bounded",
    ]
    assert main.main([*given, "--mark", "--out", str(tmp_path / "a.parquet")]) == 0, capsys.readouterr().err
    options = {"on": ["title", "authors"], "block_on": "venue"}
    lt.cluster_files(tmp_path / "t.parquet", tmp_path / "b.parquet", progress=False, **options)
    found, wanted = (parquet.read_table(tmp_path / f"{name}.parquet").to_pylist() for name in "ab")
    assert found == wanted and "clusters" in capsys.readouterr().err
    assert main.main([*given, "--one-per", "venue", "--out", str(tmp_path / "c.parquet")]) == 2
    assert "--one-per" in capsys.readouterr().err
    assert main.main([*given[:-1], "--workspace", str(tmp_path), "--out", str(tmp_path / "c.parquet")]) == 2
    assert "Add --bounded" in capsys.readouterr().err


def test_the_same_clusters_on_ray(table: Any, tmp_path: Path, cluster: str) -> None:
    parquet.write_table(table, tmp_path / "t.parquet")
    wanted = lt.cluster_files(tmp_path / "t.parquet", None, progress=False, **OPTIONS)
    found = lt.cluster_files(tmp_path / "t.parquet", None, engine="ray", progress=False, **OPTIONS)
    np.testing.assert_array_equal(found.label, wanted.label)
    np.testing.assert_array_equal(found.score, wanted.score)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keep": "last"}, "keep='last'"),
        ({"method": "ward"}, "method='ward'"),
        ({"threshold": "high"}, "threshold='high'"),
        ({"cluster_column": "title"}, "cluster_column='title' is a column"),
        ({"out": "rows.csv"}, "not a parquet file"),
        ({"workspace": "nowhere"}, "not a folder"),
    ],
)
def test_bad_arguments(table: Any, tmp_path: Path, options: dict[str, Any], words: str) -> None:
    parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(InvalidArgumentError, match=words):
        lt.cluster_files(tmp_path / "t.parquet", **{"out": None, "on": "title", **options})


def test_a_table_without_rows(table: Any, tmp_path: Path) -> None:
    parquet.write_table(table.slice(0, 0), tmp_path / "t.parquet")
    for block_on in (None, "venue"):
        found = lt.cluster_files(tmp_path / "t.parquet", tmp_path / "o.parquet", "title", block_on=block_on)
        assert len(found.label) == 0 and parquet.read_table(tmp_path / "o.parquet").num_rows == 0
