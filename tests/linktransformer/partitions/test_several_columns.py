"""Files linked by several key columns, held to the same tables linked in memory."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import linktransformer as lt
from linktransformer.cli import main
from linktransformer.encoding import memmap_embeddings
from linktransformer.errors import InvalidArgumentError, TableTypeError
from linktransformer.partitions import naming, partition
from linktransformer.results.links import Links
from linktransformer.search.ngram_counts import TextCounts
from linktransformer.tables.binned_storage import Shelf

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

WORDS = [
    "Learning",
    "Queries",
    "Streams",
    "Indexes",
    "Mining",
    "Joins",
    "Views",
    "Fast",
    "Robust",
    "Parallel",
]
WORDS += ["Évaluation", "データ", "Clusters", "Schemas", "Caches", "Graphs"]
PEOPLE = ["A. Smith", "B. Jones", "C. Garcia", "D. Müller", "E. Rossi", "F. Chen", "G. Novak"]
VENUES = ["VLDB", "SIGMOD", "ICDE", None]
FEW = 400_000
SAID = ("rule", "threshold", "precision", "recall", "rows_cut", "key_column", "comparisons", "match_weights")
SAID += ("model_reads", "left_on", "right_on", "null_values")


class Hashed:
    """An encoder of two-letter counts: the same vector in any batch."""

    name = "hashed"

    def __repr__(self) -> str:
        """The name of a test must be the same in every process."""
        return self.name

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        made = np.full((len(texts), 24), 0.01, dtype=np.float32)
        for row, text in enumerate(texts):
            for first, second in zip(text.lower(), text.lower()[1:], strict=False):
                made[row, (31 * ord(first) + ord(second)) % 24] += 1
        return made


def articles(n: int) -> tuple[Any, Any]:
    """Two catalogues of articles: title, authors, venue, year and a note, with slips, nulls and copies."""
    draw = random.Random(4)

    def slip(text: str) -> str:
        place = draw.randrange(len(text))
        return text[:place] + draw.choice(["", "x", "e"]) + text[place + 1 :]

    rows = [
        (
            " ".join(draw.sample(WORDS, 4)),
            ", ".join(draw.sample(PEOPLE, draw.choice([1, 2]))),
            draw.choice(VENUES),
            draw.randrange(1995, 2004),
            " ".join(draw.sample(WORDS, 2)) + f" {draw.randrange(400)}",
        )
        for _ in range(n)
    ]
    other = [
        (
            slip(title) if draw.random() < 0.9 else None,
            authors if draw.random() < 0.7 else slip(authors),
            venue,
            year if draw.random() < 0.9 else None,
            slip(note),
        )
        for title, authors, venue, year, note in draw.sample(rows, 2 * n // 3)
    ]
    rows += [rows[0], (None,) * 5, ("", PEOPLE[0], "VLDB", 1999, None)]
    other += [(None, None, "ICDE", None, None), (None,) * 5, other[1]]
    names = ("title", "authors", "venue", "year", "note")
    return tuple(
        pa.table({name: pa.array(cells) for name, cells in zip(names, zip(*side, strict=True), strict=True)})
        for side in (rows, other)
    )


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two files that are read in many batches."""
    monkeypatch.setattr("linktransformer.tables.parquet_tables.BATCH", 70)
    monkeypatch.setattr(memmap_embeddings, "AT_ONCE", 40)
    monkeypatch.setattr(partition, "MOST", 40)
    for name, table in zip("lr", articles(450), strict=True):
        parquet.write_table(table, tmp_path / f"{name}.parquet", row_group_size=90)
    return tmp_path / "l.parquet", tmp_path / "r.parquet"


