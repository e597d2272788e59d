"""Pairs in doubt of two files are read as those of two tables in memory are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError
from linktransformer.partitions import partition_features
from tests.reader_tables import OPEN, Knows, right_links, tables

LEFT, RIGHT = tables()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "left.parquet", tmp_path / "right.parquet"
    for side, path in zip((LEFT, RIGHT), paths, strict=True):
        side.assign(part=[row // 2 % 2 for row in range(len(side))]).to_parquet(path, index=False)
    return paths


class Certain(Knows):
    """Without noise."""

    def log_odds(self, left: Any, right: Any) -> Any:
        return np.round(super().log_odds(left, right) / 4)


@pytest.mark.parametrize("reader", [True, 0.02, Certain()])
def test_files_are_read_as_tables_are(files: tuple[Path, Path], reader: Any) -> None:
    on_disk = lt.link_files(*files, None, "name", reader=reader)
    in_memory = lt.link(LEFT, RIGHT, on="name", model="lexical", reader=reader)
    assert (
        on_disk.report()["read"] == in_memory.report()["read"] and on_disk.report()["read"]["pairs_read"] > 0
    )
    np.testing.assert_array_equal(on_disk.left_rows, in_memory.left_rows)
    np.testing.assert_array_equal(on_disk.right_rows, in_memory.right_rows)
    np.testing.assert_allclose(on_disk.score, in_memory.score, atol=1e-5)


def test_several_pieces_are_read_together(files: tuple[Path, Path]) -> None:
    given = {"on": "name", "block_on": "part", "memory_limit": 1}
    without = lt.link_files(*files, None, **given)
    assert "read" not in without.report()
    links = lt.link_files(*files, None, **given, reader=Knows())
    assert right_links(links) > right_links(without) + OPEN // 3
    assert links.report()["options"]["reader"] == "Knows"


def test_what_is_finished_is_used_with_another_reader(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fails:
        def log_odds(self, left: list[str], right: list[str]) -> list[float]:
            raise OSError("away")

    with pytest.raises(lt.ModelError, match=r"Fails' failed while it read .* OSError: away"):
        lt.link_files(*files, None, "name", reader=Fails(), workspace=tmp_path)
    monkeypatch.setattr(partition_features, "_log_odds", lambda *_: pytest.fail("described again"))
    links = lt.link_files(*files, None, "name", reader=Knows(), workspace=tmp_path)
    assert links.report()["read"]["pairs_read"] > 0


def test_a_reader_that_is_not_understood_is_refused(files: tuple[Path, Path]) -> None:
    with pytest.raises(InvalidArgumentError, match="is not understood"):
        lt.link_files(*files, None, "name", reader="fast")


@pytest.mark.parametrize("limit", [None, 1_000_000])
def test_files_of_several_columns_are_read_as_tables_are(tmp_path: Path, limit: int | None) -> None:
    towns = ["Hull", "Leith", "Bristol", "York"]
    sides = [side.assign(town=[towns[row % 4] for row in range(len(side))]) for side in (LEFT, RIGHT)]
    paths = [tmp_path / name for name in ("left.parquet", "right.parquet")]
    for side, path in zip(sides, paths, strict=True):
        side.to_parquet(path, index=False)
    on = ["town", "name"]
    on_disk = lt.link_files(*paths, None, on, reader=True, memory_limit=limit)
    in_memory = lt.link(*sides, on=on, model="lexical", reader=True)
    assert on_disk.report()["read"] == in_memory.report()["read"]
    assert on_disk.report()["read"]["pairs_read"] > 0
    np.testing.assert_array_equal(on_disk.left_rows, in_memory.left_rows)
    np.testing.assert_array_equal(on_disk.right_rows, in_memory.right_rows)
    np.testing.assert_allclose(on_disk.score, in_memory.score, atol=1e-5)
