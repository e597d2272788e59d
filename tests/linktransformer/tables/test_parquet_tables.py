"""Parquet files a batch at a time against the same tables in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

import pyarrow as pa
import pyarrow.parquet as parquet

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import parquet_tables
from linktransformer.tables.parquet_tables import BlockCodes, open_parquet, with_places, without_places

TOWNS = ["Akron", None, "boise", "Utica ", "akron", "BOISE", "Lund"]
OTHER = ["BOISE", "Reno", "Akron", None, "utica"]


def write(path: Path, data: dict[str, Any]) -> Path:
    parquet.write_table(pa.table(data), path)
    return path


def test_batches_are_the_table_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_tables, "BATCH", 3)
    data = {"row": list(range(8)), "name": [f"n{row}" for row in range(8)]}
    table = open_parquet(write(tmp_path / "t.parquet", data), "left")
    assert (table.n_rows, table.head.n_rows, table.stub.n_rows) == (8, 0, 8)
    assert table.head.columns == table.stub.columns == ["row", "name"]
    starts, rows = [], []
    for start, batch in table.batches():
        starts.append(start)
        rows += batch.frame.to_native().to_pydict()["name"]
    assert starts == [0, 3, 6] and rows == data["name"]
    assert [batch.columns for _, batch in table.batches(["row"])] == [["row"]] * 3


@pytest.mark.parametrize("kind", ["text", "category"])
def test_blocks_are_equal_values_without_case(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_tables, "BATCH", 2)
    sides = []
    for name, towns in (("left", TOWNS), ("right", OTHER)):
        column = pa.array(towns)
        year = [number % 2 for number in range(len(towns))]
        data = {"town": column.dictionary_encode() if kind == "category" else column, "year": year}
        sides.append(open_parquet(write(tmp_path / f"{name}.parquet", data), name))
    for pairs in ([("town", "town")], [("town", "town"), ("year", "year")]):
        codes = BlockCodes((sides[0], sides[1]), pairs)
        found = [
            np.concatenate([codes.of(batch, side) for _, batch in table.batches()])
            for side, table in enumerate(sides)
        ]
        for i, one in enumerate(TOWNS):
            for j, other in enumerate(OTHER):
                same = one is not None and other is not None
                same = same and (one or "").strip().casefold() == (other or "").strip().casefold()
                same = same and (len(pairs) == 1 or i % 2 == j % 2)
                assert (found[0][i] >= 0 and found[0][i] == found[1][j]) == same, (one, other)
        assert [code < 0 for code in found[0].tolist()] == [town is None for town in TOWNS]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"right=.*gone.parquet' is not a file"):
        open_parquet(tmp_path / "gone.parquet", "right")
    (tmp_path / "bad.parquet").write_text("no parquet")
    with pytest.raises(InvalidArgumentError, match=r"left=.*cannot be read as parquet"):
        open_parquet(tmp_path / "bad.parquet", "left")


def test_rows_go_and_come_back_with_their_places(tmp_path: Path) -> None:
    table = open_parquet(write(tmp_path / "t.parquet", {"name": ["a", "b", "c"]}), "left")
    _, batch = next(table.batches())
    native = with_places(batch, np.array([2, 0, 2]), "place", np.array([7, 8, 9]))
    rows, places = without_places(native, "place", "left")
    assert rows.frame.to_native().to_pydict() == {"name": ["c", "a", "c"]}
    assert places.tolist() == [7, 8, 9] and rows.name == "left"