def the_same(found: Links, wanted: Links) -> None:
    """Fail where the links of files are not those of tables in memory."""
    assert len(wanted) > 100
    for name in ("left_rows", "right_rows", "score", "runner_up", "left_reason", "right_reason"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    for side in ("left_nearest", "right_nearest"):
        np.testing.assert_array_equal(getattr(found, side).row, getattr(wanted, side).row)
        np.testing.assert_array_equal(getattr(found, side).score, getattr(wanted, side).score)
    for name in SAID:
        assert found.details.get(name) == wanted.details.get(name), name
    assert list(found.views) == list(wanted.views)
    for name in found.views:
        np.testing.assert_array_equal(found.views[name], wanted.views[name])


CASES: list[dict[str, Any]] = [
    {"on": ["title", "authors", "venue", "year"]},
    {"on": ["title", "authors", "venue", "year"], "block_on": "venue"},
    {"on": ["year", "authors", "title"], "block_on": "venue", "validate": "1:1"},
    {"on": ["authors", "year"], "block_on": "venue", "k": 3},
    {"on": ["venue", "year"]},
    {"on": ["title", "authors"], "block_on": "venue", "model": Hashed()},
    {"on": ["title", "year"], "block_on": "year", "compare": {"title": lt.compare.text()}},
    {"on": ["title", "authors"], "null_values": {"authors": ["a. smith"]}, "block_on": "year"},
    {"left_on": ["title", "authors", "venue"], "right_on": ["title", "authors"]},
    {"left_on": ["title", "authors", "venue"], "right_on": ["year", "title"], "threshold": None},
    {"left_on": ["note"], "right_on": ["note", "title"], "block_on": "year"},
    {"left_on": ["venue", "year"], "right_on": ["title"], "threshold": None},
    {"on": ["note", "title"], "block_on": "venue"},
    {},
]


def named(case: dict[str, Any]) -> str:
    return "-".join(map(str, case.values())).split(" at ")[0]


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_same_as_in_memory(paths: tuple[Path, Path], case: dict[str, Any]) -> None:
    case = {"model": "lexical", "threshold": 0.05 if case.get("on") == ["venue", "year"] else "auto", **case}
    memory = FEW if "block_on" in case else 4 * FEW
    memory = 30 * FEW if case["model"] != "lexical" else memory  # no tiles: nearest vectors are near ties
    found = lt.link_files(*paths, None, memory_limit=memory, progress=False, **case)
    the_same(found, lt.link(*map(parquet.read_table, paths), **case))
    if case.get("block_on") == "venue":
        assert found.details["search"]["pieces"] > 1


@pytest.mark.parametrize("n_parts", [1, 3, 50])
def test_the_best_value_of_another_file_is_found_in_parts(tmp_path: Path, n_parts: int) -> None:
    queries, values = (
        ["tea pot", "coffee", "milk", "zzz"],
        ["tea", "milk", "coffee", "tea pot", "milk", "pot"],
    )
    counts = TextCounts()
    counts.add([*queries, *values])
    with Shelf(tmp_path, "values") as shelf:
        for part in np.array_split(np.array(values, dtype=object), n_parts):
            if len(part):
                shelf.put(np.zeros(len(part), dtype=np.int64), {"text": part.tolist()})
    best = naming._one_best(counts, queries, shelf, 0)
    assert best.tolist() == [3, 2, -1, -1]  # milk is there twice


def test_from_the_command_line(paths: tuple[Path, Path], tmp_path: Path) -> None:
    outs = tmp_path / "o.parquet", tmp_path / "p.parquet"
    given = ["merge", *map(str, paths), "--on", "title,authors", "--block-on", "venue", "--out", str(outs[0])]
    assert main.main([*given, "--bounded", "--quiet"]) == 0
    lt.link_files(*paths, outs[1], ["title", "authors"], block_on="venue", progress=False)
    found, wanted = (repr(parquet.read_table(out).to_pylist()) for out in outs)
    assert found == wanted


def test_link_takes_files_as_link_files_does(paths: tuple[Path, Path], tmp_path: Path) -> None:
    for name in "lr":
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.parquet").rename(tmp_path / name / "a.parquet")
    options: dict[str, Any] = {"on": ["title", "authors"], "model": "lexical"}
    patterns = f"{tmp_path}/l/*.parquet", f"{tmp_path}/r/*.parquet"
    found = lt.link(*patterns, engine="local", **options)
    tables = [parquet.read_table(tmp_path / name / "a.parquet") for name in "lr"]
    the_same(found, lt.link(*tables, **options))
    assert "pieces" in found.details["search"]
    with pytest.raises(InvalidArgumentError, match="images='photo' is for tables in memory"):
        lt.link(*patterns, images="photo", **options)
    with pytest.raises(InvalidArgumentError, match="engine='ray' links files"):
        lt.link(*tables, engine="ray", **options)
    with pytest.raises(TableTypeError):
        lt.link(patterns[0], tables[1], **options)


def test_a_dry_run_says_what_the_run_would_take(paths: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    options: dict[str, Any] = {"on": ["title", "authors"], "block_on": "venue", "memory_limit": FEW}
    said = lt.link_files(*paths, out, dry_run=True, **options)
    assert not out.exists() and not list(tmp_path.glob("linktransformer-*"))
    search = lt.link_files(*paths, out, progress=False, **options).details["search"]
    assert (said.left_rows, said.right_rows) == (453, 303) and said.pieces == search["pieces"]
    tables = [parquet.read_table(path).to_pandas().dropna(subset=["venue"]) for path in paths]
    assert said.pairs == len(tables[0].merge(tables[1], on="venue")) and said.pairs_compared == 2 * said.pairs
    assert said.cpu_seconds_interval[0] < said.cpu_seconds < said.cpu_seconds_interval[1]
    assert f"pairs: {said.pairs}" in str(said).splitlines()
    more = lt.link_files(*paths, out, ["title", "authors"], dry_run=True)
    assert more.pairs > 3 * said.pairs and more.pieces == 1
    assert lt.link_files(*paths, None, "title", model=Hashed(), dry_run=True).cpu_seconds is None
