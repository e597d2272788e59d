"""Files linked on a Ray cluster, with processes killed, held to the same call in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import linktransformer as lt
from linktransformer.cli import main
from tests.linktransformer.partitions.test_link_files import Hashed, tables
from tests.ray_cluster import Counting, KilledWorkers

parquet = pytest.importorskip("pyarrow.parquet")

FEW = 300_000  # bytes: pieces of some 50 rows
LEXICAL: dict[str, Any] = {
    "on": "name",
    "block_on": ["city", "size"],
    "model": "lexical",
    "memory_limit": FEW,
}


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    for name, table in zip("lr", tables(300), strict=True):
        parquet.write_table(table, tmp_path / f"{name}.parquet", row_group_size=90)
    return tmp_path / "l.parquet", tmp_path / "r.parquet"


def the_same(found: lt.Links, wanted: lt.Links) -> None:
    for name in ("left_rows", "right_rows", "score", "runner_up", "left_reason", "right_reason"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    for side in ("left_nearest", "right_nearest"):
        np.testing.assert_array_equal(getattr(found, side).row, getattr(wanted, side).row)
        np.testing.assert_array_equal(getattr(found, side).score, getattr(wanted, side).score)


@pytest.mark.parametrize("model", ["lexical", Hashed(), "full"], ids=["lexical", "object", "bundled"])
def test_the_same_links_on_ray(
    paths: tuple[Path, Path],
    tmp_path: Path,
    cluster: str,
    model: Any,
) -> None:
    memory = FEW if model == "lexical" else 2 * FEW
    options = {**LEXICAL, "model": model, "memory_limit": memory}
    outs = tmp_path / "local.parquet", tmp_path / "ray.parquet"
    wanted = lt.link_files(*paths, outs[0], progress=False, **options)
    found = lt.link_files(*paths, outs[1], engine="ray", workspace=tmp_path, progress=False, **options)
    assert len(wanted) > 25 and wanted.details["search"]["pieces"] > 2
    the_same(found, wanted)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == []


def test_a_process_killed_in_each_stage(
    paths: tuple[Path, Path],
    tmp_path: Path,
    cluster: str,
) -> None:
    found = lt.link_files(*paths, None, engine=KilledWorkers(tmp_path), progress=False, **LEXICAL)
    the_same(found, lt.link_files(*paths, None, progress=False, **LEXICAL))
    killed = {path.name.removeprefix("killed-") for path in tmp_path.glob("killed-*")}
    assert killed == {"searched", "described"}


CALL = """
import sys, linktransformer as lt
from tests.ray_cluster import KilledDriver
from linktransformer.engines.engine import opened
left, right, workspace, stage, engine = sys.argv[1:]
with opened(engine) as inner:
    lt.link_files(left, right, None, engine=KilledDriver(inner, stage), workspace=workspace, **{options})
"""


@pytest.mark.parametrize(
    ("stage", "engine"), [("searched", "local"), ("described", "local"), ("searched", "ray")]
)
def test_a_killed_caller_goes_on_where_it_stopped(
    paths: tuple[Path, Path],
    tmp_path: Path,
    cluster: str,
    stage: str,
    engine: str,
) -> None:
    workspace = tmp_path / "work"
    workspace.mkdir()
    code = CALL.replace("{options}", repr(LEXICAL))
    given = [*map(str, paths), str(workspace), stage, cluster if engine == "ray" else engine]
    run = subprocess.run([sys.executable, "-c", code, *given], capture_output=True, text=True, check=False)
    assert run.returncode == -9, run.stderr
    counting = Counting()
    found = lt.link_files(*paths, None, engine=counting, workspace=workspace, progress=False, **LEXICAL)
    n = found.details["search"]["pieces"]
    if stage == "searched":
        assert 0 < counting.worked["searched"] < n
    else:
        assert "searched" not in counting.worked and 0 < counting.worked["described"] < n
    the_same(found, lt.link_files(*paths, None, progress=False, **LEXICAL))
    assert list(workspace.iterdir()) == []


class Keyed(Hashed):
    """An encoder that says what its vectors depend on."""

    cache_key = "hashed 1"


class Stopped(Counting):
    """An engine whose caller is interrupted after three pieces."""

    def map(self, function: Any, context: Any, pieces: Any) -> Any:
        for number, result in enumerate(super().map(function, context, pieces)):
            if number == 2:
                raise KeyboardInterrupt
            yield result


@pytest.mark.parametrize(("model", "again"), [(Keyed(), {}), (Hashed(), {"searched": 3}), ("full", {})])
def test_a_model_that_says_what_it_is_goes_on(
    paths: tuple[Path, Path], tmp_path: Path, model: Any, again: dict[str, int]
) -> None:
    for worked in ({"searched": 3}, again):
        engine, options = Stopped(), {**LEXICAL, "model": model}
        with pytest.raises(KeyboardInterrupt):
            lt.link_files(*paths, None, engine=engine, workspace=tmp_path, progress=False, **options)
        assert engine.worked == worked


def test_other_files_or_options_do_not_go_on(paths: tuple[Path, Path], tmp_path: Path) -> None:
    def stopped(**options: Any) -> dict[str, int]:
        engine = Stopped()
        with pytest.raises(KeyboardInterrupt):
            lt.link_files(*paths, None, engine=engine, workspace=tmp_path, **{**LEXICAL, **options})
        return engine.worked

    assert stopped() == {"searched": 3} and stopped() == {}
    assert stopped(k=3) == {"searched": 3} and stopped(validate="1:1") == {}
    parquet.write_table(parquet.read_table(paths[0]).slice(1), paths[0])
    assert stopped() == {"searched": 3}


def test_from_the_command_line(
    paths: tuple[Path, Path],
    tmp_path: Path,
    cluster: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, report = tmp_path / "o.parquet", tmp_path / "report.json"
    given = ["merge", *map(str, paths), "--on", "name", "--block-on", "city,size", "--model", "lexical"]
    given += ["--out", str(out), "--quiet"]
    rest = ["--memory-limit", "300kb", "--report", str(report), "--workspace", str(tmp_path)]
    assert main.main([*given, "--bounded", "--engine", "ray", *rest]) == 0, capsys.readouterr().err
    lt.link_files(*paths, tmp_path / "p.parquet", progress=False, **LEXICAL)
    assert out.read_bytes() == (tmp_path / "p.parquet").read_bytes()
    assert json.loads(report.read_text())["search"]["pieces"] > 2
    assert main.main([*given, "--engine", "ray", "--force"]) == 2
    assert "Add --bounded" in capsys.readouterr().err
    assert main.main([*given, "--bounded", "--address", cluster, "--force"]) == 2
    assert "Add --engine ray" in capsys.readouterr().err


def test_an_estimate_has_the_pieces_of_the_run(
    paths: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["merge", *map(str, paths), "--on", "name", "--block-on", "city,size", "--model", "lexical"]
    given += ["--memory-limit", "300kb", "--bounded", "--dry-run"]
    assert main.main(given) == 0
    said = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    search = lt.link_files(*paths, None, progress=False, **LEXICAL).report()["search"]
    assert int(said["pieces"]) == search["pieces"] > 2
    assert 0 <= int(said["rows_of_largest_piece"]) - search["rows_of_largest_piece"] < 20  # rows without name
    sides = [parquet.read_table(path).to_pandas().astype({"city": object}) for path in paths]
    sides = [side[side["city"] != " "] for side in sides]  # a blank is a null, which has no block
    pairs = sides[0].merge(sides[1].dropna(subset=["city", "size"]), on=["city", "size"])
    assert int(said["pairs"]) == len(pairs) > 2000
