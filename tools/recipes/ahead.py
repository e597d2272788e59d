"""What a step of training wants, made by other processes before it is wanted."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Generic, TypeVar

AHEAD = 3  # steps that every process has in hand
T = TypeVar("T")
_maker: list[Callable[[int], Any]] = []  # of a process of its own


def _begin(start: Callable[[], Callable[[int], Any]]) -> None:
    _maker[:] = [start()]


def _make(number: int) -> Any:
    return _maker[0](number)


class Ahead(Generic[T]):
    """What is made for each step, by its number; that of the steps after it is begun.

    Args:
        start: Called once in every process, gives what makes the step of a number. It is sent there, so that
            it has to be a function of a module, with its arguments (`functools.partial`).
        workers: Processes; 0 makes every step when it is asked for.
    """

    def __init__(self, start: Callable[[], Callable[[int], T]], workers: int) -> None:
        self._pool: Any = None
        self._local: Callable[[int], T] | None = None
        self._next, self._waiting = 0, deque[Any]()
        self._workers = workers
        if workers:
            # not forked: a process that uses a GPU must not be
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(workers, context, _begin, (start,))
        else:
            self._local = start()

    def step(self, number: int) -> T:
        """What belongs to a step."""
        if self._local is not None:
            return self._local(number)
        if number != self._next:  # a run that goes on, or a trial before it
            self._waiting.clear()
            self._next = number
        while len(self._waiting) < AHEAD * self._workers:
            self._waiting.append(self._pool.submit(_make, self._next + len(self._waiting)))
        self._next += 1
        found: T = self._waiting.popleft().result()
        return found

    @property
    def ready(self) -> bool:
        """Whether the next step can be had without waiting for a process that is making it."""
        return not self._waiting or bool(self._waiting[0].done())

    def begin(self) -> None:
        """Wait until every process has read what it needs: what is timed next is not this."""
        if self._pool is not None:
            # a step each, and more: who is ready early takes those of others
            for number in range(2 * self._workers):
                self.step(number)

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
