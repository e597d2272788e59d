"""How far a long call is: a public call opens a display, and what it does names its stages."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from functools import lru_cache, wraps
from inspect import signature
from threading import Condition, Thread
from typing import Any, ParamSpec, TypeVar

from linktransformer.progress_view import Stage, View, view_of

__all__ = ["clear", "display", "displayed", "stage"]

DELAY = 0.7  # seconds: a call that is over sooner shows no bar
EVERY = 10.0  # seconds between two lines, and before the first one
STEP = 0.25  # seconds between two looks at what is open
LINGER = 1.0  # seconds that the thread outlives the last call: a loop of short calls starts one, not many

P = ParamSpec("P")
R = TypeVar("R")


def displayed(function: Callable[P, R]) -> Callable[P, R]:
    """Open a display for each call of a public function.

    Args:
        function: The function. Its argument `progress` or `progress_bar`, or for a method the attribute
            `progress`, says whether anything is shown: True at once, False never, None after a while.

    Returns:
        The same function, with a display.
    """
    names = list(signature(function).parameters)
    places = [(name, names.index(name)) for name in ("progress", "progress_bar") if name in names]
    method = names[:1] == ["self"]

    @wraps(function)
    def called(*arguments: P.args, **named: P.kwargs) -> R:
        given: list[Any] = [
            arguments[place] if place < len(arguments) else named.get(name) for name, place in places
        ]
        if method and not places:
            given = [getattr(arguments[0], "progress", None)]
        enabled = next((value for value in given if value is not None), None)
        with display(enabled, function.__name__):
            return function(*arguments, **named)

    return called


@contextmanager
def display(enabled: bool | None, call: str) -> Iterator[None]:
    """Show the stages of the block; a block in another one that has a display shares it.

    Args:
        enabled: True shows them at once: a bar on a terminal or in a notebook, lines elsewhere. None shows
            the bar once the block has taken `DELAY` seconds, and the lines every `EVERY` seconds. False
            shows nothing, also of the blocks inside.
        call: What is done, shown while no stage is open.

    Yields:
        Nothing.

    Example:
        >>> with display(False, "merge"), stage("encode", 10) as tick:
        ...     tick(10)
    """
    outer = _here()
    if outer is not None and (outer.view is None or enabled is not False):
        yield
        return
    mine, watch = _Display(enabled, call), _watch(os.getpid())
    token = _current.set(mine)
    try:
        if mine.view is not None:
            watch.add(mine)
        yield
    finally:
        if mine.view is not None and mine.process == os.getpid():
            watch.remove(mine)
        _current.reset(token)


@contextmanager
def stage(name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Name what a block does, for the display that is open; without one nothing happens.

    A stage directly in one of the same name counts as part of it.

    Args:
        name: What is done, in a word or two, such as "encode".
        total: How many items there are; None where that is not known.

    Yields:
        A function to be called with the number of items done since the last call.

    Example:
        >>> with stage("encode", 10) as tick:
        ...     tick(10)
    """
    here = _here()
    if here is None or here.view is None:
        yield _no_tick
        return
    stages = here.stages
    if stages and stages[-1].name == name:
        yield stages[-1].tick
        return
    mine = Stage(name, total, _now())
    stages.append(mine)
    try:
        yield mine.tick
    finally:
        stages.remove(mine)


def clear() -> None:
    """Take a bar away until it is drawn again, before a message is written."""
    here = _here()
    if here is not None and here.view is not None:
        _watch(here.process).clear(here)


class _Display:
    """What one call shows; only `_Watch` draws it, under its lock."""

    def __init__(self, enabled: bool | None, call: str) -> None:
        self.call, self.process, self.began = call, os.getpid(), _now()
        self.stages: list[Stage] = []
        self.at_once = bool(enabled)
        self.view: View | None = None
        if enabled is not False:
            self.view, redrawn = view_of(sys.stderr)
            wait, self._every = (DELAY, 0.0) if redrawn else (EVERY, EVERY)
            self._due = self.began + (0.0 if enabled else wait)
            self._context = copy_context()  # a notebook finds its cell by it

    def look(self, now: float) -> None:
        """Draw what is due."""
        if self.view is None or now < self._due:
            return
        while self._due <= now and self._every:
            self._due += self._every
        try:
            self._context.run(self.view.show, self.call, tuple(self.stages), self.began, now)
        except Exception:  # a stream that is closed or broken is no reason to stop the call
            self._due = float("inf")


class _Watch:
    """The displays that are open in this process, and the thread that draws them while there are any."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._open: list[_Display] = []
        self._thread: Thread | None = None
        self._last = 0.0  # when a display was last there

    def add(self, display: _Display) -> None:
        """Draw a display from now on."""
        with self._changed:
            self._open.append(display)
            if display.at_once:
                display.look(_now())
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="linktransformer-progress", daemon=True)
                with suppress(RuntimeError):  # the process may have no more threads, or is ending
                    self._thread.start()

    def remove(self, display: _Display) -> None:
        """Take a display away."""
        with self._changed:
            with suppress(ValueError):
                self._open.remove(display)
            self._last = _now()
            if display.view is not None:
                with suppress(Exception):  # as in `look`
                    display.view.close()

    def clear(self, display: _Display) -> None:
        """Take a bar away until it is drawn again."""
        with self._changed, suppress(Exception):
            if display.view is not None:
                display.view.clear()

    def _run(self) -> None:
        with self._changed:
            while True:
                now = _now()
                for display in tuple(self._open):
                    display.look(now)
                if not self._open and now - self._last >= LINGER:
                    self._thread = None
                    return
                self._changed.wait(STEP)


_current: ContextVar[_Display | None] = ContextVar("linktransformer_progress", default=None)
_now = time.monotonic


@lru_cache(maxsize=1)
def _watch(process: int) -> _Watch:
    """Of this process: after a fork neither the thread nor its lock can be relied upon."""
    return _Watch()


def _here() -> _Display | None:
    """The display that is open, unless it is that of the process which this one was forked from."""
    found = _current.get()
    return found if found is None or found.process == os.getpid() else None


def _no_tick(n: int) -> None:
    """Count nothing."""
