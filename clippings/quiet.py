"""Bars and warnings of other packages, held back while they work for us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

__all__ = ["no_bars"]


@contextmanager
def no_bars() -> Iterator[None]:
    """Hold back the progress bars of transformers: reading and writing weights is over before one is seen.

    Yields:
        Nothing; afterwards bars are as they were before.
    """
    try:
        logs = import_module("transformers.utils.logging")
    except ModuleNotFoundError:
        yield
        return
    shown = logs.is_progress_bar_enabled()
    logs.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logs.enable_progress_bar()
