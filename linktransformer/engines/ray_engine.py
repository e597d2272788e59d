"""RayEngine: pieces as tasks of a Ray cluster, tried again when their process is killed."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from linktransformer import parallel
from linktransformer.errors import EngineError, InvalidArgumentError
from linktransformer.optional import need

__all__ = ["RayEngine", "connected"]

C = TypeVar("C")
P = TypeVar("P")
R = TypeVar("R")

RETRIES = 5  # of a piece whose process or machine is lost
AHEAD = 2  # pieces for each core that are handed out before the first of them is fetched
TASKS_A_PROCESS = 64  # a process that has done so many pieces gives its memory back

_contexts: dict[
    str, Any
] = {}  # of this process of a cluster: the last context, read once and not once a piece


class RayEngine:
    """Pieces as tasks of the Ray cluster that this process is connected to.

    Processes of the cluster read and write the work folder: several machines have to share its disk.
    """

    def map(self, function: Callable[[C, P], R], context: C, pieces: Sequence[P]) -> Iterator[R]:
        """As `Engine.map`.

        Raises:
            EngineError: The process of a piece was killed again and again.
        """
        ray = need("ray", extra="ray")
        task = ray.remote(num_cpus=1, max_retries=RETRIES, max_calls=TASKS_A_PROCESS)(_work)
        shared, shipped = ray.put(context), ray.put(function)
        ahead = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting: deque[Any] = deque()
        try:
            for piece in pieces:
                if len(waiting) >= ahead:
                    yield _result(ray, waiting.popleft())
                waiting.append(task.remote([shipped, shared], piece))
            while waiting:
                yield _result(ray, waiting.popleft())
        finally:
            for reference in waiting:
                ray.cancel(reference, force=False)


@contextmanager
def connected(address: str | None) -> Iterator[RayEngine]:
    """The cluster at an address, or the one that this process is connected to, else one of this machine.

    A connection that was there before stays; another one ends with the block.

    Raises:
        InvalidArgumentError: No cluster answers at the address.
        MissingExtraError: Ray is not installed.
    """
    ray = need("ray", extra="ray")
    if ray.is_initialized():
        yield RayEngine()
        return
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address is None:
            ray.init(address="local", num_cpus=parallel.cores(), include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InvalidArgumentError(f"engine={address!r}: no Ray cluster answers there: {error}") from error
    try:
        yield RayEngine()
    finally:
        ray.shutdown()


def _work(shared: list[Any], piece: P) -> Any:
    """One piece, in a process of the cluster: one core of it, since another process has the next one."""
    ray = need("ray", extra="ray")
    parallel.limit(1)
    function, context = shared
    key = context.hex()
    if key not in _contexts:
        _contexts.clear()
        _contexts[key] = ray.get(context)
    return ray.get(function)(_contexts[key], piece)


def _result(ray: Any, reference: Any) -> Any:
    """The result of a piece; an error in it as it was raised there."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise EngineError(
            f"A piece could not be worked on in {RETRIES + 1} attempts: {error}. Where its memory ended, "
            "give a lower memory_limit=. With the same workspace= the call goes on where it stopped."
        ) from error
