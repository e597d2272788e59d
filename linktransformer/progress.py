"""Progress of long calls: a public call opens a display, and the code inside names its stages."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from functools import lru_cache, wraps
from inspect import signature
from threading import Condition, Thread
from typing import ParamSpec, TypeVar, cast

from linktransformer.errors import LinkWarning
from linktransformer.progress_view import Stage, View, view_of

__all__ = ["clear", "display", "displayed", "stage", "warn"]

DELAY = 0.7  # seconds: a shorter call shows no bar
INTERVAL = 10.0  # seconds between two lines, and before the first one
STEP = 0.25  # seconds between two redraws
LINGER = 1.0  # seconds that the thread outlives the last call: a loop of short calls starts one, not many

P = ParamSpec("P")
R = TypeVar("R")


def displayed(function: Callable[P, R]) -> Callable[P, R]:
    """Open a display for each call of a public function.

    The argument `progress` or `progress_bar` of the function, or the attribute `progress` of its object, is
    the `enabled` of the display.
    """
    names = list(signature(function).parameters)
    places = [(name, names.index(name)) for name in ("progress", "progress_bar") if name in names]
    method = names[:1] == ["self"]

    @wraps(function)
    def called(*arguments: P.args, **named: P.kwargs) -> R:
        values: list[object] = [
            arguments[place] if place < len(arguments) else named.get(name) for name, place in places
        ]
        if method and not places:
            values = [getattr(arguments[0], "progress", None)]
        enabled = next((value for value in values if value is not None), None)
        with display(cast("bool | None", enabled), function.__name__):
            return function(*arguments, **named)

    return called


@contextmanager
def display(enabled: bool | None, call: str) -> Iterator[None]:
    """Show the stages of a block; a block inside another one with a display shares that display.

    `enabled` True shows them at once: a bar on a terminal or in a notebook, lines elsewhere. None shows the
    bar after `DELAY` seconds, and a line every `INTERVAL` seconds. False shows nothing, nor
    do the blocks inside. `call` is shown while no stage is open.

    Example:
        >>> with display(False, "merge"), stage("encode", 10) as tick:
        ...     tick(10)
    """
    outer = _current_display()
    if outer is not None and (outer.view is None or enabled is not False):
        yield
        return
    own, watch = _Display(enabled, call), _watch(os.getpid())
    token = _current.set(own)
    try:
        if own.view is not None:
            watch.add(own)
        yield
    finally:
        if own.view is not None and own.process == os.getpid():
            watch.remove(own)
        _current.reset(token)


@contextmanager
def stage(name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Name the work of a block for the open display; the result counts items done since its last call.

    `total` is the number of items, None if not known. A stage directly inside one of the same name is part of
    it.

    Example:
        >>> with stage("encode", 10) as tick:
        ...     tick(10)
    """
    current = _current_display()
    if current is None or current.view is None:
        yield _no_tick
        return
    stages = current.stages
    if stages and stages[-1].name == name:
        yield stages[-1].tick
        return
    new = Stage(name, total, _now())
    stages.append(new)
    try:
        yield new.tick
    finally:
        stages.remove(new)


def clear() -> None:
    """Remove the bar until it is drawn again, before a message is written."""
    current = _current_display()
    if current is not None and current.view is not None:
        _watch(current.process).clear(current)


def warn(text: str) -> None:
    """Emit a `LinkWarning` at the first line outside this package, with the bar out of the way."""
    clear()
    level, frame, package = 1, sys._getframe(0), __name__.partition(".")[0]
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).split(".")[0] == package:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, LinkWarning, stacklevel=level)


class _Display:
    """The display of one call; only `_Watch` draws it, under its lock."""

    def __init__(self, enabled: bool | None, call: str) -> None:
        self.call, self.process, self.began = call, os.getpid(), _now()
        self.stages: list[Stage] = []
        self.at_once = bool(enabled)
        self.view: View | None = None
        if enabled is not False:
            self.view, redrawn = view_of(sys.stderr)
            wait, self._interval = (DELAY, 0.0) if redrawn else (INTERVAL, INTERVAL)
            self._due = self.began + (0.0 if enabled else wait)
            self._context = copy_context()  # a notebook finds its cell by the context

    def look(self, now: float) -> None:
        """Draw what is due."""
        if self.view is None or now < self._due:
            return
        while self._due <= now and self._interval:
            self._due += self._interval
        try:
            self._context.run(self.view.show, self.call, tuple(self.stages), self.began, now)
        except Exception:  # a closed or broken stream must not stop the call
            self._due = float("inf")


class _Watch:
    """The open displays of this process, and the thread that draws them while there are any."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._open: list[_Display] = []
        self._thread: Thread | None = None
        self._last = 0.0  # when a display was last removed

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
        """Stop drawing a display."""
        with self._changed:
            with suppress(ValueError):
                self._open.remove(display)
            self._last = _now()
            if display.view is not None:
                with suppress(Exception):  # as in `look`
                    display.view.close()

    def clear(self, display: _Display) -> None:
        """Remove a bar until it is drawn again."""
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
    """The watch of a process: after a fork neither the thread nor its lock can be used."""
    return _Watch()


def _current_display() -> _Display | None:
    """The open display, unless it belongs to the process from which this one was forked."""
    current = _current.get()
    return current if current is None or current.process == os.getpid() else None


def _no_tick(n: int) -> None:
    """Count nothing."""
