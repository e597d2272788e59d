"""A block with a third of the rows is searched tile by tile: less memory, the same links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import linktransformer as lt
from linktransformer.partitions import partition
from linktransformer.partitions.file_job import FileJob
from linktransformer.scoring import candidate_evidence
from tests.linktransformer.partitions.test_link_files import Hashed, tables, the_same

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

ROWS, FEW = 700, 400_000  # bytes: some 80 rows


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two files with a third of the rows in one block, read in many batches."""
    monkeypatch.setattr("linktransformer.tables.parquet_tables.BATCH", 90)
    monkeypatch.setattr(partition, "MOST", 40)
    draw = np.random.default_rng(5)
    for name, table in zip("lr", tables(ROWS), strict=True):
        part = np.where(draw.random(len(table)) < 0.35, "large", draw.choice(list("abcdefgh"), len(table)))
        parquet.write_table(table.append_column("part", pa.array(part)), tmp_path / f"{name}.parquet")
    return tmp_path / "l.parquet", tmp_path / "r.parquet"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts had their n-grams in memory together, call by call."""
    sizes: list[int] = []
    made = FileJob.ngrams

    def ngrams(files: FileJob, view: str, texts: Any, cells: Any) -> Any:
        sizes.append(len(texts[0]) + len(texts[1]))
        return made(files, view, texts, cells)

    monkeypatch.setattr(FileJob, "ngrams", ngrams)
    monkeypatch.setattr("linktransformer.partitions.file_statistics._vectors", _vectors(made))
    return sizes


def _vectors(made: Any) -> Any:
    """The vectors of the sample of random pairs, which do not belong to a piece."""
    from linktransformer.partitions import file_statistics

    whole = file_statistics._vectors

    def vectors(files: FileJob, random: Any, name: str, found: Any) -> Any:
        return (
            whole(files, random, name, found)
            if name == "dense"
            else made(files, name, random.texts, random.cells)
        )

    return vectors


CASES: list[dict[str, Any]] = [
    {"on": "name", "block_on": "part"},
    {"on": "name", "block_on": "part", "k": 2, "validate": "1:1"},
    {"on": ["city", "name"], "block_on": "part"},
    {"on": "name"},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_large_block_is_searched_in_tiles(
    paths: tuple[Path, Path], counted: list[int], case: dict[str, Any]
) -> None:
    found = lt.link_files(*paths, None, model="lexical", memory_limit=FEW, progress=False, **case)
    largest = max(counted)
    assert found.details["search"]["rows_of_largest_piece"] > 3 * largest
    assert largest <= 150  # about the rows of the limit, and some that the pieces of small blocks have more
    the_same(found, lt.link(*map(parquet.read_table, paths), model="lexical", **case))


def test_a_sample_of_own_rivals_is_searched_in_tiles(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidate_evidence, "OWN_UP_TO", 1e4)
    monkeypatch.setattr(candidate_evidence, "OWN_SAMPLE", 120)
    for case in CASES[::3]:
        found = lt.link_files(*paths, None, model="lexical", memory_limit=FEW, progress=False, **case)
        the_same(found, lt.link(*map(parquet.read_table, paths), model="lexical", **case))


def test_without_a_limit_a_block_is_searched_at_once(paths: tuple[Path, Path], counted: list[int]) -> None:
    found = lt.link_files(*paths, None, "name", block_on="part", progress=False)
    assert max(counted) > found.details["search"]["rows_of_largest_piece"] / 2


def test_vectors_of_a_large_block_are_compared_in_tiles(paths: tuple[Path, Path], counted: list[int]) -> None:
    options: dict[str, Any] = {"on": "name", "block_on": "part", "model": Hashed(), "threshold": None}
    found = lt.link_files(*paths, None, memory_limit=FEW * 4, progress=False, **options)
    wanted = lt.link(*map(parquet.read_table, paths), **options)
    same = found.right_rows == wanted.right_rows  # products of matrices of other shapes round otherwise
    assert len(found) == len(wanted) > 500 and same.mean() > 0.98
