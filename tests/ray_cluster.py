"""Engines for tests: processes are killed, work is counted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from linktransformer.partitions.checkpoint import Stored


def once(marker: Path) -> bool:
    """Whether this is the first call in any process."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def die() -> None:
    """End this process as the system does where memory is out."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed_once(context: tuple[Path, Callable[[Any, Any], Any], Any], piece: Any) -> Any:
    """Call the function; the first process of each function that would finish a piece dies before that."""
    folder, function, inner = context
    finish = Stored.finish

    def dying(stored: Stored, result: Any) -> None:
        if once(folder / f"killed-{function.__name__}"):
            die()
        finish(stored, result)

    Stored.finish = dying  # type: ignore[method-assign]
    try:
        return function(inner, piece)
    finally:
        Stored.finish = finish  # type: ignore[method-assign]


class KilledWorkers:
    """A Ray engine of which a process is killed in each stage."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def map(self, function: Callable[[Any, Any], Any], context: Any, pieces: Sequence[Any]) -> Iterator[Any]:
        from linktransformer.engines.ray_engine import RayEngine

        return RayEngine().map(killed_once, (self._folder, function, context), pieces)


class KilledDriver:
    """An engine whose caller is killed when a stage has given some of its results."""

    def __init__(self, inner: Any, stage: str, results: int = 0) -> None:
        self._inner, self._stage, self._results = inner, stage, results

    def map(self, function: Callable[[Any, Any], Any], context: Any, pieces: Sequence[Any]) -> Iterator[Any]:
        for number, result in enumerate(self._inner.map(function, context, pieces)):
            if function.__name__ == self._stage and number == self._results:
                die()
            yield result


class Counting:
    """A local engine that counts how often each stage does the work of a piece."""

    def __init__(self) -> None:
        self.worked: dict[str, int] = {}

    def map(self, function: Callable[[Any, Any], Any], context: Any, pieces: Sequence[Any]) -> Iterator[Any]:
        finish = Stored.finish

        def counted(stored: Stored, result: Any) -> None:
            self.worked[function.__name__] = self.worked.get(function.__name__, 0) + 1
            finish(stored, result)

        Stored.finish = counted  # type: ignore[method-assign]
        try:
            yield from (function(context, piece) for piece in pieces)
        finally:
            Stored.finish = finish  # type: ignore[method-assign]
