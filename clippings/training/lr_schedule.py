"""The learning rate of every step: a warm-up, then a decay."""

from __future__ import annotations

import math

from clippings.errors import TrainingError

DECAYS = ("linear", "cosine", "none", "restarts")
FIRST_CYCLE = 10


def rate(step: int, steps: int, *, warmup: float = 0.1, decay: str = "linear") -> float:
    """The share of the full learning rate at a step, above 0 and up to 1.

    `warmup` is the share of the steps in which it rises. The decay is "linear", "cosine", "none", or
    "restarts": a cosine again and again, over 10 steps, 20, 40 and so on (I. Loshchilov, F. Hutter, SGDR,
    2017).

    Example:
        >>> [round(rate(step, 10, warmup=0.2), 2) for step in range(10)]
        [0.5, 1.0, 1.0, 0.88, 0.75, 0.62, 0.5, 0.38, 0.25, 0.12]
    """
    if not 0 <= warmup < 1 or decay not in DECAYS:
        raise TrainingError(
            f"The learning rate has no such course. Given: warmup={warmup!r}, decay={decay!r}. Give a share "
            f"of the steps from 0 and below 1, and one of {DECAYS}."
        )
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    if decay == "restarts":
        # cycle c begins at FIRST_CYCLE * (2**c - 1)
        done = step - rising
        cycle = (done // FIRST_CYCLE + 1).bit_length() - 1
        begun, length = FIRST_CYCLE * (2**cycle - 1), FIRST_CYCLE * 2**cycle
        return 0.5 * (1 + math.cos(math.pi * (done - begun) / length))
    left = (steps - step) / max(1, steps - rising)
    if decay == "cosine":
        return 0.5 * (1 - math.cos(math.pi * left))
    return left if decay == "linear" else 1.0
