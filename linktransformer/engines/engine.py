"""Engine: what runs a function over pieces of a job, and the argument `engine=` that chooses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from linktransformer import check
from linktransformer.engines.local_engine import LocalEngine
from linktransformer.errors import InvalidArgumentError

__all__ = ["Engine", "EngineLike", "opened"]

C = TypeVar("C")
P = TypeVar("P")
R = TypeVar("R")


class Engine(Protocol):
    """Runs pure functions over pieces."""

    def map(self, function: Callable[[C, P], R], context: C, pieces: Sequence[P]) -> Iterator[R]:
        """Call `function(context, piece)` for every piece, and yield the results in the order of the pieces.

        The function is that of a module. It may be called twice for a piece whose process was killed, so
        that what it writes has to be the same every time. The context is the same value for all pieces.
        """


EngineLike = str | Engine | None


@contextmanager
def opened(engine: EngineLike) -> Iterator[Engine]:
    """The engine that an argument stands for, closed at the end where this call has started it.

    Args:
        engine: None or "local": this process. "ray": the Ray cluster that this process is connected to, else
            one of this machine. "auto", "host:port" or "ray://host:port": the cluster there. Or an object
            with `map` as `Engine` has it.

    Raises:
        InvalidArgumentError: Something else, or there is no cluster at the address.
        MissingExtraError: Ray is not installed.

    Example:
        >>> with opened("local") as engine:
        ...     list(engine.map(pow, 2, [1, 2, 3]))
        [2, 4, 8]
    """
    if engine is None or (isinstance(engine, str) and engine == "local"):
        yield LocalEngine()
    elif isinstance(engine, str) and (engine in ("ray", "auto") or ":" in engine):
        from linktransformer.engines.ray_engine import connected  # Ray

        with connected(None if engine == "ray" else engine) as of_ray:
            yield of_ray
    elif not isinstance(engine, str) and callable(getattr(engine, "map", None)):
        yield engine
    else:
        raise InvalidArgumentError(
            f"engine={check.shown(engine)} is not an engine. Give 'local', 'ray', or the address of a Ray "
            "cluster such as 'ray://head:10001'."
        )
