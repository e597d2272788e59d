"""One progress bar a long stage, with rate and time left; on a terminal or notebook only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["bar"]

DELAY = 2.0  # seconds: a stage that is over sooner shows nothing


@contextmanager
def bar(total: int | None, stage: str, enabled: bool | None = None) -> Iterator[Callable[[int], None]]:
    """Show how far a stage is, for as long as the block runs.

    Args:
        total: How many items the stage has; None when that is not known.
        stage: What is being done, in one word or two, such as "encode".
        enabled: True shows the bar always, False never; None on a terminal or
            notebook, and only once the stage has taken two seconds.

    Yields:
        A function to be called with the number of items done since the last call.

    Example:
        >>> with bar(10, "encode", enabled=False) as tick:
        ...     for _ in range(10):
        ...         tick(1)
    """
    if enabled is False or (enabled is None and not (_in_notebook() or _on_terminal())):
        yield _no_tick
        return
    from tqdm import auto, std

    kind = auto.tqdm if _in_notebook() else std.tqdm
    delay = 0.0 if enabled else DELAY
    with kind(total=total, desc=stage, delay=delay, leave=False, dynamic_ncols=True) as shown:

        def tick(n: int) -> None:
            shown.update(n)

        yield tick


def _no_tick(n: int) -> None:
    """Count nothing."""


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _in_notebook() -> bool:
    return "ipykernel" in sys.modules
