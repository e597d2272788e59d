"""A table in several Parquet files: the links of one file; empty, broken and different files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError, LinkWarning
from tests.linktransformer.partitions.test_link_files import tables

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

OPTIONS: dict[str, Any] = {"on": "name", "block_on": "city", "model": "lexical", "progress": False}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The rows of two tables in files of 40, an empty one among them; and the tables as l and r.parquet."""
    made = []
    for name, table in zip("lr", tables(200), strict=True):
        folder = tmp_path / name
        folder.mkdir()
        for number, start in enumerate([0, 0, *range(40, len(table), 40)]):
            part = table.slice(start, 40 if number else 0)
            parquet.write_table(part, folder / f"part-{number:03}.parquet")
        parquet.write_table(table, tmp_path / f"{name}.parquet")
        made.append(folder)
    return made[0], made[1]


def given_as(form: str, folder: Path) -> Any:
    files = sorted(folder.glob("*.parquet"))
    pattern = f"{folder}/part-*.parquet"
    return {
        "folder": folder,
        "pattern": pattern,
        "list": files,
        "address": f"file://{folder}",
        "pattern of an address": f"file://{pattern}",
    }[form]


@pytest.mark.parametrize("form", ["folder", "pattern", "list", "address", "pattern of an address"])
def test_files_are_one_table(folders: tuple[Path, Path], tmp_path: Path, form: str) -> None:
    outs = tmp_path / "many.parquet", tmp_path / "one.parquet"
    found = lt.link_files(*(given_as(form, folder) for folder in folders), outs[0], **OPTIONS)
    wanted = lt.link_files(tmp_path / "l.parquet", tmp_path / "r.parquet", outs[1], **OPTIONS)
    assert len(wanted) > 25
    np.testing.assert_array_equal(found.left_nearest.score, wanted.left_nearest.score)
    tables_of = [repr(parquet.read_table(out).to_pylist()) for out in outs]  # NaN is not NaN
    assert tables_of[0] == tables_of[1]


def test_columns_in_another_order_and_columns_of_nulls(folders: tuple[Path, Path], tmp_path: Path) -> None:
    wanted = lt.link_files(tmp_path / "l.parquet", tmp_path / "r.parquet", None, **OPTIONS)
    path = folders[1] / "part-002.parquet"
    table = parquet.read_table(path)
    parquet.write_table(table.select(table.column_names[::-1]), path)
    nulls = pa.table({"id": [0], **{name: pa.nulls(1) for name in table.column_names[1:]}})
    parquet.write_table(nulls, folders[1] / "zzz.parquet")
    found = lt.link_files(*folders, tmp_path / "o.parquet", **OPTIONS)
    np.testing.assert_array_equal(found.score, wanted.score)
    assert len(found.right_reason) == len(wanted.right_reason) + 1


def broken(path: Path, how: str) -> None:
    content = path.read_bytes()
    cut = {"footer": content[: len(content) // 2], "rows": content[:4] + bytes(400) + content[404:]}
    path.write_bytes(cut[how])


@pytest.mark.parametrize("how", ["footer", "rows"])
def test_a_broken_file_is_named_or_left_out(folders: tuple[Path, Path], tmp_path: Path, how: str) -> None:
    bad = folders[0] / "part-003.parquet"
    n_rows = parquet.ParquetFile(bad).metadata.num_rows
    n_all = parquet.ParquetFile(tmp_path / "l.parquet").metadata.num_rows
    broken(bad, how)
    with pytest.raises(InvalidArgumentError, match=r"part-003\.parquet.*cannot be read"):
        lt.link_files(*folders, None, **OPTIONS)
    with pytest.warns(LinkWarning, match=r"left out.*part-003\.parquet"):
        found = lt.link_files(*folders, None, on_bad_file="skip", **OPTIONS)
    assert len(found.left_reason) == n_all - n_rows
    assert "part-003.parquet" in found.report()["search"]["files_left_out"][0]
    bad.unlink()
    np.testing.assert_array_equal(found.score, lt.link_files(*folders, None, **OPTIONS).score)


def test_files_of_different_types_or_columns(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "part-002.parquet"
    table = parquet.read_table(path)
    parquet.write_table(table.set_column(0, "id", table["id"].cast(pa.string())), path)
    with pytest.raises(InvalidArgumentError, match=r"'id' is int64 in .*part-000.* string in .*part-002"):
        lt.link_files(*folders, None, **OPTIONS)
    parquet.write_table(table.drop_columns(["size"]), path)
    with pytest.raises(InvalidArgumentError, match=r"different columns: \['size'\]"):
        lt.link_files(*folders, None, **OPTIONS)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ("nothing-*.parquet", "there is no .parquet file"),
        ([], "names no file"),
        ("x" * 5000, "not a file"),
        ("file:///nowhere/x.parquet", "not a file"),
        ("what://nowhere/x.parquet", "cannot be read"),
    ],
)
def test_places_without_files(folders: tuple[Path, Path], left: Any, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        lt.link_files(left, folders[1], None, **OPTIONS)


def test_only_broken_files(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"name\nAcme\n")
    with pytest.raises(InvalidArgumentError, match="none of 1 files can be read"):
        lt.link_files(tmp_path / "bad.parquet", folders[1], None, on_bad_file="skip", **OPTIONS)
    with pytest.raises(InvalidArgumentError, match="on_bad_file='no'"):
        lt.link_files(folders[0], folders[1], None, on_bad_file="no", **OPTIONS)
