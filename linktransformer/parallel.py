"""Threads: how many a call may use, and chunks of array work on all of them.

NumPy, SciPy, RapidFuzz and onnxruntime release the interpreter's lock in long steps, so that chunks of their
work run side by side. No result depends on the number of threads.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from threading import local
from typing import TypeVar

__all__ = ["chunks", "cores", "limit", "mapped"]

T = TypeVar("T")
R = TypeVar("R")

_most = 2**31  # cores, as `limit` set it
_here = local()  # what a thread of the pool does may ask for threads too: it does that work itself


def limit(n: int) -> None:
    """Use at most so many cores in this process from now on: other processes have the others."""
    global _most
    _most = n


def cores() -> int:
    """How many cores this process may use."""
    return min(_most, _available())


def _available() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chunks(n: int, step: int) -> list[slice]:
    """The numbers below n in runs of `step`; none for none.

    Example:
        >>> [(part.start, part.stop) for part in chunks(5, 2)]
        [(0, 2), (2, 4), (4, 5)]
    """
    return [slice(start, min(n, start + step)) for start in range(0, n, step)]


def mapped(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Call a function with each item, in threads, and yield the results in the order of the items.

    At most as many items as there are cores are worked on or wait to be fetched, so that memory is bounded.
    One item, or one core, or a call from inside of another one, starts no thread.

    Example:
        >>> list(mapped(abs, [-2, 1]))
        [2, 1]
    """
    listed, n_threads = list(items), cores()
    if len(listed) < 2 or n_threads < 2 or getattr(_here, "works", False):
        yield from map(function, listed)
        return
    pool, waiting = _pool(os.getpid(), n_threads), deque[Future[R]]()
    try:
        for item in listed:
            if len(waiting) >= n_threads:
                yield waiting.popleft().result()
            waiting.append(pool.submit(_work, function, item))
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _work(function: Callable[[T], R], item: T) -> R:
    _here.works = True
    return function(item)


@lru_cache(maxsize=1)
def _pool(process: int, n_threads: int) -> ThreadPoolExecutor:
    """The threads of a process, started when they are first needed: a fork has none of its parent's."""
    return ThreadPoolExecutor(n_threads, thread_name_prefix="linktransformer")
