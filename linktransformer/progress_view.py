"""Display of stages: a bar on a terminal or in a notebook, plain lines in any other stream."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Protocol, TextIO, TypeAlias

__all__ = ["Bar", "Lines", "Stage", "View", "line", "view_of"]

Tqdm: TypeAlias = Any  # a library without types
PROGRAM = "linktransformer"
COLUMNS, ROWS = 80, 24  # of a terminal of unknown size
NOT_YET = 1e-9  # seconds: no bar is drawn before there is a stage
MINUTES_FROM, HOURS_FROM = 120, 7200  # seconds


class Stage:
    """A part of a call that is running: its name, number of items (None for unknown) and start in seconds."""

    __slots__ = ("began", "done", "name", "total")

    def __init__(self, name: str, total: int | None, began: float) -> None:
        self.name, self.total, self.began, self.done = name, total, began, 0

    def tick(self, n: int) -> None:
        """Count n items as done."""
        self.done += n


class View(Protocol):
    """A display of stages."""

    def show(self, call: str, stages: Sequence[Stage], began: float, now: float) -> None:
        """Show the open stages, outermost first, of a call that began at some time."""

    def clear(self) -> None:
        """Make room for a message until the next `show`."""

    def close(self) -> None:
        """Remove everything that would disturb other output."""


def view_of(stream: TextIO | None) -> tuple[View | None, bool]:
    """The view for standard error (None where a process has none), and whether it is redrawn continuously."""
    notebook = "ipykernel" in sys.modules
    if stream is None:
        return None, False
    try:
        terminal = stream.isatty()
    except (AttributeError, ValueError):  # no real stream, or a closed one
        terminal = False
    if notebook or terminal:
        return Bar(stream, notebook=notebook and find_spec("ipywidgets") is not None), True
    return Lines(stream), False


class Lines:
    """One plain line each time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, call: str, stages: Sequence[Stage], began: float, now: float) -> None:
        """Write a line."""
        self._stream.write(line(call, stages, began, now) + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Nothing: lines stay."""

    def close(self) -> None:
        """Nothing: lines stay."""


class Bar:
    """A bar of tqdm, or its notebook widget, redrawn for each stage and removed at the end."""

    def __init__(self, stream: TextIO, *, notebook: bool = False) -> None:
        self._stream, self._notebook = stream, notebook
        self._bar: Tqdm | None = None
        self._shown: Stage | None = None

    def show(self, call: str, stages: Sequence[Stage], began: float, now: float) -> None:
        """Draw the innermost stage with a known total, after the names of all."""
        if self._bar is None:
            self._bar = self._new()
        counted = _counted(stages)
        age = now - (stages[-1].began if stages else began)
        done, total = 0, None
        if counted is not None:
            age, done, total = now - counted.began, counted.done, counted.total
        text = ", ".join(_described(stage, bare=stage is counted) for stage in stages) or call
        self._bar.bar_format = "{desc} [{elapsed}]" if counted is None else None
        self._bar.set_description_str(text if counted is None else f"{text}: ", refresh=False)
        if counted is not self._shown:
            self._bar.reset(total)  # a widget has a total of its own
            self._shown = counted
        self._bar.total, self._bar.n = total, done
        self._bar.start_t = time.time() - age
        self._bar.refresh()

    def clear(self) -> None:
        """Remove the bar until it is drawn again."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _new(self) -> Tqdm:
        from tqdm import std

        kind = std.tqdm
        if self._notebook:
            from tqdm import notebook

            kind = notebook.tqdm
        kind = type("Bar", (kind,), {"monitor_interval": 0})  # no second thread
        size: dict[str, int] = {"dynamic_ncols": True}
        if not _has_size(self._stream):
            size = {"ncols": COLUMNS, "nrows": ROWS}
        return kind(file=self._stream, leave=False, delay=NOT_YET, **size)


def _has_size(stream: TextIO) -> bool:
    """Whether a terminal reports its size; tqdm writes nothing where it is 0."""
    try:
        return os.get_terminal_size(stream.fileno()).columns > 0
    except (AttributeError, OSError, ValueError):  # no terminal: tqdm handles it
        return True


def line(call: str, stages: Sequence[Stage], began: float, now: float) -> str:
    """One line about a call: its name, open stages (outermost first), start and the time, in seconds.

    Example:
        >>> encode = Stage("encode", 48_000, 100.0)
        >>> encode.tick(12_000)
        >>> line("merge", [encode], 98.0, 110.0)
        'linktransformer: encode 12,000 of 48,000 (25 %), 30 s left'
        >>> line("merge", [Stage("search", None, 105.0)], 98.0, 110.0)
        'linktransformer: search, 12 s so far'
    """
    parts = [_described(stage) for stage in stages] or [call]
    counted = _counted(stages)
    if counted is not None and counted.total:
        done = min(counted.done, counted.total)
        parts[list(stages).index(counted)] += f" ({100 * done // counted.total} %)"
        if done and now > counted.began:
            left = (counted.total - done) * (now - counted.began) / done
            return f"{PROGRAM}: {', '.join(parts)}, {_duration(left)} left"
    so_far = f", {_duration(now - began)} so far" if now - began >= 1 else ""
    return f"{PROGRAM}: {', '.join(parts)}{so_far}"


def _counted(stages: Sequence[Stage]) -> Stage | None:
    """The innermost stage with a total; without any, the innermost one that has counted something."""
    with_total = [stage for stage in stages if stage.total is not None]
    counted = with_total or [stage for stage in stages if stage.done]
    return counted[-1] if counted else None


def _described(stage: Stage, *, bare: bool = False) -> str:
    if bare or (stage.total is None and not stage.done):
        return stage.name
    if stage.total is None:
        return f"{stage.name} {stage.done:,}"
    return f"{stage.name} {min(stage.done, stage.total):,} of {stage.total:,}"


def _duration(seconds: float) -> str:
    if seconds < MINUTES_FROM:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < HOURS_FROM else f"{seconds / 3600:.1f} h"
