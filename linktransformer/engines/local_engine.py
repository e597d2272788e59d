"""LocalEngine: pieces in this process, the next one read while one is searched."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

__all__ = ["LocalEngine"]

C = TypeVar("C")
P = TypeVar("P")
R = TypeVar("R")

AT_ONCE = 2  # pieces in memory; the steps of one use all cores where they can


class LocalEngine:
    """Pieces in threads of this process, two at a time."""

    def map(self, function: Callable[[C, P], R], context: C, pieces: Sequence[P]) -> Iterator[R]:
        """As `Engine.map`.

        Example:
            >>> list(LocalEngine().map(divmod, 7, [2, 3]))
            [(3, 1), (2, 1)]
        """
        if len(pieces) < 2:
            yield from (function(context, piece) for piece in pieces)
            return
        waiting: deque[Future[R]] = deque()
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="linktransformer-piece")
        try:
            for piece in pieces:
                if len(waiting) >= AT_ONCE:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(copy_context().run, function, context, piece))
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
