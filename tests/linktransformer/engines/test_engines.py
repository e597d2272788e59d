"""A function over pieces: the same results on every engine, in order, with errors and killed processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from linktransformer.engines.engine import opened
from linktransformer.errors import EngineError, InvalidArgumentError
from tests.ray_cluster import die, once


def scaled(context: np.ndarray, piece: int) -> tuple[int, float]:
    return piece, float(context.sum() * piece)


def process_of(context: None, piece: int) -> int:
    return os.getpid()


def failing(context: int, piece: int) -> int:
    if piece == context:
        raise InvalidArgumentError(f"piece {piece} cannot work.")
    return piece


def killed(context: Path, piece: int) -> int:
    if piece == 1 and once(context / "killed"):
        die()
    return piece


def always_killed(context: None, piece: int) -> None:
    die()


@pytest.mark.parametrize("name", ["local", "ray", "address"])
def test_results_come_in_order(cluster: str, name: str) -> None:
    context = np.arange(5.0)
    with opened(cluster if name == "address" else name) as engine:
        for pieces in (range(0), range(1), range(9)):
            wanted = [(piece, 10.0 * piece) for piece in pieces]
            assert list(engine.map(scaled, context, pieces)) == wanted
        here = set(engine.map(process_of, None, range(4)))
    assert (os.getpid() in here) is (name == "local")


@pytest.mark.parametrize("name", ["local", "ray"])
def test_the_error_of_a_piece_is_raised_as_it_is(cluster: str, name: str) -> None:
    with opened(name) as engine:
        results = engine.map(failing, 2, range(4))
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(InvalidArgumentError, match=r"^piece 2 cannot work\.$"):
            next(results)


def test_a_killed_piece_is_done_again(cluster: str, tmp_path: Path) -> None:
    with opened("ray") as engine:
        assert list(engine.map(killed, tmp_path, range(3))) == [0, 1, 2]
    assert (tmp_path / "killed").exists()


def test_a_piece_that_is_always_killed_is_an_error(
    cluster: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("linktransformer.engines.ray_engine.RETRIES", 0)
    with opened("ray") as engine, pytest.raises(EngineError, match="memory_limit="):
        list(engine.map(always_killed, None, range(1)))


@pytest.mark.parametrize("given", ["spark", 3, object()])
def test_what_is_not_an_engine(given: object) -> None:
    with pytest.raises(InvalidArgumentError, match="is not an engine"), opened(given):  # type: ignore[arg-type]
        pass


def test_ray_is_not_imported_without_it() -> None:
    code = (
        "import sys, linktransformer as lt\n"
        "from linktransformer.engines.engine import opened\n"
        "with opened('local') as engine: list(engine.map(pow, 2, [3, 4]))\n"
        "lt.link_files\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'ray'])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
